"""``weft inventory``: checking files without a Weft, and what the others print of a Weft's answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from weft.cli import client as client_module
from weft.cli.inventory import inventory_command
from weft.collect.inventory.yamlfile import load_text

DEVICE = {
    "id": "r1", "key": ["r1"], "origins": ["file", "snmp"], "first_seen": 0.0, "last_seen": 60.0,
    "attributes": {"name": "r1", "addresses": ["192.0.2.1"], "site": "fra", "label": "own", "role": "core"},
}  # fmt: skip
PORT = {
    "id": "r1|et0", "key": ["r1", "et0"], "origins": ["snmp"], "first_seen": 0.0, "last_seen": 60.0,
    "attributes": {"name": "et0", "if_index": 3, "speed_bps": 10_000_000_000, "enabled": True},
}  # fmt: skip
LINK = {
    "id": "a|e1|b b|", "key": ["a", "e1", "b b", ""], "origins": ["lldp"], "first_seen": 0.0, "last_seen": 60.0,
    "attributes": {"a_device": "a", "a_interface": "e1", "b_device": "b b", "capacity_bps": 7, "delay_ms": 1.5},
}  # fmt: skip
PREFIX = DEVICE | {"key": ["10.0.0.0/8"], "attributes": {"prefix": "10.0.0.0/8", "site": "fra"}}
OBJECTS = {"device": [DEVICE], "interface": [PORT], "link": [LINK], "prefix": [PREFIX]}
DETAIL = {
    "kind": "device", "id": "r1", "key": ["r1"], "origins": ["file"], "first_seen": 0.0, "last_seen": 60.0, "facts": [],
    "at": 60.0, "conflicts": [{"kind": "device", "what": "serial", "objects": ["r1"], "text": "two serials"}],
    "attributes": [{"name": "site", "meaning": "", "value": "fra", "origin": "file",
                    "others": [{"origin": "snmp", "value": "ams"}]}],
}  # fmt: skip
HISTORY = {"kind": "device", "id": "r1", "entries": [
    {"time": 60.0, "what": "changed", "origin": "snmp", "scope": "192.0.2.1", "key": ["r1"],
     "attributes": [{"name": "os", "before": "1", "after": "2"}]},
    {"time": 0.0, "what": "stated", "origin": "snmp", "scope": "192.0.2.1", "key": ["r1"],
     "attributes": [{"name": "os", "before": None, "after": "1"}]},
]}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    paths: list[str] = []

    class Client:
        def __init__(self, *_: Any) -> None: ...

        def get(self, path: str, **parameters: str) -> Any:
            paths.append(path)
            if path.endswith("/history"):
                return HISTORY
            kind, _, name = path.removeprefix("/inventory/").partition("/")
            if name:
                return DETAIL
            found = OBJECTS.get(kind, []) if parameters["offset"] == "0" else []
            return {"kind": kind, "objects": found, "total": len(OBJECTS.get(kind, [])), "at": 60.0}

    monkeypatch.setattr(client_module, "ApiClient", Client)
    return paths


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(inventory_command, words)
    assert result.exit_code == code, result.output
    return result.output


def test_check(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("sites: [{name: a}]\ndevices:\n  - {name: r1, site: b}\n")
    bad.write_text("devices:\n  - nam: r1\n")
    assert "1 site, 1 device" in run("check", str(good))
    assert "site b is not in this file" in run("check", str(good))
    assert "bad.yaml:2" in run("check", str(good), str(bad), code=2)
    first, second = json.loads(run("check", str(good), str(bad), "--json", code=2))
    assert (first["ok"], first["counts"], second["ok"], "bad.yaml:2" in second["error"]["where"]) == (
        True, {"site": 1, "device": 1}, False, True,
    )  # fmt: skip


def test_list_show_history(asked: list[str]) -> None:
    lines = run("list").splitlines()
    assert lines[0].split() == ["device", "addresses", "site", "role", "vendor", "model", "os_version", "known", "to"]
    assert lines[1].split() == ["r1", "192.0.2.1", "fra", "core", "file,snmp"]
    assert json.loads(run("list", "device", "--json"))["objects"] == [DEVICE]
    assert "No circuit matches" in run("list", "circuit")
    shown = run("show", "device", "r1")
    for part in ("site", "fra  [file]", "≠ ams  [snmp]", "! two serials", "since 1970-01-01 00:00:00Z"):
        assert part in shown
    assert json.loads(run("show", "device", "r1", "--json")) == DETAIL
    history = run("history", "interface", "r1", "et-0/0/0")
    assert "os: 1 → 2" in history
    assert asked[-1] == "/inventory/interface/r1%7Cet-0/0/0/history"
    assert json.loads(run("history", "device", "r1", "--json")) == HISTORY


def test_export_can_be_read_back(asked: list[str]) -> None:
    content = yaml.safe_load(run("export"))
    assert content["devices"] == [{
        "name": "r1", "addresses": ["192.0.2.1"], "site": "fra", "role": "core", "attributes": {"label": "own"},
        "interfaces": [{"name": "et0", "if_index": 3, "speed": 10_000_000_000, "enabled": True}],
    }]  # fmt: skip
    assert content["links"] == [{"a": "a e1", "b": {"device": "b b", "interface": ""}, "capacity": 7, "delay_ms": 1.5}]
    assert load_text(yaml.safe_dump(content), "x").counts == {"device": 1, "interface": 1, "link": 1, "prefix": 1}
    assert json.loads(run("export", "--json"))["device"] == [DEVICE]
