"""Where in the day and the week a sample lies: slots of the season, in local time, holidays being Sundays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

DAY_S = 86400
#: Length of a slot of the day, of the week, and of the scatter, unless samples are further apart.
DAILY_S, WEEKLY_S, SCATTER_S = 600, 1800, 900
DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


@dataclass(frozen=True, slots=True)
class Slots:
    """How many slots there are for samples of this step."""

    daily: int
    weekly: int
    scatter: int

    @staticmethod
    def of(step_s: int) -> Slots:
        """Slots as long as the step at least; a step of a day or more leaves one per day."""
        return Slots(
            max(1, DAY_S // max(DAILY_S, step_s)),
            7 * max(1, DAY_S // max(WEEKLY_S, step_s)),
            max(1, DAY_S // max(SCATTER_S, step_s)),
        )


#: Columns of ``places``: slot of the day, the one before and the one after with the share of the latter in millionths;
#: the same of the week; slot of the scatter; number of the local day.
COLUMNS = 10


def places(times_s: NDArray[np.int64], step_s: int, zone: tzinfo, holidays: Collection[date]) -> NDArray[np.int64]:
    """Slots of samples that begin at ``times_s`` [T], as [T, ``COLUMNS``]."""
    slots = Slots.of(step_s)
    local, weekday = _local(times_s, zone, holidays)
    of_day = local % DAY_S + step_s // 2
    of_week = weekday * DAY_S + of_day
    out = np.empty((len(times_s), COLUMNS), np.int64)
    _between(out[:, 0:4], of_day % DAY_S, slots.daily, DAY_S, step_s)
    _between(out[:, 4:8], of_week % (7 * DAY_S), slots.weekly, 7 * DAY_S, step_s)
    out[:, 8] = (of_day % DAY_S) * slots.scatter // DAY_S
    out[:, 9] = local // DAY_S
    return out


def _between(out: NDArray[np.int64], at: NDArray[np.int64], slots: int, length_s: int, step_s: int) -> None:
    """The slot, and between the middles of which two slots a time lies."""
    out[:, 0] = at * slots // length_s
    if step_s * slots >= length_s:  # each sample is a slot
        out[:, 1] = out[:, 2] = out[:, 0]
        out[:, 3] = 0
        return
    middle = at * slots / length_s - 0.5
    before = np.floor(middle)
    out[:, 1] = before.astype(np.int64) % slots
    out[:, 2] = (out[:, 1] + 1) % slots
    out[:, 3] = ((middle - before) * 1e6).astype(np.int64)


def _local(
    times_s: NDArray[np.int64], zone: tzinfo, holidays: Collection[date]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Local seconds since 1970 and days of the week (Monday 0); the offset is looked up once an hour."""
    hours, which = np.unique(times_s // 3600, return_inverse=True)
    offsets = np.array([_offset(int(hour) * 3600, zone) for hour in hours], np.int64)
    local = times_s + offsets[which]
    days, on = np.unique(local // DAY_S, return_inverse=True)
    weekdays = np.array([_weekday(int(day), holidays) for day in days], np.int64)
    return local, weekdays[on]


def _offset(at_s: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(at_s, UTC).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _weekday(day: int, holidays: Collection[date]) -> int:
    told = date(1970, 1, 1) + timedelta(days=day)
    return 6 if told in holidays else told.weekday()


def spoken(at_s: float, zone: tzinfo, holidays: Collection[date] = ()) -> str:
    """Day of the week and time of the day, as in *Tuesdays 14:05*."""
    local = datetime.fromtimestamp(at_s, zone)
    day = "Holidays" if local.date() in holidays else DAYS[local.weekday()]
    return f"{day} {local:%H:%M}"
