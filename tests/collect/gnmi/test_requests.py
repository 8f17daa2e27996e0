"""What targets are asked for, and the settings that say so."""

import pytest
from pydantic import ValidationError

from weft.collect.gnmi.config import GnmiConfig, TargetConfig
from weft.collect.gnmi.requests import by_target, encodings, get_request, presets, subscribe_request, wanted
from weft.collect.gnmi.session import expected_s
from weft.decode.gnmi.mapping import PathMapping
from weft.decode.gnmi.paths import SONIC_DATABASES, parse_path
from weft.decode.gnmi.proto import pb


def target(**settings):
    return TargetConfig.model_validate({"address": "192.0.2.1", "presets": [], **settings})


@pytest.mark.parametrize("preset", presets())
def test_every_preset_can_be_asked_for_and_leads_to_mapped_leaves(preset):
    asked = wanted(target(presets=[preset]))
    assert asked
    mapping = PathMapping.load()
    patterns = "\n".join(pattern.replace("\x1f", "/").replace("[-_]", "-") for _, pattern, _ in mapping.groups())
    for group in by_target(asked):
        request = subscribe_request(group, "proto").subscribe
        assert len(request.subscription) == len(group)
        assert request.prefix.target in {"", *SONIC_DATABASES}
        for one in group:
            assert one.fallback_s > 0
            assert one.target or parse_path(one.path).elements[0][0] in patterns, one.path


def test_modes_intervals_and_heartbeats_reach_the_request():
    own = [
        {"path": "/a", "interval_s": 2.5, "suppress_redundant": True},
        {"path": "/b", "mode": "on_change", "heartbeat_s": 60},
        {"path": "/c", "mode": "target_defined"},
    ]  # fmt: skip
    (group,) = by_target(wanted(target(subscriptions=own, interval_s=30)))
    request = subscribe_request(group, "json_ietf").subscribe
    sample, change, defined = request.subscription
    assert (sample.mode, sample.sample_interval, sample.suppress_redundant) == (2, 2_500_000_000, True)
    assert (change.mode, change.sample_interval, change.heartbeat_interval) == (1, 0, 60_000_000_000)
    assert (defined.mode, request.encoding, request.mode) == (0, pb.JSON_IETF, 0)
    assert [one.elem[0].name for one in get_request(group, "proto").path] == ["a", "b", "c"]


def test_paths_of_several_origins_or_databases_are_asked_for_apart():
    own = [
        {"path": "eos_native:/Sysdb/x"}, {"path": "/interfaces"}, {"path": "openconfig:/system"},
        {"path": "/COUNTERS", "target": "COUNTERS_DB"}, {"path": "/PORT_TABLE", "target": "APPL_DB"},
    ]  # fmt: skip
    assert len(by_target(wanted(target(subscriptions=own)))) == 5


def test_what_a_person_says_of_a_path_wins_over_the_preset():
    path = "/interfaces/interface/state/counters"
    own = {"path": path, "interval_s": 1}
    asked = [one for one in wanted(target(presets=["interfaces"], subscriptions=[own])) if one.path == path]
    assert [one.interval_s for one in asked] == [1]


def test_how_often_something_must_come():
    def of(**settings):
        one = target(interval_s=30, **settings)
        return expected_s(one, wanted(one))

    assert of(presets=["interfaces"]) == 30
    assert of(subscriptions=[{"path": "/a", "mode": "on_change"}]) == 0
    assert of(subscriptions=[{"path": "/a", "mode": "on_change", "heartbeat_s": 7}]) == 7
    assert of(subscriptions=[{"path": "/a", "suppress_redundant": True}]) == 0
    assert of(subscriptions=[{"path": "/a", "mode": "on_change"}], method="get") == 30


def test_encodings_are_tried_best_first():
    assert encodings([pb.JSON, pb.JSON_IETF, pb.PROTO], "auto") == ["proto", "json_ietf", "json"]
    assert encodings([pb.JSON_IETF, pb.ASCII], "auto") == ["json_ietf", "ascii"]
    assert encodings([], "auto") == ["json_ietf", "proto", "json"]
    assert encodings([pb.PROTO], "json") == ["json"]


def test_targets_inherit_what_they_do_not_say():
    config = GnmiConfig.model_validate({
        "defaults": {
            "username": "u", "password": "p", "interval_s": 5, "presets": ["bgp"], "tls": {"skip_verify": True},
        },
        "targets": [
            {"address": "[2001:db8::1]:6030"}, {"address": "b", "username": "x", "presets": [], "interval_s": 1},
        ],
    })  # fmt: skip
    first, second = config.resolved()
    assert (first.address, first.host, first.username, first.presets) == (
        "[2001:db8::1]:6030",
        "2001:db8::1",
        "u",
        ("bgp",),
    )
    assert (second.address, second.username, second.presets, second.interval_s) == ("b:9339", "x", (), 1)
    assert second.tls.skip_verify
    assert "'p'" not in repr(config)


@pytest.mark.parametrize(
    "settings",
    [
        {"address": "a:70000"}, {"address": "http://a"}, {"address": "user@a"}, {"tls": {"cert": "x"}},
        {"presets": ["nonsense"]}, {"subscriptions": [{"path": ""}]}, {"interval_s": 0}, {"adress": "a"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be(settings):
    with pytest.raises(ValidationError):
        target(**settings)
