"""Changes of configurations, and what they did: load that steps within minutes of a commit on that device.

A commit is a note. One after which an interface of the same device carries suddenly far more or less, or after which
the device refuses far more, is an event: the change that did it is named, and how to see that it was that.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding
from weft.detect.devices.board import Round
from weft.detect.devices.columns import having
from weft.detect.devices.rounds import ENOUGH, RoundsDetector, chart, device_entity, interface_entity, of_device
from weft.detect.texts import amount, clock
from weft.model.events import Entity, EventGroup, Evidence, Severity

#: A step so soon after a change is put down to it, s.
_WINDOW_S = 240.0
#: Relative step of the load that is told of, in units of the usual step from reading to reading, and at least.
_SIGMAS, _LEAST_STEP = 9.0, 0.10
#: Lines that carry less are left alone, bit/s.
_LEAST_BPS = 50e3
#: Share of the load before that is as good as none; how long a reading lasts, s.
_NOTHING, _READING_S = 0.01, 70.0
#: Refused connections a minute, after a change, that are told of; and times what was refused before.
_DENIES, _TIMES = 6.0, 5.0
_HOLD_S, _LONGEST_S, _MOST_CHANGES = 1800.0, 4 * 3600.0, 10_000
#: Changes of a device by one person no further apart are one piece of work: a commit, its parts, and taking it back.
_WORK_S = 3600.0


@dataclass(slots=True)
class _Change:
    at_s: float
    author: str
    title: str
    words: str = ""  # all that it says
    denied: int = 0
    told: bool = False  # nothing more is to be said of it
    is_again: bool = False  # it came while what one before it did lasted: it may well undo that
    steps: dict[int, tuple[float, float]] = field(default_factory=dict)  # series → load before, σ of a step


class ChangesDetector(RoundsDetector):
    """Changes as they come, and harm done by them."""

    about = About(
        "changes",
        "Changes and what they did",
        EventGroup.CHANGE,
        "Each change of a configuration as a note; an event where load steps or refusals surge right after one.",
        {
            "config_change": "A configuration was changed. A note, no alarm.",
            "change_impact": "The load of an interface stepped right after its device was changed.",
            "change_denies": "A device refuses far more connections right after it was changed.",
        },
    )
    tables = ("changes", "metrics", "logs")
    metrics = ("in_octets", "out_octets")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._open: dict[str, _Change] = {}
        self._hurt: dict[int, tuple[float, float, float]] = {}  # series → since, load before it, the step's σ
        self._told: dict[str, list[int]] = {}  # interface with an open event → its series
        self._work: dict[tuple[str, str], list[tuple[float, str, str]]] = {}  # device, who → when, title, detail
        self._refused: dict[str, deque[tuple[float, int]]] = {}
        self._refusing: dict[str, float] = {}

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Changes, loads and refusals."""
        if table == "changes":
            return self._changes(rows)
        return self._denies(rows) if table == "logs" else super().take(table, rows)

    def tick(self, now_s: float) -> list[Finding]:
        """Forgets changes that are long done."""
        found = []
        for device in [name for name, one in self._open.items() if now_s - one.at_s > _WINDOW_S + 120]:
            if self._open.pop(device).is_again:
                found += self._undone(device, now_s)
        for key in [key for key, work in self._work.items() if now_s - work[-1][0] > _WORK_S]:
            del self._work[key]
        before = len(self.board.series)
        super().tick(now_s)
        if len(self.board.series) < before:
            self._hurt.clear()
            self._told.clear()
        return found

    def _changes(self, rows: pa.RecordBatch) -> list[Finding]:
        found = []
        told = self.board.devices.told(rows, "kind", "author", "title", "detail")
        for at_s, device, one in sorted(told, key=lambda row: row[0]):
            if not device:
                continue
            self._judge(device, at_s, one)
            found.append(self._note(device, at_s, one))
        return found

    def _note(self, device: str, at_s: float, one: dict[str, Any]) -> Finding:
        """The change as a note, with what the same person changed there shortly before."""
        who = one["author"] or "somebody"
        work = self._work.get((device, who), [])
        if work and at_s - work[-1][0] > _WORK_S:
            work = []
        work = [*work, (at_s, one["title"] or "changed", one["detail"] or "")][-20:]
        if (device, who) in self._work or len(self._work) < _MOST_CHANGES:
            self._work[device, who] = work
        title = f"{device}: {work[0][1]}" + (f", and {len(work) - 1} more" if len(work) > 1 else "")
        told = "; ".join(f"{clock(when)} {name}" for when, name, _ in work) if len(work) > 1 else work[0][1]
        text = f"{who} changed it: {told}. A note; whether it did harm is looked at for {_WINDOW_S / 60:.0f} minutes."
        return Finding(
            "config_change", device_entity(device), at_s, title[:200], text[:2000], Severity.INFO, _WORK_S,
            labels={"author": who}, score=float(len(work) - 1),  # the last says all there is
            evidence=[Evidence(kind="fact", title=f"What the change says, {clock(when)}", text=detail[:2000])
                      for when, _, detail in reversed(work)],
        )  # fmt: skip

    def _judge(self, device: str, at_s: float, one: dict[str, Any]) -> None:
        """Has what happens next put down to a change: not to announced work, nor to what follows one that did harm."""
        known = self._open.get(device)
        is_work = one["kind"] != 1 or "maintenance" in f"{one['title']} {one['detail']}".lower()
        is_again = known is not None and at_s - known.at_s < 30
        if is_work or is_again or len(self._open) >= _MOST_CHANGES:
            return
        hurts = any(self.board.series[number].device == device for number in self._hurt)
        words = f"{one['title']} {one['detail']}"[:4000]
        self._open[device] = _Change(at_s, one["author"], one["title"], words, told=hurts, is_again=hurts)
        self._refusing.pop(device, None)

    def _undone(self, device: str, now_s: float) -> list[Finding]:
        """After a further change of a device, what one before it did is no longer waited for to go back."""
        found = []
        for number in [number for number in self._hurt if self.board.series[number].device == device]:
            since_s = self._hurt.pop(number)[0]
            series = self.board.series[number]
            entity = interface_entity(device, series.component)
            if self._told.pop(entity.id, None):
                text = f"{device} was changed again: what its load is now is taken as its own."
                found.append(_over(entity, now_s, since_s, text))
        return found

    # --- load --------------------------------------------------------------------------------------------------------

    def look(self, new: Round) -> list[Finding]:
        """Loads after a change against those right before it, in units of how much they usually step."""
        found: list[Finding] = []
        stepped: dict[str, list[int]] = {}
        loads = 8.0 * new.values
        for number, bps in zip(new.at.tolist(), loads.tolist(), strict=True):
            if number in self._hurt:
                found += self._hurting(number, new.at_s, bps)
                continue
            device = self.board.series[number].device
            change = self._open.get(device)
            if change is None or change.told or not change.at_s < new.at_s <= change.at_s + _WINDOW_S:
                continue
            if self._after(change, number, new.at_s, bps):
                stepped.setdefault(device, []).append(number)
        for device, numbers in stepped.items():
            change, now = self._open[device], dict(zip(new.at, loads, strict=True))
            falling = [one for one in numbers if self._names(change, one) and now[one] < change.steps[one][0]]
            shut = any(now[one] < _NOTHING * change.steps[one][0] for one in falling)
            if shut or any(self._is_opened(change, device, number, now[number]) for number in now):
                change.told = True  # shut or opened by hand: what goes elsewhere then is as it should be
            elif falling and new.at_s - change.at_s < _READING_S:
                continue  # the reading began before the change: the next one tells whether anything is left
            elif any(self.streaks.is_open(number) for number in numbers):
                found.append(self._impact(change, numbers, new.at_s, now))
        self.board.learn(new.at, loads)
        return found

    def _names(self, change: _Change, number: int) -> bool:
        """Whether a change names the very port that a series is of."""
        component = self.board.series[number].component
        told = rf"(?<![\w./:-]){re.escape(component)}(?![\w./:-])"
        return bool(component) and re.search(told, change.words) is not None

    def _is_opened(self, change: _Change, device: str, number: int, bps: float) -> bool:
        """Whether a port that a change names carries something again, and nothing before."""
        if self.board.series[number].device != device or bps < _LEAST_BPS or not self._names(change, number):
            return False
        return self._before(number)[0] < _LEAST_BPS

    def _after(self, change: _Change, number: int, at_s: float, bps: float) -> bool:
        """Whether a load is far from what it was right before a change."""
        told = change.steps.get(number)
        if told is None:
            told = change.steps[number] = self._before(number)
        before, noise = told
        limit = max(_SIGMAS * noise, self.setting("step", _LEAST_STEP))
        if not before >= _LEAST_BPS or abs(_step(bps, before)) < limit:
            self.streaks.miss(number)
            return False
        self.streaks.hit(number, at_s, 1 if abs(_step(bps, before)) > 2 * limit else 2)
        return True

    def _before(self, number: int) -> tuple[float, float]:
        """The load right before a change, and the usual relative step from reading to reading; not a number: unknown.

        The reading that the change fell into is not in the history yet: it is learned after it was looked at.
        """
        past = self.board.history(number)
        if len(past) < ENOUGH:
            return float("nan"), float("nan")
        steps = np.abs(np.diff(np.log(past + 1e3)))
        return float(np.median(past[-3:])), max(1.4826 * float(np.median(steps)), 0.006)

    def _impact(self, change: _Change, numbers: list[int], at_s: float, loads: dict[int, float]) -> Finding:
        """One event for a change: at the interface whose load it moved most, both ways together."""
        change.told = True
        moved: dict[str, float] = {}
        for number in numbers:
            self.streaks.miss(number)
            before, noise = change.steps[number]
            self._hurt[number] = change.at_s, before, noise
            component = self.board.series[number].component
            moved[component] = moved.get(component, 0.0) + abs(loads[number] - before)
        most = max(moved, key=lambda name: moved[name])
        ways = [number for number in numbers if self.board.series[number].component == most]
        series = self.board.series[ways[0]]
        told = " and ".join(_moved(self.board.series[one].metric, loads[one], change.steps[one][0]) for one in ways)
        text = (
            f"{at_s - change.at_s:.0f} s after {change.author or 'somebody'} changed {series.device} "
            f"({change.title or 'configuration'}, {clock(change.at_s)}) it carries {told}; from one reading to the "
            f"next it usually moves by {100 * change.steps[ways[0]][1]:.1f} %."
        )
        if len(moved) > 1:
            text += f" {len(moved) - 1} more of its interfaces stepped too."
        entity = interface_entity(series.device, most)
        self._told[entity.id] = ways
        others = [interface_entity(series.device, name) for name in sorted(moved, key=lambda n: -moved[n])[1:20]]
        before, noise = change.steps[ways[0]]
        return Finding(
            "change_impact", entity, at_s, f"{series.device} {most}: load stepped after a change", text, Severity.MAJOR,
            _LONGEST_S, started_s=change.at_s, seen=loads[ways[0]], expected=before, unit="bit/s", confidence=0.85,
            score=min(30.0, abs(_step(loads[ways[0]], before)) / noise),
            others=(device_entity(series.device), *others),
            evidence=(
                Evidence(
                    kind="query", title=f"Changes of {series.device}",
                    query={"dataset": "changes", "view": "records", "filter": of_device(series.device)},
                ),
                chart(series.device, self.metrics, most),
            ),
        )  # fmt: skip

    def _hurting(self, number: int, at_s: float, bps: float) -> list[Finding]:
        """Whether a load is back to what it was before the change; so it is taken to be for some hours at most."""
        since_s, before, noise = self._hurt[number]
        is_back = abs(_step(bps, before)) < max(0.5 * _SIGMAS * noise, 0.6 * _LEAST_STEP)
        if not is_back and at_s - since_s < _LONGEST_S:
            return []
        del self._hurt[number]
        series = self.board.series[number]
        entity = interface_entity(series.device, series.component)
        if number not in self._told.get(entity.id, ()):
            return []
        del self._told[entity.id]
        text = f"It carries {amount(bps, 'bit/s')} again, about as before the change."
        return [_over(entity, at_s, since_s, text)]

    # --- refusals ----------------------------------------------------------------------------------------------------

    def _denies(self, rows: pa.RecordBatch) -> list[Finding]:
        denies = having(rows, "event", ("ACL_DENY",))
        if denies is None:
            return []
        found = []
        for at_s, device, one in self.board.devices.told(denies, "message"):
            minute = at_s // 60
            past = self._refused.get(device)
            if past is None:
                if len(self._refused) >= _MOST_CHANGES:
                    continue
                past = self._refused[device] = deque(maxlen=60)
            if past and past[-1][0] == minute:
                past[-1] = minute, past[-1][1] + 1
            else:
                past.append((minute, 1))
            change = self._open.get(device)
            if device in self._refusing and at_s - self._refusing[device] >= 60:
                self._refusing[device] = at_s
                found.append(self._refusal(device, at_s, past[-1][1], None, one["message"]))
            elif change is not None and not change.told and change.at_s < at_s <= change.at_s + _WINDOW_S:
                change.denied += 1
                found += self._surge(device, change, past, at_s, one["message"])
        return found

    def _surge(
        self, device: str, change: _Change, past: deque[tuple[float, int]], at_s: float, message: str
    ) -> list[Finding]:
        began = change.at_s // 60
        usual = sum(count for minute, count in past if began - 30 <= minute < began) / 30.0
        minutes = max(1.0, (at_s - change.at_s) / 60)
        if change.denied < _DENIES or change.denied / minutes < _TIMES * usual + 2:
            return []
        change.told, self._refusing[device] = True, at_s
        return [self._refusal(device, at_s, change.denied, (change, usual), message)]

    def _refusal(
        self, device: str, at_s: float, count: int, cause: tuple[_Change, float] | None, message: str
    ) -> Finding:
        text = f"It still refuses connections: {count} in this minute."
        if cause is not None:
            change, usual = cause
            text = (
                f"{count} connections refused within {max(at_s - change.at_s, 1):.0f} s after "
                f"{change.author or 'somebody'} changed it ({change.title or 'configuration'}); before it refused "
                f"{usual:.1f} a minute. The last: {message[:300]}"
            )
        return Finding(
            "change_denies", device_entity(device), at_s, f"{device} refuses connections after a change", text,
            Severity.MAJOR, 300.0, started_s=cause[0].at_s if cause else None, seen=float(count), unit="connections",
            confidence=0.9, evidence=(Evidence(kind="query", title="What it refuses", query={
                "dataset": "logs", "view": "records", "filter": f"{of_device(device)} and event = \"ACL_DENY\""}),),
        )  # fmt: skip


def _over(entity: Entity, at_s: float, since_s: float, text: str) -> Finding:
    title = f"{entity.id.replace('|', ' ')[:150]}: no longer as after the change"
    return Finding("change_impact", entity, at_s, title, text, Severity.INFO, _HOLD_S, started_s=since_s, ends=True)


def _step(bps: float, before: float) -> float:
    """Natural logarithm of how many times as much; next to nothing counts as a kbit/s."""
    return float(np.log((bps + 1e3) / (before + 1e3)))


def _moved(metric: str, bps: float, before: float) -> str:
    way, word = "in" if metric.startswith("in") else "out", "less" if bps < before else "more"
    share = f"{100 * abs(bps / before - 1):.0f} %" if bps < 3 * before else f"{bps / before:.0f} times"
    than = f"{share} {word} than" if bps < 3 * before else f"{share} the"
    return f"{amount(bps, 'bit/s')} {way}, {than} {amount(before, 'bit/s')} before"
