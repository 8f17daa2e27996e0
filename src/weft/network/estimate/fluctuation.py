"""How pairs differ from gravity, learnt from counters of the past: from how links fluctuate together.

What flows between two nodes fluctuates on its own in the short run, so its steps show in the covariance of exactly the
counters that it passes: past link loads tell the variance of every pair, although not its mean (Vardi 1996; Cao, Davis,
Vander Wiel and Yu 2000). A pair that fluctuates more carries more, by a power law. Its exponent is not assumed but
fitted to the mean loads of the links, and its scale by the totals of the nodes. Only counters are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput, LimitExceeded
from weft.network.estimate.balance import NOISE, balance
from weft.network.estimate.equations import Counters, Equations, Pairs, counters, pairs
from weft.network.estimate.prior import Prior, gravity, mean_totals
from weft.network.estimate.uncertainty import left_open
from weft.network.topology import Topology

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
#: Pairs that one learning may have (a dense product of pairs and counters is kept), and times that it needs.
MOST_LEARNT, LEAST_TIMES = 20_000, 48
#: Steps between two readings up to this long are independent of one another; over longer ones pairs move together.
_LONGEST_STEP_S = 1800.0
#: A counter is used that was read at this share of the times at least.
_READ_ENOUGH = 0.9
#: Rounds of the variances' maximisation; degrees of freedom of the steps' t distribution (single jumps count less).
_ROUNDS, _FREEDOM, _REWEIGH = 100, 3.0, 10
_EXPONENTS = np.arange(0.0, 1.01, 0.1)
#: Variance goes with this power of the rate, roughly: only where the rounds begin.
_USUAL_POWER = 1.25
_LEAST = 1e-12
#: Pairs differ from gravity by this much at most.
_MOST_FACTOR = 1e3


@dataclass(frozen=True)
class _Past:
    """Complete readings: counters that were read, at the times at which all of them were."""

    among: Pairs
    equations: Equations  # [counters, pairs]
    is_total: NDArray[np.bool_]  # [counters] of a node, not of an arc
    loads: F64  # [times, counters]
    at: I64  # [times] position of each among all times
    gravity: F64  # [pairs] what mean totals alone foretell

    @property
    def mean(self) -> F64:
        """Mean load of each counter, [1, counters]."""
        return np.asarray(self.loads.mean(axis=0, keepdims=True), np.float64)


def learn(
    topology: Topology, link_bps: F64, edge_in_bps: F64, edge_out_bps: F64, step_s: float, *, noise: float = NOISE
) -> Prior:
    """A prior from counters of the past at regular times ``step_s`` apart ([times, arcs], [times, nodes] twice).

    A day of five-minute readings is enough to be better than gravity; a few days are good. The routing must have been
    that of ``topology``. Raises ``InvalidInput`` where there is too little, ``LimitExceeded`` for too many nodes.
    """
    past = _past(topology, counters(topology, link_bps, edge_in_bps, edge_out_bps))
    spread = _fluctuation(past, step_s, noise)
    guess, best = _fitted(past, spread, noise)
    error = left_open(past.equations, past.is_total, guess, past.mean[0], best, noise)
    factor = np.ones((past.among.nodes, past.among.nodes))
    ratio = best / np.maximum(past.gravity, _LEAST * past.gravity.sum())
    factor[past.among.ingress, past.among.egress] = np.clip(ratio, 1 / _MOST_FACTOR, _MOST_FACTOR)
    days = len(past.loads) * step_s / 86_400
    return Prior(factor, f"how {len(past.equations)} counters fluctuated together over {days:.1f} days", error)


def _past(topology: Topology, seen: Counters) -> _Past:
    measured = seen.measured
    there = ~np.isnan(measured)
    rows = np.flatnonzero(there.mean(axis=0) >= _READ_ENOUGH)
    times = np.flatnonzero(there[:, rows].all(axis=1) & (measured[:, rows].sum(axis=1) > 0))
    if len(times) < LEAST_TIMES:
        raise InvalidInput(
            f"holds {len(times)} times at which all counters were read; {LEAST_TIMES} are needed", where="link_bps"
        )
    entering, leaving = (mean_totals(side[times]) for side in (seen.edge_in_bps, seen.edge_out_bps))
    among = pairs(topology, entering > 0, leaving > 0)
    if not len(among):
        raise InvalidInput("tells of no traffic between nodes", where="edge_in_bps")
    if len(among) > MOST_LEARNT:
        raise LimitExceeded(f"{len(among)} pairs are more than {MOST_LEARNT}, the most that are learnt", where="nodes")
    part = among.equations.part(rows, np.arange(len(among)))
    used = np.flatnonzero(np.diff(part.start))
    plain = gravity(entering[None], leaving[None], among.allowed)[0, among.ingress, among.egress]
    return _Past(
        among, part.part(used, np.arange(len(among))), rows[used] >= 2 * len(topology.links),
        measured[np.ix_(times, rows[used])], times, plain,
    )  # fmt: skip


def _fluctuation(past: _Past, step_s: float, noise: float) -> F64:
    """[pairs] logarithm of the variance of steps, the mean of it over steps of some lengths."""
    matrix = past.equations.dense()
    values, vectors = np.linalg.eigh(matrix @ matrix.T)
    basis = vectors[:, values > 1e-9 * values[-1]]
    columns, loads = basis.T @ matrix, past.loads @ basis
    start = balance(past.gravity[None], past.equations, past.mean, noise)[0]
    found, lag = [], 1
    while lag == 1 or lag * step_s <= _LONGEST_STEP_S:
        near = np.flatnonzero(past.at[lag:] - past.at[:-lag] == lag)
        if len(near) >= LEAST_TIMES // 2:
            steps = loads[near + lag] - loads[near]
            found.append(np.log(_variances(columns, steps, start)))
        lag *= 2
    if not found:
        raise InvalidInput("holds too few times that follow each other", where="link_bps")
    return np.asarray(np.mean(found, axis=0) - np.mean(found), np.float64)


def _variances(columns: F64, steps: F64, rates: F64) -> F64:
    """[pairs] variance of each pair's steps, of greatest likelihood given the steps of counters ([times, rank]).

    Steps follow a t distribution with covariance ``columns @ diag(variances) @ columns.T``, and one more source that
    scales all rates alike (the hour of the day). Minorisation and maximisation: every round multiplies each variance
    by the root of (what the steps say of it / what the model expects).
    """
    columns = np.concatenate([columns, (columns @ rates)[:, None]], axis=1)
    size = np.maximum(rates, 1e-6 * rates.sum()) ** _USUAL_POWER
    scale = float(
        np.square(steps).sum(axis=1).mean()
        / max(np.einsum("ij,j,ij->", columns[:, :-1], size, columns[:, :-1]), _LEAST)
    )
    variances = np.append(size * scale, 1e-4)
    covariance = np.zeros((len(columns), len(columns)))
    for turn in range(_ROUNDS):
        model = (columns * variances) @ columns.T
        model += 1e-9 * np.trace(model) / len(model) * np.eye(len(model))
        inverse = np.linalg.inv(model)
        if turn % _REWEIGH == 0:
            away = np.einsum("ta,ab,tb->t", steps, inverse, steps, optimize=True)
            weight = (_FREEDOM + len(columns)) / (_FREEDOM + away)
            covariance = (steps * weight[:, None]).T @ steps / len(steps)
        seen = inverse @ columns
        said, expected = np.einsum("aj,aj->j", seen, covariance @ seen), np.einsum("aj,aj->j", columns, seen)
        variances *= np.sqrt((said + _LEAST * expected) / np.maximum(expected, 1e-300))
    found = variances[:-1]
    return np.asarray(np.maximum(found, 1e-10 * found.sum()), np.float64)


def _fitted(past: _Past, spread: F64, noise: float) -> tuple[F64, F64]:
    """[pairs] mean rates: a power of the variances that has the totals, then made to agree with the links as well.

    The exponent is the one at which links have to change it least (relative entropy).
    """
    totals = np.flatnonzero(past.is_total)
    ends, at_ends = past.equations.part(totals, np.arange(len(spread))), past.mean[:, totals]
    best, least = (past.gravity, past.gravity), np.inf
    for exponent in _EXPONENTS:
        shape = np.exp(exponent * (spread - spread.max()))
        guess = balance(shape[None] / shape.sum() * past.gravity.sum(), ends, at_ends, noise)
        found = balance(guess, past.equations, past.mean, noise)[0]
        away = float(
            (found * np.log(np.maximum(found, _LEAST) / np.maximum(guess[0], _LEAST)) - found + guess[0]).sum()
        )
        if away < least:
            best, least = (guess[0], found), away
    return best
