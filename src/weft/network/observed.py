"""The traffic matrix that stored flows tell of: where traffic entered the network, where it wants to, each byte once.

Comes in: answers of the query layer about flows, a topology, routing. Goes out: demands, and for which pairs of nodes
they are the whole truth. A flow that several exporters saw counts where it entered: at a port that is no link between
two of our devices. Must not guess a source: what entered where nobody exports is left to the estimator.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from weft.model.views import ViewResult
from weft.network.demands import Demands, demands
from weft.network.estimate import Observed
from weft.network.routing import Routing
from weft.network.state import OUTSIDE
from weft.network.topology import Node, Topology
from weft.query.model import Query

#: Rows of one answer, and exporters that are asked one by one where all together have more rows.
_MOST_ROWS, _MOST_EXPORTERS = 1000, 64
#: Where traffic of a site begins and ends unless flows show it, most likely first.
_ROLES = ("core", "leaf", "access", "distribution", "router", "switch", "spine", "firewall", "border", "edge")
_DEFAULT = "default route"
_UNIT = re.compile(r"\.\d+$")


class Asks(Protocol):
    """``weft.query.QueryEngine``, as far as it is asked here."""

    def run(self, query: Query) -> ViewResult:
        """Answer a question. Raises what the engine raises."""


@dataclass(frozen=True, slots=True)
class FlowRow:
    """Flows of one exporter between two ports, by what is at both ends. Empty or 0 = not known."""

    device: str
    in_interface: str
    out_interface: str
    is_egress: bool  # metered on the way out
    src_site: str
    dst_site: str
    dst_as: int
    traffic_class: str
    bps: float


@dataclass(frozen=True)
class Seen:
    """Demands that flows tell of, and what they leave open."""

    demands: Demands
    known_ingress: NDArray[np.bool_]  # [nodes] everything that enters there is seen
    known_pairs: NDArray[np.bool_]  # [n, n] pairs seen where traffic leaves, though not where it enters
    exporters: int
    unplaced_bps: float  # seen, but it is not known where it wants to
    notes: tuple[str, ...]

    def observed(self, egress: NDArray[np.int32]) -> Observed:
        """As the estimator takes it. ``egress``: the node of each demand, routing applied; -1 = no way."""
        count = len(self.known_ingress)
        matrix, has_way = np.zeros((count, count)), egress >= 0
        np.add.at(matrix, (self.demands.ingress[has_way], egress[has_way]), self.demands.bps[has_way])
        return Observed(matrix, self.known_ingress[:, None] | self.known_pairs)


@dataclass
class _Map:
    """Where ports, sites and ASes are in the model."""

    topology: Topology
    ports: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # → this node, the other end
    sites: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    ases: dict[int, int] = field(default_factory=dict)
    outside: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    def other_end(self, device: str, interface: str) -> int:
        """Node at the other end of a port's link; -1 where no link of the model is there."""
        found = self.ports.get((device, interface)) or self.ports.get((device, _UNIT.sub("", interface)))
        return found[1] if found else -1

    def edge_of(self, device: str, interface: str) -> int:
        """Node at which traffic of a port enters or leaves the model; -1 at a port between two of our devices."""
        other = self.other_end(device, interface)
        if other < 0:
            return self.topology.positions.get(device, -1)
        return other if self.outside[other] else -1


def seen_in_flows(
    questions: Asks, topology: Topology, routing: Routing, since: int, until: int, *, class_by: str = "",
) -> Seen:  # fmt: skip
    """Ask for the flows of a window (UTC seconds) and place them. ``class_by``: a dimension that classes demands.

    Raises what the query engine raises.
    """
    rows, notes = ask(questions, since, until, class_by)
    return place(rows, topology, routing, notes)


