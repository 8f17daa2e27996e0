"""What changes if, as the API tells it: arrays of positions become names, in order of importance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from weft.api.models.network import (
    ArcChange,
    ArcState,
    Broken,
    ClassChange,
    CutOff,
    DrainedView,
    LinkChange,
    MovedDemand,
    PairDelay,
    PairWays,
    WhatIfAsked,
    WhatIfView,
)
from weft.api.network_views import arc_state, link_name, milliseconds, node_names, totals, worst
from weft.network.changes import text_of
from weft.network.difference import Difference, main_way, uses
from weft.network.evaluate import Evaluation
from weft.network.snapshot import Snapshot
from weft.network.state import Network
from weft.network.whatif import WhatIf

Outcome = Literal["moved", "lost", "restored", "new", "exit", "grown"]
#: Loads that differ by less are the same: sums in another order.
_SAME_BPS, _SAME = 1.0, 1e-9
_NOTHING = ArcState(bps=0.0, utilisation=0.0, delay_ms=0.0, loss=0.0)
_MOST_NAMED, _SAID = 100, 3


def what_if_view(snapshot: Snapshot, asked: WhatIfAsked, found: WhatIf, elapsed_ms: float) -> WhatIfView:
    """The whole answer."""
    one, top = found.difference, asked.top
    links = _links(one)
    ids = [link.id for link in one.after.network.topology.links]
    delays = list(_delays(one, top))
    return WhatIfView(
        at=snapshot.at_s, notes=[*found.applied.notes, *snapshot.notes], changes=[text_of(c) for c in asked.changes],
        threshold=asked.threshold, before=totals(one.before, asked.threshold), after=totals(one.after, asked.threshold),
        moved_bps=one.moved_bps, lost_bps=one.lost_bps, links=links[:top], links_changed=len(links),
        newly_over=list(dict.fromkeys(ids[arc // 2] for arc in one.newly_over)),
        relieved=list(dict.fromkeys(ids[arc // 2] for arc in one.relieved)),
        moved=list(_moved(one, one.moved[:top])), moved_count=len(one.moved), broken=list(_broken(one, top)),
        broken_count=len(one.broken), cut_off=list(_cut_off(one))[:top], delays=delays,
        asymmetric=list(_asymmetric(one))[:top], classes=list(_classes(one)), drained=_drained(found),
        elapsed_ms=elapsed_ms,
    )  # fmt: skip


# --- links -----------------------------------------------------------------------------------------------------------


def _links(one: Difference) -> list[LinkChange]:
    """Links that carry, are or can do something else."""
    before, after = one.before, one.after
    was = np.zeros(len(after.load_bps))
    was[: one.arcs] = before.load_bps
    changed = np.abs(after.load_bps - was) > np.maximum(_SAME_BPS, _SAME * was)
    kinds = _kinds(one)
    wanted = (changed[::2] | changed[1::2]) | (kinds != "")
    over, relieved = set(one.newly_over.tolist()), set(one.relieved.tolist())
    found = [_link(one, int(at), str(kinds[at]), over, relieved) for at in np.flatnonzero(wanted)]

    def importance(link: LinkChange) -> tuple[bool, bool, float]:
        ways = (link.forward, link.backward)
        grown = max(abs(way.after.utilisation - way.before.utilisation) for way in ways)
        return not any(way.newly_over for way in ways), not link.what, -grown

    return sorted(found, key=importance)


def _kinds(one: Difference) -> NDArray[np.str_]:
    """[links] what happened to each beside its load."""
    was, now = one.before.network.topology, one.after.network.topology
    count, both = len(now.links), len(was.links)
    kinds = np.full(count, "", dtype="<U8")
    kinds[both:] = "new"
    arcs = slice(0, 2 * both)
    for kind, differs in (
        ("metric", was.metric != now.metric[arcs]), ("capacity", was.capacity_bps != now.capacity_bps[arcs]),
        ("up", ~was.up & now.up[arcs]), ("down", was.up & ~now.up[arcs]),
    ):  # fmt: skip
        kinds[:both][differs[::2] | differs[1::2]] = kind
    return kinds


def _link(one: Difference, at: int, what: str, over: set[int], relieved: set[int]) -> LinkChange:
    was, now = one.before.network.topology, one.after.network.topology
    is_new = at >= len(was.links)
    ways = [
        ArcChange(
            before=_NOTHING if is_new else arc_state(one.before, arc), after=arc_state(one.after, arc),
            newly_over=arc in over, relieved=arc in relieved,
        )
        for arc in (2 * at, 2 * at + 1)
    ]  # fmt: skip
    return LinkChange(
        **link_name(now, at).model_dump(), what=what,
        capacity_before_bps=0.0 if is_new else float(was.capacity_bps[2 * at]),
        capacity_after_bps=float(now.capacity_bps[2 * at]),
        up_before=not is_new and bool(was.up[2 * at : 2 * at + 2].all()),
        up_after=bool(now.up[2 * at : 2 * at + 2].all()), forward=ways[0], backward=ways[1],
    )  # fmt: skip


# --- demands ---------------------------------------------------------------------------------------------------------


def destination_of(network: Network, demand: int) -> tuple[str, str]:
    """Where a demand ends, a node or a group, and the site of that."""
    asked = network.demands
    if asked.egress[demand] >= 0:
        node = network.topology.nodes[asked.egress[demand]]
        return node.name, node.site
    return network.routing.groups[asked.group[demand]].name, ""


def _ways(evaluation: Evaluation, demands: NDArray[np.int64]) -> list[tuple[tuple[int, ...], set[int]]]:
    """Of each demand, the arcs of its most used way, and all of them."""
    if not len(demands):
        return []
    found = uses(evaluation, demands)
    order = np.argsort(found.row, kind="stable")
    parts = np.split(order, np.searchsorted(found.row[order], np.arange(1, len(demands))))
    starts = evaluation.network.demands.ingress[demands]
    return [
        (main_way(evaluation.network.topology, int(start), found.arc[part], found.share[part]),
         set(found.arc[part].tolist()))
        for start, part in zip(starts, parts, strict=True)
    ]  # fmt: skip


def _moved(one: Difference, positions: NDArray[np.int64]) -> Iterable[MovedDemand]:
    old = positions[positions < one.demands]
    was = dict(zip(old.tolist(), _ways(one.before, old), strict=True))
    now = dict(zip(positions.tolist(), _ways(one.after, positions), strict=True))
    for at in positions.tolist():
        yield _moved_demand(one, at, was.get(at, ((), set())), now[at])


def _moved_demand(
    one: Difference, at: int, was: tuple[tuple[int, ...], set[int]], now: tuple[tuple[int, ...], set[int]]
) -> MovedDemand:
    before, after, both = one.before, one.after, at < one.demands
    network = after.network
    asked, topology = network.demands, network.topology
    source = topology.nodes[asked.ingress[at]]
    destination, site = destination_of(network, at)
    left, taken = ({arc // 2 for arc in first} - {arc // 2 for arc in other} for first, other in (
        (was[1], now[1]), (now[1], was[1]),
    ))  # fmt: skip
    return MovedDemand(
        source=source.name, source_site=source.site, destination=destination, destination_site=site,
        traffic_class=asked.classes[asked.traffic_class[at]],
        bps_before=float(before.network.demands.bps[at]) if both else 0.0, bps_after=float(asked.bps[at]),
        outcome=_outcome(one, at), share_moved=float(one.share_moved[at]) if both else 0.0,
        before=node_names(topology, int(asked.ingress[at]), was[0]),
        after=node_names(topology, int(asked.ingress[at]), now[0]),
        left_links=sorted(topology.links[link].id for link in left),
        taken_links=sorted(topology.links[link].id for link in taken),
        exit_before=_exit(before, at) if both else "", exit_after=_exit(after, at),
        delay_before_ms=milliseconds(before.demand_delay_s[at]) if both else None,
        delay_after_ms=milliseconds(after.demand_delay_s[at]),
        loss_before=float(before.demand_loss[at]) if both else 0.0, loss_after=float(after.demand_loss[at]),
    )  # fmt: skip


def _outcome(one: Difference, at: int) -> Outcome:
    if at >= one.demands:
        return "new"
    was, now = bool(one.before.reachable[at]), bool(one.after.reachable[at])
    if was != now:
        return "lost" if was else "restored"
    if one.before.exit_link[at] != one.after.exit_link[at]:
        return "exit"
    return "moved" if one.share_moved[at] > 0 else "grown"


def _exit(evaluation: Evaluation, at: int) -> str:
    link = int(evaluation.exit_link[at])
    return evaluation.network.topology.links[link].id if link >= 0 else ""


def _broken(one: Difference, top: int) -> Iterable[Broken]:
    topology = one.after.network.topology
    failed = set(one.failed_nodes)
    for at in one.broken[:top].tolist():
        asked = one.before.network.demands
        source = topology.nodes[asked.ingress[at]].name
        destination = destination_of(one.before.network, at)[0]
        gone = [topology.nodes[node].name for node in (int(asked.ingress[at]), int(asked.egress[at])) if node in failed]
        why = f"{gone[0]} is down" if gone else f"no way from {source} to {destination}"
        if not gone and one.after.blackholed_bps[at] > 0:
            why = "blackholed"
        yield Broken(source=source, destination=destination, bps=float(asked.bps[at]), why=why)


def _cut_off(one: Difference) -> Iterable[CutOff]:
    nodes, asked = one.after.network.topology.nodes, one.before.network.demands
    for part in one.cut_off:
        names = sorted(nodes[at].name for at in part.nodes)
        ends = np.isin(asked.ingress, part.nodes) | np.isin(asked.egress, part.nodes)
        lost = one.broken[ends[one.broken]]
        said = ", ".join(names[:_SAID]) + (f" and {len(names) - _SAID} more" if len(names) > _SAID else "")
        rest = "the other node" if part.others == 1 else f"the other {part.others} nodes"
        yield CutOff(
            nodes=names[:_MOST_NAMED], count=len(names), others=part.others, lost_bps=float(asked.bps[lost].sum()),
            text=f"{said} cut off from {rest}",
        )  # fmt: skip


def labels(network: Network, *, by_site: bool = True) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Sites, or nodes and groups without one: their names, and by demand where it begins and ends."""
    nodes = [(by_site and node.site) or node.name for node in network.topology.nodes]
    names = list(dict.fromkeys([*nodes, *(group.name for group in network.routing.groups)]))
    number = {name: at for at, name in enumerate(names)}
    of_node = np.array([number[name] for name in nodes] or [0], np.int64)
    of_group = np.array([number[group.name] for group in network.routing.groups] or [0], np.int64)
    asked = network.demands
    inside = asked.egress >= 0
    ends = np.where(inside, of_node[np.where(inside, asked.egress, 0)], of_group[np.where(inside, 0, asked.group)])
    return names, of_node[asked.ingress], ends


