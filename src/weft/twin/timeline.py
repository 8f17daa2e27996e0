"""When what goes wrong: the schedule that seed and clock decide, what people trigger, and what is repaired.

One object per organisation, shared by everything that plays a part of it. The schedule has no state: the faults of any
span can be asked for, so that history and what is live tell one story. What is triggered, ended or repaired is kept on
top of it. Safe to use from many threads.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from weft.errors import InvalidInput
from weft.twin.faults.model import Fault
from weft.twin.remedies import Action, Remedies

#: Faults of one slot of the schedule, by seed and number of the slot.
Slots = Callable[[int, int], tuple[Fault, ...]]

#: No fault lasts longer: what started before a span and lies in it is found.
LONGEST_S = 6 * 3600.0


class Timeline:
    """The faults of one organisation."""

    def __init__(self, seed: int, slots: Slots | None, slot_s: float = 1800.0) -> None:
        """``slots``: the schedule, None for an organisation where nothing happens unless somebody triggers it."""
        self.seed = seed
        self._slots, self._slot_s = slots, slot_s
        self._lock = threading.Lock()
        self._triggered: dict[str, Fault] = {}
        self._ended: dict[str, float] = {}
        self._quiet_from_s: float | None = None  # the schedule is off from here on
        self._numbers = itertools.count(1)
        self.remedies = Remedies()
        self.version = 0  # grows with every change by people; what is cached of faults belongs to one version

    def faults(self, since_s: float, until_s: float) -> Iterator[Fault]:
        """Faults that touch the span from ``since_s`` to ``until_s``, in order of their start."""
        with self._lock:
            triggered, ended, quiet = list(self._triggered.values()), dict(self._ended), self._quiet_from_s
        found = [*self._scheduled(since_s, until_s, quiet), *triggered]
        for one in sorted(found, key=lambda each: (each.start_s, each.id)):
            fault = replace(one, end_s=min(one.end_s, ended[one.id])) if one.id in ended else one
            if fault.end_s >= since_s and fault.start_s < until_s:
                yield fault

    def active(self, at_s: float) -> tuple[Fault, ...]:
        """Faults that are on at a moment."""
        return tuple(one for one in self.faults(at_s, at_s + 1e-3) if one.start_s <= at_s < one.end_s)

    def without(self, fault_id: str) -> Timeline:
        """The same as of now, had one fault never been; what is done to either later, the other does not know."""
        slots = self._slots

        def others(seed: int, slot: int) -> tuple[Fault, ...]:
            return tuple(one for one in slots(seed, slot) if one.id != fault_id) if slots is not None else ()

        made = Timeline(self.seed, others, self._slot_s)
        with self._lock:
            made._triggered = {name: one for name, one in self._triggered.items() if name != fault_id}
            made._ended, made._quiet_from_s = dict(self._ended), self._quiet_from_s
        made.remedies = self.remedies
        return made

    def trigger(self, fault: Fault) -> Fault:
        """Add a fault; returns it with the id that it is known by."""
        with self._lock:
            made = replace(fault, id=f"{fault.kind}-t{next(self._numbers)}", triggered=True)
            self._triggered[made.id] = made
            self.version += 1
        return made

    def end(self, fault: Fault, at_s: float) -> None:
        """A fault is over at ``at_s``: repaired, mitigated or called off."""
        if at_s < fault.start_s and not fault.triggered:
            raise InvalidInput("has not begun", where=f"fault {fault.id}")
        with self._lock:
            self._ended[fault.id] = min(at_s, self._ended.get(fault.id, at_s))
            self.version += 1

    def reset(self, at_s: float) -> None:
        """Nothing is wrong from ``at_s`` on, until the schedule's next fault begins; what was done is undone."""
        for one in self.faults(at_s, at_s + 1e-3):
            self.end(one, at_s)
        self.remedies.clear(at_s)
        self.touch()

    def act(self, action: Action) -> Action:
        """Keep what an operator did; returns it with the id that it is known by."""
        made = self.remedies.add(action)
        self.touch()
        return made

    def touch(self) -> None:
        """Something changed that is told here: whatever was made of it before is out of date."""
        with self._lock:
            self.version += 1

    def schedule(self, on: bool, at_s: float) -> None:
        """Whether faults come by themselves from ``at_s`` on."""
        with self._lock:
            self._quiet_from_s = None if on else at_s
            self.version += 1

    def _scheduled(self, since_s: float, until_s: float, quiet_from_s: float | None) -> Iterator[Fault]:
        if self._slots is None:
            return
        first = int((since_s - LONGEST_S) // self._slot_s)
        for slot in range(first, int(until_s // self._slot_s) + 1):
            for one in self._slots(self.seed, slot):
                if quiet_from_s is None or one.start_s < quiet_from_s:
                    yield one
