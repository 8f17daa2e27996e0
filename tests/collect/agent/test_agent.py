"""The agent and its server: registering, being told, reporting, and what happens while the server is away."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import subprocess
import sys
import time

import pytest

from collect.agent.kit import RunningAgent
from doubles.synthetics_server import TOKEN, SyntheticsServer
from waiting import until
from weft.collect.agent.agent import Agent
from weft.collect.agent.config import AgentConfig
from weft.collect.agent.server import Server
from weft.errors import ConfigError
from weft.model.probes import HOPS, PROBES


@pytest.fixture
def server():
    one = SyntheticsServer()
    yield one
    one.stop()


@pytest.fixture
def listener():
    """A TCP port that answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as one:
        yield one.getsockname()[1]


def tcp(port: int, **more):
    return {"name": "door", "kind": "tcp", "targets": ["127.0.0.1"], "port": port, "every_s": 1, "count": 1} | more


def test_it_registers_runs_what_it_is_told_and_reports(server, listener, tmp_path):
    server.tests = [
        tcp(listener),
        {"name": "way", "kind": "trace", "targets": ["127.0.0.11"], "every_s": 1, "flows": 2, "timeout_ms": 500},
    ]
    one = RunningAgent(tmp_path, server.url)
    try:
        until(lambda: len(server.probes) >= 3 and server.hops)
    finally:
        one.stop()
    registered = server.registrations[0]
    assert (registered["name"], registered["addresses"]) == ("branch-1", ["127.0.0.1"])
    assert {"tcp", "trace", "http", "dns"} <= set(registered["capabilities"])
    probe = next(row for row in server.probes if row["test"] == "door")
    assert (probe["state"], probe["kind"], probe["address"]) == ("ok", "tcp", "127.0.0.1")
    assert {name for row in server.probes for name in row} <= set(PROBES.by_name)
    assert {name for row in server.hops for name in row} <= set(HOPS.by_name)
    runs = {row["run"] for row in server.probes if row["test"] == "way"}
    assert {row["run"] for row in server.hops} <= runs
    assert len({row["run"] for row in server.probes}) == len(server.probes)
    assert 304 in server.asked or server.asked == [200]


def test_its_key_is_kept_for_itself_and_used_again(server, tmp_path):
    for _ in range(2):
        one = RunningAgent(tmp_path, server.url)
        try:
            until(lambda: server.asked)
        finally:
            one.stop()
        server.asked.clear()
    assert len(server.registrations) == 1
    kept = tmp_path / "key.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert TOKEN not in kept.read_text()


def test_it_registers_anew_when_it_is_forgotten(server, tmp_path):
    one = RunningAgent(tmp_path, server.url)
    try:
        until(lambda: server.asked)
        server.key = "key-2"
        until(lambda: len(server.registrations) == 2)
    finally:
        one.stop()


def test_a_key_that_is_never_taken_is_not_asked_for_in_a_rush(server, tmp_path, monkeypatch):
    one = RunningAgent(tmp_path, server.url)
    monkeypatch.setattr(Server, "_keep", lambda self: setattr(self, "_key", "another"))  # what a proxy makes of it
    try:
        until(lambda: len(server.registrations) >= 2)
        time.sleep(0.5)
    finally:
        one.stop()
    assert len(server.registrations) <= 3


def test_a_directory_that_cannot_be_used_is_said(server, tmp_path):
    (tmp_path / "file").write_text("")
    agent = Agent(AgentConfig(server=server.url), tmp_path / "file" / "agent")
    with pytest.raises(ConfigError, match="cannot be written to"):
        asyncio.run(agent.run(asyncio.Event()))


def test_results_wait_on_disk_while_the_server_is_away_and_across_a_restart(server, listener, tmp_path):
    server.tests = [tcp(listener)]
    server.status = 503
    one = RunningAgent(tmp_path, server.url)
    try:
        until(lambda: list((tmp_path / "buffer").glob("*.json.gz")))
    finally:
        one.stop()
    before = {path.name for path in (tmp_path / "buffer").iterdir()}
    assert before
    assert server.reports == []
    server.status = 0
    one = RunningAgent(tmp_path, server.url)
    try:
        until(lambda: not before & {path.name for path in (tmp_path / "buffer").iterdir()})
        until(lambda: len(server.probes) >= 2)
    finally:
        one.stop()
    times = [row["time"] for row in server.probes]
    assert times == sorted(times)
    assert len({row["run"] for row in server.probes}) == len(times)