def ask(questions: Asks, since: int, until: int, class_by: str = "") -> tuple[list[FlowRow], list[str]]:
    """Flows by ports and ends. Where they are too many for one answer each exporter is asked on its own."""
    result = questions.run(_query(since, until, class_by, ""))
    if result.other is None:
        return _rows(result, class_by), []
    names = questions.run(
        Query(view="table", measures=["bps"], by=["exporter_name"], top=_MOST_EXPORTERS, other=False,
              since=str(since), until=str(until))
    )  # fmt: skip
    rows: list[FlowRow] = []
    left = 0.0
    for name in (str(row[0]) for row in names.rows):
        part = questions.run(_query(since, until, class_by, f"exporter_name = {_quoted(name)}"))
        rows += _rows(part, class_by)
        if part.other is not None:
            left += float(part.rows[part.other][-1] or 0.0)
    total = sum(row.bps for row in rows) + left
    notes = [f"The smallest flows, {left / total:.1%} of all, are left out."] if left > 0.001 * total else []
    return rows, notes


def _query(since: int, until: int, class_by: str, condition: str) -> Query:
    by = ["exporter_name", "in_if_name", "out_if_name", "direction", "src_site", "dst_site", "dst_as"]
    return Query(
        dataset="flows", view="table", measures=["bps"], by=by + [class_by] * bool(class_by), top=_MOST_ROWS,
        filter=condition, since=str(since), until=str(until),
    )  # fmt: skip


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _rows(result: ViewResult, class_by: str) -> list[FlowRow]:
    found = []
    for at, row in enumerate(result.rows):
        if at == result.other or not row[-1]:
            continue
        device, in_name, out_name, direction, src_site, dst_site, dst_as = map(str, row[:7])
        number = dst_as.removeprefix("AS")
        found.append(
            FlowRow(
                device, in_name, out_name, direction == "egress", src_site, dst_site,
                int(number) if number.isascii() and number.isdigit() else 0, str(row[7]) if class_by else "",
                float(row[-1]),
            )
        )  # fmt: skip
    return found


def place(rows: Sequence[FlowRow], topology: Topology, routing: Routing, notes: Iterable[str] = ()) -> Seen:
    """Demands from flows by ports and ends."""
    where = _map(topology, routing)
    rows = _once(rows)
    heard = {row.device for row in rows if row.device in topology.positions}
    known = _known(where, heard)
    exits = _exits(rows, where, known)
    sums: dict[tuple[int, int, int, str], float] = defaultdict(float)
    pairs = np.zeros((len(topology.nodes), len(topology.nodes)), np.bool_)
    unplaced = 0.0
    for row in rows:
        ingress = _ingress(row, where, known)
        if ingress < 0:
            continue
        aims = _aims(row, where, exits)
        unplaced += row.bps * (not aims)
        for (egress, group), share in aims.items():
            if egress != ingress:
                sums[ingress, egress, group, row.traffic_class] += row.bps * share
            if not known[ingress] and egress >= 0:
                pairs[ingress, egress] = True
    said = [*notes]
    if unplaced:
        said.append(f"{unplaced / 1e6:.3g} Mbit/s seen towards places that neither routing nor flows show a way to.")
    silent = [node.name for at, node in enumerate(topology.nodes) if not known[at] and not where.outside[at]]
    if silent:
        said.append(f"No flows from {len(silent)} device{'s' * (len(silent) > 1)}: what enters there is estimated.")
    return Seen(_demands(sums), known, pairs, len(heard), unplaced, tuple(said))


def _map(topology: Topology, routing: Routing) -> _Map:
    where = _Map(topology, outside=np.array([node.kind in OUTSIDE for node in topology.nodes], np.bool_))
    for link in topology.links:
        for this, name, other in ((link.a, link.a_interface, link.b), (link.b, link.b_interface, link.a)):
            if name:
                where.ports[topology.nodes[this].name, name] = (this, other)
    stands: dict[str, list[int]] = defaultdict(list)
    for at, node in enumerate(topology.nodes):
        if node.asn and where.outside[at]:
            where.ases.setdefault(node.asn, at)
        if node.site and not where.outside[at]:
            stands[node.site].append(at)
    for site, members in stands.items():
        where.sites[site] = min(members, key=lambda at: _rank(topology.nodes[at]))
    where.groups.update((group.name, at) for at, group in enumerate(routing.groups))
    return where


def _rank(node: Node) -> tuple[bool, int, str]:
    """Least for the device at which a site's traffic is most likely to begin and end; no host stands for all."""
    return not node.carries, _ROLES.index(node.role) if node.role in _ROLES else len(_ROLES), node.name


