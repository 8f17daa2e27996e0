"""Where faults are felt besides: ports and sites that differ from what they would be without."""

from __future__ import annotations

import numpy as np
import pytest

from weft.twin.faults.begin import begin
from weft.twin.faults.catalogue import KINDS
from weft.twin.faults.model import Fault
from weft.twin.felt import crowded, felt, moved, sold
from weft.twin.timeline import Timeline
from weft.twin.world import World

SEED = 7
START = 20_776 * 86_400 + 14 * 3600.0


def played(name: str, lasts_s: float = 600.0, timeline: Timeline | None = None) -> tuple[Timeline, Fault]:
    kind, timeline = KINDS[name], timeline or Timeline(SEED, None)
    places = kind.places(SEED)
    fault = begin(kind, places[3 % len(places)], START, lasts_s, 1.0, np.random.default_rng(5))
    return timeline, timeline.trigger(fault)


def test_a_cut_line_is_felt_where_its_traffic_goes() -> None:
    timeline, fault = played("congestion_reroute")
    found = {(one.entity, one.text) for one in moved(World.of(timeline), fault)}
    assert {text for _, text in found} == {"carries less", "carries more"}
    assert any(entity.startswith(f"interface:{fault.device}|") and text == "carries less" for entity, text in found)
    assert all(0 <= one.after_s < 600 for one in moved(World.of(timeline), fault))


def test_what_another_fault_does_is_not_its_own() -> None:
    alone, fault = played("withdrawn_transit")
    both, same = played("withdrawn_transit")
    played("ddos_udp_amplification", 900.0, both)
    assert moved(World.of(both), same) == moved(World.of(alone), fault)
    assert len(list(both.without(same.id).faults(START, START + 60))) == 1


def test_a_flood_is_felt_on_its_whole_way_in() -> None:
    timeline, fault = played("ddos_udp_amplification")
    found = [one for one in moved(World.of(timeline), fault) if one.text == "carries more"]
    assert len({one.entity for one in found}) >= 2


def test_what_moves_nothing_is_felt_nowhere() -> None:
    for name in ("login_typo", "clock_skew", "ai_gpu_straggler"):
        timeline, fault = played(name)
        assert felt(timeline, fault) == ()


@pytest.mark.parametrize(("kind", "said"), [("device_reboot", "fewer orders"), ("flash_crowd", "more orders")])
def test_sites_that_sell_otherwise_are_named(kind: str, said: str) -> None:
    _, fault = played(kind)
    assert {one.text for one in sold(fault)} == {said}
    assert all(one.dataset == "business" and one.entity.startswith("site:") for one in sold(fault))


def test_a_reflected_flood_counts_as_an_application() -> None:
    _, fault = played("ddos_udp_amplification")
    assert [one.entity.partition(":")[0] for one in crowded(fault)] == ["application"]
    assert crowded(played("ddos_syn")[1]) == ()
