"""A matrix of series × time: what detectors of series are fed with, live a few columns at a time, history in blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.model.events import Entity


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """Which series. ``labels``: values of the watch's dimensions as text, e.g. ``{"metric": "in_octets"}``."""

    entity: Entity
    labels: Mapping[str, str]

    @property
    def text(self) -> str:
        """The same series has the same text for ever: state is kept under it."""
        told = ",".join(f"{name}={self.labels[name]}" for name in sorted(self.labels))
        return f"{self.entity.text}?{told}" if told else self.entity.text


@dataclass(frozen=True, slots=True)
class Frame:
    """Values of many series over a regular grid.

    ``times_s``: int64 [T], begin of each bucket, UTC seconds, ``step_s`` apart. ``values``: float64 [S, T]; not a
    number = nothing came in this bucket (which is not the same as zero). ``unit`` is that of the values.
    ``is_cut``: there are more series than were asked for; the smallest are left out.
    """

    keys: Sequence[SeriesKey]
    times_s: NDArray[np.int64]
    values: NDArray[np.float64]
    step_s: int
    unit: str = ""
    is_cut: bool = False

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.keys), len(self.times_s)):
            raise ValueError(f"values are {self.values.shape}, not {(len(self.keys), len(self.times_s))}")

    def part(self, first: int, last: int) -> Frame:
        """Columns ``first`` to ``last`` (exclusive), without a copy."""
        return Frame(
            self.keys, self.times_s[first:last], self.values[:, first:last], self.step_s, self.unit, self.is_cut
        )
