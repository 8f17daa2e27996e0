"""Real exporters: what softflowd and pmacctd meter of real packets arrives complete and exact.

Each test builds a network namespace of its own with a link to this one, sends known packets over it, and lets an
exporter inside meter them and export over the same link.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.programs import needs

from weft.collect import CollectConfig, Collector, ListenerConfig
from weft.decode.flow.decoder import FlowDecoder

from .fakes import FakeEnricher, FakeStore

pytestmark = [
    pytest.mark.peers,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a network namespace"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="needs iproute2"),
]

SINK_PORT, OTHER_PORT = 7777, 7778
HEADERS = 28  # IPv4 and UDP


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=20)


@dataclass
class Link:
    """A namespace and the link to it."""

    name: str
    inside: str
    here: str
    device: str

    def popen(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def send(self, sizes: list[int], flows: int, port: int = SINK_PORT) -> None:
        """Send UDP payloads of the given sizes from inside, over ``flows`` source ports in turn."""
        program = (
            "import socket,time\n"
            f"socks=[socket.socket(socket.AF_INET,socket.SOCK_DGRAM) for _ in range({flows})]\n"
            f"[s.bind(('{self.inside}',20000+i)) for i,s in enumerate(socks)]\n"
            f"for i,n in enumerate({sizes}):\n"
            f" socks[i%{flows}].sendto(bytes(n),('{self.here}',{port}))\n"
            " if i%10==9: time.sleep(.003)\n"  # a meter's capture buffer is small
        )
        run("ip", "netns", "exec", self.name, "python3", "-c", program)


@pytest.fixture
def link() -> Iterator[Link]:
    tag = f"{os.getpid() % 100000:05d}"
    name, near, far = f"weft-{tag}", f"wt{tag}a", f"wt{tag}b"
    net = f"198.18.{os.getpid() % 250}"
    try:
        run("ip", "netns", "add", name)
        run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
    except subprocess.CalledProcessError as error:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")
    try:
        run("ip", "addr", "add", f"{net}.1/30", "dev", near)
        run("ip", "link", "set", near, "up")
        for command in (
            ["addr", "add", f"{net}.2/30", "dev", far],
            ["link", "set", far, "up"],
            ["link", "set", "lo", "up"],
        ):
            run("ip", "-n", name, *command)
        yield Link(name, f"{net}.2", f"{net}.1", far)
    finally:
        subprocess.run(["ip", "link", "del", near], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@dataclass
class Rig:
    store: FakeStore
    collector: Collector

    def totals(self) -> dict[int, tuple[int, int]]:
        """Bytes and packets stored per source port of the traffic sent."""
        totals: dict[int, tuple[int, int]] = {}
        for name, batch, _ in self.store.batches:
            if name != "flows":
                continue
            columns = [batch.column(c).to_pylist() for c in ("src_port", "dst_port", "bytes", "packets")]
            for source, destination, octets, packets in zip(*columns, strict=True):
                if destination == SINK_PORT:
                    before = totals.get(source, (0, 0))
                    totals[source] = (before[0] + octets, before[1] + packets)
        return totals

    def wait_for(self, expected: dict[int, tuple[int, int]], nudge: Callable[[], object] = bool) -> None:
        deadline = time.monotonic() + 20
        while self.totals() != expected and time.monotonic() < deadline:
            nudge()
            time.sleep(0.3)
        assert self.totals() == expected


@pytest.fixture
def rig(compiled: None, link: Link, tmp_path: Path) -> Iterator[Rig]:
    store = FakeStore()
    config = CollectConfig(listeners=(ListenerConfig(port=0),), receive_ms=20, batch_ms=50)
    collector = Collector(config, store=store, enricher=FakeEnricher(), data_dir=tmp_path, decoder=FlowDecoder())
    collector.start()
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # so that nothing answers "port unreachable"
    sink.bind((link.here, SINK_PORT))
    yield Rig(store, collector)
    sink.close()
    collector.stop()


def expected(sizes: list[int], flows: int) -> dict[int, tuple[int, int]]:
    totals: dict[int, tuple[int, int]] = {}
    for i, size in enumerate(sizes):
        before = totals.get(20000 + i % flows, (0, 0))
        totals[20000 + i % flows] = (before[0] + size + HEADERS, before[1] + 1)
    return totals


SIZES = [100 + (i * 37) % 1300 for i in range(2000)]
FLOWS = 40


@pytest.mark.parametrize("version", [5, 9, 10])
def test_softflowd(link: Link, rig: Rig, version: int, tmp_path: Path) -> None:
    needs("softflowd", "softflowd")
    control = tmp_path / "control"
    exporter = link.popen(
        "softflowd", "-d", "-i", link.device, "-v", str(version), "-n", f"{link.here}:{rig.collector.ports[0]}",
        "-t", "maxlife=60", "-p", str(tmp_path / "pid"), "-c", str(control), "udp", "portrange",
        f"{SINK_PORT}-{OTHER_PORT}",
    )  # fmt: skip
    try:
        wait_for_file(control)
        link.send(SIZES, FLOWS)
        expire = ("ip", "netns", "exec", link.name, "softflowctl", "-c", str(control), "expire-all")

        def nudge() -> None:
            link.send([1] * 200, 1, OTHER_PORT)  # libpcap hands over packets when more of them come
            run(*expire)

        rig.wait_for(expected(SIZES, FLOWS), nudge)
        rig.collector.flush()
        (book,) = (one for one in rig.collector.status().ledger if one.exporter == link.inside)
        if version != 10:  # softflowd 1.1 counts the records of the message itself, RFC 7011 §3.1 those before it
            assert not any(book.lost.values())
        assert book.errors == {}
    finally:
        exporter.terminate()
        exporter.wait(10)


@pytest.mark.parametrize("version", [5, 9, 10])
def test_pmacctd_nfprobe(link: Link, rig: Rig, version: int, tmp_path: Path) -> None:
    needs("pmacctd", "pmacct")
    exporter = start_pmacctd(
        link, tmp_path, "nfprobe",
        f"nfprobe_receiver: {link.here}:{rig.collector.ports[0]}\nnfprobe_version: {version}\n"
        "nfprobe_timeouts: expint=2:general=2:maxlife=2:udp=2:tcp=2\n"
        "aggregate: src_host, dst_host, src_port, dst_port, proto, tos\n",
    )  # fmt: skip
    try:
        link.send(SIZES, FLOWS)
        rig.wait_for(expected(SIZES, FLOWS))
    finally:
        stop_pmacctd(exporter)


def test_pmacctd_sfprobe(link: Link, rig: Rig, tmp_path: Path) -> None:
    needs("pmacctd", "pmacct")
    exporter = start_pmacctd(
        link, tmp_path, "sfprobe", f"sfprobe_receiver: {link.here}:{rig.collector.ports[0]}\nsampling_rate: 1\n"
    )
    try:
        link.send(SIZES, FLOWS)
        ethernet = 18  # sFlow counts whole frames: header and FCS
        whole = {port: (octets + packets * ethernet, packets) for port, (octets, packets) in
                 expected(SIZES, FLOWS).items()}  # fmt: skip
        # The agent sends a datagram when it is full: what comes after pushes out the last samples.
        rig.wait_for(whole, nudge=lambda: link.send([100] * 14, 7, SINK_PORT + 1))
    finally:
        stop_pmacctd(exporter)


def start_pmacctd(link: Link, folder: Path, plugin: str, settings: str) -> subprocess.Popen[bytes]:
    """Start pmacctd and wait until it captures."""
    config, log = folder / "pmacctd.conf", folder / "log"
    config.write_text(
        f"daemonize: false\nlogfile: {log}\npcap_interface: {link.device}\n"
        f"pcap_filter: udp portrange {SINK_PORT}-{SINK_PORT + 1}\n"
        f"plugins: {plugin}\nsnaplen: 200\n{settings}"
    )
    exporter = link.popen("pmacctd", "-f", str(config))
    wait_for_file(log, "link type")
    time.sleep(0.5)
    return exporter


def stop_pmacctd(exporter: subprocess.Popen[bytes]) -> None:
    exporter.send_signal(signal.SIGINT)
    try:
        exporter.wait(10)
    except subprocess.TimeoutExpired:
        exporter.kill()
        exporter.wait(10)


def wait_for_file(path: Path, text: str = "") -> None:
    deadline = time.monotonic() + 15
    while not path.exists() or (text and text not in path.read_text(errors="replace")):
        assert time.monotonic() < deadline, f"{path.name}: {path.read_text(errors='replace') if path.exists() else ''}"
        time.sleep(0.1)
