"""Times of a query: reading what people write, and laying a grid of aligned buckets over it.

Comes in: ``now-24h``, ``now-7d/d``, ISO 8601, UTC seconds, and the clock's *now*. Goes out: UTC seconds and a ``Grid``.
Must never read the clock itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from weft.errors import InvalidInput

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
#: Bucket sizes that read well on an axis and divide each other where they can, in seconds.
STEPS = (
    10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
    2 * 86_400, 7 * 86_400, 14 * 86_400, 30 * 86_400,
)  # fmt: skip
MAX_TIME = 2**32 - 1
MAX_BUCKETS = 20_000

_RELATIVE = re.compile(
    r"now\s*(?:(?P<sign>[+-])\s*(?P<offset>(?:\d+[smhdw])+))?\s*(?:/\s*(?P<snap>[smhdw]))?", re.IGNORECASE
)
_DURATION = re.compile(r"(\d+)([smhdw])", re.IGNORECASE)
_HELP = "use now, now-24h, now-7d/d, 2026-11-22T10:00:00Z or UTC seconds"


def parse_duration(text: str, where: str) -> int:
    """``90``, ``90s``, ``1h30m``, ``7d`` → seconds. Raises InvalidInput."""
    text = text.strip().lower()
    if text.isascii() and text.isdigit() and len(text) < 12:
        return int(text)
    if not re.fullmatch(r"(?:\d{1,9}[smhdw])+", text):
        raise InvalidInput(f"{text!r} is not a duration", where=where, fix="use 90s, 5m, 1h30m, 1d or 1w")
    return sum(int(n) * UNITS[unit] for n, unit in _DURATION.findall(text))


def parse_time(text: str, now: float, where: str, zone: str = "UTC") -> int:
    """A point in time, in UTC seconds rounded down. ``/d`` and its like snap down to the start of the unit in ``zone``.

    An ISO time without an offset is read in ``zone``. Raises InvalidInput.
    """
    text = text.strip()
    seconds: float
    if match := _RELATIVE.fullmatch(text):
        seconds = now
        if match["offset"]:
            offset = parse_duration(match["offset"], where)
            seconds += offset if match["sign"] == "+" else -offset
        if match["snap"]:
            seconds = _snap(seconds, match["snap"].lower(), zone)
    elif re.fullmatch(r"\d{1,12}(\.\d+)?", text):
        seconds = float(text)
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise InvalidInput(f"{text!r} is not a time", where=where, fix=_HELP) from None
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).timestamp()
    if not 0 <= seconds <= MAX_TIME:
        raise InvalidInput(f"{text!r} is out of range", where=where, fix=_HELP)
    return int(seconds)


def _snap(seconds: float, unit: str, zone: str) -> float:
    try:
        local = datetime.fromtimestamp(seconds, tz=UTC).astimezone(ZoneInfo(zone))
    except (OverflowError, ValueError, OSError):
        return -1.0
    if unit in "dw":
        local = local.replace(hour=0, minute=0, second=0, microsecond=0)
        if unit == "w":
            local -= timedelta(days=local.weekday())
        return local.timestamp()
    return seconds // UNITS[unit] * UNITS[unit]


@dataclass(frozen=True, slots=True)
class Grid:
    """Aligned buckets: ``count`` of ``step`` seconds from ``start``; what is asked ends at ``until``.

    ``until`` lies inside the last bucket when that bucket is still running, else it is the grid's end. All UTC seconds.
    """

    start: int
    step: int
    count: int
    until: int

    @property
    def end(self) -> int:
        """End of the last bucket, exclusive."""
        return self.start + self.step * self.count

    @property
    def seconds(self) -> int:
        """Length of what is asked: what totals are divided by to give rates."""
        return self.until - self.start

    def bucket_seconds(self, index: int) -> int:
        """How long bucket ``index`` has lasted: its step, or less for a last one that is still running."""
        return min(self.step, self.until - self.start - index * self.step)

    def shifted(self, seconds: int) -> Grid:
        """The same buckets, whole, ``seconds`` earlier."""
        return Grid(self.start - seconds, self.step, self.count, self.end - seconds)


def auto_step(seconds: int, points: int, multiple_of: int = 1) -> int:
    """The smallest readable step that gives at most about ``points`` buckets (never more than 1.25 times as many)."""
    wanted = 0.8 * seconds / points
    for step in STEPS:
        if step >= wanted and (step % multiple_of == 0 or multiple_of % step == 0):
            return step
    return max(1, round(wanted / STEPS[-1] + 0.5)) * STEPS[-1]


def one_bucket(since: int, until: int, now: float) -> Grid:
    """Exactly what was asked, as one bucket, up to ``now``. Raises InvalidInput."""
    until = min(until, int(now) + 1)
    if since >= until:
        raise _empty()
    return Grid(since, until - since, 1, until)


def _empty() -> InvalidInput:
    fix = "'since' must lie before 'until' and in the past"
    return InvalidInput("the time range is empty", where="since", fix=fix)


def lay_grid(
    since: int, until: int, now: float, *, step: int | None, points: int, zone: str = "UTC", align: int = 1
) -> Grid:
    """Buckets that cover ``since`` to ``until``, both widened to a multiple of the step; never beyond ``now``.

    Buckets of an hour or more begin at local hours and days of ``zone``. ``align`` is a coarser size that the start
    must be a multiple of as well (for percentiles of fixed slots). Raises InvalidInput.
    """
    moment = int(now) + (now > int(now))
    until = min(until, moment)
    if since >= until:
        raise _empty()
    step = step or auto_step(until - since, points, align)
    unit = max(step, align)
    origin = 0
    if unit >= 3600:
        local = datetime.fromtimestamp(since, tz=UTC).astimezone(ZoneInfo(zone))
        offset = local.utcoffset()
        origin = -int(offset.total_seconds()) if offset else 0
        if unit % UNITS["w"] == 0:
            origin += 4 * UNITS["d"]  # the epoch is a Thursday; weeks begin on Monday
    start = max(0, since - (since - origin) % unit)
    count = -(-(until - start) // step)
    if count > MAX_BUCKETS:
        raise InvalidInput(
            f"{count:,} buckets of {step} s are too many", where="every", fix=f"ask for at most {MAX_BUCKETS:,} buckets"
        )
    return Grid(start, step, count, min(start + count * step, moment))
