"""Scenarios: those that come along can be played, files are read with care, the same scenario makes the same faults."""

from __future__ import annotations

from itertools import pairwise

import pytest

from weft.errors import InvalidInput
from weft.twin.faults.catalogue import KINDS
from weft.twin.scenario import MOST_BYTES, Scenario, built_in, load, play


def faults(scenario):
    made = play(scenario)
    return list(made.timeline.faults(scenario.since_s, scenario.until_s))


def test_every_built_in_scenario_can_be_played():
    names = list(built_in())
    assert {"quiet-day", "busy-day", "scoring-month", "tour", "ci"} <= set(names)
    for name in names:
        scenario = load(name)
        assert (scenario.name, bool(scenario.title), bool(scenario.description)) == (name, True, True)
        assert play(scenario).timeline.seed == scenario.seed


def test_nothing_happens_on_a_quiet_day_and_much_on_a_busy_one():
    assert faults(load("quiet-day")) == []
    assert len(faults(load("busy-day"))) > 60


def test_the_tour_shows_every_kind_once_and_each_alone():
    scenario = load("tour")
    met = faults(scenario)
    assert [one.kind for one in met] == [kind.name for kind in KINDS.values() if kind.places(scenario.seed)]
    assert all(first.end_s <= second.start_s for first, second in pairwise(met))
    assert met[-1].end_s <= scenario.until_s


def test_the_same_seed_makes_the_same_faults():
    busy = load("busy-day")
    assert faults(busy) == faults(load("busy-day"))
    assert faults(busy) != faults(busy.model_copy(update={"seed": 8}))


def test_times_are_written_as_people_do(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nsince: 2026-03-03T00:00:00\nhours: 30\nfaults:\n"
        "  - {kind: link_cut, at: 90, duration: 2m}\n  - {kind: link_cut, at: 1h30m, duration: 60}\n"
        '  - {kind: link_cut, at: "02:15", duration: 60}\n  - {kind: link_cut, at: "1d 03:00:30", duration: 60}\n',
        encoding="utf-8",
    )
    scenario = load(str(path))
    assert scenario.since_s == 1_772_496_000  # UTC where no zone is written
    starts = [one.start_s - scenario.since_s for one in faults(scenario)]
    assert starts == [90, 5400, 8100, 97_230]


def test_actions_of_a_scenario_end_the_faults_that_they_are_right_for():
    scenario = Scenario.model_validate({
        "name": "mended", "hours": 2,
        "faults": [{"kind": "exporter_silent", "at": 60, "place": "chi-border1", "duration": 3600}],
        "actions": [
            {"kind": "restart_exporter", "at": 600 + 60 * i, "parameters": {"device": "chi-border1"}} for i in range(4)
        ],
    })  # fmt: skip
    (fault,) = faults(scenario)
    assert 600 <= fault.end_s - scenario.since_s <= 900


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: [", "not YAML"),
        ("- 1", "valid dictionary"),
        ("name: X Y", "name"),
        ("name: x\nhours: 0", "hours"),
        ("name: x\nhours: 99999", "hours"),
        ("name: x\nwhat: 1", "what"),
        ("name: x\npace: 11", "pace"),
        ("name: x\nfaults: [{kind: link_cut, at: soon}]", "1h30m"),
        ("name: x\nfaults: [{kind: link_cut, at: -5}]", "at"),
        ("name: x\nfaults: [{kind: link_cut, at: 0, duration: 1d}]", "duration"),
        ("name: x\nparts: [gossip]", "parts"),
        ("name: x\n" + "#" * MOST_BYTES, "longer"),
    ],
)
def test_what_is_no_scenario_is_refused(tmp_path, text, says):
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=says):
        load(str(path))


def test_a_scenario_that_asks_for_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        load(str(tmp_path / "none.yaml"))
    for wrong in ({"kind": "meteor"}, {"kind": "link_cut", "place": "mars"}):
        scenario = Scenario.model_validate({"name": "x", "faults": [{"at": 0, **wrong}]})
        with pytest.raises(InvalidInput):
            play(scenario)
    acted = Scenario.model_validate({"name": "x", "actions": [{"kind": "shut", "at": 0}]})
    with pytest.raises(InvalidInput, match="needs"):
        play(acted)
