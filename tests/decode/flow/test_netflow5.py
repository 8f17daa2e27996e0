"""NetFlow v5."""

from __future__ import annotations

import pytest
from flow_wire import EXPORTED, UPTIME, decode, new_decoder, rows, stream, v5, v5_record

from weft.decode.flow.limits import SamplingOverrides, SamplingRule


def test_every_column() -> None:
    (record,) = decode(v5(v5_record(), sampling=0x4000 | 100, nsecs=5_000_000))
    assert record == {
        "time_received": "2023-11-14T22:13:20.250Z",
        "time_start": "2023-11-14T22:13:15.005Z",
        "time_end": "2023-11-14T22:13:19.005Z",
        "exporter": "198.51.100.7",
        "observation_domain": 0x0102,
        "flow_type": "netflow_v5",
        "protocol_version": 5,
        "src_addr": "192.0.2.1",
        "dst_addr": "198.51.100.2",
        "src_port": 1234,
        "dst_port": 443,
        "protocol": 6,
        "bytes": 1500,
        "packets": 10,
        "sampling_rate": 100,
        "sampling_source": "header",
        "in_if": 3,
        "out_if": 4,
        "tcp_flags": 0x1B,
        "src_as": 65001,
        "dst_as": 65002,
        "next_hop": "203.0.113.3",
        "tos": 0x20,
        "src_mask": 24,
        "dst_mask": 16,
        "time_quality": "exporter",
    }


def test_the_top_two_bits_of_the_sampling_field_are_the_mode() -> None:
    assert [r["sampling_rate"] for r in decode(v5(v5_record(), sampling=0xC000 | 0x3FFF))] == [0x3FFF]


def test_a_rate_that_is_not_stated_is_stored_and_marked() -> None:
    decoder = new_decoder()
    (row,) = rows(v5(v5_record()), decoder=decoder)
    assert (row["sampling_rate"], row["sampling_source"]) == (0, 0)
    assert stream(decoder).unsampled_records == 1


@pytest.mark.parametrize(
    ("rule", "stated", "wanted"),
    [
        (SamplingRule("198.51.100.0/24", default=50), 0, (50, "configured")),
        (SamplingRule("198.51.100.0/24", default=50), 100, (100, "header")),
        (SamplingRule("198.51.100.7", override=50), 100, (50, "configured")),
        (SamplingRule("203.0.113.0/24", override=50), 100, (100, "header")),
    ],
)
def test_what_the_operator_says(rule: SamplingRule, stated: int, wanted: tuple[int, str]) -> None:
    decoder = new_decoder(SamplingOverrides((SamplingRule("0.0.0.0/0"), rule)))
    (record,) = decode(v5(v5_record(), sampling=stated), decoder=decoder)
    assert (record["sampling_rate"], record["sampling_source"]) == wanted


def test_uptime_wrap() -> None:
    """First before the wrap of the 32-bit uptime, header after it."""
    (record,) = decode(v5(v5_record(first=0xFFFFFFFF, last=3000), uptime=3381))
    assert (record["time_start"], record["time_end"]) == ("2023-11-14T22:13:16.618Z", "2023-11-14T22:13:19.619Z")


def test_times_slightly_ahead_of_the_header_count_as_now() -> None:
    (record,) = decode(v5(v5_record(first=UPTIME - 10, last=UPTIME + 7)))
    assert (record["time_start"], record["time_end"]) == ("2023-11-14T22:13:19.990Z", "2023-11-14T22:13:20Z")


def test_an_exporter_without_a_clock_rests_on_ours() -> None:
    (record,) = decode(v5(v5_record(), secs=0))
    assert (record["time_end"], record["time_quality"]) == ("2023-11-14T22:13:19.250Z", "receive_time")


def test_the_count_decides_not_the_length() -> None:
    decoder = new_decoder()
    assert len(decode(v5(*[v5_record()] * 3, count=2) + b"junk", decoder=decoder)) == 2
    assert decode(v5(v5_record(), count=0), decoder=decoder) == []
    assert stream(decoder).errors == {}


def test_a_count_beyond_the_datagram() -> None:
    decoder = new_decoder()
    assert len(decode(v5(*[v5_record()] * 2, count=30)[:-1], decoder=decoder)) == 1
    assert decode(v5(*[v5_record()] * 31, count=31), decoder=decoder) == []  # v5 never announces more than 30
    assert stream(decoder).errors == {"count_mismatch": 2}


def test_icmp_type_and_code_are_in_the_port() -> None:
    (icmp, tcp) = decode(v5(v5_record(protocol=1, dst_port=0x0803), v5_record(dst_port=0x0803)))
    assert icmp["icmp_type_code"] == 0x0803
    assert "icmp_type_code" not in tcp


def test_streams_are_told_apart_by_engine() -> None:
    decoder = new_decoder()
    decode(v5(v5_record(), engine=1), v5(v5_record(), engine=2), decoder=decoder)
    assert [(s.observation_domain, s.records) for s in decoder.streams()] == [(1, 1), (2, 1)]
    assert decoder.streams()[0].first_seen_ns == EXPORTED * 10**9 + 250_000_000
