"""Traffic matrices from counters: what must hold exactly, and how near estimates are to public matrices."""

from __future__ import annotations

import numpy as np
import pytest
from bench._matrices import DATA, Matrices, read

from weft.errors import InvalidInput, LimitExceeded
from weft.network.estimate import Observed, Prior, estimate, estimate_series, fluctuation, from_flows, learn
from weft.network.estimate import estimator as estimator_module
from weft.network.load import response
from weft.network.topology import Link, Node, Topology, topology

F64 = np.ndarray


def ring(rng: np.random.Generator, nodes: int = 9) -> Topology:
    """A ring with chords, two of its lines parallel."""
    ends = [(at, (at + 1) % nodes) for at in range(nodes)] + [(0, 1)]
    ends += [tuple(rng.choice(nodes, 2, replace=False).tolist()) for _ in range(nodes // 2)]
    links = [Link(str(at), a, b) for at, (a, b) in enumerate(ends)]
    capacity = np.full(len(links), 1e10)
    made = [Node(f"n{at}") for at in range(nodes)]
    return topology(made, links, capacity_bps=capacity, metric=rng.integers(1, 4, len(links)))


def counted(net: Topology, truth: F64) -> tuple[F64, F64, F64]:
    """Counters of matrices [times, n, n]."""
    i, j = (side.astype(np.int32) for side in np.nonzero(truth.sum(axis=0)))
    load = (response(net, i, j) @ np.ascontiguousarray(truth[:, i, j].T)).T
    return load, truth.sum(axis=2), truth.sum(axis=1)


def matrices(rng: np.random.Generator, nodes: int, times: int = 1) -> F64:
    """Log-normal around gravity; some pairs exchange nothing."""
    size = rng.lognormal(0, 0.8, (2, nodes))
    mean = 1e8 * np.outer(size[0], size[1]) * rng.lognormal(0, 0.7, (nodes, nodes)) * (rng.random((nodes, nodes)) < 0.9)
    np.fill_diagonal(mean, 0)
    return np.asarray(mean * np.exp(0.2 * rng.standard_normal((times, nodes, nodes))))


@pytest.mark.parametrize("seed", range(8))
def test_an_estimate_agrees_with_every_counter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = ring(rng)
    truth = matrices(rng, 9)
    seen = counted(net, truth)
    found = estimate(net, *(part[0] for part in seen), noise=1e-4)
    again = counted(net, found.matrix[None])
    for said, made in zip(seen, again, strict=True):
        np.testing.assert_allclose(made, said, rtol=5e-3, atol=1e-3 * float(np.max(said)))
    assert (found.matrix >= 0).all()
    assert not np.diag(found.matrix).any()
    assert found.demands.bps.sum() == pytest.approx(truth.sum(), rel=1e-2)
    assert 0 <= found.error <= 1
    assert found.coverage == 0


def test_known_flows_are_kept_and_the_rest_is_what_they_leave() -> None:
    rng = np.random.default_rng(3)
    net, truth = ring(rng), matrices(rng, 9)
    seen = counted(net, truth)
    known = np.zeros((9, 9), np.bool_)
    known[:7] = True
    known[:, :7] = True
    found = estimate_series(net, *seen, observed=Observed(np.where(known, truth[0], 0), known))
    np.testing.assert_array_equal(found.matrices[0][known], truth[0][known])
    np.testing.assert_allclose(found.matrices, truth, rtol=0.05, atol=1e-3 * truth.max())
    assert found.coverage == pytest.approx(truth[0][known].sum() / truth.sum(), rel=1e-3)
    everything = estimate_series(net, *seen, observed=Observed(truth, np.ones((9, 9), np.bool_)))
    assert everything.error == 0
    assert everything.coverage == pytest.approx(1)


def test_more_flows_leave_less_error_expected_and_real() -> None:
    rng = np.random.default_rng(4)
    net, truth = ring(rng, 12), matrices(rng, 12)
    seen, expected, real = counted(net, truth), [], []
    for share in (0, 4, 8, 10):
        known = np.zeros((12, 12), np.bool_)
        known[:share] = True
        found = estimate_series(net, *seen, observed=Observed(np.where(known, truth[0], 0), known))
        expected.append(found.error)
        real.append(float(np.linalg.norm(found.matrices - truth) / np.linalg.norm(truth)))
    assert expected == sorted(expected, reverse=True)
    assert real == sorted(real, reverse=True)
    assert all(0.2 * b <= a <= 5 * b + 0.02 for a, b in zip(expected, real, strict=True))


def test_counters_that_are_missing_are_said_and_done_without() -> None:
    rng = np.random.default_rng(5)
    net, truth = ring(rng), matrices(rng, 9, times=3)
    link, entering, leaving = counted(net, truth)
    link[0, :4], link[2] = np.nan, np.nan
    entering[:, 2] = np.nan
    found = estimate_series(net, link, entering, leaving)
    assert np.isfinite(found.matrices).all()
    assert any("not counted at 1 node" in note for note in found.notes)
    np.testing.assert_allclose(found.matrices[1].sum(axis=0), leaving[1], rtol=0.02)
    with pytest.raises(InvalidInput, match="no node tells"):
        estimate_series(net, link, np.full_like(entering, np.nan), leaving)


def test_counters_that_contradict_each_other_are_met_as_well_as_they_can() -> None:
    rng = np.random.default_rng(6)
    net, truth = ring(rng), matrices(rng, 9)
    off = [part * rng.normal(1, 0.02, part.shape) for part in counted(net, truth)]
    found = estimate_series(net, *off, noise=0.02)
    for said, made in zip(off, counted(net, found.matrices), strict=True):
        assert np.linalg.norm(said - made) < 0.05 * np.linalg.norm(said)


def test_a_silent_network_has_an_empty_matrix() -> None:
    net = ring(np.random.default_rng(0))
    found = estimate(net, np.zeros(2 * len(net.links)), np.zeros(9), np.zeros(9))
    assert len(found.demands) == 0
    assert found.error == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"link": -1.0}, "negative"), ({"link": np.inf}, "infinite"), ({"width": 3}, "shape"),
        ({"prior": Prior(np.ones((2, 2)), "x")}, "other nodes"),
        ({"observed": Observed(np.ones((2, 2)), np.ones((2, 2), np.bool_))}, "not a matrix"),
        ({"observed": Observed(np.full((9, 9), np.nan), np.ones((9, 9), np.bool_))}, "no number"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    net = ring(np.random.default_rng(0))
    link = np.full(int(change.get("width", 2 * len(net.links))), change.get("link", 1.0))  # type: ignore[call-overload]
    extra = {name: value for name, value in change.items() if name in ("prior", "observed")}
    with pytest.raises(InvalidInput, match=message):
        estimate(net, link, np.ones(9), np.ones(9), **extra)  # type: ignore[arg-type]


def test_of_too_many_nodes_the_largest_are_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    net, truth = ring(rng), matrices(rng, 9)
    monkeypatch.setattr(estimator_module, "MOST_PAIRS", 16)
    found = estimate_series(net, *counted(net, truth))
    assert (found.matrices[0].sum(axis=1) > 0).sum() <= 4
    assert "4 nodes" in found.notes[-1]


def test_fluctuations_tell_what_gravity_cannot() -> None:
    """Pairs far from gravity, fluctuating by a power of their rate: the past teaches most of the difference."""
    rng = np.random.default_rng(8)
    net = ring(rng, 10)
    mean = matrices(rng, 10)[0] * rng.lognormal(0, 1.0, (10, 10))
    scale = mean.max()
    steps = rng.standard_normal((1500, 10, 10)) * 0.08 * scale * (mean / scale) ** 0.7
    truth = np.maximum(mean + steps, 0)
    seen = counted(net, truth)
    prior = learn(net, *seen, 300.0)
    plain, taught = (estimate_series(net, *(part[:50] for part in seen), prior=one) for one in (None, prior))
    errors = [float(np.linalg.norm(one.matrices - truth[:50]) / np.linalg.norm(truth[:50])) for one in (plain, taught)]
    assert errors[1] < 0.6 * errors[0]
    assert prior.error > 0
    assert "fluctuated" in prior.source
    assert "fluctuated" in taught.notes[-1]


def test_too_little_past_teaches_nothing() -> None:
    rng = np.random.default_rng(9)
    net, truth = ring(rng), matrices(rng, 9, times=20)
    with pytest.raises(InvalidInput, match="20 times"):
        learn(net, *counted(net, truth), 300.0)


def test_of_too_many_pairs_nothing_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    net = ring(rng)
    monkeypatch.setattr(fluctuation, "MOST_LEARNT", 10)
    seen = counted(net, matrices(rng, 9, times=60))
    with pytest.raises(LimitExceeded, match="pairs"):
        learn(net, *seen, 300.0)


def test_a_day_of_flows_is_a_prior() -> None:
    rng = np.random.default_rng(10)
    net, truth = ring(rng), matrices(rng, 9, times=40)
    prior = from_flows(truth[:20])
    found = estimate_series(net, *(part[20:] for part in counted(net, truth)), prior=prior)
    assert np.linalg.norm(found.matrices - truth[20:]) < 0.2 * np.linalg.norm(truth[20:])
    with pytest.raises(InvalidInput):
        from_flows(truth[:0])


# --- public matrices -------------------------------------------------------------------------------------------------


def public(name: str, step_s: float) -> Matrices:
    if not DATA.is_dir():
        pytest.skip(f"no public matrices at {DATA} (set WEFT_TEST_DATA)")
    return read(name, step_s)


#: (series, step, times learnt from, every so many-th scored, what tomogravity reaches there, most that is accepted)
@pytest.mark.parametrize(
    ("name", "step_s", "learnt", "every", "plain", "most"),
    [("abilene", 300.0, slice(1152, 2304), 24, 0.28, 0.2), ("geant", 900.0, slice(0, 322), 8, 0.52, 0.255)],
)
def test_public_matrices_from_link_loads_alone(
    name: str, step_s: float, learnt: slice, every: int, plain: float, most: float
) -> None:
    data = public(name, step_s)
    times = slice(learnt.start, learnt.stop, every)
    prior = learn(data.topology, *data.counters(learnt), step_s)
    before = estimate_series(data.topology, *data.counters(times))
    found = estimate_series(data.topology, *data.counters(times), prior=prior)
    assert data.error(found.matrices, times) < most < data.error(before.matrices, times) < plain + 0.02
    for one in (before, found):
        real = data.error(one.matrices, times)
        assert 0.6 * real < one.error < 1.9 * real


@pytest.mark.parametrize(("name", "step_s"), [("abilene", 300.0), ("geant", 900.0)])
def test_public_matrices_with_flows_of_four_nodes_of_five(name: str, step_s: float) -> None:
    data = public(name, step_s)
    count, times, rng = len(data.topology.nodes), slice(0, 200, 50), np.random.default_rng(2)
    errors = []
    for _ in range(5):
        there = np.zeros(count, np.bool_)
        there[rng.permutation(count)[: int(np.ceil(0.8 * count))]] = True
        known = there[:, None] | there[None, :]
        seen = Observed(np.where(known, data.truth[times], 0.0), known)
        found = estimate_series(data.topology, *data.counters(times), observed=seen)
        errors.append(data.error(found.matrices, times))
    assert np.mean(errors) <= 0.02
