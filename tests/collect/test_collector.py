import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tests.waiting import until

from weft.collect import CollectConfig, Collector, ListenerConfig
from weft.component import Running
from weft.decode.flow.decoder import FlowDecoder
from weft.errors import Unavailable
from weft.model.exporters import InterfaceFact

from .fakes import FakeDecoder, FakeEnricher, FakeState, FakeStore, batch_of, datagram
from .wire import v9

Make = Callable[..., "Rig"]


class Rig:
    def __init__(self, path: Path, **given: Any) -> None:
        self.store, self.enricher = FakeStore(), FakeEnricher()
        self.decoder, self.state = given.pop("decoder", FakeDecoder()), given.pop("state", FakeState())
        self.registry = CollectorRegistry()
        settings = {
            "listeners": (ListenerConfig(port=0, address="127.0.0.1"),), "receive_ms": 20, "batch_ms": 50,
            "retry_ms": 20, "spool_after_ms": 50,
        }  # fmt: skip
        self.config = CollectConfig(**(settings | given))
        self.collector = Collector(
            self.config, store=self.store, enricher=self.enricher, state=self.state, registry=self.registry,
            data_dir=path, decoder=self.decoder,  # type: ignore[arg-type]
        )  # fmt: skip
        self.collector.start()

    def send(self, *payloads: bytes, source: str = "127.0.0.1") -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((source, 0))
            for payload in payloads:
                sender.sendto(payload, ("127.0.0.1", self.collector.ports[0]))


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    rigs: list[Rig] = []

    def build(**given: Any) -> Rig:
        rigs.append(Rig(tmp_path, **given))
        return rigs[-1]

    yield build
    for rig in rigs:
        rig.store.gate.set()
        getattr(rig.decoder, "gate", rig.store.gate).set()
        rig.collector.stop()


def test_from_socket_to_store(make: Make) -> None:
    rig = make()
    began = time.monotonic()
    rig.send(*(datagram(i) for i in range(100)))
    until(lambda: len(rig.store.values()) == 100)
    assert rig.store.values() == list(range(100))
    status = rig.collector.status()
    assert status.listeners[0].datagrams == status.decode.datagrams == status.decode.flows == 100
    assert status.writer.rows["flows"] == 100
    assert status.queue.fill == 0
    assert status.kernel_drops == 0
    assert 0 < status.writer.latency_ms["max"] <= (time.monotonic() - began) * 1000


def test_time_received_is_when_it_came(make: Make) -> None:
    rig = make()
    before = time.time_ns()
    rig.send(datagram(1))
    until(lambda: bool(rig.store.batches))
    (received,) = rig.store.batches[0][1].column("time_received").cast("int64").to_pylist()
    assert before <= received <= time.time_ns()


def test_ingest_uses_the_same_path_and_keeps_its_own_times(make: Make) -> None:
    rig = make(listeners=(), batch_rows=10)
    for i in range(5):
        rig.collector.ingest(batch_of([datagram(10 * i + k) for k in range(10)], at_ns=1_000_000_000 * i))
    rig.collector.flush(5)
    assert rig.store.values() == list(range(50))
    times = {t for _, b, _ in rig.store.batches for t in b.column("time_received").cast("int64").to_pylist()}
    assert times == {1_000_000_000 * i for i in range(5)}
    assert rig.decoder.ticks[:5] == [1_000_000_000 * i for i in range(5)]


def test_ingest_waits_for_a_slow_store_without_spooling(make: Make) -> None:
    rig = make(listeners=(), batch_rows=10, pending_batches=1)
    rig.store.gate.clear()
    threading.Timer(0.3, rig.store.gate.set).start()
    for i in range(6):
        rig.collector.ingest(batch_of([datagram(10 * i + k) for k in range(10)]))
    rig.collector.flush(5)
    assert rig.store.values() == list(range(60))
    assert rig.collector.status().writer.spooled_rows == 0


def test_flush_writes_half_full_batches(make: Make) -> None:
    rig = make(listeners=(), batch_ms=60_000)
    rig.collector.ingest(batch_of([datagram(7)]))
    assert rig.store.values() == []
    rig.collector.flush(5)
    assert rig.store.values() == [7]


def test_flush_includes_what_the_sockets_hold(make: Make) -> None:
    rig = make(batch_ms=60_000, receive_ms=5000)
    rig.send(*(datagram(i) for i in range(100)))
    rig.collector.flush(5)
    assert rig.store.values() == list(range(100))


