"""What a long queue means, who lags behind its peers, and which job feels it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.detect.telling import START_S, context, counter, gauge, opened, play

from weft.detect.context import Context
from weft.detect.fabric.hosts import FabricHostsDetector
from weft.detect.fabric.ports import FabricPortsDetector
from weft.model.events import Entity
from weft.model.metrics import METRICS

_STEP_S = 120.0
_BEFORE, _AFTER = 20, 6


def _series(before: float, after: float) -> list[float]:
    return [before] * _BEFORE + [after] * _AFTER


def _switch(leaf: str = "leaf1", /, **ports: dict[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """A leaf of eight ports; each is as usual but for what is said: metric → before, after."""
    told = []
    for number in range(8):
        name = f"Ethernet{number}"
        values = {
            "out_octets": (1e10, 1e10), "ecn_marked_pkts": (4.0, 4.0), "queue_watermark_bytes": (2e5, 2e5),
            "pfc_rx_pause_us": (0.0, 0.0), "fec_uncorrectable_frames": (0.0, 0.0),
        } | ports.get(name, {})  # fmt: skip
        for metric, (before, after) in values.items():
            make = gauge if metric == "queue_watermark_bytes" else counter
            told += make(leaf, metric, _series(before, after), every_s=_STEP_S, component=name, labels='queue="3"')
    return told


def _found(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    found = play(FabricPortsDetector(context()), METRICS, told)
    begin_s = START_S + _BEFORE * _STEP_S
    assert all(begin_s <= one.at_s <= begin_s + 2 * _STEP_S for one in opened(found))
    return sorted((one.kind, one.entity.text) for one in opened(found))


def test_a_fabric_as_usual_says_nothing() -> None:
    assert _found(_switch()) == []


def test_a_microburst_is_a_long_queue_at_the_usual_load() -> None:
    hot = {"queue_watermark_bytes": (2e5, 4e6), "ecn_marked_pkts": (4.0, 3e4)}
    assert _found(_switch(Ethernet3=hot)) == [("microburst", "interface:leaf1|Ethernet3")]


def test_a_storm_is_a_port_that_is_paused_most_of_the_time() -> None:
    hot = {"queue_watermark_bytes": (2e5, 9e6), "ecn_marked_pkts": (4.0, 9e4), "pfc_rx_pause_us": (0.0, 7e5)}
    assert _found(_switch(Ethernet3=hot)) == [("pfc_storm", "interface:leaf1|Ethernet3")]


def _wired(**ends: tuple[str, str]) -> Context:
    """With the neighbours of ports, written ``leaf1_Ethernet3=("gpu05", "mlx5_1")``."""
    known = {(*at.split("_"),): far for at, far in ends.items()} | {far: (*at.split("_"),) for at, far in ends.items()}
    return replace(context(), facts={"neighbour": lambda device, port: known.get((device, port))})


def test_a_storm_is_told_where_it_comes_from_and_its_victims_stand_beside_it() -> None:
    wired = _wired(leaf1_Ethernet3=("gpu05", "mlx5_1"), spine1_Ethernet0=("leaf1", "Ethernet7"))
    told = _switch(Ethernet3={"pfc_rx_pause_us": (0.0, 9e5)})
    told += _switch("spine1", Ethernet0={"pfc_rx_pause_us": (0.0, 4e5)})
    (storm,) = opened(play(FabricPortsDetector(wired), METRICS, told))
    assert storm.entity.text == "interface:leaf1|Ethernet3"
    assert storm.title == "gpu05 mlx5_1 pauses leaf1 Ethernet3 without end"
    assert "gpu05 mlx5_1, tells it to pause 90 %" in storm.text
    assert "Held up by that in turn: spine1 Ethernet0 (40 %)." in storm.text
    assert [one.text for one in storm.others] == [
        "interface:gpu05|mlx5_1", "device:gpu05", "interface:spine1|Ethernet0"]  # fmt: skip


def test_switches_that_all_wait_for_each_other_are_all_told_of() -> None:
    wired = _wired(s1_Ethernet0=("s2", "Ethernet1"), s2_Ethernet0=("s3", "Ethernet1"), s3_Ethernet0=("s1", "Ethernet1"))
    told = [one for name in ("s1", "s2", "s3") for one in _switch(name, Ethernet0={"pfc_rx_pause_us": (0.0, 9e5)})]
    found = opened(play(FabricPortsDetector(wired), METRICS, told))
    assert sorted(one.entity.id for one in found) == ["s1|Ethernet0", "s2|Ethernet0", "s3|Ethernet0"]


def test_a_switch_that_does_not_mark_any_more() -> None:
    silent = {"ecn_marked_pkts": (4.0, 0.0), "queue_watermark_bytes": (2e5, 3e6)}
    assert _found(_switch(**{f"Ethernet{n}": silent for n in range(8)})) == [("ecn_missing", "device:leaf1")]
    idle = {"ecn_marked_pkts": (4.0, 0.0), "out_octets": (1e10, 1e3)}  # no traffic, no marks
    assert _found(_switch(**{f"Ethernet{n}": idle for n in range(8)})) == []


def test_flows_collide_where_few_ports_carry_what_many_did() -> None:
    full = {"out_octets": (1e10, 4e10), "queue_watermark_bytes": (2e5, 2e6), "ecn_marked_pkts": (4.0, 1e5)}
    empty = {"out_octets": (1e10, 1e9)}
    ports = {"Ethernet0": full, **{f"Ethernet{n}": empty for n in range(1, 5)}}
    assert _found(_switch(**ports)) == [("uplink_imbalance", "device:leaf1")]


def test_more_load_as_a_whole_is_no_collision() -> None:
    full = {"out_octets": (1e10, 4e10), "queue_watermark_bytes": (2e5, 2e6), "ecn_marked_pkts": (4.0, 1e5)}
    assert _found(_switch(**{f"Ethernet{n}": full for n in range(4)})) == []


def test_frames_that_fec_cannot_mend() -> None:
    told = _switch(Ethernet5={"fec_uncorrectable_frames": (0.0, 5.0)})
    assert _found(told) == [("fabric_loss", "interface:leaf1|Ethernet5")]
    (loss,) = opened(play(FabricPortsDetector(_wired(leaf1_Ethernet5=("spine2", "Ethernet9"))), METRICS, told))
    assert "the line Ethernet5 to spine2 Ethernet9 loses them" in loss.text
    assert loss.others[0].text == "interface:spine2|Ethernet9"


def _hosts(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((one.kind, one.entity.text) for one in opened(play(FabricHostsDetector(context()), METRICS, told)))


def test_a_gpu_that_lags_behind_those_of_its_host() -> None:
    told = [
        one for gpu in range(8)
        for one in gauge("gpu01", "DCGM_FI_DEV_SM_CLOCK", _series(1980, 1200 if gpu == 3 else 1980), every_s=_STEP_S,
                         component=f"gpu{gpu}")
    ]  # fmt: skip
    assert _hosts(told) == [("gpu_straggler", "device:gpu01")]
    throttled = [one | {"value": 1500.0} for one in told]  # all alike: a limit of power, no straggler
    assert _hosts(throttled) == []


def test_a_card_that_fell_back_to_fewer_lanes() -> None:
    told = gauge("gpu01", "node_infiniband_rate_bytes_per_second", _series(5e10, 2e10), every_s=_STEP_S,
                 component="mlx5_2/1")  # fmt: skip
    assert _hosts(told) == [("slow_nic", "interface:gpu01|mlx5_2")]
    (card,) = opened(play(FabricHostsDetector(_wired(leaf1_Ethernet3=("gpu01", "mlx5_2"))), METRICS, told))
    assert "It is at leaf1 Ethernet3" in card.text
    assert card.others == (Entity(kind="interface", id="leaf1|Ethernet3"),)


def test_a_store_that_is_slow_where_the_others_are_not() -> None:
    def stores(slow: set[int], latency_s: float = 0.03) -> list[dict[str, Any]]:
        return [
            one for number in range(4)
            for one in gauge(f"store{number}", "storage_write_latency_seconds",
                             _series(0.002, latency_s if number in slow else 0.002), every_s=_STEP_S)
        ]  # fmt: skip

    assert _hosts(stores({2})) == [("storage_slow", "device:store2")]
    assert _hosts(stores({0, 1, 2, 3})) == []  # all of them write a checkpoint
    assert _hosts(stores({1}, 0.0029)) == [("storage_slow", "device:store1")]  # a little slower, all the time
    assert _hosts(stores({0, 1, 2, 3}, 0.0029)) == []


def test_a_job_is_slow_by_the_model_that_it_trains() -> None:
    labels = 'gpus="128",job="llama-70b-8936",model="llama-70b",rank="0"'
    told = gauge("gpu01", "train_step_seconds", _series(6.4, 8.5), every_s=30.0, labels=labels)
    assert _hosts(told) == [("job_slow", "job:llama-70b")]
    once = gauge("gpu01", "train_step_seconds", [*_series(6.4, 6.4), 9.0, 9.0, 6.4], every_s=30.0, labels=labels)
    assert _hosts(once) == []  # a checkpoint
