"""OTLP messages, built with OpenTelemetry's own package, to rows."""

import contextlib
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from weft.decode.otlp import OtlpDecoder, decode_logs
from weft.errors import InvalidInput
from weft.model.addresses import packed

NOW = 1_790_000_000_000_000_000
DELTA, CUMULATIVE = 1, 2


@pytest.fixture
def request_():
    return ExportMetricsServiceRequest()


def put(attributes, **values):
    for name, value in values.items():
        kind = {str: "string_value", int: "int_value", float: "double_value", bool: "bool_value"}[type(value)]
        setattr(attributes.add(key=name.replace("__", ".")).value, kind, value)


def metric(request, name, **resource):
    one = request.resource_metrics.add()
    put(one.resource.attributes, **(resource or {"host__name": "h1"}))
    return one.scope_metrics.add().metrics.add(name=name)


def rows(request, decoder=None):
    exported = (decoder or OtlpDecoder()).decode(request.SerializeToString(), NOW)
    exported.rows.validate(full=True)
    return exported, exported.rows.to_pylist()


def test_gauge_of_a_host(request_):
    one = metric(request_, "hw.temperature", host__name="srv1:4317", service__name="agent", site="fra")
    point = one.gauge.data_points.add(time_unix_nano=NOW - 5, as_double=41.5)
    put(point.attributes, sensor__id="cpu0", ok=True)
    _, (row,) = rows(request_)
    assert (row["metric"], row["host"], row["metric_type"], row["source"], row["value"]) == (
        "hw_temperature", "srv1", 2, 5, 41.5
    )  # fmt: skip
    assert row["labels"] == 'ok="true",sensor_id="cpu0",service_name="agent",site="fra"'
    assert row["time"].value == NOW - 5


@pytest.mark.parametrize(
    ("attributes", "host", "address"),
    [({"host__ip": '["127.0.0.1", "fe80::1", "10.0.0.5"]', "host__name": "h"}, "h", "10.0.0.5"),
     ({"host__name": "10.0.0.6"}, "10.0.0.6", "10.0.0.6"), ({"service__instance__id": "x-1"}, "x-1", None),
     ({"a": "b"}, "", None)],
)  # fmt: skip
def test_which_device_a_resource_is(request_, attributes, host, address):
    metric(request_, "m", **attributes).gauge.data_points.add(time_unix_nano=NOW, as_int=1)
    _, (row,) = rows(request_)
    assert (row["host"], row["exporter"]) == (host, packed(address) if address else bytes(16))


def test_sums_cumulative_delta_and_updown(request_):
    for name, monotonic, temporality in (("c", True, CUMULATIVE), ("d", True, DELTA), ("u", False, CUMULATIVE),
                                         ("x", False, DELTA)):  # fmt: skip
        one = metric(request_, name).sum
        one.is_monotonic, one.aggregation_temporality = monotonic, temporality
        one.data_points.add(start_time_unix_nano=NOW - 10 * 10**9, time_unix_nano=NOW, as_int=30)
    exported, found = rows(request_)
    assert [(r["metric"], r["metric_type"], r["value"], r["increase"], r["interval_ms"]) for r in found] == [
        ("c", 1, 30.0, 0.0, 0), ("d", 1, 30.0, 30.0, 10_000), ("u", 2, 30.0, 0.0, 0),
    ]  # fmt: skip
    assert (exported.items, exported.refused) == (4, {"delta_of_a_gauge": 1})


@pytest.mark.parametrize("start", [0, NOW, NOW + 1, NOW - 2 * 86400 * 10**9])
def test_a_delta_needs_a_start_before_its_end(request_, start):
    one = metric(request_, "d").sum
    one.is_monotonic, one.aggregation_temporality = True, DELTA
    one.data_points.add(start_time_unix_nano=start, time_unix_nano=NOW, as_int=1)
    assert rows(request_)[0].refused == {"delta_without_start": 1}


