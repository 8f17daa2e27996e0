"""Lines of cells that one character separates: flow logs of AWS, tuples of Azure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.cloud.scan import OK, SKIP, TOO_FEW_FIELDS, put
from weft.decode.kernels import kernel

_NEWLINE, _RETURN = 10, 13


@kernel
def parse_lines(
    data: NDArray[np.uint8], at: int, end: int, separator: int, kinds: NDArray[np.int8], columns: NDArray[np.int32],
    least: int, seed: np.uint64, numbers: NDArray[np.int64], words: NDArray[np.int32], addresses: NDArray[np.uint8],
    slots: NDArray[np.uint64], codes: NDArray[np.int32], spans: NDArray[np.int64], lines: NDArray[np.int64],
    bad: NDArray[np.int64],
) -> tuple[int, int, int]:  # fmt: skip
    """Rows of the lines that begin at ``at``, each of at least ``least`` cells; more cells than kinds are passed over.

    ``lines`` gets the number of the line (counted from 0) that each row is from, ``bad`` counts by reason. Stops at
    ``end``, when the columns are full, or when half of the slots for words are taken. Returns how far it came, how many
    rows and how many lines it read.
    """
    row = line = 0
    most_rows, most_words = numbers.shape[1], len(slots) // 2
    while at < end and row < most_rows and spans[0, 0] < most_words - len(kinds):
        cell, reason, start = 0, OK, at
        while True:
            while at < end and data[np.uint64(at)] != separator and data[np.uint64(at)] != _NEWLINE:
                at += 1
            last = at >= end or data[np.uint64(at)] == _NEWLINE
            if cell < len(kinds) and kinds[cell] != SKIP and reason == OK:
                stop = at - 1 if last and at > start and data[np.uint64(at - 1)] == _RETURN else at
                reason = put(
                    kinds[cell], columns[cell], row, data, start, stop, seed, numbers, words, addresses, slots, codes,
                    spans,
                )  # fmt: skip
            at += 1
            cell += 1
            start = at
            if last:
                break
        if cell >= least and reason == OK:
            lines[row] = line
            row += 1
        else:
            if not (cell == 1 and reason == OK):  # an empty line is nothing
                bad[reason if reason != OK else TOO_FEW_FIELDS] += 1
            numbers[:, row] = 0
            words[:, row] = 0
            addresses[:, row] = 0
        line += 1
    return min(at, end), row, line
