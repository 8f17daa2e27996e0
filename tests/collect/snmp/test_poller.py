"""The poller against simulated agents: what comes, how it copes with bad agents, that nobody waits for another."""

from __future__ import annotations

import itertools
import socket
from contextlib import contextmanager

import pytest
from tests.collect.intake.fakes import FakeFacts, FakeIntake
from tests.waiting import until

from weft.collect.snmp.config import CredentialConfig, SnmpConfig
from weft.collect.snmp.discovery import listed
from weft.collect.snmp.poller import SnmpPoller
from weft.collect.snmp.session import Credential
from weft.decode.snmp import ber
from weft.errors import ConfigError
from weft.model.inventory import Claim, InventoryObject, ObjectKind
from weft.model.metrics import BEGINS_ANEW
from weft.twin.agents.snmp import SnmpAgent
from weft.twin.agents.snmp_mibs import (
    AgentDevice,
    AgentInterface,
    AgentNeighbour,
    AgentPeer,
    AgentSensor,
    Counters,
    mib_of,
    steady,
)

from .kit import agents, device, polling, small_mib


@contextmanager
def stopping(agent):
    try:
        yield agent
    finally:
        agent.stop()


@pytest.fixture
def silent():
    """A port that is open and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        yield one.getsockname()[1]


def test_a_device_is_polled_and_known():
    made = AgentDevice(
        "leaf1", descr="Linux leaf1 6.1.0", location="Rack 1", serial="S1", model="M1",
        interfaces=[AgentInterface(1, "eth0", "uplink", steady(8e6, 4e6), addresses=("10.0.0.1/31",), lag=3,
                                   rx_dbm=lambda _: -3.5, tx_dbm=lambda _: -1.25),
                    AgentInterface(2, "eth1", up=lambda _: False), AgentInterface(3, "bond0", kind=161)],
        sensors=[AgentSensor("Inlet", "celsius", lambda _: 31.5), AgentSensor("Fan 1", "rpm", lambda _: 4000)],
        peers=[AgentPeer("10.0.0.0", 65001)], neighbours=[AgentNeighbour(1, "spine1", "eth9", address="10.0.0.0")],
        cpus=[lambda _: 12.0], memory=(2**30, lambda _: 2**29),
    )  # fmt: skip
    with agents(mib_of(made)) as (agent,), polling({}, [agent.port]) as (_, rows, facts):
        until(lambda: len(rows.metric("in_octets", "eth0")) >= 2)
        latest = {(r["metric"], r["component"]): r for r in rows.rows()}
        values = {key: row["value"] for key, row in latest.items()}
        assert values["oper_status", "eth1"] == 2
        assert values["optical_rx_dbm", "eth0"] == -3.5
        assert values["temperature_celsius", "Inlet"] == 31.5
        assert values["fan_rpm", "Fan 1"] == 4000
        assert values["bgp_peer_state", "10.0.0.0"] == 6
        assert values["speed_bps", "eth0"] == 10e9
        assert latest["bgp_peer_state", "10.0.0.0"]["labels"] == 'remote_as="65001"'
        assert latest["optical_rx_dbm", "eth0"]["if_index"] == 1
        assert {r["host"] for r in rows.rows()} == {"leaf1"}
        first, second = rows.metric("in_octets", "eth0")[:2]
        elapsed = (second["time"] - first["time"]).total_seconds()
        assert (second["value"] - first["value"]) / elapsed == pytest.approx(1e6, rel=0.1)
        book = rows.book("leaf1").status()
        assert (book.kind, book.state, book.exporter, book.expected_s) == ("snmp", "ok", "127.0.0.1", 1)
        assert (book.detail["profile"], book.detail["credentials"], book.detail["interfaces"]) == ("net-snmp", "lab", 3)
        devices = facts.of("snmp", ObjectKind.DEVICE)
        assert devices["leaf1",]["serial"] == "S1"
        ports = facts.of("snmp", ObjectKind.INTERFACE)
        assert (ports["leaf1", "eth0"]["lag"], ports["leaf1", "eth0"]["addresses"]) == ("bond0", ["10.0.0.1/31"])
        assert facts.of("lldp", ObjectKind.LINK).keys() == {("leaf1", "eth0", "spine1", "eth9")}


def test_dead_and_slow_devices_delay_nobody(silent):
    slow = small_mib(name="slow")
    with agents(small_mib(name="fast"), slow) as (fast, crawling):
        crawling.delay_s = 0.25
        dead = [silent, *range(1, 40)]
        config = {"devices_at_once": 2, "probes_at_once": 4}
        with polling(config, [*dead, crawling.port, fast.port]) as (_, rows, _):

            def came():
                return [r["time"] for r in rows.metric("in_octets", "eth1") if r["host"] == "fast"]

            until(lambda: len(came()) >= 5)
            gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(came()[1:])]
            assert max(gaps) < 1.5
            until(lambda: rows.book(f"127.0.0.1:{silent}").status().gaps)
            book = rows.book(f"127.0.0.1:{silent}").status()
            assert (book.state, set(book.errors)) == ("failing", {"timeout"})


def test_a_device_that_was_away_is_found_again():
    with agents(small_mib()) as (agent,), polling({"backoff_s": 1}, [agent.port]) as (_, rows, _):
        agent.drop = 1.0
        until(lambda: rows.books and rows.books[0].status().state == "failing")
        agent.drop = 0.0
        until(lambda: rows.metric("in_octets"))
        assert rows.books[0].status().state == "degraded"


def test_a_reboot_makes_no_false_increase():
    """Counters that fall with the agent's restart begin anew, also where the intake would see a wrap of 32 bits."""
    began = {"octets": 3_000_000_000}
    made = AgentDevice(
        "r1", interfaces=[AgentInterface(1, "eth0", counters=lambda now: Counters(began["octets"] + int(now % 1e4)))]
    )
    mib = mib_of(made)
    with agents(mib) as (agent,), polling({"cache_s": 0}, [agent.port]) as (_, rows, _):
        agent._booted -= 5000
        until(lambda: len(rows.metric("in_octets", "eth0")) >= 2)
        began["octets"] = 1000
        agent.reboot()
        until(lambda: any(r["value"] < 1e6 for r in rows.metric("in_octets", "eth0")))
        (marked,) = [r for r in rows.metric("in_octets", "eth0") if r["interval_ms"] == BEGINS_ANEW]
        assert marked["value"] < 1e6
        assert rows.books[0].status().detail["resets"] == 1


