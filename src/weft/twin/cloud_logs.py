"""Acme's flow logs as each provider writes them, for one interval at a time. The seed and the clock decide."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np

from weft.twin.cloud import GCP_PROJECT, OCI_TENANCY, Host, Provider, Shape, Talk, talks
from weft.twin.cloud_faults import added, concerned, kept, lasted
from weft.twin.timeline import Timeline

#: Seconds that a record sums up.
INTERVAL_S = 300
_AWS_FIELDS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
    " vpc-id subnet-id instance-id tcp-flags pkt-srcaddr pkt-dstaddr region az-id pkt-src-aws-service"
    " pkt-dst-aws-service flow-direction traffic-path"
)
_QUIET = 0.4  # how often nobody tries what is refused
_RETRIES = 8  # records of refused attempts of a host in an interval
_GCP_KEPT = 0.5  # of the records: Acme's subnets have flow sampling at one half


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of a conversation in one interval, as one interface logged it."""

    talk: Talk
    at: Host
    src: str
    dst: str
    src_port: int
    dst_port: int
    octets: int
    packets: int
    is_out: bool
    peer: Host | None


@cache
def _talks() -> tuple[Talk, ...]:
    return talks()


def _level(shape: Shape, at_s: float) -> float:
    """Share of the busiest rate at a time of day, 0 … 1."""
    hour = (at_s / 3600) % 24
    if shape == "flat":
        return 0.85
    peak = 14.0 if shape == "work" else 2.0
    wave = (1 + math.cos((hour - peak) / 24 * 2 * math.pi)) / 2
    return 0.15 + 0.85 * wave ** (1.5 if shape == "work" else 4)


def ways(timeline: Timeline, start_s: int, provider: Provider) -> Iterator[Way]:
    """Everything that the interfaces of a provider log of the interval that begins at ``start_s``."""
    faults = concerned(timeline.faults(start_s, start_s + INTERVAL_S))
    shares = {fault.id: lasted(fault, start_s, start_s + INTERVAL_S) for fault in faults}
    for number, talk in enumerate(_talks()):
        rng = np.random.default_rng([timeline.seed, start_s, number])
        share = math.prod(1 - shares[fault.id] * (1 - kept(fault, talk)) for fault in faults)
        if share > 0 and not (talk.rejected and rng.random() < _QUIET):
            yield from _of_talk(talk, rng, start_s, provider, share)
    for fault in faults:
        key = zlib.crc32(fault.id.encode())
        for number, talk in enumerate(added(fault)):
            rng = np.random.default_rng([timeline.seed, start_s, key, number])
            for _ in range(_RETRIES if talk.rejected else 1):
                # Every attempt has a port of its own, and so a record.
                one = replace(talk, bps=talk.bps / _RETRIES) if talk.rejected else talk
                yield from _of_talk(one, rng, start_s, provider, shares[fault.id])


def _of_talk(
    talk: Talk, rng: np.random.Generator, start_s: int, provider: Provider, share: float
) -> Iterator[Way]:  # fmt: skip
    """Both directions of a conversation at both of its ends, as far as they are the provider's."""
    answer = share * talk.bps / 8 * INTERVAL_S * _level(talk.shape, start_s) * float(rng.lognormal(0, 0.25))
    port = int(rng.integers(32768, 60999))
    peer = talk.peer if isinstance(talk.peer, Host) else None
    other = peer.address if peer is not None else str(talk.peer)
    own = talk.host.public or talk.host.address if peer is None and not _private(other) else talk.host.address
    client, server = (other, own) if talk.is_server else (own, other)
    asked, answered = (client, server, port, talk.port), (server, client, talk.port, port)
    volumes = [(asked, max(60.0, answer * talk.ask))] + ([] if talk.rejected else [(answered, max(60.0, answer))])
    for (src, dst, src_port, dst_port), octets in volumes:
        packets = max(1, round(octets / (60 if talk.rejected else 980)))
        for at, away in ((talk.host, peer), (peer, talk.host)):
            if at is None or at.net.provider != provider or (talk.rejected and at is not (peer or talk.host)):
                continue
            is_out = src in (at.address, at.public)
            yield Way(talk, at, src, dst, src_port, dst_port, int(octets), packets, is_out, away)


def _private(address: str) -> bool:
    return address.startswith("10.")


def _seen(way: Way, address: str) -> str:
    """An address as the interface has it: behind a public one is its private one."""
    return way.at.address if address and address == way.at.public else address


def aws_file(timeline: Timeline, start_s: int, account: str) -> bytes:
    """A file of an account, packed as AWS does."""
    lines = [_AWS_FIELDS]
    for way in ways(timeline, start_s, "aws"):
        if way.at.net.account != account:
            continue
        path = way.talk.path if way.is_out and way.at is way.talk.host else 0
        services = ("-", way.talk.service or "-") if way.is_out else (way.talk.service or "-", "-")
        src, dst = _seen(way, way.src), _seen(way, way.dst)
        lines.append(
            f"5 {account} {way.at.nic} {src} {dst} {way.src_port} {way.dst_port} {way.talk.protocol} {way.packets}"
            f" {way.octets} {start_s} {start_s + INTERVAL_S - 1} {'REJECT' if way.talk.rejected else 'ACCEPT'} OK"
            f" {way.at.net.key} {way.at.subnet} {way.at.instance} {2 if way.talk.rejected else 19} {src} {dst}"
            f" {way.at.net.region} {way.at.zone} {services[0]} {services[1]} {'egress' if way.is_out else 'ingress'}"
            f" {path or '-'}"
        )
    quiet = f"5 {account} eni-0acmequiet00001 - - - - - - - {start_s} {start_s + INTERVAL_S - 1} -"
    lost = np.random.default_rng([timeline.seed, start_s, 999]).random() < 0.02
    lines.append(f"{quiet} {'SKIPDATA' if lost else 'NODATA'} - - - - - - - - - - - -")
    return gzip.compress(("\n".join(lines) + "\n").encode(), 6, mtime=start_s)


