"""Series that are made: days, weeks, noise, and what is done to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.detect.frame import Frame, SeriesKey
from weft.model.events import Entity

#: A Monday, 00:00 UTC.
MONDAY = 1_767_571_200
DAY = 86_400


def times(days: float, step_s: int = 60, since: int = MONDAY) -> NDArray[np.int64]:
    return since + np.arange(int(days * DAY / step_s), dtype=np.int64) * step_s


def office(at: NDArray[np.int64], seed: int = 1, series: int = 1, noise: float = 0.04) -> NDArray[np.float64]:
    """Traffic of offices in bit/s [series, T]: days, quieter weekends, noise that grows with it."""
    rng = np.random.default_rng(seed)
    hour = at % DAY / 3600
    week = ((at // DAY + 3) % 7) + hour / 24
    weekend = np.clip(np.minimum((week - 5) * 6, (7 - week) * 6) + 0.5, 0, 1) * (week > 4.5)
    shape = (1 + 0.6 * np.sin(2 * np.pi * (hour - 7) / 24)) * (1 - 0.4 * weekend)
    drift = np.zeros((series, len(at)))
    steps = rng.normal(0, 0.008, (series, len(at)))
    for column in range(1, len(at)):
        drift[:, column] = 0.98 * drift[:, column - 1] + steps[:, column]
    size = rng.lognormal(0, 1, (series, 1)) * 1e9
    return size * shape * np.exp(drift + rng.normal(0, noise, (series, len(at))))


def keys(count: int, kind: str = "site") -> list[SeriesKey]:
    return [SeriesKey(Entity(kind=kind, id=f"s{at}"), {"metric": "in_octets"}) for at in range(count)]


def frame(
    at: NDArray[np.int64], values: NDArray[np.float64], unit: str = "bit/s", named: list[SeriesKey] | None = None
) -> Frame:
    step_s = int(at[1] - at[0]) if len(at) > 1 else 60
    return Frame(named or keys(len(values)), at, values, step_s, unit)