def test_a_report_that_is_never_taken_is_dropped_and_counted(server, listener, tmp_path):
    server.tests = [tcp(listener)]
    server.status = 400
    one = RunningAgent(tmp_path, server.url)
    try:
        status = until(lambda: _status(tmp_path) if _status(tmp_path).get("refused") else None)
    finally:
        one.stop()
    assert status["refused"]["the report was refused"] >= 1
    assert not list((tmp_path / "buffer").iterdir())


def _status(directory):
    try:
        return json.loads((directory / "status.json").read_text())
    except OSError:
        return {}


def test_a_changed_test_is_run_as_changed_and_a_removed_one_no_longer(server, listener, tmp_path):
    server.tests = [tcp(listener)]
    one = RunningAgent(tmp_path, server.url)
    try:
        until(lambda: server.probes)
        server.tests, server.revision = [tcp(listener, name="gate")], "2"
        until(lambda: any(row["test"] == "gate" for row in server.probes))
        ended = [row["test"] for row in server.probes][-1]
        assert ended == "gate"
    finally:
        one.stop()


def test_without_a_token_it_says_what_is_missing(server, tmp_path):
    one = RunningAgent(tmp_path, server.url, token=None)
    try:
        status = until(lambda: _status(tmp_path) if _status(tmp_path).get("trouble") else None)
        assert "agent.token" in status["trouble"]
    finally:
        one.stop()


def test_a_wrong_token_is_not_shown(server, tmp_path, capsys):
    one = RunningAgent(tmp_path, server.url, token="not-the-right-one")
    try:
        status = until(lambda: _status(tmp_path) if _status(tmp_path).get("trouble") else None)
    finally:
        one.stop()
    assert "does not let agents in" in status["trouble"]
    assert "not-the-right-one" not in json.dumps(status) + "".join(capsys.readouterr())


def test_agents_test_each_other(server, tmp_path):
    far = RunningAgent(tmp_path / "far", server.url, name="far", throughput={"port": 0, "address": "127.0.0.1"})
    try:
        port = until(lambda: next((one["port"] for one in server.registrations if one["name"] == "far"), 0))
        server.peers = [
            {"agent": "far", "addresses": ["127.0.0.1"], "port": port},
            {"agent": "branch-1", "addresses": ["127.0.0.1"], "port": 0},
        ]
        mesh = {"mesh": True, "every_s": 1, "count": 1, "duration_s": 0.5, "most_bps": 20e6}
        server.tests = [{"name": "rate", "kind": "throughput", **mesh}, {"name": "near", "kind": "tcp", **mesh}]
        server.revision = "2"
        one = RunningAgent(tmp_path / "near", server.url)
        try:
            done = until(
                lambda: {row["test"]: row for row in server.probes if row["target"] == "far" and row["state"] == "ok"}
            )
            until(lambda: {"rate", "near"} <= {row["test"] for row in server.probes if row["state"] == "ok"})
        finally:
            one.stop()
    finally:
        far.stop()
    done = {row["test"]: row for row in server.probes if row["target"] == "far" and row["state"] == "ok"}
    assert all(row["target_agent"] == "far" for row in done.values())
    assert 15e6 < done["rate"]["throughput_bps"] < 25e6, "the rate is kept"
    assert done["rate"]["bytes"] > 0.5e6
    back = [row for row in server.probes if row["target"] == "branch-1" and row["test"] == "rate"]
    assert all(row["state"] == "error" and "throughput" in row["error"] for row in back)


def test_its_process_brings_no_part_of_the_server():
    code = (
        "import sys, weft.cli.agent, weft.collect.agent.agent, weft.collect.agent.settings, json;"
        "print(json.dumps([m for m in ('numba', 'numpy', 'pyarrow', 'chdb', 'sqlalchemy', 'fastapi', 'grpc', "
        "'weft.collect.collector', 'weft.config') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout) == []
