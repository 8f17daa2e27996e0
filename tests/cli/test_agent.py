"""``weft agent`` as people run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from doubles.synthetics_server import TOKEN, SyntheticsServer
from waiting import until
from weft.cli.agent import agent_command
from weft.collect.agent.settings import AgentSettings
from weft.configfile import load
from weft.errors import ConfigError, InvalidInput

SOURCES = str(Path(__file__).resolve().parents[2] / "src")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WEFT_CONFIG", raising=False)


def run(*arguments: str):
    return CliRunner().invoke(agent_command, arguments)


def test_a_test_is_tried():
    done = run("try", "trace", "127.0.0.12", "--set", "flows=2", "--set", "timeout_ms=300")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("ok\n")
    assert "flows 0, 1\n      1  127.0.0.12" in done.output


def test_one_that_fails_says_so_and_ends_with_1():
    done = run("try", "tcp", "127.0.0.1:1", "--set", "count=1", "--json")
    assert done.exit_code == 1
    assert json.loads(done.output)["probe"]["error"] == "connection refused"


@pytest.mark.parametrize("given", ["cuont=3", "count=-1", "count", "name=x", "count=many"])
def test_a_field_that_there_is_not_is_refused(given):
    assert isinstance(run("try", "ping", "127.0.0.1", "--set", given).exception, InvalidInput)


def test_what_is_possible_here_is_said():
    done = run("check", "--json")
    said = json.loads(done.output)
    assert set(said["kinds"]) == {"ping", "tcp", "trace", "http", "dns", "throughput"}
    assert done.exit_code == (1 if any(said["kinds"].values()) else 0)


def test_an_agent_reads_its_own_sections_only(tmp_path):
    file = tmp_path / "weft.yaml"
    file.write_text("store: {nonsense: 1}\nagent: {name: ams, server: 'https://weft.example.net/'}\n")
    settings = load(AgentSettings, file, {"WEFT_AGENT__TOKEN": "from-outside", "WEFT_STORE__URL": "x"})
    assert (settings.agent.called, settings.agent.server) == ("ams", "https://weft.example.net")
    assert "from-outside" not in repr(settings)
    file.write_text("agent: {sever: x}\n")
    with pytest.raises(ConfigError, match="Did you mean `server`"):
        load(AgentSettings, file, {})
    for url in ("ftp://weft.example.net", "weft.example.net", "https://ann:secret@weft.example.net"):
        with pytest.raises(ConfigError):
            load(AgentSettings, None, {"WEFT_AGENT__SERVER": url})


def test_without_a_server_it_says_what_is_missing():
    assert "agent.server" in str(run().exception)


def test_it_runs_until_it_is_told_to_stop_and_says_how_it_is(tmp_path):
    server = SyntheticsServer()
    server.tests = [{"name": "t", "kind": "tcp", "targets": ["127.0.0.1"], "port": 1, "every_s": 1, "count": 1}]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
    command = [
        sys.executable,
        "-m",
        "weft",
        "agent",
        "--server",
        server.url,
        "--name",
        "ams",
        "--data-dir",
        str(tmp_path),
    ]
    environment = clean | {"PYTHONPATH": SOURCES, "WEFT_AGENT__TOKEN": TOKEN, "WEFT_AGENT__REPORT_S": "0.2"}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        until(lambda: server.probes)
        second = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert (second.returncode, "another agent runs here" in second.stderr) == (1, True)
    finally:
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=20)
        server.stop()
    assert process.returncode == 0, errors
    assert out == f"Agent ams runs for {server.url}\n"
    assert TOKEN not in errors
    assert server.key not in errors
    done = run("--data-dir", str(tmp_path), "status")
    assert "agent    ams, registered" in done.output
    assert " failed" in done.output
    assert json.loads(run("--data-dir", str(tmp_path), "status", "--json").output)["series"] == 1
