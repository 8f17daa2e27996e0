"""What people can do to the scenario while it is played: trigger and end faults, act, set the pace, mend everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np

from weft.errors import InvalidInput
from weft.twin.actions import TwinExecutor
from weft.twin.faults.begin import begin
from weft.twin.faults.model import Fault, FaultKind, Place
from weft.twin.pace import PacedSchedule
from weft.twin.remedies import Action, Value
from weft.twin.timeline import LONGEST_S, Timeline

#: Triggered faults that are on at a time, at most: what is worse than this shows nothing any more.
MOST_TRIGGERED = 50
SHORTEST_S = 5.0


class Control:
    """One organisation, as whoever runs it sees it. Safe to use from many threads."""

    def __init__(
        self,
        timeline: Timeline,
        schedule: PacedSchedule | None,
        kinds: Mapping[str, FaultKind],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.timeline, self.schedule, self.kinds, self.clock = timeline, schedule, kinds, clock
        self.executor = TwinExecutor(timeline, lambda fault: kinds[fault.kind].truth(fault).action)
        self._count = 0

    @property
    def pace(self) -> float:
        """How often things go wrong by themselves, of the usual."""
        return self.schedule.pace(self.clock()) if self.schedule is not None else 0.0

    def trigger(
        self, kind: str, place: str = "", duration_s: float | None = None, severity: float | None = None
    ) -> Fault:
        """Begin a fault now. Raises ``InvalidInput``."""
        now = self.clock()
        if sum(1 for one in self.timeline.active(now) if one.triggered) >= MOST_TRIGGERED:
            raise InvalidInput(f"{MOST_TRIGGERED} triggered faults are on already", fix="End some, or reset.")
        self._count += 1
        rng = np.random.default_rng([self.timeline.seed, int(now * 1000), self._count])
        seed = self.timeline.seed
        return self.timeline.trigger(make_fault(self.kinds, seed, now, rng, kind, place, duration_s, severity))

    def end(self, fault: str) -> Fault:
        """End a fault by its id. Raises ``InvalidInput``."""
        now = self.clock()
        found = self.find(fault)
        if found is None:
            raise InvalidInput(f"there is no fault {fault[:60]!r}", where="fault", fix="See GET /api/v1/twin.")
        self.timeline.end(found, now)
        return self.find(fault) or found

    def find(self, fault: str) -> Fault | None:
        """A fault of the last hours or the next half hour, by its id."""
        now = self.clock()
        return next((one for one in self.timeline.faults(now - LONGEST_S, now + 1800) if one.id == fault), None)

    def set_pace(self, pace: float) -> None:
        """How often things go wrong by themselves from now on. Raises ``InvalidInput``."""
        if self.schedule is None:
            raise InvalidInput("nothing happens by itself here", where="pace")
        self.schedule.set(pace, self.clock())
        self.timeline.touch()

    def reset(self) -> None:
        """Every fault is over, every action undone."""
        self.timeline.reset(self.clock())

    def act(self, kind: str, parameters: Mapping[str, Value]) -> Action:
        """Do something to the network. Raises ``InvalidInput``."""
        return self.executor.execute(kind, parameters, self.clock())


def make_fault(
    kinds: Mapping[str, FaultKind],
    seed: int,
    at_s: float,
    rng: np.random.Generator,
    kind: str,
    place: str = "",
    duration_s: float | None = None,
    severity: float | None = None,
) -> Fault:
    """A fault that begins at ``at_s``; what is not said falls as the dice do. Raises ``InvalidInput``."""
    known = kinds.get(kind)
    if known is None:
        raise InvalidInput(f"there is no fault {kind[:60]!r}", where="kind", fix="See `weft twin faults`.")
    where = _place(known, known.places(seed), place, rng)
    lasts = float(rng.uniform(*known.lasts_s)) if duration_s is None else duration_s
    if not SHORTEST_S <= lasts <= LONGEST_S:
        raise InvalidInput(f"must be between {SHORTEST_S:g} and {LONGEST_S:g} s", where="duration_s")
    bad = float(rng.uniform(*known.severity)) if severity is None else severity
    return begin(known, where, at_s, lasts, bad, rng)


def _place(kind: FaultKind, places: tuple[Place, ...], wanted: str, rng: np.random.Generator) -> Place:
    if not places:
        raise InvalidInput("can happen nowhere at Acme", where=f"fault {kind.name}")
    if not wanted:
        return places[int(rng.integers(len(places)))]
    found = next((one for one in places if one.id == wanted), None)
    if found is None:
        some = ", ".join(one.id for one in places[:8])
        raise InvalidInput(f"{kind.name} cannot happen at {wanted[:60]!r}", where="place", fix=f"One of: {some} …")
    return found
