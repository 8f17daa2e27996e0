"""DNS tunnels and made-up domains: by log lines of several servers, by flows, on public captures."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detect.security.covert_rows import (
    START_S,
    Flow,
    context,
    dns_packets,
    fortinet,
    log_rows,
    play,
    public_data,
    zeek,
)

from weft.detect.detector import Finding
from weft.detect.security import dns
from weft.detect.security.dns import DnsTunnels
from weft.detect.security.names import entropy, oddness, registered_domain
from weft.detect.security.query_logs import read_query

_KINDS = {1: "A", 5: "CNAME", 16: "TXT", 28: "AAAA"}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WORDS = ("globex", "initech", "umbrella", "hooli", "wayne", "stark", "wonka")


@pytest.mark.parametrize(
    "line",
    [
        fortinet("10.0.0.7", "www.example.com"),
        "client @0x7f1c4c0a 10.0.0.7#5353 (www.example.com): query: www.example.com IN A +E(0)K (192.0.2.53)",
        "queries: info: client 10.0.0.7#61000: query: www.example.com IN A + (192.0.2.53)",
        "query[A] www.example.com from 10.0.0.7",
        "[1:0] info: 10.0.0.7 www.example.com. A IN",
        '[INFO] 10.0.0.7:5353 - 12 "A IN www.example.com. udp 40 false 512" NOERROR qr,rd,ra 90 0.0001s',
        '{"id.orig_h":"10.0.0.7","id.resp_h":"192.0.2.53","query":"www.example.com","qclass":1,"qtype_name":"A"}',
        '{"src_ip":"10.0.0.7","dns":{"type":"query","id":1,"rrname":"www.example.com","rrtype":"A"}}',
    ],
)
def test_queries_are_read_from_the_lines_of_many_servers(line: str) -> None:
    one = read_query(1.0, line)
    assert one is not None
    assert (one.client, one.name, one.kind) == ("10.0.0.7", "www.example.com", "A")


@pytest.mark.parametrize(
    "line", ["", "Failed password for root from 10.0.0.7", "query[A] localhost from 10.0.0.7", "x" * 9000]
)
def test_other_lines_hold_no_query(line: str) -> None:
    assert read_query(1.0, line) is None


def _fed(detector: DnsTunnels, lines: list[tuple[float, str]]) -> list[Finding]:
    found = []
    for first in range(0, len(lines), 500):
        found += detector.take("logs", log_rows(lines[first : first + 500]))
    return found


def _label(rng: np.random.Generator, letters: str, size: int) -> str:
    return "".join(rng.choice(list(letters), size))


def _everyday(rng: np.random.Generator, hours: float) -> list[tuple[float, str]]:
    """An office: names that people use, and of each twenty one that a virus scanner or content network makes."""
    lines = []
    for at in np.sort(rng.uniform(0, hours * 3600, int(1500 * hours))):
        word, client = _WORDS[rng.integers(len(_WORDS))], f"10.0.1.{rng.integers(1, 60)}"
        name = f"www.{word}.example"
        if rng.random() < 0.05:
            name = f"{_label(rng, '0123456789abcdef', 40)}.avq.{word}.example"
        lines.append((float(at), fortinet(client, name)))
    return lines


@pytest.mark.parametrize(("per_s", "letters"), [(0.4, "abcdefghijklmnopqrstuvwxyz234567"), (8.0, "0123456789abcdef")])
def test_a_tunnel_is_found_and_everyday_names_are_not(per_s: float, letters: str) -> None:
    rng = np.random.default_rng(1)
    lines = _everyday(rng, 1.5)
    assert not _fed(DnsTunnels(context()), lines)
    tunnel = [
        (float(at), fortinet("10.0.1.77", f"{_label(rng, letters, 45)}.t.px7.example", "TXT"))
        for at in np.arange(4000, 4300, 1 / per_s)
    ]  # fmt: skip
    found = _fed(DnsTunnels(context()), sorted([*lines, *tunnel]))
    assert {(one.entity.id, one.others[0].id) for one in found} == {("10.0.1.77", "px7.example")}
    assert found[0].at_s - START_S - 4000 <= 20 / per_s
    assert not _fed(DnsTunnels(context(allowed=["px7.example"])), sorted([*lines, *tunnel]))


def test_a_virus_scanner_that_all_use_much_is_no_tunnel() -> None:
    rng = np.random.default_rng(2)
    names = [f"{_label(rng, '0123456789abcdef', 40)}.avq.wonka.example" for _ in range(1800)]
    lines = [(2.0 * i, fortinet(f"10.0.1.{rng.integers(1, 6)}", name)) for i, name in enumerate(names)]
    assert (
        len({one.entity.id for one in _fed(DnsTunnels(context()), lines)}) <= 2
    )  # until a third host is seen to do so


def test_lookups_of_block_lists_and_of_services_are_no_tunnels() -> None:
    rng = np.random.default_rng(3)
    lines = []
    for i in range(2000):
        octets = ".".join(str(one) for one in rng.integers(0, 255, 4))
        lines.append((float(i), fortinet("10.0.1.25", f"{octets}.zen.blocklist.example", "A")))
        lines.append((float(i), fortinet("10.0.1.25", f"{octets}.in-addr.arpa", "PTR")))
    assert not _fed(DnsTunnels(context()), lines)


def test_long_queries_in_flows_are_a_tunnel_even_when_sampled() -> None:
    rng = np.random.default_rng(4)
    usual = [
        Flow(float(at), f"10.0.1.{rng.integers(1, 60)}", "192.0.2.53", 53, int(rng.integers(2000, 60000)), protocol=17,
             octets=int(rng.integers(58, 95)), packets=1)
        for at in rng.uniform(0, 1800, 4000)
    ]  # fmt: skip
    assert not play(DnsTunnels(context()), usual, step=60)
    tunnel = [
        Flow(600 + 30.0 * i, "10.0.1.77", "192.0.2.53", 53, 40000, protocol=17, octets=180 * 16, packets=16, rate=10)
        for i in range(40)
    ]  # fmt: skip
    found = play(DnsTunnels(context()), [*usual, *tunnel], step=60)
    assert {one.entity.id for one in found} == {"10.0.1.77"}
    assert found[0].at_s - START_S - 600 <= 240


def test_domains_drawn_by_lot_are_found_and_browsing_is_not() -> None:
    rng = np.random.default_rng(5)
    words = ("news", "shop", "travel", "music", "garden", "market", "photo", "cloud", "sport", "school")
    browsing = [
        (float(i), fortinet("10.0.1.5", f"www.{words[rng.integers(10)]}{words[rng.integers(10)]}.example"))
        for i in range(900)
    ]  # fmt: skip
    assert not _fed(DnsTunnels(context()), browsing)
    drawn = [
        (1000.0 + 3 * i, fortinet("10.0.1.66", f"{_label(rng, 'abcdefghijklmnopqrstuvwxyz', 13)}.example"))
        for i in range(60)
    ]  # fmt: skip
    assert {one.kind for one in _fed(DnsTunnels(context()), [*browsing, *drawn])} == {"dga"}


def test_registered_domains_entropy_and_oddness() -> None:
    assert registered_domain("a.b.example.co.uk") == "example.co.uk"
    assert registered_domain("a.b.example.com") == "example.com"
    assert entropy("aaaa") == 0
    assert entropy("abcd") == pytest.approx(2)
    rng = np.random.default_rng(6)
    drawn = [oddness(_label(rng, "abcdefghijklmnopqrstuvwxyz", 12)) for _ in range(500)]
    assert np.mean(np.array(drawn) > 0.25) > 0.9
    assert max(oddness(word) for word in ("honestimnotevil", "microsoft", "travelmarket", "digitalgarden")) < 0


@pytest.mark.parametrize("capture", ["iodine-cname.pcap", "dnscat2-txt/dnscat2-txt_00001_20230903183304.pcap"])
def test_tunnels_of_public_captures_are_found(capture: str) -> None:
    packets = list(dns_packets(public_data("dns-tunnel", capture)))
    first = packets[0].at
    asked = [one for one in packets if one.dst_port == 53]
    lines = [
        (one.at - first, f"query[{_KINDS.get(one.kind, 'TYPE')}] {one.name} from {one.src}") for one in asked[:4000]
    ]
    found = [one for one in _fed(DnsTunnels(context()), lines) if one.kind == "dns_tunnel"]
    assert {one.others[0].id for one in found} == {"ggy666.tk"}
    assert found[0].at_s - START_S <= 120


def test_ordinary_names_of_public_captures_are_no_tunnels() -> None:
    """DNS of RITA's three days of a server and two days behind a proxy, and of SLIPS' mixed captures."""
    files = [
        *sorted(public_data("rita", "test_data", "missing_host").glob("*/dns.*.gz")),
        public_data("rita", "test_data", "proxy", "dns.log"),
        public_data("slips-flows", "test10-mixed-zeek-dir", "dns.log"),
    ]
    rows = sorted(
        (float(row["ts"]), f"query[{row['qtype_name']}] {row['query']} from {row['id.orig_h']}")
        for path in files for row in zeek(path) if "query" in row and "." in row["query"]
    )  # fmt: skip
    assert len(rows) > 1000
    detector, found = DnsTunnels(context()), []
    for first in range(0, len(rows), 1000):
        found += detector.take("logs", log_rows([(at - START_S, text) for at, text in rows[first : first + 1000]]))
    assert [one.text for one in found] == []


def test_memory_stays_within_bounds_whatever_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "_MOST_HELD", 2000)
    rng = np.random.default_rng(9)
    detector = DnsTunnels(context(most_pairs=300))
    letters = "abcdefghijklmnopqrstuvwxyz"
    for batch in range(5):
        lines = []
        for a, b in rng.integers(0, 250, (1000, 2)):
            name = f"{_label(rng, letters, 20)}.{_label(rng, letters, 9)}{a % 5}.example"
            lines.append((batch * 10.0, fortinet(f"10.{a}.{b}.7", name)))
        detector.take("logs", log_rows(lines))
    assert len(detector._asked) <= 300
    assert len(detector._made) <= 300
    held = sum(len(one.names) + len(one.names_today) for one in detector._asked.values())
    assert held == detector._held_names <= 2000 + 2
    assert sum(len(one.domains) for one in detector._made.values()) == detector._held_domains <= 2001


def test_many_names_of_known_clients_stay_within_bounds_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "_MOST_HELD", 200)
    rng = np.random.default_rng(10)
    detector = DnsTunnels(context())
    for _ in range(30):
        lines = [(1.0, fortinet(f"10.0.0.{a}", f"{_label(rng, _LETTERS, 20)}.px7.example", f"TYPE{a}{b}"))
                 for a in range(40) for b in range(2)]  # fmt: skip
        detector.take("logs", log_rows(lines))
    assert sum(len(one.names) + len(one.names_today) for one in detector._asked.values()) <= 200 + 2
    assert max(len(one.kinds) for one in detector._asked.values()) <= 16


def test_a_client_that_comes_back_when_many_domains_are_held_is_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "_MOST_HELD", 20)
    detector = DnsTunnels(context())
    lines = [(0.0, fortinet("10.0.0.1", "www.example.com"))]
    lines += [(1.0, fortinet("10.0.0.2", f"www.site{i}.example")) for i in range(30)]
    lines.append((2000.0, fortinet("10.0.0.1", "www.example.com")))
    assert detector.take("logs", log_rows(lines)) == []
    assert [len(one.domains) for one in detector._made.values()] == [1]
