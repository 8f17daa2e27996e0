"""Throughput between agents: who may test, what is refused, and what strangers say."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from collect.agent.kit import a_test
from weft.collect.agent.config import ThroughputConfig
from weft.collect.agent.throughput import Busy, ThroughputServer, send
from weft.errors import Unavailable


@pytest.fixture
def answering():
    """A server that knows 127.0.0.1."""
    one = ThroughputServer(ThroughputConfig(port=0, address="127.0.0.1"), lambda: {"127.0.0.1"})
    one.start()
    yield one
    one.stop()


def measured(port: int, **more):
    return send(a_test("throughput", duration_s=0.5, **more), "a", "127.0.0.1", port, 1e9)


def test_the_rate_asked_for_is_what_arrives(answering):
    for rate in (1e6, 40e6):
        outcome = measured(answering.port, most_bps=rate)
        assert outcome.state == "ok"
        assert 0.7 * rate < outcome.fields["throughput_bps"] < 1.3 * rate
    assert answering.counts["tests"] == 2


def test_one_at_a_time(answering):
    said = []
    first = threading.Thread(target=lambda: said.append(measured(answering.port)))
    first.start()
    while not answering._busy.locked():
        pass
    with pytest.raises(Busy):
        measured(answering.port)
    first.join()
    assert said[0].state == "ok"


def test_strangers_are_refused():
    one = ThroughputServer(ThroughputConfig(port=0, address="127.0.0.1", allowed=["192.0.2.0/24"]), set)
    one.start()
    try:
        outcome = measured(one.port)
    finally:
        one.stop()
    assert (outcome.state, "does not know you" in outcome.error) == ("error", True)
    assert one.counts["refused"] == 1
    assert [one.allows(at) for at in ("192.0.2.7", "::ffff:192.0.2.7", "198.51.100.1", "2001:db8::1")] == [
        True, True, False, False
    ]  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [b"", b"\n", b"GET / HTTP/1.1\r\n\r\n", b"[]\n", b'{"weft": 1}\n', b'{"weft": 1, "seconds": 1e9}\n',
     b'{"weft": 1, "seconds": "long"}\n', b"x" * 10_000, b"[" * 500 + b"\n"],
)  # fmt: skip
def test_nonsense_harms_nobody(answering, said):
    with socket.create_connection(("127.0.0.1", answering.port), 5) as one:
        one.sendall(said)
        one.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while more := one.recv(1000):
                answer += more
        except ConnectionResetError:
            pass
    assert not answer or json.loads(answer)["go"] is False
    assert measured(answering.port).state == "ok"


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 400 Bad Request\r\n", b"{}\n", b'{"go": true}\n{"bytes": -1}\n',
     b'{"go": true}\n{"bytes": 1, "seconds": NaN}\n', b'{"go": true}\n{"bytes": 1' + b"0" * 400 + b', "seconds": 1}\n'],
)  # fmt: skip
def test_one_that_is_no_agent_is_a_failure(answer):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            one, _ = listener.accept()
            with one:
                one.recv(1000)
                one.sendall(answer)
                one.shutdown(socket.SHUT_WR)
                while one.recv(1 << 16):
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        outcome = measured(listener.getsockname()[1], most_bps=1e6)
        thread.join(10)
    assert outcome.state in ("failed", "error")
    assert outcome.error


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = ThroughputConfig(port=listener.getsockname()[1], address="127.0.0.1")
        with pytest.raises(Unavailable, match=r"agent\.throughput\.port"):
            ThroughputServer(taken, set).start()
