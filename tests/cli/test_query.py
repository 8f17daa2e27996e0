"""``weft query`` as people run it: on a store of its own, against a running Weft, and when something is wrong."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.query.conftest import FIRST, KEEP, LAST

from weft.cli.query import DATASETS
from weft.query.datasets import build_catalogue

ROOT = Path(__file__).parents[2]
WINDOW = ["--since", str(FIRST), "--until", str(LAST)]
LOAD = """
import sys
from pathlib import Path
from tests.query.conftest import KEEP, batch_of, make_rows, write_names
from weft.model.flows import FLOWS
from weft.store.config import StoreConfig
from weft.store.open import open_store
store = open_store(StoreConfig(data_dir=Path(sys.argv[1]), retention_days=KEEP))
store.start()
store.insert(FLOWS, batch_of(make_rows(300)))
write_names(store)
store.stop()
"""


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A process of its own: an embedded store belongs to one, and this one has another open."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("WEFT_")}
    env |= {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"} | environment
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, cwd=ROOT, env=env, timeout=120, check=False
    )


def weft(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return python("-m", "weft", "query", *arguments, **environment)


def on(data_dir: Path) -> dict[str, str]:
    """Settings that point at the data."""
    return {"WEFT_DATA_DIR": str(data_dir), "WEFT_CONFIG": str(data_dir / "weft.yaml")}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data")
    (path / "weft.yaml").write_text(json.dumps({"store": {"retention_days": KEEP}}))
    done = python("-c", LOAD, str(path))
    assert done.returncode == 0, done.stderr.decode()
    return path


@pytest.mark.slow
def test_answers_from_the_store_itself(data_dir: Path) -> None:
    done = weft("--by", "SrcAS,Proto", "--top", "3", *WINDOW, **on(data_dir))
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode().splitlines()
    assert lines[0].split() == ["Source", "AS", "Protocol", "Bits", "per", "second"]
    assert len(lines) == 6
    assert "rows read" in done.stderr.decode()
    answer = json.loads(weft("--json", "-m", "flows", *WINDOW, **on(data_dir)).stdout)
    assert answer["rows"] == [[300.0]]
    rows = list(csv.reader(io.StringIO(weft("--csv", "-b", "proto", *WINDOW, **on(data_dir)).stdout.decode())))
    assert rows[0] == ["protocol", "bps"]


class _Weft(BaseHTTPRequestHandler):
    """Answers like the API: rightly to the right token."""

    answer: bytes = b""
    seen: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append((self.path, body))
        status, data = 200, self.answer
        if self.headers.get("authorization") != "Bearer weft_right":
            status, data = (
                401,
                b'{"error": {"code": "not_logged_in", "message": "no valid token", "where": null, "fix": null}}',
            )
        elif body.get("filter"):
            status, data = (
                400,
                b'{"error": {"code": "invalid_input", "message": "bad", "where": "filter", "fix": "so"}}',
            )
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextmanager
def running() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Weft)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.mark.slow
def test_asks_a_running_weft(data_dir: Path) -> None:
    _Weft.answer = weft("--json", "-b", "proto", *WINDOW, **on(data_dir)).stdout
    with running() as url:
        done = weft("-b", "proto", "--url", url, WEFT_TOKEN="weft_right")
        assert done.returncode == 0, done.stderr.decode()
        assert b"tcp" in done.stdout
        assert _Weft.seen[-1] == (
            "/api/v1/query",
            {"view": "table", "by": ["proto"], "since": "now-1h"},
        )
        wrong = weft("--url", url, WEFT_TOKEN="weft_wrong")
        assert (wrong.returncode, b"WEFT_TOKEN" in wrong.stderr) == (1, True)
        bad = weft("--url", url, "--filter", "x", WEFT_TOKEN="weft_right")
        assert (bad.returncode, bad.stderr.decode().strip()) == (2, "weft: filter: bad. so")
        # A store that another process owns: the question goes to that process.
        with (data_dir / "telemetry" / "owner").open("a") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX)
            port = url.rsplit(":", 1)[1]
            there = weft("-b", "proto", **on(data_dir), WEFT_PORT=port, WEFT_TOKEN="weft_right")
            assert (there.returncode, there.stdout) == (0, done.stdout), there.stderr.decode()
            alone = weft("-b", "proto", **on(data_dir), WEFT_PORT=port)
            assert (alone.returncode, b"WEFT_TOKEN" in alone.stderr) == (1, True)


@pytest.mark.parametrize(("arguments", "code", "says"), [
    (["--by", "SrcAs", "--top", "0"], 2, "--top"), (["--every", "soon"], 2, "1h30m"), (["--view", "pie"], 2, "sankey"),
    (["--url", "http://127.0.0.1:9"], 1, "Is Weft running there?"), ([], 1, "there is no data yet"),
])  # fmt: skip
def test_says_what_is_wrong(arguments: list[str], code: int, says: str, tmp_path: Path) -> None:
    done = weft(*arguments, WEFT_DATA_DIR=str(tmp_path / "none"))
    assert (done.returncode, says in done.stderr.decode()) == (code, True), done.stderr.decode()


def test_lists_what_can_be_asked() -> None:
    listed = weft("--list").stdout.decode()
    assert "src_as " in listed
    assert "p95_bps" in listed
    assert all(f"{name}: " in listed for name in ("flows", "metrics", "logs", "changes"))
    assert "label_NAME" in listed


def test_every_dataset_can_be_asked():
    assert set(DATASETS) == set(build_catalogue().datasets)
