"""Flow rows for tests of security detectors: made up, or metered from captures and connection logs."""

from __future__ import annotations

import ipaddress
import json
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from weft.detect.context import Context, DetectorConfig
from weft.detect.detector import Finding, RowsDetector
from weft.model.flows import FLOWS

DATA = Path(os.environ.get("WEFT_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "detect"
OWN = (ipaddress.ip_network("203.0.113.0/24"), ipaddress.ip_network("10.0.0.0/16"))
T0 = 1_800_000_000.0
SYN, SYN_ACK, RST, DATA_FLAGS, WHOLE = 0x02, 0x12, 0x04, 0x18, 0x1B
_TYPES = {column.name: column.arrow for column in FLOWS.columns}
_INTEGERS = {
    "src_port": np.uint16, "dst_port": np.uint16, "protocol": np.uint8, "tcp_flags": np.uint16, "packets": np.uint64,
    "bytes": np.uint64, "sampling_rate": np.uint32, "in_if": np.uint32,
}  # fmt: skip


class Names:
    """Things are called by their addresses."""

    def device(self, address: bytes) -> str:
        one = ipaddress.IPv6Address(address)
        return str(one.ipv4_mapped or one)

    def interface(self, address: bytes, if_index: int) -> str:
        return f"if{if_index}"

    def site(self, device: str) -> str:
        return ""

    def site_of_address(self, address: bytes) -> str:
        return ""


def context(own: Sequence[Any] = OWN, **settings: Any) -> Context:
    """What a detector is given."""
    return Context(Names(), config=DetectorConfig(settings=settings), networks=lambda: own)


def v4(text: str) -> int:
    """An IPv4 address as an integer."""
    return int(ipaddress.IPv4Address(text))


def records(
    n: int, *, at_s: Any = T0, src: Any = 0, dst: Any = 0, lasts_s: Any = 0.0, **columns: Any
) -> pa.RecordBatch:
    """``n`` rows of ``flows``: IPv4 addresses as integers, one value or n of each; a packet of TCP where not said."""
    end = np.broadcast_to(np.asarray(at_s, np.float64), n)
    start = end - np.broadcast_to(np.asarray(lasts_s, np.float64), n)
    given = {"protocol": 6, "packets": 1, "bytes": 60, "sampling_rate": 1, "src_port": 40000, "dst_port": 443,
             "tcp_flags": 0, "in_if": 1, **columns}  # fmt: skip
    arrays: dict[str, pa.Array[Any]] = {
        name: pa.array((when * 1e9).astype(np.int64)).cast(_TYPES[name])
        for name, when in (("time_received", np.sort(end)), ("time_start", start), ("time_end", end))
    }
    exporter = given.pop("exporter", v4("192.0.2.1"))
    for name, values in (("src_addr", src), ("dst_addr", dst), ("exporter", exporter)):
        octets = np.zeros((n, 16), np.uint8)
        octets[:, 10:12] = 0xFF
        low = np.ascontiguousarray(np.broadcast_to(np.asarray(values, np.int64), n).astype(">u4"))
        octets[:, 12:] = low.view(np.uint8).reshape(n, 4)
        arrays[name] = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), n, [None, pa.py_buffer(octets.tobytes())])
    for name, values in given.items():
        arrays[name] = pa.array(np.broadcast_to(np.asarray(values), n).astype(_INTEGERS[name]))
    return pa.record_batch(arrays)


def play(detector: RowsDetector, batches: Iterable[pa.RecordBatch]) -> list[Finding]:
    """Feed batches as they come, a tick at the end of each."""
    found: list[Finding] = []
    for batch in batches:
        found += detector.take("flows", batch)
        last = batch.column(batch.schema.get_field_index("time_received")).cast(pa.int64())[-1].as_py() / 1e9
        found += detector.tick(last)
    return found


# --- captures and logs -----------------------------------------------------------------------------------------------


def data(*path: str) -> Path:
    """A public data set; the test is skipped where it is not there."""
    found = DATA.joinpath(*path)
    if not found.exists():
        pytest.skip(f"no public test data at {found} (set WEFT_TEST_DATA)")
    return found


@dataclass(frozen=True)
class Packets:
    """Headers of a capture, IPv4 only."""

    src: np.ndarray
    dst: np.ndarray
    protocol: np.ndarray
    src_port: np.ndarray
    dst_port: np.ndarray
    flags: np.ndarray
    octets: np.ndarray


