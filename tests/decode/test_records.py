"""Decoded batches to normalised records."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from weft.decode.flow.records import RECORD_FIELDS, address_text, json_lines, mac_text, records, time_text
from weft.model.flows import DECODED_SCHEMA, PRESENT_BIT, WIRE_COLUMNS
from weft.model.tables import Kind


def batch(*rows: dict[str, Any]) -> pa.RecordBatch:
    """Rows with only these columns present; the others hold noise that must not show."""
    out = []
    for row in rows:
        cells: dict[str, Any] = {}
        for field in DECODED_SCHEMA:
            if field.type == pa.binary(16):
                cells[field.name] = b"\x07" * 16
            else:
                cells[field.name] = 7
        cells |= row
        cells["present"] = sum(1 << PRESENT_BIT[name] for name in row)
        out.append(cells)
    return pa.RecordBatch.from_pylist(out, schema=DECODED_SCHEMA)


def one(**row: Any) -> dict[str, Any]:
    (found,) = records(batch(row))
    return {name: value for name, value in found.items() if value is not None}


def test_keys_are_the_wire_columns_in_order() -> None:
    (found,) = records(batch({}))
    assert tuple(found) == RECORD_FIELDS == tuple(column.name for column in WIRE_COLUMNS)
    assert set(found.values()) == {None}


def test_the_promised_keys_are_there() -> None:
    promised = {
        *("time_received", "time_start", "time_end", "exporter", "observation_domain", "protocol_version"),
        *("src_addr", "dst_addr", "src_port", "dst_port", "protocol", "bytes", "packets", "sampling_rate"),
        *("in_if", "out_if", "tcp_flags", "src_as", "dst_as", "next_hop", "direction"),
    }
    assert promised <= set(RECORD_FIELDS)


def test_zero_that_was_sent_is_not_absent() -> None:
    zeros = {"bytes": 0, "src_port": 0, "in_if": 0, "src_as": 0, "tcp_flags": 0, "sampling_rate": 0}
    assert one(**zeros) == zeros
    assert one(next_hop=bytes(10) + b"\xff\xff" + bytes(4)) == {"next_hop": "0.0.0.0"}
    assert one(next_hop=bytes(16)) == {"next_hop": "::"}


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_700_000_000_000_000_000, "2023-11-14T22:13:20Z"),
        (1_700_000_000_120_000_000, "2023-11-14T22:13:20.120Z"),
        (1_700_000_000_123_456_000, "2023-11-14T22:13:20.123456Z"),
        (1_700_000_000_000_000_001, "2023-11-14T22:13:20.000000001Z"),
        (-1_000_000, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_times(ns: int, text: str) -> None:
    assert time_text(ns) == text
    assert one(time_start=ns) == {"time_start": text}


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (bytes(10) + b"\xff\xff\x0a\x01\x02\x03", "10.1.2.3"),
        (bytes.fromhex("20010db8000000000000000000000001"), "2001:db8::1"),
        (bytes.fromhex("20010db800000001000000000000000a"), "2001:db8:0:1::a"),
    ],
)
def test_addresses(address: bytes, text: str) -> None:
    assert address_text(address) == text
    assert one(src_addr=address, exporter=address) == {"src_addr": text, "exporter": text}


def test_an_exporter_that_is_not_known_is_absent() -> None:
    assert one(exporter=bytes(16)) == {}


def test_names_and_numbers() -> None:
    assert one(flow_type=3, direction=0, sampling_source=0, encapsulation=4, time_quality=2, protocol=6) == {
        "flow_type": "ipfix",
        "direction": "ingress",
        "sampling_source": "unknown",
        "encapsulation": "geneve",
        "time_quality": "receive_time",
        "protocol": 6,
    }
    assert one(direction=1) == {"direction": "egress"}
    assert one(direction=255) == {}
    assert one(encapsulation=99) == {"encapsulation": "99"}


def test_macs() -> None:
    assert mac_text(0x0A0B0C0D0E0F) == "0a:0b:0c:0d:0e:0f"
    assert one(src_mac=1) == {"src_mac": "00:00:00:00:00:01"}


def test_large_counts_stay_exact() -> None:
    assert one(bytes=(1 << 64) - 1) == {"bytes": (1 << 64) - 1}


def test_rows_are_told_apart_also_in_a_slice() -> None:
    found = batch({"src_port": 1}, {"dst_port": 2, "src_addr": bytes(16)}, {"src_port": 3}).slice(1)
    lines = [json.loads(line) for line in json_lines(found).splitlines()]
    assert [(line["src_port"], line["dst_port"], line["src_addr"]) for line in lines] == [
        (None, 2, "::"),
        (3, None, None),
    ]


def test_lines_say_what_records_say() -> None:
    full = {c.name: bytes(10) + b"\xff\xff\1\2\3\4" if c.kind is Kind.ADDRESS else 3 for c in WIRE_COLUMNS}
    for rows in ([full, full], [full, {}], [{}, {"src_mac": 5}], [{}], [{"direction": 255}, {"direction": 1}]):
        found = batch(*rows)
        assert [json.loads(line) for line in json_lines(found).splitlines()] == list(records(found))


def test_no_rows() -> None:
    assert json_lines(batch()) == b""
