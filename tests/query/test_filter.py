"""The filter language: what it accepts, how it is written back, what it says when it is wrong, what it means."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.query import reference
from tests.query.conftest import FIRST, LAST, Row

from weft.model.tables import Kind
from weft.query.catalogue import Dimension, Either
from weft.query.datasets import build_catalogue
from weft.query.engine import QueryEngine
from weft.query.filter import And, Columns, Compare, FilterError, Node, Not, Or, parse, show
from weft.query.model import Query
from weft.query.names import Interface, Range

DATASET = reference.DATASET

CANONICAL = [
    ("DstAS = AS64501 AND InIf.boundary = external AND SrcAddr << 10.0.0.0/8",
     "dst_as = AS64501 AND in_if_boundary = external AND src_addr << 10.0.0.0/8"),
    ("", ""),
    ("   ", ""),
    ("srcas=64501", "src_as = AS64501"),
    ("SrcAS = AS1.10", "src_as = AS65546"),
    ("src_as in (1,AS2,3,)", "src_as IN (AS1, AS2, AS3)"),
    ("(a_s = 1)", "as = AS1"),
    ("not Port in (80, 443, 8000-8999)", "NOT port IN (80, 443, 8000-8999)"),
    ("Proto=UDP or proto = 253 && dscp >= 0x2e", "protocol = udp OR protocol = 253 AND dscp >= 46"),
    ("(proto = tcp or proto = udp) and NOT (as = 1 and as = 2)",
     "(protocol = tcp OR protocol = udp) AND NOT (as = AS1 AND as = AS2)"),
    ("InIf.speed >= 10G and OutIf.speed < 1.5G", "in_if_speed_bps >= 10G AND out_if_speed_bps < 1500M"),
    ("SrcAS = DstAS and InIf.provider != OutIf.provider", "src_as = dst_as AND in_if_provider != out_if_provider"),
    ('SrcSite = "dst_site"', 'src_site = "dst_site"'),
    ("SrcSite = 'new york'", 'src_site = "new york"'),
    (r'SrcCustomer = "o\'neil \"co\" \u00e9"', 'src_customer = "o\'neil \\"co\\" é"'),
    ("app ILIKE %http%", "app ILIKE %http%"),
    ("app not like 'a b%'", 'app NOT LIKE "a b%"'),
    ("TCPFlags = ack+syn and flags has rst", "tcp_flags = syn+ack AND tcp_flags HAS rst"),
    ("tcp_flags NOT HAS fin", "tcp_flags NOT HAS fin"),
    ("direction != Ingress and FlowType = netflow-v9", "direction != ingress AND flow_type = netflow_v9"),
    ("Addr << (10.0.0.0/8, 2001:db8::/32) and SrcAddr !<< 192.0.2.0/24",
     "addr << (10.0.0.0/8, 2001:db8::/32) AND src_addr !<< 192.0.2.0/24"),
    ("SrcAddr = ::ffff:192.0.2.1 or SrcAddr << ::ffff:10.0.0.0/104", "src_addr = 192.0.2.1 OR src_addr << 10.0.0.0/8"),
    ("SrcMAC = 0000.5e00.5301", "src_mac = 00:00:5e:00:53:01"),
    ("InIf = router1:et-0/0/1:0 and If = [2001:db8::3]:17", "in_if = router1:et-0/0/1:0 AND if = [2001:db8::3]:17"),
    ("bytes >= 10M and packets < 1k", "bytes >= 10M AND packets < 1000"),
    ('SrcSite = ""', 'src_site = ""'),
    ("SrcSite IN (paris, 'and', \"x y\")", 'src_site IN (paris, "and", "x y")'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_reads_and_writes_canonically(text: str, canonical: str) -> None:
    node = parse(text, DATASET)
    assert show(node, DATASET) == canonical
    assert parse(canonical, DATASET) == node


WRONG = [
    ("SrcAdr = 10.0.0.1", 0, "src_addr"),
    ("SrcAS = google", 8, "AS64501"),
    ("SrcAS = 99999999999", 8, "4294967295"),
    ("SrcAddr = 10.0.0.0/8", 10, "<<"),
    ("SrcAddr << 10.0.0.1/8", 11, "10.0.0.0/8"),
    ("SrcAddr << router", 11, "10.0.0.0/8"),
    ("SrcAddr = fe80::1%eth0", 10, "zone"),
    ("SrcAddr > 10.0.0.1", 8, "<<"),
    ("direction = ingres", 12, "ingress"),
    ("proto = tpc", 8, "tcp, udp"),
    ("DstPort = 99999", 10, "65535"),
    ("DstPort = 90-80", 10, "80-90"),
    ("DstPort < 80-90", 10, "not a range"),
    ("SrcAS LIKE 6%", 6, "IN"),
    ("app HAS syn", 4, "LIKE"),
    ("SrcAS =", 7, "value"),
    ("SrcAS", 5, "operator"),
    ("SrcAS = 1 SrcAS = 2", 10, "AND"),
    ("SrcAS = 1 AND", 13, "field"),
    ("(SrcAS = 1", 10, ")"),
    ("SrcAS = 1)", 9, "the end"),
    ("SrcAS IN 1", 9, "("),
    ("SrcAS IN ()", 10, "value"),
    ('SrcSite = "paris', 10, "quote"),
    ("SrcAS = 1 & SrcAS = 2", 10, "AND"),
    ("tcp_flags = sin", 12, "syn"),
    ("bytes = 1.0001", 8, "whole"),
    ("mac = 00:11", 6, "00:00:5e"),
    ("InIf = router1:", 7, "et-0/0/1"),
    ("NOT " * 60 + "as = 1", 0, "levels"),
    ("(" * 2000, 2000, "field"),
]


@pytest.mark.parametrize(("text", "position", "hint"), WRONG)
def test_says_where_it_is_wrong_and_what_to_write(text: str, position: int, hint: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, DATASET)
    assert caught.value.position == position
    assert hint in caught.value.message


@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["SrcAS", "app", "=", "!=", "IN", "(", ")", ",", "1", "AND", "OR", "NOT", "<<", "LIKE", "HAS", "'",
    '"', "10.0.0.0/8", "\\", "-", "tcp_flags"]
), max_size=14).map(" ".join))  # fmt: skip
@settings(deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        node = parse(text, DATASET)
    except FilterError as error:
        place = error.position
    else:
        place = 0
        assert parse(show(node, DATASET), DATASET) == node
    assert 0 <= place <= len(text)


# --- property: parse ∘ show is the identity -----------------------------------------------------------------------

_ADDRESS = st.ip_addresses(v=4) | st.ip_addresses(v=6).map(lambda a: a.ipv4_mapped or a)
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def _values(d: Dimension) -> st.SearchStrategy[object]:
    number = {Kind.ASN: 32, Kind.PORT: 16, Kind.PROTOCOL: 8}.get(d.kind)
    if number is not None:
        one = st.integers(0, 2**number - 1)
        return one | st.tuples(one, one).map(lambda p: Range(min(p), max(p)))
    match d.kind:
        case Kind.ADDRESS:
            return _ADDRESS
        case Kind.ENUM:
            return st.sampled_from(list(d.values))
        case Kind.MAC:
            return st.integers(0, 2**48 - 1)
        case Kind.NUMBER if d.name == "tcp_flags":
            return st.integers(0, 2**16 - 1)
        case Kind.NUMBER:
            return st.integers(0, 2**63) | st.builds(Range, st.integers(0, 99), st.integers(100, 10**12))
        case Kind.INTERFACE:
            name = st.from_regex(r"[a-z]{1,3}-[0-9]/[0-9]|[1-9][0-9]{0,4}", fullmatch=True)
            return st.builds(Interface, st.sampled_from(["", "router1", "192.0.2.1", "2001:db8::1"]), name)
    return _TEXT


def _compare(name: str) -> st.SearchStrategy[Node]:
    field = DATASET.field(name)
    assert field is not None
    d = field.sides[0] if isinstance(field, Either) else field
    values = _values(d)
    plain = values.filter(lambda v: not isinstance(v, Range))
    forms = []
    for op in d.operators:
        if op in ("IN", "NOT IN"):
            many = st.lists(values, min_size=1, max_size=4, unique_by=repr).map(tuple)
            forms.append(st.builds(Compare, st.just(field.name), st.just(op), many))
        elif op in ("<<", "!<<"):
            nets = st.lists(_ADDRESS.flatmap(_prefixes), min_size=1, max_size=3, unique=True).map(tuple)
            forms.append(st.builds(Compare, st.just(field.name), st.just(op), nets))
        elif "LIKE" in op:
            forms.append(st.builds(Compare, st.just(field.name), st.just(op), _TEXT.map(lambda v: (v,))))
        else:
            one = (values if op in ("=", "!=") else plain).map(lambda v: (v,))
            forms.append(st.builds(Compare, st.just(field.name), st.just(op), one))
    return st.one_of(forms)


def _prefixes(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> st.SearchStrategy[object]:
    bits = 32 if address.version == 4 else 95
    return st.integers(0, bits).map(lambda n: ipaddress.ip_network((address, n), strict=False))


def _combine(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    def joined(kind: type[And] | type[Or]) -> st.SearchStrategy[Node]:
        parts = st.lists(inner.filter(lambda n: not isinstance(n, kind)), min_size=2, max_size=3)
        return parts.map(lambda items: kind(tuple(items)))

    return joined(And) | joined(Or) | inner.map(Not)


FIELDS = [*(d.name for d in DATASET.dimensions.values() if d.operators), *DATASET.either]
LEAVES = st.sampled_from(FIELDS).flatmap(_compare) | st.sampled_from(
    [Columns("src_as", "=", "dst_as"), Columns("src_site", "!=", "dst_site"), Columns("src_port", "<", "dst_port")]
)
TREES: st.SearchStrategy[Node] = st.recursive(LEAVES, _combine, max_leaves=6)


@given(TREES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_shown_reads_back_the_same(node: Node) -> None:
    assert parse(show(node, DATASET), DATASET) == node


# --- meaning: the store and plain Python agree on every row ---------------------------------------------------------

MEANING = [
    "SrcAS = 64501", "SrcAS != 64501", "AS = 15169", "AS != 15169", "SrcAS > 4000000000", "SrcAS IN (100-105, AS15169)",
    "NOT SrcAS IN (100-105, AS15169)", "SrcAS NOT IN (1, 15169)", "SrcAS = DstAS", "SrcAS != DstAS",
    "SrcPort < DstPort",
    "SrcAddr = 10.0.0.1", "Addr = 2001:db8:1::1", "Addr != 10.0.0.1", "SrcAddr << 10.0.0.0/30", "Addr !<< 10.0.0.0/30",
    "SrcAddr << (10.0.1.0/24, 2001:db8:1::/124)", "SrcAddr << ::/0", "SrcAddr << 0.0.0.0/0",
    "SrcAddr IN (10.0.0.1, 2001:db8:1::2)",
    "Port = 443", "Port IN (53, 8000-9000)", "DstPort >= 443", "proto = tcp", "proto IN (udp, icmp)", "proto = 253",
    "direction = egress", "direction NOT IN (egress, unknown)", "FlowType != sflow", "ipversion = ipv6", "dscp = 46",
    "SrcSite = paris", "Site = paris", "Site != paris", 'SrcSite = ""', "SrcSite IN ('new york', lyon)",
    "SrcSite LIKE %o%",
    "SrcSite NOT LIKE %o%", "Site ILIKE 'NEW_YORK'", "SrcSite = DstSite", "SrcCustomer = \"o'neil \\\"co\\\"\"",
    "app = https",
    "app_category = infrastructure AND NOT app = dns", "app ILIKE HTTP%", "SrcAS.name = Google", "Exporter = 192.0.2.1",
    "Exporter = 2001:db8::3", "ExporterName = router1", "ExporterSite = paris", "InIf.boundary = external",
    "If.boundary = external", "InIf.provider != OutIf.provider", "InIf.speed >= 20G", "InIf.speed < 10G", "InIf = 2",
    "InIf = router1:et-0/0/2", "If = 192.0.2.2:1", "InIf = [2001:db8::3]:3", "InIf != router1:2",
    "InIf.name = et-0/0/3",
    "InIf = OutIf", "TCPFlags = syn", "TCPFlags HAS ack", "TCPFlags NOT HAS ack", "TCPFlags = none", "bytes > 1G",
    "bytes = 0 OR packets >= 900", "SrcMAC = 00:00:5e:00:53:01", "SamplingRate = 0", "Vlan = 10",
    "(SrcAS = 64501 OR DstAS = 64501) AND NOT (proto = tcp AND Port = 443) OR InIf = 0",
]  # fmt: skip


def counted(engine: QueryEngine, text: str) -> float:
    question = Query(view="stat", measures=["flows"], filter=text, since=str(FIRST), until=str(LAST))
    return float(engine.run(question).rows[0][0])


@pytest.mark.parametrize("text", MEANING)
def test_means_what_plain_python_means(engine: QueryEngine, rows: list[Row], text: str) -> None:
    node = parse(text, DATASET)
    want = sum(reference.matches(node, r) for r in rows)
    assert counted(engine, text) == want
    if node is not None and not isinstance(node, Columns):
        assert counted(engine, f"NOT ({text})") == len(rows) - want


SIMPLE = st.sampled_from([t for t in MEANING if " OR " not in t]).map(lambda t: parse(t, DATASET))
MIXED = st.recursive(SIMPLE.filter(lambda n: n is not None), _combine, max_leaves=5)  # type: ignore[arg-type]


@given(MIXED)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_combinations_mean_what_plain_python_means(engine: QueryEngine, rows: list[Row], node: Node) -> None:
    assert counted(engine, show(node, DATASET)) == sum(reference.matches(node, r) for r in rows)


@given(_TEXT)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_escapes_into_sql(engine: QueryEngine, value: str) -> None:
    assert counted(engine, show(Compare("src_customer", "=", (f"'{value}\\",)), DATASET)) == 0


def test_the_examples_of_the_documentation_are_filters() -> None:
    text = (Path(__file__).parents[2] / "docs" / "filter.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```filter( \w+)?\n(.*?)```", text, re.DOTALL)
    lines = [(name.strip() or "flows", line) for name, block in blocks for line in block.splitlines()]
    assert len(lines) > 20
    for name, line in lines:
        parse(line, build_catalogue().datasets[name])
    for message, wrong in zip(
        re.findall(r"^filter, character.*$", text, re.MULTILINE), ("SrcAdr = 1", "SrcAddr = 10.0.0.0/8"), strict=True
    ):
        with pytest.raises(FilterError) as caught:
            parse(wrong, DATASET)
        assert caught.value.message == message
