"""Weft on a network of real routers: FRR, snmpd, lldpd and rsyslogd find their way into inventory, metrics and logs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lab.daemons import COMMUNITY, SYSLOG_PORT, V3_AUTH, V3_PRIV, V3_USER
from lab.network import Lab, missing
from lab.topology import MANAGEMENT, SMALL

pytestmark = [pytest.mark.peers, pytest.mark.slow]
SOURCES = str(Path(__file__).resolve().parents[2] / "src")
WAIT_S = 60

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


class Station:
    """Weft in the station's namespace."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self._lab, self.directory = lab, directory
        config = directory / "weft.yaml"
        config.write_text(CONFIG.replace("DATA", str(directory / "data")))
        clean = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
        self._environment = clean | {"PYTHONPATH": SOURCES, "WEFT_CONFIG": str(config)}
        self.process = self._start("up")

    def _start(self, verb: str) -> subprocess.Popen[str]:
        with (self.directory / "stderr").open("w") as errors:
            return subprocess.Popen(
                ["ip", "netns", "exec", self._lab.station, sys.executable, "-m", "weft", verb],
                env=self._environment, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=self.directory,
            )  # fmt: skip

    def ready(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Weft is ready"), (self.directory / "stderr").read_text()[-3000:]

    def ask(self, *arguments: str):
        command = ["ip", "netns", "exec", self._lab.station, sys.executable, "-m", "weft", *arguments, "--json"]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=60, cwd=self.directory, check=False
        )
        assert done.stdout, done.stderr[-2000:]  # `weft sources` fails where a source does
        return json.loads(done.stdout)

    def wait_for(self, what, *arguments: str):
        """The first answer for which ``what`` gives something; fails with the last one."""
        deadline, answer = time.monotonic() + WAIT_S, None
        while time.monotonic() < deadline:
            answer = self.ask(*arguments)
            if found := what(answer):
                return found
            time.sleep(1)
        pytest.fail(f"{arguments}: {json.dumps(answer)[:3000]}\n{(self.directory / 'stderr').read_text()[-2000:]}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    if reason := missing():
        pytest.skip(f"the lab of real routers cannot be built here: {reason}")
    one = Lab(SMALL, f"wt{os.getpid() % 10000}", Path("/run") / f"weft-test-{os.getpid()}")
    one.up()
    try:
        one.wait_for_bgp()
        yield one
    finally:
        one.down()


@pytest.fixture(scope="module")
def station(lab, tmp_path_factory):
    one = Station(lab, tmp_path_factory.mktemp("station"))
    try:
        one.ready()
        yield one
    finally:
        one.stop()


def rows(answer):
    names = [column["name"] for column in answer["columns"]]
    return [dict(zip(names, row, strict=True)) for row in answer["rows"]]


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
