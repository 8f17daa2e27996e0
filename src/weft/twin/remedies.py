"""What operators did to the network, and until when it holds: shut lines, drained routers, changed metrics, filters.

Kept on the timeline beside the faults, so that whoever plays a part of the network sees both. Nothing here decides
whether an action works: see ``weft.twin.actions``.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

#: What an action is told: names and plain values.
Value = str | int | float | bool
_NOTHING: Mapping[str, Value] = MappingProxyType({})
#: Actions remembered; the oldest that no longer hold are forgotten first.
MOST_ACTIONS = 2000


@dataclass(frozen=True, slots=True)
class Action:
    """Something done to the network: asked for at ``asked_s``, in force from ``start_s`` to ``end_s``, UTC seconds."""

    id: str
    kind: str
    parameters: Mapping[str, Value]
    asked_s: float
    start_s: float  # when it takes effect, or turns out to have failed
    end_s: float = math.inf  # until it was undone; equal to ``start_s`` where nothing stays in force
    ok: bool = True
    text: str = ""  # what the operator reads
    ended: tuple[str, ...] = ()  # faults that it repaired
    undone: tuple[str, ...] = field(default=())  # earlier actions that it took back

    def text_of(self, name: str) -> str:
        """A parameter as text; empty where it was not given."""
        value = self.parameters.get(name, "")
        return str(value)

    def holds(self, at_s: float) -> bool:
        """Whether it is in force at a moment."""
        return self.ok and self.start_s <= at_s < self.end_s


class Remedies:
    """The actions of one organisation, in the order in which they were asked for. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._actions: dict[str, Action] = {}
        self._numbers = itertools.count(1)

    def add(self, action: Action) -> Action:
        """Keep an action; those that it undoes end when it begins. Returns it with the id that it is known by."""
        with self._lock:
            made = replace(action, id=f"{action.kind}-a{next(self._numbers)}")
            for earlier in made.undone if made.ok else ():
                held = self._actions.get(earlier)
                if held is not None:
                    self._actions[earlier] = replace(held, end_s=max(held.start_s, min(held.end_s, made.start_s)))
            self._actions[made.id] = made
            self._forget(made.asked_s)
        return made

    def between(self, since_s: float, until_s: float) -> tuple[Action, ...]:
        """Actions asked for or in force between two times."""
        with self._lock:
            kept = tuple(self._actions.values())
        return tuple(one for one in kept if one.asked_s < until_s and max(one.asked_s, one.end_s) >= since_s)

    def active(self, at_s: float) -> tuple[Action, ...]:
        """Actions in force at a moment: later ones win."""
        with self._lock:
            return tuple(one for one in self._actions.values() if one.holds(at_s))

    def clear(self, at_s: float) -> None:
        """Everything that was done is undone at ``at_s``."""
        with self._lock:
            for name, one in self._actions.items():
                if one.end_s > at_s:
                    self._actions[name] = replace(one, end_s=at_s)  # what has not begun never holds

    def _forget(self, now_s: float) -> None:
        over = [name for name, one in self._actions.items() if one.end_s <= now_s]
        for name in over[: max(0, len(self._actions) - MOST_ACTIONS)]:
            del self._actions[name]
