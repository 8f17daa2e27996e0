"""The estimator: gravity and what is known beside it, made to agree with the counters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput
from weft.network.demands import Demands, demands
from weft.network.estimate.balance import NOISE, balance
from weft.network.estimate.equations import MOST_PAIRS, Pairs, counters, pairs
from weft.network.estimate.prior import Prior, gravity
from weft.network.estimate.uncertainty import left_open
from weft.network.topology import Topology

Matrix = NDArray[np.float64]
#: Demands below this share of the whole are not listed.
_NEGLIGIBLE = 1e-9
_LEAST = 1e-12


@dataclass(frozen=True)
class Observed:
    """The part of a matrix that flows tell of: ``bps`` counts where ``known`` is true ([n, n] or [times, n, n])."""

    bps: Matrix
    known: NDArray[np.bool_]  # [n, n]


@dataclass(frozen=True)
class Estimate:
    """A traffic matrix at one time with what it rests on."""

    demands: Demands
    matrix: Matrix  # [n, n] bit/s, from row to column
    error: float  # expected relative error of the matrix (L2), 0–1
    coverage: float  # share of the traffic that flows told of, 0–1
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Estimates:
    """Traffic matrices over time."""

    matrices: Matrix  # [times, n, n] bit/s
    error: float
    coverage: float
    notes: tuple[str, ...]


def estimate(
    topology: Topology, link_bps: Matrix, edge_in_bps: Matrix, edge_out_bps: Matrix, *,
    observed: Observed | None = None, prior: Prior | None = None, noise: float = NOISE,
) -> Estimate:  # fmt: skip
    """The traffic matrix at one time. Raises ``InvalidInput`` or ``LimitExceeded``.

    ``link_bps`` [arcs], ``edge_in_bps`` and ``edge_out_bps`` [nodes] are rates of counters, NaN where none was measured
    (see ``Counters``). Without ``prior`` gravity is where it starts; ``learn`` makes a better one of past counters.
    """
    found = estimate_series(
        topology, np.atleast_2d(link_bps), np.atleast_2d(edge_in_bps), np.atleast_2d(edge_out_bps),
        observed=observed, prior=prior, noise=noise,
    )  # fmt: skip
    matrix = found.matrices[0]
    ingress, egress = np.nonzero(matrix > _NEGLIGIBLE * matrix.sum())
    listed = demands(ingress.astype(np.int32), egress.astype(np.int32), matrix[ingress, egress])
    return Estimate(listed, matrix, found.error, found.coverage, found.notes)


def estimate_series(
    topology: Topology, link_bps: Matrix, edge_in_bps: Matrix, edge_out_bps: Matrix, *,
    observed: Observed | None = None, prior: Prior | None = None, noise: float = NOISE,
) -> Estimates:  # fmt: skip
    """As ``estimate``, at many times at once: every array has a leading axis. The routing is that of ``topology``."""
    seen = counters(topology, link_bps, edge_in_bps, edge_out_bps)
    notes: list[str] = []
    entering = _filled(seen.edge_in_bps, "enters", notes)
    leaving = _filled(seen.edge_out_bps, "leaves", notes)
    among = pairs(topology, *_ends(entering, leaving, notes), len(seen))
    start = _start(among, entering, leaving, prior, notes)
    rates, known = _known(among, observed, len(seen))
    measured = seen.measured
    left = np.maximum(measured - among.equations.loads(rates), 0.0)
    unknown = np.flatnonzero(~known)
    for times, rows in _patterns(measured):
        part = among.equations.part(rows, unknown)
        rates[np.ix_(times, unknown)] = balance(start[np.ix_(times, unknown)], part, left[np.ix_(times, rows)], noise)
    coverage = float(rates[:, known].sum() / max(rates.sum(), _LEAST))
    error = _error(topology, among, start, rates, measured, known, prior, noise)
    matrices = np.zeros((len(seen), among.nodes, among.nodes))
    matrices[:, among.ingress, among.egress] = rates
    return Estimates(matrices, error, coverage, tuple(notes))


def _filled(totals: Matrix, way: str, notes: list[str]) -> Matrix:
    """Totals of nodes with a guess where none was measured: as much as at an average node."""
    missing = np.isnan(totals)
    if not missing.any():
        return totals
    if missing.all():
        raise InvalidInput(f"no node tells what {way} there", where="edge_in_bps", fix="Measure some edge interfaces.")
    notes.append(f"What {way} was not counted at {int(missing.any(axis=0).sum())} nodes: links alone tell of it.")
    count = np.maximum((~missing).sum(axis=1, keepdims=True), 1)
    return np.where(missing, np.where(missing, 0.0, totals).sum(axis=1, keepdims=True) / count, totals)


def _ends(entering: Matrix, leaving: Matrix, notes: list[str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Nodes where traffic enters and where it leaves; only the largest where there are too many for all pairs."""
    sources, sinks = (totals.max(axis=0) for totals in (entering, leaving))
    if int((sources > 0).sum()) * int((sinks > 0).sum()) > MOST_PAIRS:
        most = int(np.sqrt(MOST_PAIRS))
        for side in (sources, sinks):
            side[np.argsort(-side)[most:]] = 0.0
        notes.append(f"Only pairs of the {most} nodes where most enters and of those where most leaves are estimated.")
    return sources > 0, sinks > 0


