"""Whether counters may be held against those of the poll before: resets, wraps, and agents that answer from a cache.

The intake turns counters into increases; what it cannot know, it is told here. A counter that *began anew* (the agent
restarted and it fell, its ifCounterDiscontinuityTime changed, or it has 64 bits and fell) makes no increase with the
value before. Counters of a table whose octets have not moved since less than a cache's age, although they did before,
are the agent's cached answer of the last poll: they are left out, so that rates show no steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from weft.decode.snmp.columns import ColumnData
from weft.decode.snmp.layout import TableLayout
from weft.decode.snmp.rows import MetricValues

_OCTETS = frozenset({"in_octets", "out_octets"})
_FALL = 0.01  # of the value; a smaller step back is a cache's
_BUSY_OCTETS_S = 1000.0  # of a whole device: below, a poll without any change is nothing odd
#: A device whose discontinuity times change at so many polls in a row means something else by them.
_MOST_DISCONTINUITIES = 3


@dataclass
class Findings:
    """What a poll showed."""

    restarted: bool = False
    anew: int = 0  # counters that began anew
    cached: int = 0  # rows left out because the agent answered from its cache
    narrow: int = 0  # 32-bit octet counters that may wrap more than once between two polls


@dataclass
class _Last:
    keys: list[bytes]
    values: NDArray[np.float64]


@dataclass
class _Table:
    moved_ns: int = 0  # when octets were last seen to move
    busy: bool = False


@dataclass
class Continuity:
    """Remembers a device's last poll."""

    cache_s: float
    _uptime_s: float = -1.0
    _boots: int = 0
    _read_ns: int = 0
    _last: dict[tuple[str, int], _Last] = field(default_factory=dict)
    _tables: dict[str, _Table] = field(default_factory=dict)
    _discontinuity: dict[bytes, float] = field(default_factory=dict)
    _in_a_row: int = 0

    def restarted(self, uptime_s: float, boots: int, read_ns: int) -> bool:
        """Whether the agent restarted since the last poll: sysUpTime is less than it must be, or engineBoots more.

        sysUpTime wraps after 497 days, which is no restart; to tell the two apart, the elapsed time must fit.
        """
        before, elapsed = self._uptime_s, (read_ns - self._read_ns) / 1e9
        restarted = before >= 0 and uptime_s + 5 < before and not _wrapped(before, uptime_s, elapsed)
        restarted |= bool(boots and self._boots and boots > self._boots)
        self._uptime_s, self._boots, self._read_ns = uptime_s, boots, read_ns
        return restarted

    def check(
        self, found: list[MetricValues], discontinuity: ColumnData | None, *, restarted: bool, interval_s: float
    ) -> tuple[list[MetricValues], Findings]:
        """The values that count, with ``anew`` set where a counter began anew."""
        findings = Findings(restarted=restarted)
        jumped = self._discontinuities(discontinuity, restarted)
        counters = [one for one in found if one.layout.spec.type == "counter"]
        previous = {id(one): self._previous(one) for one in counters}
        stale = self._stale(counters, previous) if not restarted else set()
        kept = []
        for one in found:
            if one.layout.spec.type != "counter":
                kept.append(one)
                continue
            if one.table.name in stale:
                findings.cached += int((~np.isnan(one.values)).sum())
                continue
            self._anew(one, previous[id(one)], jumped, restarted)
            findings.anew += int(one.anew.sum())
            findings.narrow += _narrow(one, previous[id(one)], interval_s)
            self._remember(one, previous[id(one)])
            kept.append(one)
        return kept, findings

    def _previous(self, one: MetricValues) -> NDArray[np.float64]:
        """The values of the poll before, in the order of this one's rows; NaN where there was none."""
        last = self._last.get(_key(one))
        keys = one.table.keys
        if last is None:
            return np.full(len(one.values), np.nan)
        if last.keys is keys or last.keys == keys:
            return last.values[one.layout.rows]
        of = dict(zip(last.keys, last.values, strict=True))
        return np.array([of.get(keys[row], np.nan) for row in one.layout.rows], np.float64)

    def _remember(self, one: MetricValues, previous: NDArray[np.float64]) -> None:
        values = np.full(len(one.table.keys), np.nan)
        values[one.layout.rows] = np.where(np.isnan(one.values), previous, one.values)
        self._last[_key(one)] = _Last(one.table.keys, values)

    def _anew(self, one: MetricValues, previous: NDArray[np.float64], jumped: set[bytes], restarted: bool) -> None:
        with np.errstate(invalid="ignore"):
            fell = one.values < previous * (1 - _FALL)
        one.anew |= fell & (one.wide | restarted)
        if jumped and one.table.name == "interfaces":
            keys = one.table.keys
            one.anew |= np.array([keys[row] in jumped for row in one.layout.rows], np.bool_) & ~np.isnan(previous)

    def _discontinuities(self, column: ColumnData | None, restarted: bool) -> set[bytes]:
        """Keys of interfaces whose counters were interrupted since the poll before."""
        if column is None:
            return set()
        now = dict(zip(column.keys, column.numbers().tolist(), strict=True))
        before, self._discontinuity = self._discontinuity, now
        changed = {key for key, value in now.items() if key in before and before[key] != value}
        self._in_a_row = self._in_a_row + 1 if changed and not restarted else 0
        return changed if self._in_a_row < _MOST_DISCONTINUITIES else set()

    def _stale(self, counters: list[MetricValues], previous: dict[int, NDArray[np.float64]]) -> set[str]:
        """Tables whose octets have not moved although they should have."""
        grown: dict[str, float] = {}
        moved: dict[str, bool] = {}
        read: dict[str, int] = {}
        for one in counters:
            if one.name not in _OCTETS or not len(one.values):
                continue
            name = one.table.name
            read[name] = max(read.get(name, 0), int(one.times.max()))
            growth = one.values - previous[id(one)]
            growth = growth[~np.isnan(growth)]
            if len(growth):
                grown[name] = grown.get(name, 0.0) + float(growth.sum())
                moved[name] = moved.get(name, False) or bool(growth.any())
        return {name for name, at in read.items() if self._is_stale(name, at, grown.get(name), moved.get(name, True))}

    def _is_stale(self, name: str, read_ns: int, grown: float | None, moved: bool) -> bool:
        state = self._tables.get(name)
        if state is None or grown is None:
            self._tables[name] = _Table(read_ns, busy=True)
            return False
        elapsed_s = (read_ns - state.moved_ns) / 1e9
        if moved:
            state.busy = grown / max(elapsed_s, 0.001) > _BUSY_OCTETS_S
            state.moved_ns = read_ns
            return False
        if state.busy and elapsed_s < self.cache_s:
            return True
        state.busy = False
        return False


def _wrapped(before_s: float, uptime_s: float, elapsed_s: float) -> bool:
    return abs(before_s + elapsed_s - 2**32 / 100 - uptime_s) < max(60.0, 0.1 * elapsed_s)


def _key(one: MetricValues) -> tuple[str, int]:
    return one.table.name, one.layout.position


def _narrow(one: MetricValues, previous: NDArray[np.float64], interval_s: float) -> int:
    """32-bit octet counters of interfaces so fast that they may wrap twice between two polls."""
    if one.name not in _OCTETS or one.wide.all():
        return 0
    speed = _speeds(one.table)[one.layout.rows]
    risky = speed * interval_s / 8 > 2**32
    return int((risky & ~one.wide & ~np.isnan(one.values) & ~np.isnan(previous)).sum())


def _speeds(table: TableLayout) -> NDArray[np.float64]:
    """Nominal speed of every interface, bit/s; 0 = not known."""
    names = table.names.get("high_speed")
    if names is None:
        return np.zeros(len(table.keys))
    return np.array([float(one) * 1e6 if one.isdigit() else 0.0 for one in names])
