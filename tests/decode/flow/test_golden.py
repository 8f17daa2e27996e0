"""Public captures against the golden files beside them, where those are right."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flow_wire import new_decoder, stream, to_batch
from tests.decode.conftest import DATA

from weft.decode.flow.records import records

LOGSTASH = DATA / "flows" / "logstash-plugins+logstash-codec-netflow"
TELEGRAF = DATA / "flows" / "influxdata+telegraf" / "netflow" / "testcases"

#: Names of a value in the golden files → our column. Left out: ``first_switched`` and ``last_switched``, which logstash
#: shows a second late (checked by arithmetic and against tshark) and telegraf as uptime.
NAMES = {
    "src_addr": ("ipv4_src_addr", "ipv6_src_addr", "sourceIPv4Address", "sourceIPv6Address", "src"),
    "dst_addr": ("ipv4_dst_addr", "ipv6_dst_addr", "destinationIPv4Address", "destinationIPv6Address", "dst"),
    "src_port": ("l4_src_port", "sourceTransportPort", "src_port"),
    "dst_port": ("l4_dst_port", "destinationTransportPort", "dst_port"),
    "protocol": ("protocol", "protocolIdentifier"),
    "bytes": ("in_bytes", "octetDeltaCount", "octetTotalCount", "in_total_bytes"),
    "packets": ("in_pkts", "packetDeltaCount", "packetTotalCount", "in_packets", "in_total_packets"),
    "in_if": ("input_snmp", "ingressInterface", "in_snmp"),
    "out_if": ("output_snmp", "egressInterface", "out_snmp"),
    "tos": ("src_tos", "ipClassOfService"),
    "src_as": ("src_as", "bgpSourceAsNumber", "bgp_src_as"),
    "dst_as": ("dst_as", "bgpDestinationAsNumber", "bgp_dst_as"),
    "src_mask": ("src_mask",),
    "dst_mask": ("dst_mask",),
    "next_hop": ("ipv4_next_hop", "ipNextHopIPv4Address", "next_hop"),
    "flow_end_reason": ("flowEndReason",),
    "forwarding_status": ("forwarding_status",),
    "src_mac": ("in_src_mac", "sourceMacAddress"),
    "dst_mac": ("in_dst_mac",),
    "in_vrf": ("ingressVRFID",),
    "out_vrf": ("egressVRFID",),
    "time_start": ("flowStartMilliseconds", "flowStartSeconds", "flow_start_msec", "flow_start_ms"),
    "time_end": ("flowEndMilliseconds", "flowEndSeconds", "flow_end_ms"),
}

PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "ipv6-icmp": 58}


def decoded(payloads: list[bytes]) -> list[dict[str, Any]]:
    found = []
    flows = new_decoder().decode(to_batch(*payloads)).flows
    for record, row in zip(records(flows), flows.select(["time_start", "time_end"]).to_pylist(), strict=True):
        times = {name: value.value // 10**6 for name, value in row.items() if record[name] is not None}
        found.append({name: value for name, value in (record | times).items() if value is not None})
    return found


def milliseconds(value: Any) -> int | None:
    """A golden time; logstash leaves what follows the milliseconds open."""
    if isinstance(value, int):
        return value * 1000 if value < 10**11 else value
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})", str(value))
    return round(datetime.fromisoformat(found[1] + "+00:00").timestamp() * 1000) if found else None


def wanted(event: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for column, names in NAMES.items():
        given = [event[n] for n in names if event.get(n) is not None]
        if not given:
            continue
        value = milliseconds(given[0]) if column.startswith("time_") else given[0]
        if isinstance(value, dict):
            value = value["status"] << 6 | value["reason"]
        if value is not None:
            out[column] = value
    return out


def missing(events: list[dict[str, Any]], mine: list[dict[str, Any]]) -> list[Any]:
    """Golden events that no record of ours equals."""
    lost = []
    for event in events:
        best = min(
            ({k: (r.get(k), v) for k, v in event.items() if r.get(k) != v} for r in mine), key=len, default=event
        )
        if best:
            lost.append(best)
    return lost


def contexts() -> list[Any]:
    golden = LOGSTASH / "golden-from-netflow_spec.json"
    return json.loads(golden.read_text()) if golden.is_file() else []


@pytest.mark.skipif(not contexts(), reason=f"no cases of the logstash codec below {LOGSTASH}: set WEFT_TEST_DATA")
@pytest.mark.parametrize("context", contexts(), ids=lambda c: c["context"].strip())
def test_logstash(context: Any) -> None:
    events = [e["netflow"] for e in context["golden_events"] if isinstance(e.get("netflow"), dict)]
    flows = [wanted(e) for e in events]
    flows = [f for f in flows if {"src_addr", "dst_addr"} <= f.keys()]
    mine = decoded([(LOGSTASH / file).read_bytes() for file in context["inputs"]])
    assert missing(flows, mine) == []


@pytest.mark.parametrize("file", ["netflow5_test_invalid01.dat", "netflow5_test_invalid02.dat"])
def test_v5_that_announces_no_record(file: str, test_data: Path) -> None:
    assert test_data
    assert decoded([(LOGSTASH / file).read_bytes()]) == []


def test_the_wrapped_uptime_of_netflow5_dat(test_data: Path) -> None:
    assert test_data
    (first, _) = decoded([(LOGSTASH / "netflow5.dat").read_bytes()])
    assert first["time_start"] == milliseconds("2015-05-02T18:38:04.898")


def line_protocol(line: str) -> dict[str, Any]:
    """The fields of a line of telegraf's output."""
    body = re.sub(r" \d{19}$", "", line.strip()).split(" ", 1)[1]
    out: dict[str, Any] = {}
    for key, value in re.findall(r'([\w.]+)=("[^"]*"|[^,]+)', body):
        if value.startswith('"'):
            out[key] = value[1:-1]
        elif value.endswith(("u", "i")):
            out[key] = int(value[:-1])
    if "protocol" in out:
        out["protocol"] = PROTOCOLS.get(out["protocol"])
    if str(out.get("src_tos", "")).startswith("0x"):
        out["src_tos"] = int(out["src_tos"], 16)
    return out


@pytest.mark.parametrize(
    "case", ["netflow_v5_example", "netflow_v9_example", "ipfix_example", "ipfix_pen_35632", "issue_13305"]
)
def test_telegraf(case: str, test_data: Path) -> None:
    assert test_data
    lines = [
        line for line in (TELEGRAF / case / "expected.out").read_text().splitlines() if line.startswith("netflow,")
    ]
    events = [wanted(line_protocol(line)) for line in lines]
    mine = decoded([path.read_bytes() for path in sorted((TELEGRAF / case).glob("*.bin"))])
    assert missing(events, mine) == []
    assert len(mine) >= len(events) > 0


@pytest.mark.parametrize("case", ["netflow_v9_options", "ipfix_options"])
def test_telegraf_interface_names(case: str, test_data: Path) -> None:
    assert test_data
    payloads = [path.read_bytes() for path in sorted((TELEGRAF / case).glob("*.bin"))]
    decoder = new_decoder()
    facts = {(f.if_index, f.name, f.description) for f in decoder.decode(to_batch(*payloads)).interfaces}
    lines = [line_protocol(line) for line in (TELEGRAF / case / "expected.out").read_text().splitlines() if line]
    told = {(e["in_snmp"], e["interface"], e.get("interface_desc", "")) for e in lines if "interface" in e}
    assert facts == told
    assert stream(decoder).errors == {}
