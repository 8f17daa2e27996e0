"""Traps and informs, from Debian's tools and from hostile senders."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager

import pytest
from tests.collect.intake.fakes import FakeIntake
from tests.waiting import until

from weft.collect.snmp.config import CredentialConfig, SnmpConfig
from weft.collect.snmp.traps import TrapListener
from weft.collect.snmp.usm import UsmUser
from weft.decode.snmp import ber, v3
from weft.errors import Unavailable

from .peers import run

USERS = {
    "lab": {"community": "public"},
    "v3": {"user": "trapper", "auth_password": "authpass1", "privacy_password": "privpass1"},
    "auth": {"user": "authonly", "auth": "sha256", "auth_password": "authpass1"},
}
V3 = ["-v3", "-l", "authPriv", "-u", "trapper", "-a", "SHA", "-A", "authpass1", "-x", "AES", "-X", "privpass1"]
LINK_DOWN = ["", "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.2.2.1.1.7", "i", "7", "1.3.6.1.2.1.2.2.1.2.7", "s", "eth7"]


@contextmanager
def listening(**settings):
    config = SnmpConfig.model_validate({"credentials": USERS, "traps": {"port": 0, "address": "127.0.0.1", **settings}})
    rows = FakeIntake()
    listener = TrapListener(config, rows)
    listener.start()
    try:
        yield listener, rows
    finally:
        listener.stop()


def send(listener, data, wait=0.0):
    """Send a datagram; the answer within ``wait`` seconds, if any."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(data, ("127.0.0.1", listener.port))
        one.settimeout(wait or 0.001)
        try:
            return one.recv(65535)
        except TimeoutError:
            return None


def trap(kind=ber.TRAP, community=b"public", oid="1.3.6.1.6.3.1.1.5.1"):
    binds = ber.Varbinds()
    binds.add(ber.oid("1.3.6.1.2.1.1.3.0"), ber.TIMETICKS, 1)
    binds.add(ber.oid("1.3.6.1.6.3.1.1.4.1.0"), ber.OID, ber.oid(oid))
    return ber.encode_message(1, community, ber.encode_pdu(ber.Pdu(kind, 42, varbinds=binds)))


def errors(rows):
    return rows.books[0].status().errors if rows.books else {}


@pytest.mark.peers
def test_a_trap_of_v2c(tmp_path):
    with listening() as (listener, rows):
        target = f"127.0.0.1:{listener.port}"
        assert run("snmptrap", "-v2c", "-c", "public", target, *LINK_DOWN, folder=tmp_path).returncode == 0
        (row,) = until(rows.logs)
        assert (row["event"], row["component"], row["if_index"], row["program"]) == (
            "INTERFACE_DOWN",
            "eth7",
            7,
            "trap",
        )
        assert row["exporter"][-4:] == bytes([127, 0, 0, 1])
        book = rows.books[0].status()
        assert (book.kind, book.name, book.received, book.state) == ("trap", "127.0.0.1", 1, "ok")


@pytest.mark.peers
def test_a_trap_of_v1(tmp_path):
    with listening() as (listener, rows):
        arguments = [
            "-v1",
            "-c",
            "public",
            f"127.0.0.1:{listener.port}",
            "1.3.6.1.4.1.9.9.43.2",
            "10.1.1.1",
            "6",
            "1",
            "",
        ]
        run("snmptrap", *arguments, folder=tmp_path)
        (row,) = until(rows.logs)
        assert (row["event"], row["message_id"]) == ("CONFIG_COMMIT", "ciscoConfigManEvent")


@pytest.mark.peers
def test_a_trap_of_v3_is_known_by_its_own_engine(tmp_path):
    with listening() as (listener, rows):
        target = f"127.0.0.1:{listener.port}"
        engine = ["-e", "0x8000000001020304"]
        assert run("snmptrap", *V3, *engine, target, *LINK_DOWN, folder=tmp_path).returncode == 0
        assert until(rows.logs)[0]["event"] == "INTERFACE_DOWN"
        wrong = [*V3]
        wrong[wrong.index("-A") + 1] = "authpass2"
        run("snmptrap", *wrong, "-e", "0x8000000001020305", target, *LINK_DOWN, folder=tmp_path)
        until(lambda: "wrong_digest" in errors(rows))
        stranger = [*V3]
        stranger[stranger.index("-u") + 1] = "stranger"
        run("snmptrap", *stranger, "-e", "0x8000000001020306", target, *LINK_DOWN, folder=tmp_path)
        until(lambda: "unknown_user" in errors(rows))
        assert len(rows.logs()) == 1


