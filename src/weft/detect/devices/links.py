"""Lines that go down, stay down or come and go, by what devices log and by the state that they report.

A line that is down is told of once it stayed so for some seconds; one that comes and goes is told of as that, not each
time. Announced maintenance is worth a note and no alarm. A state that was never seen to be up is no event.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.devices.columns import Devices, has, having
from weft.detect.devices.rounds import interface_entity, of_device, quoted
from weft.detect.texts import clock, lasting
from weft.model.events import Entity, EventGroup, Evidence, Severity

#: Down so long before it is told of, s: shorter is a bounce, which only counts towards flapping.
SETTLE_S = 8.0
#: Downs within so many seconds that make a line a flapping one, and how long it is quiet before it is none any more.
FLAPS, FLAPS_S, QUIET_S = 3, 600.0, 420.0
#: Lines that go down so close to each other went down together, s.
_TOGETHER_S = 3.0
_REPEAT_S, _HOLD_S = 60.0, 200.0
_UP, _DOWN, _GONE = 1, 2, {2, 6, 7}
#: A device says that it is worked on: so long it may take at most, s.
_LONGEST_WORK_S = 4 * 3600.0


@dataclass(slots=True)
class _Line:
    up: bool | None = None
    since_s: float = 0.0
    told_s: float = 0.0
    said: str = ""
    worked_on: str = ""  # the device whose announced maintenance explains that it is down
    enabled: bool = True
    flapping: bool = False
    drops: deque[float] = field(default_factory=lambda: deque(maxlen=32))


class LinkDetector(RowsDetector):
    """Lines down and flapping lines."""

    about = About(
        "links",
        "Lines down and flapping",
        EventGroup.LINK,
        "Interfaces that go down by what devices log or report, and those that come and go.",
        {
            "link_down": "An interface that was up is down.",
            "link_flap": "An interface goes down over and over.",
            "link_maintenance": "An interface is down during maintenance that was announced.",
        },
    )
    tables = ("logs", "metrics", "changes")

    def __init__(self, context: Context) -> None:
        self._devices = Devices(context.names)
        settings = context.config.settings
        self._settle_s = float(settings.get("settle_s", SETTLE_S))
        self._most = int(settings.get("most_interfaces", 100_000))
        self._lines: dict[tuple[str, str], _Line] = {}
        self._busy: set[tuple[str, str]] = set()  # down or flapping: what a tick looks at
        self._work: dict[str, float] = {}  # device → since when it is worked on
        self._last_drops: deque[tuple[float, str]] = deque(maxlen=256)

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """States that are told; findings come with the tick, or at once where a line is back."""
        if table == "changes":
            self._changes(rows)
            return []
        told = self._logged(rows) if table == "logs" else self._reported(rows)
        found = []
        for device, component, at_s, up, said in sorted(told, key=lambda one: one[2]):
            found += self._state(device, component, at_s, up, said)
        return found

    def _logged(self, rows: pa.RecordBatch) -> list[tuple[str, str, float, bool, str]]:
        states = {"INTERFACE_DOWN": False, "INTERFACE_UP": True}
        chosen = having(rows, "event", states)
        if chosen is None:
            return []
        return [
            (device, one["component"], at_s, states[one["event"]], one["message"][:300])
            for at_s, device, one in self._devices.told(chosen, "event", "component", "message") if one["component"]
        ]  # fmt: skip

    def _reported(self, rows: pa.RecordBatch) -> list[tuple[str, str, float, bool, str]]:
        chosen = having(rows, "metric", ("oper_status", "admin_status"))
        if chosen is None or not has(rows, "component", "value"):
            return []
        told = []
        for at_s, device, one in self._devices.told(chosen, "metric", "component", "value"):
            key, state = (device, one["component"]), one["value"]
            line = self._lines.get(key)
            if one["metric"] == "admin_status":
                if line is not None:
                    line.enabled = state != _DOWN
            elif state == _UP or state in _GONE:
                told.append((*key, at_s, state == _UP, f"its operational state is {int(state)}"))
        return told

    def _changes(self, rows: pa.RecordBatch) -> None:
        """Notes maintenance that begins and ends by the words of the change."""
        for one in rows.select(["exporter", "host", "kind", "title", "detail"]).to_pylist():
            words = f"{one['title']} {one['detail']}".lower()
            if one["kind"] != 4 and "maintenance" not in words:
                continue
            device = self._devices.name(one["exporter"], one["host"])
            if any(word in words for word in ("ends", "ended", "end of", "finished", "completed", "complete")):
                self._work.pop(device, None)
            elif len(self._work) < self._most:
                self._work[device] = float("nan")  # its time is that of the next tick

    def _state(self, device: str, component: str, at_s: float, up: bool, said: str) -> list[Finding]:
        key = device, component
        line = self._lines.get(key)
        if line is None:
            if len(self._lines) >= self._most:
                return []
            line = self._lines[key] = _Line()
        if line.up is up or at_s < line.since_s:
            return []
        first, line.up = line.up is None, up
        since_s, line.since_s = line.since_s, at_s
        if up:
            return self._back(key, line, at_s, since_s)
        if first and said.startswith("its operational"):
            return []  # a reading tells of a state, only a log tells of a change
        line.said, line.told_s = said, 0.0
        line.drops.append(at_s)
        self._last_drops.append((at_s, device))
        self._busy.add(key)
        return []

    def _back(self, key: tuple[str, str], line: _Line, at_s: float, since_s: float) -> list[Finding]:
        if not line.told_s or line.flapping:
            return []
        line.told_s = 0.0
        return [self._finding(key, line, at_s, since_s, ends=True)]

    def tick(self, now_s: float) -> list[Finding]:
        """Lines that stayed down, and those that flap."""
        found = []
        for key in sorted(self._busy):
            line = self._lines[key]
            while line.drops and line.drops[0] < now_s - max(FLAPS_S, QUIET_S):
                line.drops.popleft()
            found += self._flaps(key, line, now_s) or self._downs(key, line, now_s)
            if line.up and not line.drops and not line.flapping:
                self._busy.discard(key)
        for device, since_s in list(self._work.items()):
            if since_s != since_s:
                self._work[device] = now_s
            elif now_s - since_s > _LONGEST_WORK_S:
                del self._work[device]
        return found

    def _flaps(self, key: tuple[str, str], line: _Line, now_s: float) -> list[Finding]:
        recent = [at for at in line.drops if at >= now_s - FLAPS_S]
        entity = interface_entity(*key)
        if line.flapping and (not line.drops or now_s - line.drops[-1] > QUIET_S):
            line.flapping = False
            over = self._flap(entity, line, now_s, len(recent), ends=True)
            line.drops.clear()
            return [over]
        if len(recent) >= FLAPS and not line.flapping:
            line.flapping, line.told_s = True, now_s
            return [self._flap(entity, line, now_s, len(recent))]
        if line.flapping and now_s - line.told_s >= _REPEAT_S:
            line.told_s = now_s
            return [self._flap(entity, line, now_s, len(recent))]
        return []

    def _flap(self, entity: Entity, line: _Line, now_s: float, count: int, *, ends: bool = False) -> Finding:
        title = f"{_title(entity)} comes and goes"
        text = f"It went down {count} times in the last {FLAPS_S / 60:.0f} minutes; once is an accident."
        if ends:
            text = f"It has been steady for {QUIET_S / 60:.0f} minutes."
        return Finding(
            "link_flap", entity, now_s, title, text, Severity.MAJOR, _HOLD_S + QUIET_S,
            started_s=line.drops[0] if line.drops else None, ends=ends, seen=float(count), expected=0.0, unit="drops",
            evidence=(_log_evidence(entity),),
        )  # fmt: skip

    def _downs(self, key: tuple[str, str], line: _Line, now_s: float) -> list[Finding]:
        is_due = not line.told_s or now_s - line.told_s >= _REPEAT_S
        if line.up or line.flapping or not line.enabled or not is_due or now_s - line.since_s < self._settle_s:
            return []
        parent = self._lines.get((key[0], key[1].rpartition(".")[0]))
        if parent is not None and parent.up is False and line.since_s - parent.since_s > -_TOGETHER_S:
            return []  # a part of a line that is down itself
        if not line.told_s:
            line.worked_on = self._working(key[0], line.since_s)
        line.told_s = now_s
        return [self._finding(key, line, now_s, line.since_s)]

    def _working(self, device: str, since_s: float) -> str:
        """The device whose announced maintenance explains that a line went down then; empty where none does."""
        together = {name for at, name in self._last_drops if abs(at - since_s) <= _TOGETHER_S}
        return next((name for name in (device, *sorted(together)) if name in self._work), "")

    def _finding(
        self, key: tuple[str, str], line: _Line, at_s: float, since_s: float, *, ends: bool = False
    ) -> Finding:
        entity, worked_on = interface_entity(*key), line.worked_on
        kind = "link_maintenance" if worked_on else "link_down"
        text = f"Down since {clock(since_s)} by what it says: {line.said}."
        if worked_on:
            text += f" {worked_on} announced maintenance before."
        if ends:
            text = f"Up again after {lasting(at_s - since_s)}."
        return Finding(
            kind, entity, at_s, f"{_title(entity)} is down" + (" for maintenance" if worked_on else ""), text,
            Severity.INFO if worked_on else Severity.MAJOR, _HOLD_S, started_s=since_s, ends=ends,
            evidence=(_log_evidence(entity),),
        )  # fmt: skip


def _title(entity: Entity) -> str:
    return entity.id.replace("|", " ")[:150]


def _log_evidence(entity: Entity) -> Evidence:
    device, _, component = entity.id.partition("|")
    chosen = f"{of_device(device)} and component = {quoted(component)}"
    return Evidence(
        kind="query", title="What the device logs of it",
        query={"dataset": "logs", "view": "records", "filter": chosen},
    )  # fmt: skip
