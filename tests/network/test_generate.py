"""Generated traffic matrices: the sums, the seed, the seasons."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from weft.errors import InvalidInput
from weft.network.generate import gravity_demands, seasonal
from weft.network.topology import Link, Node, NodeKind, topology

NODES = [*(Node(f"n{at}") for at in range(12)), Node("AS64501", NodeKind.AS)]
NET = topology(NODES, [Link(str(at), at, at + 1) for at in range(12)], capacity_bps=np.full(12, 1e9))


def test_a_matrix_has_the_total_and_the_same_seed_the_same_matrix() -> None:
    one, two, other = (gravity_demands(NET, 1e12, seed=seed) for seed in (1, 1, 2))
    assert one.bps.sum() == pytest.approx(1e12)
    assert len(one) == 12 * 11
    np.testing.assert_array_equal(one.bps, two.bps)
    assert not np.allclose(one.bps, other.bps)
    assert (one.ingress != one.egress).all()
    assert max(one.ingress.max(), one.egress.max()) < 12  # no AS by default


def test_without_spread_it_is_plain_gravity_and_keep_drops_the_smallest() -> None:
    even = gravity_demands(NET, 132.0, seed=1, size_spread=0, pair_spread=0)
    np.testing.assert_allclose(even.bps, 1.0)
    whole, most = gravity_demands(NET, 1e12, seed=1), gravity_demands(NET, 1e12, seed=1, keep=0.9)
    assert len(most) < len(whole)
    assert most.bps.sum() == pytest.approx(1e12)


@pytest.mark.parametrize(
    "wrong", [{"nodes": [1]}, {"nodes": [1, 1]}, {"nodes": [0, 99]}, {"keep": 0.0}, {"size_spread": np.nan}]
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        gravity_demands(NET, 1e9, seed=1, **wrong)  # type: ignore[arg-type]


def test_days_and_weeks() -> None:
    def at(day: int, hour: int) -> float:
        return datetime(2026, 3, day, hour, tzinfo=UTC).timestamp()  # the 2nd is a Monday

    peak, night, saturday, monday = seasonal(np.array([at(4, 20), at(4, 8), at(7, 20), at(9, 20)]))
    assert peak == pytest.approx(1.0)
    assert night == pytest.approx(0.35)
    assert saturday == pytest.approx(0.8)
    assert monday == pytest.approx(1.0)
    zones = seasonal(np.array([at(4, 20)]), offset_s=np.array([0.0, 12 * 3600.0]))
    np.testing.assert_allclose(zones, [[1.0, 0.35]])
    week = seasonal(at(2, 0) + 60 * np.arange(7 * 1440.0))
    assert np.abs(np.diff(week)).max() < 0.005