def packets(path: Path) -> Packets:
    """What a classic capture of Ethernet holds; fragments after the first have ports 0, as flow caches tell them.

    Of a capture of UDP the TCP is left out: somebody's session.
    """
    raw = path.read_bytes()
    order = "<" if raw[:1] in (b"\xd4", b"\x4d") else ">"
    at, rows = 24, []
    while at + 16 <= len(raw):
        held = struct.unpack(order + "I", raw[at + 8 : at + 12])[0]
        frame = raw[at + 16 : at + 16 + held]
        at += 16 + held
        if frame[12:14] != b"\x08\x00" or len(frame) < 34:
            continue
        ip = frame[14:]
        size, protocol = int.from_bytes(ip[2:4], "big"), ip[9]
        after = ip[(ip[0] & 15) * 4 :]
        first = not int.from_bytes(ip[6:8], "big") & 0x1FFF
        ports = (int.from_bytes(after[:2], "big"), int.from_bytes(after[2:4], "big")) if first else (0, 0)
        flags = after[13] if protocol == 6 and first and len(after) > 13 else 0
        rows.append((int.from_bytes(ip[12:16], "big"), int.from_bytes(ip[16:20], "big"), protocol, *ports, flags, size))
    columns = np.array(rows, np.int64).T
    return Packets(*(columns[:, columns[2] == 17] if (columns[2] == 17).mean() > 0.2 else columns))


def metered(
    mix: Packets, pps: float, rate: int, seconds: float, *, at_s: float = T0, victim: int | None = None, seed: int = 1
) -> Iterable[pa.RecordBatch]:  # fmt: skip
    """The packets of a capture at so many a second, 1 in ``rate`` sampled and told as by sFlow, a batch a second."""
    rng = np.random.default_rng(seed)
    for second in range(int(seconds)):
        n = int(rng.poisson(pps / rate))
        if not n:
            continue
        which = rng.integers(0, len(mix.src), n)
        yield records(
            n, at_s=at_s + second + np.sort(rng.random(n)), src=mix.src[which],
            dst=mix.dst[which] if victim is None else victim, protocol=mix.protocol[which],
            src_port=mix.src_port[which], dst_port=mix.dst_port[which], tcp_flags=mix.flags[which],
            bytes=mix.octets[which], sampling_rate=rate,
        )  # fmt: skip


def zeek_connections(path: Path) -> pa.RecordBatch:
    """Connections of a Zeek log (JSON or tab-separated) as flow records of either side, in order."""
    lines = path.read_text().splitlines()
    fields: list[str] = []
    rows: list[dict[str, Any]] = []
    for line in lines:
        if line.startswith("#fields"):
            fields = line.split("\t")[1:]
        elif line.startswith("{"):
            rows.append(json.loads(line))
        elif line and not line.startswith("#"):
            rows.append(dict(zip(fields, line.split("\t"), strict=False)))
    told = [row for row in rows if ":" not in str(row["id.orig_h"]) and row["proto"] == "tcp"]
    said: list[tuple[float, int, int, int, int, int, int]] = []
    for row in told:
        end = float(row["ts"]) + (float(row.get("duration") or 0) if row.get("duration") not in (None, "-") else 0.0)
        a, b = v4(row["id.orig_h"]), v4(row["id.resp_h"])
        ports, history = (int(row["id.orig_p"]), int(row["id.resp_p"])), str(row.get("history", ""))
        flags = [_flags(history, str.isupper), _flags(history, str.islower)]
        said.append((end, a, b, *ports, flags[0], max(1, sum(c.isupper() for c in history))))
        if flags[1]:
            said.append((end, b, a, ports[1], ports[0], flags[1], max(1, sum(c.islower() for c in history))))
    said.sort()
    end, src, dst, src_port, dst_port, bits, seen = np.array(said).T
    return records(len(said), at_s=end, src=src, dst=dst, src_port=src_port, dst_port=dst_port, tcp_flags=bits,
                   packets=seen, bytes=seen * 60)  # fmt: skip


def _flags(history: str, mine: Any) -> int:
    """TCP flags of one side, from Zeek's history letters."""
    known = {"s": SYN, "h": SYN_ACK, "a": 0x10, "d": DATA_FLAGS, "f": 0x11, "r": RST}
    out = 0
    for letter in history:
        if letter.isalpha() and mine(letter):
            out |= known.get(letter.lower(), 0)
    return out
