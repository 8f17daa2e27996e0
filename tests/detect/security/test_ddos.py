"""Floods: found within seconds, by what they are; not what many folk want, nor what one asked for."""

from __future__ import annotations

from ipaddress import ip_network

import numpy as np
import pyarrow as pa
import pytest
from tests.detect.security.records import (
    DATA_FLAGS,
    SYN,
    SYN_ACK,
    T0,
    context,
    data,
    metered,
    packets,
    play,
    records,
    v4,
)

from weft.detect.security.ddos import DdosDetector
from weft.detect.security.rows import OwnNetworks
from weft.detect.tracker import Tracker

VICTIM = v4("203.0.113.10")
CAPTURES = {
    "amp.TCP.reflection.SYNACK.pcap": "SYN-ACK reflection",
    "amp.UDP.isakmp.pcap": "ISAKMP amplification",
    "amp.dns.RRSIG.fragmented.pcap": "DNS amplification",
    "pkt.TCP.synflood.spoofed.pcap": "SYN flood",
}


def outsiders(rng, count):
    return rng.integers(v4("1.0.0.0"), v4("9.0.0.0"), count)


def amplified(rng, n, second, dst=VICTIM, rate=1000, **more):
    """A second of answers from port 389."""
    return records(n, at_s=T0 + second + np.sort(rng.random(n)), src=outsiders(rng, 400)[rng.integers(0, 400, n)],
                   dst=dst, protocol=17, src_port=389, dst_port=rng.integers(1024, 65535, n), bytes=1400,
                   sampling_rate=rate, **more)  # fmt: skip


@pytest.mark.parametrize("rate", [1, 128, 1000, 4096])
@pytest.mark.parametrize("name", CAPTURES)
def test_captured_attacks_are_known_by_their_vector_however_coarsely_sampled(name, rate):
    mix = packets(data("ddos", name))
    found = play(DdosDetector(context()), metered(mix, 2e5 if rate > 1 else 6e4, rate, 3, victim=VICTIM))
    assert found
    assert found[0].at_s - T0 <= 2.0
    assert found[0].entity.text == "host:203.0.113.10"
    assert {one.kind for one in found} == {"ddos"}
    assert CAPTURES[name] in found[-1].title


def test_a_flood_over_a_prefix_is_one_event_of_the_prefix():
    rng = np.random.default_rng(3)
    hosts = v4("203.0.113.0") + np.arange(256)
    found = play(DdosDetector(context()), [amplified(rng, 300, s, hosts[rng.integers(0, 256, 300)]) for s in range(20)])
    assert {(one.kind, one.entity.text) for one in found} == {("ddos_carpet", "prefix:203.0.113.0/24")}
    assert found[0].at_s - T0 <= 2.0
    assert "CLDAP" in found[0].title


NESTED = tuple(ip_network(one) for one in ("203.0.113.0/27", "203.0.113.0/29", "203.0.113.8/29", "203.0.113.16/29"))


def events(detector, batches):
    """What becomes of findings: the events that people see."""
    tracker, seen = Tracker(), {}
    for batch in batches:
        found = play(detector, [batch])
        now_s = T0 if not found else found[-1].at_s
        for change in (*tracker.take(detector.about, found, now_s), *tracker.advance("ddos", now_s)):
            seen[change.event.id] = change.event
    return list(seen.values())


def test_a_carpet_is_one_event_however_own_networks_nest():
    """Customers have parts of the prefix that is bombed."""
    rng = np.random.default_rng(15)
    hosts = v4("203.0.113.0") + np.arange(32)
    flood = [amplified(rng, 300, s, hosts[rng.integers(0, 32, 300)]) for s in range(40)]
    found = events(DdosDetector(context(NESTED)), flood)
    assert [(one.kind, one.entity.text) for one in found] == [("ddos_carpet", "prefix:203.0.113.0/27")]


def test_what_is_of_a_part_is_told_of_the_part():
    rng = np.random.default_rng(16)
    hosts = v4("203.0.113.8") + np.arange(8)
    found = events(DdosDetector(context(NESTED)), [amplified(rng, 300, s, rng.choice(hosts, 300)) for s in range(20)])
    assert [one.entity.text for one in found] == ["prefix:203.0.113.8/29"]


def test_a_flood_that_spreads_goes_on_as_the_same_event():
    """First one host, then all of its prefix."""
    rng = np.random.default_rng(17)
    hosts = v4("203.0.113.0") + np.arange(32)
    one = [amplified(rng, 300, s, hosts[3]) for s in range(15)]
    all_ = [amplified(rng, 1500, s, hosts[rng.integers(0, 32, 1500)]) for s in range(15, 60)]
    found = events(DdosDetector(context(NESTED)), [*one, *all_])
    assert [(one.kind, one.entity.text) for one in found] == [("ddos_carpet", "prefix:203.0.113.0/27")]
    assert found[0].detected_s - T0 <= 2
    assert "host:203.0.113.3" in [other.text for other in found[0].others]
    assert "32 or more hosts" in found[0].text or "hosts of 203.0.113.0/27" in found[0].text


