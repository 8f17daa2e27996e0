"""A double of a ClickHouse server: its HTTP protocol over the embedded engine, in a process of its own.

What it proves: client and protocol code, schema, retries, limits. What it cannot: clusters, users, TLS.

    with ClickHouseDouble() as server:
        open_store(StoreConfig(url=server.url))
        with server.paused(): ...      # an outage: connections are refused
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

#: URL parameters that are not settings.
_TRANSPORT = {
    "query", "database", "user", "password", "session_id", "session_timeout", "session_check", "query_id", "compress",
    "decompress", "default_format", "wait_end_of_query", "buffer_size", "client_protocol_version",
    "enable_http_compression", "send_progress_in_http_headers", "http_headers_progress_interval_ms", "quota_key",
    "role",
    "cancel_http_readonly_queries_on_client_close", "add_http_cors_header",
}  # fmt: skip
_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b.*)?;?\s*$", re.IGNORECASE | re.DOTALL)
_INSERT = re.compile(rb"^\s*(INSERT\s+INTO\b.*?)\s+FORMAT\s+(\w+)[ \t]*(?:\r?\n|$)", re.IGNORECASE | re.DOTALL)
_READS = re.compile(rb"^\s*(select|with|show|describe|desc|explain|exists|check)\b", re.IGNORECASE)
_STATUS = {"516": 403, "60": 404, "62": 400, "47": 404}


class ClickHouseDouble:
    """Starts the double on a free loopback port; its data live until it is closed, across pauses."""

    def __init__(self) -> None:
        self._data = tempfile.mkdtemp(prefix="weft-clickhouse-")
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """What to set ``store.url`` to."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the same port as before if it was paused."""
        command = [sys.executable, __file__, self._data, str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("listening"):
            self.stop()
            raise RuntimeError("the ClickHouse double did not start")
        self.port = int(line.split()[1])

    def stop(self) -> None:
        """Stop listening, as if the server was killed; the data stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """An outage."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def __enter__(self) -> ClickHouseDouble:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._data, ignore_errors=True)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(self, path: str, port: int) -> None:
        import chdb

        self._connect, self._path = chdb.connect, path
        self._idle: list[Any] = []
        self._lock = threading.Lock()
        self.keep = chdb.connect(path)
        self.timezone = self.keep.query("SELECT timezone()", "TabSeparated").bytes().decode().strip()
        super().__init__(("127.0.0.1", port), _Handler)

    @contextlib.contextmanager
    def handle(self) -> Iterator[Any]:
        """A handle for one request; one that failed is thrown away with the settings it had."""
        with self._lock:
            handle = self._idle.pop() if self._idle else self._connect(self._path)
        try:
            yield handle
        except BaseException:
            handle.close()
            raise
        with self._lock:
            self._idle.append(handle)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        out = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            out.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        return b"".join(out)

    def _answer(self, body: bytes) -> None:
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/ping":
            self._send(200, b"Ok.\n", {})
            return
        given = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True, errors="surrogateescape"))
        sql = given.get("query", "").encode("utf8", "surrogateescape")
        sql += (b"\n" if sql and body else b"") + body
        headers = {
            "X-ClickHouse-Query-Id": given.get("query_id") or str(uuid.uuid4()),
            "X-ClickHouse-Timezone": self.server.timezone,
        }
        start = time.time()
        try:
            with self.server.handle() as handle:
                out, form, summary = _run(handle, sql, given)
        except Exception as error:  # noqa: BLE001  # whatever the engine says goes to the client
            text = str(error)
            text = text[max(text.find("Code: "), 0) :]
            match = re.match(r"Code: (\d+)", text)
            code = match.group(1) if match else "1002"
            self._send(_STATUS.get(code, 500), text.encode() + b"\n", headers | {"X-ClickHouse-Exception-Code": code})
            return
        if form:
            headers["X-ClickHouse-Format"] = form
        summary["elapsed_ns"] = int((time.time() - start) * 1e9)
        headers["X-ClickHouse-Summary"] = json.dumps({k: str(v) for k, v in summary.items()})
        self._send(200, out, headers)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _run(handle: Any, sql: bytes, given: Mapping[str, str]) -> tuple[bytes, str | None, dict[str, int]]:
    """Run one request: its settings, its query, then the settings back. Returns body, format and summary."""
    handle.query(f"USE `{given.get('database') or 'default'}`", "Null")
    settings = {
        k: v for k, v in given.items() if k not in _TRANSPORT and not k.startswith("param_") and k.isidentifier()
    }
    for name, value in settings.items():
        handle.query(f"SET {name} = {_quoted(value)}", "Null")
    out, form, summary = _insert(handle, sql) or _query(handle, sql, given)
    for name in settings:
        handle.query(f"SET {name} = DEFAULT", "Null")
    return out, form, summary


def _insert(handle: Any, sql: bytes) -> tuple[bytes, str | None, dict[str, int]] | None:
    match = _INSERT.match(sql)
    if match is None:
        return None
    stream = handle.send_insert(match.group(1).decode(), match.group(2).decode())
    try:
        if data := sql[match.end() :]:
            stream.append(data)
        result = stream.finish()
    except BaseException:
        stream.cancel()
        raise
    return b"", None, {"written_rows": result.rows_written, "written_bytes": result.bytes_written}


def _query(handle: Any, sql: bytes, given: Mapping[str, str]) -> tuple[bytes, str | None, dict[str, int]]:
    match = _FORMAT.search(sql)
    form: str | None = match.group(1).decode() if match else given.get("default_format", "TabSeparated")
    parameters = {k.removeprefix("param_"): v for k, v in given.items() if k.startswith("param_")}
    marked = f"/* {given.get('query_id', '')} */ ".encode() + sql
    kill = re.search(rb"KILL QUERY WHERE query_id = '([^']*)'", sql)
    if kill:  # the embedded engine makes up its own query ids
        marked = b"KILL QUERY WHERE query LIKE '/* " + kill.group(1) + b" */%' ASYNC"
    result = handle.query(marked.decode("utf8", "surrogateescape"), form, params=parameters or None)
    out: bytes = result.bytes() or b""
    summary = {"read_rows": result.storage_rows_read(), "read_bytes": result.storage_bytes_read()}
    return out, form if out or _READS.match(sql) else None, summary


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


if __name__ == "__main__":
    _server = _Server(sys.argv[1], int(sys.argv[2]))
    print("listening", _server.server_address[1], flush=True)
    _server.serve_forever()
