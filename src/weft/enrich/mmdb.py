"""Reads MaxMind-format databases (``.mmdb``, format version 2) into a table of prefixes.

The search tree is walked by a compiled loop and each distinct record is decoded once, so a database of millions of
networks is read in seconds. Aliases of the IPv4 part of the tree (``::ffff:0:0/96``, ``2002::/16`` …) are passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import maxminddb
import maxminddb.decoder
import numba
import numpy as np
from numpy.typing import NDArray

from weft.enrich.prefixes import PrefixRows, PrefixTable
from weft.enrich.report import Report
from weft.enrich.values import clean_text, parse_asn
from weft.errors import InvalidInput

#: Where databases in common use keep an attribute, tried in order.
DEFAULT_COLUMNS: dict[str, tuple[str, ...]] = {
    "asn": ("autonomous_system_number", "asn", "as_number", "traits.autonomous_system_number"),
    "country": ("country.iso_code", "country_code", "country"),
}
_AS_NAME = ("autonomous_system_organization", "as_name", "as_organization", "traits.autonomous_system_organization")
_MOST_NETWORKS = 20_000_000
_SEPARATOR = 16
#: What the decoder raises on damaged records.
_DAMAGE = (InvalidInput, maxminddb.InvalidDatabaseError, LookupError, TypeError, ValueError, OverflowError,
           RecursionError, struct.error)  # fmt: skip


def load_mmdb(path: Path, columns: Mapping[str, str], priority: int) -> tuple[PrefixTable, Report]:
    """Read a database. ``columns`` maps attributes to field paths; empty = the usual ones.

    Raises:
        InvalidInput: the file is missing, damaged, or holds nothing of use.
    """
    where = str(path)
    try:
        with maxminddb.open_database(path, maxminddb.MODE_FILE) as reader:
            metadata = reader.metadata()
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"cannot be read: {error.strerror or error}", where=where, fix="Check the path and its permissions"
        ) from error
    except (maxminddb.InvalidDatabaseError, ValueError, TypeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"is not a MaxMind-format database: {error}", where=where, fix="Download it again"
        ) from error
    tree_size = metadata.node_count * metadata.record_size // 4
    if metadata.record_size not in {24, 28, 32} or tree_size + _SEPARATOR > len(data):
        raise InvalidInput("its search tree is damaged", where=where, fix="Download it again")
    high, low, length, record, complete = _walk(
        np.frombuffer(data, np.uint8),
        metadata.node_count,
        metadata.record_size,
        metadata.ip_version == 6,
        _MOST_NETWORKS,
    )
    if not complete:
        raise InvalidInput("its search tree is damaged or too large", where=where, fix="Download it again")
    report = Report(rows=len(high))
    offsets, back = np.unique(record, return_inverse=True)
    decoder = maxminddb.decoder.Decoder(data, tree_size + _SEPARATOR)
    decode: Callable[[int], Any] = lambda offset: decoder.decode(offset - metadata.node_count + tree_size)[0]  # noqa: E731
    codes, names, texts, as_names = _attributes(offsets, decode, columns, report)
    if not names:
        raise InvalidInput("holds none of the wanted fields", where=where, fix="Set 'columns' for this database")
    for k, name in enumerate(names):
        report.filled[name] = int(np.count_nonzero(codes[back, k]))
    is4 = length >= 128  # the walk marks IPv4 by adding 128 to the length
    useful = codes[back].any(axis=1)
    v4, v6 = (
        PrefixRows(high[which], low[which], (length[which] & 0x7F).astype(np.uint8) if family == 4 else length[which],
                   codes[back[which]])
        for family, which in ((4, useful & is4), (6, useful & ~is4))
    )  # fmt: skip
    return PrefixTable(tuple(names), texts, v4, v6, priority, as_names), report


def _attributes(
    offsets: NDArray[np.int64], decode: Callable[[int], Any], columns: Mapping[str, str], report: Report
) -> tuple[NDArray[np.uint32], list[str], tuple[tuple[str, ...], ...], dict[int, str]]:
    """Codes of each distinct record, the attributes found, their texts, and AS names met on the way."""
    paths = {name: (path,) for name, path in columns.items()} or DEFAULT_COLUMNS
    interned: dict[str, dict[str, int]] = {name: {} for name in paths}
    codes = np.zeros((len(offsets), len(paths)), np.uint32)
    as_names: dict[int, str] = {}
    for i, offset in enumerate(offsets.tolist()):
        try:
            value = decode(offset)
            for k, (name, candidates) in enumerate(paths.items()):
                text = _field(value, candidates)
                if not text:
                    continue
                if name == "asn":
                    codes[i, k] = number = parse_asn(text)
                    organisation = _field(value, _AS_NAME)
                    if organisation:
                        as_names[number] = clean_text(organisation)
                else:
                    known = interned[name]
                    codes[i, k] = known.setdefault(clean_text(text), len(known) + 1)
        except _DAMAGE as error:
            report.bad(f"record at {offset}", error)
    kept = [k for k in range(len(paths)) if codes[:, k].any()]
    names = [list(paths)[k] for k in kept]
    return np.ascontiguousarray(codes[:, kept]), names, tuple(tuple(interned[name]) for name in names), as_names


def _field(record: Any, candidates: tuple[str, ...]) -> str:
    """The first candidate path that leads to a text or number."""
    for path in candidates:
        value = record
        for part in path.split("."):
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            else:
                value = None
                break
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
    return ""


@numba.njit(cache=True, nogil=True)
def _child(data, node, side, bits):  # type: ignore[no-untyped-def]
    """Left (0) or right (1) record of a node."""
    if bits == 28:
        at = node * 7
        if side == 0:
            return (np.int64(data[at + 3] >> 4) << 24) | (
                np.int64(data[at]) << 16 | np.int64(data[at + 1]) << 8 | np.int64(data[at + 2])
            )
        return (np.int64(data[at + 3] & 15) << 24) | (
            np.int64(data[at + 4]) << 16 | np.int64(data[at + 5]) << 8 | np.int64(data[at + 6])
        )
    size = bits // 8
    at = node * size * 2 + side * size
    value = np.int64(0)
    for i in range(size):
        value = value << 8 | np.int64(data[at + i])
    return value


@numba.njit(cache=True, nogil=True)
def _walk(data, nodes, bits, wide, most):  # type: ignore[no-untyped-def]
    """Networks of the tree: high and low 64 bits, length (+ 128 for IPv4), record; whether it came to its end.

    IPv4 of a 128-bit tree lies under 96 zero bits.
    """
    width = 128 if wide else 32
    root4 = np.int64(0)
    if wide:
        for _ in range(96):
            if root4 < nodes:
                root4 = _child(data, root4, 0, bits)
    cap, n = 1 << 12, 0
    high, low = np.empty(cap, np.uint64), np.empty(cap, np.uint64)
    length, record = np.empty(cap, np.uint8), np.empty(cap, np.int64)
    s_node, s_depth = np.zeros(132, np.int64), np.zeros(132, np.int64)
    s_high, s_low = np.zeros(132, np.uint64), np.zeros(132, np.uint64)
    top, steps, one = 1, 0, np.uint64(1)
    while top > 0:
        top -= 1
        node, depth, hi, lo = s_node[top], s_depth[top], s_high[top], s_low[top]
        steps += 1
        if steps > 2 * most:
            return high[:n], low[:n], length[:n], record[:n], False
        alias = wide and node == root4 and node < nodes and (hi != 0 or lo != 0 or depth != 96)
        if node == nodes or alias:
            continue
        if node < nodes:
            if depth == width:
                return high[:n], low[:n], length[:n], record[:n], False
            for side in range(1, -1, -1):  # left is popped first, so the stack never outgrows the depth
                s_node[top], s_depth[top] = _child(data, node, side, bits), depth + 1
                s_high[top], s_low[top] = hi, lo
                if side == 1:
                    if depth < 64:
                        s_high[top] = hi | one << np.uint64(63 - depth)
                    else:
                        s_low[top] = lo | one << np.uint64(127 - depth)
                top += 1
            continue
        if n == cap:
            cap *= 2
            high2, low2 = np.empty(cap, np.uint64), np.empty(cap, np.uint64)
            length2, record2 = np.empty(cap, np.uint8), np.empty(cap, np.int64)
            high2[:n], low2[:n], length2[:n], record2[:n] = high, low, length, record
            high, low, length, record = high2, low2, length2, record2
        record[n] = node
        if not wide:
            high[n], low[n], length[n] = hi, np.uint64(0), 128 + depth
        elif hi == np.uint64(0) and depth >= 96 and lo >> np.uint64(32) == np.uint64(0):
            high[n], low[n], length[n] = lo << np.uint64(32), np.uint64(0), 128 + depth - 96
        else:
            high[n], low[n], length[n] = hi, lo, depth
        n += 1
    return high[:n], low[:n], length[:n], record[:n], True
