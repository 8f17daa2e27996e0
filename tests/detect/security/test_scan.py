"""Scans: vertical, horizontal, slow, sampled; not who talks to many, asks many, or watches many."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detect.security.records import (
    DATA_FLAGS,
    SYN,
    T0,
    WHOLE,
    context,
    data,
    play,
    records,
    v4,
    zeek_connections,
)

from weft.detect.security.scan import ScanDetector
from weft.errors import InvalidInput

SCANNER, HOST = v4("198.51.100.7"), v4("203.0.113.10")


def test_one_host_all_ports():
    batches = [records(20, at_s=T0 + s, src=SCANNER, dst=HOST, dst_port=1 + 20 * s + np.arange(20), tcp_flags=SYN)
               for s in range(10)]  # fmt: skip
    found = play(ScanDetector(context()), batches)
    assert {(one.kind, one.entity.text) for one in found} == {("port_scan", "host:198.51.100.7")}
    assert found[0].at_s - T0 <= 1
    assert "Vertical" in found[0].title
    assert found[0].others[0].text == "host:203.0.113.10"


def test_one_port_of_all_hosts_from_inside_is_worse():
    hosts = v4("10.0.1.0") + np.arange(200)
    inside = v4("10.0.0.9")
    batches = [records(10, at_s=T0 + s, src=inside, dst=hosts[10 * s : 10 * s + 10], dst_port=445, tcp_flags=SYN)
               for s in range(20)]  # fmt: skip
    found = play(ScanDetector(context()), batches)
    assert {one.entity.text for one in found} == {"host:10.0.0.9"}
    assert found[0].severity == "major"
    assert any("Horizontal" in one.title or "TCP port 445" in one.text for one in found)


def test_one_try_a_minute_is_found_within_half_an_hour():
    batches = [records(1, at_s=T0 + 60 * k, src=SCANNER, dst=HOST + k, dst_port=3389, tcp_flags=SYN)
               for k in range(40)]  # fmt: skip
    found = play(ScanDetector(context()), batches)
    assert found
    assert found[0].at_s - T0 < 1800
    assert "slowly" in found[0].title


def test_what_is_sampled_of_a_scan_is_enough():
    """1,500 tries a second, of which 1 in 1000 is seen."""
    rng = np.random.default_rng(1)
    batches = [records(2, at_s=T0 + s, src=SCANNER, dst=HOST, dst_port=rng.integers(1, 65535, 2), tcp_flags=SYN,
                       sampling_rate=1000) for s in range(20)]  # fmt: skip
    assert play(ScanDetector(context()), batches)


def test_ports_at_which_nobody_is_served_tell_more():
    """Nine tries there are enough, where thirteen are needed at a port that others use."""
    rng = np.random.default_rng(5)
    served = [records(30, at_s=T0 + 20 * k, src=rng.integers(v4("1.0.0.0"), v4("9.0.0.0"), 30), dst=HOST, dst_port=443,
                      src_port=50_000, packets=8, tcp_flags=WHOLE) for k in range(40)]  # fmt: skip
    for port, tries, enough in ((445, 8, False), (445, 9, True), (443, 12, False), (443, 14, True)):
        detector = ScanDetector(context())
        assert not play(detector, served)
        hosts = v4("203.0.113.100") + np.arange(tries)
        scan = records(tries, at_s=T0 + 900, src=SCANNER, dst=hosts, dst_port=port, tcp_flags=SYN)
        assert bool(play(detector, [scan])) == enough


def test_who_talks_to_many_is_no_scanner():
    """A busy client: of a hundred servers a few do not answer; sampled, some of its SYNs stand alone."""
    rng, found = np.random.default_rng(2), []
    detector = ScanDetector(context())
    for second in range(60):
        servers = rng.integers(v4("1.0.0.0"), v4("9.0.0.0"), 100)
        flags = np.where(rng.random(100) < 0.12, SYN, WHOLE)
        found += play(detector, [records(100, at_s=T0 + second, src=HOST, dst=servers, dst_port=443, tcp_flags=flags,
                                         packets=9, sampling_rate=rng.choice([1, 1000], 100))])  # fmt: skip
    assert not found


def test_the_same_failure_again_and_again_is_one():
    """A machine that keeps asking a server that is gone."""
    batches = [records(1, at_s=T0 + 10 * k, src=HOST, dst=v4("10.0.0.5"), dst_port=445, src_port=2000 + k, tcp_flags=2)
               for k in range(500)]  # fmt: skip
    assert not play(ScanDetector(context()), batches)


def test_resolvers_and_pings_that_are_answered_are_no_scans():
    rng, found = np.random.default_rng(3), []
    detector = ScanDetector(context())
    for second in range(60):
        hosts = rng.integers(v4("1.0.0.0"), v4("9.0.0.0"), 30)
        ports = rng.integers(1024, 65535, 30)
        common = {"at_s": T0 + second}
        asked = records(30, src=HOST, dst=hosts, protocol=17, src_port=ports, dst_port=53, bytes=70, **common)
        snmp = records(30, src=HOST, dst=hosts, protocol=17, src_port=ports, dst_port=16100, bytes=70, **common)
        told = records(30, src=hosts, dst=HOST, protocol=17, src_port=16100, dst_port=ports, bytes=90, **common)
        ping = records(30, src=HOST, dst=hosts, protocol=1, src_port=0, dst_port=8 << 8, bytes=64, **common)
        pong = records(30, src=hosts, dst=HOST, protocol=1, src_port=0, dst_port=0, bytes=64, **common)
        found += play(detector, [asked, snmp, told, ping, pong])
    assert not found


def test_floods_of_made_up_sources_are_no_scans_and_hide_none():
    rng, found = np.random.default_rng(4), []
    detector = ScanDetector(context(most_sources=1024))
    before = detector.bytes_used
    for second in range(8):
        flood = records(60_000, at_s=T0 + second, src=rng.integers(1 << 24, 1 << 31, 60_000), dst=HOST, tcp_flags=SYN)
        scan = records(40, at_s=T0 + second, src=SCANNER, dst=HOST, dst_port=1 + 40 * second + np.arange(40),
                       tcp_flags=SYN)  # fmt: skip
        found += play(detector, [flood, scan])
    assert {one.entity.text for one in found} == {"host:198.51.100.7"}
    assert detector.bytes_used == before < 1e6


def test_who_may_scan_may():
    batch = records(500, at_s=T0, src=v4("10.0.0.9"), dst=HOST, dst_port=1 + np.arange(500), tcp_flags=SYN)
    assert not play(ScanDetector(context(approved=["10.0.0.0/28"])), [batch])


def test_who_makes_the_same_round_again_and_again_is_worth_an_information():
    """The same ports, the third time: also when Weft was started anew in between."""
    detector, severities = ScanDetector(context()), []
    for day in range(4):
        ports = np.tile(np.array([22, 445, 3389]), 40)
        hosts = v4("10.0.3.0") + np.repeat(np.arange(40), 3)
        batch = records(120, at_s=T0 + 86400 * day, src=v4("10.0.0.9"), dst=hosts, dst_port=ports, tcp_flags=SYN)
        severities.append(str(play(detector, [batch])[0].severity))
        again = ScanDetector(context())
        again.load(detector.save())
        detector = again
    assert severities == ["major", "major", "info", "info"]
    other = records(
        120, at_s=T0 + 86400 * 5, src=v4("10.0.0.9"), dst=HOST, dst_port=5000 + np.arange(120), tcp_flags=SYN
    )
    assert str(play(detector, [other])[0].severity) == "major"


@pytest.mark.parametrize("state", [b"[]", b"{", b'{"a": 1}', b'{"a": ["x", 1, 2]}'])
def test_a_state_that_is_not_understood_is_refused(state):
    with pytest.raises(InvalidInput):
        ScanDetector(context()).load(state)


def test_a_host_that_works_takes_its_failures_back():
    hosts = v4("10.0.2.0") + np.arange(100)
    both = [records(1, at_s=T0 + k, src=HOST, dst=hosts[k], dst_port=9092, packets=5,
                    tcp_flags=SYN if k % 2 else DATA_FLAGS) for k in range(100)]  # fmt: skip
    assert not play(ScanDetector(context()), both)


def test_a_recorded_vertical_scan():
    rows = zeek_connections(data("slips-flows", "port-scans", "vertical", "conn.log"))
    found = play(ScanDetector(context(())), [rows.slice(at, 200) for at in range(0, rows.num_rows, 200)])
    assert {one.entity.text for one in found} == {"host:192.168.1.9"}


def test_a_few_recorded_failures_among_more_that_worked_are_no_scan():
    """Of 31 hosts 11 do not answer: the log is called a scan where it comes from, and is one of a client's bad days."""
    rows = zeek_connections(data("slips-flows", "port-scans", "horizontal", "conn.log"))
    assert not play(ScanDetector(context(())), [rows])


def test_a_recorded_scan_of_argus_flows():
    lines = data("slips-flows", "test11-portscan.binetflow").read_text().splitlines()
    told = [dict(zip(lines[0].split(","), line.split(","), strict=False)) for line in lines[1:]]
    scan = [row for row in told if row["Proto"] == "tcp" and row["State"].startswith("S0")]
    rows = records(len(scan), at_s=T0 + np.arange(len(scan)), src=np.array([v4(row["SrcAddr"]) for row in scan]),
                   dst=np.array([v4(row["DstAddr"]) for row in scan]), tcp_flags=SYN,
                   dst_port=np.array([int(row["Dport"]) for row in scan]))  # fmt: skip
    found = play(ScanDetector(context(())), [rows])
    assert {one.entity.text for one in found} == {"host:10.8.0.69"}
