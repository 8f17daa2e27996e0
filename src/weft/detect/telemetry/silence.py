"""Who fell silent: exporters of flows and devices that are measured, against how often each usually tells something.

How long a silence is unusual follows from the longest gaps of that device in the last hours, so that one that exports
every few minutes is left in peace and one that exports every second is missed within seconds, and a busy hour does not
make the quiet one after it a silence. Where nearly all fall silent at once it is the way to Weft that failed: one
event, not hundreds. Who was heard of since then speaks against that; who usually tells something every few minutes
only, and was not, does not.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.devices.columns import Devices, coded, groups, seconds
from weft.detect.devices.rounds import device_entity
from weft.detect.texts import clock, lasting
from weft.model.events import Entity, EventGroup, Evidence, Severity

#: Rows of a table, the column of their arrival, the kind of event, and what it is called.
_TABLES = {
    "flows": ("time_received", "exporter_silent", "flows"),
    "metrics": ("time", "metrics_silent", "metrics"),
}
#: A silence is unusual when it is so many times as long as the longest gap of the last hours, and at least so long, s.
_TIMES, _LEAST_S = 2.2, 20.0
#: The longest gap is kept of each so many seconds, so many of them; and gaps that a judgement rests on at least.
_SLOT_S, _SLOTS, _ENOUGH = 900.0, 24, 12
#: Share of the sources of a table, and how many, that fall silent together where the feed is at fault.
_MOST_OF, _MANY = 0.6, 4
#: Who was heard of so much later than those that fell silent is alive, seconds.
_SLACK_S = 2.0
_REPEAT_S, _HOLD_S, _GONE_S = 60.0, 400.0, 2 * 86_400.0


@dataclass(slots=True)
class _Source:
    last_s: float
    gaps: int = 0
    slots: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_SLOTS))  # number, longest gap
    longest_s: float = 0.0
    """The longest gap of the last hours."""
    limit_s: float = float("inf")
    """A silence longer than this is unusual; infinite while too little is known."""
    silent: bool = False
    told_s: float = 0.0

    def learn(self, at_s: float, gap: float, least_s: float) -> None:
        """Takes a gap in; one that was a silence counts as the longest that would have been none."""
        gap = min(gap, self.limit_s)
        slot = at_s // _SLOT_S
        self.gaps += 1
        if self.slots and self.slots[-1][0] == slot:
            self.slots[-1] = slot, max(gap, self.slots[-1][1])
            self.longest_s = max(gap, self.longest_s)
        else:
            self.slots.append((slot, gap))
            self.longest_s = max(longest for _, longest in self.slots)
        if self.gaps >= _ENOUGH:
            self.limit_s = max(least_s, _TIMES * self.longest_s)


class SilenceDetector(RowsDetector):
    """Exporters and measured devices of which nothing comes any more."""

    about = About(
        "silence",
        "Sources that fell silent",
        EventGroup.TELEMETRY,
        "Exporters and devices of which nothing comes any more, for far longer than is usual for each of them.",
        {
            "exporter_silent": "A device exports no flows any more.",
            "metrics_silent": "A device is no longer measured: it does not answer, or does not send.",
            "feed_silent": "Nearly all sources of a table fell silent at once: what they come by is at fault.",
        },
    )
    tables = tuple(_TABLES)

    def __init__(self, context: Context) -> None:
        self._devices = Devices(context.names)
        settings = context.config.settings
        self._least_s = float(settings.get("least_s", _LEAST_S))
        self._most = int(settings.get("most_sources", 50_000))
        self._sources: dict[tuple[str, str], _Source] = {}
        self._feeds: dict[str, float] = {}  # tables that are silent as a whole, since when
        self._swept_s = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Notes when each source was last heard of."""
        if not rows.num_rows:
            return []
        times = seconds(rows, _TABLES[table][0])
        parts = [coded(rows, "exporter")] + ([coded(rows, "host")] if table == "metrics" else [])
        named, number = groups(parts)
        order = np.lexsort((times, number))
        times, number = times[order], number[order]
        other = np.concatenate([[True], (np.diff(times) > 0) | (np.diff(number) > 0)])  # each time once
        times, number = times[other], number[other]
        starts = np.searchsorted(number, np.arange(len(named) + 1)).tolist()
        found: list[Finding] = []
        for at, one in enumerate(named):
            device = self._devices.name(*one)
            if device:
                found += self._heard(table, device, times[starts[at] : starts[at + 1]].tolist())
        return found

    def _heard(self, table: str, device: str, arrivals: list[float]) -> list[Finding]:
        source = self._sources.get((table, device))
        if source is None:
            if len(self._sources) >= self._most:
                return []
            source = self._sources[table, device] = _Source(arrivals[0])
        found = []
        for at_s in arrivals:
            gap = at_s - source.last_s
            if gap <= 0:
                continue
            if source.silent:
                source.silent = False
                if source.told_s:
                    found.append(self._finding(table, device, at_s, source, ends=True))
                source.told_s = 0.0
            source.learn(at_s, gap, self._least_s)
            source.last_s = at_s
        return found

    def tick(self, now_s: float) -> list[Finding]:
        """Who has been silent for too long."""
        found: list[Finding] = []
        for table in _TABLES:
            silent: list[str] = []
            last: list[float] = []  # of those that are known well enough and are not silent
            for (of, device), source in self._sources.items():
                if of != table:
                    continue
                if now_s - source.last_s > source.limit_s:
                    silent.append(device)
                    source.silent = True
                elif source.gaps >= _ENOUGH:
                    last.append(source.last_s)
            if not silent and table not in self._feeds:
                continue
            since_s = max((self._sources[table, name].last_s for name in silent), default=0.0)
            alive = sum(one > since_s + _SLACK_S for one in last)
            if silent and not alive and len(silent) < _MANY <= len(silent) + len(last):
                continue  # nobody was heard of since: soon it is known whether anybody will be
            found += self._silent(table, silent, alive, now_s)
        if now_s - self._swept_s >= _REPEAT_S:
            self._swept_s = now_s
            for key in [key for key, one in self._sources.items() if now_s - one.last_s > _GONE_S]:
                del self._sources[key]
        return found

    def _silent(self, table: str, silent: list[str], alive: int, now_s: float) -> list[Finding]:
        fresh = [name for name in silent if not self._sources[table, name].told_s]
        if len(silent) >= _MANY and len(silent) >= _MOST_OF * (len(silent) + alive) and (
            table in self._feeds or len(fresh) >= _MOST_OF * len(silent)
        ):  # fmt: skip
            return self._feed(table, silent, alive, now_s)
        found = []
        if table in self._feeds:
            since_s = self._feeds.pop(table)
            if silent or alive:  # nobody is left: they were forgotten, not heard of
                found.append(_feed_finding(table, now_s, since_s, "They are heard of again.", ends=True))
        for name in silent:
            source = self._sources[table, name]
            if now_s - source.told_s >= _REPEAT_S:
                source.told_s = now_s
                found.append(self._finding(table, name, now_s, source))
        return found

    def _feed(self, table: str, silent: list[str], alive: int, now_s: float) -> list[Finding]:
        last_s = max(self._sources[table, name].last_s for name in silent)
        since_s = self._feeds.setdefault(table, last_s)
        text = (
            f"{len(silent)} of {len(silent) + alive} sources of {table} fell silent together, the last at "
            f"{clock(last_s)}: look at what they come by before you look at them."
        )
        return [_feed_finding(table, now_s, since_s, text)]

    def _finding(self, table: str, device: str, at_s: float, source: _Source, *, ends: bool = False) -> Finding:
        _, kind, what = _TABLES[table]
        others = [self._sources.get((of, device)) for of in _TABLES if of != table]
        if ends:
            text = f"{what.capitalize()} come again after {lasting(at_s - source.last_s)}."
        else:
            text = (
                f"No {what} since {clock(source.last_s)}, for {lasting(at_s - source.last_s)}; the longest "
                f"gap of its last hours was {lasting(source.longest_s)}."
            )
            if any(one is not None and not one.silent for one in others):
                text += " It is alive: other telemetry of it goes on."
        query = {"dataset": table, "view": "table" if table == "metrics" else "series"}
        return Finding(
            kind, device_entity(device), at_s, f"{device}: no {what}", text, Severity.MAJOR, _HOLD_S,
            started_s=source.last_s, ends=ends, seen=at_s - source.last_s, expected=source.longest_s,
            unit="s", confidence=0.95, evidence=(Evidence(kind="query", title=f"{what.capitalize()} in time",
                                                          query=query),),
        )  # fmt: skip


def _feed_finding(table: str, at_s: float, since_s: float, text: str, *, ends: bool = False) -> Finding:
    entity = Entity(kind="source", id=table)
    return Finding("feed_silent", entity, at_s, f"No {table} of nearly anybody", text, Severity.CRITICAL, _HOLD_S,
                   started_s=since_s, ends=ends)  # fmt: skip
