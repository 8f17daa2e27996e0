"""Agents and a whole Weft, each in a process of its own: from a test in the settings to rows that can be asked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
import yaml

from collect.agent.test_http import free_port
from waiting import until
from weft.api.auth.accounts import TOKEN_FILE

pytestmark = pytest.mark.slow
SOURCES = str(Path(__file__).resolve().parents[3] / "src")
TOKEN = "a-token-of-many-letters"


class Processes:
    """A Weft and agents of it; all are ended."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port = directory, free_port()
        self._running: list[subprocess.Popen[str]] = []
        mesh = {"mesh": True, "every_s": 2, "duration_s": 0.5, "most_bps": 20e6, "timeout_ms": 1000}
        tests = [
            {"name": "door", "kind": "tcp", "targets": [f"127.0.0.1:{self.port}"], "every_s": 1, "count": 2,
             "interval_ms": 10},
            {"name": "way", "kind": "trace", "targets": ["127.0.0.13"], "every_s": 2, "flows": 2, "timeout_ms": 300},
            {"name": "rate", "kind": "throughput", **mesh},
        ]  # fmt: skip
        settings = {
            "data_dir": str(directory / "data"), "api": {"port": self.port}, "collect": {"listeners": []},
            "syslog": {"listeners": []}, "synthetics": {"token": TOKEN, "ask_every_s": 1, "tests": tests},
        }  # fmt: skip
        (directory / "weft.yaml").write_text(yaml.safe_dump(settings))

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
        self._environment = clean | {"PYTHONPATH": SOURCES, "WEFT_CONFIG": str(self.directory / "weft.yaml")}
        with (self.directory / f"stderr-{len(self._running)}").open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "weft", *arguments], env=self._environment | environment, cwd=self.directory,
                stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
        self._running.append(process)
        return process

    def ask(self, path: str, body: object = None):
        token = (self.directory / "data" / TOKEN_FILE).read_text().strip()
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}"
        answer = httpx2.request(
            "POST" if body else "GET", url, json=body, headers={"authorization": f"Bearer {token}"}, timeout=30
        )
        assert answer.is_success, answer.text
        return answer.json()

    def stop(self) -> None:
        for process in reversed(self._running):
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture
def processes(tmp_path):
    one = Processes(tmp_path)
    yield one
    one.stop()


def test_agents_measure_and_a_weft_knows(processes):
    up = processes.start("up")
    assert up.stdout is not None
    assert up.stdout.readline().startswith("Weft is ready")
    for name in ("near", "far"):
        processes.start(
            "agent", "--server", f"http://127.0.0.1:{processes.port}", "--name", name, "--data-dir",
            str(processes.directory / name), WEFT_AGENT__TOKEN=TOKEN,
            WEFT_AGENT__THROUGHPUT="{port: 0, address: 127.0.0.1}",
        )  # fmt: skip
    question = {"dataset": "probes", "by": ["test", "agent"], "measures": ["runs"], "filter": "state = ok",
                "since": "now-10m", "view": "table"}  # fmt: skip
    wanted = {(test, agent) for test in ("door", "way", "rate") for agent in ("near", "far")}

    def measured() -> bool:
        answer = processes.ask("query", question)
        names = [column["name"] for column in answer["columns"]]
        rows = [dict(zip(names, row, strict=True)) for row in answer["rows"]]
        return wanted <= {(row["test"], row["agent"]) for row in rows}

    until(measured, 60)
    assert {one["name"] for one in processes.ask("agents")} == {"near", "far"}
