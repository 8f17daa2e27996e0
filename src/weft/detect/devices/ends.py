"""Lines whose two ends do not agree: on the largest packet, on duplex, on speed. Both values are in the event.

What the ends say of themselves is the inventory's (fact ``lines``); counters of both ends say whether it does harm yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from weft.detect.context import Context
from weft.detect.detector import About, Finding
from weft.detect.devices.board import Round, Series
from weft.detect.devices.rounds import RoundsDetector, chart, interface_entity
from weft.detect.lines import Line, LineEnd
from weft.detect.texts import amount, clock
from weft.model.events import EventGroup, Evidence, Severity

#: The two ends of a line are changed one after the other, and told of one after the other, s.
_SETTLE_S = 120.0
_EVERY_S, _REPEAT_S, _HOLD_S = 30.0, 300.0, 900.0
#: Some makers count the Ethernet header and VLAN tags into the MTU (14, 18, 22 octets), some do not.
_HEADERS = 22
#: The same two values on so many lines, and such a share of all, are how that network is, no mistake.
_MANY, _SHARE = 10, 0.1
#: Packets a second from where on a counter is told of, and how old a reading may be, s.
_LEAST, _FRESH_S = 0.05, 900.0
_MOST = 2000
_UP = 1.0
_HARM = {
    "in_errors": "received with errors", "in_fcs_errors": "received with a wrong check sum",
    "in_crc_errors": "received with a wrong check sum", "in_oversize_frames": "received that are too long",
    "in_discards": "received and thrown away", "out_discards": "to be sent and thrown away",
    "out_late_collisions": "collided late",
}  # fmt: skip

#: What does not agree: kind of event, the end that is to blame, the other one, and a number for each.
_Pair = tuple[str, LineEnd, LineEnd]


@dataclass(slots=True)
class _Known:
    since_s: float
    told_s: float = -np.inf


class LineEndsDetector(RoundsDetector):
    """MTU, duplex and speed of both ends of each line."""

    about = About(
        "line_ends",
        "Lines whose ends do not agree",
        EventGroup.LINK,
        "Lines of which the two ends have another MTU, duplex or speed.",
        {
            "mtu_mismatch": "The two ends of a line do not agree on the MTU: longer packets get lost one way.",
            "duplex_mismatch": "The two ends of a line do not agree on duplex.",
            "speed_mismatch": "The two ends of a line do not agree on its speed.",
        },
    )
    metrics = ("oper_status", *_HARM)
    depth = 1

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._lines: Callable[[], Sequence[Line]] = context.facts.get("lines", tuple)
        self._known: dict[_Pair, _Known] = {}
        self._looked_s = -np.inf
        self._seen: tuple[Sequence[Line], list[_Pair]] = ((), [])
        self._first: frozenset[_Pair] | None = None  # speeds that never agreed: ports of a wire that is up do, in truth

    def look(self, new: Round) -> list[Finding]:
        """Readings are only kept: they are looked up where ends do not agree."""
        del new
        return []

    def tick(self, now_s: float) -> list[Finding]:
        """Compares the ends, now and then."""
        super().tick(now_s)
        if 0 <= now_s - self._looked_s < _EVERY_S:
            return []
        self._looked_s = now_s
        wrong = [one for one in self._wrong() if one[0] != "speed_mismatch" or self._is_up(one, now_s)]
        if self._first is None and self._seen[0]:
            self._first = frozenset(one for one in wrong if one[0] == "speed_mismatch")
        wrong = [one for one in wrong if one not in (self._first or ())]
        found = []
        for pair in [pair for pair in self._known if pair not in set(wrong)]:
            known = self._known.pop(pair)
            if np.isfinite(known.told_s):
                found.append(self._finding(pair, known, now_s, ends=True))
        for pair in wrong:
            known = self._known.setdefault(pair, _Known(now_s))
            settled = now_s - known.since_s >= self.setting("settle_s", _SETTLE_S)
            if settled and now_s - known.told_s >= _REPEAT_S:
                known.told_s = now_s
                found.append(self._finding(pair, known, now_s))
        return found

    def _wrong(self) -> list[_Pair]:
        """Ends that do not agree; worked out anew where the inventory has changed."""
        lines = self._lines()
        if lines is not self._seen[0]:
            pairs = [pair for line in lines if line.a.enabled and line.b.enabled for pair in _differences(line)]
            usual = Counter(_values(pair) for pair in pairs)
            least = max(_MANY, _SHARE * len(lines))
            self._seen = lines, [pair for pair in pairs if usual[_values(pair)] <= least][:_MOST]
        return self._seen[1]

    def _is_up(self, pair: _Pair, now_s: float) -> bool:
        """A port that is down has a speed that says nothing."""
        states = [self._reading(end, "oper_status", now_s) for end in pair[1:]]
        return all(not np.isfinite(state) or state == _UP for state in states)

    def _reading(self, end: LineEnd, metric: str, now_s: float) -> float:
        return self.board.value(Series(end.device, end.interface, metric, ""), now_s, _FRESH_S)

    def _harm(self, end: LineEnd, now_s: float) -> list[str]:
        """What the counters of an end say, in words."""
        read = ((what, self._reading(end, metric, now_s)) for metric, what in _HARM.items())
        return [f"{amount(value)} packets a second {what}" for what, value in read if value >= _LEAST]

    def _finding(self, pair: _Pair, known: _Known, at_s: float, *, ends: bool = False) -> Finding:
        kind, worse, other = pair
        harm = [f"{_name(end)}: {', '.join(told)}." for end in (worse, other) if (told := self._harm(end, at_s))]
        seen, expected, unit = _numbers(pair)
        text = f"{_says(pair)} Since {clock(known.since_s)} or earlier, by what the devices say."
        text += f" {' '.join(harm)}" if harm else " No counter of either end shows lost packets yet."
        what = kind.partition("_")[0]
        severity = Severity.MAJOR if harm or kind == "duplex_mismatch" else Severity.MINOR
        return Finding(
            kind, interface_entity(worse.device, worse.interface), at_s,
            f"{_name(worse)}: another {_WORDS[what]} than {_name(other)}"[:200],
            f"Both ends have the same {_WORDS[what]} now." if ends else text, severity, _HOLD_S,
            started_s=known.since_s, ends=ends, seen=seen, expected=expected, unit=unit, confidence=0.9,
            others=(interface_entity(other.device, other.interface),),
            evidence=(
                Evidence(
                    kind="rows", title="What the ends say", columns=["end", "MTU", "speed, bit/s", "duplex"],
                    rows=[[_name(end), end.mtu or None, end.speed_bps or None, end.duplex] for end in (worse, other)],
                ),
                *(chart(end.device, tuple(_HARM), end.interface) for end in (worse, other)),
            ),
        )  # fmt: skip


_WORDS = {"mtu": "MTU", "duplex": "duplex", "speed": "speed"}


def _differences(line: Line) -> Iterator[_Pair]:
    """What the ends of a line do not agree on; what one of them does not tell is no difference."""
    small, large = sorted((line.a, line.b), key=lambda end: (end.mtu, end.device, end.interface))
    if small.mtu and large.mtu - small.mtu > _HEADERS:
        yield "mtu_mismatch", small, large
    if {line.a.duplex, line.b.duplex} == {"full", "half"}:
        yield "duplex_mismatch", *sorted((line.a, line.b), key=lambda end: end.duplex == "full")  # type: ignore[misc]
    slow, fast = sorted((line.a, line.b), key=lambda end: (end.speed_bps, end.device, end.interface))
    if slow.speed_bps and slow.speed_bps != fast.speed_bps and not line.rented and slow.kind == fast.kind:
        yield "speed_mismatch", slow, fast


def _values(pair: _Pair) -> tuple[str, float | str, float | str]:
    """What is the same on all lines where it is a custom."""
    kind, worse, other = pair
    if kind == "duplex_mismatch":
        return kind, worse.interface, worse.device  # never a custom
    return (kind, worse.mtu, other.mtu) if kind == "mtu_mismatch" else (kind, worse.speed_bps, other.speed_bps)


def _numbers(pair: _Pair) -> tuple[float | None, float | None, str]:
    kind, worse, other = pair
    if kind == "mtu_mismatch":
        return float(worse.mtu), float(other.mtu), "B"
    return (worse.speed_bps, other.speed_bps, "bit/s") if kind == "speed_mismatch" else (None, None, "")


def _says(pair: _Pair) -> str:
    kind, worse, other = pair
    if kind == "mtu_mismatch":
        return (
            f"{_name(worse)} has an MTU of {worse.mtu} B, {_name(other)} at the other end one of {other.mtu} B: "
            f"packets between the two sizes get lost on the way to {worse.device}, while short ones (ping) pass."
        )
    if kind == "duplex_mismatch":
        return (
            f"{_name(worse)} is in half duplex, {_name(other)} at the other end in full: they send at once, and frames "
            f"collide late at one end and arrive broken at the other, the more the busier the line is."
        )
    return (
        f"{_name(worse)} runs at {amount(worse.speed_bps, 'bit/s')}, {_name(other)} at the other end at "
        f"{amount(other.speed_bps, 'bit/s')}: one of the two is set wrongly, or says what it is not."
    )


def _name(end: LineEnd) -> str:
    return f"{end.device} {end.interface}"