def test_stop_flushes_everything_received(make: Make) -> None:
    rig = make(batch_ms=60_000, receive_ms=5000)
    rig.send(*(datagram(i) for i in range(50)))
    rig.collector.stop()
    assert rig.store.values() == list(range(50))
    rig.collector.stop()
    with pytest.raises(Unavailable):
        rig.collector.ingest(batch_of([datagram(1)]))


def test_a_store_outage_is_lag_not_loss(make: Make) -> None:
    rig = make()
    rig.send(*(datagram(i) for i in range(10)))
    until(lambda: len(rig.store.values()) == 10)
    rig.store.away = True
    for i in range(10, 60, 10):
        rig.send(*(datagram(k) for k in range(i, i + 10)))
        time.sleep(0.08)
    until(lambda: rig.collector.status().spool.rows == 50)
    assert not rig.collector.status().writer.available
    rig.store.away = False
    until(lambda: len(rig.store.values()) == 60)
    status = rig.collector.status()
    assert sorted(rig.store.values()) == list(range(60))
    assert (status.spool.files, status.lost_rows, status.writer.available) == (0, {}, True)


def test_what_is_spooled_at_stop_is_stored_by_the_next_run(make: Make) -> None:
    rig = make()
    rig.store.away = True
    rig.send(*(datagram(i) for i in range(20)))
    until(lambda: rig.collector.status().decode.flows == 20)
    rig.collector.stop()
    assert rig.store.values() == []
    again = make()
    until(lambda: len(again.store.values()) == 20)


def test_garbage_from_one_exporter_neither_delays_nor_damages_another(make: Make) -> None:
    rig = make(queue_bytes=1 << 20, receive_rows=128)
    rig.decoder.gate.clear()  # the decoder is behind
    rig.send(*(datagram(10**6 + i, 1400) for i in range(2000)), source="127.0.0.66")
    rig.send(*([b"\xde\xad\xbe\xef" * 100] * 1000), source="127.0.0.67")
    rig.send(*(datagram(i) for i in range(40)), source="127.0.0.1")
    until(lambda: rig.collector.status().listeners[0].datagrams == 3040)
    rig.decoder.gate.set()
    until(lambda: sum(value < 10**6 for value in rig.store.values()) == 40)
    status = rig.collector.status()
    senders = {sender.address: sender for sender in status.senders}
    assert senders["127.0.0.1"].dropped == {}
    assert senders["127.0.0.66"].dropped["queue_full"] > 1000
    assert senders["127.0.0.67"].dropped == {"not_telemetry": 1000}


def test_the_ledger_adds_up(make: Make) -> None:
    rig = make(queue_bytes=1 << 20, receive_rows=128)
    rig.decoder.gate.clear()
    bad = b"\0\x05\xff\xff" + bytes(70)
    rig.send(*(datagram(i) for i in range(1500)), *([b"junk"] * 5), *([bad] * 3))
    until(lambda: rig.collector.status().listeners[0].datagrams == 1508)
    rig.decoder.gate.set()
    until(lambda: rig.collector.status().queue.fill == 0)
    rig.collector.flush(5)
    time.sleep(1.1)  # the streams are looked at once a second
    status = rig.collector.status()
    (book,) = status.ledger
    assert book.exporter == "127.0.0.1"
    stored, errors = len(rig.store.values()), book.errors.get("set_truncated", 0)
    assert stored + errors + sum(book.dropped.values()) + status.kernel_drops == 1508
    assert book.dropped["not_telemetry"] == 5


