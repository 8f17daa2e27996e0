"""What detectors of attacks hold when somebody sends made-up addresses without end, and what they still see then."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.detect.security.covert_rows import START_S, fortinet, log_rows
from tests.detect.security.records import OWN, T0, WHOLE, context, play, records, v4

from weft.detect import registry
from weft.detect.detector import RowsDetector
from weft.detect.security import dns, names, threat_lists
from weft.model.flows import FLOWS

_FLOWS = ("ddos", "port_scan", "brute_force", "spoofing", "beacon", "exfiltration", "dns_tunnel", "lateral_movement",
          "long_connection", "threat_list")  # fmt: skip
_ROWS = 4000
#: MB that the largest (floods) takes, and what all that a detector holds may grow by after the first batches.
_MOST_MB, _GROWN_MB = 80.0, 0.3
_PORTS = np.array([22, 53, 80, 443, 445, 8443])


def made_up(rng: np.random.Generator, minute: float, n: int = _ROWS) -> pa.RecordBatch:
    """Connections that carry data from addresses inside to some outside, and to some inside: none comes twice."""
    inside = v4("10.0.0.0") + rng.integers(0, 1 << 24, n)
    outside = rng.integers(1 << 24, 1 << 31, n)
    dst = np.where(rng.random(n) < 0.5, outside, v4("10.0.0.0") + rng.integers(0, 1 << 24, n))
    rows = records(n, at_s=T0 + 60 * minute + np.sort(rng.uniform(0, 60, n)), src=inside, dst=dst,
                   dst_port=rng.choice(_PORTS, n), src_port=rng.integers(20000, 65000, n), tcp_flags=WHOLE,
                   protocol=rng.choice([6, 17], n), bytes=rng.integers(60, 200_000_000, n),
                   packets=rng.integers(1, 100_000, n), in_if=rng.integers(1, 1 << 20, n))  # fmt: skip
    return put(rows, "dst_as", rng.integers(1, 1 << 31, n))


def put(rows: pa.RecordBatch, name: str, values: Any) -> pa.RecordBatch:
    """The rows with other numbers in a column."""
    at = rows.schema.get_field_index(name)
    column = pa.array(np.broadcast_to(values, rows.num_rows)).cast(FLOWS.schema.field(name).type)
    return rows.append_column(name, column) if at < 0 else rows.set_column(at, name, column)


def made(name: str) -> RowsDetector:
    """A detector that has something to look for."""
    settings = {"entries": ["64.0.0.0/6"]} if name == "threat_list" else {}
    detector = registry.make(name, context(OWN, **settings))
    assert isinstance(detector, RowsDetector)
    return detector


@pytest.mark.parametrize("name", _FLOWS)
def test_what_is_held_does_not_grow_with_made_up_addresses(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threat_lists, "_MOST_TOLD", 20)
    play(made(name), (made_up(np.random.default_rng(1), minute) for minute in range(2)))  # kernels are compiled
    rng = np.random.default_rng(2)
    tracemalloc.start()
    try:
        detector = made(name)
        play(detector, (made_up(rng, minute) for minute in range(61, 64)))
        first = tracemalloc.get_traced_memory()[0] / 1e6
        play(detector, (made_up(rng, minute) for minute in range(64, 74)))
        held = tracemalloc.get_traced_memory()[0] / 1e6
    finally:
        tracemalloc.stop()
    assert held <= _MOST_MB
    assert held - first <= _GROWN_MB


@pytest.mark.parametrize("name", ["dns_tunnel", "threat_list"])
def test_what_is_held_does_not_grow_with_made_up_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for bound, value in (("_MOST_HELD", 500), ("_MOST_ODD_DOMAINS", 50)):
        monkeypatch.setattr(dns, bound, value)
    for made_of in ("registered_domain", "oddness"):  # their caches are bounded, and fill up slowly
        monkeypatch.setattr(dns, made_of, getattr(names, made_of).__wrapped__)
    rng = np.random.default_rng(3)
    detector = registry.make(name, context(OWN, entries=["drop.example"], most_pairs=100))
    assert isinstance(detector, RowsDetector)

    def feed(minutes: range) -> float:
        for minute in minutes:
            drawn = rng.bytes(40 * 400).hex()
            lines = [drawn[i : i + 80] for i in range(0, len(drawn), 80)]
            detector.take("logs", log_rows([
                (60 * minute + i / 7, fortinet(f"10.{one[0]}.{i % 250}.{minute}", f"{one[:50]}.{one[60:]}.example"))
                for i, one in enumerate(lines)
            ]))  # fmt: skip
            detector.tick(START_S + 60 * minute + 60)
        return tracemalloc.get_traced_memory()[0] / 1e6

    feed(range(1))
    tracemalloc.start()
    try:
        first = feed(range(1, 4))
        assert feed(range(4, 12)) - first <= _GROWN_MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["beacon", "exfiltration", "lateral_movement"])
def test_what_hides_among_made_up_addresses_is_found_all_the_same(name: str) -> None:
    """Every minute four thousand pairs that come once, in tables of a thousand; and one host that does what it does."""
    detector = registry.make(name, context(OWN, learn_s=600, pairs=1024))
    assert isinstance(detector, RowsDetector)
    who, rng, found = v4("10.9.9.9"), np.random.default_rng(4), []
    for minute in range(60):
        at = T0 + 60 * minute
        noise = made_up(rng, minute)
        small = put(noise, "bytes", 900)
        mine = []
        if minute >= 15 and name == "beacon":
            mine = [records(1, at_s=at + 59.9, src=who, dst=v4("198.51.100.7"), src_port=30000 + minute, bytes=700,
                            tcp_flags=WHOLE)]  # fmt: skip
        if minute >= 15 and name == "exfiltration":
            mine = [records(1, at_s=at + 59.9, src=who, dst=v4("198.51.100.7"), src_port=30000, bytes=90_000_000,
                            packets=60_000)]  # fmt: skip
        if 15 <= minute < 18 and name == "lateral_movement":
            mine = [records(10, at_s=at + 59.9, src=who, dst=v4("10.8.8.1") + 10 * minute + np.arange(10), dst_port=22,
                            src_port=50000 + np.arange(10), tcp_flags=WHOLE)]  # fmt: skip
        found += play(detector, [small, *(put(one, "dst_as", 64511) for one in mine)])
    assert "10.9.9.9" in {one.entity.id for one in found}
    assert len({one.entity.id for one in found}) <= 3
