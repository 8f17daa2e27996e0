"""Merges prefix tables into one: prefix → entry, where attributes flow from wider to narrower prefixes.

Each prefix starts with what the prefix around it ended up with, then overlays what the tables say about it: an
attribute is replaced unless it was set by a table of a higher priority. So a /24 with only a customer inherits the site
of the /16 around it, and a country corrected by hand for a /16 stays corrected under the /24s of a downloaded database.
Equal sets of attributes become one *entry*; entry 0 is "nothing known".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from weft.enrich.ids import Content, IdRegistry
from weft.enrich.lpm import PrefixIndex, Ranges, build_index
from weft.enrich.prefixes import CLEARED, PrefixRows, PrefixTable


@dataclass(frozen=True, slots=True)
class Merged:
    """All prefix tables as one: what kernels read and what the networks dictionary must say."""

    index: PrefixIndex
    entries: NDArray[np.uint32]  # [entries, 2]: AS number, network id
    networks: Mapping[int, Content]  # network id → attributes
    prefixes: int  # rows that went in

    @property
    def has_asn(self) -> bool:
        """Whether any entry knows an AS."""
        return bool(self.entries[:, 0].any())

    @property
    def has_networks(self) -> bool:
        """Whether any entry has attributes."""
        return bool(self.networks)


def merge(tables: Sequence[PrefixTable], ids: IdRegistry) -> Merged:
    """Build the lookup tables. ``tables`` come in the order listed: of equals the first wins."""
    columns = sorted({name for table in tables for name in table.columns} - {"asn"})
    names = ["asn", *columns]
    interned: dict[str, dict[str, int]] = {name: {} for name in columns}
    # Later rows win below, so the strongest table comes last.
    ordered = [table for _, table in sorted(enumerate(tables), key=lambda item: (item[1].priority, -item[0]))]
    remaps = [_remap(table, interned) for table in ordered]
    parts4 = [(table.v4, table, remap) for table, remap in zip(ordered, remaps, strict=True)]
    parts6 = [(table.v6, table, remap) for table, remap in zip(ordered, remaps, strict=True)]
    codes: list[NDArray[np.uint32]] = [np.zeros((1, len(names)), np.uint32)]
    ranges4, codes4 = _flatten(parts4, names, wide=False, base=1)
    codes.append(codes4)
    ranges6, codes6 = _flatten(parts6, names, wide=True, base=1 + len(codes4))
    codes.append(codes6)
    entries, networks = _number(np.concatenate(codes), columns, interned, ids)
    return Merged(build_index(ranges4, ranges6), entries, networks, sum(len(table) for table in tables))


def ranges_of(
    high: NDArray[np.uint64], low: NDArray[np.uint64], length: NDArray[np.uint8], code: NDArray[np.uint32],
    is_v4: NDArray[np.bool_],
) -> tuple[PrefixIndex, NDArray[np.uint32]]:  # fmt: skip
    """Lookup tables of prefixes that have one code each (not 0), and the code of each entry; that of entry 0 is 0.

    ``high`` and ``low`` are the prefix as a number of 128 bits, IPv4 mapped; lengths are in the family's own bits.
    """
    codes, ranges = [np.zeros(1, np.uint32)], []
    for wide in (False, True):
        own = is_v4 != wide
        if not own.any():
            none = np.zeros(1, np.uint64)
            ranges.append(Ranges(none, none, np.zeros(1, np.uint32)))
            continue
        own_high = high[own] if wide else low[own] << np.uint64(32)
        own_low = low[own] if wide else np.zeros(1, np.uint64)
        bits = length[own]
        order = np.lexsort((bits, own_low, own_high)) if wide else np.argsort(own_high | bits, kind="stable")
        base = np.uint32(sum(map(len, codes)))
        *starts, entries = _sweep(
            own_high, own_low, bits, np.zeros(len(bits), np.int32), code[own].reshape(-1, 1), order, base, wide
        )
        ranges.append(Ranges(*starts))
        codes.append(entries[:, 0])
    return build_index(*ranges), np.concatenate(codes)


def _remap(table: PrefixTable, interned: dict[str, dict[str, int]]) -> dict[str, NDArray[np.uint32]]:
    """For each text column of ``table``, its codes → codes shared by all tables."""
    remaps = {}
    for name, texts in zip(table.columns, table.texts, strict=True):
        if name == "asn":
            continue
        shared = interned[name]
        remaps[name] = np.array([0, *(shared.setdefault(text, len(shared) + 1) for text in texts)], np.uint32)
    return remaps


def _flatten(
    parts: Sequence[tuple[PrefixRows, PrefixTable, dict[str, NDArray[np.uint32]]]],
    names: Sequence[str],
    *,
    wide: bool,
    base: int,
) -> tuple[Ranges, NDArray[np.uint32]]:
    """Sort one family's rows and sweep over them; entries are numbered from ``base``."""
    total = sum(len(rows) for rows, _, _ in parts)
    if not total:
        none = np.zeros(1, np.uint64)
        return Ranges(none, none, np.zeros(1, np.uint32)), np.zeros((0, len(names)), np.uint32)
    codes = np.zeros((total, len(names)), np.uint32)
    at = 0
    for rows, table, remap in parts:
        for k, name in enumerate(table.columns):
            column = rows.codes[:, k]
            if name != "asn":
                cleared = column == CLEARED
                column = remap[name][np.where(cleared, 0, column)]
                column[cleared] = CLEARED
            codes[at : at + len(rows), names.index(name)] = column
        at += len(rows)
    high = np.concatenate([rows.high for rows, _, _ in parts])
    length = np.concatenate([rows.length for rows, _, _ in parts])
    priority = np.concatenate([np.full(len(rows), table.priority, np.int32) for rows, table, _ in parts])
    low = np.concatenate([rows.low for rows, _, _ in parts]) if wide else np.zeros(1, np.uint64)
    # An IPv4 prefix leaves the lower 32 bits free, so one key sorts by address, then length. Both sorts are stable.
    order = np.lexsort((length, low, high)) if wide else np.argsort(high | length, kind="stable")
    b_high, b_low, b_value, entries = _sweep(high, low, length, priority, codes, order, np.uint32(base), wide)
    return Ranges(b_high, b_low, b_value), entries


