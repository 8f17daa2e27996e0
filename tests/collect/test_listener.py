import errno
import socket
import time
from collections.abc import Callable

import pytest

from weft.collect.admission import Admission
from weft.collect.config import CollectConfig, ListenerConfig
from weft.collect.listener import Listener
from weft.collect.queue import DatagramQueue, Item
from weft.collect.receive import BatchReceiver, PortableReceiver, Receiver
from weft.collect.slab import SlabPool
from weft.collect.sockets import KernelCounters, open_listener
from weft.errors import Unavailable

from .fakes import datagram

RECEIVERS = [BatchReceiver, PortableReceiver]


class Rig:
    def __init__(self, receiver: Callable[[socket.socket], Receiver], address: str | None = None, **given: int) -> None:
        self.config = CollectConfig(**({"receive_ms": 20, "receive_rows": 64} | given))  # type: ignore[arg-type]
        self.queue, self.pool = DatagramQueue(), SlabPool(self.config.receive_rows)
        self.admission = Admission(queue_bytes=self.config.queue_bytes, max_senders=64)
        endpoint = ListenerConfig(port=0, address=address)  # type: ignore[arg-type]
        self.listener = Listener(endpoint, self.config, self.admission, self.queue, self.pool, receiver)
        self.listener.open()
        self.listener.start()

    def take(self, count: int) -> list[tuple[bytes, str]]:
        """Wait for ``count`` datagrams: payload and textual sender."""
        got: list[tuple[bytes, str]] = []
        deadline = time.monotonic() + 5
        while len(got) < count and time.monotonic() < deadline:
            item = self.queue.get(0.2)
            if item is not None:
                got += payloads(item)
                assert item.admitted is not None
                self.admission.release(item.admitted)
                if item.slab is not None:
                    self.pool.give(item.slab)
        return got


def payloads(item: Item) -> list[tuple[bytes, str]]:
    batch = item.batch
    addresses = [socket.inet_ntop(socket.AF_INET6, batch.source[i].tobytes()) for i in range(len(batch))]
    return [
        (batch.data[s : s + n].tobytes(), address)
        for s, n, address in zip(batch.start.tolist(), batch.length.tolist(), addresses, strict=True)
    ]


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_datagrams_arrive_whole_in_order_with_their_sender(receiver: Callable[[socket.socket], Receiver]) -> None:
    rig = Rig(receiver)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind(("127.0.0.9", 0))
    sizes = [72, 1400, 2047, 2048, 2049, 9000, 65507, 72]
    sent = [datagram(i, size) for i, size in enumerate(sizes)]
    try:
        for one in sent:
            sender.sendto(one, ("127.0.0.1", rig.listener.port))
        got = rig.take(len(sent))
        assert [raw for raw, _ in got] == sent
        assert {address for _, address in got} == {"::ffff:127.0.0.9"}
        status = rig.listener.status()
        assert (status.datagrams, status.octets) == (len(sent), sum(sizes))
    finally:
        rig.listener.stop()
        sender.close()


@pytest.mark.parametrize("receiver", RECEIVERS)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", None])
def test_every_kind_of_address(receiver: Callable[[socket.socket], Receiver], address: str | None) -> None:
    rig = Rig(receiver, address)
    to = address or "::1"
    try:
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.sendto(datagram(1), (to, rig.listener.port))
            port = sender.getsockname()[1]
        item = rig.queue.get(5)
        assert item is not None
        assert payloads(item) == [(datagram(1), "::1" if ":" in to else "::ffff:127.0.0.1")]
        assert item.batch.source_port.tolist() == [port]
    finally:
        rig.listener.stop()


def test_many_datagrams_fill_many_slabs_and_none_is_lost() -> None:
    rig = Rig(BatchReceiver)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for i in range(3000):
            sender.sendto(datagram(i), ("127.0.0.1", rig.listener.port))
    got = rig.take(3000)
    rig.listener.stop()
    assert [int.from_bytes(raw[8:16], "big") for raw, _ in got] == list(range(3000))
    assert rig.admission.used_bytes == 0
    status = rig.listener.status()
    assert status.kernel_drops == 0
    assert status.calls < 1500


def test_a_slab_is_clean_again_after_long_datagrams() -> None:
    rig = Rig(BatchReceiver, receive_rows=16)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for size in (30_000, 80, 4096, 100):
            sent = [datagram(i, size) for i in range(40)]
            for one in sent:
                sender.sendto(one, ("127.0.0.1", rig.listener.port))
            assert [raw for raw, _ in rig.take(40)] == sent
    rig.listener.stop()


def test_stop_takes_what_the_kernel_holds() -> None:
    rig = Rig(BatchReceiver, receive_ms=5000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for i in range(10):
            sender.sendto(datagram(i), ("127.0.0.1", rig.listener.port))
        began = time.monotonic()
        rig.listener.stop()
    assert time.monotonic() - began < 4.5
    assert len(rig.take(10)) == 10
    rig.listener.stop()  # may be called twice


def test_flush_brings_what_has_come_at_once() -> None:
    rig = Rig(BatchReceiver, receive_ms=5000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for round_ in range(1, 4):
            for i in range(200):
                sender.sendto(datagram(i), ("127.0.0.1", rig.listener.port))
            rig.listener.flush(5)
            assert rig.listener.status().datagrams == 200 * round_
            assert len(rig.take(200)) == 200
    began = time.monotonic()
    rig.listener.flush(60)  # nothing to flush
    assert time.monotonic() - began < 30
    rig.listener.stop()
    rig.listener.flush(5)


def test_kernel_drops_are_counted_exactly() -> None:
    sock = open_listener(ListenerConfig(port=0, address="127.0.0.1"), 4096)  # type: ignore[arg-type]
    counters = KernelCounters(sock)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(bytes(1000), sock.getsockname())
    counters.read()
    if not counters.supported:
        pytest.skip("this kernel does not tell (SO_MEMINFO)")
    held = 0
    while True:
        try:
            sock.recv(2000)
        except BlockingIOError:
            break
        held += 1
    assert counters.waiting > 0
    assert counters.dropped == 200 - held > 0
    assert counters.read() == 0
    sock.close()


def test_a_taken_port_is_a_clear_error() -> None:
    first = open_listener(ListenerConfig(port=0), 1 << 20)
    port = first.getsockname()[1]
    with pytest.raises(Unavailable, match=rf"UDP \*:{port}.*\(?[Aa]ddress already in use"):
        open_listener(ListenerConfig(port=port), 1 << 20)
    first.close()
    assert errno.EADDRINUSE
