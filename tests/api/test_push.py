"""Pushing to the API: who may, what is answered to what, and when a sender must try again."""

import dataclasses
import gzip
import json

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient
from tests.collect.intake.fakes import FakeIntake
from tests.decode.prometheus_wire import RequestTwo, field, request_one, series_one, snappy

from weft.api.application import create_app
from weft.api.auth import secrets
from weft.api.auth.identity import Role
from weft.collect.push import PushConfig, Pushes

NOW = 1_790_000_000_000
V1 = {"content-type": "application/x-protobuf", "content-encoding": "snappy",
      "x-prometheus-remote-write-version": "0.1.0"}  # fmt: skip
V2 = V1 | {"content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}
LABELS = [("__name__", "m"), ("instance", "10.0.0.1:9100")]
BODY = snappy(request_one([series_one(LABELS, [(1.0, NOW), (2.0, NOW + 1)])]))
POSTS = {
    "/api/v1/write": {"content": BODY, "headers": V1},
    "/v1/metrics": {"json": {"resourceMetrics": []}},
    "/v1/logs": {"json": {"resourceLogs": []}},
    "/api/v1/changes": {"json": {"title": "x"}},
}


@pytest.fixture
def intake():
    return FakeIntake()


@pytest.fixture
def pushes(intake, tmp_path):
    pushes = Pushes(PushConfig(max_body_bytes=1 << 20, max_decoded_bytes=1 << 21), intake, tmp_path)
    pushes.start()
    yield pushes
    pushes.stop()
    assert intake.open == []


@pytest.fixture
def deps(deps, pushes):
    return dataclasses.replace(deps, pushes=pushes)


@pytest.fixture
def sender(app, state):
    """A client with a token that may only push."""
    secret = secrets.new_token()
    state.add_token(state.user("operator").id, "prom", secrets.digest(secret), "sender", None)
    with TestClient(app, base_url="http://localhost", client=("192.0.2.7", 50000)) as client:
        client.headers["authorization"] = f"Bearer {secret}"
        yield client


@pytest.mark.parametrize("path", POSTS)
def test_who_may_push(client, sender, as_role, path):
    assert client.post(path, **POSTS[path]).status_code == 401
    assert sender.post(path, **POSTS[path]).status_code in (200, 204)
    assert as_role("operator").post(path, **POSTS[path]).status_code in (200, 204)
    refused = as_role("viewer").post(path, **POSTS[path])
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_allowed")


def test_a_sender_sees_nothing(sender, deps):
    for method, path in (("GET", "/api/v1/overview"), ("GET", "/api/v1/auth/me"), ("POST", "/api/v1/query"),
                         ("GET", "/api/v1/tokens"), ("POST", "/api/v1/tokens"), ("GET", "/api/v1/openapi.json"),
                         ("GET", "/metrics")):  # fmt: skip
        answer = sender.request(method, path, json={"name": "x"} if method == "POST" else None)
        assert answer.status_code in (401, 403), path


def test_a_session_that_pushes_needs_the_csrf_value(client, login):
    csrf = login("operator")
    assert client.post("/api/v1/changes", json={"title": "x"}).status_code == 403
    assert client.post("/api/v1/changes", json={"title": "x"}, headers={"x-weft-csrf": csrf}).status_code == 200


@pytest.mark.parametrize(("giver", "expected"), [("viewer", 403), ("operator", 201), ("admin", 201)])
def test_who_may_give_the_right_to_push(as_role, state, giver, expected):
    assert as_role(giver).post("/api/v1/tokens", json={"name": "p", "role": "sender"}).status_code == expected
    if expected == 201:
        assert (state.audit_log(1)[0].action, state.audit_log(1)[0].detail["role"]) == ("token.add", "sender")


def test_a_sender_is_not_a_person(as_role):
    answer = as_role("admin").post("/api/v1/users", json={"username": "prom", "role": "sender"})
    assert answer.status_code == 400
    assert as_role("admin").put("/api/v1/users/1", json={"role": "sender"}).status_code == 400


def test_a_sender_whose_person_may_no_longer_push_is_refused(sender, state):
    state.change_user(state.user("operator").id, role="viewer", password_hash=None)
    assert sender.post("/api/v1/write", **POSTS["/api/v1/write"]).status_code == 401


@pytest.mark.parametrize("role", Role)
def test_a_token_never_may_more_than_its_person(role):
    for person in (Role.VIEWER, Role.OPERATOR, Role.ADMIN):
        held = role.held_by(person)
        allowed = {needed for needed in Role if held is not None and held.allows(needed)}
        assert allowed == {needed for needed in Role if person.allows(needed) and role.allows(needed)}


def test_remote_write_1(sender, intake):
    answer = sender.post("/api/v1/write", content=BODY, headers=V1)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "x-prometheus-remote-write-samples-written" not in answer.headers
    assert [row["value"] for row in intake.rows("metrics")] == [1.0, 2.0]
    (source,) = intake.sources()
    assert (source.kind, source.name, source.target) == ("prometheus", "prom @ 192.0.2.7", "192.0.2.7")
    assert (source.received, source.rows) == (1, 2)


def test_remote_write_2_says_what_was_written(sender, intake):
    request = RequestTwo().add(LABELS, [(1.0, NOW)]).add([("__name__", "h")], [], [(3, 1.0, NOW)], kind=3)
    answer = sender.post("/api/v1/write", content=snappy(request.bytes()), headers=V2)
    written = {name: answer.headers[f"x-prometheus-remote-write-{name}-written"]
               for name in ("samples", "histograms", "exemplars")}  # fmt: skip
    assert (answer.status_code, written) == (204, {"samples": "1", "histograms": "1", "exemplars": "0"})


def test_partly_wrong_is_kept_in_part_and_answered_400(sender, intake):
    bad = series_one([("job", "x")], [(1.0, NOW)])
    answer = sender.post(
        "/api/v1/write", content=snappy(request_one([bad, series_one(LABELS, [(1.0, NOW)])])), headers=V1
    )
    assert answer.status_code == 400
    assert "no_name: 1" in answer.json()["error"]["message"]
    assert len(intake.rows("metrics")) == 1
    assert intake.sources()[0].errors == {"no_name": 1}
    two = RequestTwo().add([("job", "x")], [(1.0, NOW)]).add(LABELS, [(9.0, NOW + 7)])
    answer = sender.post("/api/v1/write", content=snappy(two.bytes()), headers=V2)
    assert (answer.status_code, answer.headers["x-prometheus-remote-write-samples-written"]) == (400, "1")


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [(b"junk", V1, 400), (snappy(b"\x0a\x7f"), V1, 400), (BODY, V1 | {"content-encoding": "gzip"}, 415),
     (BODY, {"content-type": "application/json", "content-encoding": "snappy"}, 415),
     (BODY, V1 | {"content-type": "application/x-protobuf;proto=other.Message"}, 415),
     (BODY, {"content-type": "application/x-protobuf"}, 415), (bytes(1 << 21), V1, 413)],
)  # fmt: skip
def test_bad_requests_are_never_retried(sender, intake, content, headers, status):
    answer = sender.post("/api/v1/write", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert intake.batches == []


def test_malformed_bodies_are_counted(sender, intake):
    sender.post("/api/v1/write", content=b"\x05junk", headers=V1)
    source = intake.sources()[0]
    assert (source.errors, source.state) == ({"malformed": 1}, "starting")


def test_a_full_intake_is_503_and_nothing_is_lost_when_tried_again(sender, intake):
    intake.full = True
    answer = sender.post("/api/v1/write", content=BODY, headers=V1)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    answer = sender.post("/v1/metrics", json=OTLP)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (503, "5", 14)
    assert sender.post("/api/v1/changes", json={"title": "x", "change_id": "1"}).status_code == 503
    intake.full = False
    assert sender.post("/api/v1/write", content=BODY, headers=V1).status_code == 204
    assert sender.post("/api/v1/changes", json={"title": "x", "change_id": "1"}).json()["accepted"] == 1
    assert len(intake.rows("metrics")) == 2


def test_what_comes_twice_is_kept_once(sender, intake):
    for _ in range(2):
        assert sender.post("/api/v1/write", content=BODY, headers=V1).status_code == 204
    assert intake.sources()[0].duplicates == 1  # of each series the newest


def test_too_much_at_once_is_503(sender, pushes):
    with pushes.room(pushes.config.in_flight_bytes):
        answer = sender.post("/api/v1/write", content=BODY, headers=V1)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert sender.post("/api/v1/write", content=BODY, headers=V1).status_code == 204


def test_a_sender_that_is_too_fast_is_429(deps, state, intake, tmp_path):
    pushes = Pushes(PushConfig(sender_values_per_s=2), intake, tmp_path)
    pushes.start()
    secret = secrets.new_token()
    state.add_token(state.user("operator").id, "fast", secrets.digest(secret), "sender", None)
    client = TestClient(
        create_app(dataclasses.replace(deps, pushes=pushes, registry=CollectorRegistry())), base_url="http://localhost"
    )
    headers = V1 | {"authorization": f"Bearer {secret}"}
    assert client.post("/api/v1/write", content=BODY, headers=headers).status_code == 204
    answer = client.post("/api/v1/write", content=BODY, headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert (
        client.post(
            "/api/v1/changes", json={"title": "x"}, headers=headers | {"content-type": "application/json"}
        ).status_code
        == 200
    )  # an account of its own
    pushes.stop()


def test_a_process_that_does_not_collect_says_so(app, deps, state):
    client = TestClient(
        create_app(dataclasses.replace(deps, pushes=None, registry=CollectorRegistry())), base_url="http://localhost"
    )
    secret = secrets.new_token()
    state.add_token(state.user("operator").id, "p", secrets.digest(secret), "sender", None)
    answer = client.post("/api/v1/write", content=BODY, headers=V1 | {"authorization": f"Bearer {secret}"})
    assert (answer.status_code, "does not collect" in answer.json()["error"]["message"]) == (503, True)


OTLP = {"resourceMetrics": [{
    "resource": {"attributes": [{"key": "host.name", "value": {"stringValue": "h1"}}]},
    "scopeMetrics": [{"metrics": [
        {"name": "system.network.io", "sum": {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [
            {"asInt": "12", "timeUnixNano": str(NOW * 10**6), "attributes": [
                {"key": "device", "value": {"stringValue": "eth0"}},
                {"key": "direction", "value": {"stringValue": "receive"}}]}]}},
        {"name": "updown", "sum": {"isMonotonic": False, "aggregationTemporality": 1, "dataPoints": [
            {"asInt": "1", "timeUnixNano": str(NOW * 10**6)}]}},
    ]}],
}]}  # fmt: skip


def otlp_protobuf():
    from google.protobuf import json_format
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    return json_format.ParseDict(OTLP, ExportMetricsServiceRequest()).SerializeToString()


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("is_json", [False, True])
def test_otlp_metrics(sender, intake, is_json, zipped):
    body = json.dumps(OTLP).encode() if is_json else otlp_protobuf()
    kind = "application/json" if is_json else "application/x-protobuf"
    headers = {"content-type": kind} | ({"content-encoding": "gzip"} if zipped else {})
    answer = sender.post("/v1/metrics", content=gzip.compress(body) if zipped else body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    (row,) = intake.rows("metrics")
    assert (row["metric"], row["component"], row["host"], row["value"]) == ("in_octets", "eth0", "h1", 12.0)
    if is_json:
        partial = answer.json()["partialSuccess"]
    else:
        from google.protobuf import json_format
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

        partial = json_format.MessageToDict(ExportMetricsServiceResponse.FromString(answer.content))["partialSuccess"]
    assert partial["rejectedDataPoints"] == "1"
    assert "delta_of_a_gauge" in partial["errorMessage"]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [(b"\xff\xff", {"content-type": "application/x-protobuf"}, 400),
     (b"{", {"content-type": "application/json"}, 400), (b"[1]", {"content-type": "application/json"}, 400),
     (b"x", {"content-type": "application/json", "content-encoding": "gzip"}, 400),
     (gzip.compress(bytes(1 << 22), mtime=0), {"content-type": "application/json", "content-encoding": "gzip"}, 400),
     (gzip.compress(b"{}", mtime=0)[:-4], {"content-type": "application/json", "content-encoding": "gzip"}, 400),
     (b"{}", {"content-type": "text/plain"}, 415), (b"{}", {"content-type": "application/json",
                                                            "content-encoding": "zstd"}, 415)],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs"])
def test_bad_otlp(sender, path, content, headers, status):
    assert sender.post(path, content=content, headers=headers).status_code == status


def test_an_empty_export_is_fine(sender):
    answer = sender.post("/v1/metrics", content=b"", headers={"content-type": "application/x-protobuf"})
    assert (answer.status_code, answer.content) == (200, b"")


def test_otlp_errors_are_a_status_in_protobuf(sender):
    answer = sender.post("/v1/metrics", content=b"\xff\xff", headers={"content-type": "application/x-protobuf"})
    message = answer.content
    assert message[:2] == b"\x08\x03"
    assert field(2, message[4:])[1:] == message[3:]


def test_otlp_logs(sender, intake):
    record = {"timeUnixNano": str(NOW * 10**6), "severityNumber": 17, "body": {"stringValue": "it broke"},
              "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}  # fmt: skip
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    assert sender.post("/v1/logs", json=body).status_code == 200
    (row,) = intake.rows("logs")
    assert (row["message"], row["severity"], row["source"]) == ("it broke", 3, 5)


def test_changes(sender, intake):
    one = {"title": "Raise MTU", "time": "2026-10-01T10:00:00+02:00", "kind": "ticket", "device": "192.0.2.1",
           "author": "ada", "component": "interface Ethernet1", "change_id": "CHG1", "reference": "https://t/CHG1",
           "source": "servicenow", "detail": "why", "added": 2, "removed": 1}  # fmt: skip
    answer = sender.post("/api/v1/changes", json=[one, {"title": "other", "device": "r1", "time": 1_790_000_000}])
    assert answer.status_code == 200
    told = answer.json()
    assert (told["accepted"], told["duplicates"], told["change_ids"][0]) == (2, 0, "CHG1")
    first, second = intake.rows("changes")
    assert (first["kind"], first["host"], first["author"], first["added"]) == (3, "192.0.2.1", "ada", 2)
    assert first["time"].isoformat() == "2026-10-01T08:00:00+00:00"
    assert (first["exporter"][-4:], second["exporter"]) == (bytes((192, 0, 2, 1)), bytes(16))
    assert (second["kind"], second["source"], second["time"].timestamp()) == (6, "push", 1_790_000_000)
    again = sender.post("/api/v1/changes", json=[one, one | {"change_id": "CHG2"}]).json()
    assert (again["accepted"], again["duplicates"]) == (1, 1)


def test_changes_without_a_name_are_known_by_what_they_say(sender):
    body = {"title": "deploy", "time": 1_790_000_000}
    assert sender.post("/api/v1/changes", json=[body, body]).json()["accepted"] == 1
    assert sender.post("/api/v1/changes", json=body).json()["duplicates"] == 1


def test_changes_are_remembered_over_a_restart(sender, intake, pushes, tmp_path):
    sender.post("/api/v1/changes", json={"title": "x", "change_id": "CHG9"})
    pushes.stop()
    pushes.start()
    again = Pushes(PushConfig(), intake, tmp_path)
    again.start()
    assert sender.post("/api/v1/changes", json={"title": "x", "change_id": "CHG9"}).json()["duplicates"] == 1
    again.stop()


@pytest.mark.parametrize(
    "body", [{}, {"title": ""}, {"title": "x", "kind": "no"}, {"title": "x", "tilte": 1}, {"title": "x", "time": "no"},
             [{"title": "x"}] * 1001, {"title": "x", "added": -1}],
)  # fmt: skip
def test_bad_changes(sender, intake, body):
    assert sender.post("/api/v1/changes", json=body).status_code == 400
    assert intake.batches == []
