"""The network model as the API answers it. What computes is imported when it is first asked: it takes a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from weft.api.models.network import (
    DemandsView,
    FailuresView,
    NetworkLoadView,
    NetworkPathView,
    NetworkView,
    PathAsked,
    WhatIfAsked,
    WhatIfView,
)
from weft.query.times import parse_time

if TYPE_CHECKING:
    from weft.network.places import Place
    from weft.network.snapshot import Snapshot, Source
    from weft.network.state import Network

By = Literal["pair", "site", "ingress", "egress", "class"]
FailureKind = Literal["link", "node", "srlg"]
#: Utilisation from which the summary counts a link as over.
THRESHOLD = 0.8


class NetworkPages:
    """Makes the answers. ``source`` makes what snapshots come from, when it is first asked."""

    def __init__(self, source: Callable[[], Source], clock: Callable[[], float] = time.time) -> None:
        self._make, self._clock = source, clock
        self._source: Source | None = None
        self._lock = threading.Lock()

    def summary(self, at: str) -> NetworkView:
        """The model in short."""
        from weft.api.network_views import demand_source, node_view, worst

        snapshot = self._at(at)
        topology, evaluation = snapshot.network.topology, snapshot.evaluation
        most, link = worst(evaluation)
        over = (evaluation.utilisation >= THRESHOLD) & (evaluation.load_bps > 0)
        return NetworkView(
            at=snapshot.at_s, notes=list(snapshot.notes),
            nodes=[node_view(snapshot, at) for at in range(len(topology.nodes))], links=len(topology.links),
            links_down=int((~(topology.up[::2] & topology.up[1::2])).sum()),
            srlgs={group: len(members) for group, members in sorted(topology.srlgs.items())},
            providers=sorted({one.provider for one in topology.links if one.provider}),
            classes=[name for name in snapshot.network.demands.classes if name],
            prefix_groups=len(snapshot.network.routing.groups), demand=demand_source(snapshot),
            max_utilisation=most, worst_link=link, over_threshold=int((over[::2] | over[1::2]).sum()),
        )  # fmt: skip

    def load(self, at: str, limit: int) -> NetworkLoadView:
        """Load of every link."""
        from weft.api.network_views import demand_source, link_load

        snapshot = self._at(at)
        used = snapshot.evaluation.utilisation
        order = sorted(range(len(snapshot.network.topology.links)), key=lambda at: -max(used[2 * at : 2 * at + 2]))
        return NetworkLoadView(
            at=snapshot.at_s, notes=list(snapshot.notes), demand=demand_source(snapshot),
            links=[link_load(snapshot, at) for at in order[:limit]],
        )  # fmt: skip

    def demands(self, at: str, by: By, limit: int) -> DemandsView:
        """The traffic matrix."""
        from weft.api.network_tables import demands_view

        return demands_view(self._at(at), by, limit)

    def failures(self, at: str, kind: FailureKind, threshold: float, limit: int) -> FailuresView:
        """Every single failure."""
        from weft.api.network_tables import failures_view

        return failures_view(self._at(at), kind, threshold, limit)

    def path(self, asked: PathAsked) -> NetworkPathView:
        """Which way from A to B, and back. Raises ``InvalidInput``."""
        snapshot = self._at(asked.at)
        places = snapshot.places
        source, destination = places.find(asked.source, "source"), places.find(asked.destination, "destination")
        return _path(snapshot, asked, source, destination)

    def what_if(self, asked: WhatIfAsked) -> WhatIfView:
        """What changes if. Raises ``InvalidInput``."""
        from weft.api.network_difference import what_if_view
        from weft.network.whatif import what_if

        snapshot = self._at(asked.at)
        began = time.perf_counter()
        found = what_if(
            snapshot.network, asked.changes, asked.threshold, places=snapshot.places, before=snapshot.evaluation
        )
        return what_if_view(snapshot, asked, found, (time.perf_counter() - began) * 1000)

    def _at(self, text: str) -> Snapshot:
        now = self._clock()
        moment = parse_time(text, now, "at")
        with self._lock:
            source = self._source = self._source or self._make()
        return source.at(None if moment >= int(now) else float(moment))


def _path(snapshot: Snapshot, asked: PathAsked, source: Place, destination: Place) -> NetworkPathView:
    from weft.api.network_views import endpoint, way_view
    from weft.errors import InvalidInput
    from weft.network.apply import apply
    from weft.network.changes import text_of
    from weft.network.evaluate import evaluate
    from weft.network.paths import path

    places = snapshot.places
    usual, aim = places.with_routes(destination, snapshot.network)
    if source.node < 0:
        raise InvalidInput(
            f"a path cannot begin at {asked.source[:80]!r}: it is behind several neighbours", where="source",
            fix="Name the neighbour that it comes from, or a border, or ask for the way there: the way back is shown.",
        )  # fmt: skip
    number = _class(snapshot.network, asked.traffic_class)
    answer = path(usual, snapshot.evaluation, source.node, aim.node, aim.group if aim.node < 0 else -1,
                  traffic_class=number)  # fmt: skip
    notes, measured, before = [*answer.notes, *snapshot.notes], snapshot.measured_bps, None
    if asked.changes:
        applied = apply(snapshot.network, asked.changes, places)
        changed, aim = places.with_routes(destination, applied.network)
        evaluation = evaluate(applied.network, snapshot.evaluation)
        before, measured = answer, None
        answer = path(changed, evaluation, source.node, aim.node, aim.group if aim.node < 0 else -1,
                      traffic_class=number)  # fmt: skip
        notes = [*applied.notes, *notes]
    topology = snapshot.network.topology
    return NetworkPathView(
        at=snapshot.at_s, notes=list(dict.fromkeys(notes)), source=endpoint(source, topology),
        destination=endpoint(aim, topology), traffic_class=asked.traffic_class,
        forward=way_view(answer.forward, measured),
        backward=way_view(answer.backward, measured) if answer.backward else None, asymmetric=answer.asymmetric,
        changes=[text_of(change) for change in asked.changes],
        usual_forward=way_view(before.forward, snapshot.measured_bps) if before else None,
        usual_backward=way_view(before.backward, snapshot.measured_bps) if before and before.backward else None,
    )  # fmt: skip


def _class(network: Network, name: str) -> int:
    from weft.errors import InvalidInput

    classes = network.demands.classes
    if name and name not in classes:
        known = ", ".join(filter(None, classes)) or "only one, without a name"
        raise InvalidInput(f"there is no traffic class {name!r}", where="traffic_class", fix=f"Known: {known}.")
    return classes.index(name) if name in classes else -1
