"""Prometheus: a real one, and a server that answers whatever a test wants."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.collect.business.kit import running, told
from tests.programs import needs
from tests.waiting import until


class Server(ThreadingHTTPServer):
    """Answers ``status`` and ``body``; keeps what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body, self.delay_s = 200, b"", 0.0
        self.asked, self.headers = [], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/prom"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        server.asked.append({"path": self.path, **{name: values[0] for name, values in form.items()}})
        server.headers.append(dict(self.headers))
        time.sleep(server.delay_s)
        self.send_response(server.status)
        self.send_header("content-length", str(len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def matrix(*series):
    result = [{"metric": labels, "values": values} for labels, values in series]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


def source(server, **more):
    query = {"series": "orders", "query": "sum(rate(o[5m]))", "step_s": 1, "history_s": 60, "unit": "orders/min"}
    return [{"name": "prom", "url": server.url, "queries": [query | more.pop("asked", {})], "timeout_s": 1, **more}]


def test_ranges_follow_one_another_and_nothing_is_asked_twice(server, tmp_path):
    now = int(time.time())
    server.body = matrix(({"__name__": "o", "site": "fra"}, [[now - 2, "1.5"], [now - 1, "NaN"], [now, "2.5"]]))
    with running(tmp_path, prometheus=source(server, token="t0ps3cret")) as intake:
        until(lambda: len(server.asked) >= 3)
        assert told(intake) == [("orders", 'site="fra"', now - 2, 1.5), ("orders", 'site="fra"', now, 2.5)]
        assert "t0ps3cret" not in repr(intake.books[0].status())
    first, second, third = server.asked[:3]
    assert (first["path"], first["query"], first["step"]) == ("/prom/api/v1/query_range", "sum(rate(o[5m]))", "1")
    assert float(first["end"]) - float(first["start"]) == 60
    assert float(second["start"]) == float(first["end"]) + 1
    assert float(third["start"]) == float(second["end"]) + 1
    assert server.headers[0]["authorization"] == "Bearer t0ps3cret"
    asked = len(server.asked)
    with running(tmp_path, prometheus=source(server)):  # goes on after a restart
        until(lambda: len(server.asked) > asked)
    assert float(server.asked[asked]["start"]) == float(server.asked[asked - 1]["end"]) + 1


@pytest.mark.parametrize(("status", "body", "reason"), [
    (400, b'{"status":"error","error":"parse error"}', "query"), (401, b"", "refused"), (403, b"no", "refused"),
    (502, b"<html>", "unreachable"), (200, b"<html>", "malformed"), (200, b"[]", "malformed"),
    (200, b'{"status":"success","data":{"resultType":"vector","result":[]}}', "malformed"),
    (200, b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":3}]}}', "malformed"),
    (200, b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1]]}]}}', "malformed"),
    (200, matrix(({}, [["inf", "1"]])), "malformed"), (200, matrix(({}, [[9e10, "1"]])), "bad_row"),
    (200, matrix(*(({"i": str(i)}, []) for i in range(10_001))), "too_many"),
    (302, b"", "unreachable"),
])  # fmt: skip
def test_what_it_answers_otherwise_has_a_reason(server, tmp_path, status, body, reason):
    server.status, server.body = status, body
    with running(tmp_path, prometheus=source(server)) as intake:
        until(lambda: intake.books[0].status().errors.get(reason))
        assert told(intake) == []


def test_a_server_that_is_slow_or_away(server, tmp_path):
    server.delay_s, server.body = 1.5, matrix()
    away = {"name": "away", "url": "http://127.0.0.1:1", "queries": [{"series": "x", "query": "x"}]}
    with running(tmp_path, prometheus=[*source(server), away]) as intake:
        until(lambda: intake.books[0].status().errors.get("timeout"))
        until(lambda: intake.books[1].status().errors.get("unreachable"))
        assert intake.books[1].status().state == "failing"


@pytest.mark.peers
def test_what_a_real_prometheus_has_is_what_arrives(tmp_path):
    program = needs("prometheus", "prometheus")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = f"127.0.0.1:{sock.getsockname()[1]}"
    (tmp_path / "prometheus.yml").write_text(json.dumps({
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "self", "static_configs": [{"targets": [address]}]}],
    }))  # fmt: skip
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [program, f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb",
             f"--web.listen-address={address}", "--log.level=warn"], stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
        try:
            asked = {"series": "targets_up", "query": "up + 41", "step_s": 1, "history_s": 10}
            section = [{"name": "real", "url": f"http://{address}", "queries": [asked]}]
            with running(tmp_path / "d", prometheus=section) as intake:
                until(lambda: len(told(intake)) >= 4, 60)
                rows = told(intake)
            parameters = {"query": "up + 41", "start": rows[0][2], "end": rows[-1][2], "step": 1}
            url = f"http://{address}/api/v1/query_range?{urllib.parse.urlencode(parameters)}"
            with urllib.request.urlopen(url, timeout=10) as answer:
                (series,) = json.load(answer)["data"]["result"]
        finally:
            process.terminate()
            process.wait(20)
    labels = f'instance="{address}",job="self"'
    assert rows == [("targets_up", labels, int(at), float(value)) for at, value in series["values"]]
    assert rows[0][3] == 42.0
