"""Prefixes that flap."""

from __future__ import annotations

import pytest
from tests.detect.routing.helpers import ANNOUNCE, UP, WITHDRAW, context, play, row

from weft.detect.routing.flaps import FlapDetector
from weft.errors import InvalidInput
from weft.model.events import Severity

OWN = ("203.0.113.0/24",)
LATER = 7 * 3600.0


def _flaps(begin_s: float, count: int, every_s: float, prefix: str = "198.51.100.0/24") -> list[dict[str, object]]:
    rows = []
    for n in range(count):
        rows.append(row(begin_s + n * every_s, WITHDRAW, prefix))
        rows.append(row(begin_s + n * every_s + every_s / 2, ANNOUNCE, prefix, "64496 64497"))
    return rows


def _begin() -> list[dict[str, object]]:
    return [row(0, UP, reason="already up"), row(100, ANNOUNCE, "198.51.100.0/24", "64496 64497")]


def test_a_prefix_that_flaps() -> None:
    found = play(FlapDetector(context(OWN)), [*_begin(), *_flaps(LATER, 12, 60)], step_s=30)
    assert {one.entity.text for one in found} == {"prefix:198.51.100.0/24"}
    assert found[0].severity is Severity.INFO
    assert "RFC 7196" in found[0].text


def test_an_own_one_is_major() -> None:
    found = play(FlapDetector(context(OWN)), [*_begin(), *_flaps(LATER, 12, 60, "203.0.113.0/24")], step_s=30)
    assert found[0].severity is Severity.MAJOR


def test_now_and_then_is_no_flap() -> None:
    assert not play(FlapDetector(context(OWN)), [*_begin(), *_flaps(LATER, 12, 900)], step_s=60)


def test_one_that_always_flaps_is_no_news() -> None:
    rows = [*_begin(), *_flaps(200, 700, 100)]
    assert not play(FlapDetector(context(OWN)), rows, step_s=300)


def test_state_is_kept() -> None:
    first = FlapDetector(context(OWN))
    play(first, [*_begin(), *_flaps(LATER, 5, 60)], step_s=30)
    again = FlapDetector(context(OWN))
    again.load(first.save())
    assert play(again, _flaps(LATER + 300, 3, 60), step_s=60)
    with pytest.raises(InvalidInput):
        again.load(b"{}")
