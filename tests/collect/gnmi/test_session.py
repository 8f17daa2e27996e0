"""Against a real gNMI target over loopback: what comes, in which form, and what happens when things go wrong."""

import time

import pytest
from tests.collect.gnmi.kit import PORT, Tree, serving, small_tree, subscribed
from tests.collect.intake.fakes import FakeFacts
from tests.waiting import until

from weft.collect.gnmi import GnmiConfig, GnmiSubscriber
from weft.errors import ConfigError, InvalidInput
from weft.model.addresses import packed
from weft.model.inventory import ObjectKind
from weft.twin.agents.gnmi import Faults


def test_samples_come_every_interval_with_the_devices_stamp():
    with serving(small_tree()) as target, subscribed(target) as intake:
        rows = until(lambda: len(intake.metric("in_octets")) >= 3 and intake.metric("in_octets"))
        assert {row["value"] for row in rows} == {float(1 << 40)}
        assert {row["component"] for row in rows} == {"Ethernet1"}
        assert {row["exporter"] for row in rows} == {packed("127.0.0.1")}
        assert rows[0]["host"] == "leaf1"
        times = [row["time"].value for row in rows]
        assert times == sorted(set(times))
        assert all(abs(row["time_received"].value - row["time"].value) < 5e9 for row in rows)
        status = until(lambda: intake.status().detail.get("sync") == "yes" and intake.status())
        assert (status.kind, status.state, status.expected_s) == ("gnmi", "ok", 0.2)
        assert status.detail["encoding"] == "proto"
        until(lambda: intake.status().clock_skew_s is not None)
        assert abs(intake.status().clock_skew_s) < 2


@pytest.mark.parametrize("encoding", ["proto", "json_ietf", "json"])
def test_every_encoding_gives_the_same(encoding):
    with serving(small_tree()) as target, subscribed(target, encoding=encoding) as intake:
        until(lambda: intake.metric("oper_status"))
        values = {row["metric"]: row["value"] for row in intake.rows()}
        assert values == {"in_octets": float(1 << 40), "out_octets": 7.0, "oper_status": 1.0}
        assert intake.status().detail["encoding"] == encoding


def test_a_change_comes_at_once_and_a_deletion_is_told():
    tree = small_tree()
    subscriptions = [{"path": "/interfaces/interface/state/oper-status", "mode": "on_change"}]
    with serving(tree) as target, subscribed(target, subscriptions=subscriptions) as intake:
        until(lambda: intake.metric("oper_status"))
        assert intake.status().expected_s == 0
        tree.leaves[f"{PORT}/oper-status"] = "DOWN"
        target.changed()
        until(lambda: [row["value"] for row in intake.metric("oper_status")] == [1.0, 2.0], 3)
        del tree.leaves[f"{PORT}/oper-status"]
        target.changed()
        (gone,) = until(lambda: intake.metric("deleted"))
        assert gone["component"] == "Ethernet1"
        assert gone["text"] == f"{PORT}/oper-status"


def test_facts_reach_the_inventory_and_are_withdrawn():
    tree, facts = small_tree(), FakeFacts()
    neighbour = "/lldp/interfaces/interface[name=Ethernet1]/neighbors/neighbor[id=1]/state"
    tree.leaves |= {f"{neighbour}/system-name": "spine1", f"{neighbour}/port-id": "Ethernet7"}
    settings = {"presets": ["interfaces", "platform", "lldp"], "device": "192.0.2.9"}
    with serving(tree) as target, subscribed(target, facts, **settings) as intake:
        until(lambda: facts.facts("gnmi") and facts.facts("lldp"))
        own = {fact.key: fact.attributes for fact in facts.facts("gnmi")}
        assert own["192.0.2.9",] == {"name": "leaf1", "addresses": ["192.0.2.9"]}
        assert own["192.0.2.9", "Ethernet1"]["description"] == "to spine"
        assert own["192.0.2.9", "Ethernet1"]["if_index"] == 11
        (link,) = (fact for fact in facts.facts("lldp") if fact.kind is ObjectKind.LINK)
        assert link.key == ("192.0.2.9", "Ethernet1", "spine1", "Ethernet7")
        assert intake.rows()[0]["exporter"] == packed("192.0.2.9")
        for leaf in list(tree.leaves):
            if leaf.startswith("/lldp"):
                del tree.leaves[leaf]
        target.changed()
        until(lambda: facts.facts("lldp") == [])


def test_one_path_that_is_refused_does_not_cost_the_others():
    faults = Faults(
        reject=frozenset({"/bad/path"}), reject_on_change=frozenset({"/interfaces/interface/state/oper-status"})
    )
    subscriptions = [
        {"path": "/interfaces/interface/state/counters"}, {"path": "/bad/path"},
        {"path": "/interfaces/interface/state/oper-status", "mode": "on_change"},
    ]  # fmt: skip
    with serving(small_tree(), faults=faults) as target, subscribed(target, subscriptions=subscriptions) as intake:
        until(lambda: intake.metric("in_octets") and intake.metric("oper_status"))
        status = until(lambda: len(intake.status().errors) == 2 and intake.status())
        assert status.errors == {"path_rejected": 1, "on_change_rejected": 1}
        assert status.detail["rejected"] == "/bad/path"
        assert status.state == "degraded"


def test_a_target_that_refuses_everything_is_failing():
    faults = Faults(reject=frozenset({"/interfaces/interface/state"}))
    with serving(small_tree(), faults=faults) as target, subscribed(target) as intake:
        until(lambda: intake.status().state == "failing")
        assert "unknown path" in intake.status().last_error