def test_histogram_becomes_count_sum_and_buckets(request_):
    one = metric(request_, "rpc.duration").histogram
    one.aggregation_temporality = CUMULATIVE
    one.data_points.add(time_unix_nano=NOW, count=6, sum=9.5, explicit_bounds=[0.5, 1, 10], bucket_counts=[1, 2, 3, 0])
    _, found = rows(request_)
    assert [(r["metric"], r["labels"], r["value"], r["metric_type"]) for r in found] == [
        ("rpc_duration_count", "", 6.0, 1), ("rpc_duration_sum", "", 9.5, 1),
        ("rpc_duration_bucket", 'le="0.5"', 1.0, 1), ("rpc_duration_bucket", 'le="1.0"', 3.0, 1),
        ("rpc_duration_bucket", 'le="10.0"', 6.0, 1), ("rpc_duration_bucket", 'le="+Inf"', 6.0, 1),
    ]  # fmt: skip


def test_histogram_whose_buckets_do_not_fit_keeps_count_and_sum(request_):
    one = metric(request_, "h").histogram
    one.data_points.add(time_unix_nano=NOW, count=6, sum=9.5, explicit_bounds=[0.5], bucket_counts=[1, 2, 3])
    assert [row["metric"] for row in rows(request_)[1]] == ["h_count", "h_sum"]


def test_exponential_histogram_quantiles_are_within_half_a_bucket(request_):
    one = metric(request_, "h").exponential_histogram
    one.aggregation_temporality = DELTA
    point = one.data_points.add(start_time_unix_nano=NOW - 10**9, time_unix_nano=NOW, count=1000, sum=1.0, scale=3)
    base = 2 ** (2**-3)
    values = sorted(1.0 + i / 10 for i in range(1000))
    indices = [math.ceil(math.log(v, base)) - 1 for v in values]
    point.positive.offset = min(indices)
    point.positive.bucket_counts.extend(indices.count(i) for i in range(min(indices), max(indices) + 1))
    _, found = rows(request_)
    for row in found[2:]:
        q = float(row["labels"].split('"')[1])
        assert values[int(q * 1000) - 1] == pytest.approx(row["value"], rel=base - 1)
    assert [row["labels"] for row in found[2:]] == ['quantile="0.5"', 'quantile="0.9"', 'quantile="0.99"']


@pytest.mark.parametrize("scale", [-2147483648, -12, 21, 2147483647])
def test_exponential_histogram_of_an_impossible_scale(request_, scale):
    one = metric(request_, "h").exponential_histogram
    one.aggregation_temporality = DELTA
    point = one.data_points.add(start_time_unix_nano=NOW - 10**9, time_unix_nano=NOW, count=1, scale=scale)
    point.positive.bucket_counts.append(1)
    assert [row["metric"] for row in rows(request_)[1]] == ["h_count"]


def test_summary(request_):
    point = metric(request_, "s").summary.data_points.add(time_unix_nano=NOW, count=2, sum=3.0)
    point.quantile_values.add(quantile=0.99, value=2.5)
    point.quantile_values.add(quantile=0.5, value=math.nan)
    exported, found = rows(request_)
    assert [(r["metric"], r["labels"], r["value"], r["metric_type"]) for r in found] == [
        ("s_count", "", 2.0, 1), ("s_sum", "", 3.0, 1), ("s", 'quantile="0.99"', 2.5, 2)
    ]  # fmt: skip
    assert exported.skipped == {"not_finite": 1}


def test_points_that_say_nothing_or_too_much(request_):
    points = metric(request_, "m").gauge.data_points
    points.add(time_unix_nano=NOW, flags=1)
    points.add(time_unix_nano=NOW)
    points.add(time_unix_nano=(1 << 64) - 1, as_int=1)
    put(points.add(time_unix_nano=NOW, as_int=1).attributes, **{f"a{i}": "x" for i in range(200)})
    metric(request_, "").gauge.data_points.add(time_unix_nano=NOW, as_int=1)
    exported, found = rows(request_)
    assert found == []
    assert exported.skipped == {"stale_marker": 1}
    assert exported.refused == {"no_value": 1, "bad_time": 1, "too_many_labels": 1, "no_name": 1}


