"""Change points against what several people said: F1 and segmentation cover of the Turing Change Point Dataset.

Van den Burg and Williams, 2020 (arXiv 2003.06222): a change is right within five points; precision counts what anybody
marked, recall is the mean over people; the begin of the series counts as a change that everybody knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

MARGIN = 5


def _right(true: Iterable[int], found: Iterable[int], margin: int) -> int:
    """True changes that have a found one near by; each found one serves once."""
    left = set(found)
    right = 0
    for one in sorted(set(true)):
        near = sorted((abs(one - other), other) for other in left if abs(one - other) <= margin)
        if near:
            left.discard(near[0][1])
            right += 1
    return right


def f1(annotations: Sequence[Sequence[int]], found: Iterable[int], margin: int = MARGIN) -> float:
    """F1 of found change points (places in the series) against those of each person."""
    people = [{0, *one} for one in annotations]
    told = {0, *found}
    anybody = set().union(*people)
    precision = _right(anybody, told, margin) / len(told)
    recall = sum(_right(one, told, margin) / len(one) for one in people) / len(people)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _segments(changes: Iterable[int], length: int) -> list[tuple[int, int]]:
    """[begin, end) of the parts between changes."""
    cuts = sorted({0, *(one for one in changes if 0 < one < length), length})
    return list(pairwise(cuts))


def cover(annotations: Sequence[Sequence[int]], found: Iterable[int], length: int) -> float:
    """How well found segments overlap with those of each person (Jaccard, weighted by length), the mean over people."""
    told = _segments(found, length)
    total = 0.0
    for person in annotations:
        for begin, end in _segments(person, length):
            overlap = (
                max(0, min(end, last) - max(begin, first)) / (max(end, last) - min(begin, first))
                for first, last in told
                if first < end and last > begin
            )
            total += (end - begin) * max(overlap)
    return total / (length * len(annotations))
