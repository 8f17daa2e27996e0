"""What the demo's exporters send is what an independent decoder reads: every field of every protocol, by tshark."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weft.twin import organisation as org
from weft.twin.demo import DemoConfig, make_devices
from weft.twin.encode import Datagrams
from weft.twin.faults.schedule import acme_timeline
from weft.twin.records import FlowRecords

NOW_S = 1_795_374_000.0
TIMELINE = acme_timeline(7)
PORTS = {"netflow_v5": 2055, "netflow_v9": 2055, "ipfix": 4739, "sflow": 6343}


def write_pcap(path: Path, datagrams: Datagrams, port: int) -> None:
    """A capture of raw IPv4 packets (link type 101)."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)]
    for payload, sent_ms in zip(datagrams.payloads(), datagrams.sent_ms.tolist(), strict=True):
        udp = struct.pack(">HHHH", 50000, port, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1") + udp
        out.append(struct.pack("<IIII", sent_ms // 1000, sent_ms % 1000 * 1000, len(ip), len(ip)) + ip)
    path.write_bytes(b"".join(out))


def tshark(path: Path) -> list[dict[str, Any]]:
    command = ["tshark", "-n", "-r", str(path), "-T", "json", "--no-duplicate-keys", "-d", "udp.port==2055,cflow"]
    text = subprocess.run([*command, "-d", "udp.port==4739,cflow"], capture_output=True, check=True, timeout=60).stdout
    return [packet["_source"]["layers"] for packet in json.loads(text)]


def flows(node: Any) -> list[dict[str, Any]]:
    """Every dissected flow of v5, v9 and IPFIX, wherever tshark nests it."""
    if isinstance(node, list):
        return [found for item in node for found in flows(item)]
    if not isinstance(node, dict):
        return []
    here = [node] if "cflow.srcport" in node else []
    return here + [found for value in node.values() for found in flows(value)]


def devices(protocol: str) -> list[Any]:
    return [d for d in make_devices(DemoConfig(records_per_s=4), TIMELINE, NOW_S) if d.exporter.protocol == protocol]


@pytest.mark.peers
@pytest.mark.parametrize("protocol", ["netflow_v5", "netflow_v9", "ipfix"])
def test_netflow_is_read_back_by_tshark(protocol: str, tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed (apt-get install tshark): no independent decoder to check against")
    device = devices(protocol)[0]
    sent: list[FlowRecords] = []
    generate = device.traffic.generate
    device.traffic.generate = lambda since, until: sent.append(generate(since, until)) or sent[-1]
    path = tmp_path / "demo.pcap"
    datagrams = device.datagrams(NOW_S - 30, NOW_S, announce=True)
    write_pcap(path, datagrams, PORTS[protocol])
    read = flows(tshark(path))
    records = sent[0]
    if device.exporter.loss == 0:
        assert len(read) == len(records) > 20
        octets = sorted(int(f["cflow.octets"]) for f in read)
        assert octets == sorted(records.octets.tolist())
        assert sorted(int(f["cflow.srcport"]) for f in read) == sorted(records.src_port.tolist())
        assert sorted(int(f["cflow.srcas"]) for f in read) == sorted(records.src_as.tolist())
        assert sorted(int(f["cflow.inputint"]) for f in read) == sorted(records.in_if.tolist())


@pytest.mark.peers
def test_sflow_is_read_back_by_tshark(tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed (apt-get install tshark): no independent decoder to check against")
    device = devices("sflow")[0]
    path = tmp_path / "demo.pcap"
    write_pcap(path, device.datagrams(NOW_S - 20, NOW_S, announce=True), PORTS["sflow"])
    text = json.dumps(tshark(path))
    assert text.count('"sflow.flow_sample.sampling_rate"') > 20
    assert "malformed" not in text.lower()
    assert text.count('"sflow_245.ifinoct"') == len(device.exporter.ports)


def test_sequence_numbers_continue_from_call_to_call() -> None:
    device = devices("ipfix")[0]
    first, second = (device.datagrams(NOW_S + 10 * i, NOW_S + 10 * (i + 1), announce=False) for i in range(2))

    def numbers(datagrams: Datagrams) -> list[tuple[int, int]]:
        out = []
        for payload in datagrams.payloads():
            template = struct.unpack_from(">H", payload, 16)[0]
            size = 68 if template == 256 else 92  # octets of a record of each template
            out.append((struct.unpack_from(">I", payload, 8)[0], (len(payload) - 20) // size))
        return out

    expected = None
    for sequence, count in numbers(first) + numbers(second):
        assert expected in (None, sequence)
        expected = sequence + count


def test_the_same_seed_gives_the_same_organisation() -> None:
    one, two = (
        make_devices(DemoConfig(seed=3), TIMELINE, NOW_S)[0].datagrams(NOW_S - 60, NOW_S, True) for _ in range(2)
    )
    assert np.array_equal(one.data, two.data)


def test_every_exporter_sends_and_every_protocol_is_spoken() -> None:
    assert {e.protocol for e in org.EXPORTERS} == set(PORTS)
    assert all(len(d.datagrams(NOW_S - 60, NOW_S, False)) > 0 for d in make_devices(DemoConfig(), TIMELINE, NOW_S))


def test_volume_follows_the_model() -> None:
    for device in make_devices(DemoConfig(records_per_s=20), TIMELINE, NOW_S):
        records = device.traffic.generate(NOW_S - 1800, NOW_S)
        sent = float(records.octets.sum()) * 8 / 1800 * (device.exporter.sampling_rate or 1)
        true = device.traffic.rates_bps(np.arange(NOW_S - 1800, NOW_S, 60.0)).mean()
        assert sent == pytest.approx(true, rel=0.15), device.exporter.name
