"""The receiver on loopback: transports, accounts, limits, what is counted."""

import contextlib
import socket
import ssl
import time

import pytest
from tests.collect.intake.fakes import FakeIntake
from tests.collect.syslog.kit import certificates, serving
from tests.waiting import until

from weft.collect.syslog import SyslogServer
from weft.collect.syslog.config import SyslogConfig
from weft.errors import ConfigError, Unavailable
from weft.model.addresses import NO_ADDRESS, packed
from weft.twin.agents.syslog_emitter import Entry, SyslogEmitter

LINK = Entry("edge1", "LINK-3-UPDOWN", "Interface GigabitEthernet0/1, changed state to down", severity=3)
TCP = {"protocol": "tcp"}


def emit(port, entries, **kind):
    emitter = SyslogEmitter(("127.0.0.1", port), **kind)
    for entry in entries:
        emitter.send(entry)
    emitter.close()


@pytest.mark.parametrize("kind", [{"transport": "udp"}, {"transport": "tcp"}, {"transport": "tcp", "counted": False}])
def test_a_message_becomes_a_row(kind):
    with serving([{"protocol": kind["transport"]}]) as (server, intake):
        emit(server.ports[kind["transport"]][0], [LINK], dialect="ios", **kind)
        row = until(intake.logs)[0]
        status = until(lambda: one if (one := intake.status("127.0.0.1")).rows else None)
    assert row["exporter"] == packed("127.0.0.1")
    assert (row["host"], row["event"], row["component"]) == ("edge1", "INTERFACE_DOWN", "GigabitEthernet0/1")
    assert row["source"] == {"udp": 1, "tcp": 2}[kind["transport"]]
    assert row["clock"] == 0
    assert row["time"] == row["time_device"]
    assert (status.kind, status.name, status.exporter, status.received) == ("syslog", "edge1", "127.0.0.1", 1)


def test_tls_with_and_without_a_certificate_of_the_sender(tmp_path):
    ca, certificate, key, client, client_key = certificates(tmp_path)
    tls = {"protocol": "tls", "certificate": str(certificate), "key": str(key)}
    with serving([tls, tls | {"client_ca": str(ca)}]) as (server, intake):
        plain, mutual = server.ports["tls"]
        context = ssl.create_default_context(cafile=str(ca))
        _send_tls(plain, context, b"26 <13>1 - h1 app - - - hello")
        assert until(intake.logs)[0]["source"] == 3
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            _send_tls(mutual, context, b"26 <13>1 - h2 app - - - hello")
        until(lambda: intake.errors().get("tls") == 1)
        context.load_cert_chain(client, client_key)
        _send_tls(mutual, context, b"26 <13>1 - h3 app - - - hello")
        until(lambda: len(intake.logs()) == 2)
        _send_plain(plain, b"<13>this is not TLS\n" * 3)
        until(lambda: intake.errors().get("tls", 0) >= 2)
    assert [row["host"] for row in intake.logs()] == ["h1", "h3"]


def _send_tls(port, context, message):
    with (
        socket.create_connection(("127.0.0.1", port), 5) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as wrapped,
    ):
        wrapped.sendall(message)
        wrapped.unwrap()


def _send_plain(port, octets):
    with socket.create_connection(("127.0.0.1", port), 5) as raw:
        raw.sendall(octets)
        raw.settimeout(0.3)
        with contextlib.suppress(ConnectionError, TimeoutError):
            raw.recv(100)


def test_a_certificate_that_cannot_be_used_keeps_it_from_starting(tmp_path):
    bad = tmp_path / "bad.pem"
    bad.write_text("nothing")
    for path in (bad, tmp_path / "none.pem"):
        config = SyslogConfig(listeners=[{"protocol": "tls", "port": 0, "certificate": path}])
        with pytest.raises(ConfigError, match=r"syslog\.listeners: certificate"):
            SyslogServer(config, FakeIntake()).start()


def test_a_port_that_is_taken():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        config = SyslogConfig(listeners=[{"port": port, "address": "127.0.0.1"}])
        with pytest.raises(Unavailable, match=rf"syslog\.listeners: cannot listen on UDP 127\.0\.0\.1:{port}"):
            SyslogServer(config, FakeIntake()).start()


def test_a_default_port_that_is_taken_is_shown_and_stops_nothing(monkeypatch):
    intake = FakeIntake()
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        config = SyslogConfig()
        ports = {"tcp": taken.getsockname()[1], "udp": other.getsockname()[1]}
        moved = tuple(one.model_copy(update={"port": ports[one.protocol], "address": "127.0.0.1"})
                      for one in config.listeners)  # fmt: skip
        config = config.model_copy(update={"listeners": moved})
        config.model_fields_set.discard("listeners")
        server = SyslogServer(config, intake)
        server.start()
        server.stop()
    assert [book.status().state for book in intake.books] == ["failing", "failing"]


