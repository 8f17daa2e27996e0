"""``weft snmp`` against a simulated agent."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from tests.collect.snmp.kit import agents, small_mib

from weft.cli import weft
from weft.errors import InvalidInput
from weft.twin.agents.snmp_mibs import AgentNeighbour


@pytest.fixture
def agent():
    mib = small_mib(descr="Linux r1 6.1.0", neighbours=[AgentNeighbour(1, "r2", "eth9")])
    with agents(mib) as (one,):
        yield one


@pytest.fixture
def run(tmp_path, monkeypatch, agent):
    monkeypatch.chdir(tmp_path)
    credentials = "{bad: {community: hidden-one}, lab: {community: public}}"
    (tmp_path / "weft.yaml").write_text(f"snmp: {{credentials: {credentials}, timeout_s: 0.2, retries: 0}}\n")

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(weft, ["snmp", *arguments, "--port", str(agent.port)], standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        assert (result.return_value or 0) == code
        assert "hidden-one" not in result.output
        return result.output

    return invoke


def test_what_would_be_collected_is_told(run):
    told = json.loads(run("test", "127.0.0.1", "--json"))
    assert [(one["credentials"], one["result"]) for one in told["tried"]] == [("bad", "timeout"), ("lab", "ok")]
    assert (told["ok"], told["name"], told["profile"], told["credentials"]) == (True, "r1", "net-snmp", "lab")
    assert (told["metrics"]["in_octets"], told["interfaces"], told["failures"]) == (2, ["eth1", "eth2"], {})
    assert told["links"] == [["r1", "eth1", "r2", "eth9"]]
    text = run("test", "127.0.0.1", "--credentials", "lab")
    assert "✓ credentials lab (v2c)" in text
    assert "2 × in_octets" in text


def test_what_fails_and_why_is_told(run):
    told = json.loads(run("test", "127.0.0.1", "--credentials", "bad", "--json", code=1))
    assert not told["ok"]
    assert "community" in told["tried"][0]["message"]
    with pytest.raises(InvalidInput, match="Known: bad, lab"):
        run("test", "127.0.0.1", "--credentials", "other")
    with pytest.raises(InvalidInput, match="nowhere"):
        run("test", "nowhere.invalid")


def test_a_walk_prints_everything_below(run):
    lines = run("walk", "127.0.0.1", "1.3.6.1.2.1.1", "--credentials", "lab").splitlines()
    assert lines[0] == "1.3.6.1.2.1.1.1.0 = STRING: Linux r1 6.1.0"
    assert len(lines) == 7
    last = json.loads(run("walk", "127.0.0.1", "1.3.6.1.2.1.31", "--json").splitlines()[-1])
    assert (last["oid"], last["type"]) == ("1.3.6.1.2.1.31.1.1.1.19.2", "Timeticks")


def test_a_prefix_is_swept(run):
    found = json.loads(run("discover", "127.0.0.1/32", "--credentials", "lab", "--json"))
    assert [(one["address"], one["name"], one["profile"]) for one in found["devices"]] == [
        ("127.0.0.1", "r1", "net-snmp")
    ]
    with pytest.raises(InvalidInput, match="65536"):
        run("discover", "10.0.0.0/8")
    with pytest.raises(InvalidInput, match="PREFIX"):
        run("discover", "10.0.0.0/99")


def test_profiles_are_listed_and_shown(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    invoke = CliRunner().invoke
    listed = json.loads(invoke(weft, ["snmp", "profiles", "--json"], standalone_mode=False).output)
    assert {"cisco-ios", "juniper-junos", "generic"} <= {one["name"] for one in listed}
    assert "queue_dropped_pkts" in invoke(weft, ["snmp", "profiles", "sonic"], standalone_mode=False).output
    assert isinstance(invoke(weft, ["snmp", "profiles", "x"], standalone_mode=False).exception, InvalidInput)
