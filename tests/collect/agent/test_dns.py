"""DNS tests against bind9 and unbound, and against servers that misbehave."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading

import dns.message
import pytest

from collect.agent.kit import once
from collect.agent.test_http import free_port
from programs import needs
from waiting import until

ZONE = """
$TTL 60
@ IN SOA ns.example.com. noc.example.com. 1 3600 600 86400 60
@ IN NS ns.example.com.
ns IN A 127.0.0.1
@ IN MX 10 mail.example.com.
www IN A 192.0.2.10
www IN A 192.0.2.11
www IN AAAA 2001:db8::10
alias IN CNAME www
@ IN TXT "v=spf1 -all"
@ IN CAA 0 issue "ca.example.net"
mail IN A 192.0.2.25
sip IN A 192.0.2.50
_sip._udp IN SRV 1 2 5060 sip.example.com.
""" + "\n".join(f"large IN A 198.51.100.{i}" for i in range(1, 96))
REVERSE = """
$TTL 60
@ IN SOA ns.example.com. noc.example.com. 1 3600 600 86400 60
@ IN NS ns.example.com.
10 IN PTR www.example.com.
"""
NAMED = """
options {{ directory "{d}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 port {port} {{ ::1; }};
  recursion no; dnssec-validation no; pid-file none; session-keyfile "{d}/session"; empty-zones-enable no; }};
controls {{ }};
zone "example.com" {{ type primary; file "{d}/example.com"; }};
zone "2.0.192.in-addr.arpa" {{ type primary; file "{d}/reverse"; }};
"""
UNBOUND = """
server:
  interface: 127.0.0.1@{port}
  port: {port}
  directory: "{d}"
  username: ""
  chroot: ""
  pidfile: ""
  do-daemonize: no
  use-syslog: no
  logfile: "{d}/log"
  do-not-query-localhost: no
  module-config: "iterator"
  access-control: 127.0.0.0/8 allow
  local-zone: "refused.example." refuse
remote-control:
  control-enable: no
forward-zone:
  name: "example.com."
  forward-addr: 127.0.0.1@{to}
