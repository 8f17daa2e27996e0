"""``weft decode`` of what routers say of routes."""

from __future__ import annotations

import gzip
import ipaddress
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from weft.cli import weft
from weft.twin.encode_bgp import (
    Attributes,
    Peer,
    initiation,
    message,
    monitoring,
    notification,
    open_message,
    peer_down,
    peer_up,
    updates,
    withdrawals,
)  # fmt: skip

THEN = 1_700_000_000
V4, V6 = ipaddress.ip_network("203.0.113.0/24"), ipaddress.ip_network("2001:db8:100::/40")
ONE = Attributes((64497, 64511), "192.0.2.7", communities=((64497, 1),))
PEER = Peer("192.0.2.7", 64497, "192.0.2.7")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(weft, ["decode", *map(str, arguments)])


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def mrt() -> bytes:
    found = b""
    for at, update in enumerate([*updates([V4], ONE), *withdrawals([V4])]):
        body = struct.pack(">IIHH", 64497, 64496, 0, 1) + bytes([192, 0, 2, 7, 192, 0, 2, 250]) + update
        found += struct.pack(">IHHI", THEN + at, 16, 4, len(body)) + body
    change = struct.pack(">IIHH", 64497, 64496, 0, 1) + bytes([192, 0, 2, 7, 192, 0, 2, 250, 0, 6, 0, 1])
    return found + struct.pack(">IHHI", THEN + 2, 16, 5, len(change)) + change


def bmp() -> bytes:
    when = THEN * 1_000_000_000
    opens = [open_message(64496, "192.0.2.1"), open_message(64497, "192.0.2.7")]
    told = [
        monitoring(PEER, when, one) for one in updates([V4], ONE) + updates([V6], Attributes((64497,), "2001:db8::7"))
    ]
    start = initiation("edge-1", "a router") + peer_up(PEER, when, "192.0.2.1", *opens)
    return start + b"".join(told) + peer_down(PEER, when, 3, notification(6, 4))


def test_mrt_as_objects(tmp_path: Path) -> None:
    path = tmp_path / "updates.gz"
    path.write_bytes(gzip.compress(mrt()))
    result = run(path, "--json")
    assert result.exit_code == 0
    announced, withdrawn, changed = objects(result.stdout)
    assert announced == {
        "time": "2023-11-14T22:13:20Z", "source": "mrt", "exporter": "192.0.2.250", "rib": "adj_rib_in_pre",
        "event": "announce", "peer": "192.0.2.7", "peer_as": 64497, "family": "ipv4_unicast",
        "prefix": "203.0.113.0/24", "as_path": "64497 64511", "origin_as": 64511, "neighbor_as": 64497,
        "next_hop": "192.0.2.7", "bgp_origin": "igp", "communities": "64497:1",
    }  # fmt: skip
    assert (withdrawn["event"], withdrawn["prefix"]) == ("withdraw", "203.0.113.0/24")
    assert (changed["event"], changed["old_state"], changed["new_state"]) == ("state_change", "established", "idle")
    assert objects(result.stderr)[0]["routing"] == 3


def test_a_bmp_stream_as_objects(tmp_path: Path) -> None:
    path = tmp_path / "stream.bmp"
    path.write_bytes(bmp())
    start, up, four, six, down = objects(run(path, "--json").stdout)
    assert (start["event"], start["sys_name"]) == ("initiation", "edge-1")
    assert (up["event"], up["sent"]["asn"], up["received"]["router_id"]) == ("peer_up", 64496, "192.0.2.7")
    assert (four["prefix"], six["prefix"], six["next_hop"]) == ("203.0.113.0/24", "2001:db8:100::/40", "2001:db8::7")
    assert down["reason"] == "peer sent NOTIFICATION cease: administrative reset"


def pcap(port: int, octets: bytes) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", 40_000, port, 1, 0, 0x50, 16, 8192, 0, 0) + octets
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + bytes([192, 0, 2, 1, 192, 0, 2, 250])
    one = bytes(12) + b"\x08\0" + ip + tcp
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    return head + struct.pack("<IIII", THEN, 0, len(one), len(one)) + one


def test_bmp_in_a_capture_names_the_router(tmp_path: Path) -> None:
    path = tmp_path / "bmp.pcap"
    path.write_bytes(pcap(1790, bmp()))
    found = objects(run(path, "--json").stdout)
    assert [one["exporter"] for one in found] == ["192.0.2.1"] * 5
    assert objects(run(path, "--json", "--port", 1790).stdout) == found
    assert run(path, "--json", "--port", 1791).stdout == ""


def test_a_bgp_session_in_a_capture_is_its_messages(tmp_path: Path) -> None:
    path = tmp_path / "bgp.pcap"
    octets = open_message(64497, "192.0.2.7") + message(4, b"") + updates([V4], ONE)[0] + notification(6, 2, "bye")
    path.write_bytes(pcap(179, octets))
    opened, alive, update, end = objects(run(path, "--json").stdout)
    assert (opened["type"], opened["open"]["asn"], alive["type"]) == ("open", 64497, "keepalive")
    assert update["update"]["announce"] == {"ipv4 unicast": {"192.0.2.7": [{"nlri": "203.0.113.0/24"}]}}
    assert end["notification"]["text"] == "cease: administrative shutdown (bye)"


@pytest.mark.parametrize(
    ("name", "octets"), [("a.mrt", mrt()), ("b.bmp", bmp()), ("c.pcap", pcap(179, open_message(1, "192.0.2.1")))]
)
def test_lines_for_people(tmp_path: Path, name: str, octets: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(octets)
    result = run(path)
    assert result.exit_code == 0
    assert "192.0.2." in result.stdout
    assert "routing:" in result.stderr


def test_a_limit_and_a_file_that_ends_early(tmp_path: Path) -> None:
    path = tmp_path / "updates"
    path.write_bytes(mrt()[:-4])
    assert len(objects(run(path, "--json", "--limit", 1).stdout)) == 1
    result = run(path, "--json")
    assert len(objects(result.stdout)) == 2
    assert objects(result.stderr)[0]["errors"] == {"truncated": 1}
