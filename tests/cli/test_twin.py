"""``weft twin``: runs into files, and what the others ask of a running demo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from weft.cli import client as client_module
from weft.cli.twin import twin_command
from weft.errors import InvalidInput

FAULT = {
    "id": "link_cut-t1", "kind": "link_cut", "title": "Line cut", "is_benign": False, "state": "active",
    "start": 1_772_496_000.0, "end": 1_772_496_600.0, "where": "chi-border1 et-2/0/0", "text": "The line is cut.",
    "symptoms": [{"dataset": "metrics", "entity": "interface:chi-border1|et-2/0/0", "text": "down", "after_s": 0}],
    "action": {"kind": "call_provider", "parameters": {"provider": "Zayo"}, "text": "Call."},
}  # fmt: skip
ACTION = {"id": "shut-a1", "kind": "shut", "state": "waiting", "asked": 1_772_496_000.0, "text": "Shut: done",
          "effective": 1_772_496_004.0, "parameters": {"device": "chi-border1"}}  # fmt: skip
VIEW = {"organisation": "Acme", "seed": 7, "pace": 1.0, "faults": [FAULT], "actions": [ACTION]}
ANSWERS: dict[str, Any] = {
    "/twin": VIEW, "/twin/faults": FAULT, "/twin/faults/link_cut-t1/end": FAULT, "/twin/actions": ACTION,
    "/twin/pace": VIEW, "/twin/reset": VIEW,
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    seen: list[tuple[str, str, Any]] = []

    class Client:
        def __init__(self, *_: object) -> None: ...

        def get(self, path: str) -> Any:
            seen.append(("GET", path, None))
            return ANSWERS[path]

        def post(self, path: str, body: Any) -> Any:
            seen.append(("POST", path, body))
            return ANSWERS[path]

        def put(self, path: str, body: Any) -> Any:
            seen.append(("PUT", path, body))
            return ANSWERS[path]

    monkeypatch.setattr(client_module, "ApiClient", Client)
    return seen


def run(*arguments: str) -> str:
    result = CliRunner().invoke(twin_command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_scenarios_and_kinds_need_nothing_running() -> None:
    assert "quiet-day" in run("scenarios")
    assert "ci" in {one["name"] for one in json.loads(run("scenarios", "--json"))}
    assert "link_cut" in run("faults")
    assert "chi-border1--nyc-border1" in run("faults", "link_cut")
    (kind,) = json.loads(run("faults", "link_cut", "--json"))
    assert kind["places"]
    assert "shut" in run("act")
    assert "drain" in {one["name"] for one in json.loads(run("act", "--json"))}


def test_a_scenario_is_run_and_its_truth_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\nhours: 1\nparts: [business]\nfaults: [{kind: link_cut, at: 60, duration: 60}]\n", encoding="utf-8"
    )
    out = tmp_path / "out"
    asked = ("--out", str(out), "--hours", "0.05", "--seed", "9", "--since", "2026-03-04T10:00", "--processes", "1")
    report = json.loads(run("run", str(file), *asked, "--json").splitlines()[-1])
    assert (report["seed"], report["since"]) == (9, "2026-03-04T10:00:00+00:00")
    assert report["rows"]["business"] > 0
    assert report["truth"]["faults"] == 1
    assert "1 faults, 0 decoys" in run("run", str(file), *asked)
    (row,) = [json.loads(line) for line in run("truth", str(out), "--json").splitlines()]
    assert row["kind"] == "link_cut"
    assert "right:" in run("truth", str(out))
    with pytest.raises(InvalidInput):
        run("truth", str(tmp_path))
    with pytest.raises(InvalidInput, match="ISO 8601"):
        run("run", str(file), "--out", str(out), "--since", "tomorrow")


def test_a_running_demo_is_asked(asked: list[Any]) -> None:
    status = run("status")
    assert "Acme, seed 7, pace 1" in status
    assert "✗ 03-03 00:00:00–03-03 00:10:00 link_cut-t1" in status
    assert "right: call_provider provider=Zayo" in status
    assert json.loads(run("status", "--json")) == VIEW
    assert [json.loads(line)["type"] for line in run("truth", "--json").splitlines()] == ["fault", "action"]
    assert "shut device=chi-border1: Shut: done" in run("truth")
    assert asked == [("GET", "/twin", None)] * 4


def test_a_running_demo_is_changed(asked: list[Any]) -> None:
    assert "link_cut-t1 until" in run("trigger", "link_cut", "--place", "a--b", "--duration", "60")
    assert "ended" in run("end", "link_cut-t1")
    assert "shut-a1: takes effect at" in run("act", "shut", "device=chi-border1", "interface=et-2/0/0")
    assert run("pace", "1") == "pace 1\n"
    assert run("reset") == "Nothing is wrong.\n"
    assert asked == [
        ("POST", "/twin/faults", {"kind": "link_cut", "place": "a--b", "duration_s": 60.0}),
        ("POST", "/twin/faults/link_cut-t1/end", {}),
        ("POST", "/twin/actions", {"kind": "shut", "parameters": {"device": "chi-border1", "interface": "et-2/0/0"}}),
        ("PUT", "/twin/pace", {"pace": 1.0}),
        ("POST", "/twin/reset", {}),
    ]
    with pytest.raises(InvalidInput, match="NAME=VALUE"):
        run("act", "shut", "chi-border1")
    with pytest.raises(InvalidInput):
        run("end", "../pace")
