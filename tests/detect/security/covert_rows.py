"""Rows of flows and logs for tests of covert traffic, from a few words each; public data as such rows."""

from __future__ import annotations

import csv
import gzip
import io
import os
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from weft.detect.context import Context, DetectorConfig
from weft.detect.detector import Finding, RowsDetector
from weft.model.addresses import NO_ADDRESS, packed
from weft.model.flows import FLOWS

DATA = Path(os.environ.get("WEFT_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "detect"
START_S = 1_772_668_800.0
OWN = (ip_network("10.0.0.0/8"), ip_network("203.0.113.0/24"))


def public_data(*parts: str) -> Path:
    """A folder or file of the public data; skips where it is not there."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no public test data at {path} (set WEFT_TEST_DATA)")
    return path


class NoNames:
    """Names of a network that nobody wrote down."""

    def device(self, address: bytes) -> str:
        return address.hex()

    def interface(self, address: bytes, if_index: int) -> str:
        return f"if{if_index}"

    def site(self, device: str) -> str:
        return ""

    def site_of_address(self, address: bytes) -> str:
        return ""


def context(facts: Mapping[str, Any] | None = None, **settings: Any) -> Context:
    """What a detector is made with here."""
    return Context(NoNames(), DetectorConfig(settings=settings), networks=lambda: OWN, facts=facts or {})


@dataclass
class Flow:
    """A record: seconds after the start, who, whom, and what is not as usual."""

    at: float
    src: str
    dst: str
    dst_port: int = 443
    src_port: int = 50000
    octets: int = 600
    packets: int = 6
    lasted: float = 0.3
    rate: int = 1
    protocol: int = 6
    flags: int = 0x1B
    dst_as: int = 0
    src_as: int = 0
    exporter: str = "192.0.2.1"
    out_if: int = 1


def flow_rows(flows: Sequence[Flow]) -> pa.RecordBatch:
    """Rows as the table declares them, in order of their arrival."""
    flows = sorted(flows, key=lambda one: one.at)
    n = len(flows)
    columns = dict(zip(FLOWS.schema.names, _empty(n), strict=True))

    def put(name: str, values: Iterable[Any]) -> None:
        arrow = next(column.arrow for column in FLOWS.columns if column.name == name)
        columns[name] = pa.array(list(values), arrow)

    for name, attribute in (("src_addr", "src"), ("dst_addr", "dst"), ("exporter", "exporter")):
        put(name, (_packed(getattr(one, attribute)) for one in flows))
    for name, attribute in (
        ("src_port", "src_port"), ("dst_port", "dst_port"), ("protocol", "protocol"), ("bytes", "octets"),
        ("packets", "packets"), ("sampling_rate", "rate"), ("tcp_flags", "flags"), ("dst_as", "dst_as"),
        ("src_as", "src_as"), ("out_if", "out_if"),
    ):  # fmt: skip
        put(name, (int(getattr(one, attribute)) for one in flows))
    put("time_start", (_ns(one.at) for one in flows))
    put("time_end", (_ns(one.at + one.lasted) for one in flows))
    put("time_received", (_ns(one.at + one.lasted + 0.5) for one in flows))
    return pa.RecordBatch.from_arrays([columns[column.name] for column in FLOWS.columns], schema=FLOWS.schema)


@lru_cache(maxsize=64)
def _empty(n: int) -> tuple[pa.Array[Any], ...]:
    return tuple(
        pa.array([NO_ADDRESS] * n, column.arrow) if pa.types.is_fixed_size_binary(column.arrow)
        else pa.array(np.zeros(n, np.int64)).cast(column.arrow) for column in FLOWS.columns
    )  # fmt: skip


_packed = lru_cache(maxsize=1 << 14)(packed)


def _ns(at: float) -> int:
    return int((START_S + at) * 1e9)


def log_rows(lines: Sequence[tuple[float, str]]) -> pa.RecordBatch:
    """Rows of logs, as far as detectors read them: (seconds after the start, text)."""
    time = pa.array([_ns(at) for at, _ in lines], pa.timestamp("ns", tz="UTC"))
    return pa.record_batch({"time": time, "message": pa.array([text for _, text in lines])})


def fortinet(client: str, name: str, kind: str = "A") -> str:
    """A line of a firewall's DNS log."""
    return f'type="utm" subtype="dns" srcip={client} srcport=4 dstip=192.0.2.53 qname="{name}" qtype="{kind}" cat=0'


def play(
    detector: RowsDetector, flows: Sequence[Flow], *, until: float | None = None, step: float = 180.0
) -> list[Finding]:
    """Feed records minute by minute, telling the time; all that was found."""
    ordered = sorted(flows, key=lambda one: one.at)
    times = np.array([one.at for one in ordered])
    found = []
    for at in np.arange(0.0, (until if until is not None else float(times[-1])) + step, step):
        first, last = np.searchsorted(times, [at, at + step])
        if last > first:
            found += detector.take("flows", flow_rows(ordered[first:last]))
        found += detector.tick(START_S + at + step)
    return found


# --- public data -----------------------------------------------------------------------------------------------------


def zeek(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a Zeek log with a header."""
    names: list[str] = []
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            fields = line.strip("\t\n").split("\t")
            if fields[0] == "#fields":
                names = fields[1:]
            elif not fields[0].startswith("#"):
                yield dict(zip(names, fields, strict=False))


def zeek_flows(rows: Iterable[Mapping[str, str]], first_s: float) -> list[Flow]:
    """Connections as flow records, one of each direction."""
    protocols = {"tcp": 6, "udp": 17, "icmp": 1}
    found = []
    for row in rows:
        lasted = 0.0 if row["duration"] == "-" else float(row["duration"])
        at = float(row["ts"]) - first_s
        common: dict[str, Any] = {"lasted": lasted, "protocol": protocols.get(row["proto"], 0)}
        src, dst, sport, dport = row["id.orig_h"], row["id.resp_h"], int(row["id.orig_p"]), int(row["id.resp_p"])
        found.append(Flow(at, src, dst, dport, sport, octets=int(row["orig_ip_bytes"]), packets=int(row["orig_pkts"]),
                          **common))  # fmt: skip
        if int(row["resp_pkts"]):
            found.append(Flow(at, dst, src, sport, dport, octets=int(row["resp_ip_bytes"]),
                              packets=int(row["resp_pkts"]), **common))  # fmt: skip
    return [one for one in found if one.at >= 0]


@dataclass
class DnsPacket:
    """A DNS message of a capture. ``octets``: of the IP packet."""

    at: float
    src: str
    dst: str
    src_port: int
    dst_port: int
    name: str
    kind: int
    octets: int


def dns_packets(path: Path) -> Iterator[DnsPacket]:
    """DNS over UDP and IPv4 of a pcap or pcapng file of Ethernet."""
    for at, frame in _frames(path.read_bytes()):
        one = _dns(at, frame)
        if one is not None:
            yield one


def _frames(data: bytes) -> Iterator[tuple[float, bytes]]:
    is_ng = data[:4] == b"\x0a\x0d\x0d\x0a"
    at = 0 if is_ng else 24
    while at + 28 <= len(data):
        if is_ng:
            block, size = struct.unpack("<II", data[at : at + 8])
            _, high, low, kept, _ = struct.unpack("<IIIII", data[at + 8 : at + 28])
            if block == 6:
                yield ((high << 32) | low) / 1e6, data[at + 28 : at + 28 + kept]
            at += max(size, 12)
        else:
            second, micros, kept, _ = struct.unpack("<IIII", data[at : at + 16])
            yield second + micros / 1e6, data[at + 16 : at + 16 + kept]
            at += 16 + kept


def _dns(at: float, frame: bytes) -> DnsPacket | None:
    packet = frame[14:]
    if frame[12:14] != b"\x08\x00" or len(packet) < 40 or packet[9] != 17:
        return None
    head = (packet[0] & 15) * 4
    sport, dport = struct.unpack(">HH", packet[head : head + 4])
    asked, labels = packet[head + 8 :], []
    if 53 not in (sport, dport):
        return None
    offset = 12
    while offset < len(asked) and 0 < asked[offset] < 64:
        labels.append(asked[offset + 1 : offset + 1 + asked[offset]].decode("latin-1"))
        offset += 1 + asked[offset]
    src, dst = (".".join(str(one) for one in packet[i : i + 4]) for i in (12, 16))
    kind = int.from_bytes(asked[offset + 1 : offset + 3], "big")
    return DnsPacket(at, src, dst, sport, dport, ".".join(labels), kind, int.from_bytes(packet[2:4], "big"))


def csv_in_zip(path: Path) -> Iterator[dict[str, str]]:
    """Rows of the one table in a zip file."""
    with zipfile.ZipFile(path) as members, members.open(members.namelist()[0]) as file:
        yield from csv.DictReader(io.TextIOWrapper(file, "utf-8"))