def test_32_bit_counters_serve_where_there_are_no_others():
    made = AgentDevice(
        "r1", interfaces=[AgentInterface(1, "eth0", counters=steady(8e6, 8e6, start=2**32 - 10**6), wide=False)]
    )
    with agents(mib_of(made)) as (agent,), polling({}, [agent.port]) as (_, rows, _):
        came = until(lambda: len(found := rows.metric("in_octets", "eth0")) >= 3 and found)
        values = [row["value"] for row in came]
        assert min(values) < 2e7 < max(values), "it wrapped; the intake makes that good"
        assert all(row["interval_ms"] != BEGINS_ANEW for row in came)
        # the narrow counter of a 10 Gbit/s interface would wrap unseen at a poll a minute; at one a second it does not
        assert "counter32_too_fast" not in rows.books[0].status().errors


def test_answers_from_an_agents_cache_are_left_out():
    with agents(small_mib(), cache_s=2.2) as (agent,), polling({}, [agent.port]) as (_, rows, _):
        until(lambda: rows.books and rows.books[0].status().detail.get("cached_rows", 0) > 0)
        until(lambda: len(rows.metric("in_octets", "eth1")) >= 3)
        values = [row["value"] for row in rows.metric("in_octets", "eth1")]
        assert len(set(values)) == len(values)
        assert len(rows.metric("oper_status", "eth1")) > len(values), "gauges go on"


def test_large_tables_and_small_answers():
    with agents(mib_of(device(interfaces=300))) as (agent,):
        agent.largest = 700  # less than is asked for: GETBULK answers what fits
        with polling({"interval_s": 30}, [agent.port]) as (_, rows, _):
            until(lambda: rows.metric("in_octets"))
            assert len(rows.metric("in_octets")) == 300
            assert not rows.books[0].status().errors


def test_too_big_shrinks_requests_until_they_fit():
    with agents(small_mib(interfaces=40)) as (agent,):
        agent.largest, agent.cuts = 400, False
        with polling({"interval_s": 30}, [agent.port]) as (_, rows, _):
            until(lambda: rows.metric("in_octets"))
            assert len(rows.metric("in_octets")) == 40
            assert agent.counts.too_big


def test_lost_answers_are_asked_for_again():
    config = {"interval_s": 30, "timeout_s": 0.1, "retries": 5}
    with agents(small_mib(interfaces=30), drop=0.15) as (agent,), polling(config, [agent.port]) as (_, rows, _):
        until(lambda: len(rows.metric("in_octets")) >= 30)
        assert agent.counts.dropped


@pytest.mark.parametrize("garbage", [b"\x30", b"\x30\x03\x02\x01\x01", b"\xff" * 1400, b"\x30\x82\xff\xff" + bytes(50)])
def test_garbage_is_counted_and_does_no_harm(garbage):
    with agents(small_mib()) as (agent,), polling({}, [agent.port]) as (_, rows, _):
        until(lambda: rows.metric("in_octets"))
        agent.garbage = garbage
        errors = until(lambda: "timeout" in (found := rows.books[0].status().errors) and found)
        assert errors.get("decode", 0) > 0
        agent.garbage = None
        before = len(rows.metric("in_octets"))
        until(lambda: len(rows.metric("in_octets")) > before)


