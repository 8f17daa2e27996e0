"""The sFlow datagrams of the public captures, sample by sample against tshark."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
import sflow_wire as wire
from frames import ethernet, ipv4, udp

from weft.decode.capture import CaptureFile
from weft.decode.flow.records import records

#: What tshark prints of a sample → the column; the first line of a sample that matches counts.
LINES: dict[str, tuple[str, Any]] = {
    "sampling_rate": (r"Sampling rate: 1 out of (\d+) packets", int),
    "in_if": (r"Input interface (?:value|\(ifIndex\)): (\d+)", int),
    "out_if": (r"Output interface (?:value|\(ifIndex\)): (\d+)", int),
    "out_format": (r"Output interface format: (?:[a-z ]*\()?(\d+)", int),
    "bytes": (r"Frame Length: (\d+)", int),
    "src_addr": (r"Internet Protocol Version [46], Src: ([^,]+),", str),
    "dst_addr": (r"Internet Protocol Version [46], .*Dst: (\S+)", str),
    "src_port": (r"(?:Transmission Control|User Datagram) Protocol, Src Port: (\d+)", int),
    "dst_port": (r"(?:Transmission Control|User Datagram) Protocol, .*Dst Port: (\d+)", int),
    "src_mac": (r"Ethernet II, Src: (\S+),", str),
    "ttl": (r"(?:Time to Live|Hop Limit): (\d+)", int),
    "src_mask": (r"Next hop source mask: (\d+)", int),
    "next_hop": (r"Next hop: (\S+)", str),
    "src_vlan": (r"(?:Incoming 802.1Q VLAN|802.1Q Virtual LAN, .*ID): (\d+)", int),
    "dst_vlan": (r"Outgoing 802.1Q VLAN: (\d+)", int),
}
SAMPLE = re.compile(r"^    (Expanded flow sample|Flow sample|Counters sample|Expanded counters sample)[, ]")


def as_pcap(messages: list[bytes]) -> bytes:
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for message in messages:
        frame = ethernet(ipv4(udp(message, 6343, 6343), 17))
        out += struct.pack("<4I", 1, 0, len(frame), len(frame)) + frame
    return out


def their_samples(path: Path) -> list[dict[str, Any]]:
    """Flow samples as tshark prints them."""
    text = subprocess.run(["tshark", "-n", "-V", "-r", path], capture_output=True, text=True, check=True).stdout
    samples: list[dict[str, Any]] = []
    current: dict[str, Any] | None = None
    for line in text.splitlines():
        if line.startswith("Frame "):
            current = None
        if found := SAMPLE.match(line):
            current = {} if "low sample" in found[1] else None
            if current is not None:
                samples.append(current)
        if current is not None:
            for name, (pattern, convert) in LINES.items():
                if name not in current and (found := re.search(pattern, line)):
                    current[name] = convert(found[1])
    for sample in samples:
        if sample.pop("out_format", 0) != 0:  # a count of interfaces or a reason for a discard, not an interface
            sample["out_if"] = 0
    return samples


@pytest.mark.peers
def test_every_public_sample_reads_as_in_tshark(test_data: Path, tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark (Debian) is not installed")
    messages = [
        path.read_bytes() for path in sorted((test_data / "flows").glob("*telegraf/netflow/testcases/sflow_*/*.bin"))
    ]
    for path in sorted((test_data / "packets").glob("*/sflow*.pcap")):
        for batch in CaptureFile(path):
            messages += [
                batch.data[at : at + size].tobytes() for at, size in zip(batch.start, batch.length, strict=True)
            ]
    capture = tmp_path / "sflow.pcap"
    capture.write_bytes(as_pcap(messages))
    theirs = their_samples(capture)
    decoded = wire.new_decoder().decode(wire.to_batch(*messages)).flows
    ours = [
        record for record in records(decoded) if record["flow_type"] == "sflow" and record["sampling_source"] != "none"
    ]
    assert len(ours) == len(theirs) > 15
    for mine, other in zip(ours, theirs, strict=True):
        assert {name: mine[name] for name in other} == other
