"""A flood of garbage from one exporter neither delays nor damages another: real sockets, real decoder."""

from __future__ import annotations

import random
import socket
import threading
import time
from pathlib import Path

from weft.collect import CollectConfig, Collector, ListenerConfig
from weft.decode.flow.decoder import FlowDecoder

from .fakes import FakeEnricher, FakeStore
from .wire import v5_stream, v9

GOOD, BAD = "127.0.0.1", "127.0.0.66"


def garbage(rng: random.Random, count: int) -> list[bytes]:
    """Noise; noise behind the header of a real protocol; templates that lie about their length."""
    v9_head, ipfix_head, v5_head = (
        b"\0\x09\0\x10" + bytes(16),
        b"\0\x0a\x05\x78" + bytes(12),
        b"\0\x05\0\x1e" + bytes(20),
    )
    sflow_head = bytes.fromhex("00000005 00000001 7f000042")
    heads = [b"", v9_head, ipfix_head, v5_head, sflow_head, v9([], template=True, sequence=0)[:40]]
    return [rng.choice(heads) + rng.randbytes(rng.randrange(1400)) for _ in range(count)]


def test_flood(compiled: None, tmp_path: Path) -> None:
    store = FakeStore()
    endpoint = ListenerConfig(port=0, address="127.0.0.1")  # type: ignore[arg-type]
    config = CollectConfig(listeners=(endpoint,), batch_ms=200, queue_bytes=4 << 20)
    collector = Collector(config, store=store, enricher=FakeEnricher(), data_dir=tmp_path, decoder=FlowDecoder())
    collector.start()
    target = ("127.0.0.1", collector.ports[0])
    ended = threading.Event()
    noise = garbage(random.Random(7), 500)

    def flood() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((BAD, 0))
            while not ended.is_set():
                for one in noise:
                    sender.sendto(one, target)

    thread = threading.Thread(target=flood)
    thread.start()
    stream = v5_stream(30_000)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((GOOD, 0))
            for one in stream:
                sender.sendto(one, target)
                time.sleep(0.001)
        sent = time.monotonic()
        while len(store.values()) < 30_000 and time.monotonic() - sent < 10:
            time.sleep(0.05)
        delay = time.monotonic() - sent
    finally:
        ended.set()
        thread.join()
    collector.flush()
    status = collector.status()
    collector.stop()
    senders = {sender.address: sender for sender in status.senders}
    assert status.kernel_drops == 0
    good = [value for value in store.values() if value < 30_000]
    assert sorted(set(good)) == list(range(30_000)), senders
    assert delay < 5
    assert senders[BAD].datagrams > 10 * senders[GOOD].datagrams, "no flood"
    assert senders[GOOD].dropped == {}
    book = {one.exporter: one for one in status.ledger}[GOOD]
    assert (sum(book.lost.values()), book.errors) == (0, {})
    assert senders[BAD].dropped["not_telemetry"] > 0
