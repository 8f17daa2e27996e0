"""Lines of cells that one character separates: flow logs of AWS, tuples of Azure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.cloud.scan import OK, SKIP, TOO_FEW_FIELDS, WORD, Table, again, clear, put
from weft.decode.kernels import kernel
from weft.decode.memory import address_of, get8, get_word

_NEWLINE, _RETURN = 10, 13


@kernel
def parse_lines(
    data: NDArray[np.uint8], start: int, stop: int, separator: int, kinds: NDArray[np.int8], columns: NDArray[np.int32],
    counts: tuple[int, int, int], table: Table, lines: NDArray[np.int64], bad: NDArray[np.int64],
) -> tuple[int, int, int]:  # fmt: skip
    """Rows of the lines from offset ``start`` to ``stop``, each of at least so many cells.

    ``counts`` are the table's columns: numbers, words, addresses. Cells beyond the kinds are passed over. ``lines``
    gets the number of the line (counted from 0) that each row is from, ``bad`` counts by reason and has in its last
    cell how many cells a line has at least. Stops when the columns are full or half of the slots for texts are taken.
    Returns the offset it came to, how many rows and how many lines it read.
    """
    base = address_of(data)
    at, end, row, line, least = base + start, base + stop, 0, 0, bad[-1]
    most_texts = (table.mask >> 1) - len(kinds)
    while at < end and row < table.rows and get_word(table.spans) < most_texts:
        cell, reason, begin = 0, OK, at
        while True:
            if cell < len(kinds) and kinds[cell] == WORD:
                after = again(at, end, separator, columns[cell], row, table)
                if after:
                    at = begin = after + 1
                    cell += 1
                    continue
            while at < end and get8(at) != separator and get8(at) != _NEWLINE:
                at += 1
            last = at >= end or get8(at) == _NEWLINE
            if cell < len(kinds) and kinds[cell] != SKIP and reason == OK:
                until = at - 1 if last and at > begin and get8(at - 1) == _RETURN else at
                reason = put(kinds[cell], columns[cell], row, begin, until, table)
            empty = cell == 0 and at <= begin + 1
            at += 1
            cell += 1
            begin = at
            if last:
                break
        if cell >= least and reason == OK:
            lines[row] = line
            row += 1
        else:
            if not empty:
                bad[reason if reason != OK else TOO_FEW_FIELDS] += 1
            clear(row, counts[0], counts[1], counts[2], table)
        line += 1
    return min(at, end) - base, row, line