def test_a_defect_in_the_decoder_costs_one_batch_only(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = make(listeners=())
    good = rig.decoder.decode
    monkeypatch.setattr(rig.decoder, "decode", lambda batch: 1 / 0)
    rig.collector.ingest(batch_of([datagram(1)]))
    monkeypatch.setattr(rig.decoder, "decode", good)
    rig.collector.ingest(batch_of([datagram(2)]))
    rig.collector.flush(5)
    assert rig.store.values() == [2]
    assert rig.collector.status().decode.failures == 1


def test_names_reach_the_dictionaries_even_if_the_store_was_away(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = make()
    rig.store.away = True
    rig.enricher.changes = {"asns": [{"asn": 64501, "name": "Example"}]}
    decode = rig.decoder.decode

    def learns(batch: Any) -> Any:
        decoded = decode(batch)
        decoded.interfaces.append(InterfaceFact("127.0.0.1", 3, "et-0/0/3", "uplink", 10**10, 5 * 10**9))
        return decoded

    monkeypatch.setattr(rig.decoder, "decode", learns)
    rig.send(datagram(1))
    time.sleep(1.2)
    rig.store.away = False
    until(lambda: set(rig.store.dictionaries) == {"asns", "interfaces", "exporters"})
    assert rig.store.dictionaries["asns"] == [{"asn": 64501, "name": "Example"}]
    (interface,) = rig.store.dictionaries["interfaces"]
    assert interface["exporter"] == "127.0.0.1"
    assert (interface["if_index"], interface["name"], interface["speed_bps"]) == (3, "et-0/0/3", 10**10)
    assert rig.store.dictionaries["exporters"][0]["name"] == "127.0.0.1"


def test_templates_survive_a_restart(make: Make) -> None:
    saved = FakeState()
    first = make(listeners=(), decoder=FlowDecoder(), state=saved)
    first.collector.ingest(batch_of([v9([1, 2], template=True, sequence=0)], "192.0.2.9"))
    first.collector.stop()
    assert first.store.values() == [1, 2]
    assert json.loads(json.dumps(saved.saved)) == saved.saved != []
    second = make(listeners=(), decoder=FlowDecoder(), state=saved)
    second.collector.ingest(batch_of([v9([3, 4], template=False, sequence=1)], "192.0.2.9"))
    second.collector.flush(5)
    assert second.store.values() == [3, 4]
    without = make(listeners=(), decoder=FlowDecoder(), state=FakeState())
    without.collector.ingest(batch_of([v9([5], template=False, sequence=2)], "192.0.2.9"))
    without.collector.flush(5)
    assert without.store.values() == []
    (book,) = without.collector.status().ledger
    assert book.held == 1


def test_state_that_cannot_be_read_does_not_keep_it_from_starting(make: Make) -> None:
    damaged = FakeState()
    damaged.saved = [{"no": "template"}]
    rig = make(listeners=(), state=damaged)
    rig.collector.ingest(batch_of([datagram(1)]))
    rig.collector.flush(5)
    assert rig.store.values() == [1]


def test_prometheus_counters(make: Make) -> None:
    rig = make()
    rig.send(*(datagram(i) for i in range(10)), b"junk")
    until(lambda: len(rig.store.values()) == 10)
    text = generate_latest(rig.registry).decode()
    assert f'weft_listener_datagrams_total{{port="{rig.collector.ports[0]}"}} 11.0' in text
    assert 'weft_collect_dropped_datagrams_total{reason="not_telemetry"} 1.0' in text
    assert 'weft_store_rows_total{table="flows"} 10.0' in text
    rig.collector.stop()
    assert generate_latest(rig.registry) == b""


def test_a_start_that_fails_leaves_nothing_behind(make: Make, tmp_path: Path) -> None:
    rig = make()
    taken = (
        ListenerConfig(port=0, address="127.0.0.1"),
        ListenerConfig(port=rig.collector.ports[0], address="127.0.0.1"),
    )
    before = threading.active_count()
    second = Collector(
        CollectConfig(listeners=taken), store=rig.store, enricher=rig.enricher, data_dir=tmp_path / "b",
        decoder=FakeDecoder(),  # type: ignore[arg-type]
    )  # fmt: skip
    with pytest.raises(Unavailable):
        Running([second]).start()
    assert threading.active_count() == before
    second.stop()


def test_rates_over_the_last_minute() -> None:
    from weft.collect.rates import RateMeter
    from weft.model.exporters import StreamStatus

    meter = RateMeter()
    stream = StreamStatus("a", "a", 1, 0)
    assert meter.update([stream], 0.0)[0].records_per_s == 0
    for second in range(1, 121):
        stream.records = second * 100 if second <= 60 else 6000 + (second - 60) * 10
        stream.datagrams, stream.octets = second, second * 1000
        (rate,) = meter.update([stream], float(second))
        if second == 60:
            assert rate.records_per_s == pytest.approx(100)
    assert rate.records_per_s == pytest.approx(10, rel=0.8)
    assert (rate.datagrams_per_s, rate.bits_per_s) == (pytest.approx(1), pytest.approx(8000))