@numba.njit(cache=True, nogil=True)
def _sweep(high, low, length, priority, codes, order, base, wide):  # type: ignore[no-untyped-def]
    """Walk the prefixes from left to right, wider ones first, with the prefixes around the current one on a stack.

    Returns the starts and entries of disjoint ranges, and the distinct rows of attributes.
    """
    n, attributes = len(order), codes.shape[1]
    ones, zero, one = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(0), np.uint64(1)
    cap = 2 * n + 1
    b_high, b_low, b_value = np.zeros(cap, np.uint64), np.zeros(cap if wide else 1, np.uint64), np.zeros(cap, np.uint32)
    m = 1  # the first range starts at zero and knows nothing
    end_high, end_low = np.empty(131, np.uint64), np.empty(131, np.uint64)
    level, rank = np.zeros((131, attributes), np.uint32), np.full((131, attributes), -(1 << 30), np.int32)
    level_entry = np.zeros(131, np.uint32)
    size = 1 << 4
    slots, entries, used = np.zeros(size, np.uint32), np.empty((16, attributes), np.uint32), 0
    top = i = 0
    while i <= n:
        if i < n:
            row = order[i]
            hi, lo, bits = high[row], low[row] if wide else zero, length[row]
        # Leave the prefixes that end before this one; what follows them belongs to the prefix around.
        while top > 0 and (i == n or end_high[top] < hi or (end_high[top] == hi and end_low[top] < lo)):
            eh, el = end_high[top], end_low[top]
            top -= 1
            if eh == ones and el == ones:
                continue
            nh, nl = (eh, el + one) if el != ones else (eh + one, zero)
            m = _emit(b_high, b_low, b_value, m, nh, nl, level_entry[top], wide)
        if i == n:
            break
        top += 1
        for k in range(attributes):
            level[top, k], rank[top, k] = level[top - 1, k], rank[top - 1, k]
        while i < n:
            row = order[i]
            if high[row] != hi or length[row] != bits or (wide and low[row] != lo):
                break
            for k in range(attributes):
                code = codes[row, k]
                if code and priority[row] >= rank[top, k]:
                    level[top, k] = np.uint32(0) if code == np.uint32(0xFFFFFFFF) else code
                    rank[top, k] = priority[row]
            i += 1
        if used * 2 >= size:
            size *= 4
            slots = _rehash(entries, used, size)
        if used == len(entries):
            grown = np.empty((len(entries) * 2, attributes), np.uint32)
            grown[:used] = entries[:used]
            entries = grown
        slot = _slot(slots, entries, level[top])
        if slots[slot] == 0:
            entries[used] = level[top]
            used += 1
            slots[slot] = used
        level_entry[top] = base + slots[slot] - np.uint32(1)
        m = _emit(b_high, b_low, b_value, m, hi, lo, level_entry[top], wide)
        if bits <= 64:
            end_high[top] = hi | (ones >> np.uint64(bits)) if bits < 64 else hi
            end_low[top] = ones
        else:
            end_high[top] = hi
            end_low[top] = lo | (ones >> np.uint64(bits - 64)) if bits < 128 else lo
    lows = b_low[:m].copy() if wide else np.zeros(m, np.uint64)
    return b_high[:m].copy(), lows, b_value[:m].copy(), entries[:used].copy()


