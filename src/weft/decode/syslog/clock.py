"""What a device's stamp is worth, and which moment it means.

A sender's clock is judged by how far its stamps are from their arrival, over many messages: one reading a second, the
median of the last ones. A stamp without a zone is read in the sender's configured zone, else as UTC, unless the
readings say that it is a whole number of quarter hours off. Nothing here reads a clock: arrivals are passed in.
"""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from weft.decode.syslog.times import ZONES, Stamp

SECOND = 1_000_000_000
SYNCHRONISED, UNSYNCHRONISED, COARSE, WRONG, UPTIME, NONE = range(6)

_READINGS = 32
_ENOUGH = 3
_QUARTER_S = 900
_FARTHEST_ZONE_S = 14 * 3600
_MOST_OFFSETS = 1024


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far a stamp may be from its arrival. ``late_s``: for a message of a good clock that was held back."""

    agree_s: float = 30.0
    late_s: float = 3600.0


class SenderClock:
    """What is known of one sender's clock; ``offset_s`` is that clock minus ours, None = not known yet."""

    def __init__(self, zone: tzinfo | None = None, *, is_live: bool = True) -> None:
        self.zone = zone
        self.is_live = is_live  # False: arrivals are not known (files), so they say nothing about the clock
        self.quarter_s = 0  # whole quarter hours that stamps without a zone are ahead of UTC
        self.offset_s: float | None = None
        self._readings: deque[float] = deque(maxlen=_READINGS)
        self.second = 0  # of the newest reading, UTC; 0 = there was none
        self.best = 0.0  # that reading so far
        self._offsets: dict[int, tuple[int, int]] = {}

    def utc_offset_s(self, seconds: int, received_s: float) -> int:
        """Seconds that a stamp without a zone, read as UTC, is ahead of UTC."""
        if self.zone is None:
            return self.quarter_s
        both = self._offsets.get(seconds // _QUARTER_S)
        if both is None:
            if len(self._offsets) > _MOST_OFFSETS:
                self._offsets.clear()
            local = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=self.zone)
            found = [one.utcoffset() for one in (local, local.replace(fold=1))]
            both = self._offsets[seconds // _QUARTER_S] = (
                int(found[0].total_seconds()) if found[0] else 0, int(found[1].total_seconds()) if found[1] else 0,
            )  # fmt: skip
        first, second = both
        if first == second or abs(seconds - first - received_s) <= abs(seconds - second - received_s):
            return first
        return second

    def observe(self, ahead_s: float, received_s: int, *, has_zone: bool, agree_s: float) -> None:
        """A reading: the stamp minus its arrival. Of those of one second the least delayed counts."""
        if received_s == self.second:
            self.best = max(self.best, ahead_s)
            return
        if self.second:
            self._readings.append(self.best)
            self._judge(has_zone, agree_s)
        self.second, self.best = received_s, ahead_s

    def _judge(self, has_zone: bool, agree_s: float) -> None:
        if len(self._readings) < _ENOUGH:
            return
        median = statistics.median(self._readings)
        if has_zone or self.zone is not None:
            self.offset_s = median
            return
        quarter = round(median / _QUARTER_S) * _QUARTER_S
        is_zone = quarter != 0 and abs(quarter) <= _FARTHEST_ZONE_S and abs(median - quarter) <= agree_s
        last = list(self._readings)[-_ENOUGH:]
        if is_zone and max(last) - min(last) <= agree_s:
            self.quarter_s, self.offset_s = quarter, median - quarter
        else:
            self.quarter_s, self.offset_s = 0, median


def resolve(
    stamp: Stamp | None, mark: str, received_ns: int, clock: SenderClock, tolerances: Tolerances
) -> tuple[int, int, int]:
    """When it happened, the stamp as a moment (0 = none), and what it is worth (``model.logs.CLOCKS``)."""
    if stamp is None:
        return received_ns, 0, UPTIME if mark == "uptime" else NONE
    seconds, zone = stamp.seconds, stamp.zone
    received_s = received_ns // SECOND
    if zone is None:
        offset = clock.utc_offset_s(seconds, received_s)
    elif type(zone) is int:
        offset = zone * 60
    else:
        offset = _named(zone, seconds, received_s, clock)  # type: ignore[arg-type]
    device_ns = (seconds - offset) * SECOND + stamp.nanos
    if not -(1 << 62) < device_ns < 1 << 62:
        return received_ns, 0, NONE
    if not clock.is_live:
        return device_ns, device_ns, _worth(stamp, mark)
    ahead = (device_ns - received_ns) / SECOND
    is_free = zone is None and clock.zone is None
    reading = ahead + clock.quarter_s if is_free else ahead
    if received_s != clock.second or reading > clock.best:
        clock.observe(reading, received_s, has_zone=not is_free, agree_s=tolerances.agree_s)
    if -tolerances.agree_s <= ahead <= tolerances.agree_s or _is_late(ahead, mark, clock, tolerances):
        return device_ns, device_ns, _worth(stamp, mark)
    return received_ns, device_ns, WRONG


def _is_late(ahead: float, mark: str, clock: SenderClock, tolerances: Tolerances) -> bool:
    """Whether the message was held back, rather than the clock being slow."""
    if not -tolerances.late_s <= ahead < 0:
        return False
    is_good = clock.offset_s is not None and abs(clock.offset_s) <= tolerances.agree_s
    return is_good or (mark == "synchronised" and clock.offset_s is None)


def _worth(stamp: Stamp, mark: str) -> int:
    if mark == "*" or mark == ".":
        return UNSYNCHRONISED
    return SYNCHRONISED if stamp.digits or mark == "synchronised" else COARSE


def _named(name: str, seconds: int, received_s: int, clock: SenderClock) -> int:
    """Seconds east of UTC of an abbreviation: of several meanings the one that agrees best with the arrival."""
    meanings = ZONES.get(name)
    if meanings is None:
        return clock.utc_offset_s(seconds, received_s)
    if len(meanings) == 1 or not clock.is_live:
        return meanings[0] * 60
    return min(meanings, key=lambda minutes: abs(seconds - minutes * 60 - received_s)) * 60