def _delays(one: Difference, top: int) -> Iterable[PairDelay]:
    names, source, destination = labels(one.after.network)
    found = one.delays(source, destination)
    columns = (found.source, found.destination, found.bps, found.before_s, found.after_s)
    for at, to, bps, before, after in zip(*(values[:top] for values in columns), strict=True):
        if abs(after - before) > 1e-6:
            yield PairDelay(
                source=names[at], destination=names[to], bps=float(bps), before_ms=float(before) * 1000,
                after_ms=float(after) * 1000,
            )  # fmt: skip


def _asymmetric(one: Difference) -> Iterable[PairWays]:
    topology = one.after.network.topology
    for pair in one.asymmetric:
        yield PairWays(
            a=topology.nodes[pair.a].name, b=topology.nodes[pair.b].name, bps=pair.bps,
            forward=node_names(topology, pair.a, pair.forward), backward=node_names(topology, pair.b, pair.backward),
        )  # fmt: skip


def _classes(one: Difference) -> Iterable[ClassChange]:
    for at, name in enumerate(one.after.network.demands.classes):
        was, now = (_of_class(each, at) for each in (one.before, one.after))
        yield ClassChange(
            traffic_class=name, bps_before=was[0], bps_after=now[0], delivered_before=was[1], delivered_after=now[1],
            delay_before_ms=was[2], delay_after_ms=now[2],
        )  # fmt: skip


def _of_class(evaluation: Evaluation, number: int) -> tuple[float, float, float | None]:
    """Rate offered, share that arrives, mean delay in milliseconds."""
    asked = evaluation.network.demands
    mine = asked.traffic_class == number
    offered, delivered = float(asked.bps[mine].sum()), evaluation.delivered_bps[mine]
    arrives = delivered > 0
    late = evaluation.demand_delay_s[mine][arrives]
    mean = float((delivered[arrives] * late).sum() / delivered.sum()) if arrives.any() else None
    return offered, float(delivered.sum()) / offered if offered > 0 else 1.0, milliseconds(mean)


def _drained(found: WhatIf) -> DrainedView | None:
    if found.drained is None:
        return None
    most, link = worst(found.drained)
    return DrainedView(max_utilisation=most, worst_link=link, still_carries_bps=found.still_carried_bps)
