# ruff: noqa: E501  # a message is one line
"""``weft logs`` and ``weft import logs`` as a person runs them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from weft.cli.import_logs import import_logs
from weft.cli.logs import logs_command
from weft.errors import ConfigError, InvalidInput

ROOT = Path(__file__).parent.parent.parent


def lines(count: int = 3) -> str:
    stamp = time.strftime("%b %e %H:%M:%S", time.gmtime())
    text = "%LINK-3-UPDOWN: Interface GigabitEthernet0/{}, changed state to down"
    return "".join(f"<187>{n}: r{n}: {stamp}.123 UTC: {text.format(n)}\n" for n in range(count))


def run(*arguments: str | Path, given: str = "") -> str:
    done = CliRunner().invoke(logs_command, [str(one) for one in arguments], input=given, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_message_is_explained() -> None:
    out = run("parse", given=lines(1))
    for part in ("layout     cisco, local7.error", "host       r0", "id         LINK-3-UPDOWN", "event      INTERFACE_DOWN",
                 "component  GigabitEthernet0/0", "template   Interface <*>, changed state to down",
                 'interfaces/interface[GigabitEthernet0/0]/state/oper_status = "DOWN"'):  # fmt: skip
        assert part in out


def test_json_of_files_of_every_kind(tmp_path: Path) -> None:
    plain, packed, capture = tmp_path / "a.log", tmp_path / "b.log.gz", tmp_path / "c.pcap"
    plain.write_text(lines())
    packed.write_bytes(gzip.compress(lines().encode()))
    capture.write_bytes(_pcap([line.encode() for line in lines().splitlines()]))
    rows = [json.loads(line) for line in run("parse", "--json", plain, packed, capture).splitlines()]
    assert [row["host"] for row in rows] == ["r0", "r1", "r2"] * 3
    assert {row["event"] for row in rows} == {"INTERFACE_DOWN"}
    assert [row["exporter"] for row in rows] == [""] * 6 + ["192.0.2.1"] * 3
    assert {row["clock"] for row in rows} == {"synchronised"}
    assert len(run("parse", "--json", "--limit", "2", plain).splitlines()) == 2


def test_what_no_rule_knows_is_counted_by_template() -> None:
    given = "".join(f"<13>Aug  3 12:30:45 h doord: door {n} opened\n" for n in range(7)) + lines()
    assert run("parse", "--unknown", given=given).split() == ["7", "doord:", "door", "<*>", "opened"]
    assert json.loads(run("parse", "--unknown", "--json", given=given))["number"] == 7


def test_zones_and_control_characters() -> None:
    out = run("parse", "--timezone", "Asia/Tokyo", given="<13>2026 Aug  3 12:30:45 h p: a \x1b[31mred\n")
    assert "2026-08-03T03:30:45Z" in out
    assert "\x1b" not in out
    done = CliRunner().invoke(logs_command, ["parse", "--timezone", "Moon/Crater"], input="x")
    assert done.exit_code == 2
    assert "no time zone" in done.stderr


def test_events_and_own_rules(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "own.yaml").write_text(
        "os: doors\nrules: [{event: DOOR_OPENED, program: doord, text: 'door {door} opened'}]\n"
    )
    assert "DOOR_OPENED" in run("events", "--rules", rules)
    assert "rule       own 1" in run("parse", "--rules", rules, given="<13>Aug  3 12:30:45 h doord: door 7 opened\n")
    documents = [json.loads(line) for line in run("events", "--json").splitlines()]
    assert {"event", "rule", "os", "id", "program"} == documents[0].keys()
    (rules / "own.yaml").write_text("rules: [{event: DOOR_OPENED, colour: red}]\n")
    with pytest.raises(ConfigError, match=r"own\.yaml: rule 1 \(DOOR_OPENED\)"):
        run("events", "--rules", rules)
    with pytest.raises(InvalidInput, match=r"none\.log: cannot be read"):
        run("parse", tmp_path / "none.log")


@pytest.mark.slow
def test_files_are_stored(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(lines(2000) + "<189>1: r1: *Jan  1 00:00:00.000: %SYS-5-CONFIG_I: Configured from console by eve on vty0\n"
                   + lines(1).replace("%LINK-3-UPDOWN: Interface", "%SYS-5-CONFIG_I: Configured from console by eve on"))  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "weft", "import", "logs", str(log), "--data-dir", str(tmp_path / "data"), "--json"],
        capture_output=True, text=True, timeout=170, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["messages"] == 2002
    assert summary["rows"] == 2002 - summary["errors"].get("too_old", 0) // 2  # a message and its change
    assert summary["events"]["INTERFACE_DOWN"] == 2000
    assert summary["changes"] == 2
    bad = CliRunner().invoke(import_logs, [str(log), "--exporter", "router"])
    assert bad.exit_code == 2


def _pcap(payloads: list[bytes]) -> bytes:
    """Datagrams from 192.0.2.1 to port 514, over Ethernet and IPv4, received now."""
    out = bytes.fromhex("d4c3b2a1 02000400 00000000 00000000 ffff0000 01000000")
    for payload in payloads:
        udp = (40000).to_bytes(2) + (514).to_bytes(2) + (8 + len(payload)).to_bytes(2) + bytes(2) + payload
        header = (
            b"\x45\0" + (20 + len(udp)).to_bytes(2) + bytes(4) + b"\x40\x11\0\0" + bytes([192, 0, 2, 1, 192, 0, 2, 9])
        )
        packet = bytes(12) + b"\x08\0" + header + udp
        now = time.time()
        out += int(now).to_bytes(4, "little") + int(now % 1 * 1e6).to_bytes(4, "little")
        out += len(packet).to_bytes(4, "little") * 2 + packet
    return out
