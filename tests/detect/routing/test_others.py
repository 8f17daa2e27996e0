"""Prefixes of others that change hands; origins that are forged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.detect.routing.helpers import ANNOUNCE, CHANGE, CHECKPOINT, UP, WITHDRAW, context, play, row

from weft.detect.detector import Finding
from weft.detect.routing.others import OthersDetector
from weft.detect.routing.usual import Usual
from weft.errors import InvalidInput
from weft.model.events import Severity

DAY = 3600.0
NEWS = 2 * DAY
Rows = list[dict[str, Any]]
PREFIX, PATH = "198.18.0.0/16", "64496 64510 64520"
EDGE = "198.19.0.0/16"


def _detector(**settings: Any) -> OthersDetector:
    return OthersDetector(context(["203.0.113.0/24"], stable_s=DAY, **settings))


def _usual() -> Rows:
    """A table that stands: prefixes of 64520, that has a customer, and of 64525, that has none, and others' routes."""
    paths = {
        PREFIX: PATH, EDGE: "64496 64510 64525", "192.88.99.0/24": "64496 64510 64520 64521",
        "192.31.196.0/24": "64496 64530", "203.0.113.0/24": "",
    }  # fmt: skip
    loc = [row(1.0, CHECKPOINT, prefix, path, rib=3, peer="", asn=64500) for prefix, path in paths.items()]
    return [*(row(0.0, CHECKPOINT, prefix, path) for prefix, path in paths.items() if path), *loc]


def _heard(at_s: float, prefix: str, path: str, *, used: bool = True, **more: Any) -> Rows:
    """By a neighbour, and then by the router's own choice."""
    found = [row(at_s, CHANGE, prefix, path, **more)]
    return [*found, row(at_s + 1, CHANGE, prefix, path, rib=3, peer="", asn=64500, **more)] if used else found


def _play(rows: Rows, until_s: float = NEWS + 60, **settings: Any) -> list[Finding]:
    return play(_detector(**settings), [*_usual(), *rows], until_s, 30.0)


def test_another_origin() -> None:
    back = _heard(NEWS + 600, PREFIX, PATH)
    found = _play([*_heard(NEWS, PREFIX, "64496 64530 64540"), *back], NEWS + 700)
    assert [(one.kind, one.entity.text, one.ends) for one in found] == [
        ("origin_change", "asn:64540", False), ("origin_change", "asn:64540", True)
    ]  # fmt: skip
    assert found[0].severity is Severity.MAJOR
    assert f"AS 64540 originates {PREFIX}; for at least 1 h AS 64520 did" in found[0].text
    assert "In use at chi-border1" in found[0].text
    assert f"prefix:{PREFIX}" in [one.text for one in found[0].others]


def test_a_part_of_it() -> None:
    found = _play(_heard(NEWS, "198.19.4.0/24", "64496 64530 64540"))
    assert [(one.kind, one.entity.text) for one in found] == [("subprefix_change", "asn:64540")]


def test_a_forged_origin() -> None:
    found = _play(_heard(NEWS, "198.18.4.0/24", "64496 64550 64520", rpki=1))
    assert [(one.kind, one.entity.text) for one in found] == [("forged_origin", "asn:64550")]
    assert "never seen beside it" in found[0].text


def test_who_claims_to_be_beside_us() -> None:
    found = _play([row(NEWS, ANNOUNCE, "203.0.113.0/24", "64496 64550 64500", rpki=1)])
    assert [(one.kind, one.severity) for one in found] == [("forged_origin", Severity.CRITICAL)]
    assert "claims to be our neighbour" in found[0].title
    known = [row(NEWS, ANNOUNCE, "203.0.113.0/24", "64498 64496 64500", rpki=1, peer="192.0.2.9", asn=64498)]
    assert not _play(known)  # 64496 is of our sessions
    assert not _play([row(NEWS, ANNOUNCE, "203.0.113.0/24", "64496 64550 64500")], upstreams=[64550])