@pytest.mark.peers
@pytest.mark.parametrize(
    "security",
    [["-v2c", "-c", "public"], V3, ["-v3", "-l", "authNoPriv", "-u", "authonly", "-a", "SHA-256", "-A", "authpass1"]],
    ids=["v2c", "authPriv", "authNoPriv"],
)
def test_an_inform_is_acknowledged(tmp_path, security):
    """snmpinform ends well only when its inform was answered; with v3 it learns our engine first."""
    with listening() as (listener, rows):
        target = f"127.0.0.1:{listener.port}"
        done = run("snmpinform", *security, "-t", "2", "-r", "1", target, *LINK_DOWN, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        (row,) = until(rows.logs)
        assert (row["program"], row["event"]) == ("inform", "INTERFACE_DOWN")


@pytest.mark.peers
def test_an_inform_with_a_wrong_community_is_not_acknowledged(tmp_path):
    with listening() as (listener, rows):
        target = f"127.0.0.1:{listener.port}"
        done = run("snmpinform", "-v2c", "-c", "guess", "-t", "0.3", "-r", "0", target, *LINK_DOWN, folder=tmp_path)
        assert done.returncode != 0
        assert errors(rows)["wrong_community"] == 1
        assert "guess" not in repr(rows.books[0].status())
        assert rows.logs() == []


def test_informs_are_answered_with_what_they_held():
    with listening() as (listener, _):
        answer = ber.decode_message(send(listener, trap(ber.INFORM), wait=2))
        assert (answer.pdu.kind, answer.pdu.request_id, len(answer.pdu.varbinds)) == (ber.RESPONSE, 42, 2)
        assert send(listener, trap(ber.TRAP), wait=0.2) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", None), (b"\x30\x03\x02\x01\x01", "decode"), (bytes(2000), "decode"),
        (trap(community=b"x"), "wrong_community"), (trap(ber.GET), "decode"),
        (bytes.fromhex("300802010304003000"), "decode"), (trap()[:-3], "decode"),
    ],
)  # fmt: skip
def test_hostile_datagrams_are_counted_by_reason(data, reason):
    with listening() as (listener, rows):
        assert send(listener, data, wait=0.2) is None
        send(listener, trap())
        until(rows.logs)
        assert set(errors(rows)) == ({reason} if reason else {"decode"})
        assert rows.logs()[0]["event"] == "REBOOT"


def test_a_sender_outside_the_allowed_ones_is_not_heard():
    with listening(allowed_senders=["192.0.2.0/24"]) as (listener, rows):
        send(listener, trap())
        until(lambda: errors(rows).get("not_allowed"))
        assert rows.logs() == []


def test_a_storm_is_held_to_its_allowance():
    with listening(max_per_s=50) as (listener, rows):
        began = time.monotonic()
        for _ in range(400):
            send(listener, trap())
        until(lambda: len(rows.logs()) + errors(rows).get("rate_limited", 0) == 400)
        took = time.monotonic() - began
        assert 50 <= len(rows.logs()) <= 50 * (took + 1) + 1


def test_a_relays_traps_are_those_of_the_agent():
    with listening(relays=["127.0.0.1/32"]) as (listener, rows):
        binds = ber.Varbinds()
        for name, tag, value in (("1.3.6.1.2.1.1.3.0", ber.TIMETICKS, 1),
                                 ("1.3.6.1.6.3.1.1.4.1.0", ber.OID, ber.oid("1.3.6.1.6.3.1.1.5.1")),
                                 ("1.3.6.1.6.3.18.1.3.0", ber.IP_ADDRESS, bytes([10, 9, 8, 7]))):  # fmt: skip
            binds.add(ber.oid(name), tag, value)
        pdu = ber.encode_pdu(ber.Pdu(ber.TRAP, 1, varbinds=binds))
        send(listener, ber.encode_message(1, b"public", pdu))
        assert until(rows.logs)[0]["exporter"][-4:] == bytes([10, 9, 8, 7])


def test_nothing_is_opened_without_settings_and_a_taken_port_is_said():
    listener = TrapListener(SnmpConfig(), FakeIntake())
    listener.start()
    assert listener.port == 0
    listener.stop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        config = SnmpConfig.model_validate(
            {"credentials": USERS, "traps": {"port": one.getsockname()[1], "address": "127.0.0.1"}}
        )
        with pytest.raises(Unavailable, match=r"snmp\.traps\.port"):
            TrapListener(config, FakeIntake()).start()


def sealed(user, *, boots=9, seconds=1000, engine=b"\x80\0\0\0\5other", flags=0, kind=ber.TRAP):
    """A v3 notification by hand."""
    binds = ber.Varbinds()
    binds.add(ber.oid("1.3.6.1.6.3.1.1.4.1.0"), ber.OID, ber.oid("1.3.6.1.6.3.1.1.5.1"))
    pdu = ber.encode_pdu(ber.Pdu(kind, 5, varbinds=binds))
    message = v3.MessageV3(5, flags, engine, boots, seconds, b"", b"", 0, b"", b"")
    return user.seal(message, v3.encode_scoped(engine, b"", pdu))


def test_replays_of_v3_are_refused():
    user = UsmUser(CredentialConfig.model_validate(USERS["v3"]))
    with listening() as (listener, rows):
        send(listener, sealed(user, boots=9, seconds=10_000))
        until(rows.logs)
        for old in ({"boots": 8, "seconds": 20_000}, {"boots": 9, "seconds": 9_000}):
            send(listener, sealed(user, **old))
        until(lambda: errors(rows).get("not_in_time") == 2)
        send(listener, sealed(user, boots=10, seconds=5))
        until(lambda: len(rows.logs()) == 2)


def test_a_v3_inform_with_an_old_clock_of_ours_is_told_the_right_one():
    user = UsmUser(CredentialConfig.model_validate(USERS["v3"]))
    with listening(engine_id="8000000005aabbccdd") as (listener, rows):
        ours = bytes.fromhex("8000000005aabbccdd")
        report = send(listener, sealed(user, engine=ours, boots=1, flags=v3.REPORTABLE, kind=ber.INFORM), wait=2)
        told = v3.decode(report)
        scoped = user.unseal(report, told)
        assert ber.oid_text(scoped.pdu.varbinds.oids[0]) == "1.3.6.1.6.3.15.1.1.2.0"
        good = sealed(user, engine=ours, boots=told.boots, seconds=told.time, flags=v3.REPORTABLE, kind=ber.INFORM)
        answer = send(listener, good, wait=2)
        assert user.unseal(answer, v3.decode(answer)).pdu.kind == ber.RESPONSE
        until(rows.logs)


def test_a_level_below_the_users_is_refused():
    bare = UsmUser(CredentialConfig(user="trapper"))
    with listening() as (listener, rows):
        send(listener, sealed(bare))
        until(lambda: errors(rows).get("unsupported_level"))
        assert rows.logs() == []