def test_a_table_that_goes_round_is_given_up_and_the_others_go_on():
    cpu = ber.oid("1.3.6.1.2.1.25.3.3.1.2")

    class Round(SnmpAgent):
        def answer(self, data):
            message = ber.decode_message(data)
            if not (message.pdu.kind == ber.GET_BULK and message.pdu.varbinds.oids[0].startswith(cpu)):
                return super().answer(data)
            same = ber.Varbinds([cpu + b"\1"] * 5, [ber.INTEGER] * 5, [7] * 5)
            pdu = ber.encode_pdu(ber.Pdu(ber.RESPONSE, message.pdu.request_id, varbinds=same))
            return ber.encode_message(message.version, message.community, pdu)

    mib = small_mib()
    agent = Round(lambda: mib)
    agent.start()
    with stopping(agent), polling({}, [agent.port]) as (_, rows, _):
        until(lambda: rows.metric("in_octets"))
        book = rows.books[0].status()
        assert book.errors.get("loop")
        assert book.last_error.startswith("processors:")


def test_a_wrong_community_looks_like_silence_and_names_no_secret():
    with agents(small_mib(), community="other") as (agent,), polling({}, [agent.port]) as (_, rows, _):
        book = until(lambda: rows.books and rows.books[0].status().state == "failing" and rows.books[0].status())
        assert set(book.errors) == {"timeout"}
        assert "community" in book.last_error
        assert "public" not in repr(book)
        assert agent.counts.refused


def test_credentials_are_tried_in_turn_and_the_good_one_is_kept():
    config = {"credentials": {"old": {"community": "old"}, "new": {"community": "new"}}}
    with agents(small_mib(), community="new") as (agent,), polling(config, [agent.port]) as (_, rows, _):
        until(lambda: len(rows.metric("in_octets", "eth1")) >= 2)
        assert rows.books[0].status().detail["credentials"] == "new"


def test_new_interfaces_come_with_their_names():
    mibs = [small_mib(interfaces=1)]
    with agents(lambda: mibs[-1]) as (agent,), polling({}, [agent.port]) as (_, rows, _):
        until(lambda: rows.metric("in_octets", "eth1"))
        mibs.append(small_mib(interfaces=2))
        until(lambda: rows.metric("in_octets", "eth2"))
        assert {r["component"] for r in rows.metric("in_octets")} == {"eth1", "eth2"}


def test_what_is_known_better_wins():
    config = {"interfaces": [{"interfaces": "eth1", "speed_bps": 1e8}, {"interfaces": "eth[2-9]", "ignore": True}]}
    with agents(small_mib(interfaces=3)) as (agent,), polling(config, [agent.port]) as (_, rows, facts):
        until(lambda: rows.metric("in_octets"))
        assert {r["component"] for r in rows.metric("in_octets")} == {"eth1"}
        assert rows.metric("speed_bps", "eth1")[0]["value"] == 1e8
        assert facts.of("snmp", ObjectKind.INTERFACE)["r1", "eth1"]["speed_bps"] == 1e8


def test_telemetry_is_kept_under_the_address_that_is_asked_for():
    with agents(small_mib()) as (agent,):
        config = {"targets": [{"address": "127.0.0.1", "port": agent.port, "exporter": "192.0.2.9"}]}
        with polling(config) as (_, rows, facts):
            until(lambda: rows.metric("in_octets"))
            assert rows.metric("in_octets")[0]["exporter"][-4:] == bytes([192, 0, 2, 9])
            assert ("snmp", "192.0.2.9") in facts.said
            assert rows.book("192.0.2.9").status().target == f"127.0.0.1:{agent.port}"


def test_a_device_is_polled_over_ipv6():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
        try:
            one.bind(("::1", 0))
        except OSError as error:
            pytest.skip(f"this machine has no IPv6 loopback: {error}")
    agent = SnmpAgent(small_mib, address="::1")
    agent.start()
    with stopping(agent), polling({"targets": [{"address": "::1", "port": agent.port}]}) as (_, rows, _):
        until(lambda: rows.metric("in_octets"))
        assert rows.metric("in_octets")[0]["exporter"] == bytes(15) + b"\1"
        assert rows.books[0].status().target == f"[::1]:{agent.port}"