def _start(among: Pairs, entering: Matrix, leaving: Matrix, prior: Prior | None, notes: list[str]) -> Matrix:
    """[times, k] what each pair would exchange if only totals and the prior were known."""
    matrix = gravity(entering, leaving, among.allowed)
    if prior is not None:
        if prior.factor.shape != (among.nodes, among.nodes):
            raise InvalidInput("is for a network with other nodes", where="prior")
        matrix = matrix * prior.factor
        notes.append(f"Starts from {prior.source}.")
    return matrix[:, among.ingress, among.egress]


def _known(among: Pairs, observed: Observed | None, times: int) -> tuple[Matrix, NDArray[np.bool_]]:
    """[times, k] the rates that flows tell of, zero elsewhere, and for which pairs they do."""
    if observed is None:
        return np.zeros((times, len(among))), np.zeros(len(among), np.bool_)
    bps, known = np.asarray(observed.bps, np.float64), observed.known
    if known.shape != (among.nodes, among.nodes) or bps.shape[-2:] != known.shape or bps.ndim > 3:
        raise InvalidInput(f"is not a matrix of {among.nodes} nodes", where="observed")
    if not np.isfinite(bps).all() or (bps < 0).any():
        raise InvalidInput("has a rate that is negative or no number", where="observed")
    mask = known[among.ingress, among.egress]
    rates = np.broadcast_to(bps, (times, *known.shape))[:, among.ingress, among.egress]
    return np.where(mask, rates, 0.0), mask


def _error(
    topology: Topology, among: Pairs, start: Matrix, rates: Matrix, measured: Matrix, known: NDArray[np.bool_],
    prior: Prior | None, noise: float,
) -> float:  # fmt: skip
    """Expected relative error (L2) in the middle of the times: what is estimated, as a part of the whole matrix."""
    at, unknown = len(rates) // 2, np.flatnonzero(~known)
    rows = np.flatnonzero(~np.isnan(measured[at]))
    seen = among.equations.loads(np.where(known, rates[at], 0.0)[None])[0]
    part = among.equations.part(rows, unknown)
    found = left_open(
        part, rows >= 2 * len(topology.links), start[at, unknown], np.maximum(measured[at] - seen, 0.0)[rows],
        rates[at, unknown], noise,
    )  # fmt: skip
    share = float(np.linalg.norm(rates[at, unknown])) / max(float(np.linalg.norm(rates[at])), _LEAST)
    return float(min(np.hypot(found, prior.error if prior else 0.0), 1.0)) * share


def _patterns(measured: Matrix) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Times at which the same counters are known, with the equations these make."""
    there = ~np.isnan(measured)
    kinds, which = np.unique(there, axis=0, return_inverse=True)
    return [
        (np.flatnonzero(which.ravel() == kind), np.flatnonzero(rows)) for kind, rows in enumerate(kinds)
    ]  # fmt: skip
