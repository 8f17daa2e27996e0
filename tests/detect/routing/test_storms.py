"""Update storms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.detect.routing.helpers import ANNOUNCE, CHANGE, UP, WITHDRAW, context, play, row

from weft.detect.routing.storms import StormDetector
from weft.errors import InvalidInput
from weft.model.addresses import packed
from weft.model.events import Severity

BEGIN = 600.0
Rows = list[dict[str, Any]]


def _updates(since_s: float, until_s: float, a_minute: int, peer: str = "192.0.2.1", origin: int = 64520) -> Rows:
    step = 60.0 / a_minute
    return [
        row(since_s + n * step, WITHDRAW if n % 2 else ANNOUNCE, f"198.18.{n % 40}.0/24", f"64496 {origin}", peer=peer)
        for n in range(int((until_s - since_s) / step))
    ]  # fmt: skip


def _detector(high: int = 2, peers: tuple[str, ...] = ("192.0.2.1",)) -> StormDetector:
    """One that knows eight hours, of which the busiest minute had so many changes."""
    found = StormDetector(context(least_a_minute=50))
    rates = [[packed("198.51.100.1").hex(), packed(peer).hex(), "", 0, 0, [high] * 8] for peer in peers]
    found.load(json.dumps({"rates": rates}).encode())
    return found


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.detect.routing.storms._LEAST", 50)


def test_a_storm() -> None:
    found = play(_detector(), _updates(BEGIN, BEGIN + 600, 200), BEGIN + 1800, 20.0)
    assert [(one.kind, one.entity.text) for one in found if not one.ends][:1] == [
        ("update_storm", "peer:chi-border1|192.0.2.1")
    ]
    first, last = found[0], found[-1]
    assert 180 <= first.at_s - (first.started_s or 0) <= 240
    assert "AS 64520" in first.text
    assert first.severity is Severity.MINOR
    assert first.evidence[0].rows[0][0] == "AS 64520"
    assert last.ends


def test_what_is_no_storm() -> None:
    assert not play(_detector(), _updates(BEGIN, BEGIN + 50, 400), BEGIN + 900, 20.0)  # a minute
    assert not play(_detector(20), _updates(BEGIN, BEGIN + 600, 55), BEGIN + 900, 20.0)  # it has such minutes
    strange = StormDetector(context(least_a_minute=50))
    assert not play(strange, _updates(BEGIN, BEGIN + 600, 200), BEGIN + 900, 20.0)  # nothing is usual yet
    table = [row(BEGIN + n / 10, CHANGE, f"198.18.{n % 256}.0/24", "64496 1") for n in range(2000)]
    assert not play(_detector(), [row(BEGIN - 1, UP), *table], BEGIN + 600, 20.0)


def test_all_of_a_router_are_one_event() -> None:
    peers = tuple(f"192.0.2.{n}" for n in range(1, 6))
    rows = [one for peer in peers for one in _updates(BEGIN, BEGIN + 400, 100, peer)]
    found = play(_detector(2, peers), rows, BEGIN + 1800, 20.0)
    assert {one.entity.text for one in found} == {"device:chi-border1"}
    assert sum(one.ends for one in found) == 1
    assert "5 sessions of chi-border1" in found[0].text
    assert found[0].severity is Severity.MAJOR


def test_state_is_kept_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = _detector(), _detector()
    second.load(first.save())
    assert second.save() == first.save()
    with pytest.raises(InvalidInput):
        second.load(b'{"rates": [[1]]}')
    monkeypatch.setattr("weft.detect.routing.storms._MOST_SESSIONS", 100)
    play(second, [row(n, CHANGE, "198.18.0.0/24", "64496 1", peer=f"198.51.{n // 250}.{n % 250}") for n in range(1000)])
    assert len(second.save()) < 20_000
