"""``weft gnmi`` against a real target."""

import json

import pytest
from click.testing import CliRunner
from tests.collect.gnmi.kit import PORT, serving, small_tree

from weft.cli.gnmi import gnmi_command
from weft.errors import ConfigError, InvalidInput, NotAllowed, Unavailable


@pytest.fixture(scope="module")
def target():
    with serving(small_tree(), users={"weft": "secret"}) as one:
        yield f"127.0.0.1:{one.port}"


@pytest.fixture(autouse=True)
def settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEFT_GNMI_PASSWORD", "secret")


def ask(*arguments):
    return CliRunner().invoke(gnmi_command, list(arguments), catch_exceptions=False).output


def test_capabilities(target):
    assert "gNMI 0.8.0, encodings proto, json_ietf, json, 2 models" in ask(
        "capabilities", target, "--plaintext", "-u", "weft"
    )
    said = json.loads(ask("capabilities", target, "--plaintext", "-u", "weft", "--json"))
    assert said["models"][0]["name"] == "openconfig-interfaces"


@pytest.mark.parametrize("encoding", ["proto", "json_ietf"])
def test_get(target, encoding):
    access = ("--plaintext", "-u", "weft", "--encoding", encoding)
    shown = ask("get", target, f"{PORT}/oper-status", *access)
    assert shown.split(" ", 1)[1] == f"{PORT}/oper-status = UP\n"
    stored = ask("get", target, "/interfaces", "--metrics", *access)
    assert " in_octets Ethernet1 = 1099511627776.0\n" in stored
    assert " oper_status Ethernet1 = 1.0\n" in stored


@pytest.mark.parametrize("mode", ["sample", "on_change", "once"])
def test_subscribe(target, mode):
    access = ("--plaintext", "-u", "weft", "--mode", mode, "--interval", "0.1", "--count", "2", "--json")
    lines = [json.loads(line) for line in ask("subscribe", target, f"{PORT}/counters", *access).splitlines()]
    assert {line["path"]: line["value"] for line in lines if "path" in line}[f"{PORT}/counters/in-octets"] == 1 << 40
    assert {"sync_response": True} in lines


def test_a_target_of_the_settings_by_its_name(target, tmp_path):
    (tmp_path / "password").write_text("secret\n")
    (tmp_path / "weft.yaml").write_text(f"""
gnmi:
  defaults: {{username: weft, password: {{file: {tmp_path}/password}}, plaintext: true}}
  targets: [{{name: leaf1, address: "{target}", presets: [interfaces]}}]
""")
    assert "in_octets Ethernet1" in ask("subscribe", "leaf1", "--mode", "once", "--metrics", "--count", "3")


def test_what_goes_wrong_is_said(target, monkeypatch):
    access = (target, "/interfaces", "--plaintext", "-u", "weft")
    with pytest.raises(InvalidInput, match="no such path"):
        ask("get", target, "/nowhere", "--plaintext", "-u", "weft")
    with pytest.raises(InvalidInput, match="bracket"):
        ask("get", target, "/a[b", "--plaintext", "-u", "weft")
    with pytest.raises(InvalidInput, match="several databases"):
        ask("subscribe", target, "--preset", "sonic", "--plaintext", "-u", "weft")
    with pytest.raises(ConfigError, match="host:port"):
        ask("get", "not an address", "/a")
    monkeypatch.setenv("WEFT_GNMI_PASSWORD", "wr0ng")
    with pytest.raises(NotAllowed) as error:
        ask("get", *access)
    assert "wr0ng" not in str(error.value)
    with pytest.raises(Unavailable, match="plaintext"):
        ask("get", target, "/a", "-u", "weft", "--timeout", "5")
