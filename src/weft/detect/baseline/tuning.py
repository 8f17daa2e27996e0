"""What a baseline is told: how values behave, what is worth telling, how patient it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from typing import Literal, NamedTuple

from weft.detect.baseline.calendar import DAY_S
from weft.detect.baseline.tail import score_wanted
from weft.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Tuning:
    """Of all series of a detector. ``least``: a difference from what is expected that is worth telling, in the unit.

    ``values``: ``rate`` = at or above zero, seasons multiply and noise grows with load (logarithms are looked at);
    ``level`` = seasons add. ``ratio``: seen ÷ expected (or the reverse) that is worth telling. ``warm_s``: nothing is
    found in a series before it was watched this long. ``absorb_s``: what lasts this long is the new normal.
    """

    least: float
    values: Literal["rate", "level"] = "rate"
    ratio: float = 1.3
    up: bool = True
    down: bool = True
    false_alarms: float = 1.0  # per 1000 series and day
    warm_s: int = DAY_S
    absorb_s: int = DAY_S // 2
    most: float = float("inf")  # values beyond are no measurements (a counter that jumped)
    missing_after: int = 0  # samples; 0 = silence is told elsewhere
    flat_after: int = 0  # samples of one and the same value; 0 = may well be
    zone: tzinfo = UTC
    holidays: Collection[date] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        if not (self.least > 0 and self.ratio >= 1 and self.false_alarms > 0 and self.absorb_s > 0):
            raise InvalidInput(
                "least, false_alarms and absorb_s are above zero, ratio is 1 or more", where="detectors.settings"
            )


class Numbers(NamedTuple):
    """The same as a kernel takes it, with what follows from the step."""

    wanted: float  # score that opens an event
    least: float
    ratio: float
    logs: float  # 1 = logarithms are looked at
    up: float
    down: float
    warm_s: float
    absorb_s: float
    most: float
    missing_after: float
    flat_after: float
    cold: float  # samples before there is a first idea
    step_s: float
    quick: float  # gain of the quick level
    slow: float  # gain of the slow level
    one: float  # what a single sample must score more than two in a row
    confirm: float  # share of ``wanted`` that each of two in a row must reach
    floor: float  # the least scale: below it, noise would be told as news


def numbers(tuning: Tuning, step_s: int) -> Numbers:
    """What the kernel needs."""
    rate = tuning.values == "rate"
    return Numbers(
        wanted=score_wanted(tuning.false_alarms, step_s),
        least=tuning.least,
        ratio=tuning.ratio,
        logs=1.0 if rate else 0.0,
        up=float(tuning.up),
        down=float(tuning.down),
        warm_s=float(tuning.warm_s),
        absorb_s=float(tuning.absorb_s),
        most=tuning.most,
        missing_after=float(tuning.missing_after),
        flat_after=float(tuning.flat_after),
        cold=24.0 if step_s < 1800 else 8.0,
        step_s=float(step_s),
        quick=min(0.4, max(1.0 / 15.0, step_s / 900.0)),
        slow=min(0.05, step_s / (2.0 * DAY_S)),
        one=1.0,
        confirm=0.6,
        floor=0.02 if rate else tuning.least / 8.0,
    )
