"""Simulated synthetics agents: rows that the server takes, the same each time, that tell of what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from weft.collect.synthetics import SyntheticsConfig
from weft.collect.synthetics.rows import RowReader
from weft.model.probes import HOPS, PROBES
from weft.model.synthetics import SyntheticTest, runs_on
from weft.twin import organisation as org
from weft.twin.agents.prober import Prober, Run
from weft.twin.demo_synthetics import synthetics_settings
from weft.twin.faults import effects
from weft.twin.faults.begin import begin
from weft.twin.faults.catalogue import KINDS
from weft.twin.faults.places import agent_name
from weft.twin.faults.schedule import acme_timeline
from weft.twin.probing import Way, Weather, agent_address, hop_address, remote_address
from weft.twin.remedies import Action
from weft.twin.timeline import Timeline

SEED, NOON = 7, 1_795_000_000
TIMELINE = acme_timeline(SEED)
SITES = {site.code: agent_name(site.code) for site in org.AGENT_SITES}
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


def triggered(kind: str, place: str, severity: float = 1.0) -> tuple[Timeline, Weather]:
    """An organisation where one thing is wrong from noon on."""
    timeline = Timeline(SEED, None)
    where = next(one for one in KINDS[kind].places(SEED) if one.id == place)
    timeline.trigger(begin(KINDS[kind], where, NOON, 1800.0, severity, np.random.default_rng(1)))
    return timeline, Weather(timeline)


def test_a_line_that_is_down_sends_packets_another_way() -> None:
    _, weather = triggered("link_cut", "lon-border1--ams-border1")
    (before,), (torn,), (during,) = (weather.inside("lon", "ams", NOON + at) for at in (-30, 5, 60))
    assert during.hops != before.hops
    assert during.rtt_ms > before.rtt_ms + 5
    assert torn.loss > 0.2 > during.loss


def test_a_site_that_is_cut_off_answers_nothing() -> None:
    _, weather = triggered("device_reboot", "chi-border1")
    for way in (*weather.inside("chi", "fra", NOON + 60), *weather.outside("chi", "zoom.example.com", NOON + 60)):
        assert way.loss == 1.0
        assert way.hops[-1] == ""
    assert all(way.loss < 0.01 for way in weather.inside("nyc", "fra", NOON + 60))


def test_metrics_and_drains_move_packets() -> None:
    timeline, weather = triggered("misconfig_metric", "lon-border1|et-2/0/1")
    usual, wrong = (weather.inside("lon", "ams", NOON + at)[0] for at in (-5, 600))
    if effects.metric_override(next(timeline.faults(NOON, NOON + 1))) != ("lon-border1", 21, 1):
        assert wrong.hops != usual.hops
    drained = Timeline(SEED, None)
    drained.act(Action("", "drain", {"device": "nyc-border1"}, NOON, NOON))
    for way in Weather(drained).inside("chi", "fra", NOON + 60):
        assert hop_address("nyc-border1") not in way.hops


def test_trouble_outside_is_seen_beyond_the_border() -> None:
    _, weather = triggered("saas_slowdown", "Salesforce by Lumen")
    slow, other = (
        next(way for way in weather.outside("chi", "salesforce.example.com", NOON + at) if at_lumen(way))
        for at in (60, -60)
    )
    assert slow.rtt_ms > other.rtt_ms + 50
    assert slow.loss > 0.1
    assert slow.lost_from >= 2
    _, weather = triggered("dns_failure", "9.9.9.9")
    assert weather.names("9.9.9.9", "shop.example.com", NOON + 60).share > 0.8
    assert weather.names("1.1.1.1", "shop.example.com", NOON + 60).share == 0


def at_lumen(way: Way) -> bool:
    return any(hop.startswith("198.18.1.") for hop in way.hops)


def test_certificates_run_out() -> None:
    shop = runs("chi", next(one for one in TESTS if one.name == "Acme shop"), NOON, NOON + 3600)
    assert "degraded" in {run.probe["state"] for run in shop}
    assert any("certificate expires" in run.probe.get("error", "") for run in shop)
