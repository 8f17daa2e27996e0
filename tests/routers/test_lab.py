"""Weft on a network of real routers: FRR, snmpd, lldpd and rsyslogd find their way into inventory, metrics and logs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from lab.daemons import COMMUNITY, SYSLOG_PORT, V3_AUTH, V3_PRIV, V3_USER
from lab.topology import MANAGEMENT
from tests.routers.station import rows

pytestmark = [pytest.mark.peers, pytest.mark.slow]

CONFIG = f"""
data_dir: DATA
collect: {{listeners: []}}
syslog: {{listeners: [{{port: {SYSLOG_PORT}, address: {MANAGEMENT}.1}}]}}
snmp:
  interval_s: 3
  discovery_s: 15
  names_s: 10
  timeout_s: 1
  credentials:
    v2: {{community: {COMMUNITY}}}
    v3: {{user: {V3_USER}, auth_password: {V3_AUTH}, privacy_password: {V3_PRIV}}}
  targets:
    - {{address: {MANAGEMENT}.8/29, credentials: v2}}
    - {{address: {MANAGEMENT}.21, credentials: v3}}
    - {{address: {MANAGEMENT}.22, credentials: v2}}
    - {{address: {MANAGEMENT}.99, credentials: v2}}
"""


#: 500 datagrams of 1 000 octets a second for half a minute: 4.1 Mbit/s on the wire.
SENDER = """
import socket, sys, time
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
began = time.monotonic()
for number in range(15_000):
    one.sendto(bytes(1000), (sys.argv[1], 9))
    time.sleep(max(0, began + number / 500 - time.monotonic()))
"""


@pytest.mark.timeout(300)
def test_routers_are_found_polled_and_named(station):
    def all_ok(answer):
        found = {s["name"]: s["state"] for s in answer["sources"] if s["kind"] == "snmp"}
        well = {"spine1", "spine2", "leaf1", "leaf2"} <= {name for name, state in found.items() if state == "ok"}
        return found if well and found.get(f"{MANAGEMENT}.99") == "failing" else None  # nobody lives at .99

    station.wait_for(all_ok, "sources")


@pytest.mark.timeout(300)
def test_neighbours_become_links(station):
    def four(answer):
        links = [entry["key"] for entry in answer["objects"]]
        return links if len(links) == 4 else None

    keys = station.wait_for(four, "inventory", "list", "link")
    ends = {frozenset(part for part in key if not part.startswith("eth")) for key in keys}
    assert ends == {frozenset({spine, leaf}) for spine in ("spine1", "spine2") for leaf in ("leaf1", "leaf2")}


@pytest.mark.timeout(300)
def test_counters_are_rates_of_what_passed(lab, station):
    leaf = lab.nodes["leaf1"]
    peer = lab.topology.ends_of(leaf.router)[0].peer_address
    sender = subprocess.Popen(["ip", "netns", "exec", leaf.namespace, sys.executable, "-c", SENDER, peer])

    def moving(answer):
        found = {(row["exporter_name"], row["component"]): row["bps"] for row in rows(answer)}
        rate = found.get(("leaf1", "eth1"), 0)
        return rate if 3e6 < rate < 6e6 else None

    try:
        station.wait_for(
            moving, "query", "--dataset", "metrics", "--view", "table", "--measure", "bps",
            "--by", "exporter_name", "--by", "component", "--filter", "metric = out_octets", "--since", "now-20s",
            "--top", "50",
        )  # fmt: skip
    finally:
        sender.kill()
        sender.wait()


@pytest.mark.timeout(300)
def test_a_line_that_fails_is_told_by_logs_and_states(lab, station):
    lab.set_link("leaf2", "eth1", up=False)
    try:

        def told(answer):
            found = {(row["exporter_name"], row["event"]) for row in rows(answer)}
            return found if ("leaf2", "BGP_NEIGHBOR_STATE_CHANGED") in found else None

        station.wait_for(
            told, "query", "--dataset", "logs", "--view", "table", "--by", "exporter_name", "--by", "event",
            "--since", "now-5m", "--top", "50",
        )  # fmt: skip

        def down(answer):
            return [r for r in rows(answer) if (r["exporter_name"], r["component"], r["last"]) == ("leaf2", "eth1", 2)]

        station.wait_for(
            down, "query", "--dataset", "metrics", "--view", "table", "--measure", "last", "--by", "exporter_name",
            "--by", "component", "--filter", "metric = oper_status", "--since", "now-15s", "--top", "50",
        )  # fmt: skip
    finally:
        lab.set_link("leaf2", "eth1", up=True)
