"""HTTP tests against nginx, and against servers that misbehave."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time

import pytest

from certificates import authority, certificate
from collect.agent.kit import once
from programs import needs
from waiting import until
from weft.collect.agent.http import shown

CONFIG = """
daemon off; master_process off; pid {d}/pid; error_log {d}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {d}/access.log; default_type text/plain;
  client_body_temp_path {d}/t1; proxy_temp_path {d}/t2; fastcgi_temp_path {d}/t3; uwsgi_temp_path {d}/t4;
  scgi_temp_path {d}/t5;
  server {{
    listen 127.0.0.1:{plain}; listen [::1]:{plain};
    location = /ok {{ return 200 "all is well"; }}
    location = /moved {{ return 302 /ok; }}
    location = /broken {{ return 503 "sorry"; }}
    location = /echo {{ return 200 "$http_x_of_ours $http_authorization $http_host $request_method"; }}
    location /files/ {{ alias {d}/files/; }}
  }}
  server {{
    listen 127.0.0.1:{tls} ssl; ssl_certificate {d}/cert.pem; ssl_certificate_key {d}/key.pem;
    location / {{ return 200 "secret"; }}
  }}
}}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    """(port of HTTP, port of HTTPS, file with the authority's certificate)."""
    program, directory = needs("nginx", "nginx-light"), tmp_path_factory.mktemp("nginx")
    signer = authority()
    cert, key = certificate(signer, "localhost", ["localhost", "127.0.0.1"])
    (directory / "cert.pem").write_bytes(cert)
    (directory / "key.pem").write_bytes(key)
    (directory / "ca.pem").write_bytes(signer.pem)
    (directory / "files").mkdir()
    (directory / "files" / "large").write_bytes(b"x" * 3_000_000)
    plain, tls = free_port(), free_port()
    (directory / "nginx.conf").write_text("user root;" + CONFIG.format(d=directory, plain=plain, tls=tls))
    process = subprocess.Popen(
        [program, "-c", str(directory / "nginx.conf"), "-p", str(directory), "-e", str(directory / "error.log")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def answers():
        assert process.poll() is None, (directory / "error.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", tls), 1):
            return True

    until(answers)
    yield plain, tls, directory / "ca.pem"
    process.terminate()
    process.wait(10)


@pytest.mark.peers
def test_the_phases_are_told_apart(nginx):
    plain, _, _ = nginx
    probe, _ = once("http", f"http://localhost:{plain}/ok", family="ipv4", expect_text="is well")
    assert (probe["state"], probe["code"], probe["bytes"], probe["address"]) == ("ok", 200, 11, "127.0.0.1")
    phases = [probe[name] for name in ("dns_ms", "connect_ms", "first_byte_ms", "transfer_ms")]
    assert all(one >= 0 for one in phases)
    assert sum(phases) <= probe["rtt_ms"] + 1
    assert "tls_ms" not in probe


@pytest.mark.peers
def test_both_families(nginx):
    plain, _, _ = nginx
    assert once("http", f"http://[::1]:{plain}/ok")[0]["address"] == "::1"
    probe, _ = once("http", f"http://[::1]:{plain}/ok", family="ipv4")
    assert (probe["state"], "not an IPv4 address" in probe["error"]) == ("error", True)


@pytest.mark.peers
@pytest.mark.parametrize(
    ("path", "more", "state", "reason"),
    [
        ("moved", {}, "ok", None),
        ("moved", {"expect_status": [200]}, "failed", "status 302"),
        ("broken", {}, "failed", "status 503"),
        ("broken", {"expect_status": [503]}, "ok", None),
        ("ok", {"expect_text": "is ill"}, "failed", "the text that is expected is not in the answer"),
        ("ok", {"method": "HEAD"}, "ok", None),
        ("files/large", {}, "ok", None),
        ("ok", {"limits": {"rtt_ms": 0.001}}, "degraded", "round trip"),
    ],
)
def test_what_is_good_is_for_the_test_to_say(nginx, path, more, state, reason):
    probe, _ = once("http", f"http://127.0.0.1:{nginx[0]}/{path}", **more)
    assert probe["state"] == state, probe
    assert (reason or "") in probe.get("error", "")
    if path == "files/large":
        assert probe["bytes"] == 3_000_000


@pytest.mark.peers
def test_headers_and_credentials_are_sent_and_not_shown(nginx):
    url = f"http://ann:s3cret@127.0.0.1:{nginx[0]}/echo"
    probe, _ = once("http", url, method="POST", body="x", headers={"X-Of-Ours": "yes", "Host": "www.example.com"},
                    expect_text="yes Basic YW5uOnMzY3JldA== www.example.com POST")  # fmt: skip
    assert probe["state"] == "ok", probe
    assert probe["target"] == f"http://127.0.0.1:{nginx[0]}/echo"
    assert "s3cret" not in str(probe)
    assert shown("https://example.com/a@b") == "https://example.com/a@b"


@pytest.mark.peers
def test_the_certificate_is_read_whether_it_is_believed_or_not(nginx):
    _, tls, ca = nginx
    believed, _ = once("http", f"https://localhost:{tls}/", agent={"http_ca": str(ca)}, family="ipv4",
                       limits={"certificate_days": 0})  # fmt: skip
    assert believed["state"] == "ok", believed
    assert believed["tls_ms"] > 0
    soon, _ = once("http", f"https://127.0.0.1:{tls}/", agent={"http_ca": str(ca)})
    assert (soon["state"], "certificate expires in 0.0 days" in soon["error"]) == ("degraded", True)
    doubted, _ = once("http", f"https://localhost:{tls}/", family="ipv4")
    assert (doubted["state"], doubted["error"].startswith("certificate: ")) == ("failed", True)
    wrong_name, _ = once("http", f"https://localhost:{tls}/", agent={"http_ca": str(ca)}, family="ipv4",
                         verify_tls=False, limits={"certificate_days": 0})  # fmt: skip
    assert wrong_name["state"] == "ok"
    for probe in (believed, doubted, wrong_name):
        assert 0.03 < probe["certificate_days"] < 0.05
        assert probe["answer"] == "CN=Test authority"


@pytest.mark.peers
def test_tls_to_a_port_without_it_fails_with_a_reason(nginx):
    probe, _ = once("http", f"https://127.0.0.1:{nginx[0]}/")
    assert (probe["state"], probe["error"][:4]) == ("failed", "TLS:")


@contextlib.contextmanager
def rude(answer: bytes, slowly_s: float = 0.0):
    """A server that says this to everyone."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):
                one, _ = listener.accept()
                with one:
                    one.recv(4096)
                    for at in range(0, len(answer), 1000):
                        one.sendall(answer[at : at + 1000])
                        time.sleep(slowly_s)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    thread.join(5)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZZ\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
        bytes(range(256)) * 10,
    ],
)
def test_what_is_not_http_fails_and_harms_nobody(answer):
    with rude(answer) as url:
        probe, _ = once("http", url)
    assert (probe["state"], probe["sent"], probe["received"]) == ("failed", 1, 0)
    assert probe["error"]


def test_one_that_drips_is_not_waited_for():
    with rude(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"x" * 100_000, slowly_s=0.1) as url:
        probe, _ = once("http", url, timeout_ms=300)
    assert (probe["state"], probe["error"]) == ("failed", "timed out reading the answer")
    assert probe["first_byte_ms"] > 0


@pytest.mark.parametrize("target", ["ftp://example.com/", "nonsense", "http://", "http://192.0.2.1:99999/"])
def test_what_is_no_url_is_an_error_of_the_test(target):
    assert once("http", target)[0]["state"] == "error"


def test_a_target_that_is_not_allowed_is_not_reached_for():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        for kind, target in (("http", url), ("tcp", url[7:-1]), ("ping", "127.0.0.1"), ("dns", "example.com")):
            probe, _ = once(kind, target, "127.0.0.1", agent={"targets": ["192.0.2.0/24"]})
            assert (probe["state"], "may reach for" in probe["error"]) == ("error", True), probe
        with pytest.raises(BlockingIOError):
            listener.accept()
