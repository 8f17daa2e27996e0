"""Public captures against an independent decoder: every record that tshark finds is ours too, field by field."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flow_wire import new_decoder, to_batch
from tests.decode.conftest import DATA

from weft.decode.capture import CaptureFile
from weft.decode.flow.records import records

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark (Debian) is not installed"),
]

FLOWS = DATA / "flows"
LOGSTASH = FLOWS / "logstash-plugins+logstash-codec-netflow"
TELEGRAF = FLOWS / "influxdata+telegraf" / "netflow" / "testcases"
NETGAUZE = FLOWS / "NetGauze+NetGauze"

Convert = Callable[[str], Any]


def _number(text: str) -> int:
    return int(text, 0)


def _direction(text: str) -> str | None:
    return {"0": "ingress", "1": "egress"}.get(text)


#: Our column, tshark's fields for it (best first), how to read them.
FIELDS: tuple[tuple[str, tuple[str, ...], Convert], ...] = (
    ("src_addr", ("srcaddr", "srcaddrv6"), str),
    ("dst_addr", ("dstaddr", "dstaddrv6"), str),
    ("src_port", ("srcport",), _number),
    ("dst_port", ("dstport",), _number),
    ("protocol", ("protocol",), _number),
    ("bytes", ("octets", "permanent_octets", "initiator_octets"), _number),
    ("packets", ("packets", "permanent_packets"), _number),
    ("in_if", ("inputint",), _number),
    ("out_if", ("outputint",), _number),
    ("tcp_flags", ("tcpflags", "tcpflags16"), _number),
    ("src_as", ("srcas",), _number),
    ("dst_as", ("dstas",), _number),
    ("tos", ("tos",), _number),
    ("src_mask", ("srcmask", "srcmaskv6"), _number),
    ("dst_mask", ("dstmask", "dstmaskv6"), _number),
    ("next_hop", ("nexthop", "nexthopv6"), str),
    ("direction", ("direction",), _direction),
    ("flow_end_reason", ("flow_end_reason",), _number),
    ("src_vlan", ("vlanid", "dot1q_vlan_id"), _number),
    ("in_vrf", ("ingress_vrfid",), _number),
    ("out_vrf", ("egress_vrfid",), _number),
)


def pcap(payloads: list[bytes]) -> bytes:
    out = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)
    for payload in payloads:
        udp = struct.pack(">HHHH", 2055, 2055, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + bytes(
            (198, 51, 100, 7, 198, 51, 100, 8)
        )
        frame = b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip + udp
        out += struct.pack("<IIII", 1_700_000_000, 0, len(frame), len(frame)) + frame
    return out


def _all_pairs(pairs: list[tuple[str, Any]]) -> dict[str, list[Any]]:
    """tshark repeats the name of a field that occurs twice."""
    out: dict[str, list[Any]] = {}
    for key, value in pairs:
        out.setdefault(key, []).append(value)
    return out


def _flows(node: Any) -> list[dict[str, list[Any]]]:
    """The flow records of a packet's dissection."""
    found = []
    for name, values in node.items():
        for value in (v for v in values if isinstance(v, dict)):
            if re.fullmatch(r"Flow \d+|pdu \d+/\d+", name):
                found.append(value)
            else:
                found.extend(_flows(value))
    return found


def _when(text: str) -> int:
    day, fraction = re.fullmatch(r"(.*)\.(\d{9}) UTC", re.sub(" +", " ", text)).groups()  # type: ignore[union-attr]
    return int(datetime.strptime(day, "%b %d, %Y %H:%M:%S").replace(tzinfo=UTC).timestamp()) * 10**9 + int(fraction)