def test_values_of_attributes_as_text(request_):
    point = metric(request_, "m").gauge.data_points.add(time_unix_nano=NOW, as_int=1)
    value = point.attributes.add(key="list").value
    value.array_value.values.add(string_value="a")
    value.array_value.values.add(int_value=2)
    point.attributes.add(key="raw").value.bytes_value = b"\x01\xff"
    point.attributes.add(key="long").value.string_value = "x" * 10_000
    _, (row,) = rows(request_)
    assert 'list="[\\"a\\", 2]"' in row["labels"]
    assert 'raw="01ff"' in row["labels"]
    assert len(row["labels"]) < 5000


def test_json_as_the_collector_writes_it():
    body = {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [
        {"asDouble": 1.5, "timeUnixNano": "1790000000000000000", "exemplars": [
            {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "asDouble": 1}],
         "futureField": {"x": 1}}]}}]}]}]}  # fmt: skip
    exported = OtlpDecoder().decode(json.dumps(body).encode(), NOW, is_json=True)
    assert exported.rows.to_pylist()[0]["value"] == 1.5


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'{"resourceMetrics": 1}', b'{"resourceMetrics": [1]}',
                                  b"\xff", b'{"resourceMetrics":' + b'[{"a":' * 500])  # fmt: skip
def test_bad_json(body):
    with pytest.raises(InvalidInput, match="JSON"):
        OtlpDecoder().decode(body, NOW, is_json=True)


def whole():
    request = ExportMetricsServiceRequest()
    one = metric(request, "rpc.duration").histogram
    one.data_points.add(time_unix_nano=NOW, count=6, sum=9.5, explicit_bounds=[0.5, 1, 10], bucket_counts=[1, 2, 3, 0])
    metric(request, "m").sum.data_points.add(time_unix_nano=NOW, as_int=1)
    exponential = metric(request, "e").exponential_histogram
    exponential.aggregation_temporality = DELTA
    exponential.data_points.add(start_time_unix_nano=1, time_unix_nano=NOW, scale=3).positive.bucket_counts.append(5)
    return request.SerializeToString()


WHOLE, DECODER = whole(), OtlpDecoder()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_spliced_requests_are_decoded_or_refused(data):
    at = data.draw(st.integers(0, len(WHOLE)))
    until = data.draw(st.integers(at, len(WHOLE)))
    body = WHOLE[:at] + data.draw(st.binary(max_size=30)) + WHOLE[until:]
    for decode in (lambda: DECODER.decode(body, NOW), lambda: decode_logs(body, NOW)):
        with contextlib.suppress(InvalidInput):
            decode().rows.validate(full=True)


def test_logs():
    request = ExportLogsServiceRequest()
    one = request.resource_logs.add()
    put(one.resource.attributes, host__name="h1", service__name="bird")
    records = one.scope_logs.add().log_records
    first = records.add(time_unix_nano=NOW - 7, severity_number=13, event_name="bgp.down")
    first.body.string_value = "peer is gone"
    put(first.attributes, peer="192.0.2.1", asn=64500)
    second = records.add(observed_time_unix_nano=NOW - 9)
    second.body.kvlist_value.values.add(key="a").value.int_value = 1
    records.add(time_unix_nano=NOW + 3600 * 10**9, severity_number=99)
    records.add()
    exported = decode_logs(request.SerializeToString(), NOW)
    found = exported.rows.to_pylist()
    assert [(r["time"].value, r["clock"], r["severity"]) for r in found] == [
        (NOW - 7, 0, 4), (NOW - 9, 0, 6), (NOW, 3, 6), (NOW, 5, 6),
    ]  # fmt: skip
    row = found[0]
    assert (row["host"], row["program"], row["message"], row["message_id"], row["source"], row["facility"]) == (
        "h1", "bird", "peer is gone", "bgp.down", 5, 255,
    )  # fmt: skip
    assert json.loads(row["fields"]) == {"peer": "192.0.2.1", "asn": 64500}
    assert found[1]["message"] == '{"a": 1}'
