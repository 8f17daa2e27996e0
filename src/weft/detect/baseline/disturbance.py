"""Interfaces that carry other than usual since the same minutes, and that hang together, are one disturbance.

Where a line fails, or a metric is changed, traffic leaves some lines for others; each of them, at both of its ends and
in both directions, is far from what it carries at this time. People are told once, with all that moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from weft.errors import InvalidInput

#: Device|interface, and what is counted there (``in_octets``, ``out_octets``).
Place = tuple[str, str]
#: What begins within this of something else is of the same disturbance, where it hangs together with it.
JOIN_S = 300.0
#: Places that are kept of one disturbance, and disturbances at a time.
_MOST_PLACES, _MOST = 400, 500


@dataclass(slots=True)
class Deviation:
    """One place that carries other than usual. bit/s; times in UTC seconds; ``score`` as in ``baseline.tail``."""

    interface: str
    metric: str
    begun_s: float
    last_s: float
    samples: int
    is_level: bool
    """It is off by little, for long."""
    seen: float
    expected: float
    lower: float
    upper: float
    score: float
    is_over: bool = False

    @property
    def place(self) -> Place:
        """Its key."""
        return self.interface, self.metric

    @property
    def rises(self) -> bool:
        """Whether it carries more than usual."""
        return self.seen > self.expected

    @property
    def moved(self) -> float:
        """How much more or less that is."""
        return abs(self.seen - self.expected)

    @property
    def ratio(self) -> float:
        """Of the larger and the smaller of what is seen and expected."""
        more, less = max(self.seen, self.expected), min(self.seen, self.expected)
        return more / max(less, 1e-9 * more, 1e-300)


@dataclass(slots=True)
class Disturbance:
    """What hangs together. ``interface``: what it is called by, for as long as it lasts; ``kind``: as told last."""

    interface: str
    begun_s: float
    kind: str = ""
    members: dict[Place, Deviation] = field(default_factory=dict)
    devices: set[str] = field(default_factory=set)

    @property
    def is_over(self) -> bool:
        """Whether all of it is as usual again."""
        return all(one.is_over for one in self.members.values())

    @property
    def latest_s(self) -> float:
        """When the last of it began."""
        return max((one.begun_s for one in self.members.values()), default=self.begun_s)

    def add(self, one: Deviation, devices: Iterable[str]) -> bool:
        """One more place; whether there was room."""
        if one.place not in self.members and len(self.members) >= _MOST_PLACES:
            return False
        self.members[one.place] = one
        self.devices.update(devices)
        self.begun_s = min(self.begun_s, one.begun_s)
        return True


#: Devices that an interface touches: its own, and that at the other end of its line.
Touches = Callable[[str], frozenset[str]]


class Disturbances:
    """Deviations as they come and go, and what they make together. Bounded; no clock."""

    def __init__(self, touches: Touches, is_worth: Callable[[Deviation], bool]) -> None:
        """``is_worth``: whether a deviation has lasted, and is large enough, to be told."""
        self._touches, self._is_worth = touches, is_worth
        self._waiting: dict[Place, Deviation] = {}
        self.open: list[Disturbance] = []
        self.left_out = 0

    def saw(self, one: Deviation) -> None:
        """A place is off in one more sample."""
        for kept in self.open:
            if one.place in kept.members and not kept.members[one.place].is_over:
                kept.members[one.place] = _further(kept.members[one.place], one)
                return
        before = self._waiting.get(one.place)
        self._waiting[one.place] = one if before is None else _further(before, one)

    def ended(self, place: Place) -> None:
        """A place is as usual again, or what it carries has become usual."""
        self._waiting.pop(place, None)
        for kept in self.open:
            if place in kept.members:
                kept.members[place].is_over = True

    def settle(self) -> list[tuple[Disturbance, list[Disturbance]]]:
        """Disturbances that something was added to, each with those that became a part of it."""
        ready = [one for one in self._waiting.values() if self._is_worth(one)]
        changed: dict[int, tuple[Disturbance, list[Disturbance]]] = {}
        for one in sorted(ready, key=lambda each: (each.begun_s, -each.moved)):
            del self._waiting[one.place]
            near = [kept for kept in self.open if self._belongs(one, kept)]
            if not near and len(self.open) >= _MOST:
                self.left_out += 1
                continue
            if not near:
                near = [Disturbance(one.interface, one.begun_s)]
                self.open.append(near[0])
            into, parts = near[0], near[1:]
            self._add(into, one)
            _, earlier = changed.setdefault(id(into), (into, []))
            for part in parts:
                self.open.remove(part)
                for member in part.members.values():
                    self._add(into, member)
                earlier += [part, *changed.pop(id(part), (part, []))[1]]
        return list(changed.values())

    def forget(self, before_s: float) -> None:
        """What was not off since then is over: its series may have ended."""
        for place in [place for place, one in self._waiting.items() if one.last_s < before_s]:
            del self._waiting[place]
        for kept in self.open:
            for one in kept.members.values():
                one.is_over = one.is_over or one.last_s < before_s

    def _add(self, into: Disturbance, one: Deviation) -> None:
        self.left_out += not into.add(one, self._touches(one.interface))

    def _belongs(self, one: Deviation, kept: Disturbance) -> bool:
        near = kept.begun_s - JOIN_S <= one.begun_s <= kept.latest_s + JOIN_S
        return near and not kept.devices.isdisjoint(self._touches(one.interface))

    def document(self) -> dict[str, Any]:
        """As JSON, for ``restore``."""
        return {
            "waiting": [asdict(one) for one in self._waiting.values()],
            "open": [
                {"interface": kept.interface, "begun_s": kept.begun_s, "kind": kept.kind,
                 "members": [asdict(one) for one in kept.members.values()]}
                for kept in self.open
            ],
        }  # fmt: skip

    def restore(self, document: dict[str, Any]) -> None:
        """Go on with what ``document`` told. Raises ``InvalidInput`` where that is not understood."""
        try:
            waiting = [Deviation(**one) for one in document["waiting"]]
            found = []
            for told in document["open"][:_MOST]:
                kept = Disturbance(str(told["interface"]), float(told["begun_s"]), str(told["kind"]))
                for one in (Deviation(**member) for member in told["members"]):
                    self._add(kept, one)
                found.append(kept)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"disturbances are not understood: {error}", where="state") from error
        self._waiting, self.open = {one.place: one for one in waiting}, found


def _further(before: Deviation, now: Deviation) -> Deviation:
    """The same deviation a sample later: told by its furthest sample."""
    worst = before if before.score >= now.score else now
    return Deviation(
        before.interface, before.metric, min(before.begun_s, now.begun_s), now.last_s, before.samples + now.samples,
        before.is_level and now.is_level, worst.seen, worst.expected, worst.lower, worst.upper, worst.score,
    )  # fmt: skip
