"""Numbers of routes."""

from __future__ import annotations

import pytest
from tests.detect.routing.helpers import ANNOUNCE, CHECKPOINT, DOWN, T0, UP, WITHDRAW, context, play, row, table

from weft.detect.routing.counts import CountDetector
from weft.errors import InvalidInput
from weft.model.events import Severity


def _begin() -> list[dict[str, object]]:
    return [row(0, UP, reason="already up"), *table(1, 200)]


def test_a_neighbour_that_withdraws_all() -> None:
    rows = [*_begin(), *table(7200, 200, WITHDRAW), *table(7800, 200, ANNOUNCE)]
    found = play(CountDetector(context()), rows, step_s=5)
    assert [(one.kind, one.ends) for one in found] == [("mass_withdrawal", False), ("mass_withdrawal", True)]
    assert found[0].entity.text == "peer:chi-border1|192.0.2.1"
    assert found[0].seen == 0
    assert found[0].expected == 200
    assert found[0].severity is Severity.MAJOR
    assert T0 + 7200 <= found[0].at_s <= T0 + 7205


def test_a_tenth_is_no_news() -> None:
    assert not play(CountDetector(context()), [*_begin(), *table(7200, 20, WITHDRAW)], 7300, step_s=5)


def test_a_table_that_leaks_in() -> None:
    rows = [*_begin(), *[row(7200, ANNOUNCE, f"172.{16 + i // 256}.{i % 256}.0/24", "64496 64498") for i in range(900)]]
    (found,) = play(CountDetector(context()), rows, 7300, step_s=5)
    assert found.kind == "prefix_surge"
    assert found.seen == 1100


def test_a_session_that_comes_back_is_no_news() -> None:
    rows = [*_begin(), row(7200, DOWN, reason="x"), row(7300, UP), *table(7301, 200, ANNOUNCE)]
    assert not play(CountDetector(context()), rows, 8000, step_s=5)


def test_a_session_that_comes_back_with_less() -> None:
    rows = [*_begin(), row(7200, DOWN, reason="x"), row(7300, UP), *table(7301, 50, ANNOUNCE)]
    (found,) = play(CountDetector(context()), rows, 8000, step_s=5)
    assert found.kind == "mass_withdrawal"
    assert found.seen == 50


def test_checkpoints_count_only_where_nothing_was_known() -> None:
    rows = [*table(10, 200, CHECKPOINT), *table(50_000, 200, CHECKPOINT), *table(50_100, 200, WITHDRAW)]
    (found,) = play(CountDetector(context()), rows, 50_200, step_s=5)
    assert found.expected == 200
    assert found.seen == 0


def test_routes_that_go_of_a_session_whose_table_was_never_heard() -> None:
    churn = [row(100 + 60 * n, (WITHDRAW, ANNOUNCE)[n % 2], f"172.16.{n // 2 % 200}.0/24") for n in range(100)]
    rows = [*churn, *table(7200, 200, WITHDRAW), *table(7800, 200, ANNOUNCE)]
    found = play(CountDetector(context()), rows, 9000, step_s=5)
    assert [(one.kind, one.ends) for one in found] == [("mass_withdrawal", False), ("mass_withdrawal", True)]
    assert found[0].seen == pytest.approx(-200, abs=2)
    assert T0 + 7200 <= found[0].at_s <= T0 + 7205
    later = [*table(7200, 300, ANNOUNCE), *table(7230, 300, WITHDRAW)]  # a table that came and went
    assert play(CountDetector(context()), [*churn, *later], 9000, step_s=5) == []


def test_state_is_kept() -> None:
    first = CountDetector(context())
    play(first, _begin(), 7200, step_s=60)
    again = CountDetector(context())
    again.load(first.save())
    (found,) = play(again, table(7300, 200, WITHDRAW), 7400, step_s=5)
    assert found.kind == "mass_withdrawal"
    with pytest.raises(InvalidInput):
        again.load(b"{}")