def test_no_listeners_opens_nothing():
    intake = FakeIntake()
    server = SyslogServer(SyslogConfig(listeners=()), intake)
    server.start()
    server.stop()
    assert not intake.books


def test_only_allowed_senders():
    with serving([{"protocol": "udp"}, TCP], allowed_senders=["192.0.2.0/24", "2001:db8::/32"]) as (server, intake):
        emit(server.ports["udp"][0], [LINK] * 3)
        _send_plain(server.ports["tcp"][0], b"<13>hello\n")
        until(lambda: intake.errors().get("not_allowed") == 4)
    assert not intake.logs()


def test_a_flooder_takes_its_quota_and_no_other_s_messages():
    with serving(sender_quota=100, senders=[{"senders": "127.0.0.2", "quota": 0}]) as (server, intake):
        port = server.ports["udp"][0]
        emit(port, [LINK] * 1000)
        emit(port, [LINK] * 300, source="127.0.0.2")
        quiet = packed("127.0.0.2")
        until(lambda: sum(row["exporter"] == quiet for row in intake.logs()) == 300)
        until(lambda: len(intake.logs()) + intake.errors().get("over_quota", 0) == 1300)
        assert intake.status("127.0.0.1").errors["over_quota"] >= 600
        assert not intake.status("127.0.0.2").errors


def test_senders_beyond_the_most_share_one_book_and_keep_their_address():
    with serving(max_senders=2) as (server, intake):
        for last in range(2, 8):
            emit(server.ports["udp"][0], [LINK], source=f"127.0.0.{last}")
        until(lambda: len(intake.logs()) == 6)
    assert len({row["exporter"] for row in intake.logs()}) == 6
    assert intake.status("beyond max_senders").received == 4


def test_a_relay_s_messages_belong_to_the_host_they_name():
    with serving([TCP], senders=[{"senders": "127.0.0.0/8", "relay": True}]) as (server, intake):
        emit(server.ports["tcp"][0], [LINK, Entry("edge2", "sshd", "hello")], transport="tcp")
        rows = until(lambda: rows if len(rows := intake.logs()) == 2 else None)
        status = until(lambda: one if (one := intake.status("127.0.0.1")).rows else None)
    assert {row["exporter"] for row in rows} == {NO_ADDRESS}
    assert [row["host"] for row in rows] == ["edge1", "edge2"]
    assert status.name == "127.0.0.1"


def test_long_messages_are_cut_and_bad_framing_is_counted():
    with serving([{"protocol": "udp"}, TCP], longest_message=500) as (server, intake):
        long = Entry("h", "p", "x" * 2000)
        emit(server.ports["udp"][0], [long])
        emit(server.ports["tcp"][0], [long, LINK], transport="tcp")
        _send_plain(server.ports["tcp"][0], b"26 <13>1 - h1 app - - - hello99 not a message\n<13>again\n")
        until(lambda: len(intake.logs()) == 5)
        assert max(len(row["message"]) for row in intake.logs()) <= 500
        assert intake.errors() == {"oversize": 2, "bad_framing": 1}


def test_connections_are_bounded_and_idle_ones_end(monkeypatch):
    monkeypatch.setattr("weft.collect.syslog.tcp._SWEEP_S", 0.1)
    with serving([TCP], max_connections_per_sender=2, idle_seconds=1) as (server, intake):
        open_ones = [socket.create_connection(("127.0.0.1", server.ports["tcp"][0]), 5) for _ in range(4)]
        until(lambda: intake.errors().get("too_many_connections") == 2)
        open_ones[0].settimeout(5)
        assert open_ones[0].recv(1) == b""  # closed for being idle
        until(lambda: intake.errors().get("idle") == 2)
        for one in open_ones:
            one.close()


def test_a_slow_store_lets_tcp_wait_and_loses_nothing():
    intake = FakeIntake()
    with serving([TCP], intake=intake, queue_bytes=1 << 20, sender_quota=0) as (server, _):
        intake.gate.clear()
        emitter = SyslogEmitter(("127.0.0.1", server.ports["tcp"][0]), transport="tcp")
        filler = Entry("h", "p", "y" * 800)
        sent = 0
        emitter.connect().settimeout(0.5)
        with contextlib.suppress(TimeoutError):  # the sender is stopped, not the messages dropped
            while sent < 200_000:
                emitter.send(filler)
                sent += 1
        intake.gate.set()
        emitter.close()
        until(lambda: len(intake.logs()) >= sent, 30)
        assert sent < 100_000
    assert not intake.errors().keys() - {"bad_framing"}  # the last one was cut off by the sender's own timeout


