"""Who talks to whom at Acme and how much, minute by minute: the demands that its network carries.

A *conversation* is an application between a group of our hosts and a remote network or another site. Its rate follows
the hour and weekday of the place where people use it, holidays, growth from year to year, slow drift (a sum of sines
with incommensurate periods, so that live and back-filled traffic meet without a step), noise and rare bursts with a
heavy tail. Where a conversation goes is not said here: routing decides. Seeded: the same seed gives the same rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.conversations import Conversation, conversations

F64 = NDArray[np.float64]

#: Rates are known at every minute, and made for so many of them at a time.
MINUTE_S, BLOCK_MINUTES = 60, 30
BLOCK_S = MINUTE_S * BLOCK_MINUTES
_WEEK_START_S = 4 * 86400  # 1970-01-05 was a Monday
_PERIODS_S = np.array([660.0, 1510.0, 3700.0, 8300.0, 19_000.0, 34_000.0])
_NOISE = 0.03  # sigma of the log-normal noise of a minute
_BURST_CHANCE, _BURST_TAIL, _LARGEST_BURST = 0.002, 1.7, 4.0
#: Growth of a year, by shape; traffic is as the organisation says at the beginning of 2026.
_GROWTH = {"work": 0.10, "evening": 0.22, "flat": 0.14, "night": 0.16}
_GROWS_FROM_S, _YEAR_S = 1_767_225_600, 365.25 * 86_400
#: Days off by country (month, day), and days on which everybody buys.
_HOLIDAYS = {
    "US": ((1, 1), (7, 4), (11, 26), (12, 25)), "NL": ((1, 1), (4, 27), (12, 25), (12, 26)),
    "DE": ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26)), "GB": ((1, 1), (12, 25), (12, 26)),
    "FR": ((1, 1), (5, 1), (7, 14), (12, 25)), "ES": ((1, 1), (10, 12), (12, 25)), "SG": ((1, 1), (8, 9), (12, 25)),
    "JP": ((1, 1), (1, 2), (1, 3), (5, 3), (5, 4), (5, 5)), "HK": ((1, 1), (10, 1), (12, 25)),
    "IN": ((1, 26), (8, 15), (10, 2)),
}  # fmt: skip
_SHOPPING, _SHOPPERS = ((11, 27), (11, 30), (12, 20)), 1.35
_DAY_OFF = 0.3  # of an ordinary day's work


def activity(shape: str, utc_s: F64, utc_offset_h: float) -> F64:
    """How busy an application of ``shape`` is at ``utc_s`` where the local time is ``utc_offset_h`` ahead: 0 to 1."""
    local = utc_s + utc_offset_h * 3600
    hour = local / 3600 % 24
    weekend = (local - _WEEK_START_S) / 86400 % 7 >= 5
    level: F64
    if shape == "work":
        day = np.exp(-(((hour - 10.8) / 2.4) ** 2)) + np.exp(-(((hour - 15.0) / 2.6) ** 2))
        level = 0.09 + 0.91 * np.minimum(day, 1.0) * np.where(weekend, 0.22, 1.0)
    elif shape == "evening":
        level = 0.16 + 0.84 * np.exp(-((_hours_between(hour, 20.6) / 4.6) ** 2))
    elif shape == "night":
        level = 0.03 + 0.97 * np.exp(-((_hours_between(hour, 2.2) / 1.1) ** 4))
    else:
        level = 0.72 + 0.28 * np.sin((hour - 8.0) / 24 * 2 * np.pi)
    return level


def _hours_between(hour: F64, peak: float) -> F64:
    apart: F64 = np.abs(hour - peak)
    shorter: F64 = np.minimum(apart, 24 - apart)
    return shorter


def _special(shape: str, country: str, utc_offset_h: float, utc_s: F64) -> F64:
    """What holidays and shopping days make of an ordinary day."""
    days = np.floor((utc_s + utc_offset_h * 3600) / 86_400).astype(np.int64)
    out = np.ones(len(utc_s))
    for day in np.unique(days):
        date = datetime.fromtimestamp(int(day) * 86_400, UTC)
        if shape == "work" and (date.month, date.day) in _HOLIDAYS.get(country, ()):
            out[days == day] = _DAY_OFF
        elif shape == "evening" and (date.month, date.day) in _SHOPPING:
            out[days == day] = _SHOPPERS
    return out


class Demand:
    """The rates of all conversations."""

    def __init__(self, seed: int) -> None:
        self.conversations: Sequence[Conversation] = conversations()
        self._seed = seed
        rng = np.random.default_rng([seed, 41])
        count = len(self.conversations)
        self._phase = rng.uniform(0, 2 * np.pi, (count, len(_PERIODS_S)))
        self._swing = rng.uniform(0.03, 0.11, (count, len(_PERIODS_S)))
        self._peak = np.array([one.peak_bps for one in self.conversations])
        kinds = [(one.app.shape, org.BY_CODE[one.site].country, one.utc_offset_h) for one in self.conversations]
        self._shapes = sorted(set(kinds))
        self._shape = np.array([self._shapes.index(kind) for kind in kinds])
        self._noise_of = lru_cache(maxsize=4)(self._noise)
        self.rates = lru_cache(maxsize=3)(self._rates)

    def _rates(self, block: int) -> F64:
        """True rates, bit/s of both directions together: ``[conversation, BLOCK_MINUTES + 1]``.

        The last column is the first of the block after.
        """
        times = (block * BLOCK_MINUTES + np.arange(BLOCK_MINUTES + 1, dtype=np.float64)) * MINUTE_S
        waves = np.sin(times / _PERIODS_S[:, None] * 2 * np.pi), np.cos(times / _PERIODS_S[:, None] * 2 * np.pi)
        drift = (self._swing * np.cos(self._phase)) @ waves[0] + (self._swing * np.sin(self._phase)) @ waves[1]
        level = np.stack([
            activity(shape, times, offset) * _special(shape, country, offset, times)
            * np.exp(_GROWTH[shape] * (times - _GROWS_FROM_S) / _YEAR_S)
            for shape, country, offset in self._shapes
        ])  # fmt: skip
        noise = np.concatenate([self._noise_of(block), self._noise_of(block + 1)[:, :1]], axis=1)
        made: F64 = self._peak[:, None] * level[self._shape] * np.exp(drift) * noise
        made.setflags(write=False)
        return made

    def _noise(self, block: int) -> F64:
        """What chance makes of the minutes of a block: ``[conversation, BLOCK_MINUTES]``, around 1."""
        rng = np.random.default_rng([self._seed, 42, block])
        shape = (len(self.conversations), BLOCK_MINUTES)
        noise: F64 = np.exp(rng.standard_normal(shape, np.float32).astype(np.float64) * _NOISE)
        bursts = rng.random(shape, np.float32) < _BURST_CHANCE
        noise[bursts] *= 1 + np.minimum(rng.pareto(_BURST_TAIL, int(bursts.sum())), _LARGEST_BURST)
        return noise