def _once(rows: Sequence[FlowRow]) -> list[FlowRow]:
    """Without what an exporter metered a second time: on the way out, though it meters on the way in as well."""
    inward = {(row.device, row.in_interface) for row in rows if not row.is_egress}
    return [row for row in rows if not row.is_egress or (row.device, row.in_interface) not in inward]


def _known(where: _Map, heard: set[str]) -> NDArray[np.bool_]:
    """[nodes] where all that enters is exported: devices that export, neighbours all of whose borders do."""
    nodes = where.topology.nodes
    known = np.array([node.name in heard for node in nodes], np.bool_) & ~where.outside
    borders: dict[int, list[bool]] = defaultdict(list)
    for link in where.topology.links:
        for this, other in ((link.a, link.b), (link.b, link.a)):
            if where.outside[this]:
                borders[this].append(bool(known[other]))
    for node, exporting in borders.items():
        known[node] = all(exporting)
    return known


def _ingress(row: FlowRow, where: _Map, known: NDArray[np.bool_]) -> int:
    """Node at which flows entered, -1 where this row is another sight of flows that count elsewhere."""
    home = where.sites.get(row.src_site, -1)
    if row.in_interface:
        at = where.edge_of(row.device, row.in_interface)
        if at >= 0:
            return at
    elif home >= 0 and where.topology.nodes[home].site == _site(row.device, where):
        return where.topology.positions.get(row.device, -1)
    # Seen on its way out, from a site where nobody exports: the only sight of it.
    leaves = bool(row.out_interface) and where.edge_of(row.device, row.out_interface) >= 0
    return home if leaves and home >= 0 and not known[home] else -1


def _site(device: str, where: _Map) -> str:
    at = where.topology.positions.get(device, -1)
    return where.topology.nodes[at].site if at >= 0 else ""


_End = tuple[str, int]  # a site, or "" and an AS


def _exits(rows: Iterable[FlowRow], where: _Map, known: NDArray[np.bool_]) -> Mapping[_End, Mapping[int, float]]:
    """Where traffic towards each end was seen to leave: shares by node.

    Of a site whose main device exports nothing, what its other devices see is no sample: most of it leaves unseen.
    """
    sums: dict[_End, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    blind = {site for site, node in where.sites.items() if not known[node]}
    for row in rows:
        if row.dst_site in blind:
            continue
        node = where.edge_of(row.device, row.out_interface) if row.out_interface else -1
        if node >= 0:
            sums[row.dst_site, 0 if row.dst_site else row.dst_as][node] += row.bps
    return {end: {node: bps / sum(by.values()) for node, bps in by.items()} for end, by in sums.items()}


def _aims(row: FlowRow, where: _Map, exits: Mapping[_End, Mapping[int, float]]) -> dict[tuple[int, int], float]:
    """(egress node, prefix group) → share, by the port it leaves by, by routing, by where such traffic leaves."""
    out = where.edge_of(row.device, row.out_interface) if row.out_interface else -1
    group = where.groups.get(f"AS{row.dst_as}", -1) if row.dst_as and not row.dst_site else -1
    if group >= 0:
        return {(-1, group): 1.0}
    if out >= 0:
        return {(out, -1): 1.0}
    seen = exits.get((row.dst_site, 0 if row.dst_site else row.dst_as))
    if seen:
        return {(node, -1): share for node, share in seen.items()}
    if row.dst_site in where.sites:
        return {(where.sites[row.dst_site], -1): 1.0}
    if _DEFAULT in where.groups and not row.dst_site:
        return {(-1, where.groups[_DEFAULT]): 1.0}
    return {(where.ases[row.dst_as], -1): 1.0} if row.dst_as in where.ases else {}


def _demands(sums: Mapping[tuple[int, int, int, str], float]) -> Demands:
    classes = tuple(sorted({key[3] for key in sums})) or ("",)
    number = {name: at for at, name in enumerate(classes)}
    keys = sorted(sums)
    column = np.array([key[:3] for key in keys], np.int32).reshape(-1, 3)
    return demands(
        column[:, 0], column[:, 1], np.array([sums[key] for key in keys], np.float64), group=column[:, 2],
        traffic_class=np.array([number[key[3]] for key in keys], np.int16), classes=classes,
    )  # fmt: skip
