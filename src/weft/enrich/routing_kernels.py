"""The loops that look flows up in the routes of their exporters."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def assign(exporters, keys, place, chosen):  # type: ignore[no-untyped-def]
    """Write whose table each row is looked up in, -1 for none; exporters and sorted keys are pairs of words.

    Returns how many rows have one, and which one it is where all have the same, else -1.
    """
    matched, common, last = 0, -1, -1
    for i in range(len(exporters)):
        high, low = exporters[i, 0], exporters[i, 1]
        if i == 0 or high != exporters[i - 1, 0] or low != exporters[i - 1, 1]:
            first, end = 0, len(keys)
            while first < end:
                middle = (first + end) >> 1
                if keys[middle, 0] < high or (keys[middle, 0] == high and keys[middle, 1] < low):
                    first = middle + 1
                else:
                    end = middle
            last = -1
            if first < len(keys) and keys[first, 0] == high and keys[first, 1] == low:
                last = int(place[first])
            common = last if i == 0 or common == last else -1
        chosen[i] = last
        matched += last >= 0
    return matched, (common if matched == len(exporters) else -1)


@numba.njit(cache=True, nogil=True)
def describe(entry, rows, entries, used, out_as, out_path, out_mask, out_hop):  # type: ignore[no-untyped-def]
    """Write what the entry that each address matched says; ``rows`` are the places to write to, empty = all.

    An entry is (fingerprint, origin AS and prefix length << 32, next hop in two words). Masks and next hops that are
    there already stay; 0.0.0.0 counts as none. No next hops are written where ``out_hop`` is empty.
    """
    unspecified, zero = np.uint64(0xFFFF0000), np.uint64(0)
    for i in range(len(entry)):
        e = entry[i]
        if e == 0:
            continue
        at = rows[i] if len(rows) else i
        used[e] = True
        both = entries[e, 1]
        out_path[at], out_as[at] = entries[e, 0], np.uint32(both)
        if out_mask[at] == 0:
            out_mask[at] = np.uint8(both >> np.uint64(32))
        if len(out_hop) and out_hop[at, 0] == zero and (out_hop[at, 1] == zero or out_hop[at, 1] == unspecified):
            out_hop[at, 0], out_hop[at, 1] = entries[e, 2], entries[e, 3]
