"""sFlow v5 counter samples."""

from __future__ import annotations

import struct

import pytest
import sflow_wire as wire

from weft.decode.flow.decoder import FlowDecoder
from weft.decode.flow.sflow_counters import NAMES, STRUCTURES
from weft.model.metrics import METRICS

UNKNOWN = 0xFFFFFFFF


def interface(index: int = 7, speed: int = 10**10, octets: int = 1 << 40, status: int = 3) -> bytes:
    return wire.record(
        1,
        struct.pack(
            ">IIQIIQ6IQ6I",
            index,
            6,
            speed,
            1,
            status,
            octets,
            *range(1, 7),
            (octets + 1) % (1 << 64),
            *range(11, 16),
            0,
        ),
    )


def test_interface() -> None:
    found = wire.metrics(wire.datagram(wire.counters(interface())))
    assert found["speed_bps", 7] == 1e10
    assert found["admin_status", 7] == found["oper_status", 7] == 1
    assert found["in_octets", 7] == 1 << 40
    assert found["out_octets", 7] == (1 << 40) + 1
    assert [found[f"in_{name}", 7] for name in ("unicast_pkts", "multicast_pkts", "broadcast_pkts")] == [1, 2, 3]
    assert [found[f"in_{name}", 7] for name in ("discards", "errors", "unknown_protos")] == [4, 5, 6]
    assert [found[f"out_{name}", 7] for name in ("unicast_pkts", "multicast_pkts", "broadcast_pkts")] == [11, 12, 13]
    assert [found[f"out_{name}", 7] for name in ("discards", "errors")] == [14, 15]
    assert len(found) == 16


def test_expanded_samples_and_both_kinds_in_one_datagram() -> None:
    message = wire.datagram(
        wire.counters_expanded(wire.record(2, struct.pack(">13I", *range(13))), source=5), wire.counters(interface())
    )
    found = wire.metrics(message)
    assert found["in_alignment_errors", 5] == 0
    assert found["in_symbol_errors", 5] == 12
    assert found["oper_status", 7] == 1


def test_status_bits() -> None:
    found = wire.metrics(wire.datagram(wire.counters(interface(status=1))))
    assert (found["admin_status", 7], found["oper_status", 7]) == (1, 2)


def test_all_ones_is_unknown() -> None:
    found = wire.metrics(wire.datagram(wire.counters(interface(octets=(1 << 64) - 1, status=UNKNOWN))))
    assert ("in_octets", 7) not in found
    assert ("oper_status", 7) not in found
    assert found["in_errors", 7] == 5


def test_vlan_processor_host_optics() -> None:
    lanes = b"".join(struct.pack(">10I", lane, 6000, 500 + lane, 0, 0, 1310, 400 + lane, 0, 0, 1310) for lane in (1, 2))
    message = wire.datagram(
        wire.counters(
            wire.record(5, struct.pack(">IQ4I", 30, 5000, 1, 2, 3, 4)),
            wire.record(1001, struct.pack(">3IQQ", 1250, 500, UNKNOWN, 1000, 400)),
            wire.record(2003, struct.pack(">3f5I9I", 0.5, 1.5, 2.5, *range(14))),
            wire.record(2006, struct.pack(">Q3IQ3I", 9, 1, 2, 3, 10, 4, 5, 6)),
            wire.record(10, struct.pack(">IIIiI", 1, 2, 3300, -5500, 2) + lanes),
        )
    )
    found = wire.metrics(message)
    assert found["vlan_octets", 'vlan="30"'] == 5000
    assert found["cpu_5s_percent", 0] == 12.5
    assert ("cpu_5min_percent", 0) not in found
    assert found["memory_free_bytes", 0] == 400
    assert found["load_1min", 0] == 0.5
    assert found["context_switches", 0] == 13
    assert found["host_out_octets", 0] == 10
    assert found["optical_voltage_v", 7] == 3.3
    assert found["laser_temperature_celsius", 7] == -5.5
    assert found["optical_rx_dbm", 'lane="1"'] == pytest.approx(-3.97, abs=0.01)
    assert found["optical_tx_dbm", 'lane="2"'] == pytest.approx(-2.99, abs=0.01)


def test_rows_have_the_declared_columns() -> None:
    batch = FlowDecoder().decode(wire.to_batch(wire.datagram(wire.counters(interface())))).metrics
    assert batch.schema.equals(METRICS.schema)
    row = batch.to_pylist()[3]
    assert (row["metric"], row["metric_type"], row["source"]) == ("in_octets", 1, 1)
    assert row["exporter"] == bytes(10) + b"\xff\xff\xc0\x00\x02\x09"
    assert row["time_received"].value == wire.RECEIVED


def test_names_and_speeds_are_learned_once() -> None:
    decoder = FlowDecoder()
    name = wire.record(1005, b"\0\0\0\x06et-0/1\0\0")
    message = wire.datagram(wire.counters(interface(), name))
    (fact,) = decoder.decode(wire.to_batch(message)).interfaces
    assert (fact.exporter, fact.if_index, fact.name, fact.speed_bps) == ("192.0.2.9", 7, "et-0/1", 10**10)
    assert decoder.decode(wire.to_batch(message)).interfaces == []
    (fact,) = decoder.decode(wire.to_batch(wire.datagram(wire.counters(interface(speed=10**11), name)))).interfaces
    assert fact.speed_bps == 10**11


@pytest.mark.parametrize("number", STRUCTURES)
def test_a_structure_shorter_than_its_format(number: int) -> None:
    message = wire.datagram(wire.counters(wire.record(number, bytes(STRUCTURES[number][0] - 4)), interface()))
    assert wire.metrics(message)["oper_status", 7] == 1
    assert wire.errors(message) == {"bad_counter": 1}


def test_malformed_counter_samples() -> None:
    for bad in (
        wire.sample(2, struct.pack(">3I", 1, 7, 0xFFFFFFFF)),
        wire.sample(2, struct.pack(">5I", 1, 7, 1, 1, 400)),
        wire.sample(4, bytes(12)),
    ):
        message = wire.datagram(bad, wire.counters(interface()))
        assert wire.metrics(message)["oper_status", 7] == 1
        assert wire.errors(message) == {"bad_counter": 1}


def test_unknown_structures_are_skipped() -> None:
    message = wire.datagram(
        wire.counters(wire.record(4413 << 12 | 3, bytes(17)), wire.record(2000, bytes(40)), interface())
    )
    assert wire.metrics(message)["oper_status", 7] == 1
    assert wire.errors(message) == {}


def test_metric_names_are_snake_case_and_one_of_a_kind() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(name == name.lower() and " " not in name for name in NAMES)
