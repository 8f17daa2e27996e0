"""The traffic matrix of the live network: what flows tell of, and an estimate of the rest that agrees with counters.

Comes in: flows of a window, counters of links and edges. Goes out: demands with what they rest on. Where neither flows
nor counters are known there are no demands, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.errors import WeftError
from weft.network.demands import Demands, demands, no_demands
from weft.network.egress import resolve
from weft.network.estimate import Estimate, estimate
from weft.network.observed import Asks, Seen, seen_in_flows
from weft.network.routing import Routing
from weft.network.state import OUTSIDE, Network
from weft.network.topology import Topology

F64 = NDArray[np.float64]

#: More nodes than this and the rest is not estimated: a matrix of all pairs takes the square of it.
MOST_ESTIMATED = 2000
#: Parts of the whole below this are not worth a demand.
_NEGLIGIBLE = 1e-7


@dataclass(frozen=True)
class Matrix:
    """Demands, where they come from, and how good they are."""

    demands: Demands
    kind: str  # flows, counters, file, generated, none
    text: str
    seen_share: float | None = None  # of all traffic, told of by flows
    error: float | None = None  # expected relative error (L2)
    notes: tuple[str, ...] = ()


def no_matrix(text: str = "no traffic is known", notes: Sequence[str] = ()) -> Matrix:
    """Nothing to carry."""
    return Matrix(no_demands(), "none", text, notes=tuple(notes))


def traffic_matrix(
    questions: Asks, topology: Topology, routing: Routing, window: tuple[int, int], measured_bps: F64,
    entering_bps: F64, leaving_bps: F64,
) -> Matrix:  # fmt: skip
    """The matrix of a window (UTC seconds). Rates of counters: [arcs] and, of edges, [nodes]; nan = not measured."""
    notes: list[str] = []
    seen: Seen | None = None
    try:
        seen = seen_in_flows(questions, topology, routing, *window)
        notes += seen.notes
    except WeftError as error:
        notes.append(f"Flows could not be asked: {error.message}")
    asked = seen.demands if seen is not None else no_demands()
    rest = _rest(topology, routing, seen, measured_bps, entering_bps, leaving_bps, notes)
    minutes = round((window[1] - window[0]) / 60)
    if rest is not None and seen is not None and len(asked):
        filled = _joined(asked, rest.demands)
        share = float(asked.bps.sum()) / max(float(filled.bps.sum()), 1e-9)
        text = f"flows of the last {minutes} minutes; {1 - share:.0%} of the traffic estimated from counters"
        text += mostly_within(topology, filled, rest.demands)
        return Matrix(filled, "flows", text, share, rest.error, tuple(notes))
    if len(asked):
        return Matrix(asked, "flows", f"flows of the last {minutes} minutes", None, None, tuple(notes))
    if rest is not None and len(rest.demands):
        return Matrix(rest.demands, "counters", "estimated from counters alone", 0.0, rest.error, tuple(notes))
    return no_matrix(notes=notes)


def mostly_within(topology: Topology, whole: Demands, estimated: Demands) -> str:
    """The site within which most of the estimate stays, where one has more than half: elsewhere more may be seen."""
    sites, of = np.unique([node.site for node in topology.nodes], return_inverse=True)
    inside, guessed = (_by_site(one, of, len(sites)) for one in (whole, estimated))
    guessed[sites == ""] = 0.0
    total, most = float(estimated.bps.sum()), int(np.argmax(guessed))
    if guessed[most] <= 0.5 * total:
        return ""
    elsewhere = (total - guessed[most]) / max(float(whole.bps.sum()) - inside[most], 1e-9)
    return f", {guessed[most] / total:.0%} of that within {sites[most]}; elsewhere {elsewhere:.0%} is estimated"


def _by_site(asked: Demands, site: NDArray[np.int64], count: int) -> F64:
    """[sites] traffic that begins and ends in each."""
    stays = (asked.egress >= 0) & (site[asked.ingress] == site[asked.egress])
    return np.bincount(site[asked.ingress[stays]], asked.bps[stays], count).astype(np.float64)


def _rest(
    topology: Topology, routing: Routing, seen: Seen | None, measured: F64, entering: F64, leaving: F64,
    notes: list[str],
) -> Estimate | None:  # fmt: skip
    """What flows do not tell of; None where counters cannot say it either."""
    if not np.isfinite(measured).any() or not (np.isfinite(entering).any() and np.isfinite(leaving).any()):
        return None
    if len(topology.nodes) > MOST_ESTIMATED:
        notes.append(f"more than {MOST_ESTIMATED:,} nodes: what flows do not tell of is not estimated")
        return None
    observed = None
    if seen is not None:
        observed = seen.observed(_ends(topology, routing, seen.demands))
    try:
        found = estimate(topology, measured, entering, leaving, observed=observed)
    except WeftError as error:  # such as more equal-cost lines than are kept: what flows tell of is still true
        notes.append(f"What flows do not tell of is not estimated: {error.message}.")
        return None
    keep = found.demands.bps > _NEGLIGIBLE * found.demands.bps.sum()
    if observed is not None:
        keep &= ~observed.known[found.demands.ingress, found.demands.egress]
    notes += found.notes
    return Estimate(found.demands.take(keep), found.matrix, found.error, found.coverage, found.notes)


def _ends(topology: Topology, routing: Routing, asked: Demands) -> NDArray[np.int32]:
    """[demands] node at which each ends, routing applied: the neighbour, where it leaves; -1 = nowhere."""
    found = resolve(Network(topology, routing, asked))
    outside = np.array([node.kind in OUTSIDE for node in topology.nodes], np.bool_)
    out = found.exit_arc
    end = np.where(out >= 0, topology.target[np.maximum(out, 0)], found.exit_node)
    inside = (asked.group >= 0) & (out >= 0) & ~outside[np.maximum(end, 0)]
    return np.where(inside, -1, end).astype(np.int32)


def _joined(one: Demands, other: Demands) -> Demands:
    """Both, the second as the first's class."""
    return demands(
        np.concatenate((one.ingress, other.ingress)), np.concatenate((one.egress, other.egress)),
        np.concatenate((one.bps, other.bps)), group=np.concatenate((one.group, other.group)),
        traffic_class=np.concatenate((one.traffic_class, np.zeros(len(other), np.int16))), classes=one.classes,
    )  # fmt: skip
