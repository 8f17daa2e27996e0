"""What interfaces send and receive, against their own days and weeks: one event per disturbance, not per interface."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from weft.detect.baseline import kernel, tail
from weft.detect.baseline.calendar import spoken
from weft.detect.baseline.detector import BaselineDetector, Told
from weft.detect.baseline.disturbance import Deviation, Disturbance, Disturbances
from weft.detect.baseline.tuning import Tuning
from weft.detect.detector import About, Finding, Watch
from weft.detect.frame import Frame, SeriesKey
from weft.detect.lines import Line, Port
from weft.detect.texts import amount, clock, rarity
from weft.errors import InvalidInput
from weft.model.events import Entity, Evidence, Severity

KINDS = {
    "traffic_moved": "Traffic left some interfaces for others, in the same minutes.",
    "drop": "Interfaces carry far less than at this time, and no others more.",
    "spike": "Interfaces carry far more than at this time, and no others less.",
    "level_shift": "Interfaces have carried somewhat more or less than usual for long.",
}
#: Samples that a deviation must last to be told: of what is as good as gone or many times more, and of all else.
_SAMPLES_FAR, _SAMPLES = 2, 3
_FAR = 4.0
#: A line that is this full is worth a word, and a counter that shows this much more than its speed did not count.
_FULL, _IMPLAUSIBLE = 0.8, 1.25
#: A disturbance is over where nothing of it was seen for so many samples.
_HOLD = 5
_ROWS = 20
_CONFIDENCE = 0.9


def no_speeds(_none: Mapping[Port, float] = MappingProxyType({})) -> Mapping[Port, float]:
    """The fact ``speeds`` where there is no inventory: the same object each time, so that nothing is made anew."""
    return _none


class InterfaceTraffic(BaselineDetector):
    """Compares interfaces with what they carry at this time, and tells those together that have one cause."""

    def __init__(
        self, about: About, watch: Watch, tuning: Tuning, told: Told, lines: Callable[[], Sequence[Line]],
        speeds: Callable[[], Mapping[Port, float]],
    ) -> None:  # fmt: skip
        super().__init__(about, watch, tuning, told)
        self._lines, self._all_speeds = lines, speeds
        self._known: tuple[Sequence[Line], Mapping[Port, float]] | None = None
        self._ends: dict[str, str] = {}
        self._speeds: dict[str, float] = {}
        self._limits: tuple[Sequence[SeriesKey], NDArray[np.float64]] = (), np.empty(0)
        self.disturbances = Disturbances(self._touches, self._is_worth)

    # --- frames -----------------------------------------------------------------------------------------------------

    def learn(self, frame: Frame) -> None:
        """History."""
        self._learn_lines()
        super().learn(self._measured(frame))

    def feed(self, frame: Frame) -> list[Finding]:
        """The next buckets."""
        self._learn_lines()
        return super().feed(self._measured(frame))

    @property
    def left_out(self) -> int:
        """What ``BaselineDetector`` had no room for, and disturbances and places beyond the most."""
        return super().left_out + self.disturbances.left_out

    def save(self) -> bytes:
        """The state of all series, and what is going on."""
        series, going = super().save(), json.dumps(self.disturbances.document()).encode()
        return len(going).to_bytes(8, "big") + going + series

    def load(self, state: bytes) -> None:
        """See ``SeriesDetector``."""
        length = int.from_bytes(state[:8], "big")
        try:
            going = json.loads(state[8 : 8 + length])
        except ValueError as error:
            raise InvalidInput(f"what is going on is not understood: {error}", where="state") from error
        super().load(state[8 + length :])
        self.disturbances.restore(going)

    def _learn_lines(self) -> None:
        """Which interfaces are two ends of one line, and how fast they are; anew where the inventory changed."""
        lines, speeds = self._lines(), self._all_speeds()
        if self._known is not None and self._known[0] is lines and self._known[1] is speeds:
            return
        self._known, self._ends = (lines, speeds), {}
        self._speeds = {f"{device}|{port}": speed for (device, port), speed in speeds.items()}
        self._limits = (), np.empty(0)
        for line in lines:
            one, other = (f"{end.device}|{end.interface}" for end in (line.a, line.b))
            self._ends |= {one: other, other: one}
            # one end may be known better than the other, and a line is as fast as its slower end
            both = [end.speed_bps for end in (line.a, line.b) if end.speed_bps > 0]
            if both:
                self._speeds |= dict.fromkeys((one, other), min(both))

    def _measured(self, frame: Frame) -> Frame:
        """Without what no line of that speed can have carried: the counter of a device that was replaced, say."""
        if self._limits[0] is not frame.keys:
            limits = [_IMPLAUSIBLE * self._speeds.get(key.entity.id, np.inf) for key in frame.keys]
            self._limits = frame.keys, np.array(limits)
        odd = frame.values > self._limits[1][:, None]
        if not odd.any():
            return frame
        values = np.where(odd, np.nan, frame.values)
        return Frame(frame.keys, frame.times_s, values, frame.step_s, frame.unit, frame.is_cut)

    # --- what hangs together ----------------------------------------------------------------------------------------

    def _touches(self, interface: str) -> frozenset[str]:
        both = (interface, self._ends.get(interface, ""))
        return frozenset(one.partition("|")[0] for one in both if one)

    def _is_worth(self, one: Deviation) -> bool:
        """Whether it has lasted: a minute more or less of something is no news, however rare."""
        return one.samples >= (_SAMPLES_FAR if one.ratio >= _FAR else _SAMPLES)

    def _at(self, frame: Frame, hits: NDArray[np.float64], column: int) -> list[Finding]:
        """Findings of one bucket."""
        at_s = float(frame.times_s[column])
        for hit in hits:
            key = frame.keys[int(hit[0])]
            place = key.entity.id, key.labels.get("metric", "")
            if hit[3] == kernel.GOES_ON:
                self.disturbances.saw(_deviation(place, at_s, hit))
            else:
                self.disturbances.ended(place)
        self.disturbances.forget(at_s - _HOLD * frame.step_s)
        grown = {id(one): parts for one, parts in self.disturbances.settle()}
        out = [
            self._finding(one, grown.get(id(one), []), at_s, frame)
            for one in self.disturbances.open
            if id(one) in grown or one.is_over or any(each.last_s == at_s for each in one.members.values())
        ]
        self.disturbances.open = [one for one in self.disturbances.open if not one.is_over]
        return out

    # --- what is told -----------------------------------------------------------------------------------------------

    def _finding(self, one: Disturbance, parts: Sequence[Disturbance], at_s: float, frame: Frame) -> Finding:
        members = sorted(one.members.values(), key=lambda each: -each.moved)
        fell, rose = [each for each in members if not each.rises], [each for each in members if each.rises]
        if not one.kind:  # it is called by what lost the most: there, something may be broken
            one.interface = (fell or rose)[0].interface
        before, one.kind = one.kind, _kind(fell, rose)
        entity = _entity(one.interface)
        was = [(part.kind, _entity(part.interface)) for part in parts if part.kind]
        worst = max(members, key=lambda each: each.score)
        period = tail.period_s(worst.score, frame.step_s)
        watched = max(self.model.watched_s(_key(each).text, at_s) for each in members)
        main = next((each for each in members if each.interface == one.interface), members[0])
        return Finding(
            kind=one.kind,
            entity=entity,
            at_s=at_s,
            title=_title(one, fell, rose),
            text=f"{self._text_of(one, fell, rose, at_s)} The like comes {rarity(period, watched)}."[:2000],
            severity=self._how_bad(one.kind, fell, rose),
            hold_s=_HOLD * frame.step_s,
            started_s=one.begun_s,
            ends=one.is_over,
            seen=main.seen,
            expected=main.expected,
            lower=main.lower,
            upper=main.upper,
            unit=frame.unit,
            score=worst.score,
            return_period_s=min(period, 10.0 * watched),
            confidence=_CONFIDENCE,
            others=[_entity(name) for name in dict.fromkeys(each.interface for each in members)
                    if name != one.interface],
            evidence=[_rows(members, self._speeds), self._series(_key(main), one.begun_s, at_s, frame.step_s)],
            was=[*([(before, entity)] if before and before != one.kind else []), *was],
        )  # fmt: skip

    def _text_of(self, one: Disturbance, fell: Sequence[Deviation], rose: Sequence[Deviation], at_s: float) -> str:
        when = spoken(at_s, self.tuning.zone, self.tuning.holidays)
        told = [f"Since {clock(one.begun_s)} ({when})"]
        for these, word in ((fell, "less"), (rose, "more")):
            if these:
                count = len({each.interface for each in these})
                shown = "; ".join(_words(each) for each in _first_of_each(these)[:3])
                told.append(f"{count} interface{'s' * (count > 1)} carr{'y' if count > 1 else 'ies'} {word}: {shown}.")
        full = [each for each in rose if self._fullness(each) >= _FULL]
        if full:
            most = max(full, key=self._fullness)
            told.append(f"{most.interface} is {100 * self._fullness(most):.0f} % full.")
        elif rose and all(each.interface in self._speeds for each in rose):
            told.append(f"None of them is more than {100 * max(map(self._fullness, rose)):.0f} % full.")
        return " ".join(told)

    def _fullness(self, one: Deviation) -> float:
        speed = self._speeds.get(one.interface, 0.0)
        return one.seen / speed if speed else 0.0

    def _how_bad(self, kind: str, fell: Sequence[Deviation], rose: Sequence[Deviation]) -> Severity:
        """What is gone is a trouble; what found room elsewhere, or is more where there is room, is worth knowing.

        A line of one's own that is empty at both of its ends is out of use. Whether that is a trouble, and whether a
        line that is full loses packets, others tell.
        """
        if kind in ("level_shift", "traffic_moved"):
            return Severity.INFO
        if kind == "spike":
            return Severity.INFO if all(each.interface in self._speeds for each in rose) else Severity.MINOR
        empty = {each.interface for each in fell if each.ratio >= _FAR}
        if all(self._ends.get(each.interface) in empty for each in fell):
            return Severity.INFO
        return self.told.worst if empty else Severity.MINOR

    def _series(self, key: SeriesKey, since_s: float, at_s: float, step_s: int) -> Evidence:
        return Evidence(kind="query", title="The interface that moved most, the day before and after",
                        query=self._query(key, since_s, at_s, step_s))  # fmt: skip


def _deviation(place: tuple[str, str], at_s: float, hit: NDArray[np.float64]) -> Deviation:
    seen, expected, lower, upper, score, begun_s = (float(each) for each in hit[4:10])
    is_level = float(hit[2]) == kernel.SHIFT
    return Deviation(*place, begun_s, at_s, 1, is_level, seen, expected, lower, upper, score)


def _kind(fell: Sequence[Deviation], rose: Sequence[Deviation]) -> str:
    if all(each.is_level for each in (*fell, *rose)):
        return "level_shift"
    if fell and rose:
        return "traffic_moved"
    return "drop" if fell else "spike"


def _entity(interface: str) -> Entity:
    return Entity(kind="interface", id=interface)


def _key(one: Deviation) -> SeriesKey:
    return SeriesKey(_entity(one.interface), {"metric": one.metric})


def _first_of_each(these: Sequence[Deviation]) -> list[Deviation]:
    """The largest deviation of each interface."""
    found: dict[str, Deviation] = {}
    for each in these:
        found.setdefault(each.interface, each)
    return list(found.values())


def _words(one: Deviation) -> str:
    return f"{one.interface} {amount(one.seen, 'bit/s')} instead of {amount(one.expected, 'bit/s')}"


def _title(one: Disturbance, fell: Sequence[Deviation], rose: Sequence[Deviation]) -> str:
    count = len({each.interface for each in one.members.values()})
    more = f" and {count - 1} more" if count > 1 else ""
    if one.kind == "traffic_moved":
        gone, come = fell[0].interface, rose[0].interface
        title = f"Traffic moved from {gone} to {come}" + (f" ({count} interfaces)" if count > 2 else "")
    elif one.kind == "level_shift":
        title = f"Traffic of {one.interface}{more} is at another level"
    else:
        title = f"Traffic of {one.interface}{more}: far {'less' if fell else 'more'} than at this time"
    return title[:200]


def _rows(members: Sequence[Deviation], speeds: dict[str, float]) -> Evidence:
    rows: list[list[str | float | int | None]] = [
        [each.interface, each.metric, round(each.seen), round(each.expected), round(each.lower), round(each.upper),
         round(100 * each.seen / speeds[each.interface]) if each.interface in speeds else None]
        for each in members[:_ROWS]
    ]  # fmt: skip
    return Evidence(kind="rows", title="Interfaces, bit/s", rows=rows,
                    columns=["interface", "metric", "seen", "expected", "lower", "upper", "% of speed"])  # fmt: skip
