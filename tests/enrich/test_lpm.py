"""Longest-prefix match against a search through all prefixes, for both families and every length."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.enrich.ids import IdRegistry, content_of
from weft.enrich.merge import merge
from weft.enrich.prefixes import CLEARED, PrefixRows, PrefixTable, format_prefix, packed_address, parse_prefix
from weft.errors import InvalidInput

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def table(entries: list[tuple[Network, int]], priority: int = 100) -> PrefixTable:
    """A table of one attribute, ``asn``."""
    parts: dict[int, list[tuple[int, int, int, int]]] = {4: [], 6: []}
    for network, asn in entries:
        family, high, low, length = parse_prefix(str(network))
        parts[family].append((high, low, length, asn))
    rows = [
        PrefixRows(
            np.array([p[0] for p in parts[family]], np.uint64),
            np.array([p[1] for p in parts[family]], np.uint64),
            np.array([p[2] for p in parts[family]], np.uint8),
            np.array([[p[3]] for p in parts[family]], np.uint32).reshape(-1, 1),
        )
        for family in (4, 6)
    ]
    return PrefixTable(("asn",), ((),), rows[0], rows[1], priority)


def naive(entries: list[tuple[Network, int]], address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    """The AS of the longest prefix that covers the address; of equal ones the last."""
    best, found = -1, 0
    for network, asn in entries:
        if network.version == address.version and address in network and network.prefixlen >= best:
            best, found = network.prefixlen, asn
    return 0 if found == CLEARED else found


# Few distinct bits, so that prefixes nest, touch and repeat.
V4_BITS = st.integers(0, 255).map(lambda b: (b & 0x0F) << 28 | (b >> 4) << 6 | (b & 3))
V6_BITS = st.integers(0, 1023).map(lambda b: (b & 7) << 125 | (b >> 3 & 7) << 63 | (b >> 6 & 7) << 60 | (b >> 8 & 3))
ASNS = st.integers(1, 9) | st.just(CLEARED)


@st.composite
def v4_network(draw: st.DrawFn) -> Network:
    length = draw(st.sampled_from([0, 1, 3, 4, 8, 16, 23, 24, 25, 26, 30, 31, 32]))
    return ipaddress.IPv4Network((draw(V4_BITS), length), strict=False)


@st.composite
def v6_network(draw: st.DrawFn) -> Network:
    length = draw(st.sampled_from([0, 1, 3, 20, 32, 48, 63, 64, 65, 66, 68, 96, 126, 127, 128]))
    return ipaddress.IPv6Network((draw(V6_BITS), length), strict=False)


def check(entries: list[tuple[Network, int]], probes: list[int], family: int, monkeypatch: pytest.MonkeyPatch) -> None:
    make = ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address
    most = (1 << (32 if family == 4 else 128)) - 1
    edges = [int(n.network_address) for n, _ in entries] + [int(n.broadcast_address) for n, _ in entries]
    wanted = {x for e in [*edges, *probes] for x in (e - 1, e, e + 1) if 0 <= x <= most}
    # The two words of an IPv4-mapped or absent IPv6 address are not IPv6 addresses to us.
    found = [make(x) for x in sorted(wanted) if family == 4 or (x >> 32 != 0xFFFF and x != 0)]
    packed = np.frombuffer(b"".join(packed_address(str(a)) for a in found), np.uint8).reshape(-1, 16)
    for threshold in (1 << 30, 0):
        monkeypatch.setattr("weft.enrich.lpm.DIR_THRESHOLD", threshold)
        merged = merge([table(entries)], IdRegistry())
        assert (len(merged.index.dir4.first) > 0) == (threshold == 0 and any(n.version == 4 for n, _ in entries))
        got = merged.entries[merged.index.lookup(packed), 0].tolist()
        assert got == [naive(entries, a) for a in found]
        if family == 6:
            break


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(v6_network(), ASNS), max_size=24), st.lists(V6_BITS, max_size=8))
def test_ipv6_equals_a_naive_search(entries: list[tuple[Network, int]], probes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        check(entries, probes, 6, monkeypatch)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(v4_network(), ASNS), max_size=24), st.lists(V4_BITS, max_size=8))
def test_ipv4_equals_a_naive_search(entries: list[tuple[Network, int]], probes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("weft.enrich.lpm.DIR_THRESHOLD", 1 << 30)
        merged = merge([table(entries)], IdRegistry())
        make = ipaddress.IPv4Address
        wanted = {
            x
            for n, _ in entries
            for e in (n.network_address, n.broadcast_address)
            for x in range(int(e) - 1, int(e) + 2)
        }
        found = [make(x) for x in sorted({*wanted, *probes}) if 0 <= x < 1 << 32]
        packed = np.frombuffer(b"".join(packed_address(str(a)) for a in found), np.uint8).reshape(-1, 16)
        assert merged.entries[merged.index.lookup(packed), 0].tolist() == [naive(entries, a) for a in found]


def random_table(rng: np.random.Generator, family: int, count: int) -> list[tuple[Network, int]]:
    width, kind = (32, ipaddress.IPv4Network) if family == 4 else (128, ipaddress.IPv6Network)
    entries: list[tuple[Network, int]] = []
    for _ in range(count):
        length = (
            int(rng.integers(0, width + 1)) if rng.random() < 0.5 else int(rng.integers(width // 2, width * 3 // 4))
        )
        value = int.from_bytes(rng.bytes(width // 8), "big")
        if rng.random() < 0.6 and entries:  # close to one that is there
            value = int(entries[int(rng.integers(len(entries)))][0].network_address) ^ (
                value >> int(rng.integers(1, width))
            )
        entries.append((kind((value, length), strict=False), int(rng.integers(1, 1000))))
    return entries


@pytest.mark.parametrize("family", [4, 6])
def test_both_layouts_on_larger_random_tables(family: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(family)
    entries = random_table(rng, family, 500)
    probes = [int(n.network_address) ^ int(rng.integers(0, 1 << 16)) for n, _ in entries[::10]]
    check(entries, probes, family, monkeypatch)


def test_families_do_not_mix() -> None:
    merged = merge([table([(ipaddress.ip_network("::/0"), 6), (ipaddress.ip_network("10.0.0.0/8"), 4)])], IdRegistry())

    def asn(text: str) -> int:
        packed = np.frombuffer(packed_address(text), np.uint8).reshape(1, 16)
        return int(merged.entries[merged.index.lookup(packed)[0], 0])

    assert (asn("10.1.2.3"), asn("11.0.0.0"), asn("2001:db8::1"), asn("::1")) == (4, 0, 6, 6)
    absent = np.zeros((1, 16), np.uint8)
    assert int(merged.index.lookup(absent)[0]) == 0


def test_a_machine_without_large_tables_holds_no_large_index() -> None:
    assert merge([], IdRegistry()).index.nbytes < 3 << 20
    few = [(ipaddress.ip_network(f"10.{i}.0.0/16"), i + 1) for i in range(200)]
    assert merge([table(few)], IdRegistry()).index.nbytes < 3 << 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
    ],
)
def test_parsing(text: str, expected: str) -> None:
    assert format_prefix(parse_prefix(text)) == expected


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("10.0.0.1/8", "Write 10.0.0.0/8"),
        ("2001:db8::1/64", "Write 2001:db8::/64"),
        ("10.0.0.0/33", "0 to 32"),
        ("10.0.0.0/", "0 to 32"),
        ("10.0.0.0/-1", "0 to 32"),
        ("10.0.0/24", "192.0.2.0/24"),
        ("", "192.0.2.0/24"),
        ("fe80::1%eth0", "192.0.2.0/24"),
        ("10.0.0.0\0/8", "192.0.2.0/24"),
    ],
)
def test_what_is_no_prefix_says_what_to_write(text: str, fix: str) -> None:
    with pytest.raises(InvalidInput, match=fix):
        parse_prefix(text)


def test_ids_are_stable_and_survive_collisions() -> None:
    site = content_of({"site": "a", "cloud": ""})
    assert site == (("site", "a"),)
    assert IdRegistry().id_of(()) == 0
    number = IdRegistry().id_of(site)
    assert number == IdRegistry().id_of(site) != 0
    # Someone else was given that number before: we take the next one, and keep it from then on.
    other = content_of({"site": "b"})
    again = IdRegistry({number: other})
    assert (again.id_of(other), again.id_of(site)) == (number, number + 1)
    assert IdRegistry({number: other, number + 1: site}).id_of(site) == number + 1