def _expected(flow: dict[str, list[Any]]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for column, names, convert in FIELDS:
        values = [v for name in names for v in flow.get(f"cflow.{name}", [])[:1]]
        if column.endswith("_addr") and len(values) == 2:  # a template with both families: the one that is set
            values = [v for v in values if v not in ("0.0.0.0", "::")] or values
        if values and convert(values[0]) is not None:
            wanted[column] = convert(values[0])
    times = flow | flow.get("cflow.timedelta_tree", [{}])[0]
    for column, name in (("time_start", "abstimestart"), ("time_end", "abstimeend")):
        if f"cflow.{name}" in times and _when(times[f"cflow.{name}"][0]) > 0:
            wanted[column] = _when(times[f"cflow.{name}"][0])
    return wanted


def by_tshark(payloads: list[bytes], folder: Path) -> list[dict[str, Any]]:
    """What tshark says of the flow records in some datagrams of one exporter."""
    file = folder / "in.pcap"
    file.write_bytes(pcap(payloads))
    command = ["tshark", "-r", str(file), "-d", "udp.port==2055,cflow", "-T", "json", "-J", "cflow"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    packets = json.loads(done.stdout, object_pairs_hook=_all_pairs)
    found = [_expected(flow) for packet in packets for flow in _flows(packet["_source"][0]["layers"][0])]
    return [one for one in found if "src_addr" in one]


def ours(payloads: list[bytes]) -> list[dict[str, Any]]:
    flows = new_decoder().decode(to_batch(*payloads)).flows
    found = []
    for record, row in zip(records(flows), flows.select(["time_start", "time_end"]).to_pylist(), strict=True):
        found.append(record | {name: value.value for name, value in row.items()})
    return found


def differs(wanted: dict[str, Any], got: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (got[name], value)
        for name, value in wanted.items()
        if (abs(got[name] - value) > 1 if name.startswith("time_") else got[name] != value)
    }


def check(payloads: list[bytes], folder: Path) -> int:
    """Every record of tshark's is among ours, in order; ours may have more (other directions)."""
    theirs, mine = by_tshark(payloads, folder), ours(payloads)
    at = 0
    for number, wanted in enumerate(theirs):
        following = [differs(wanted, got) for got in mine[at:]]
        assert {} in following, (number, min(following, key=len, default=None), wanted)
        at += following.index({}) + 1
    return len(theirs)


def _contexts() -> list[Any]:
    golden = LOGSTASH / "golden-from-netflow_spec.json"
    return json.loads(golden.read_text()) if golden.is_file() else []


#: Contexts in which tshark does not see what is there: it believes v5's length and v9's count, and gives up early.
NOT_TSHARK = {"Netflow 5 invalid 01", "Netflow 5 invalid 02"}


@pytest.mark.skipif(not _contexts(), reason=f"no cases of the logstash codec below {LOGSTASH}: set WEFT_TEST_DATA")
@pytest.mark.parametrize("context", _contexts(), ids=lambda c: c["context"])
def test_logstash(context: Any, tmp_path: Path) -> None:
    payloads = [(LOGSTASH / name).read_bytes() for name in context["inputs"]]
    if context["context"].strip() in NOT_TSHARK:
        assert ours(payloads) == []
        return
    check(payloads, tmp_path)


@pytest.mark.parametrize(
    ("case", "count"),
    [
        ("netflow_v5_example", 8),
        ("netflow_v9_example", 8),
        ("ipfix_example", 29),
        ("ipfix_pen_35632", 2),
        ("issue_13305", 2),
        ("issue_14370", 2),
    ],
)
def test_telegraf(case: str, count: int, test_data: Path, tmp_path: Path) -> None:
    assert test_data
    assert check([path.read_bytes() for path in sorted((TELEGRAF / case).glob("*.bin"))], tmp_path) == count


@pytest.mark.parametrize(
    ("capture", "count"),
    [
        ("flow/srv6/srv6.pcap", 86),
        ("pmacct-tests/100-IPFIXv10-CISCO/traffic-00.pcap", 12),
        ("pmacct-tests/101-NFv9-CISCO-cust_primitives/traffic-00.pcap", 51),
        ("pmacct-tests/102-NFv9-CISCO-f2rd-pretag-sampling-reload/traffic-00.pcap", 35),
        ("pmacct-tests/104-IPFIXv10-IPv6-CISCO-sampling_option/traffic-00.pcap", 3),
        ("pmacct-tests/106-IPFIXv10-HUAWEI-vrf_name/traffic-00.pcap", 3),
        ("pmacct-tests/111-IPFIXv10-NFv9-IPv6-IPv4-mix_sources/traffic-00.pcap", 11),
        ("pmacct-tests/400-IPFIXv10-BMP-CISCO-SRv6-multiple-sources/traffic-00.pcap", 657),
        ("pmacct-tests/401-IPFIXv10-BMP-IPv6-CISCO-MPLS-multiple-sources/traffic-00.pcap", 748),
    ],
)
def test_netgauze(capture: str, count: int, test_data: Path, tmp_path: Path) -> None:
    assert test_data
    exporters: dict[bytes, list[bytes]] = {}
    for batch in CaptureFile(NETGAUZE / capture):
        for i in range(len(batch)):
            payload = bytes(batch.data[batch.start[i] : batch.start[i] + batch.length[i]])
            if payload[:2] in (b"\0\x09", b"\0\x0a"):
                exporters.setdefault(batch.source[i].tobytes(), []).append(payload)
    assert sum(check(payloads, tmp_path) for payloads in exporters.values()) == count
