"""Why an address got what it got: for each attribute the table and prefix that filled it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.enrich.prefixes import CLEARED, Prefix, PrefixRows, PrefixTable, format_prefix, parse_address


@dataclass(frozen=True, slots=True)
class Filled:
    """One attribute: its value and where it came from."""

    column: str
    value: str
    table: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of an address."""

    address: str
    columns: list[Filled]
    network: int = 0
    """Id of its row in the networks dictionary; 0 = nothing known."""


def explain(
    address: str, tables: Iterable[tuple[str, PrefixTable]], as_names: Mapping[int, tuple[str, str]]
) -> list[Filled]:
    """Which of ``tables`` (name and content, in the order listed) fills which attribute.

    The rule is the one of ``merge``, worked out from the tables themselves: of the prefixes that cover the address and
    say something, the highest priority wins, then the longest, then the table listed first, then the later row.

    Raises:
        InvalidInput: ``address`` is not an address.
    """
    prefix = parse_address(address)
    best: dict[str, tuple[tuple[int, int, int, int], str, str, Prefix]] = {}
    for position, (name, table) in enumerate(tables):
        rows = table.v4 if prefix[0] == 4 else table.v6
        for at in _covering(rows, prefix).tolist():
            length = int(rows.length[at])
            rank = (table.priority, length, -position, at)
            found = (prefix[0], int(rows.high[at]), int(rows.low[at]), length)
            for k, column in enumerate(table.columns):
                code = int(rows.codes[at, k])
                if code and (column not in best or rank > best[column][0]):
                    best[column] = (rank, _text(code, column, table.texts[k]), name, found)
    filled = [Filled(c, value, name, format_prefix(p)) for c, (_, value, name, p) in best.items() if value]
    asn = next((int(f.value) for f in filled if f.column == "asn"), 0)
    if asn in as_names:
        text, table_name = as_names[asn]
        filled.append(Filled("as_name", text, table_name))
    return sorted(filled, key=lambda f: f.column)


def _covering(rows: PrefixRows, prefix: Prefix) -> NDArray[np.int64]:
    """Which rows cover the address."""
    _, high, low, _ = prefix
    length = rows.length.astype(np.uint64)
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    # A shift by 64 is undefined, so lengths 0 and 64 are taken out by the masks of `where`.
    mask_high = np.where(length == 0, np.uint64(0), ones << (np.uint64(64) - np.clip(length, 1, 64).astype(np.uint64)))
    beyond = np.clip(length.astype(np.int64) - 64, 0, 64).astype(np.uint64)
    mask_low = np.where(beyond == 0, np.uint64(0), ones << (np.uint64(64) - np.maximum(beyond, np.uint64(1))))
    covers = ((rows.high ^ np.uint64(high)) & mask_high) == 0
    covers &= ((rows.low ^ np.uint64(low)) & mask_low) == 0
    return np.flatnonzero(covers)


def _text(code: int, column: str, texts: Sequence[str]) -> str:
    if code == CLEARED:
        return ""
    return str(code) if column == "asn" else texts[code - 1]
