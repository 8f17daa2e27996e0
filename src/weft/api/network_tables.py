"""Lists about the network: the traffic matrix by what people ask for, and what each single failure would do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from weft.api.models.network import DemandRow, DemandsView, FailuresView, FailureView
from weft.api.network import By, FailureKind
from weft.api.network_difference import destination_of, labels
from weft.api.network_views import demand_source, milliseconds, worst
from weft.network.evaluate import Evaluation, evaluate
from weft.network.incremental import Baseline
from weft.network.snapshot import Snapshot
from weft.network.state import OUTSIDE
from weft.network.sweep import group_failures, link_failures, node_failures, sweep
from weft.network.topology import Topology

#: Up to so many failures times nodes each is evaluated in full, exits chosen anew; beyond, exits stay where they are.
_EXACT = 100_000
_FIXED_EXITS = "For a network of this size what leaves it keeps its exit while one is left; ask what-if for the rest."


def demands_view(snapshot: Snapshot, by: By, limit: int) -> DemandsView:
    """The traffic matrix, largest first."""
    asked = snapshot.network.demands
    total = max(float(asked.bps.sum()), 1e-12)
    if by == "pair":
        order = np.argsort(-asked.bps, kind="stable")
        rows = [_pair(snapshot, int(at), total) for at in order[:limit]]
        return _view(snapshot, by, rows, len(order) > limit)
    texts, keys = _keys(snapshot, by)
    found, group = np.unique(keys, axis=1, return_inverse=True)
    bps = np.bincount(group.ravel(), asked.bps, found.shape[1]) if len(asked) else np.zeros(0)
    order = np.argsort(-bps, kind="stable")
    rows = [
        DemandRow(
            source=text[0], destination=text[1], traffic_class=text[2], bps=float(bps[at]),
            share=float(bps[at]) / total,
        )
        for at in order[:limit]
        for text in (texts(*found[:, at].tolist()),)
    ]  # fmt: skip
    return _view(snapshot, by, rows, len(order) > limit)


def _view(snapshot: Snapshot, by: By, rows: list[DemandRow], truncated: bool) -> DemandsView:
    return DemandsView(
        at=snapshot.at_s, notes=list(snapshot.notes), by=by, demand=demand_source(snapshot), rows=rows,
        truncated=truncated,
    )  # fmt: skip


def _pair(snapshot: Snapshot, at: int, total: float) -> DemandRow:
    network, evaluation = snapshot.network, snapshot.evaluation
    asked = network.demands
    bps = float(asked.bps[at])
    return DemandRow(
        source=network.topology.nodes[asked.ingress[at]].name, destination=destination_of(network, at)[0],
        traffic_class=asked.classes[asked.traffic_class[at]], bps=bps, share=bps / total,
        delivered=float(evaluation.delivered_bps[at]) / bps if bps else 1.0,
        delay_ms=milliseconds(float(evaluation.demand_delay_s[at])),
    )  # fmt: skip


def _keys(snapshot: Snapshot, by: By) -> tuple[Callable[..., tuple[str, str, str]], NDArray[np.int64]]:
    """What rows are called (from, to, class), and what row each demand is of."""
    network = snapshot.network
    if by == "class":
        classes = network.demands.classes
        return lambda at: ("", "", classes[at]), network.demands.traffic_class[np.newaxis].astype(np.int64)
    names, source, destination = labels(network, by_site=by == "site")
    if by == "ingress":
        return lambda at: (names[at], "", ""), source[np.newaxis]
    if by == "egress":
        return lambda at: ("", names[at], ""), destination[np.newaxis]
    return lambda one, other: (names[one], names[other], ""), np.stack((source, destination))


# --- failures --------------------------------------------------------------------------------------------------------


def failures_view(snapshot: Snapshot, kind: FailureKind, threshold: float, limit: int) -> FailuresView:
    """Every link, device or risk group fails by itself; worst first."""
    began = time.perf_counter()
    topology = snapshot.network.topology
    named = list(_named(topology, kind))
    before = snapshot.evaluation
    is_exact = len(named) * len(topology.nodes) <= _EXACT or not len(snapshot.network.routing.groups)
    if len(named) * len(topology.nodes) <= _EXACT:
        found = [_evaluated(before, *one, kind, threshold) for one in named]
    else:
        found = _swept(before, named, kind, threshold)
    found.sort(key=lambda one: (-round(one.lost_bps, 3), -one.max_utilisation))
    return FailuresView(
        at=snapshot.at_s, notes=[*([] if is_exact else [_FIXED_EXITS]), *snapshot.notes], threshold=threshold,
        max_utilisation=worst(before)[0], failures=found[:limit], count=len(found),
        elapsed_ms=(time.perf_counter() - began) * 1000,
    )  # fmt: skip


def _named(topology: Topology, kind: FailureKind) -> Iterable[tuple[str, str, NDArray[np.int64]]]:
    """Name, title and arcs of each thing that can fail and is up."""
    if kind == "srlg":
        yield from ((name, f"risk group {name}", arcs) for name, arcs in group_failures(topology).items())
    elif kind == "node":
        for node, arcs in zip(topology.nodes, node_failures(topology), strict=True):
            if node.kind not in OUTSIDE:
                yield node.name, node.name, arcs
    else:
        for link, arcs in zip(topology.links, link_failures(topology), strict=True):
            if topology.up[arcs].any():
                ends = f"{topology.nodes[link.a].name} – {topology.nodes[link.b].name}"
                yield link.id, f"{ends} ({link.circuit})" if link.circuit else ends, arcs


def _evaluated(
    before: Evaluation, name: str, title: str, arcs: NDArray[np.int64], kind: FailureKind, threshold: float
) -> FailureView:
    network = before.network
    up = network.topology.up.copy()
    up[arcs] = False
    after = evaluate(network.changed(topology=network.topology.changed(up=up)), before)
    over = (after.utilisation >= threshold) & (after.load_bps > 0)
    was = (before.utilisation >= threshold) & (before.load_bps > 0)
    most, link = worst(after)
    lost = np.maximum(after.unrouted_bps - before.unrouted_bps, 0.0).sum()
    return FailureView(
        kind=kind, name=name, title=title, max_utilisation=most, worst_link=link,
        newly_over=int((over & ~was).sum()), lost_bps=float(lost),
    )  # fmt: skip


def _swept(
    before: Evaluation, named: list[tuple[str, str, NDArray[np.int64]]], kind: FailureKind, threshold: float
) -> list[FailureView]:
    network = before.network
    topology = network.topology
    baseline = Baseline(network.graph, before.resolved.pieces)
    found = sweep(baseline, [arcs for _, _, arcs in named], threshold)
    was = set(np.flatnonzero(baseline.loads.bps / topology.capacity_bps > threshold).tolist())
    usual = float(baseline.loads.unrouted_bps.sum())
    return [
        FailureView(
            kind=kind, name=name, title=title, max_utilisation=float(found.max_utilisation[at]),
            worst_link=topology.links[found.worst_arc[at] // 2].id if found.worst_arc[at] >= 0 else "",
            newly_over=len(set(found.over_threshold(at).tolist()) - was),
            lost_bps=max(0.0, float(found.unrouted_bps[at]) - usual),
        )
        for at, (name, title, _) in enumerate(named)
    ]  # fmt: skip
