"""What is wrong with the telemetry itself: exporters that fall silent, clocks that are off."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from weft.twin.faults.model import Fault
from weft.twin.timeline import Timeline

SILENT, SKEWED = "exporter_silent", "clock_skew"
#: How far a clock is off at severity 0 and 1, seconds; ahead or behind.
_OFF_S = (15.0, 900.0)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which a device's telemetry is of one kind."""

    since_s: float
    until_s: float
    silent: bool = False  # no flows are exported
    ahead_s: float = 0.0  # its clock minus the true time


def offset_s(fault: Fault) -> float:
    """How far the clock of a device with the fault ``clock_skew`` is ahead; negative: behind."""
    if "offset_s" in fault.details:
        return float(fault.details["offset_s"])
    least, most = _OFF_S
    sign = 1 if zlib.crc32(f"{fault.device} {fault.start_s:.0f}".encode()) % 2 else -1
    return sign * round(least + (most - least) * fault.severity**2, 3)


def spans(timeline: Timeline, device: str, since_s: float, until_s: float) -> Iterator[Span]:
    """A stretch of time, cut where the telemetry of a device goes wrong or is right again."""
    mine = [
        one
        for one in timeline.faults(since_s, until_s)
        if one.device == device and one.kind in (SILENT, SKEWED) and one.end_s > one.start_s
    ]
    cuts = sorted({since_s, until_s, *(at for one in mine for at in (one.start_s, one.end_s))})
    cuts = [at for at in cuts if since_s <= at <= until_s]
    for begin, end in itertools.pairwise(cuts):
        on = [one for one in mine if one.start_s <= begin < one.end_s]
        skewed = next((one for one in on if one.kind == SKEWED), None)
        yield Span(begin, end, any(one.kind == SILENT for one in on), offset_s(skewed) if skewed else 0.0)


def clocks(timeline: Timeline, since_s: float, until_s: float) -> Callable[[str, float], float]:
    """How far a device's clock is ahead at a moment between two times."""
    skewed = [one for one in timeline.faults(since_s, until_s) if one.kind == SKEWED]

    def ahead_s(device: str, at_s: float) -> float:
        return next((offset_s(o) for o in skewed if o.device == device and o.start_s <= at_s < o.end_s), 0.0)

    return ahead_s
