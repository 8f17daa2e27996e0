"""The synthetics agent on a network of real routers: every branch of an ECMP fan is found, and none is mixed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab.network import Lab
from lab.shell import inside, ip_batch, run

from collect.agent.kit import once, within
from programs import needs

pytestmark = [pytest.mark.peers, pytest.mark.slow]
SOURCES = str(Path(__file__).resolve().parents[2] / "src")
FLOWS = 16
#: Hosts at the leaves: name → (leaf, its address, the leaf's).
HOSTS = {"h1": ("leaf1", "198.51.100.2", "198.51.100.1"), "h2": ("leaf2", "203.0.113.2", "203.0.113.1")}
FAR = HOSTS["h2"][1]
#: Routers hash what a packet says. Linux with policy 1 would go by the hash of the sender's socket instead, which the
#: lines of the lab carry from one namespace to the next. And else it would answer from the address of the line that its
#: answer leaves by, and look like two.
HASHING = (
    "net.ipv4.fib_multipath_hash_policy=3", "net.ipv4.fib_multipath_hash_fields=0x37",
    "net.ipv4.icmp_errors_use_inbound_ifaddr=1",
)  # fmt: skip
#: One ping in five gets lost.
LOSS = """
table ip loss {
  chain in {
    type filter hook input priority 0;
    icmp type echo-request numgen inc mod 5 == 0 drop
  }
}
"""
#: Counts, on a router, UDP probes and the source ports that they came from.
WATCHER = """
import json, socket, struct, sys
one = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
one.settimeout(0.5)
print("ready", flush=True)
seen = {}
import threading
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
while not done.is_set():
    try:
        data, where = one.recvfrom(2048)
    except TimeoutError:
        continue
    if where[2] == 4 or len(data) < 24:
        continue
    at = (data[0] & 15) * 4
    if data[9] in (6, 17):
        source, to = struct.unpack_from("!HH", data, at)
        if source >= 61440 and source < 61568:
            seen[source - 61440] = seen.get(source - 61440, 0) + 1