def test_credentials_do_not_show():
    v2c = CredentialConfig.model_validate({"community": "secret-word"})
    v3 = CredentialConfig.model_validate(
        {"user": "u", "auth_password": "secret-word", "privacy_password": "secret-word"}
    )
    for config in (v2c, v3):
        made = Credential.of("lab", config)
        keys = made.user.keys(b"\x80engine") if made.user else None
        assert "secret" not in repr((config, made, keys, config.model_dump_json()))
        assert keys is None or (keys.auth.hex() not in repr(keys) and repr(keys.auth) not in repr(keys))


def test_a_full_intake_is_no_end():
    with agents(small_mib()) as (agent,), polling({}, [agent.port]) as (_, rows, _):
        until(lambda: rows.metric("in_octets"))
        rows.full = True
        until(lambda: rows.errors().get("refused"))
        rows.full = False
        before = len(rows.batches)
        until(lambda: len(rows.batches) > before)


# --- finding devices --------------------------------------------------------------------------------------------------


def test_a_prefix_is_swept_and_a_device_with_two_addresses_is_one():
    """Three addresses of loopback, two devices: the second answers at two of them, with one engine id."""

    def mib(name, engine):
        variables = {**small_mib(name=name).variables, (1, 3, 6, 1, 6, 3, 10, 2, 1, 1, 0): (ber.OCTETS, engine)}
        return lambda: variables

    port = _free_port()
    given = [("127.0.7.1", "a", b"\x80one"), ("127.0.7.2", "b", b"\x80two"), ("127.0.7.3", "b", b"\x80two"),
             ("127.0.7.5", "x", b"\x80ex")]  # fmt: skip
    running = [SnmpAgent(mib(name, engine), address=address, port=port) for address, name, engine in given]
    for one in running:
        one.start()
    try:
        target = {"address": "127.0.7.0/29", "port": port, "exclude": ["127.0.7.5/32"]}
        with polling({"targets": [target], "timeout_s": 0.5}) as (poller, rows, _):
            until(lambda: {r["host"] for r in rows.metric("in_octets")} == {"a", "b"})
            assert sorted(poller.devices) == ["127.0.7.1", "127.0.7.2"]
            book = rows.book(f"discovery of 127.0.7.0/29 port {port}").status()
            assert (book.detail["found"], book.detail["other_addresses"]) == (2, 1)
    finally:
        for one in running:
            one.stop()


def _free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("0.0.0.0", 0))
        return one.getsockname()[1]


def test_host_names_are_resolved_and_those_that_mean_nothing_are_said():
    with agents(small_mib()) as (agent,):
        targets = [{"address": "localhost", "port": agent.port}, {"address": "nowhere.invalid"}]
        with polling({"targets": targets}) as (_, rows, _):
            until(lambda: any(b.status().errors.get("resolve") for b in rows.books), 30)
            assert "nowhere.invalid" in rows.book("host names").status().last_error


def test_devices_of_the_inventory_are_polled():
    claims = {"addresses": Claim(["192.0.2.7"], "file")}
    facts = FakeFacts(
        InventoryObject(ObjectKind.DEVICE, ("r7",), claims, ("file",), 0, 0),
        InventoryObject(ObjectKind.DEVICE, ("r8",), {}, ("file",), 0, 0),
    )
    config = SnmpConfig.model_validate({"credentials": {"a": {"community": "b"}}, "inventory": True})
    assert [one.endpoint for one in listed(config, facts)[0]] == [("192.0.2.7", 161)]


# --- settings ---------------------------------------------------------------------------------------------------------


def test_nothing_is_opened_without_targets():
    poller = SnmpPoller(SnmpConfig(), FakeIntake(), FakeFacts())
    poller.start()
    assert poller.devices == []
    poller.stop()


LAB = {"credentials": {"a": {"community": "b"}}}


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"targets": [{"address": "10.0.0.1"}]}, "credentials"),
        ({**LAB, "targets": [{"address": "10.0.0.1", "credentials": "x"}]}, "called x"),
        ({**LAB, "targets": [{"address": "10.0.0.0/8"}]}, "65536"),
        ({**LAB, "targets": [{"address": "no name"}]}, "host name"),
        ({**LAB, "targets": [{"address": "10.0.0.0/30", "exporter": "10.1.1.1"}]}, "prefix"),
        ({"interfaces": [{"interfaces": "("}]}, "regular expression"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(config, text):
    with pytest.raises(ValueError, match=text):
        SnmpConfig.model_validate(config)


def test_an_unknown_profile_is_refused_at_the_start():
    config = SnmpConfig.model_validate(
        {"credentials": {"a": {"community": "b"}}, "targets": [{"address": "10.0.0.1", "profile": "nothing"}]}
    )
    with pytest.raises(ConfigError, match="nothing"):
        SnmpPoller(config, FakeIntake(), FakeFacts()).start()
