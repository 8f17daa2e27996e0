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
def describe(entry, rows, origin, fingerprint, length, next_hop, used, out_as, out_path, out_mask, out_hop):  # type: ignore[no-untyped-def]
    """Write what the entry that each address matched says; ``rows`` are the places to write to, empty = all."""
    for i in range(len(entry)):
        e = entry[i]
        if e == 0:
            continue
        at = rows[i] if len(rows) else i
        used[e] = True
        out_as[at], out_path[at], out_mask[at] = origin[e], fingerprint[e], length[e]
        out_hop[at, 0], out_hop[at, 1] = next_hop[e, 0], next_hop[e, 1]


@numba.njit(cache=True, nogil=True)
def fill_missing(sent, found):  # type: ignore[no-untyped-def]
    """What was found where nothing was sent."""
    out = np.empty_like(found)
    for i in range(len(sent)):
        out[i] = sent[i] or found[i]
    return out


@numba.njit(cache=True, nogil=True)
def fill_missing_addresses(sent, found):  # type: ignore[no-untyped-def]
    """The same for addresses as pairs of words in memory order; 0.0.0.0 is nothing, too."""
    out = np.empty_like(found)
    unspecified = np.uint64(0xFFFF0000)
    for i in range(len(sent)):
        is_sent = sent[i, 0] != np.uint64(0) or (sent[i, 1] != np.uint64(0) and sent[i, 1] != unspecified)
        if is_sent:
            out[i, 0], out[i, 1] = sent[i, 0], sent[i, 1]
        else:
            out[i, 0], out[i, 1] = found[i, 0], found[i, 1]
    return out
