"""Traffic matrices from link loads: how far estimates are from the public matrices of Abilene and GÉANT.

    python -m bench.network_demands [--every 8]

An estimator gets loads of links and totals of nodes, never the matrix (but for the cases that say flows). Values are
relative errors (L2) over all times scored; p10, p50 and p90 are of single matrices. ``expected`` is what the estimator
itself said. Settings were fixed on the first four days of Abilene and the first half of GÉANT; cases named "held out"
score the rest, though not blindly: the method was found with both series in view. ``past``: learnt from the counters of
the window before alone. The peer is the bar.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator

import numpy as np
from bench._matrices import F64, Matrices, read

from weft.network.demands import demands
from weft.network.estimate import Observed, Prior, estimate, estimate_series, from_flows, learn
from weft.network.estimate.equations import pairs
from weft.network.estimate.prior import gravity
from weft.network.generate import gravity_demands
from weft.network.load import loads
from weft.network.topology import Link, Node, topology

#: Window that is learnt from, times; where what settings were chosen on ends.
WINDOWS = {"abilene": 1152, "geant": 161}
BAR_LINKS, BAR_FLOWS = 0.2, 0.02
_UNIT = "relative L2"


def emit(case: str, value: float, bar: float | None, unit: str, **more: float) -> None:
    """One result line."""
    ratio = None if bar is None else round(value / bar, 3)
    line = {"bench": "network_demands", "case": case, "value": float(f"{value:.4g}"), "unit": unit,
            "peer": None if bar is None else "bar", "peer_value": bar, "ratio": ratio}  # fmt: skip
    print(json.dumps(line | {name: float(f"{one:.3g}") for name, one in more.items()}), flush=True)


def spread(errors: F64) -> dict[str, float]:
    """Of single matrices."""
    return {name: float(np.percentile(errors, q)) for name, q in (("p10", 10), ("p50", 50), ("p90", 90))}


def tomogravity(data: Matrices, times: slice) -> F64:
    """Gravity corrected by weighted least squares (Zhang et al., SIGMETRICS 2003), negative rates made zero."""
    link, entering, leaving = data.counters(times)
    among = pairs(data.topology, entering.max(axis=0) > 0, leaving.max(axis=0) > 0)
    matrix = among.equations.dense()
    start = gravity(entering, leaving, among.allowed)[:, among.ingress, among.egress]
    measured = np.concatenate([link, entering, leaving], axis=1)
    found = np.zeros((len(start), among.nodes, among.nodes))
    for at, (rates, said) in enumerate(zip(start, measured, strict=True)):
        inverse = np.linalg.pinv((matrix * rates) @ matrix.T, rcond=1e-9, hermitian=True)
        corrected = rates + rates * (matrix.T @ (inverse @ (said - matrix @ rates)))
        found[at, among.ingress, among.egress] = np.maximum(corrected, 0.0)
    return found


def windows(data: Matrices, every: int) -> Iterator[tuple[slice, slice, slice]]:
    """(the window, the one before, the times of it that are scored)."""
    size = WINDOWS[data.name]
    for at in range(0, len(data) - size + 1, size):
        yield slice(at, at + size), slice(max(at - size, 0), max(at - size, 0) + size), slice(at, at + size, every)


def from_links(data: Matrices, every: int) -> None:
    """Link loads alone: gravity, tomogravity, entropy, and with what past loads teach."""
    found: dict[str, list[F64]] = {}
    scored = list(windows(data, every))
    expected: dict[str, float] = {}
    for window, before, times in scored:
        seen = data.counters(times)
        taught = learn(data.topology, *data.counters(window), data.step_s)
        past = learn(data.topology, *data.counters(before), data.step_s)
        for case, prior in (("entropy", None), ("learnt", taught), ("learnt, past", past)):
            estimates = estimate_series(data.topology, *seen, prior=prior)
            found.setdefault(case, []).append(estimates.matrices)
            expected[case] = estimates.error
        found.setdefault("tomogravity", []).append(tomogravity(data, times))
        pairs_of_nodes = ~np.eye(len(data.topology.nodes), dtype=np.bool_)
        found.setdefault("gravity", []).append(gravity(seen[1], seen[2], pairs_of_nodes))
    for case, parts in found.items():
        for where, first in (("whole", 0), ("held out", 1)):
            if "past" in case and not first:
                continue  # nothing is before the first window
            truth = np.concatenate([data.truth[times] for _, _, times in scored[first:]])
            made = np.concatenate(parts[first:])
            errors = np.concatenate([data.errors(p, t[2]) for p, t in zip(parts[first:], scored[first:], strict=True)])
            told = {"expected": expected[case]} if case in expected else {}
            bar = BAR_LINKS if case.startswith("learnt") else None
            value = float(np.linalg.norm(made - truth) / np.linalg.norm(truth))
            emit(f"{data.name}: {case}, {where}", value, bar, _UNIT, **spread(errors), **told)


def series_learnt(data: Matrices, every: int) -> None:
    """Learnt from the counters of the whole series."""
    times = slice(0, len(data), every)
    prior = learn(data.topology, *data.counters(slice(0, len(data))), data.step_s)
    made = estimate_series(data.topology, *data.counters(times), prior=prior)
    emit(f"{data.name}: learnt from the whole series", data.error(made.matrices, times), BAR_LINKS, _UNIT,
         **spread(data.errors(made.matrices, times)), expected=made.error)  # fmt: skip


def calibrated(data: Matrices, every: int) -> None:
    """A day of flows in the past, links alone since."""
    day = round(86_400 / data.step_s)
    prior = from_flows(data.truth[:day])
    times = slice(day, len(data), every)
    made = estimate_series(data.topology, *data.counters(times), prior=prior)
    emit(f"{data.name}: links, after one day of flows", data.error(made.matrices, times), BAR_LINKS, _UNIT,
         **spread(data.errors(made.matrices, times)))  # fmt: skip


def with_flows(data: Matrices, every: int, draws: int = 20) -> None:
    """Flows at four nodes of five: of what enters there, or of what enters and leaves there."""
    rng, count = np.random.default_rng(5), len(data.topology.nodes)
    times = slice(0, len(data), every * 8)
    taught = learn(data.topology, *data.counters(slice(0, len(data))), data.step_s)
    for case, both in (("enters and leaves", True), ("enters", False)):
        errors = []
        for _ in range(draws):
            there = np.zeros(count, np.bool_)
            there[rng.permutation(count)[: int(np.ceil(0.8 * count))]] = True
            known = there[:, None] | (there[None, :] & both)
            seen = Observed(np.where(known, data.truth[times], 0.0), known)
            prior: Prior | None = taught
            made = estimate_series(data.topology, *data.counters(times), observed=seen, prior=prior)
            errors.append(data.error(made.matrices, times))
        emit(f"{data.name}: flows of what {case} at 80 % of nodes", float(np.mean(errors)), BAR_FLOWS, _UNIT,
             best=min(errors), worst=max(errors))  # fmt: skip


def speed(nodes: int = 100) -> None:
    """One estimate of a network of so many nodes."""
    rng = np.random.default_rng(1)
    ends = [(at, (at + 1) % nodes) for at in range(nodes)]
    ends += [tuple(sorted(rng.choice(nodes, 2, replace=False).tolist())) for _ in range(nodes * 3 // 2)]
    net = topology(
        [Node(f"n{at}") for at in range(nodes)], [Link(str(k), a, b) for k, (a, b) in enumerate(ends)],
        capacity_bps=np.full(len(ends), 1e10), metric=rng.integers(1, 10, len(ends)),
    )  # fmt: skip
    wanted = gravity_demands(net, 1e12, seed=1)
    entering, leaving = (
        np.bincount(side, wanted.bps, nodes).astype(np.float64) for side in (wanted.ingress, wanted.egress)
    )
    carried = loads(net, demands(wanted.ingress, wanted.egress, wanted.bps)).bps
    taken = []
    for _ in range(6):
        begin = time.perf_counter()
        estimate(net, carried, entering, leaving)
        taken.append(time.perf_counter() - begin)
    emit(f"one estimate, {nodes} nodes, {len(ends)} links", float(np.median(taken[1:])), 1.0, "s", best=min(taken))


def main() -> None:
    """Everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=4, help="score every so many-th matrix")
    every = parser.parse_args().every
    for name, step_s in (("abilene", 300.0), ("geant", 900.0)):
        data = read(name, step_s)
        of_times = every if name == "abilene" else 1
        from_links(data, of_times)
        series_learnt(data, of_times)
        calibrated(data, of_times)
        with_flows(data, of_times)
    speed()


if __name__ == "__main__":
    main()