def test_prefixes_keep_what_was_seen_of_them_when_others_are_added():
    """More own networks, in another order: a flood that goes on stays what it is, and nobody gets another's."""
    rng, own = np.random.default_rng(18), [ip_network("203.0.113.0/27")]
    detector = DdosDetector(context(own))
    detector._networks = lambda: own_of(own)
    hosts = v4("203.0.113.0") + np.arange(32)
    play(detector, [amplified(rng, 300, s, rng.choice(hosts, 300)) for s in range(3)])
    own[:0] = [ip_network("192.0.2.0/24"), ip_network("198.51.100.0/25")]
    found = play(detector, [amplified(rng, 300, 10 + s, rng.choice(hosts, 300)) for s in range(3)])
    assert {one.entity.text for one in found} == {"prefix:203.0.113.0/27"}
    assert min(one.started_s for one in found) <= T0 + 10
    used = detector._prefixes.keys != 0
    assert sorted(detector._prefixes.length[used].tolist()) == [123]


def own_of(networks):
    return OwnNetworks(tuple(networks))


def test_a_host_flooded_within_a_busy_prefix_is_told_by_itself():
    rng = np.random.default_rng(4)
    found = play(DdosDetector(context()), [amplified(rng, 300, s) for s in range(10)])
    assert {one.entity.text for one in found} == {"host:203.0.113.10"}
    assert found[-1].seen == pytest.approx(300 * 1400 * 8 * 1000, rel=0.3)
    assert len(found) <= 3  # said again every few seconds, not with every row


def test_what_its_neighbours_had_a_minute_ago_does_not_make_a_carpet_of_a_flood():
    rng = np.random.default_rng(14)
    hosts = v4("203.0.113.1") + np.arange(60)
    quiet = [records(20, at_s=T0 - 50 + s, src=outsiders(rng, 20), dst=rng.choice(hosts, 20), tcp_flags=SYN,
                     sampling_rate=100) for s in range(50)]  # fmt: skip
    flood = [records(200, at_s=T0 + s / 10, src=outsiders(rng, 200), dst=VICTIM, tcp_flags=SYN, sampling_rate=100)
             for s in range(20)]  # fmt: skip
    assert {one.entity.text for one in play(DdosDetector(context()), [*quiet, *flood])} == {"host:203.0.113.10"}


def test_without_own_networks_a_24_stands_for_a_network():
    rng = np.random.default_rng(5)
    hosts = v4("198.51.100.0") + np.arange(64)
    found = play(DdosDetector(context(())), [amplified(rng, 300, s, hosts[rng.integers(0, 64, 300)]) for s in range(8)])
    assert {(one.kind, one.entity.text) for one in found} == {("ddos_carpet", "prefix:198.51.100.0/24")}


def test_answers_that_were_asked_for_are_no_flood():
    """A resolver of ours gets as many answers as it asks questions."""
    rng, found = np.random.default_rng(6), []
    detector = DdosDetector(context())
    for second in range(20):
        servers = outsiders(rng, 300)
        ports = rng.integers(1024, 65535, 300)
        common = {"protocol": 17, "sampling_rate": 100, "at_s": T0 + second}
        asked = records(300, src=VICTIM, dst=servers, src_port=ports, dst_port=53, bytes=70, **common)
        answers = records(300, src=servers, dst=VICTIM, src_port=53, dst_port=ports, bytes=1400, **common)
        found += play(detector, [asked, answers])
    assert not found


def test_flash_crowds_speed_tests_and_backups_are_no_floods():
    rng, found = np.random.default_rng(7), []
    detector = DdosDetector(context())
    for second in range(60):
        folk = outsiders(rng, 4000)
        common = {"at_s": T0 + second, "sampling_rate": 1000}
        crowd = records(4000, src=folk, dst=VICTIM, dst_port=443, packets=3, bytes=900, tcp_flags=DATA_FLAGS, **common)
        page = records(4000, src=VICTIM, dst=folk, src_port=443, dst_port=50000, packets=9, bytes=12000,
                       tcp_flags=DATA_FLAGS, **common)  # fmt: skip
        opening = records(200, src=folk[:200], dst=VICTIM, dst_port=443, tcp_flags=SYN, **common)
        quic = records(900, src=folk[:900], dst=VICTIM, protocol=17, dst_port=443, packets=3, bytes=900, **common)
        pushed = records(900, src=VICTIM, dst=folk[:900], protocol=17, src_port=443, packets=9, bytes=11000, **common)
        test = records(1, src=v4("9.9.9.9"), dst=v4("203.0.113.50"), src_port=8080, dst_port=50123, packets=900,
                       bytes=1_300_000, tcp_flags=DATA_FLAGS, **common)  # fmt: skip
        acks = records(1, src=v4("203.0.113.50"), dst=v4("9.9.9.9"), src_port=50123, dst_port=8080, packets=450,
                       bytes=20_000, tcp_flags=0x10, **common)  # fmt: skip
        backup = records(1, src=v4("203.0.113.60"), dst=v4("9.8.7.6"), src_port=50124, packets=2000,
                         bytes=2_900_000, tcp_flags=DATA_FLAGS, **common)  # fmt: skip
        found += play(detector, [crowd, page, opening, quic, pushed, test, acks, backup])
    assert not found