"""


@contextlib.contextmanager
def running(command: list[str], port: int, directory):
    with (directory / "out").open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)

        def answers():
            assert process.poll() is None, (directory / "out").read_text()[-2000:]
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True

        try:
            until(answers)
            yield
        finally:
            process.terminate()
            process.wait(15)


@pytest.fixture(scope="module")
def bind(tmp_path_factory):
    """A server that knows example.com: its port."""
    program, directory, port = needs("named", "bind9"), tmp_path_factory.mktemp("bind"), free_port()
    (directory / "example.com").write_text(ZONE + "\n")
    (directory / "reverse").write_text(REVERSE)
    (directory / "named.conf").write_text(NAMED.format(d=directory, port=port))
    command = [program, "-g", "-c", str(directory / "named.conf"), "-n", "1", "-u", os.environ.get("USER", "root")]
    with running(command, port, directory):
        yield port


@pytest.fixture(scope="module")
def unbound(bind, tmp_path_factory):
    """A resolver that asks the other: its port."""
    program, directory, port = needs("unbound", "unbound"), tmp_path_factory.mktemp("unbound"), free_port()
    (directory / "conf").write_text(UNBOUND.format(d=directory, port=port, to=bind))
    with running([program, "-d", "-c", str(directory / "conf")], port, directory):
        yield port


@pytest.mark.peers
@pytest.mark.parametrize(
    ("name", "record", "answer"),
    [
        ("www.example.com", "A", "192.0.2.10, 192.0.2.11"),
        ("www.example.com", "AAAA", "2001:db8::10"),
        ("example.com", "MX", "10 mail.example.com."),
        ("example.com", "NS", "ns.example.com."),
        ("example.com", "TXT", '"v=spf1 -all"'),
        ("example.com", "CAA", '0 issue "ca.example.net"'),
        ("_sip._udp.example.com", "SRV", "1 2 5060 sip.example.com."),
        ("alias.example.com", "CNAME", "www.example.com."),
        ("alias.example.com", "A", "192.0.2.10, 192.0.2.11, www.example.com."),
        ("192.0.2.10", "PTR", "www.example.com."),
        ("example.com", "SOA", "ns.example.com. noc.example.com. 1 3600 600 86400 60"),
    ],
)
def test_records_are_looked_up(bind, name, record, answer):
    probe, _ = once("dns", name, f"127.0.0.1:{bind}", record=record)
    assert (probe["state"], probe["answer"], probe["code"]) == ("ok", answer, 0), probe
    assert (probe["sent"], probe["received"], probe["resolver"]) == (1, 1, f"127.0.0.1:{bind}")
    assert probe["rtt_ms"] > 0


@pytest.mark.peers
def test_a_resolver_over_both_families(bind, unbound):
    assert once("dns", "www.example.com", f"127.0.0.1:{unbound}")[0]["state"] == "ok"
    assert once("dns", "www.example.com", f"[::1]:{bind}")[0]["address"] == "::1"
    assert once("dns", "www.example.com", f"localhost:{bind}", family="ipv4")[0]["address"] == "127.0.0.1"


@pytest.mark.peers
def test_an_answer_that_does_not_fit_comes_over_tcp(bind):
    probe, _ = once("dns", "large.example.com", f"127.0.0.1:{bind}")
    assert (probe["state"], probe["answer"].startswith("198.51.100.")) == ("ok", True)


@pytest.mark.peers
def test_wrong_answers_fail(bind, unbound):
    where = f"127.0.0.1:{bind}"
    nobody, _ = once("dns", "nobody.example.com", where)
    assert (nobody["state"], nobody["error"], nobody["code"]) == ("failed", "NXDOMAIN", 3)
    empty, _ = once("dns", "ns.example.com", where, record="AAAA")
    assert (empty["state"], empty["error"]) == ("failed", "no AAAA record")
    other, _ = once("dns", "www.example.com", where, expect_answers=["192.0.2.10", "192.0.2.99"])
    assert (other["state"], other["error"]) == ("failed", "not among the answers: 192.0.2.99")
    refused, _ = once("dns", "a.refused.example", f"127.0.0.1:{unbound}")
    assert (refused["state"], refused["error"], refused["code"]) == ("failed", "REFUSED", 5)
    good, _ = once("dns", "example.com", where, record="MX", expect_answers=["10 MAIL.example.com"])
    assert good["state"] == "ok"


def test_a_resolver_that_is_not_there():
    closed, _ = once("dns", "example.com", f"127.0.0.1:{free_port()}")
    assert (closed["state"], closed["error"]) == ("failed", "connection refused")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        probe, _ = once("dns", "example.com", f"127.0.0.1:{silent.getsockname()[1]}", timeout_ms=200)
    assert (probe["state"], probe["sent"], probe["received"]) == ("failed", 2, 0)
    assert once("dns", "x" * 70 + ".example.com", "127.0.0.1")[0]["state"] == "error"
    assert once("dns", "example.com", "127.0.0.1:nonsense")[0]["state"] == "error"


def test_answers_to_other_questions_do_not_count():
    """Those with another id, another question or another source are passed over; the true one counts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))

        def serve():
            data, sender = one.recvfrom(2048)
            query = dns.message.from_wire(data)
            other = dns.message.make_query("other.example.com", "A", id=query.id)
            for wire in (b"", b"\x00" * 12, data[:2] + b"\xff" * 20, dns.message.make_response(other).to_wire()):
                one.sendto(wire, sender)
            forged = dns.message.make_response(query)
            forged.id = (query.id + 1) & 0xFFFF
            one.sendto(forged.to_wire(), sender)
            true = dns.message.make_response(query)
            true.set_rcode(3)
            one.sendto(true.to_wire(), sender)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        probe, _ = once("dns", "example.com", f"127.0.0.1:{one.getsockname()[1]}")
        thread.join(5)
    assert (probe["state"], probe["error"]) == ("failed", "NXDOMAIN")
