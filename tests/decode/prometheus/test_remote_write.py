"""Remote write 1.0 and 2.0 to rows: what is kept, what is left out and counted, what is refused."""

import math
import struct

import numpy as np
import pytest
from tests.decode.prometheus_wire import RequestTwo, field, number, request_one, sample, series_one, snappy, varint

from weft.decode.prometheus import RemoteWriteDecoder
from weft.decode.prometheus import found as limits
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS, packed

NOW = 1_790_000_000_000
STALE = struct.pack("<Q", limits.STALE)


@pytest.fixture
def decoder():
    return RemoteWriteDecoder()


def rows(decoder, body, version=1, compressed=False):
    decoded = decoder.decode(body if compressed else snappy(body), NOW * 1_000_000, version=version)
    decoder.taken(decoded)
    return decoded, decoded.rows.to_pylist()


def labels(name, **more):
    return sorted({"__name__": name, "instance": "10.0.0.1:9100", "job": "node"}.items() | more.items())


def test_a_sample_of_an_unknown_metric_keeps_its_name_and_labels(decoder):
    decoded, (row,) = rows(decoder, request_one([series_one(labels("queue_depth", q='a"b\\'), [(4.5, NOW)])]))
    assert row["metric"] == "queue_depth"
    assert row["labels"] == 'instance="10.0.0.1:9100",job="node",q="a\\"b\\\\"'
    assert (row["host"], row["exporter"], row["component"]) == ("10.0.0.1", packed("10.0.0.1"), "")
    assert (row["value"], row["metric_type"], row["source"]) == (4.5, 2, 4)
    assert row["time"].timestamp() == NOW / 1000
    assert (decoded.samples, decoded.refused, decoded.skipped) == (1, {}, {})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"__name__": "ifHCInOctets", "ifIndex": "3", "ifName": "Gi0/1", "ifDescr": "GigabitEthernet0/1",
          "instance": "10.0.0.7", "job": "snmp"},
         ("in_octets", "Gi0/1", 3, 'job="snmp"', 1, 10.0)),
        ({"__name__": "ifHighSpeed", "ifIndex": "3", "ifName": "Gi0/1", "instance": "r1"},
         ("speed_bps", "Gi0/1", 3, "", 2, 10e6)),
        ({"__name__": "node_network_transmit_bytes_total", "device": "eth0", "instance": "h"},
         ("out_octets", "eth0", 0, "", 1, 10.0)),
        ({"__name__": "node_network_up", "device": "eth0", "instance": "h"}, ("oper_status", "eth0", 0, "", 2, -8.0)),
        ({"__name__": "node_network_carrier_changes_total", "device": "eth0", "instance": "h"},
         ("node_network_carrier_changes_total", "eth0", 0, "", 1, 10.0)),
        ({"__name__": "DCGM_FI_DEV_GPU_UTIL", "gpu": "3", "Hostname": "gpu-17", "instance": "10.2.3.4:9400"},
         ("DCGM_FI_DEV_GPU_UTIL", "gpu3", 0, 'instance="10.2.3.4:9400"', 2, 10.0)),
        ({"__name__": "node_cpu_seconds_total", "cpu": "5", "mode": "idle", "instance": "h"},
         ("node_cpu_seconds_total", "cpu5", 0, 'mode="idle"', 1, 10.0)),
        ({"__name__": "bgpPeerState", "bgpPeerRemoteAddr": "192.0.2.1", "instance": "r1"},
         ("bgp_peer_state", "192.0.2.1", 0, "", 2, 10.0)),
    ],
)  # fmt: skip
def test_metrics_of_known_exporters_become_ours(decoder, given, expected):
    _, (row,) = rows(decoder, request_one([series_one(sorted(given.items()), [(10.0, NOW)])]))
    assert (
        row["metric"],
        row["component"],
        row["if_index"],
        row["labels"],
        row["metric_type"],
        row["value"],
    ) == expected


def test_host_of_dcgm_is_the_node_not_the_exporters_pod(decoder):
    given = {"__name__": "DCGM_FI_DEV_GPU_TEMP", "gpu": "0", "Hostname": "gpu-17", "instance": "10.2.3.4:9400"}
    _, (row,) = rows(decoder, request_one([series_one(sorted(given.items()), [(60.0, NOW)])]))
    assert (row["host"], row["exporter"]) == ("gpu-17", NO_ADDRESS)