@numba.njit(cache=True, nogil=True)
def _emit(b_high, b_low, b_value, m, hi, lo, value, wide):  # type: ignore[no-untyped-def]
    """Start a range, replacing one that would be empty and joining it to one of the same value."""
    if b_high[m - 1] == hi and (not wide or b_low[m - 1] == lo):
        b_value[m - 1] = value
        return m
    if b_value[m - 1] == value:
        return m
    b_high[m], b_value[m] = hi, value
    if wide:
        b_low[m] = lo
    return m + 1


@numba.njit(cache=True, nogil=True)
def _slot(slots, entries, row):  # type: ignore[no-untyped-def]
    """Where ``row`` is, or should go, in an open-addressed table of 1 + entry number."""
    code = np.uint64(14695981039346656037)
    for k in range(len(row)):
        code = (code ^ np.uint64(row[k])) * np.uint64(1099511628211)
        code ^= code >> np.uint64(29)
    mask = np.uint64(len(slots) - 1)
    at = code & mask
    while slots[at]:
        same = True
        for k in range(len(row)):
            if entries[slots[at] - 1, k] != row[k]:
                same = False
                break
        if same:
            break
        at = (at + np.uint64(1)) & mask
    return at


@numba.njit(cache=True, nogil=True)
def _rehash(entries, used, size):  # type: ignore[no-untyped-def]
    """A larger table of the same entries."""
    slots = np.zeros(size, np.uint32)
    for i in range(used):
        slots[_slot(slots, entries, entries[i])] = i + 1
    return slots


def _number(
    codes: NDArray[np.uint32], columns: Sequence[str], interned: dict[str, dict[str, int]], ids: IdRegistry
) -> tuple[NDArray[np.uint32], dict[int, Content]]:
    """AS number and network id of each entry, and the content of each network id."""
    entries = np.zeros((len(codes), 2), np.uint32)
    entries[:, 0] = codes[:, 0]
    if not columns:
        return entries, {}
    distinct, back = _distinct(np.ascontiguousarray(codes[:, 1:]))
    texts = [["", *interned[name]] for name in columns]  # a dict keeps the order its codes were given in
    contents: list[Content] = [
        tuple((name, words[code]) for name, words, code in zip(columns, texts, row, strict=True) if code)
        for row in distinct.tolist()
    ]
    numbers = ids.ids_of(contents)
    entries[:, 1] = np.array([numbers[content] for content in contents], np.uint32)[back]
    return entries, {numbers[content]: content for content in contents if content}


@numba.njit(cache=True, nogil=True)
def _distinct(codes):  # type: ignore[no-untyped-def]
    """The distinct rows in order of first appearance, and for each row the number of its equal among them."""
    n = len(codes)
    size = 16
    while size < 2 * n:
        size *= 2
    slots, rows, back, used = np.zeros(size, np.uint32), np.empty_like(codes), np.empty(n, np.int64), 0
    for i in range(n):
        slot = _slot(slots, rows, codes[i])
        if slots[slot] == 0:
            rows[used] = codes[i]
            used += 1
            slots[slot] = used
        back[i] = np.int64(slots[slot]) - 1
    return rows[:used].copy(), back
