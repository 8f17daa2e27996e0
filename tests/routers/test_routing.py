"""Weft told by real routers: FRR by BMP, with GoBGP and BIRD as its neighbours."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
from lab.daemons import BMP_PORT
from lab.network import Lab
from lab.shell import inside, ip_batch
from lab.topology import MANAGEMENT, SMALL
from tests.routers.station import Station, rows

from programs import needs

pytestmark = [pytest.mark.peers, pytest.mark.slow]

CONFIG = f"""
data_dir: DATA
collect: {{listeners: []}}
syslog: {{listeners: []}}
routing: {{bmp: {{listeners: [{{port: {BMP_PORT}, address: {MANAGEMENT}.1}}]}}}}
"""
BIRD = """
router id 203.0.113.9;
protocol device {{}}
protocol static {{ ipv4; route 203.0.113.0/24 blackhole; route 203.0.113.128/25 blackhole; }}
protocol bgp leaf {{
  local 198.51.100.10 as 64505;
  neighbor 198.51.100.9 as 65101;
  ipv4 {{ import none; export all; }};
}}
"""
GOBGP = """
[global.config]
as = 64506
router-id = "203.0.113.10"
local-address-list = ["198.51.100.14"]
[[neighbors]]
[neighbors.config]
neighbor-address = "198.51.100.13"
peer-as = 65101
"""
#: Of the line between spine1 and leaf2.
ON_THE_LINE = {
    end.address for pair in SMALL.ends if {e.router.name for e in pair} == {"spine1", "leaf2"} for end in pair
}


def told(station: Station, condition, what: str, *, by: tuple[str, ...] = ("exporter", "peer", "route", "as_path")):
    """Wait until a group of rows of ``routes`` with the filter ``what`` satisfies the condition; those groups."""
    keys = [part for one in by for part in ("--by", one)]
    question = ("query", "--dataset", "routes", "--view", "table", *keys, "--filter", what, "--since", "now-10m")
    return station.wait_for(
        lambda answer: [row for row in rows(answer) if condition(row)], *question, "--top", "500"
    )  # fmt: skip


class Neighbour:
    """A daemon of others in a namespace of its own, with a line to leaf1."""

    def __init__(self, lab: Lab, name: str, number: int, asn: int, command: list[str]) -> None:
        self.lab, self.namespace, self.asn = lab, lab.namespace("x" + name), asn
        base = 8 + 4 * number
        self.address, self.leaf_address = f"198.51.100.{base + 2}", f"198.51.100.{base + 1}"
        leaf = lab.nodes["leaf1"]
        inside_leaf = leaf.namespace
        ip_batch([f"netns add {self.namespace}"])
        ip_batch([f"link add name x{number}eth netns {inside_leaf} type veth peer name eth1 netns {self.namespace}"])
        ip_batch([f"addr add {self.leaf_address}/30 dev x{number}eth", f"link set x{number}eth up"], inside_leaf)
        ip_batch([f"addr add {self.address}/30 dev eth1", "link set eth1 up", "link set lo up"], self.namespace)
        leaf.vtysh(
            "conf t", f"router bgp {leaf.router.asn}", f"neighbor {self.address} remote-as {asn}",
            f"neighbor {self.address} timers connect 1", "address-family ipv4 unicast",
            f"neighbor {self.address} soft-reconfiguration inbound",
        )  # fmt: skip
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.namespace, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)
        leaf = self.lab.nodes["leaf1"]
        leaf.vtysh("conf t", f"router bgp {leaf.router.asn}", f"no neighbor {self.address}")
        ip_batch([f"netns del {self.namespace}"])


@pytest.mark.timeout(300)
def test_every_router_tells_what_its_neighbours_sent(lab, station):
    def all_ok(answer):
        found = {s["name"]: s for s in answer["sources"] if s["kind"] == "bmp" and s["exporter"]}
        return found if len(found) == 4 and all(s["state"] == "ok" for s in found.values()) else None

    found = station.wait_for(all_ok, "sources")
    assert {source["exporter"] for source in found.values()} == {r.management for r in SMALL.routers}
    loopback = next(r.loopback for r in SMALL.routers if r.name == "leaf2")
    groups = told(
        station, lambda row: row["route"] == f"{loopback}/32" and row["exporter"] == f"{MANAGEMENT}.21",
        "event IN (announce, checkpoint)", by=("exporter", "rib", "peer", "route", "as_path"),
    )  # fmt: skip
    assert {row["rib"] for row in groups} <= {"adj_rib_in_pre", "adj_rib_in_post"}
    assert {row["as_path"] for row in groups} == {"65001 65102", "65002 65102"}


@pytest.mark.timeout(300)
def test_a_line_that_fails_takes_the_routes_over_it(lab, station):
    for number in (11, 22):  # a session that was never said to be up is not said to be down either
        told(
            station, lambda row, at=f"{MANAGEMENT}.{number}": row["exporter"] == at and row["peer"] in ON_THE_LINE,
            "event = peer_up", by=("exporter", "peer", "rib"),
        )  # fmt: skip
    lab.set_link("leaf2", "eth1", up=False)
    try:
        gone = told(
            station, lambda row: row["exporter"] == f"{MANAGEMENT}.22", "event = peer_down",
            by=("exporter", "peer", "rib", "reason"),
        )  # fmt: skip
        assert all(row["reason"] for row in gone)
        told(
            station, lambda row: row["exporter"] == f"{MANAGEMENT}.11" and row["peer"], "event = peer_down",
            by=("exporter", "peer", "rib"),
        )  # fmt: skip
    finally:
        lab.set_link("leaf2", "eth1", up=True)
    lab.wait_for_bgp()


@pytest.mark.timeout(300)
def test_routes_that_are_sent_again_are_no_changes(lab, station):
    """A soft reset has every route sent again: they are duplicates, and no row is made of them."""

    def updates() -> float:
        answer = station.ask(
            "query", "--dataset", "routes", "--view", "table", "--measure", "updates", "--by", "exporter", "--filter",
            f"exporter = {MANAGEMENT}.21", "--since", "now-10m",
        )  # fmt: skip
        return sum(row["updates"] for row in rows(answer))

    def duplicates(answer) -> int:
        return sum(s["duplicates"] for s in answer["sources"] if s["exporter"] == f"{MANAGEMENT}.21")

    time.sleep(3)
    before, again = updates(), duplicates(station.ask("sources"))
    for _ in range(3):
        lab.nodes["spine1"].vtysh("clear bgp ipv4 unicast * soft out")
        lab.nodes["leaf1"].vtysh("clear bgp ipv4 unicast * soft in")
        time.sleep(1)
    station.wait_for(lambda answer: duplicates(answer) > again, "sources")
    assert updates() == before


@pytest.mark.timeout(300)
def test_bird_announces_and_goes(lab, station, tmp_path):
    program = needs("bird", "bird2")
    config = tmp_path / "bird.conf"
    config.write_text(BIRD.format())
    tmp_path.chmod(0o755)
    files = ["-c", str(config), "-s", str(tmp_path / "ctl"), "-P", str(tmp_path / "pid")]
    bird = Neighbour(lab, "bird", 0, 64505, [program, "-f", *files])
    try:
        told(
            station, lambda row: row["peer"] == bird.address and row["route"] == "203.0.113.128/25",
            "event IN (announce, checkpoint) AND origin_as = 64505",
        )  # fmt: skip
        bird.process.send_signal(signal.SIGKILL)  # without a word
        bird.process.wait(10)
        told(station, lambda row: row["peer"] == bird.address, "event = peer_down", by=("exporter", "peer", "rib"))
    finally:
        bird.stop()


@pytest.mark.timeout(300)
def test_gobgp_announces_changes_and_withdraws(lab, station, tmp_path):
    program, client = needs("gobgpd", "gobgpd"), needs("gobgp", "gobgpd")
    config = tmp_path / "gobgpd.toml"
    config.write_text(GOBGP)
    gobgp = Neighbour(lab, "gobgp", 1, 64506, [program, "-f", str(config), "--api-hosts", "127.0.0.1:50051"])

    def say(*words: str) -> None:
        inside(gobgp.namespace, client, "global", "rib", *words)

    def came(what: str, **more: str):
        return told(
            station, lambda row: row["route"] == "192.0.2.0/24" and row["peer"] == gobgp.address
            and more.items() <= row.items(), what, by=("exporter", "peer", "route", "as_path", "communities", "med"),
        )  # fmt: skip

    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                say("add", "192.0.2.0/24", "community", "64506:7", "med", "10")
                break
            except Exception:  # its interface is not there yet
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)
        came("event IN (announce, checkpoint)", communities="64506:7", as_path="64506")
        say("add", "192.0.2.0/24", "community", "64506:8", "med", "10")
        came("event = change", communities="64506:8")
        say("del", "192.0.2.0/24")
        came("event = withdraw")
    finally:
        gobgp.stop()


@pytest.mark.timeout(300)
def test_a_router_that_stops_telling_takes_all_its_routes(lab, station):
    spine = lab.nodes["spine2"]
    spine.vtysh("conf t", "router bgp 65002", "no bmp targets weft")
    gone = told(
        station, lambda row: row["exporter"] == f"{MANAGEMENT}.12", "event = peer_down", by=("exporter", "peer", "rib")
    )  # fmt: skip
    assert gone

    def failing(answer) -> bool:
        return any(s["exporter"] == f"{MANAGEMENT}.12" and s["state"] == "failing" for s in answer["sources"])

    station.wait_for(failing, "sources")