def test_one_sample_of_a_coarse_exporter_proves_nothing():
    """At 1 in 1,048,576 a single packet stands for 1.5 GB: no flood follows from three of them."""
    rng = np.random.default_rng(8)
    found = play(DdosDetector(context()), [amplified(rng, 3, s, rate=1_048_576) for s in range(2)])
    assert not found


def test_who_answers_for_others_is_an_amplifier():
    rng, found = np.random.default_rng(9), []
    detector = DdosDetector(context())
    for second in range(15):
        common = {"protocol": 17, "at_s": T0 + second, "sampling_rate": 100}
        ports = rng.integers(1024, 65535, 60)
        asked = records(20, src=v4("8.8.1.1"), dst=VICTIM, src_port=ports[:20], dst_port=123, bytes=60, **common)
        told = records(60, src=VICTIM, dst=v4("8.8.1.1"), src_port=123, dst_port=ports, packets=4, bytes=1900, **common)
        found += play(detector, [asked, told])
    assert {(one.kind, one.entity.text) for one in found} == {("amplifier", "host:203.0.113.10")}


def test_a_flood_is_found_among_random_sources_and_destinations_in_the_same_memory():
    """Millions of addresses that come once (the rest of the ten million: ``bench/detect_security.py``)."""
    rng = np.random.default_rng(10)
    detector = DdosDetector(context((), most_hosts=1024, most_prefixes=256))
    before, found = detector.bytes_used, []
    for second in range(6):
        noise = records(50_000, at_s=T0 + second, src=rng.integers(1 << 24, 1 << 31, 50_000),
                        dst=rng.integers(1 << 24, 1 << 31, 50_000), tcp_flags=SYN)  # fmt: skip
        found += play(detector, [noise, amplified(rng, 300, second)])
    assert detector.bytes_used == before < 8e6
    assert {one.entity.text for one in found} == {"host:203.0.113.10"}


def test_a_clock_that_is_off_does_not_hide_a_flood():
    rng = np.random.default_rng(11)
    batch = [amplified(rng, 300, s) for s in range(4)]
    late = [one.set_column(one.schema.get_field_index("time_received"), "time_received", _later(one)) for one in batch]
    assert play(DdosDetector(context()), late)


def _later(batch):
    column = batch.column(batch.schema.get_field_index("time_received"))
    return pa.array(column.cast(pa.int64()).to_numpy() + 3600 * 10**9).cast(column.type)


def test_what_is_answered_is_a_syn_flood_all_the_same():
    rng = np.random.default_rng(12)
    found = []
    detector = DdosDetector(context())
    for second in range(5):
        common = {"at_s": T0 + second, "sampling_rate": 1000}
        asked = records(40, src=outsiders(rng, 40), dst=VICTIM, tcp_flags=SYN, bytes=44, **common)
        told = records(36, src=VICTIM, dst=outsiders(rng, 36), src_port=443, tcp_flags=SYN_ACK, bytes=44, **common)
        found += play(detector, [asked, told])
    assert "SYN flood" in found[0].title


def test_syns_are_a_flood_also_where_one_peer_sends_much_else():
    """A backup that goes on meanwhile uses no connection of those that were asked for."""
    rng = np.random.default_rng(19)
    found = []
    detector = DdosDetector(context())
    for second in range(5):
        common = {"at_s": T0 + second, "sampling_rate": 1000}
        asked = records(40, src=outsiders(rng, 40), dst=VICTIM, tcp_flags=SYN, bytes=44, **common)
        backup = records(1, src=v4("9.9.9.9"), dst=VICTIM, packets=900, bytes=900_000, tcp_flags=DATA_FLAGS, **common)
        found += play(detector, [asked, backup])
    assert "SYN flood" in found[0].title


def test_data_under_the_flag_of_a_syn_is_no_syn():
    rng = np.random.default_rng(20)
    many = [records(40, at_s=T0 + s, src=outsiders(rng, 40), dst=VICTIM, tcp_flags=SYN, packets=20, bytes=28_000,
                    sampling_rate=100) for s in range(5)]  # fmt: skip
    assert not [one for one in play(DdosDetector(context()), many) if "SYN" in one.title]


def test_few_who_send_very_much_are_a_flood():
    """Seven servers that answer with gigabits: a flood of memcached has no more."""
    rng = np.random.default_rng(21)
    servers = outsiders(rng, 7)
    found = play(DdosDetector(context()), [
        records(7, at_s=T0 + s, lasts_s=1.0, src=servers, dst=VICTIM, protocol=17, src_port=11211, packets=90,
                bytes=126_000, dst_port=80, sampling_rate=1000) for s in range(3)
    ])  # fmt: skip
    assert "memcached" in found[0].title
