"""What every answer carries, what is refused before it reaches a route, and the web UI's files."""

import gzip

import pytest
import structlog
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from weft.api.security import HostCheck, SecurityHeaders, hostname, same_origin
from weft.api.static import WebUi
from weft.errors import Failed, InvalidInput, LimitExceeded, StoreUnavailable


def test_health_needs_nothing(client):
    answer = client.get("/api/v1/health")
    assert answer.status_code == 200
    assert answer.json().keys() == {"status", "version", "demo"}
    assert answer.json()["demo"] is True


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/exporters", "/api/v1/nothing", "/", "/explore"])
def test_security_headers_on_every_answer(client, path):
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["object-src"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "strict-transport-security" not in headers
    assert "server" not in headers


def test_api_answers_are_not_cached(client):
    assert client.get("/api/v1/health").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True), ("localhost:8080", True), ("127.0.0.1:8080", True), ("[::1]:8080", True),
        ("192.0.2.7", True), ("weft.example.net", True), ("WEFT.example.net:443", True), ("x.localhost", True),
        ("evil.example", False), ("localhost.evil.example", False), ("", False), ("[bad", False),
    ],
)  # fmt: skip
def test_host_header(host, allowed):
    assert HostCheck(None, allowed=["weft.example.net"]).allows(host) is allowed


def test_foreign_host_is_refused(client):
    answer = client.get("/api/v1/health", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert answer.json()["error"]["where"] == "Host"


def test_hostname_and_origin():
    assert hostname("a.b:1") == "a.b"
    assert hostname("[::1]:80") == "::1"
    assert hostname("[") is None
    assert same_origin(Headers({"host": "a:1"}))
    assert same_origin(Headers({"host": "a:1", "origin": "http://a:1"}))
    assert not same_origin(Headers({"host": "a:1", "origin": "http://a:2"}))
    assert not same_origin(Headers({"host": "a:1", "origin": "null"}))


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (InvalidInput("no such column", where="by", fix="use src_as"), 400, "invalid_input"),
        (StoreUnavailable("away"), 503, "store_unavailable"),
        (LimitExceeded("30 s"), 504, "limit_exceeded"),
        (Failed("broken"), 500, "failed"),
    ],
)
def test_errors_have_one_shape(as_role, deps, failure, status, code):
    deps.questions.failure = failure
    answer = as_role("viewer").post("/api/v1/query", json={})
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error == {"code": code, "message": failure.what, "where": failure.where, "fix": failure.fix}


def test_unexpected_errors_tell_nothing(app, as_role, deps, state):
    deps.questions.failure = RuntimeError("secret detail")
    client = as_role("viewer")
    quiet = TestClient(app, base_url="http://localhost", headers=client.headers, raise_server_exceptions=False)
    with structlog.testing.capture_logs() as logs:
        answer = quiet.post("/api/v1/query", json={})
    assert [entry["event"] for entry in logs] == ["request_failed"]
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert answer.json()["error"]["code"] == "failed"


def test_invalid_bodies_are_400_with_their_place(as_role):
    client = as_role("viewer")
    answer = client.post("/api/v1/query", json={"top": 0})
    assert (answer.status_code, answer.json()["error"]["where"]) == (400, "top")
    assert client.post("/api/v1/query", json={"nonsense": 1}).status_code == 400
    assert client.post("/api/v1/query", content=b"{", headers={"content-type": "application/json"}).status_code == 400


def test_unknown_operation_is_404(as_role):
    assert as_role("viewer").get("/api/v1/nothing").json()["error"]["code"] == "not_found"


def test_bodies_without_a_length_are_counted_too(client, deps):
    def endless():
        for _ in range(deps.config.max_body_bytes // 10_000 + 2):
            yield b" " * 10_000

    answer = client.post("/api/v1/auth/login", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_answers_are_compressed(as_role):
    answer = as_role("viewer").get("/api/v1/catalogue", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["datasets"][0]["name"] == "flows"


def test_export_is_a_download(as_role):
    answer = as_role("viewer").post("/api/v1/query/export?format=csv", json={"view": "table"})
    assert answer.headers["content-disposition"] == 'attachment; filename="weft-flows-table.csv"'
    assert answer.text == "a,b\n1,2\n"
    assert as_role("viewer").post("/api/v1/query/export?format=exe", json={}).status_code == 400


def test_filter_operations(as_role):
    client = as_role("viewer")
    assert client.post("/api/v1/filter/check", json={"filter": "a=1"}).json() == {"ok": True, "error": None}
    wrong = client.post("/api/v1/filter/check", json={"filter": "abc"}).json()
    assert wrong["error"]["position"] == 3
    options = client.post("/api/v1/filter/complete", json={"filter": "sr", "cursor": 2}).json()
    assert (options["from"], options["to"], options["options"][0]["label"]) == (0, 2, "src_as")


def test_metrics_are_for_this_machine(app, as_role):
    assert (
        "weft_live_clients"
        in TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1)).get("/metrics").text
    )
    far = TestClient(app, base_url="http://localhost", client=("192.0.2.1", 1))
    assert far.get("/metrics").status_code == 401
    proxied = TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1))
    assert proxied.get("/metrics", headers={"x-forwarded-for": "192.0.2.1"}).status_code == 401
    assert as_role("viewer").get("/metrics").status_code == 200


@pytest.fixture
def dist(tmp_path):
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<html>page</html>")
    (dist / "assets/app-1a2b.js").write_text("let x = 1")
    (dist / "assets/app-1a2b.js.gz").write_bytes(gzip.compress(b"let x = 1"))
    (dist / ".digest").write_text("hidden")
    (tmp_path / "outside.txt").write_text("outside")
    return dist


@pytest.fixture
def web(dist):
    from starlette.applications import Starlette

    app = Starlette()
    app.mount("/", WebUi(dist))
    return TestClient(app)


def test_parts_of_a_page_carry_what_parts_heed(dist):
    (dist / "assets/drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")  # can be opened as a document
    client = TestClient(SecurityHeaders(WebUi(dist)))
    headers = client.get("/assets/app-1a2b.js").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "content-security-policy" not in headers
    for path in ("/", "/assets/drawing.svg"):
        assert "content-security-policy" in client.get(path).headers


def test_page_for_every_place_in_it(web):
    for path in ("/", "/explore", "/explore/deep?x=1", "/devices/fra-core1.example.net"):
        answer = web.get(path)
        assert answer.text == "<html>page</html>"
        assert answer.headers["cache-control"] == "no-cache"


def test_assets_are_kept_for_ever_and_sent_compressed(web):
    plain = web.get("/assets/app-1a2b.js", headers={"accept-encoding": "identity"})
    assert "immutable" in plain.headers["cache-control"]
    assert "content-encoding" not in plain.headers
    packed = web.get("/assets/app-1a2b.js", headers={"accept-encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-type"].startswith("text/javascript")
    assert packed.text == plain.text == "let x = 1"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/none.js",
        "/none.js",
        "/.digest",
        "/../outside.txt",
        "/%2e%2e/outside.txt",
        "/devices/../../outside.txt",
        "/assets/..%2f..%2foutside.txt",
    ],
)
def test_nothing_outside_is_served(web, path):
    answer = web.get(path)
    assert answer.status_code == 404 or answer.text == "<html>page</html>"
    assert "outside" not in answer.text
    assert "hidden" not in answer.text


def test_missing_page_says_how_to_build_it(tmp_path):
    answer = TestClient(WebUi(tmp_path / "none")).get("/")
    assert answer.status_code == 503
    assert "./dev setup" in answer.text