@pytest.mark.parametrize(("prefix", "path", "more"), [
    (PREFIX, "64496 64530 64540", {"rpki": 1}),  # entitled
    (PREFIX, "64496 64530 64540", {"rpki": 2}),  # bgp_origins tells that
    (PREFIX, "64496 64530 64540", {"used": False}),  # nobody of ours goes there
    (PREFIX, "64496 64510 64520 64521", {}),  # a customer of the origin
    ("198.18.4.0/24", "64496 64510 64521", {}),  # … with a part, by another provider of its own
    ("198.18.4.0/24", "64496 64530 64540", {}),  # a part of what is handed out to customers
    ("198.18.4.0/24", PATH, {}),  # a part, by the origin itself
    ("198.51.100.0/24", "64496 64530 64540", {}),  # of nobody until now
    (PREFIX, "64496 64530 64520", {}),  # a new provider, that is one of others
    (PREFIX, "64496 3356 64520", {}),  # … or of everybody
    ("203.0.113.128/25", "64496 64530 64540", {}),  # own space: bgp_origins
])  # fmt: skip
def test_what_is_in_order(prefix: str, path: str, more: dict[str, Any]) -> None:
    provider = [row(2.0, CHECKPOINT, "192.0.2.0/24", "64496 64530 64531")]
    assert not _play([*provider, *_heard(NEWS, prefix, path, **more)])


def test_a_prefix_with_many_homes() -> None:
    homes = [row(3.0, CHECKPOINT, PREFIX, "64498 64560", peer="192.0.2.9", asn=64498),
             *_heard(60.0, PREFIX, "64496 64561"), *_heard(120.0, PREFIX, PATH)]  # fmt: skip
    again = _heard(NEWS, PREFIX, "64496 64560")
    assert not _play([*homes, *again])


def test_what_does_not_last_and_what_nobody_knows_yet() -> None:
    short = [*_heard(NEWS, PREFIX, "64496 64530 64540"), *_heard(NEWS + 5, PREFIX, PATH)]
    assert not play(_detector(), [*_usual(), *short], NEWS + 60, 3.0)
    assert not _play(_heard(DAY / 2, PREFIX, "64496 64530 64540"), DAY * 0.9)
    table = [row(NEWS, UP), *(row(NEWS + 1, ANNOUNCE, PREFIX, "64496 64530 64540") for _ in range(3))]
    assert not _play(table)  # told as a table


def test_many_prefixes_are_one_event_and_withdrawn() -> None:
    parts = [f"198.19.{n}.0/24" for n in range(20)]
    taken = [one for prefix in parts for one in _heard(NEWS, prefix, "64496 64530 64540")]
    gone = [row(NEWS + 300, WITHDRAW, one["prefix_text"], "", rib=rib, peer="" if rib == 3 else "192.0.2.1")
            for one in ({"prefix_text": prefix} for prefix in parts) for rib in (1, 3)]  # fmt: skip
    found = _play([*taken, *gone], NEWS + 400)
    assert [one.ends for one in found] == [False, True]
    assert found[0].seen == 20


def test_watched_without_use() -> None:
    rows = _heard(NEWS, PREFIX, "64496 64530 64540", used=False)
    assert len(_play(rows, watch=["198.18.0.0/15"])) == 1
    part = _heard(NEWS, "198.18.4.0/24", "64496 64530 64540", used=False)
    assert len(_play(part, watch=["198.18.0.0/15"])) == 1


def test_state_is_kept() -> None:
    first, second = _detector(), _detector()
    play(first, _usual(), DAY * 1.5, 600.0)
    second.load(first.save())
    found = play(second, _heard(NEWS, PREFIX, "64496 64530 64540"), NEWS + 60, 30.0)
    assert [one.kind for one in found] == ["origin_change"]
    with pytest.raises(InvalidInput):
        second.load(b"nothing")


def test_usual_forgets_what_was_not_seen_for_longest() -> None:
    usual = Usual(most=10_000)
    keys = np.arange(1, 200_001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for at in range(0, len(keys), 1000):
        part = keys[at : at + 1000]
        times = np.full(len(part), 1000 + at, np.uint32)
        assert not usual.touch(part, times, np.arange(len(part), dtype=np.uint32))[0].any()
        usual.touch(keys[:10], times[:10], times[:10])  # these are seen again and again
        assert len(usual) <= 10_000
    first, number = usual.look(keys[:10])
    assert (first == 1000).all()
    assert number.tolist() == list(range(10))
    assert not usual.look(keys[20_000:21_000])[0].any()
    again = Usual(most=10_000)
    again.restore(**usual.arrays())
    assert len(again) == len(usual)
    assert (again.look(keys)[0] == usual.look(keys)[0]).all()