@pytest.mark.parametrize(
    ("instance", "host", "address"),
    [("r1.example.net:9100", "r1.example.net", None), ("[2001:db8::1]:9100", "2001:db8::1", "2001:db8::1"),
     ("2001:db8::1", "2001:db8::1", "2001:db8::1"), ("http://10.0.0.9:80/probe", "10.0.0.9", "10.0.0.9"),
     ("10.0.0.9", "10.0.0.9", "10.0.0.9"), ("0.0.0.0:80", "0.0.0.0", None), ("1st-floor", "1st-floor", None)],
)  # fmt: skip
def test_instance_to_device(decoder, instance, host, address):
    _, (row,) = rows(decoder, request_one([series_one([("__name__", "m"), ("instance", instance)], [(1.0, NOW)])]))
    assert (row["host"], row["exporter"]) == (host, packed(address) if address else NO_ADDRESS)


def test_both_versions_know_the_same_series(decoder):
    rows(decoder, request_one([series_one(labels("m"), [(1.0, NOW)])]))
    _, (row,) = rows(decoder, RequestTwo().add(labels("m"), [(2.0, NOW + 1)]).bytes(), version=2)
    assert decoder.series == 1
    assert row["value"] == 2.0


@pytest.mark.parametrize("symbols_last", [False, True])
@pytest.mark.parametrize("packed_refs", [False, True])
def test_fields_of_version_2_in_any_order(decoder, symbols_last, packed_refs):
    request = RequestTwo().add(labels("a"), [(1.0, NOW), (2.0, NOW + 1)], packed=packed_refs)
    request.add(labels("b_total"), [(3.0, NOW)], packed=packed_refs, exemplars=2)
    decoded, found = rows(decoder, request.bytes(symbols_last), version=2)
    assert [(row["metric"], row["value"]) for row in found] == [("a", 1.0), ("a", 2.0), ("b_total", 3.0)]
    assert decoded.exemplars == 2


def test_unknown_fields_are_passed_over(decoder):
    one = varint(15 << 3 | 5) + b"abcd" + series_one(labels("m"), [(1.0, NOW)]) + number(100, 3) + field(99, "x")
    body = field(77, b"future") + field(1, one) + varint(9 << 3 | 1) + bytes(8)
    assert rows(decoder, body)[1][0]["value"] == 1.0


def test_absent_fields_are_zero(decoder):
    decoded, (row,) = rows(decoder, request_one([series_one(labels("m")) + field(2, number(2, NOW))]))
    assert (row["value"], decoded.samples) == (0.0, 1)


def test_stale_markers_nan_and_infinities_are_left_out_and_counted(decoder):
    values = [STALE, struct.pack("<d", math.nan), math.inf, -math.inf, 7.0]
    decoded, found = rows(decoder, request_one([series_one(labels("m"), [(v, NOW + i) for i, v in enumerate(values)])]))
    assert [row["value"] for row in found] == [7.0]
    assert decoded.skipped == {"stale_marker": 1, "not_finite": 3}
    assert decoded.samples == 5


def test_what_was_kept_before_is_a_duplicate_and_what_was_not_is_not(decoder):
    body = snappy(request_one([series_one(labels("m"), [(1.0, NOW), (2.0, NOW + 1)])]))
    first = decoder.decode(body, NOW * 1_000_000)
    assert first.rows.num_rows == 2
    assert decoder.decode(body, NOW * 1_000_000).rows.num_rows == 2  # the first was never kept: the sender tries again
    decoder.taken(first)
    again = decoder.decode(body, NOW * 1_000_000)
    assert (again.rows.num_rows, again.skipped) == (1, {"duplicate": 1})  # only the newest of a series is remembered


def test_the_same_time_twice_in_a_request(decoder):
    decoded, found = rows(decoder, request_one([series_one(labels("m"), [(1.0, NOW), (2.0, NOW), (3.0, NOW + 5)])]))
    assert [row["value"] for row in found] == [1.0, 3.0]
    assert decoded.skipped == {"duplicate": 1}


