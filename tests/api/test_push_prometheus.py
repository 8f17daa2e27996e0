"""A real Prometheus scrapes a small exporter and writes to the API; what arrives is what it has."""

import dataclasses
import json
import math
import socket
import subprocess
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import uvicorn
from tests.collect.intake.fakes import FakeIntake
from tests.programs import needs
from tests.waiting import until

from weft.api.application import create_app
from weft.api.auth import secrets
from weft.collect.push import PushConfig, Pushes

EXPOSITION = """# TYPE node_network_receive_bytes_total counter
node_network_receive_bytes_total{device="eth0"} 1.234567890123e+12
node_network_receive_bytes_total{device="eth1"} 77
# TYPE temperature gauge
temperature{sensor="a\\"b"} -3.25
# TYPE odd gauge
odd NaN
# TYPE rpc_seconds histogram
rpc_seconds_bucket{le="0.1"} 1
rpc_seconds_bucket{le="+Inf"} 3
rpc_seconds_sum 0.7
rpc_seconds_count 3
"""


class Exporter(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(EXPOSITION.encode())

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def exporter():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def intake():
    return FakeIntake()


@pytest.fixture
def api(deps, intake):
    """The application under uvicorn; answers its address."""
    pushes = Pushes(PushConfig(), intake)
    pushes.start()
    app = create_app(dataclasses.replace(deps, pushes=pushes))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="websockets-sansio", lifespan="on"))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        thread = threading.Thread(target=server.run, args=([sock],))
        thread.start()
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        thread.join()
    pushes.stop()


@pytest.fixture
def prometheus(api, exporter, state, tmp_path):
    program = needs("prometheus", "prometheus")
    secret = secrets.new_token()
    state.add_token(state.user("operator").id, "prometheus", secrets.digest(secret), "sender", None)
    (tmp_path / "token").write_text(secret)
    (tmp_path / "prometheus.yml").write_text(json.dumps({
        "global": {"scrape_interval": "1s", "external_labels": {"site": "fra"}},
        "scrape_configs": [{"job_name": "node", "static_configs": [{"targets": [exporter]}]}],
        "remote_write": [{
            "url": f"{api}/api/v1/write", "authorization": {"credentials_file": str(tmp_path / "token")},
            "queue_config": {"batch_send_deadline": "500ms", "max_backoff": "1s"},
            "metadata_config": {"send_interval": "1s"},
        }],
    }))  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = f"127.0.0.1:{sock.getsockname()[1]}"
    log = (tmp_path / "log").open("w")
    process = subprocess.Popen(
        [program, f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb",
         f"--web.listen-address={address}", "--log.level=warn"],
        stdout=subprocess.DEVNULL, stderr=log,
    )  # fmt: skip
    yield f"http://{address}"
    process.terminate()
    process.wait(20)
    log.close()


def ask(url, **parameters):
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
        return json.load(answer)["data"]["result"]


@pytest.mark.peers
def test_what_prometheus_has_is_what_arrives(prometheus, intake, exporter):
    until(lambda: len({row["time"] for row in intake.rows("metrics") if row["metric"] == "temperature"}) >= 3)
    rows = [row for row in intake.rows("metrics") if 'job="node"' in row["labels"]]
    arrived = {(row["metric"], row["component"], row["time"].value // 10**6): row for row in rows}
    compared = 0
    for name, device, ours in (("node_network_receive_bytes_total", "eth0", "in_octets"),
                               ("node_network_receive_bytes_total", "eth1", "in_octets"),
                               ("temperature", "", "temperature"), ("rpc_seconds_count", "", "rpc_seconds_count"),
                               ("up", "", "up")):  # fmt: skip
        selector = f'{name}{{device="{device}"}}[1m]' if device else f"{name}[1m]"
        (series,) = ask(f"{prometheus}/api/v1/query", query=selector)
        newest = max(stamp for metric, component, stamp in arrived if (metric, component) == (ours, device))
        for stamp, text in series["values"]:
            if round(stamp * 1000) > newest:
                continue  # not sent yet
            row = arrived[ours, device, round(stamp * 1000)]
            assert row["value"] == float(text)
            assert row["host"] == "127.0.0.1"
            assert f'instance="{exporter}"' in row["labels"]
            assert 'site="fra"' in row["labels"]
            compared += 1
    assert compared >= 12
    assert all(math.isfinite(row["value"]) for row in rows)
    assert not any(row["metric"] == "odd" for row in rows)
    kinds = {row["metric"]: row["metric_type"] for row in rows}
    assert (kinds["in_octets"], kinds["temperature"], kinds["rpc_seconds_bucket"]) == (1, 2, 1)
    (source,) = intake.sources()
    assert source.name == "prometheus @ 127.0.0.1"
    assert source.errors == {}
    assert source.detail["not_finite"] >= 3


@pytest.mark.peers
def test_prometheus_tries_again_while_weft_is_full(prometheus, intake):
    intake.full = True
    until(lambda: any(source.errors.get("refused") for source in intake.sources()))
    intake.full = False
    until(lambda: any(row["metric"] == "up" for row in intake.rows("metrics")))
    times = sorted({row["time"].value for row in intake.rows("metrics") if row["metric"] == "up"})
    (series,) = ask(f"{prometheus}/api/v1/query", query="up[1m]")
    first = round(series["values"][0][0] * 1000)
    assert times[0] // 10**6 == first  # nothing of the time before is missing
