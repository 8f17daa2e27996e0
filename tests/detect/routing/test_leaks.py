"""Route leaks."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.detect.routing.helpers import ANNOUNCE, CHANGE, CHECKPOINT, DOWN, T0, UP, context, play, row

from weft.detect.routing.leaks import LeakDetector
from weft.detect.routing.relations import Relations, hops_of, read_relations
from weft.errors import InvalidInput

#: 65001 is the provider, 65002 and 65003 are large networks behind it, 65100 and up edge networks.
EDGES = range(65100, 65140)


def _usual() -> list[dict[str, object]]:
    rows = [row(0, UP, reason="already up")]
    for n, edge in enumerate(EDGES):
        for k, large in enumerate((65002, 65003)):
            rows.append(row(1, CHECKPOINT, f"100.{64 + k}.{n}.0/24", f"65001 {large} {edge}"))
            rows.append(row(1, CHECKPOINT, f"100.{80 + k}.{n}.0/24", f"65001 {large} {65005 - large % 2} {edge}"))
            rows.append(row(1, CHECKPOINT, f"100.{96 + k}.{n}.0/24", f"65001 {edge}"))
    return rows


def _leaked(at_s: float, path: str, count: int = 20, event: int = CHANGE, **more: object) -> list[dict[str, object]]:
    return [row(at_s, event, f"100.64.{n}.0/24", path, **more) for n in range(count)]  # type: ignore[arg-type]


def test_a_small_network_between_two_large_ones() -> None:
    rows = [*_usual(), *_leaked(2000, "65001 65050 65003 65100"), *_leaked(2600, "65001 65002 65100")]
    found = play(LeakDetector(context()), rows, 2700, step_s=5)
    assert [(one.kind, one.ends) for one in found] == [
        ("route_leak", False),
        ("route_leak", False),
        ("route_leak", True),
    ]
    assert found[0].entity.text == "asn:65001"
    assert [one.text for one in found[0].others] == ["asn:65050", "peer:chi-border1|192.0.2.1"]
    assert "AS 65050" in found[0].title
    assert found[1].seen == 20
    assert found[0].labels == found[2].labels
    assert found[2].at_s >= T0 + 2600


def test_the_neighbour_has_a_name_where_somebody_knows_it() -> None:
    rows = [*_usual(), *_leaked(2000, "65001 65050 65003 65100")]
    found = play(LeakDetector(context(facts={"as_name": lambda asn: {65001: "Carrier"}.get(asn, "")})), rows)
    assert found[0].entity.text == "provider:Carrier"


@pytest.mark.parametrize(
    "path",
    [
        "65001 65002 65003 65100",  # large ones in a row
        "65001 65002 65100 65100 65100",  # prepended
        "65001 65002 65050 65051",  # a customer of a customer
        "65001 65050 {65003 65100}",
    ],
)
def test_what_is_no_leak(path: str) -> None:
    rows = [*_usual(), *_leaked(2000, path)]
    assert not play(LeakDetector(context()), rows, step_s=5)


def test_a_stray_route_is_no_leak() -> None:
    assert not play(LeakDetector(context()), [*_usual(), *_leaked(2000, "65001 65050 65003 65100", 4)], step_s=5)


def test_what_stood_when_weft_began_is_usual() -> None:
    old = row(1, CHECKPOINT, "100.112.0.0/24", "65001 65050 65003 65100")
    assert not play(LeakDetector(context()), [*_usual(), old, *_leaked(2000, "65001 65050 65003 65100")], step_s=5)


def test_a_leak_that_stands_for_a_day_is_usual() -> None:
    rows = [*_usual(), *_leaked(2000, "65001 65050 65003 65100")]
    detector = LeakDetector(context())
    found = play(detector, rows, 2000 + 90_000, step_s=600)
    assert found[-1].ends
    assert "taken for usual" in found[-1].text
    again = _leaked(93_000, "65001 65050 65003 65101", event=ANNOUNCE)
    assert not play(detector, again, 93_100, step_s=600)


def test_it_ends_with_the_session() -> None:
    rows = [*_usual(), *_leaked(2000, "65001 65050 65003 65100"), row(2300, DOWN, reason="x")]
    assert play(LeakDetector(context()), rows, 2400, step_s=5)[-1].ends


def test_relations_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "relations.txt"
    file.write_text("# provider|customer|-1\n65001|65050|-1\n65003|65050|-1|bgp\n65001|65060|0\n65061|65003|-1\n")
    settings = {"relations": str(file)}
    leak = [*_usual(), *_leaked(2000, "65001 65050 65003 65100")]
    assert "a provider of it" in play(LeakDetector(context(**settings)), leak, step_s=5)[0].text
    bought = [*_usual(), *_leaked(2000, "65001 65061 65003 65100")]
    found = play(LeakDetector(context(**settings)), bought, step_s=5)
    assert found  # 65003 buys of 65061, yet nothing is known of 65001 and 65061: size decides
    file.write_text("65061|65003|-1\n65061|65001|-1\n")
    assert not play(LeakDetector(context(**settings)), bought, step_s=5)


@pytest.mark.parametrize("line", ["65001|65002", "a|b|-1", "65001|65002|7"])
def test_a_file_that_is_none(line: str) -> None:
    with pytest.raises(InvalidInput, match="line 1"):
        read_relations([line])
    with pytest.raises(InvalidInput, match="cannot be read"):
        LeakDetector(context(relations="/nowhere/at/all"))


def test_state_is_kept() -> None:
    first = LeakDetector(context())
    play(first, [*_usual(), *_leaked(2000, "65001 65050 65003 65100")], step_s=5)
    again = LeakDetector(context())
    again.load(first.save())
    assert play(again, _leaked(2300, "65001 65002 65100"), 2400, step_s=5)[-1].ends
    assert play(again, _leaked(3000, "65001 65051 65003 65100"), 3100, step_s=5)[0].kind == "route_leak"
    with pytest.raises(InvalidInput):
        again.load(b"{}")


def test_hops_of_a_path() -> None:
    assert hops_of("1 2 2 3") == (1, 2, 3)
    assert hops_of("1 {2 3}") == ()
    assert hops_of("") == ()


def test_memory_is_bounded() -> None:
    relations = Relations()
    for n in range(3000):
        relations.learn((1, 2, n))
    assert relations.size(2) <= 66  # counted to a class, not beyond
