"""Routes that a case rests on (a hijack, a leak): a case is over once the last of them is gone. Bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from weft.detect.routing.rows import Block, Peer

_MOST = 100_000

#: A route: session, its table's number, hash of the prefix.
Route = tuple[Peer, int, int]


class Case(Protocol):
    """What rests on routes."""

    routes: set[Route]


C = TypeVar("C", bound=Case)


class Holds(Generic[C]):
    """Which route is held by which case: each by one at most. Told by session, so that its end costs what it had."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._case: dict[Route, C] = {}
        self._of_session: dict[tuple[Peer, int], set[Route]] = {}
        self._prefixes: NDArray[np.uint64] | None = np.zeros(0, np.uint64)

    def __len__(self) -> int:
        return len(self._case)

    def get(self, route: Route) -> C | None:
        """The case that a route is held by."""
        return self._case.get(route)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another route."""
        return len(self._case) >= self._most

    def add(self, route: Route, case: C) -> bool:
        """A route that nobody holds is held by a case from now on; false where there is no room."""
        if self.is_full:
            return False
        self._case[route] = case
        self._of_session.setdefault(route[:2], set()).add(route)
        self._prefixes = None
        case.routes.add(route)
        return True

    def drop(self, route: Route) -> None:
        """A route is gone, or is another."""
        case = self._case.pop(route, None)
        if case is None:
            return
        case.routes.discard(route)
        mine = self._of_session[route[:2]]
        mine.discard(route)
        if not mine:
            del self._of_session[route[:2]]
        self._prefixes = None

    def drop_session(self, session: tuple[Peer, int]) -> None:
        """A session ended or begins anew: all its routes are gone."""
        for route in list(self._of_session.get(session, ())):
            self.drop(route)

    def drop_case(self, case: C) -> None:
        """A case is none any more."""
        for route in list(case.routes):
            self.drop(route)

    def meets(self, told: Block) -> NDArray[np.bool_]:
        """Which rows are about prefixes that are held."""
        if self._prefixes is None:
            self._prefixes = np.unique(np.array([route[2] for route in self._case], np.uint64))
        found: NDArray[np.bool_] = np.isin(told.prefix_id, self._prefixes)
        return found

    def restore(self, cases: Iterable[C]) -> None:
        """Hold the routes that cases say they rest on."""
        for case in cases:
            routes, case.routes = case.routes, set()
            for route in routes:
                if route not in self._case:
                    self.add(route, case)


def route_state(route: Route) -> list[str | int]:
    """For ``read_route``."""
    peer, rib, prefix = route
    return [*peer.state(), rib, prefix]


def read_route(state: Iterable[str | int]) -> Route:
    """Of a ``route_state``. Raises ``ValueError`` or ``TypeError``."""
    exporter, peer, vrf, rib, prefix = state
    return Peer.restored(str(exporter), str(peer), str(vrf)), int(rib), int(prefix)
