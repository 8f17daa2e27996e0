"""The whole lab: namespaces, lines between them, a management bridge, and the routers' daemons."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.daemons import Node
from lab.shell import LabError, inside, ip_batch, run
from lab.topology import MANAGEMENT, STATION, Topology

PROGRAMS = ("ip", "vtysh", "snmpd", "lldpd", "rsyslogd", "unshare")
_SETTINGS = ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")


def missing() -> str:
    """Why the lab cannot be built here; empty = it can."""
    if os.geteuid() != 0:
        return "needs root"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    try:
        run("ip", "netns", "add", f"weft-try-{os.getpid()}")
        run("ip", "netns", "del", f"weft-try-{os.getpid()}")
    except LabError as error:
        return f"network namespaces cannot be made: {error}"
    return ""


class Lab:
    """One lab. ``prefix`` keeps its namespaces apart from those of another."""

    def __init__(self, topology: Topology, prefix: str, directory: Path) -> None:
        self.topology, self._prefix, self._directory = topology, prefix, directory
        self.nodes = {r.name: Node(r, topology, self.namespace(r.name), directory / r.name) for r in topology.routers}

    def namespace(self, name: str) -> str:
        """The namespace of a router, or of the station."""
        return f"{self._prefix}-{name}"

    @property
    def station(self) -> str:
        """The namespace that Weft runs in."""
        return self.namespace(STATION)

    def up(self) -> None:
        """Build everything; returns when the daemons run. Leaves nothing behind when it raises."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._directory.chmod(0o755)
            self._wire()
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(Node.start, self.nodes.values()))
        except BaseException:
            self.down()
            raise

    def _wire(self) -> None:
        names = [*self.nodes, STATION]
        ip_batch([f"netns add {self.namespace(name)}" for name in names])
        lines = [
            f"link add name {a.interface} netns {self.namespace(a.router.name)} type veth "
            f"peer name {b.interface} netns {self.namespace(b.router.name)}"
            for a, b in self.topology.ends
        ]
        lines += [
            f"link add name mgmt0 netns {self.namespace(name)} type veth peer name v-{name} netns {self.station}"
            for name in self.nodes
        ]
        ip_batch(lines)
        bridge = [
            "link add br0 type bridge",
            f"addr add {MANAGEMENT}.1/24 dev br0",
            "link set br0 up",
            "link set lo up",
        ]
        ip_batch([*bridge, *(f"link set v-{name} master br0 up" for name in self.nodes)], self.station)
        for router in self.topology.routers:
            settings = ["link set lo up", f"addr add {router.management}/24 dev mgmt0", "link set mgmt0 up"]
            settings.append(f"addr add {router.loopback}/32 dev lo")
            for end in self.topology.ends_of(router):
                settings += [f"addr add {end.address}/31 dev {end.interface}"]
                settings += [f"link set {end.interface} up alias to-{end.peer.name}"]
            ip_batch(settings, self.namespace(router.name))
            inside(self.namespace(router.name), "sysctl", "-qw", *_SETTINGS)

    def set_link(self, router: str, interface: str, *, up: bool) -> None:
        """Take a line down at one end, or up again."""
        ip_batch([f"link set {interface} {'up' if up else 'down'}"], self.namespace(router))

    def wait_for_bgp(self, limit_s: float = 60) -> None:
        """Until every session is established. Raises ``LabError`` when that takes too long."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            if all(self._established(node) for node in self.nodes.values()):
                return
            time.sleep(0.3)
        raise LabError("BGP did not come up")

    @staticmethod
    def _established(node: Node) -> bool:
        try:
            peers = json.loads(node.vtysh("show bgp ipv4 unicast summary json"))["peers"]
        except (LabError, ValueError, KeyError):
            return False
        return bool(peers) and all(peer["state"] == "Established" for peer in peers.values())

    def down(self) -> None:
        """Stop the daemons by their process ids and remove everything."""
        spaces = {line.split()[0] for line in run("ip", "netns", "list", check=False).splitlines() if line}
        mine = [self.namespace(name) for name in (*self.nodes, STATION) if self.namespace(name) in spaces]
        pids = {int(pid) for space in mine for pid in run("ip", "netns", "pids", space, check=False).split()}
        pids.discard(os.getpid())
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            deadline = time.monotonic() + 2
            while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in pids):
                time.sleep(0.05)
        for space in mine:
            run("ip", "netns", "del", space, check=False)
            for parent in ("/etc/frr", "/var/run/frr"):
                shutil.rmtree(Path(parent) / space, ignore_errors=True)
        shutil.rmtree(self._directory, ignore_errors=True)