print(json.dumps(seen))
"""


class Watcher:
    """What a router forwards, as an independent witness."""

    def __init__(self, namespace: str) -> None:
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, sys.executable, "-c", WATCHER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def flows(self) -> set[int]:
        out, _ = self._process.communicate("", timeout=20)
        return {int(number) for number in json.loads(out)}


@pytest.fixture(scope="module")
def lab(lab):
    try:
        _add_hosts(lab)
        yield lab
    finally:
        for name in HOSTS:
            run("ip", "netns", "del", lab.namespace(name), check=False)


def _add_hosts(lab: Lab) -> None:
    for name, (leaf, address, gateway) in HOSTS.items():
        space, router = lab.namespace(name), lab.namespace(leaf)
        prefix = address.rpartition(".")[0] + ".0/24"
        ip_batch([f"netns add {space}"])
        ip_batch([f"link add name host0 netns {router} type veth peer name eth0 netns {space}"])
        ip_batch([f"addr add {gateway}/24 dev host0", "link set host0 up"], router)
        ip_batch(
            [
                "link set lo up",
                f"addr add {address}/24 dev eth0",
                "link set eth0 up",
                f"route add default via {gateway}",
            ],
            space,
        )
        inside(router, "sysctl", "-qw", *HASHING)
        asn = lab.nodes[leaf].router.asn
        lab.nodes[leaf].vtysh(
            "configure terminal", f"router bgp {asn}", "address-family ipv4 unicast", f"network {prefix}"
        )
    deadline = time.monotonic() + 30
    while _routes(lab, "leaf1", "203.0.113.0/24") < 2 or _routes(lab, "leaf2", "198.51.100.0/24") < 2:
        assert time.monotonic() < deadline, "the route to the far host did not come"
        time.sleep(0.2)


def _routes(lab: Lab, router: str, prefix: str) -> int:
    """How many ways a router has to a prefix."""
    return inside(lab.namespace(router), "ip", "route", "show", prefix).count("nexthop")


def agent(lab: Lab, kind: str, target: str, **fields):
    """(row of probes, rows of hops) of one run in the first host."""
    return within(lab.namespace("h1"), lambda: once(kind, target, **fields))


def bare_agent(lab: Lab, kind: str, target: str, **fields) -> dict:
    """The row of probes, by a process without any capability."""
    given = [part for name, value in fields.items() for part in ("--set", f"{name}={value}")]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
    done = subprocess.run(
        ["ip", "netns", "exec", lab.namespace("h1"), needs("setpriv", "util-linux"), "--bounding-set=-all",
         "--inh-caps=-all", sys.executable, "-m", "weft", "agent", "try", kind, target, *given, "--json"],
        env=clean | {"PYTHONPATH": SOURCES}, capture_output=True, text=True, timeout=120, check=False, cwd="/",
    )  # fmt: skip
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout)["probe"]


def spine_of(lab: Lab, address: str) -> str:
    """The spine that has an address."""
    return next(end.router.name for pair in lab.topology.ends for end in pair if end.address == address)


@pytest.fixture
def talkative(lab):
    """Routers that send every ICMP error; Linux by itself sends one a second to each address."""
    spaces = [lab.namespace(name) for name in (*lab.nodes, "h2")]
    for space in spaces:
        inside(space, "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0")
    yield
    for space in spaces:
        inside(space, "sysctl", "-qw", "net.ipv4.icmp_ratelimit=1000")


def test_every_flow_is_answered_by_routers_that_limit_their_answers(lab) -> None:
    probe, hops = agent(lab, "trace", FAR, flows=10)
    assert (probe["state"], probe["branches"]) == ("ok", 2)
    answered = {(hop["flow_id"], hop["ttl"]) for hop in hops if hop["hop"]}
    assert answered == {(flow, ttl) for flow in range(10) for ttl in range(1, 5)}


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_every_branch_is_found_and_none_is_mixed(lab, talkative, protocol) -> None:
    watchers = {name: Watcher(lab.namespace(name)) for name in ("spine1", "spine2")}
    probe, hops = agent(lab, "trace", FAR, protocol=protocol, flows=FLOWS)
    passed = {name: watcher.flows() for name, watcher in watchers.items()}
    assert (probe["state"], probe["branches"], probe["hops"]) == ("ok", 2, 4), probe
    seconds = {hop["flow_id"]: spine_of(lab, hop["hop"]) for hop in hops if hop["ttl"] == 2 and hop["hop"]}
    assert len(seconds) == FLOWS
    assert set(seconds.values()) == {"spine1", "spine2"}
    assert passed["spine1"] & passed["spine2"] == set(), "every probe of a flow took the same way"
    assert passed == {name: {flow for flow, by in seconds.items() if by == name} for name in passed}
    assert {hop["hop"] for hop in hops if hop["ttl"] == 1} == {HOSTS["h1"][2]}


def test_flows_keep_their_branches(lab, talkative) -> None:
    runs = [agent(lab, "trace", FAR, flows=FLOWS) for _ in range(2)]
    ways = [{hop["flow_id"]: hop["hop"] for hop in hops if hop["ttl"] == 2 and hop["hop"]} for _, hops in runs]
    assert len(ways[0]) == FLOWS
    assert ways[0] == ways[1]
    assert runs[0][0]["path"] == runs[1][0]["path"]


def test_icmp_trace_reaches_the_target(lab, talkative) -> None:
    probe, _ = agent(lab, "trace", FAR, protocol="icmp", flows=4)
    assert (probe["state"], probe["hops"]) == ("ok", 4)


def test_a_lost_branch_is_another_path(lab, talkative) -> None:
    before, _ = agent(lab, "trace", FAR, flows=FLOWS)
    lab.set_link("leaf1", "eth1", up=False)
    try:
        time.sleep(1)
        after, _ = agent(lab, "trace", FAR, flows=FLOWS)
    finally:
        lab.set_link("leaf1", "eth1", up=True)
    assert (before["branches"], after["branches"]) == (2, 1)
    assert before["path"] != after["path"]


def test_loss_is_measured(lab) -> None:
    far = lab.namespace("h2")
    inside(far, needs("nft", "nftables"), "-f", "-", text=LOSS)
    try:
        probe, _ = agent(lab, "ping", FAR, count=50, interval_ms=10, timeout_ms=1000)
    finally:
        inside(far, "nft", "delete", "table", "ip", "loss")
    assert (probe["sent"], probe["received"]) == (50, 40)


def test_what_cannot_be_reached_says_why(lab, talkative) -> None:
    # Beside the limit that is lifted here Linux has another for addresses without a route (net.ipv4.route.error_cost):
    # one answer a second, counted from the last error of any kind.
    unknown, _ = agent(lab, "ping", "192.0.2.1", count=3, interval_ms=1200, timeout_ms=500)
    assert unknown["state"] == "failed"
    assert "unreachable, says 198.51.100.1" in unknown["error"]
    traced, hops = agent(lab, "trace", "192.0.2.1", flows=2, timeout_ms=300, every_s=1)
    assert traced["state"] == "failed"
    assert "unreachable, says 198.51.100.1" in traced["error"]
    assert {hop["hop"] for hop in hops} == {"198.51.100.1"}


def test_no_privilege_is_needed(lab, talkative) -> None:
    """Without any capability, where the system lets anyone ping."""
    space = lab.namespace("h1")
    refused = bare_agent(lab, "ping", FAR)
    assert (refused["state"], "ping_group_range" in refused["error"]) == ("error", True)
    inside(space, "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    try:
        for protocol in ("icmp", "udp", "tcp"):
            traced = bare_agent(lab, "trace", FAR, protocol=protocol, flows=4)
            assert (traced["state"], traced["hops"]) == ("ok", 4), traced
        pinged = bare_agent(lab, "ping", FAR, interval_ms=10)
        assert (pinged["state"], pinged["received"]) == ("ok", 5)
    finally:
        inside(space, "sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
