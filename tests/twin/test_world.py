"""Acme's world: what ports carry is what demands make of the network, before and after something breaks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from weft.network.demands import demands
from weft.network.evaluate import evaluate
from weft.network.load import loads
from weft.twin import organisation as org
from weft.twin.conversations import conversations, places
from weft.twin.demand import BLOCK_S, Demand, activity
from weft.twin.exits import exits
from weft.twin.faults.model import Fault
from weft.twin.graph import base, ports
from weft.twin.remedies import Action
from weft.twin.timeline import Timeline
from weft.twin.traffic import ExporterTraffic
from weft.twin.ways import Structure, Ways
from weft.twin.world import World, gate

NOON = 1_795_348_800.0
SEED = 7


@pytest.fixture
def timeline():
    return Timeline(SEED, None)


def line(a, b):
    return next(i for i, link in enumerate(org.LINKS) if (link.a, link.b) == (a, b))


def cut(a, b, since, until, **more):
    link = org.LINKS[line(a, b)]
    return Fault("", "link_cut", since, until, link.a, link.a_port, link.b, link.b_port, **more)


def at(world, moment):
    """[lines, ways] bit/s."""
    return world.link_bps(np.array([moment]))[:, :, 0]


def test_the_same_seed_gives_the_same_world_and_another_another():
    one, same, other = (at(World(seed, Timeline(seed, None)), NOON) for seed in (SEED, SEED, SEED + 1))
    assert (one == same).all()
    assert (one != other).all()


def test_every_line_and_every_way_out_has_its_use(timeline):
    world = World.of(timeline)
    times = np.arange(NOON, NOON + 86_400, BLOCK_S, dtype=np.float64)
    busiest = world.link_bps(times).max(axis=2) / np.array([link.speed_bps for link in org.LINKS])[:, None]
    assert (busiest > 0.002).all()
    assert busiest.max() > 0.5
    assert (busiest < 0.85).all(), "nothing is congested on an ordinary day"
    used = {way for ways in (world.ways(NOON).exit_out, world.ways(NOON).exit_in) for way in ways.tolist()}
    unused = {exits()[i].at for i in set(range(len(exits()))) - used}
    assert not {way for way in unused if org.BY_NAME[way[0]].role == "border"}


def test_ports_carry_what_the_network_model_says_of_the_same_demands(timeline):
    """Between sites: every conversation as a demand of its own, evaluated by the model."""
    world = World.of(timeline)
    (piece,) = world.pieces(NOON, NOON + 1e-3)
    columns = [(2 * i + back, one) for i, one in enumerate(conversations()) if one.other for back in (0, 1)]
    position = base().positions
    ends = [(position[one.at.device], position[one.other.device])[:: -1 if column % 2 else 1]
            for column, one in columns]  # fmt: skip
    rates = piece.bps[[column for column, _ in columns]]
    asked = demands(*(np.array(each, np.int32) for each in zip(*ends, strict=True)), rates)
    model = loads(base(), asked).bps
    rows = ports()
    inside = np.zeros(len(piece.bps))
    inside[[column for column, _ in columns]] = rates
    told = piece.ways.shares @ inside
    for i, link in enumerate(org.LINKS):
        assert told[rows.row(link.a, link.a_port, 1)] == pytest.approx(model[2 * i], rel=1e-9)
        assert told[rows.row(link.b, link.b_port, 0)] == pytest.approx(model[2 * i], rel=1e-9)
        assert told[rows.row(link.b, link.b_port, 1)] == pytest.approx(model[2 * i + 1], rel=1e-9)


def test_the_model_of_the_whole_network_agrees_with_its_lines(timeline):
    """Routes, entries and true demands handed to the network model make the loads that counters tell of."""
    world = World.of(timeline)
    timeline.trigger(cut("chi-border1", "nyc-border1", NOON - 60, NOON + 600))
    told, model = at(world, NOON), evaluate(world.network(NOON)).load_bps
    assert told.ravel() == pytest.approx(model[: told.size], rel=1e-5)


def test_what_comes_into_a_device_goes_out_again(timeline):
    rates = World.of(timeline).block(int(NOON // BLOCK_S)).begin
    for device in org.DEVICES:
        mine = rates[ports().of(device.name)]
        assert mine[0::2].sum(axis=0) == pytest.approx(mine[1::2].sum(axis=0), rel=1e-5)


def test_a_cut_lines_traffic_goes_elsewhere(timeline):
    world = World.of(timeline)
    moment = NOON + 100.0
    before, (usual, _) = at(world, moment), world.delay_loss("chi", "fra", moment)
    fault = timeline.trigger(cut("chi-border1", "nyc-border1", moment - 10, moment + 600))
    after, (longer, lost) = at(world, moment), world.delay_loss("chi", "fra", moment)
    gone = line("chi-border1", "nyc-border1")
    assert (after[gone] == 0).all()
    for a, b in (("chi-border1", "dal-border1"), ("nyc-border1", "dal-border1")):
        assert (after[line(a, b)] > before[line(a, b)] + 0.5 * before[gone].min()).all()
    assert longer > usual + 0.015
    assert lost == 0
    assert world.delay_loss("chi", "fra", fault.start_s + 0.5)[1] == 1, "routing does not know it yet"
    assert not world.topology(moment).up[2 * gone : 2 * gone + 2].any()
    timeline.end(fault, moment - 5)
    assert at(world, moment) == pytest.approx(before, rel=1e-6)


def test_counters_do_not_jump_when_something_happens(timeline):
    world = World.of(timeline)
    times = np.arange(NOON, NOON + 600, 7.0)
    before = world.counts("nyc-border1", times)[0]
    timeline.trigger(cut("chi-border1", "nyc-border1", NOON + 300, NOON + 900))
    after = world.counts("nyc-border1", times)[0]
    past = times < NOON + 300
    assert after[:, :, past] == pytest.approx(before[:, :, past], rel=1e-9)
    assert (np.diff(after, axis=2) >= 0).all()


def test_a_transit_that_offers_nothing_is_left_for_another(timeline):
    world = World.of(timeline)
    moment = NOON + 100.0
    row = ports().row("chi-border1", 1, 1)
    before = world.block(int(moment // BLOCK_S)).bps(slice(None), np.array([moment]))[:, 0]
    timeline.trigger(Fault("", "withdrawn_transit", NOON, NOON + 900, "chi-border1", 1))
    after = world.block(int(moment // BLOCK_S)).bps(slice(None), np.array([moment]))[:, 0]
    assert before[row] > 1e8
    assert after[row] == 0
    out = [ports().row(*way.at, 1) for way in exits()]
    assert after[out].sum() == pytest.approx(before[out].sum(), rel=1e-5)
    assert (after[out] > before[out] * 1.02).any()


def test_growth_fills_a_line_until_it_loses(timeline):
    world = World.of(timeline)
    link = org.LINKS[line("fra-border1", "sin-border1")]
    timeline.trigger(Fault(
        "", "congestion_growth", NOON - 3600, NOON + 3600, link.a, link.a_port, link.b, link.b_port, severity=1.0,
        details={"planned_s": 3600.0},
    ))  # fmt: skip
    for a, b in (("par-border1", "mum-border1"), ("chi-border1", "sin-border1")):
        timeline.trigger(cut(a, b, NOON - 3600, NOON + 3600))
    rates = at(world, NOON)[line("fra-border1", "sin-border1")]
    assert rates.max() == pytest.approx(0.985 * link.speed_bps, rel=0.01)
    delay, lost = world.delay_loss("fra", "sin", NOON)
    assert lost > 0.005
    assert delay > link.delay_ms / 1000 + 0.005


def test_actions_change_the_network(timeline):
    world = World.of(timeline)
    link = org.LINKS[line("nyc-border1", "lon-border1")]
    port = next(p.name for p in org.all_ports(org.BY_NAME[link.a]) if p.index == link.a_port)
    before = at(world, NOON)
    told = {"device": link.a, "interface": port}
    timeline.act(Action("", "set_metric", {**told, "metric": 60_000}, NOON - 60, NOON - 50))
    dearer = at(world, NOON)
    assert dearer[line(link.a, link.b), 0] < 0.2 * before[line(link.a, link.b), 0]
    timeline.act(Action("", "drain", {"device": "lon-border1"}, NOON - 60, NOON - 50))
    through = world.topology(NOON).transit[world.topology(NOON).positions["lon-border1"]]
    assert not through
    timeline.act(Action("", "shut", told, NOON - 60, NOON - 50))
    assert (at(world, NOON)[line(link.a, link.b)] == 0).all()


def test_everything_is_reached_whichever_line_is_down():
    for link in org.BACKBONE:
        ways = Ways(Structure(down=frozenset({(link.a, link.a_port)})))
        for site in org.SITES:
            single = sum(site.code == name.partition("-")[0] for one in org.BACKBONE for name in (one.a, one.b)) == 1
            if not (single and site.code in (link.a[:3], link.b[:3])):
                assert ways.routes(gate(site.code), "chi-core1"), (link, site.code)


def test_rates_follow_the_day_the_week_and_the_year():
    day = np.arange(24) * 3600.0 + NOON // 86_400 * 86_400
    work = activity("work", day, 0.0)
    assert 9 <= int(work.argmax()) <= 16
    assert activity("evening", day, 0.0).argmax() in (20, 21)
    demand = Demand(SEED)
    monday = int(NOON // 86_400 * 86_400 // BLOCK_S)
    week = [demand.rates(monday + 48 * i + 30)[:, 0].sum() for i in range(7)]
    assert min(week) < 0.9 * max(week)
    here, there = demand.rates(monday)[:, -1], demand.rates(monday + 1)[:, 0]
    assert (here == there).all(), "half hours meet without a step"


def test_groups_hang_where_the_organisation_says():
    assert places("chi", "servers")[0][0].device == "chi-core1"
    assert sum(share for _, share in places("fra", "public")) == pytest.approx(1)
    assert places("bos", "servers") == ()
    assert gate("bos") == "bos-fw1"


def test_what_an_exporter_tells_does_not_depend_on_what_was_asked_for_before(monkeypatch):
    """Also where a state of the network was forgotten meanwhile and is made anew."""
    monkeypatch.setattr("weft.twin.world._STATES", 1)
    border, told = next(one for one in org.EXPORTERS if one.name == "lon-border1"), []
    for asked_before in (False, True):
        timeline = Timeline(SEED, None)
        if asked_before:
            world = World.of(timeline)
            world.pieces(NOON, NOON + 60)
            world.ways_in(Structure(down=frozenset({("chi-border1", 1)})))
        told.append(ExporterTraffic(border, 2.0, timeline).generate(NOON - 120, NOON + 120))
    for column in dataclasses.fields(told[0]):
        assert np.array_equal(getattr(told[0], column.name), getattr(told[1], column.name)), column.name