def test_out_of_order_samples_are_kept_with_their_times(decoder):
    _, found = rows(decoder, request_one([series_one(labels("m"), [(1.0, NOW), (2.0, NOW - 5000), (3.0, NOW + 5)])]))
    assert [row["value"] for row in found] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("time_ms", [-1, 9_100_000_000_000, (1 << 63) - 1, -(1 << 63)])
def test_impossible_times_are_refused(decoder, time_ms):
    decoded, found = rows(decoder, request_one([series_one(labels("m"), [(1.0, time_ms)])]))
    assert (found, decoded.refused) == ([], {"bad_time": 1})


def test_series_that_cannot_be_taken_are_refused_and_the_others_kept(decoder):
    many = [(f"l{i:04}", "x") for i in range(limits.SERIES_LABELS + 1)]
    bad = [
        series_one([("job", "x")], [(1.0, NOW), (2.0, NOW + 1)]),
        series_one([("__name__", "m"), *many], [(1.0, NOW)]),
        series_one([("__name__", "m"), ("a", "x" * limits.SERIES_BYTES)], [(1.0, NOW)]),
        series_one([("__name__", "m"), ("a", "1"), ("a", "2")], [(1.0, NOW)]),
        field(1, field(1, "__name__") + field(2, b"\xff\xfe")) + field(2, sample(1.0, NOW)),
        series_one([], [(1.0, NOW)]),
    ]
    decoded, found = rows(decoder, request_one([*bad, series_one(labels("good"), [(9.0, NOW)])]))
    assert [row["metric"] for row in found] == ["good"]
    assert decoded.refused == {"no_name": 3, "too_many_labels": 1, "labels_too_long": 1, "bad_labels": 2}


def test_references_must_exist_and_come_in_pairs(decoder):
    request = RequestTwo()
    request.add(labels("m"), [(1.0, NOW)])
    with pytest.raises(InvalidInput, match="symbol"):
        rows(decoder, request.bytes() + field(5, field(1, varint(999)) + field(2, sample(1.0, NOW))), version=2)
    odd = field(5, field(1, varint(request.ref("__name__"))) + field(2, sample(1.0, NOW)))
    decoded, found = rows(decoder, request.bytes() + odd, version=2)
    assert (len(found), decoded.refused) == (1, {"bad_labels": 1})


def test_types_by_metadata_of_version_1(decoder):
    body = request_one([series_one(labels("weird"), [(1.0, NOW)]), series_one(labels("s_sum"), [(1.0, NOW)])])
    assert [row["metric_type"] for row in rows(decoder, body)[1]] == [2, 1]
    rows(decoder, request_one([], [(1, "weird"), (2, "s_sum")]))
    body = request_one([series_one(labels("weird"), [(1.0, NOW + 1)]), series_one(labels("s_sum"), [(1.0, NOW + 1)])])
    assert [row["metric_type"] for row in rows(decoder, body)[1]] == [1, 2]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [("x", 1, 1), ("x", 2, 2), ("x_created", 1, 2), ("x_bucket", 3, 1), ("x", 5, 2), ("x_count", 5, 1),
     ("x_total", 0, 1), ("x_total", 2, 2), ("x_info", 6, 2), ("x_sum", 4, 2)],
)  # fmt: skip
def test_types_that_series_of_version_2_carry(decoder, name, kind, expected):
    _, (row,) = rows(decoder, RequestTwo().add(labels(name), [(1.0, NOW)], kind=kind).bytes(), version=2)
    assert row["metric_type"] == expected


@pytest.mark.parametrize("version", [1, 2])
def test_native_histograms_become_count_and_sum(decoder, version):
    histograms = [(3, 1.5, NOW), (5, 2.5, NOW + 1000)]
    if version == 1:
        body = request_one([series_one(labels("rpc"), [], histograms), series_one(labels("m"), [(1.0, NOW)])])
    else:
        body = RequestTwo().add(labels("rpc"), [], histograms, kind=3).add(labels("m"), [(1.0, NOW)]).bytes()
    decoded, found = rows(decoder, body, version)
    assert [(r["metric"], r["value"], r["metric_type"]) for r in found] == [
        ("m", 1.0, 2), ("rpc_count", 3.0, 1), ("rpc_sum", 1.5, 1), ("rpc_count", 5.0, 1), ("rpc_sum", 2.5, 1),
    ]  # fmt: skip
    assert (decoded.samples, decoded.histograms) == (1, 2)


