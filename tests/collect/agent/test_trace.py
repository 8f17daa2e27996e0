"""Traces through a network whose hops are as awkward as real ones: brief, silent, labelled, forbidding, slow."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from lab.shell import LabError, inside, ip_batch, run

from collect.agent.kit import once, within
from doubles import tun_network as network
from weft.collect.agent import capabilities

SPACE = f"weft-tun-{os.getpid()}"


@pytest.fixture(scope="module")
def tun():
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        pytest.skip("a TUN device needs root and /dev/net/tun")
    try:
        run("ip", "netns", "add", SPACE)
    except (LabError, OSError) as error:
        pytest.skip(f"no network namespace: {error}")
    process = subprocess.Popen(
        ["ip", "netns", "exec", SPACE, sys.executable, network.__file__],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        process.communicate("", timeout=10)
        run("ip", "netns", "del", SPACE, check=False)


def trace(target: int, protocol: str = "udp", **more):
    given = {"protocol": protocol, "flows": 8, "timeout_ms": 400, "every_s": 3} | more
    probe, hops = within(SPACE, lambda: once("trace", f"198.51.100.{target}", **given))
    ways: dict[int, dict[int, str]] = {}
    for row in hops:
        ways.setdefault(row["flow_id"], {})[row["ttl"]] = row["hop"]
    return probe, ways, hops


def true_way(flow: int) -> dict[int, str]:
    """What the network does with source port 61440 + flow, or identifier that ends so."""
    number = flow % 4
    return {1: "10.9.1.1", 2: f"10.9.2.{1 + number % 2}", 3: f"10.9.3.{1 + number // 2}", 4: "10.9.4.1"}


@pytest.mark.parametrize("protocol", ["udp", "icmp"])
@pytest.mark.parametrize("target", [network.FAN, network.LATE])
def test_four_branches_in_two_stages_are_found_and_none_is_mixed(tun, target, protocol):
    probe, ways, _ = trace(target, protocol)
    assert (probe["state"], probe["branches"], probe["hops"]) == ("ok", 4, 5), probe
    for flow, way in ways.items():
        assert way == true_way(flow) | {5: f"198.51.100.{target}"}


def test_hops_that_quote_too_little_are_asked_one_at_a_time(tun):
    probe, ways, _ = trace(network.BRIEF)
    assert (probe["state"], probe["branches"], probe["hops"]) == ("ok", 4, 5), probe
    for flow, way in ways.items():
        assert way == true_way(flow) | {5: f"198.51.100.{network.BRIEF}"}


def test_labels_are_told_and_a_silent_hop_stays_silent(tun):
    probe, ways, hops = trace(network.LABELS, flows=4)
    assert (probe["state"], probe["branches"], probe["hops"]) == ("ok", 2, 5), probe
    assert {way[2] for way in ways.values()} == {""}
    assert {row.get("mpls") for row in hops if row["ttl"] == 3} == {"16001,24005"}
    assert {row.get("mpls") for row in hops if row["ttl"] != 3} == {None}
    assert all(row["sent"] >= 2 and row["received"] == 0 for row in hops if row["ttl"] == 2)


def test_a_hop_that_forbids_ends_the_way(tun):
    probe, ways, _ = trace(network.PROHIBITED)
    assert (probe["state"], probe["hops"], probe["received"]) == ("failed", 3, 0)
    assert probe["error"].startswith("administratively prohibited, says 10.9.3.")
    assert all(max(way) == 3 for way in ways.values())


def test_a_target_that_keeps_silent(tun):
    probe, ways, _ = trace(network.SILENT, flows=4)
    assert (probe["state"], probe["hops"], probe["branches"]) == ("failed", 4, 4)
    assert "the last hop that did is 4 away" in probe["error"]
    assert all(way == true_way(flow) for flow, way in ways.items())


def test_branches_may_be_of_different_lengths(tun):
    probe, ways, _ = trace(network.UNEQUAL)
    assert (probe["state"], probe["hops"], probe["branches"]) == ("ok", 6, 4)
    assert {flow: len(way) for flow, way in ways.items()} == {flow: 6 if flow % 2 else 5 for flow in range(8)}


def test_a_target_without_a_route_is_an_error_of_the_agent(tun):
    said, _ = within(SPACE, lambda: once("trace", "203.0.113.1"))
    assert (said["state"], said["error"]) == ("error", "cannot be sent: Network is unreachable")


def pings() -> None:
    if reason := capabilities.icmp_refused():
        pytest.skip(reason)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_ping(address):
    pings()
    probe, _ = once("ping", address, count=10)
    assert (probe["state"], probe["sent"], probe["received"], probe["address"]) == ("ok", 10, 10, address)
    assert 0 < probe["rtt_min_ms"] <= probe["rtt_ms"] <= probe["rtt_max_ms"] < 1000
    assert "jitter_ms" in probe


def test_ping_of_a_name_in_a_family():
    pings()
    assert once("ping", "localhost", family="ipv4", count=1)[0]["address"] == "127.0.0.1"
    unknown, _ = once("ping", "no-such-host.invalid", count=1)
    assert (unknown["state"], "has no address" in unknown["error"]) == ("error", True)


@pytest.mark.parametrize("size", [0, 4, 8, 1400])
def test_ping_of_any_size(size):
    pings()
    assert once("ping", "127.0.0.1", size=size, count=2)[0]["received"] == 2


def test_a_limit_makes_it_degraded():
    pings()
    probe, _ = once("ping", "127.0.0.1", count=2, limits={"rtt_ms": 0.000001})
    assert (probe["state"], probe["error"].startswith("round trip")) == ("degraded", True)


@pytest.fixture(scope="module")
def chain():
    """Two hosts and a router between them, IPv6; gives the namespace of the first."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    a, r, b = (f"weft-{name}-{os.getpid()}" for name in ("a", "r", "b"))
    try:
        ip_batch([f"netns add {one}" for one in (a, r, b)])
        ip_batch([
            f"link add name left netns {r} type veth peer name eth0 netns {a}",
            f"link add name right netns {r} type veth peer name eth0 netns {b}",
        ])  # fmt: skip
        for space, lines in (
            (r, ["addr add 2001:db8:a::1/64 dev left nodad", "addr add 2001:db8:b::1/64 dev right nodad",
                 "link set left up", "link set right up"]),
            (a, ["addr add 2001:db8:a::2/64 dev eth0 nodad", "link set eth0 up",
                 "-6 route add default via 2001:db8:a::1"]),
            (b, ["addr add 2001:db8:b::2/64 dev eth0 nodad", "link set eth0 up",
                 "-6 route add default via 2001:db8:b::1"]),
        ):  # fmt: skip
            inside(space, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1", "net.ipv6.icmp.ratelimit=0")
            for line in lines:
                run("ip", "-n", space, *line.split())
        yield a
    except LabError as error:
        pytest.skip(f"no network of namespaces: {error}")
    finally:
        for one in (a, r, b):
            run("ip", "netns", "del", one, check=False)


@pytest.mark.parametrize("protocol", ["udp", "icmp", "tcp"])
def test_ipv6(chain, protocol):
    probe, hops = within(chain, lambda: once("trace", "2001:db8:b::2", protocol=protocol, flows=4, timeout_ms=500))
    assert (probe["state"], probe["branches"]) == ("ok", 1), probe
    assert probe["source_address"] == "2001:db8:a::2"
    for flow in range(4):
        way = [row["hop"] for row in hops if row["flow_id"] == flow]
        assert way == ["2001:db8:a::1", "2001:db8:b::2"]
