"""``weft synthetics``: checking files without a Weft, and what the others print of a Weft's answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from weft.cli import client as client_module
from weft.cli.synthetics import synthetics_command

ROW = {
    "name": "web", "kind": "http", "mesh": False, "enabled": True, "every_s": 60.0, "targets": ["https://a.example/"],
    "target_count": 3, "agents": ["ams"], "status": "critical", "states": {"failed": 2, "ok": 1}, "runs": 12,
    "rtt_ms": 31.25, "loss": 0.0, "availability": 0.5,
}  # fmt: skip
SERIES = {
    "agent": "ams", "target": "https://a.example/", "target_agent": "", "resolver": "", "state": "failed",
    "error": "status 503", "rtt_ms": None, "rtt_p95_ms": None, "loss": None, "availability": 0.25,
}  # fmt: skip
HOP = {"ttl": 1, "address": "192.0.2.1", "flows": 4, "loss": 0.0, "rtt_ms": 1.25, "asn": 64500, "as_name": "Acme",
       "site": "ams", "device": "r1"}  # fmt: skip
AGENT = {"name": "ams", "version": "1", "addresses": ["192.0.2.9"], "tests": 2, "seen": 0.0, "live": True}
PATH = {"at": 60.0, "changes": [{}], "hops": [HOP | {"ttl": 2, "address": "", "rtt_ms": None}, HOP]}
ANSWERS: dict[str, Any] = {
    "/synthetics/tests": {"tests": [ROW]}, "/synthetics/test": {"row": ROW, "series": [SERIES]},
    "/synthetics/path": PATH, "/agents": [AGENT],
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []

    class Client:
        def __init__(self, *_: object) -> None: ...

        def get(self, path: str, **parameters: str) -> Any:
            seen.append((path, parameters))
            return ANSWERS[path]

        def post(self, path: str, body: Any) -> Any:
            seen.append((path, body))
            return body

        def delete(self, path: str, **parameters: str) -> Any:
            seen.append((path, parameters))
            return {"ok": True}

    monkeypatch.setattr(client_module, "ApiClient", Client)
    return seen


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(synthetics_command, arguments)
    assert result.exit_code == code, result.output
    return result.output


def test_the_list(asked: list[Any]) -> None:
    lines = run("tests", code=1)
    assert "✗ web" in lines
    assert "31.2 ms" in lines
    assert "2 failed, 1 ok" in lines
    assert "[https://a.example/ +2]" in lines
    assert json.loads(run("tests", "--json", code=1))["tests"] == [ROW]
    assert asked[0] == ("/synthetics/tests", {"since": "now-6h", "until": "now"})


def test_one_test_a_path_and_agents(asked: list[Any]) -> None:
    assert "✗ ams → https://a.example/  – (95th –)  loss –  available 25 %  status 503" in run("show", "web")
    path = run("path", "web", "ams", "a.example", "--at", "now-1h").splitlines()
    assert path[1].split() == ["1", "192.0.2.1", "1.2", "ms", "4", "flows", "r1,", "ams,", "AS64500", "Acme"]
    assert path[2].split()[:2] == ["2", "*"]
    assert asked[-1][1]["at"] == "now-1h"
    assert "✓ ams" in run("agents")


def test_tests_of_a_file_are_defined_and_removed(asked: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "tests.yaml"
    file.write_text("- {name: one, kind: ping, targets: [a]}\n- {name: two, kind: ping, mesh: true}\n")
    assert run("add", str(file)) == "2 tests defined.\n"
    assert [body["name"] for _, body in asked] == ["one", "two"]
    assert run("remove", "one") == "one is removed.\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- {name: one, kind: ping, targets: [a]}", ""), ("- {name: one, kind: pong}", "0.kind: Input should be"),
        ("- {name: one, kind: ping}", "0: a test needs `targets`"), ("a: [", "is not YAML"), ("{a: 1}", "valid list"),
        ("- {name: one, kind: ping, targets: [a], evry_s: 5}", "0.evry_s"),
    ],
)  # fmt: skip
def test_files_are_checked(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "tests.yaml"
    file.write_text(text)
    assert complaint in run("check", str(file), code=2 if complaint else 0)
