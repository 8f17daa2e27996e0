"""Ports of an AI cluster's switches: microbursts, PFC storms, ECN that is missing, and flows that collide on uplinks.

What a long queue means follows from what goes with it. With pauses received nearly all the time it is a storm; with
marks at the usual load a microburst; with far more load than usual, while the switch as a whole carries no more, flows
that collide; with no marks at all on a switch that always marks, a switch that does not mark any more.

Pauses go back from switch to switch. What is at the other end of a port the inventory knows (fact ``neighbour``): a
port whose neighbour is itself told to pause is a victim, and stands in the event of the port where pauses come from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.detect.context import Context
from weft.detect.detector import About, Finding
from weft.detect.devices.board import Level, Round
from weft.detect.devices.columns import F64, I64
from weft.detect.devices.rounds import ENOUGH, RoundsDetector, chart, device_entity, interface_entity
from weft.detect.fabric.pauses import HELD_UP, STORM, Pauses
from weft.detect.lines import Port, nobody
from weft.detect.texts import amount
from weft.model.events import Entity, EventGroup, Evidence, Severity

_LOAD, _MARKS, _QUEUE = "out_octets", "ecn_marked_pkts", "queue_watermark_bytes"
_PAUSED_US, _PAUSED, _FEC, _BAD = "pfc_rx_pause_us", "pfc_rx_pkts", "fec_uncorrectable_frames", "in_errors"
#: A port is hot with a queue and marks of so much, and so many times what is usual there.
_HOT_QUEUE, _HOT_TIMES, _HOT_MARKS, _MARKS_TIMES = 0.5e6, 6.0, 1000.0, 20.0
#: Times the usual load of a port, and of the whole switch at most, where flows collide; and ports that are emptier.
_CROWDED, _SAME, _EMPTIER = 1.25, 1.15, 3
#: Share of the ports that marked and do not any more, and how many they are at least.
_UNMARKED, _MARKING = 0.9, 6
_LOST = 0.05
_HOLD_S = 420.0


@dataclass(slots=True)
class _Ports:
    """The ports of a switch, and for each metric the numbers of its series and the ports that they are of."""

    names: list[str]
    series: dict[str, tuple[I64, I64]]

    def now(self, values: F64, metric: str, how: Any = np.add) -> F64:
        """A metric of each port; queues of a port are put together by ``how``; not a number where it is not known."""
        found = np.full(len(self.names), np.nan)
        if metric in self.series:
            numbers, ports = self.series[metric]
            good = np.isfinite(values[numbers])
            found[ports[good]] = 0.0
            how.at(found, ports[good], values[numbers][good])
        return found


@dataclass(slots=True)
class _Look:
    """A switch as it is now and as it usually is; per port. ``new``: numbers of its series with new values."""

    device: str
    at_s: float
    new: I64
    level: Level
    ports: _Ports
    load: F64
    load_usual: F64
    marks: F64
    marks_usual: F64
    queue: F64
    queue_usual: F64
    paused: F64


class FabricPortsDetector(RoundsDetector):
    """Queues, pauses and marks of switches."""

    about = About(
        "fabric_ports",
        "Bursts, pauses and marks in a fabric",
        EventGroup.FABRIC,
        "Microbursts, PFC storms, missing ECN, colliding flows and losses by the counters of a fabric's switches.",
        {
            "microburst": "A queue overflows in bursts though its port carries no more than usual.",
            "pfc_storm": "A port is told to pause for a large part of the time.",
            "ecn_missing": "A switch that always marks does not mark any more, though it carries traffic.",
            "uplink_imbalance": "Flows collide on a few ports of a switch that as a whole carries no more than usual.",
            "fabric_loss": "Frames arrive that FEC cannot mend.",
        },
    )
    metrics = (_LOAD, _MARKS, _QUEUE, _PAUSED_US, _PAUSED, _FEC, _BAD)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._ports: dict[str, _Ports] = {}
        self._built = 0
        self._new: dict[str, set[int]] = {}  # device → series with new values
        self._seen: set[str] = set()  # devices that a tick has seen: looked at with the next one
        self._neighbour: Callable[[str, str], Port | None] = context.facts.get("neighbour", nobody)
        self._pauses = Pauses(self._neighbour)

    def look(self, new: Round) -> list[Finding]:
        """Notes which switches have new values: they are looked at once all of a poll is there."""
        for number in new.at.tolist():
            self._new.setdefault(self.board.series[number].device, set()).add(number)
        return []

    def tick(self, now_s: float) -> list[Finding]:
        """Looks at the switches whose values were there at the tick before."""
        if self.board.forget(now_s):
            self._ports.clear()
            self._new.clear()
            self._built = 0
        found: list[Finding] = []
        due = [(device, self._new.pop(device)) for device in sorted(self._seen & self._new.keys())]
        looks = [
            look for device, new in due if (look := self._look(device, np.array(sorted(new), np.int64))) is not None
        ]
        for look in looks:  # all of them before any is judged: who is a victim of whom
            self._pauses.note(look.device, look.ports.names, np.nan_to_num(look.paused), look.at_s)
        for look in looks:
            found += self._switch(look)
        self._seen = set(self._new)
        return found

    def _of(self, device: str) -> _Ports:
        """The ports of a switch; made anew where the board has grown."""
        if self._built != len(self.board.series):
            self._ports.clear()
            self._built = len(self.board.series)
            parts: dict[str, dict[str, list[tuple[int, str]]]] = {}
            for number, one in enumerate(self.board.series):
                parts.setdefault(one.device, {}).setdefault(one.metric, []).append((number, one.component))
            for name, metrics in parts.items():
                names = sorted({component for pairs in metrics.values() for _, component in pairs})
                place = {component: at for at, component in enumerate(names)}
                self._ports[name] = _Ports(names, {
                    metric: (np.array([n for n, _ in pairs]), np.array([place[c] for _, c in pairs]))
                    for metric, pairs in metrics.items()
                })  # fmt: skip
        return self._ports[device]

    def _look(self, device: str, new: I64) -> _Look | None:
        """A switch with new values; none where it is no switch of a fabric."""
        ports = self._of(device)
        if not ({_QUEUE, _MARKS, _PAUSED_US, _FEC} & ports.series.keys()):
            self.board.learn(new, self.board.last[new])
            return None
        usual = np.full(len(self.board.last), np.nan)
        level = self.board.level(new)
        usual[new] = np.where(level.count >= ENOUGH, level.middle, np.nan)
        return _Look(
            device, float(self.board.last_s[new].max()), new, level,
            ports, ports.now(self.board.last, _LOAD), ports.now(usual, _LOAD), ports.now(self.board.last, _MARKS),
            ports.now(usual, _MARKS), ports.now(self.board.last, _QUEUE, np.maximum),
            ports.now(usual, _QUEUE, np.maximum), ports.now(self.board.last, _PAUSED_US, np.maximum) / 1e6,
        )  # fmt: skip

    def _switch(self, one: _Look) -> list[Finding]:
        device, new, level, at_s = one.device, one.new, one.level, one.at_s
        found = self._storms(device, one, at_s)
        unmarked = self._unmarked(device, one, at_s)
        found += unmarked + self._hot(device, one, at_s, is_unmarked=bool(unmarked)) + self._lost(device, one, at_s)
        wrong = self.streaks.is_open(("ecn_missing", device))
        calm = level.middle + np.maximum(8 * level.scale, 0.3 * np.abs(level.middle))
        deviates = (level.count >= ENOUGH) & ((self.board.last[new] > np.maximum(calm, 1.0)) | wrong)
        self.board.learn(new, self.board.last[new], deviates)
        return found

    def _each(
        self, kind: str, device: str, one: _Look, at_s: float, which: NDArray[np.bool_], text: Any,
        severity: Severity, need: int = 1,
    ) -> list[Finding]:  # fmt: skip
        """An event for each port of which something is true, and its end for each of which it is not any more."""
        found = []
        for at in np.flatnonzero(which):
            since_s = self.streaks.hit((kind, device, one.ports.names[at]), at_s, need)
            if since_s is not None:
                entity = interface_entity(device, one.ports.names[at])
                told, seen, expected, unit = text(at)
                far = self._far(device, one.ports.names[at])
                found.append(_finding(kind, entity, at_s, since_s, told, severity, (seen, expected, unit), far))
        for at in np.flatnonzero(~which):
            since_s = self.streaks.miss((kind, device, one.ports.names[at]))
            if since_s is not None:
                entity = interface_entity(device, one.ports.names[at])
                found.append(_finding(kind, entity, at_s, since_s, "As usual again.", severity, ends=True))
        return found

    def _far(self, device: str, port: str) -> list[Entity]:
        """What is at the other end of a port, as far as it is known."""
        far = self._neighbour(device, port)
        if far is None:
            return []
        return [interface_entity(*far), device_entity(far[0])] if far[1] else [device_entity(far[0])]

    def _line(self, device: str, port: str) -> str:
        """A port, and what it leads to."""
        far = self._neighbour(device, port)
        return f"{port} to {' '.join(far).strip()}" if far is not None else port

    def _storms(self, device: str, one: _Look, at_s: float) -> list[Finding]:
        names, paused = one.ports.names, np.nan_to_num(one.paused)
        which = paused >= self.setting("storm_share", STORM)
        for at in np.flatnonzero(which):
            which[at] = not self._pauses.is_victim(device, names[at], at_s)

        def text(at: int) -> tuple[str, float, float, str]:
            told = self._pauses.told(device, names[at], float(paused[at]), at_s)
            told += f" Queue here: {amount(float(np.nan_to_num(one.queue[at])), 'B')}."
            return told, 100 * float(paused[at]), 0.0, "% of the time"

        found = self._each("pfc_storm", device, one, at_s, which, text, Severity.CRITICAL)
        return [finding if finding.ends else self._pauses.named(finding, device) for finding in found]

    def _unmarked(self, device: str, one: _Look, at_s: float) -> list[Finding]:
        busy = (one.load >= 0.4 * one.load_usual) & (one.load > 1e6) & (one.marks_usual > 0.1)
        marking = int(busy.sum())
        key = "ecn_missing", device
        entity = device_entity(device)
        silent = int((busy & (one.marks == 0)).sum())
        is_missing = marking >= _MARKING and silent >= _UNMARKED * marking
        if not is_missing:
            since_s = self.streaks.miss(key) if marking >= _MARKING else None
            return [] if since_s is None else [
                _finding("ecn_missing", entity, at_s, since_s, "It marks again.", Severity.MAJOR, ends=True)
            ]  # fmt: skip
        since_s = self.streaks.hit(key, at_s, 1)
        if since_s is None:
            return []
        queues = np.nan_to_num(one.queue)
        text = (
            f"{silent} of {marking} busy ports that used to mark packets mark none; the longest queue is "
            f"{amount(float(queues.max(initial=0.0)), 'B')}. Was its queue profile changed? Senders are slowed by "
            f"pauses instead."
        )
        return [_finding("ecn_missing", entity, at_s, since_s, text, Severity.MAJOR,
                         (float(np.nansum(one.marks)), float(np.nansum(one.marks_usual)), "packets/s"))]  # fmt: skip

    def _hot(self, device: str, one: _Look, at_s: float, *, is_unmarked: bool) -> list[Finding]:
        queue, marks = np.nan_to_num(one.queue), np.nan_to_num(one.marks)
        hot = (queue >= np.fmax(_HOT_QUEUE, _HOT_TIMES * one.queue_usual)) & (
            marks >= np.fmax(_HOT_MARKS, _MARKS_TIMES * one.marks_usual)
        )
        hot &= np.isfinite(one.queue_usual) & (not is_unmarked)
        held_up = np.nan_to_num(one.paused) >= HELD_UP
        crowded = one.load > np.fmax(_CROWDED * one.load_usual, 1e6)

        def text(at: int) -> tuple[str, float, float, str]:
            far = self._neighbour(device, one.ports.names[at])
            told = (
                f"Its queue reached {amount(queue[at], 'B')}, usually {amount(float(one.queue_usual[at]), 'B')}, and "
                f"{amount(marks[at])} packets a second are marked, though it carries "
                f"{amount(8 * one.load[at], 'bit/s')} as usual: many answer {far[0] if far else 'one'} at once."
            )
            return told, float(queue[at]), float(one.queue_usual[at]), "B"

        found = self._each("microburst", device, one, at_s, hot & ~held_up & ~crowded, text, Severity.MAJOR)
        return found + self._collision(device, one, at_s, hot & ~held_up & crowded)

    def _collision(self, device: str, one: _Look, at_s: float, which: NDArray[np.bool_]) -> list[Finding]:
        total, usual = float(np.nansum(one.load)), float(np.nansum(one.load_usual))
        emptier = int(((one.load < 0.5 * one.load_usual) & (one.load_usual > 1e6)).sum())
        key, entity = ("uplink_imbalance", device), device_entity(device)
        if not which.any() or emptier < _EMPTIER or total > self.setting("same_load", _SAME) * usual:
            since_s = self.streaks.miss(key)
            return [] if since_s is None else [
                _finding(key[0], entity, at_s, since_s, "Its load is spread as usual.", Severity.MAJOR, ends=True)
            ]  # fmt: skip
        since_s = self.streaks.hit(key, at_s, 1)
        if since_s is None:
            return []
        first = int(np.argmax(np.where(which, one.load, -1.0)))
        seen, before = 8 * float(one.load[first]), 8 * float(one.load_usual[first])
        text = (
            f"{which.sum()} of its ports overflow, {self._line(device, one.ports.names[first])} with "
            f"{amount(seen, 'bit/s')} (usually "
            f"{amount(before, 'bit/s')}) and a queue of {amount(float(one.queue[first]), 'B')}, while {emptier} carry "
            f"less than half of their usual; the switch as a whole carries {100 * total / usual:.0f} % of its usual. "
            f"Flows collide."
        )
        others = [interface_entity(device, one.ports.names[at]) for at in np.flatnonzero(which)[:20]]
        others += self._far(device, one.ports.names[first])[:1]
        return [_finding("uplink_imbalance", entity, at_s, since_s, text, Severity.MAJOR, (seen, before, "bit/s"),
                         others)]  # fmt: skip

    def _lost(self, device: str, one: _Look, at_s: float) -> list[Finding]:
        lost = one.ports.now(self.board.last, _FEC)
        counted = one.ports.now(self.board.last, _BAD)  # then it is told of as errors of the interface
        which = (np.nan_to_num(lost) >= _LOST) & ~(np.nan_to_num(counted) > 0)

        def text(at: int) -> tuple[str, float, float, str]:
            line = self._line(device, one.ports.names[at])
            told = f"{lost[at]:.2g} frames a second arrive that FEC cannot mend: the line {line} loses them."
            return told, float(lost[at]), 0.0, "frames/s"

        return self._each("fabric_loss", device, one, at_s, which, text, Severity.MINOR, 2)


def _finding(
    kind: str, entity: Entity, at_s: float, since_s: float, text: str, severity: Severity,
    values: tuple[float, float, str] | None = None, others: list[Entity] | None = None, *, ends: bool = False,
) -> Finding:  # fmt: skip
    device, _, component = entity.id.partition("|")
    seen, expected, unit = values or (None, None, "")
    evidence: tuple[Evidence, ...] = (chart(device, [_QUEUE, _MARKS, _PAUSED_US, _LOAD], component, "Queue and load"),)
    title = f"{entity.id.replace('|', ' ')}: {kind.replace('_', ' ')}"
    return Finding(
        kind, entity, at_s, title[:200], text, severity, _HOLD_S, started_s=since_s, ends=ends, seen=seen,
        expected=expected, unit=unit, others=others or (), evidence=evidence, confidence=0.9,
    )  # fmt: skip