def test_a_quota_slows_tcp_down_and_loses_nothing():
    with serving([TCP], sender_quota=200) as (server, intake):
        began = time.monotonic()
        emit(server.ports["tcp"][0], [LINK] * 900, transport="tcp")
        until(lambda: len(intake.logs()) == 900)
        emit(server.ports["tcp"][0], [LINK], transport="tcp")
        until(lambda: len(intake.logs()) == 901)
        assert time.monotonic() - began > 2.0  # 900 messages, 400 of them at once, at 200 a second
    assert not intake.errors()


def test_a_full_queue_is_counted():
    intake = FakeIntake()
    with serving(intake=intake, queue_bytes=1 << 20, sender_quota=0) as (server, _):
        intake.gate.clear()
        emit(server.ports["udp"][0], [Entry("h", "p", "y" * 1000)] * 3000)
        until(lambda: intake.errors().get("queue_full", 0) > 0)
        intake.gate.set()
    counted = intake.errors()
    assert len(intake.logs()) + counted["queue_full"] + counted.get("kernel_dropped", 0) == 3000


def test_what_the_intake_refuses_is_counted():
    intake = FakeIntake()
    intake.full = True
    with serving(intake=intake) as (server, _):
        emit(server.ports["udp"][0], [LINK] * 5)
        until(lambda: intake.errors().get("refused") == 5)


def test_odd_octets_are_counted_and_kept():
    with serving() as (server, intake):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for octets in (b"<13>h\xe9llo\x00\n", b"\x00\x01\x02", b"", b"\xff" * 100):
                sock.sendto(octets, ("127.0.0.1", server.ports["udp"][0]))
        until(lambda: len(intake.logs()) == 2 and intake.errors().get("empty") == 2)
    assert intake.logs()[0]["message"] == "h\xe9llo"
    assert intake.errors() == {"not_utf8": 2, "empty": 2}


def test_a_configuration_change_is_also_a_row_of_changes():
    entry = Entry("edge1", "SYS-5-CONFIG_I", "Configured from console by alice on vty0 (192.0.2.7)", severity=5)
    with serving() as (server, intake):
        emit(server.ports["udp"][0], [entry], dialect="ios")
        change = until(intake.changes)[0]
    assert (change["kind"], change["source"], change["author"], change["host"]) == (1, "syslog", "alice", "edge1")
    assert change["title"] == "configured from console on vty0 (192.0.2.7)"
    assert change["exporter"] == packed("127.0.0.1")


def test_a_sender_s_zone_and_a_clock_that_is_wrong():
    zone = [{"senders": "127.0.0.1", "timezone": "Asia/Tokyo"}]
    with serving(senders=zone) as (server, intake):
        now = time.time()
        emitter = SyslogEmitter(("127.0.0.1", server.ports["udp"][0]), dialect="rfc3164")
        emitter.send(LINK, now + 9 * 3600)
        emitter.send(LINK, now)
        rows = until(lambda: rows if len(rows := intake.logs()) == 2 else None)
        emitter.close()
    assert abs(rows[0]["time_device"].timestamp() - now) < 1.1
    assert rows[0]["clock"] == 2
    assert rows[1]["clock"] == 3
    assert rows[1]["time"] == rows[1]["time_received"]


def test_templates_survive_a_restart(tmp_path):
    with serving(data_dir=tmp_path) as (server, intake):
        emit(server.ports["udp"][0], [Entry("h", "p", f"task finished by {name} in {n} seconds")
                                      for n, name in enumerate(("alpha", "beta"))])  # fmt: skip
        until(lambda: len(intake.logs()) == 2)
    with serving(data_dir=tmp_path) as (server, intake):
        emit(server.ports["udp"][0], [Entry("h", "p", "task finished by gamma in 7 seconds")])
        assert until(intake.logs)[0]["template"] == "task finished by <*> in <*> seconds"
    (tmp_path / "syslog-templates.json").write_text("{broken")
    with serving(data_dir=tmp_path):
        pass


def test_own_rules_come_first_and_errors_name_file_and_rule(tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "own.yaml").write_text(
        "rules:\n  - event: DOOR_OPENED\n    program: doord\n    text: 'door {door} opened'\n    component: '{door}'\n"
    )
    with serving(rules=rules) as (server, intake):
        emit(server.ports["udp"][0], [Entry("h", "doord", "door 7 opened")])
        row = until(intake.logs)[0]
    assert (row["event"], row["component"]) == ("DOOR_OPENED", "7")
    (rules / "own.yaml").write_text("rules:\n  - event: DOOR_OPENED\n    text: 'door {door:colour} opened'\n")
    with pytest.raises(ConfigError, match=r"own\.yaml: rule 1 \(DOOR_OPENED\).*no such kind"), serving(rules=rules):
        pass
    with pytest.raises(ConfigError, match=r"syslog\.rules"), serving(rules=tmp_path / "none"):
        pass