def azure_records(timeline: Timeline, start_s: int) -> list[dict[str, Any]]:
    """A record for each interface that had traffic."""
    flows: dict[Host, dict[str, list[str]]] = {}
    pairs: dict[tuple[int, str], list[Way]] = {}
    for way in ways(timeline, start_s, "azure"):
        pairs.setdefault((id(way.talk), way.at.name), []).append(way)
    for both in pairs.values():
        first, second = both[0], both[1] if len(both) > 1 else None
        state = "D" if first.talk.rejected else "C"
        back = f"{second.packets},{second.octets}" if second is not None else "0,0"
        sent = "0,0" if first.talk.rejected else f"{first.packets},{first.octets}"
        rule = "DenyAllInBound" if first.talk.rejected else "AllowErp"
        flows.setdefault(first.at, {}).setdefault(rule, []).append(
            f"{(start_s + INTERVAL_S) * 1000},{_seen(first, first.src)},{_seen(first, first.dst)},{first.src_port},"
            f"{first.dst_port},{first.talk.protocol},{'O' if first.is_out else 'I'},{state},NX,{sent},{back}"
        )
    return [_azure_record(host, rules, start_s) for host, rules in flows.items()]


def _azure_record(host: Host, rules: dict[str, list[str]], start_s: int) -> dict[str, Any]:
    group, network = host.net.key.split("/")
    return {
        "time": _time(start_s + INTERVAL_S), "flowLogVersion": 4, "macAddress": host.mac,
        "category": "FlowLogFlowEvent", "operationName": "FlowLogFlowEvent",
        "targetResourceID": f"/subscriptions/{host.net.account}/resourceGroups/{group}/providers/Microsoft.Network"
        f"/virtualNetworks/{network}",
        "flowRecords": {"flows": [{"aclID": "0000", "flowGroups": [
            {"rule": rule, "flowTuples": tuples} for rule, tuples in rules.items()
        ]}]},
    }  # fmt: skip


def gcp_file(timeline: Timeline, start_s: int) -> bytes:
    """Entries of an interval, a line each; both ends report, and half of the records is kept."""
    lines: list[str] = []
    rng = np.random.default_rng([timeline.seed, start_s, 7])
    for way in ways(timeline, start_s, "gcp"):
        if rng.random() >= _GCP_KEPT:
            continue
        sides: dict[str, Any] = {}
        for host in (way.at, way.peer):
            if host is None or host.net.provider != "gcp":
                continue
            side = "src" if host.address == way.src else "dest"
            project, network = host.net.key.split("/")
            sides[f"{side}_instance"] = {"project_id": GCP_PROJECT, "vm_name": host.instance, "zone": host.zone,
                                         "region": host.net.region}  # fmt: skip
            sides[f"{side}_vpc"] = {"project_id": project, "vpc_name": network,
                                    "subnetwork_name": host.subnet.split("/")[1],
                                    "subnetwork_region": host.net.region}  # fmt: skip
        if way.talk.service:
            sides["dest_google_service" if way.is_out else "src_google_service"] = {
                "type": "GOOGLE_API", "service_name": way.talk.service,
            }  # fmt: skip
        payload = {
            "connection": {"src_ip": way.src, "src_port": way.src_port, "dest_ip": way.dst, "dest_port": way.dst_port,
                           "protocol": way.talk.protocol},
            "reporter": "SRC" if way.is_out else "DEST", "bytes_sent": str(way.octets),
            "packets_sent": str(way.packets), "start_time": _time(start_s), "end_time": _time(start_s + INTERVAL_S),
            **sides,
        }  # fmt: skip
        lines.append(json.dumps({
            "insertId": f"{len(lines):x}", "jsonPayload": payload, "timestamp": _time(start_s + INTERVAL_S),
            "logName": f"projects/{GCP_PROJECT}/logs/compute.googleapis.com%2Fvpc_flows",
            "resource": {"type": "gce_subnetwork", "labels": {"project_id": GCP_PROJECT}},
        }, separators=(",", ":")))  # fmt: skip
    return ("\n".join(lines) + "\n").encode()


def oci_file(timeline: Timeline, start_s: int) -> bytes:
    """Entries of an interval as a connector packs them."""
    lines = [_oci_line(way, start_s) for way in ways(timeline, start_s, "oci")]
    return gzip.compress(("\n".join(lines) + "\n").encode(), 6, mtime=start_s)


def _oci_line(way: Way, start_s: int) -> str:
    data = {
        "action": "ACCEPT", "bytesOut": way.octets, "destinationAddress": way.dst, "destinationPort": way.dst_port,
        "endTime": start_s + INTERVAL_S, "packets": way.packets, "protocol": way.talk.protocol,
        "sourceAddress": way.src, "sourcePort": way.src_port, "startTime": start_s, "status": "OK", "version": "2",
    }  # fmt: skip
    about = {"tenantid": OCI_TENANCY, "vnicocid": way.at.nic, "vnicsubnetocid": way.at.subnet}
    inner = {"data": data, "oracle": about, "time": _time(start_s), "type": "com.oraclecloud.vcn.flowlogs.DataEvent"}
    return json.dumps({"datetime": start_s * 1000, "logContent": inner}, separators=(",", ":"))


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000000Z")
