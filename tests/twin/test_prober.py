"""Simulated synthetics agents: rows that the server takes, the same each time, that tell of what is wrong."""

from __future__ import annotations

import pytest

from weft.collect.synthetics import SyntheticsConfig
from weft.collect.synthetics.rows import RowReader
from weft.model.probes import HOPS, PROBES
from weft.model.synthetics import SyntheticTest, runs_on
from weft.twin import organisation as org
from weft.twin.agents.prober import Prober, Run
from weft.twin.demo_synthetics import agent_name, synthetics_settings
from weft.twin.faults.schedule import acme_timeline
from weft.twin.probing import Weather, agent_address, hop_address, remote_address

SEED, NOON = 7, 1_795_000_000
TIMELINE = acme_timeline(SEED)
SITES = {site.code: agent_name(site.code) for site in org.SITES}
TESTS = SyntheticsConfig.model_validate(synthetics_settings()).tests


def runs(site: str, test: SyntheticTest, since: float, until: float) -> list[Run]:
    prober = Prober(SITES[site], site, SITES, Weather(TIMELINE), NOON - 86400)
    peers = [name for name in SITES.values() if name != SITES[site] and runs_on(test, name)]
    return list(prober.runs(test, peers, since, until))


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.name)
def test_rows_are_understood(test: SyntheticTest) -> None:
    made = runs("fra", test, NOON, NOON + 2000)
    assert made
    names = {one.name for one in TESTS}
    for table, rows in ((PROBES, [run.probe for run in made]), (HOPS, [hop for run in made for hop in run.hops])):
        read = RowReader(table).read(rows, names, 10**6)
        assert (len(read), read.refused) == (len(rows), {})
    assert len({run.probe["run"] for run in made}) == len(made)


def test_a_run_is_the_same_however_often_it_is_asked_for() -> None:
    (test,) = (one for one in TESTS if one.name == "Paths to SaaS")
    whole = runs("ams", test, NOON, NOON + 1200)
    parts = [*runs("ams", test, NOON, NOON + 500), *runs("ams", test, NOON + 500, NOON + 1200)]
    assert sorted(map(repr, whole)) == sorted(map(repr, parts))


def test_hops_are_devices_of_acme_and_routers_of_its_providers() -> None:
    (test,) = (one for one in TESTS if one.name == "Paths between sites")
    (run,) = (run for run in runs("chi", test, NOON, NOON + 600) if run.probe["address"] == agent_address("fra"))
    known = {hop_address(device.name) for device in org.DEVICES} | {agent_address("fra")}
    assert {hop["hop"] for hop in run.hops if "hop" in hop} <= known
    assert run.probe["branches"] == 2, "by way of New York two ways are equally short"
    weather = Weather(TIMELINE)
    for way in weather.outside("sin", "zoom.example.com", NOON):
        assert way.hops[-1] == remote_address("zoom.example.com")
        assert list(way.after_ms) == sorted(way.after_ms)


def test_a_line_that_is_down_sends_packets_another_way() -> None:
    down = next(one for one in TIMELINE.faults(NOON, NOON + 7 * 86400) if one.kind == "link_cut"
                and {one.device, one.other} == {"lon-border1", "ams-border1"})  # fmt: skip
    weather = Weather(TIMELINE)
    (before,), (during,) = (weather.inside("lon", "ams", at) for at in (down.start_s - 30, down.end_s - 1))
    assert during.hops != before.hops
    assert during.rtt_ms > before.rtt_ms + 10


def test_something_is_wrong_now_and_then() -> None:
    trouble = {Weather(TIMELINE).trouble(at) for at in range(NOON, NOON + 86400, 300)}
    assert len(trouble) > 2
    shop = runs("chi", next(one for one in TESTS if one.name == "Acme shop"), NOON, NOON + 3600)
    assert {run.probe["state"] for run in shop} == {"degraded"}
    assert "certificate expires" in shop[0].probe["error"]
