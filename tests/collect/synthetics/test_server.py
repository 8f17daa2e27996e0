"""Agents and definitions: who is told what, what survives a restart, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.collect.intake.fakes import FakeIntake
from tests.collect.synthetics.kit import opened, registered

from weft.collect.synthetics import AgentNews, SyntheticsConfig
from weft.errors import ConfigError, InvalidInput, Unavailable
from weft.model.synthetics import SyntheticTest

MESH = {"name": "mesh", "kind": "ping", "mesh": True, "agents": ["*-dc"]}


def made(name: str = "mine", **more: Any) -> SyntheticTest:
    return SyntheticTest.model_validate({"name": name, "kind": "tcp", "targets": ["a.example"]} | more)


def test_an_agent_is_known_by_its_key_alone(tmp_path: Path) -> None:
    synthetics = opened(tmp_path)
    key = synthetics.register(AgentNews("ams", version="1"), "198.51.100.7")
    agent = synthetics.registry.of_key(key)
    assert agent is not None
    assert agent.addresses == ("198.51.100.7",), "where it came from, as it names no other"
    for wrong in ("", key[:-1], key + "x", "weft_agent_", key.upper()):
        assert synthetics.registry.of_key(wrong) is None
    again = synthetics.register(AgentNews("ams", version="2"), "198.51.100.7")
    assert synthetics.registry.of_key(key) is None, "who registers again gets another key"
    assert synthetics.registry.of_key(again) is not None
    assert key not in (tmp_path / "state.db").read_bytes().decode("latin-1")


def test_agents_survive_a_restart_and_can_be_removed(tmp_path: Path) -> None:
    intake = FakeIntake()
    key = opened(tmp_path).register(AgentNews("ams"), "")
    synthetics = opened(tmp_path, intake)
    assert synthetics.registry.of_key(key) is not None
    assert [book.name for book in intake.open] == ["ams"], "a registered agent is a source from the start"
    assert synthetics.forget("ams")
    assert not synthetics.forget("ams")
    assert synthetics.registry.of_key(key) is None
    assert not intake.open


def test_too_many_agents_are_refused(tmp_path: Path) -> None:
    synthetics = opened(tmp_path, most_agents=1)
    registered(synthetics, "one")
    registered(synthetics, "one")
    with pytest.raises(Unavailable, match="1 agents already"):
        registered(synthetics, "two")


def test_an_agent_is_told_its_tests_and_the_ends_of_its_meshes(tmp_path: Path) -> None:
    tests = [MESH, {"name": "off", "kind": "ping", "targets": ["b"], "enabled": False},
             {"name": "west", "kind": "ping", "targets": ["b"], "agents": ["chi-*"]}]  # fmt: skip
    synthetics = opened(tmp_path, tests=tests)
    ams, fra = registered(synthetics, "ams-dc", addresses=("192.0.2.1",)), registered(synthetics, "fra-dc", port=862)
    lone = registered(synthetics, "chi-lab")
    told = synthetics.assignment(ams)
    assert [test.name for test in told.tests] == ["mesh"]
    assert [(peer.agent, peer.addresses, peer.port) for peer in told.peers] == [("fra-dc", ("198.51.100.7",), 862)]
    assert [peer.agent for peer in synthetics.assignment(fra).peers] == ["ams-dc"]
    assert [test.name for test in synthetics.assignment(lone).tests] == ["west"]
    assert not synthetics.assignment(lone).peers
    before = told.revision
    assert synthetics.assignment(ams).revision == before
    synthetics.definitions.put(made(), "ada")
    assert synthetics.assignment(ams).revision != before


def test_an_agent_that_is_gone_is_no_end_of_a_mesh(tmp_path: Path) -> None:
    synthetics = opened(tmp_path, tests=[MESH], gone_after_days=1e-9)
    ams = registered(synthetics, "ams-dc")
    registered(synthetics, "fra-dc")
    assert not synthetics.assignment(ams).peers


def test_credentials_of_headers_reach_agents_and_nobody_else(tmp_path: Path) -> None:
    test = {"name": "api", "kind": "http", "targets": ["https://a.example/"], "headers": {"Accept": "text/html"},
            "secret_headers": {"Authorization": "Bearer hunter2hunter2"}}  # fmt: skip
    synthetics = opened(tmp_path, tests=[test])
    (told,) = synthetics.assignment(registered(synthetics)).tests
    assert told.headers == {"Accept": "text/html", "Authorization": "Bearer hunter2hunter2"}
    shown = synthetics.definitions.all()["api"].test
    assert "hunter2" not in repr(shown) + shown.model_dump_json()


def test_people_define_change_rename_and_remove_tests(tmp_path: Path) -> None:
    definitions = opened(tmp_path).definitions
    definitions.put(made(), "ada")
    with pytest.raises(InvalidInput, match="already"):
        definitions.put(made(), "ada")
    definitions.put(made("yours", every_s=5), "bob", before="mine")
    known = opened(tmp_path).definitions.all()
    assert list(known) == ["web", "yours"]
    assert (known["yours"].origin, known["yours"].author, known["yours"].test.every_s) == ("people", "bob", 5)
    for change in (
        lambda: definitions.put(made("web"), "ada"), lambda: definitions.put(made("x"), "ada", before="web"),
        lambda: definitions.delete("web"), lambda: definitions.put(made("z"), "ada", before="nothing"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            change()
    assert definitions.delete("yours")
    assert not definitions.delete("yours")
    assert list(definitions.all()) == ["web"]


def test_a_setting_wins_over_a_test_of_people(tmp_path: Path) -> None:
    opened(tmp_path).definitions.put(made(), "ada")
    known = opened(tmp_path, tests=[{"name": "mine", "kind": "ping", "targets": ["b"]}]).definitions.all()
    assert known["mine"].origin == "settings"


@pytest.mark.parametrize(
    ("test", "complaint"),
    [
        ({"kind": "http", "mesh": True}, "cannot test each other"), ({"kind": "ping"}, "needs `targets`"),
        ({"kind": "ping", "targets": ["a", "a"]}, "twice"), ({"kind": "ping", "targets": ["a b"]}, "blanks"),
        ({"kind": "ping", "targets": ["https://a.example"]}, "not a URL"),
        ({"kind": "http", "targets": ["ftp://a.example"]}, "must begin with http"),
        ({"kind": "http", "targets": ["https://ada:secret@a.example"]}, "must not hold credentials"),
        ({"kind": "http", "targets": ["https://[a"]}, "not a URL"),
        ({"kind": "http", "targets": ["http://a:b/"]}, "not a URL"),
        ({"kind": "http", "targets": ["http://a"], "headers": {"A\r\nB": "c"}}, "not the name"),
        ({"kind": "http", "targets": ["http://a"], "headers": {"A": "b\r\nC: d"}}, "line breaks"),
        ({"kind": "http", "targets": ["http://a"], "headers": {"Authorization": "b"}}, "credential"),
        ({"kind": "http", "targets": ["http://a"], "headers": {"X-Api-Key": "b"}}, "credential"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(tmp_path: Path, test: dict[str, Any], complaint: str) -> None:
    definitions = opened(tmp_path).definitions
    with pytest.raises(InvalidInput, match=complaint) as error:
        definitions.put(SyntheticTest.model_validate({"name": "x"} | test), "ada")
    assert "secret" not in error.value.message.replace("secret_headers", "")
    with pytest.raises(ValidationError, match=complaint):
        SyntheticsConfig.model_validate({"tests": [{"name": "x"} | test]})


def test_settings_that_keep_nobody_out_or_name_a_test_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too short"):
        opened(tmp_path, token="short")
    test = {"name": "x", "kind": "ping", "targets": ["a"]}
    with pytest.raises(InvalidInput, match="two tests"):
        opened(tmp_path, tests=[test, test])
    missing = test | {"kind": "http", "targets": ["http://a"], "secret_headers": {"A": {"env": "NO_SUCH_VARIABLE"}}}
    with pytest.raises(ConfigError, match="is not set"):
        opened(tmp_path, tests=[missing])


def test_the_token_is_compared_as_a_whole(tmp_path: Path) -> None:
    synthetics = opened(tmp_path, token="0123456789abcdef")
    assert synthetics.token_matches("0123456789abcdef")
    assert not synthetics.token_matches("0123456789abcde")
    assert not opened(tmp_path).token_matches("")


def test_switched_off_serves_nobody(tmp_path: Path) -> None:
    synthetics = opened(tmp_path, enabled=False)
    with pytest.raises(Unavailable):
        registered(synthetics)