def test_native_histogram_with_a_fractional_count_and_a_stale_one(decoder):
    body = request_one([series_one(labels("rpc"), [], [(2.5, 1.0, NOW), (0, STALE, NOW + 1)])])
    decoded, found = rows(decoder, body)
    assert [row["value"] for row in found] == [2.5, 1.0]
    assert decoded.skipped == {"stale_marker": 2}


def test_a_counter_that_began_anew_grew_by_what_it_shows(decoder):
    def push(value, time_ms, created_ms):
        body = RequestTwo().add(labels("c_total"), [(value, time_ms)], kind=1, created_ms=created_ms).bytes()
        return rows(decoder, body, version=2)[1][0]

    assert push(100.0, NOW, NOW - 60_000)["interval_ms"] == 0  # met for the first time
    assert push(150.0, NOW + 15_000, NOW - 60_000)["interval_ms"] == 0  # the intake makes the increase
    began = push(170.0, NOW + 30_000, NOW + 20_000)  # more than before, and yet new
    assert (began["increase"], began["interval_ms"]) == (170.0, 10_000)
    assert push(180.0, NOW + 45_000, NOW + 20_000)["interval_ms"] == 0


def test_known_series_are_bounded_and_forgotten_ones_come_back():
    decoder = RemoteWriteDecoder(most_series=2000)
    for first in range(0, 10_000, 500):
        body = request_one([series_one(labels("m", n=str(i)), [(float(i), NOW)]) for i in range(first, first + 500)])
        _, found = rows(decoder, body)
        assert [row["value"] for row in found] == [float(i) for i in range(first, first + 500)]
        assert [row["labels"] for row in found[:1]] == [f'instance="10.0.0.1:9100",job="node",n="{first}"']
        assert decoder.series <= 2000
    assert rows(decoder, request_one([series_one(labels("m", n="0"), [(1.0, NOW + 1)])]))[1][0]["value"] == 1.0


def test_more_new_series_than_there_is_room_for_are_refused():
    decoder = RemoteWriteDecoder(most_series=1000)
    body = request_one([series_one(labels("m", n=str(i)), [(1.0, NOW)]) for i in range(1500)])
    decoded, found = rows(decoder, body)
    assert (len(found), decoded.refused) == (1000, {"too_many_series": 500})


def test_dictionaries_hold_only_what_occurs(decoder):
    rows(decoder, request_one([series_one(labels("m", n=str(i)), [(1.0, NOW)]) for i in range(300)]))
    decoded, _ = rows(decoder, request_one([series_one(labels("m", n="7"), [(1.0, NOW + 1)])] * 2))
    assert len(decoded.rows.column("labels").dictionary) == 1


def test_bodies_that_are_not_snappy(decoder):
    for body in (b"", b"\xff" * 6, b"\x80", b"\x05hello", snappy(b"x" * 100)[:-3]):
        if body == b"":
            with pytest.raises(InvalidInput):
                rows(decoder, body, compressed=True)
            continue
        with pytest.raises(InvalidInput, match="snappy"):
            rows(decoder, body, compressed=True)


def test_a_small_body_that_announces_much_is_refused_before_memory_is_taken():
    decoder = RemoteWriteDecoder(most_bytes=1000)
    with pytest.raises(InvalidInput, match="more than 1000"):
        rows(decoder, varint(1 << 31) + b"\0", compressed=True)
    with pytest.raises(InvalidInput, match="more than 1000"):
        rows(decoder, snappy(bytes(1001)), compressed=True)


def test_more_samples_than_one_request_may_have(decoder):
    body = field(1, field(1, field(1, "__name__") + field(2, "m")) + b"\x12\x00" * (limits.MOST_SAMPLES + 1))
    with pytest.raises(InvalidInput, match="too many"):
        rows(decoder, body)


def test_an_empty_request_is_fine(decoder):
    assert rows(decoder, b"")[1] == []


def test_values_are_exact(decoder):
    values = np.random.default_rng(3).integers(0, 1 << 63, 500).view(np.float64)
    values = values[np.isfinite(values)].tolist()
    _, found = rows(decoder, request_one([series_one(labels("m"), [(v, NOW + i) for i, v in enumerate(values)])]))
    assert [row["value"] for row in found] == values
