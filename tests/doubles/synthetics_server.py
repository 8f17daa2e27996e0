"""The server's side of synthetic tests as agents see it, over HTTP, in a thread: it says what tests want it to say."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN, KEY = "a-token-of-16-letters", "key-1"


class SyntheticsServer:
    """Listens on a free port of loopback. ``status`` other than 0 is answered to every report."""

    def __init__(self) -> None:
        self.tests: list[Any] = []
        self.peers: list[Any] = []
        self.revision = "1"
        self.status = 0
        self.key = KEY
        self.registrations: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []
        self.asked: list[int] = []
        double = self

        class Handler(_Handler):
            server_side = double

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    @property
    def probes(self) -> list[dict[str, Any]]:
        return [row for report in list(self.reports) for row in report["probes"]]

    @property
    def hops(self) -> list[dict[str, Any]]:
        return [row for report in list(self.reports) for row in report["hops"]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_side: SyntheticsServer

    def log_message(self, *_: Any) -> None:
        pass

    def _say(self, status: int, said: Any = None, etag: str = "") -> None:
        body = b"" if said is None else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        if etag:
            self.send_header("etag", etag)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def _known(self) -> bool:
        if self.headers.get("authorization") == f"Bearer {self.server_side.key}":
            return True
        self._say(401, {"error": {"message": "this is not the key of an agent"}})
        return False

    def do_GET(self) -> None:
        one = self.server_side
        if self.path != "/api/v1/agents/self/tests" or not self._known():
            return
        etag = f'"{one.revision}"'
        if self.headers.get("if-none-match") == etag:
            one.asked.append(304)
            self._say(304, etag=etag)
            return
        one.asked.append(200)
        self._say(200, {"revision": one.revision, "every_s": 1, "tests": one.tests, "peers": one.peers}, etag)

    def do_POST(self) -> None:
        one = self.server_side
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path.endswith("/register"):
            said = json.loads(body)
            if said["token"] != TOKEN:
                self._say(401, {"error": {"message": "the token does not let agents in"}})
                return
            one.registrations.append(said)
            self._say(201, {"agent": said["name"], "key": one.key})
        elif self._known():
            if one.status:
                self._say(one.status, {"error": {"message": "not now"}})
                return
            report = json.loads(gzip.decompress(body))
            one.reports.append(report)
            self._say(200, {"stored": len(report["probes"]) + len(report["hops"]), "duplicates": 0, "refused": {}})