def test_an_encoding_that_does_not_work_after_all():
    faults = Faults(reject_encodings=frozenset({2}))
    with serving(small_tree(), faults=faults) as target, subscribed(target) as intake:
        until(lambda: intake.metric("in_octets"))
        assert intake.status().detail["encoding"] == "json_ietf"
        assert intake.status().errors["encoding_rejected"] == 1


def test_wrong_credentials_are_told_without_the_password():
    with serving(small_tree(), users={"weft": "right"}) as target:
        with subscribed(target, username="weft", password="wrong-s3cret") as intake:
            until(lambda: intake.status().state == "failing")
            assert "unauthenticated" in intake.status().errors
            assert "wrong-s3cret" not in repr(intake.status())
        with subscribed(target, username="weft", password="right") as intake:
            until(lambda: intake.metric("in_octets"))


def test_a_target_that_is_restarted_is_found_again():
    tree = small_tree()
    with serving(tree) as first, subscribed(first) as intake:
        until(lambda: intake.metric("in_octets"))
        first.stop()
        until(lambda: intake.status().state == "failing")
        before = len(intake.metric("in_octets"))
        with serving(tree, port=first.port):
            until(lambda: len(intake.metric("in_octets")) > before, 20)
            assert intake.status().state in {"ok", "degraded"}
            assert intake.status().detail["reconnects"] >= 1


def test_a_connection_that_breaks_is_made_again():
    with serving(small_tree(), faults=Faults(drop_after=4)) as target, subscribed(target) as intake:
        until(lambda: target.subscriptions >= 3, 20)
        assert intake.metric("in_octets")
        assert intake.status().errors["unavailable"] >= 2


def test_sync_may_come_late_and_stamps_may_be_wrong():
    hour = 3600 * 10**9
    faults = Faults(sync_late_s=0.5, stamp=lambda ns: ns + hour)
    with serving(small_tree(), faults=faults) as target, subscribed(target) as intake:
        rows = until(lambda: intake.metric("in_octets"))
        assert intake.status().detail["sync"] == "no"
        assert abs(rows[0]["time"].value - time.time_ns()) < 10e9  # its arrival, not what the clock of the device says
        assert intake.status().errors["stamp_future"] >= 1
        until(lambda: intake.status().clock_skew_s and abs(intake.status().clock_skew_s - 3600) < 5)


@pytest.mark.parametrize("method", ["once", "poll", "get"])
def test_targets_that_are_asked(method):
    faults = Faults(no_subscribe=method == "get")
    with serving(small_tree(), faults=faults) as target, subscribed(target, method=method) as intake:
        until(lambda: len(intake.metric("in_octets")) >= 3)
        assert intake.status().expected_s == 0.2
        assert intake.status().state == "ok"


def test_get_leaves_out_what_is_refused():
    subscriptions = [{"path": "/interfaces/interface/state"}, {"path": "/nothing/here"}]
    with serving(small_tree()) as target, subscribed(target, method="get", subscriptions=subscriptions) as intake:
        until(lambda: len(intake.metric("in_octets")) >= 2)
        assert intake.status().errors == {"path_rejected": 1}


def test_a_slow_store_holds_the_target_up_instead_of_filling_the_memory():
    tree = Tree()
    tree.leaves = {f"/interfaces/interface[name=e{i}]/state/counters/in-octets": i for i in range(500)}
    section = {"queue_bytes": 1 << 16}
    with serving(tree) as target, subscribed(target, section=section, interval_s=0.1) as intake:
        intake.gate.clear()
        until(lambda: intake.status().detail.get("paused"), 20)
        assert target.subscriptions == 1
        before = len(intake.rows())
        intake.gate.set()
        until(lambda: len(intake.rows()) >= before + 2000, 20)


def test_a_gateway_names_its_devices():
    subscriptions = [{"path": "/interfaces/interface/state", "target": "edge7"}]
    settings = {"gateway": True, "subscriptions": subscriptions}
    with serving(small_tree()) as target, subscribed(target, **settings) as intake:
        rows = until(lambda: intake.metric("in_octets"))
        assert rows[0]["host"] == "edge7"
        assert rows[0]["exporter"] == bytes(16)


def test_intervals_without_data_are_gaps():
    tree = small_tree()
    with serving(tree) as target, subscribed(target) as intake:
        until(lambda: intake.metric("in_octets"))
        tree.leaves.clear()
        until(lambda: intake.status().gaps >= 2)


def test_nothing_is_opened_without_targets(monkeypatch):
    monkeypatch.setattr("threading.Thread.start", lambda self: pytest.fail("a thread was started"))
    for section in ({}, {"targets": [{"address": "192.0.2.1", "enabled": False}]}):
        subscriber = GnmiSubscriber(GnmiConfig.model_validate(section), None, None)
        subscriber.start()
        subscriber.stop()


def test_mistakes_in_the_settings_are_told_at_the_start(tmp_path):
    def start(**section):
        GnmiSubscriber(GnmiConfig.model_validate(section), None, None).start()

    target = {"address": "192.0.2.1"}
    with pytest.raises(ConfigError, match="nothing to subscribe"):
        start(targets=[{**target, "presets": []}])
    with pytest.raises(InvalidInput, match="bracket"):
        start(targets=[{**target, "subscriptions": [{"path": "/interfaces/interface[name=x/state"}]}])
    (tmp_path / "own.yaml").write_text("meaning: x\ngroups: [{name: a, at: b, leaves: {c: counters d}}]")
    with pytest.raises(ConfigError, match=r"own\.yaml.*counter NAME"):
        start(targets=[target], mappings=tmp_path)
