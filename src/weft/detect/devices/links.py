"""Lines that go down, stay down or come and go, by what devices log and by the state that they report.

A line that is down is told of once it stayed so for some seconds; one that comes and goes is told of as that, not each
time. Lines that go down together are one event (``outages``). Announced maintenance, and a port that somebody has just
shut, are worth a note and no alarm. A state that was never seen to be up is no event.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.devices import outages
from weft.detect.devices.columns import Devices, has, having
from weft.detect.devices.outages import Neighbour, Outage
from weft.detect.devices.rounds import interface_entity, of_device, quoted
from weft.detect.lines import Port, nobody
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
#: A port whose own settings somebody changed so shortly before it went down was shut by hand, s.
_SHUT_S = 10.0
_WORD = re.compile(r"[\w./:-]+")


@dataclass(slots=True)
class _Line:
    up: bool | None = None
    since_s: float = 0.0
    told_s: float = 0.0
    said: str = ""
    outage: Outage | None = None
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
            "link_down": "A line that was up is down, several between two devices, or all that lead to a device.",
            "link_flap": "An interface goes down over and over.",
            "link_maintenance": "A line is down during maintenance that was announced, or was shut by hand.",
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
        self._edits: deque[tuple[float, str, str, frozenset[str]]] = deque(maxlen=256)  # when, where, by whom, words
        self._last_drops: deque[tuple[float, str]] = deque(maxlen=256)
        self._neighbour: Neighbour = context.facts.get("neighbour", nobody)

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
        """Notes maintenance that begins and ends by the words of the change, and which words each change has."""
        for at_s, device, one in self._devices.told(rows, "kind", "author", "title", "detail"):
            said = f"{one['title']} {one['detail']}"[:4000]
            words = said.lower()
            if one["kind"] != 4 and "maintenance" not in words:
                self._edits.append((at_s, device, one["author"] or "somebody", frozenset(_WORD.findall(said))))
            elif any(word in words for word in ("ends", "ended", "end of", "finished", "completed", "complete")):
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
        first, line.up, line.since_s = line.up is None, up, at_s
        if up:
            return self._back(key, line, at_s)
        if first and said.startswith("its operational"):
            return []  # a reading tells of a state, only a log tells of a change
        line.said, line.told_s = said, 0.0
        line.drops.append(at_s)
        self._last_drops.append((at_s, device))
        self._busy.add(key)
        return []

    def _back(self, key: Port, line: _Line, at_s: float) -> list[Finding]:
        """An outage is over once every line of it is up; one that flaps by now is told of as that."""
        outage, line.outage = line.outage, None
        if outage is None:
            return []
        if line.flapping:
            outage.ports.discard(key)
            return []
        if any(self._lines[port].outage is outage for port in outage.ports if port in self._lines):
            return []
        return [self._finding(outage, at_s, ends=True)] if outage.told_s else []

    def tick(self, now_s: float) -> list[Finding]:
        """Lines that stayed down, and those that flap."""
        found, due = [], []
        for key in sorted(self._busy):
            line = self._lines[key]
            while line.drops and line.drops[0] < now_s - max(FLAPS_S, QUIET_S):
                line.drops.popleft()
            flaps = self._flaps(key, line, now_s)
            found += flaps
            if not flaps and self._is_down(key, line) and line.outage is None and (
                now_s - line.since_s >= self._settle_s
            ):  # fmt: skip
                due.append(key)
            if line.up and not line.drops and not line.flapping:
                self._busy.discard(key)
        self._gather(due)
        down = [key for key in sorted(self._busy) if self._is_down(key, self._lines[key])]
        for outage in dict.fromkeys(self._lines[key].outage for key in down):
            if outage is not None and (not outage.told_s or now_s - outage.told_s >= _REPEAT_S):
                outage.why = outage.why if outage.told_s else self._explained(outage)
                outage.told_s = now_s
                found.append(self._finding(outage, now_s))
        for device, since_s in list(self._work.items()):
            if since_s != since_s:
                self._work[device] = now_s
            elif now_s - since_s > _LONGEST_WORK_S:
                del self._work[device]
        return found

    def _is_down(self, key: Port, line: _Line) -> bool:
        """Whether it is down on its own: not shut, no part of a line that is down itself."""
        if line.up is not False or line.flapping or not line.enabled or self._flaps_there(key) is not None:
            return False
        parent = self._lines.get((key[0], key[1].rpartition(".")[0]))
        return parent is None or parent.up is not False or line.since_s - parent.since_s <= -_TOGETHER_S

    def _gather(self, due: list[Port]) -> None:
        """Puts lines that are to be told of with those that went down with them, told of already or not."""
        for key in due:
            line = self._lines[key]
            if line.outage is not None:
                continue
            near = {
                one: self._lines[one].since_s for one in self._busy
                if abs(self._lines[one].since_s - line.since_s) <= _TOGETHER_S and self._is_down(one, self._lines[one])
            }  # fmt: skip
            for made in outages.outages(near, self._neighbour):
                known = {id(one): one for port in made.ports if (one := self._lines[port].outage) is not None}
                outage = min(known.values(), key=lambda one: (not one.hub, one.since_s), default=made)
                for port in made.ports:
                    if self._lines[port].outage is None:
                        self._lines[port].outage = outage
                        outage.ports.add(port)

    def _flaps(self, key: tuple[str, str], line: _Line, now_s: float) -> list[Finding]:
        recent = [at for at in line.drops if at >= now_s - FLAPS_S]
        entity = interface_entity(*key)
        if not line.flapping and self._flaps_there(key) is not None:
            return []  # told of at the other end
        if line.flapping and (not line.drops or now_s - line.drops[-1] > QUIET_S):
            other = self._lines.get(self._neighbour(*key) or ("", ""))
            line.flapping = False
            over = self._flap(entity, line, now_s, len(recent), ends=True)
            for one in (line, other):
                if one is not None:
                    one.drops.clear()
            return [over]
        if len(recent) >= FLAPS and not line.flapping:
            line.flapping, line.told_s = True, now_s
            return [self._flap(entity, line, now_s, len(recent))]
        if line.flapping and now_s - line.told_s >= _REPEAT_S:
            line.told_s = now_s
            return [self._flap(entity, line, now_s, len(recent))]
        return []

    def _flaps_there(self, key: Port) -> Port | None:
        """The other end of the same line, where it is told to be flapping."""
        far = self._neighbour(*key)
        other = self._lines.get(far) if far is not None else None
        return far if other is not None and other.flapping else None

    def _flap(self, entity: Entity, line: _Line, now_s: float, count: int, *, ends: bool = False) -> Finding:
        title = f"{_title(entity)} comes and goes"
        text = f"It went down {count} times in the last {FLAPS_S / 60:.0f} minutes; once is an accident."
        if ends:
            text = f"It has been steady for {QUIET_S / 60:.0f} minutes."
        device, _, component = entity.id.partition("|")
        far = self._neighbour(device, component)
        return Finding(
            "link_flap", entity, now_s, title, text, Severity.MAJOR, _HOLD_S + QUIET_S,
            others=(interface_entity(*far),) if far is not None and far[1] else (),
            started_s=line.drops[0] if line.drops else None, ends=ends, seen=float(count), expected=0.0, unit="drops",
            evidence=(_log_evidence(entity),),
        )  # fmt: skip

    def _explained(self, outage: Outage) -> str:
        """What explains that lines went down then, in words: announced work, or a hand on the port; empty: nothing."""
        together = {name for at, name in self._last_drops if abs(at - outage.since_s) <= _TOGETHER_S}
        own = sorted({port[0] for port in outage.ports})
        for name in (*own, *sorted(together)):
            if name in self._work:
                return f"{name} announced maintenance before."
        for device, component in sorted(port for port in outage.ports if len(port[1]) > 2):
            for at_s, where, who, words in self._edits:
                if where == device and component in words and -_TOGETHER_S <= outage.since_s - at_s <= _SHUT_S:
                    return f"{who} changed {device} {component} at {clock(at_s)}: it was shut by hand."
        return ""

    def _finding(self, outage: Outage, at_s: float, *, ends: bool = False) -> Finding:
        entity, why = outage.entity, outage.why
        said = next((self._lines[port].said for port in sorted(outage.ports) if port in self._lines), "")
        text = f"Down since {clock(outage.since_s)} by what it says: {said}."
        text += outages.text(outage, self._neighbour) + (f" {why}" if why else "")
        if ends:
            text = f"Up again after {lasting(at_s - outage.since_s)}."
        return Finding(
            "link_maintenance" if why else "link_down", entity, at_s,
            (outages.title(outage, self._neighbour) + (" for maintenance" if why else ""))[:200], text[:2000],
            Severity.INFO if why else Severity.MAJOR, _HOLD_S, started_s=outage.since_s, ends=ends,
            others=outages.others(outage, self._neighbour),
            evidence=tuple(_log_evidence(interface_entity(*port)) for port in sorted(outage.ports)[:6]),
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
