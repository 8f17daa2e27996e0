"""Every frame of the public captures against tshark, an independent dissector."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frames import parse

from weft.decode.capture.pcapng import PcapngIndex
from weft.decode.packet import LINK_ETHERNET, LINK_IP, LINK_IPV4, LINK_IPV6, LINK_PPP

LINKS = {
    1: LINK_ETHERNET,
    9: LINK_PPP,
    50: LINK_PPP,
    12: LINK_IP,
    14: LINK_IP,
    101: LINK_IP,
    228: LINK_IPV4,
    229: LINK_IPV6,
}
FIELDS = (
    "frame.protocols", "eth.src", "eth.dst", "vlan.id", "ieee8021ad.id", "mpls.label",
    "ip.src", "ip.dst", "ip.proto", "ip.ttl",
    "ipv6.src", "ipv6.dst", "ipv6.hlim", "tcp.srcport", "tcp.dstport", "tcp.flags", "udp.srcport", "udp.dstport",
    "gre.key", "vxlan.vni", "geneve.vni",
)  # fmt: skip
#: A vendor's own header between Ethernet and IP, which we do not read.
VENDOR = "avsp"


def merged(folder: Path, into: Path) -> Path:
    """All captures of the folder in one; tools refuse the two whose link type nobody assigned."""
    for tool in ("tshark", "mergecap"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} (Debian package tshark) is not installed")
    files = sorted(str(path) for path in folder.iterdir() if path.suffix in (".pcap", ".pcapng"))
    out = into / "all.pcapng"
    while True:
        done = subprocess.run(["mergecap", "-a", "-w", out, *files], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return out
        bad = [name for name in files if f'"{name}"' in done.stderr]
        assert bad, done.stderr
        files = [name for name in files if name not in bad]


def dissected(path: Path) -> list[dict[str, str]]:
    """tshark's reading: first occurrence of each field, outermost header first."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=|", "-E", "occurrence=f"]
    for name in FIELDS:
        command += ["-e", name]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [dict(zip(FIELDS, line.split("|"), strict=True)) for line in lines]


def expected(theirs: dict[str, str]) -> dict[str, Any]:
    """The columns that tshark's fields say; None is "must be absent"."""
    layers = theirs["frame.protocols"].split(":")
    version = next((layer for layer in layers if layer in ("ip", "ipv6")), None)
    before = layers[: layers.index(version)] if version else layers
    wanted: dict[str, Any] = {"src_addr": None, "dst_addr": None}
    if version:
        wanted = {"src_addr": theirs[f"{version}.src"] or None, "dst_addr": theirs[f"{version}.dst"] or None}
        wanted["ttl"] = number(theirs["ip.ttl" if version == "ip" else "ipv6.hlim"])
    if version == "ip":
        wanted["protocol"] = number(theirs["ip.proto"])
    if theirs["eth.src"]:
        wanted |= {"src_mac": theirs["eth.src"], "dst_mac": theirs["eth.dst"]}
    if "ieee8021ad" in before:
        wanted |= {"src_vlan": number(theirs["ieee8021ad.id"]), "inner_vlan": number(theirs["vlan.id"])}
    elif "vlan" in before:
        wanted["src_vlan"] = number(theirs["vlan.id"])
    if "mpls" in before:
        wanted["mpls_label"] = number(theirs["mpls.label"])
    above = [layer for layer in layers[len(before) + 1 :] if not layer.startswith("ipv6.") and layer != "ah"]
    if above and above[0] in ("tcp", "udp") and theirs[f"{above[0]}.srcport"]:
        wanted |= {f"{side}_port": number(theirs[f"{above[0]}.{side}port"]) for side in ("src", "dst")}
        if above[0] == "tcp":
            wanted["tcp_flags"] = number(theirs["tcp.flags"])
    if above[:1] == ["icmp"]:
        wanted |= {"src_port": None, "dst_port": None}
    for name in ("gre.key", "vxlan.vni", "geneve.vni"):
        if theirs[name]:
            wanted["tunnel_id"] = number(theirs[name])
    return wanted


def number(text: str) -> int | None:
    return int(text, 0) if text else None


@pytest.mark.peers
def test_every_public_frame_reads_as_in_tshark(test_data: Path, tmp_path: Path) -> None:
    capture = merged(test_data / "packets" / "the-tcpdump-group+tcpdump", tmp_path)
    data = np.fromfile(capture, np.uint8)
    found = PcapngIndex().index(data, 0, 1 << 16, True)
    theirs = dissected(capture)
    assert len(found.rows) == len(theirs) > 1500
    compared: Counter[str] = Counter()
    differences = []
    for (at, size, _, link), fields in zip(found.rows.tolist(), theirs, strict=True):
        if link not in LINKS or VENDOR in fields["frame.protocols"]:
            continue
        ours = parse(data[at : at + size].tobytes(), LINKS[link])
        for name, value in expected(fields).items():
            compared[name] += 1
            if ours.get(name) != value:
                differences.append((fields["frame.protocols"], name, ours.get(name), value))
    assert differences == []
    assert compared["src_addr"] > 1500
    assert compared["src_port"] > 500
    assert compared["tunnel_id"] > 40
    assert compared["mpls_label"] > 10
    assert compared["src_vlan"] > 5
