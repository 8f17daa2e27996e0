"""Clocks that are off: what devices stamp on flows and logs against when it arrives.

What arrives can be late by any time, yet never early; and of many records some are fresh. So the smallest delay of
some dozens is what the clock is behind, and a record from the future tells by how much it is ahead.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

import numpy as np
import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.devices.columns import F64, Devices, coded, groups, has, seconds
from weft.detect.devices.rounds import device_entity
from weft.detect.texts import clock, lasting
from weft.model.events import EventGroup, Evidence, Severity

#: Table → columns of the device's stamp and of arrival, and how many records a judgement rests on.
_STAMPS = {"flows": ("time_end", "time_received", 48), "logs": ("time_device", "time_received", 4)}
#: Off by more than this is told of, s (``least_s``); a stamp of a log has whole seconds.
_LEAST_S = 5.0
_REPEAT_S, _HOLD_S, _GONE_S = 60.0, 900.0, 2 * 86_400.0


@dataclass(slots=True)
class _Clock:
    delays: deque[float]
    usual: deque[float] = field(default_factory=lambda: deque(maxlen=64))  # smallest delays while it was right
    last_s: float = 0.0
    since_s: float = 0.0
    told_s: float = 0.0


class ClockDetector(RowsDetector):
    """Devices whose clocks are ahead or behind."""

    about = About(
        "clocks",
        "Clocks that are off",
        EventGroup.TELEMETRY,
        "Devices that stamp flows and logs with times that cannot be, seen against their arrival.",
        {"clock_skew": "A device's clock is ahead or behind."},
    )
    tables = tuple(_STAMPS)

    def __init__(self, context: Context) -> None:
        self._devices = Devices(context.names)
        settings = context.config.settings
        self._least_s = float(settings.get("least_s", _LEAST_S))
        self._most = int(settings.get("most_devices", 50_000))
        self._clocks: dict[tuple[str, str], _Clock] = {}
        self._open: dict[str, str] = {}  # device → the table by which it was found
        self._swept_s = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Takes delays in; judges each device of which there are enough."""
        stamp, arrival, enough = _STAMPS[table]
        if not rows.num_rows or not has(rows, stamp, arrival, "exporter"):
            return []
        stamps, arrivals = seconds(rows, stamp), seconds(rows, arrival)
        parts = [coded(rows, "exporter")] + ([coded(rows, "host")] if table == "logs" else [])
        named, number = groups(parts)
        stamped = np.flatnonzero(stamps > 1e6)  # 1970: it has no stamp
        order = stamped[np.argsort(number[stamped], kind="stable")]
        starts = np.searchsorted(number[order], np.arange(len(named) + 1)).tolist()
        came = arrivals[order]
        delays = came - stamps[order]
        found: list[Finding] = []
        for at, one in enumerate(named):
            first, last = starts[at], starts[at + 1]
            device = self._devices.name(*one)
            if device and last > first:
                found += self._judge(table, device, delays[first:last], float(came[first:last].max()), enough)
        return found

    def _judge(self, table: str, device: str, delays: F64, now_s: float, enough: int) -> list[Finding]:
        kept = self._clocks.get((table, device))
        if kept is None:
            if len(self._clocks) >= self._most:
                return []
            kept = self._clocks[table, device] = _Clock(deque(maxlen=enough))
        kept.delays.extend(delays[-enough:].tolist())
        kept.last_s = now_s
        if len(kept.delays) < enough:
            return []
        ordered = sorted(kept.delays)
        least = ordered[0]
        usual = median(kept.usual) if kept.usual else 0.0
        # ahead is proven by a few records, behind only by all of them; what is usual for it is no news
        early = ordered[min(2, enough - 1)]
        off = early if early < -self._least_s else least
        wrong = abs(off - usual) > self._least_s and (off < -self._least_s or least > max(self._least_s, 3 * usual))
        if not wrong:
            kept.usual.append(least)
            return self._right(table, device, kept, now_s)
        kept.since_s = kept.since_s or now_s
        if self._open.setdefault(device, table) != table or now_s - kept.told_s < _REPEAT_S:
            return []
        kept.told_s = now_s
        return [self._finding(table, device, kept, now_s, off, usual)]

    def _right(self, table: str, device: str, kept: _Clock, now_s: float) -> list[Finding]:
        since_s, kept.since_s, kept.told_s = kept.since_s, 0.0, 0.0
        if not since_s or self._open.get(device) != table:
            return []
        del self._open[device]
        return [Finding("clock_skew", device_entity(device), now_s, f"{device}: clock is right again",
                        "Its stamps agree with their arrival again.", Severity.INFO, _HOLD_S, started_s=since_s,
                        ends=True)]  # fmt: skip

    def _finding(self, table: str, device: str, kept: _Clock, now_s: float, off: float, usual: float) -> Finding:
        way, by = ("ahead", -off) if off < 0 else ("behind", off)
        if way == "ahead":
            why = f"its {table} tell of times up to {lasting(-min(kept.delays))} in the future"
        else:
            why = f"not one of its last {len(kept.delays)} {table} records is younger than {lasting(off)}"
        text = f"Its clock is about {lasting(by)} {way}: {why}; usually the freshest is {usual:.1f} s old."
        rows: list[list[str | float | int | None]] = [[round(one, 2)] for one in list(kept.delays)[-20:]]
        return Finding(
            "clock_skew", device_entity(device), now_s, f"{device}: clock {lasting(by)} {way}", text, Severity.MINOR,
            _HOLD_S, started_s=kept.since_s, seen=-off, expected=-usual, unit="s", confidence=0.9,
            evidence=(Evidence(kind="rows", title=f"Arrival minus stamp, last records before {clock(now_s)}",
                               columns=["s"], rows=rows),),
        )  # fmt: skip

    def tick(self, now_s: float) -> list[Finding]:
        """Forgets devices that were not heard of for long."""
        if now_s - self._swept_s < _REPEAT_S:
            return []
        self._swept_s = now_s
        for key in [key for key, one in self._clocks.items() if now_s - one.last_s > _GONE_S]:
            del self._clocks[key]
            if self._open.get(key[1]) == key[0]:
                del self._open[key[1]]
        return []
