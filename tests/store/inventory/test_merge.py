"""What many sources say becomes one inventory: what is one thing, whose word counts, what is contradictory."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.inventory.statements import device, devices, keys, link, port, says

from weft.model.inventory import ORIGINS, ObjectKind
from weft.model.naming import serial_tokens
from weft.store.inventory.fuse import Precedence
from weft.store.inventory.merge import Merged, Remembered, merge
from weft.store.inventory.statements import Statement

D, I, L = ObjectKind.DEVICE, ObjectKind.INTERFACE, ObjectKind.LINK  # noqa: E741


def test_names_addresses_serials_and_chassis_tie_facts_together() -> None:
    assert devices(device("file", "r1"), device("snmp", "R1.example.net")) == [("r1",)]
    assert devices(device("file", "r1", addresses=["192.0.2.1"]), device("flows", "192.0.2.1")) == [("r1",)]
    assert devices(device("file", "r1", serial="X1"), device("snmp", "other", serial="x1")) == [("r1",)]
    tied = devices(
        device("netbox", "a", chassis_id="0050.56ab.cdef"), device("lldp", "b", chassis_id="00:50:56:AB:CD:EF")
    )
    assert tied == [("a",)]
    chain = [device("file", "r1", addresses=["192.0.2.1"]), device("syslog", "192.0.2.2"),
             device("snmp", "x", scope="192.0.2.1", addresses=["192.0.2.1", "192.0.2.2"])]  # fmt: skip
    assert devices(*chain) == [("r1",)]


def test_what_does_not_tie() -> None:
    assert devices(device("snmp", "a", addresses=["127.0.0.1"]), device("gnmi", "b", addresses=["127.0.0.1"])) == [
        ("a",), ("b",),
    ]  # fmt: skip
    # Names that nobody chose.
    assert len(devices(device("snmp", "sonic", addresses=["192.0.2.1"]),
                       device("gnmi", "sonic", addresses=["192.0.2.2"]))) == 2  # fmt: skip
    # The same host name in two domains; "r1" alone could be either.
    assert len(devices(device("file", "r1.a.example"), device("snmp", "r1.b.example"), device("flows", "r1"))) == 3
    # One source tells them apart, whatever address they share.
    anycast = [device("snmp", name, scope=name, addresses=["192.0.2.9"]) for name in ("a", "b")]
    assert devices(*anycast) == [("a",), ("b",)]
    assert merge(anycast).conflicts == ()


def test_different_serials_are_never_one_device() -> None:
    merged = merge([device("netbox", "r1", serial="OLD", addresses=["192.0.2.1"]),
                    device("snmp", "r1", serial="NEW", addresses=["192.0.2.1"])])  # fmt: skip
    assert keys(merged, D) == [("r1",), ("r1 (NEW)",)]
    assert merged.objects[D]["r1 (NEW)",].get("name") == "r1 (NEW)"
    (conflict,) = merged.conflicts
    assert (conflict.what, set(conflict.keys)) == ("serial", {("r1",), ("r1 (NEW)",)})
    assert "OLD says netbox" in conflict.text
    assert "NEW says snmp" in conflict.text
    # Members of a stack have several.
    assert devices(device("netbox", "r1", serial="A"), device("snmp", "r1", serial="B, A")) == [("r1",)]
    assert devices(device("netbox", "r1", serial="A"), device("snmp", "r1", serial="unknown")) == [("r1",)]


def test_whose_word_counts() -> None:
    said = [device("file", "r1", site="fra"), device("snmp", "r1.example", scope="x", location="Rack 1", role="core"),
            device("netbox", "R1", site="ams", role="border", tags=["b"]),
            device("gnmi", "r1", tags=["a", "b"])]  # fmt: skip
    one = merge(said).objects[D]["r1",]
    assert (one.get("site"), one.claims["site"].origin, dict(one.claims["site"].others)) == (
        "fra",
        "file",
        {"netbox": "ams"},
    )
    assert (one.get("role"), one.claims["role"].others) == ("border", {"snmp": "core"})
    assert one.get("location") == "Rack 1"
    assert one.get("tags") == ["b", "a"]  # everybody's
    assert one.claims["name"].others == {}  # with a domain or without: no disagreement
    assert one.origins == ("file", "netbox", "gnmi", "snmp")
    other = merge(said, Precedence(["snmp", "file"], {"site": ["netbox"]})).objects[D]["r1.example",]
    assert (other.get("site"), other.get("role")) == ("ams", "core")


def test_interfaces_by_name_then_by_index() -> None:
    merged = merge([
        device("snmp", "r1", addresses=["192.0.2.1"]),
        port("snmp", "r1", "GigabitEthernet0/1", if_index=1, description="to r2", mac="00:00:5e:00:53:01"),
        port("file", "R1", "Gi0/1", provider="Lumen", scope="f"),
        port("flows", "192.0.2.1", "ifIndex 1", if_index=1, scope="192.0.2.1"),
        port("flows", "192.0.2.1", "ifIndex 9", if_index=9, scope="192.0.2.1"),
    ])  # fmt: skip
    assert keys(merged, I) == [("r1", "Gi0/1"), ("r1", "ifIndex 9")]
    one = merged.objects[I]["r1", "Gi0/1"]
    assert one.origins == ("file", "snmp", "flows")
    assert (one.get("if_index"), one.get("provider"), one.get("description")) == (1, "Lumen", "to r2")
    assert dict(one.claims["name"].others) == {}


def test_a_renumbered_index_does_not_tie_two_interfaces() -> None:
    merged = merge([
        port("snmp", "r1", "eth0", if_index=6), port("snmp", "r1", "eth1", if_index=5),
        port("flows", "r1", "eth0", if_index=5, scope="old"),
    ])  # fmt: skip
    assert keys(merged, I) == [("r1", "eth0"), ("r1", "eth1")]
    assert merged.objects[I]["r1", "eth0"].get("if_index") == 6


def test_a_device_known_by_its_interfaces_or_links_alone_is_one() -> None:
    merged = merge([port("configs", "r1", "eth0"), link("lldp", "r1", "eth0", "switch-7", "Gi0/1")])
    assert keys(merged, D) == [("r1",), ("switch-7",)]
    assert merged.objects[D]["switch-7",].origins == ("lldp",)


def test_both_ends_word_on_a_link_is_one_link() -> None:
    merged = merge([
        port("snmp", "a", "GigabitEthernet0/1", scope="a"), port("snmp", "b", "Ethernet7", scope="b"),
        link("lldp", "a", "Gi0/1", "b.example", "Et7", scope="a"),
        link("lldp", "b", "Ethernet7", "a", "Gi0/1", scope="b"),
    ])  # fmt: skip
    assert keys(merged, L) == [("a", "GigabitEthernet0/1", "b", "Ethernet7")]
    assert len(merged.objects[L]["a", "GigabitEthernet0/1", "b", "Ethernet7"].facts) == 2


def test_an_end_by_hardware_address_or_alias() -> None:
    merged = merge([
        port("snmp", "b", "Ethernet7", scope="b", mac="00:00:5e:00:53:07"), port("snmp", "a", "xe-0/0/1", scope="a"),
        link("lldp", "a", "xe-0/0/1", "b", "0000.5e00.5307", scope="a"),
    ])  # fmt: skip
    assert keys(merged, L) == [("a", "xe-0/0/1", "b", "Ethernet7")]
    # What a calls the port of b is no port of b: b's own word counts.
    merged = merge([
        port("snmp", "b", "Ethernet7", scope="b"), port("snmp", "a", "xe-0/0/1", scope="a"),
        link("lldp", "a", "xe-0/0/1", "b", "uplink to a", scope="a"),
        link("lldp", "b", "Ethernet7", "a", "xe-0/0/1", scope="b"),
    ])  # fmt: skip
    assert keys(merged, L) == [("a", "xe-0/0/1", "b", "Ethernet7")]


def test_parallel_links_stay_apart() -> None:
    merged = merge([link("lldp", "a", f"et{n}", "b", f"et{n}", scope=scope) for n in (1, 2) for scope in ("a", "b")])
    assert keys(merged, L) == [("a", "et1", "b", "et1"), ("a", "et2", "b", "et2")]
    # With two of them, a link of which only the devices are named is neither.
    more = merge(
        [*(link("lldp", "a", f"et{n}", "b", f"et{n}") for n in (1, 2)), link("file", "a", "", "b", "", cost=5)]
    )
    assert len(keys(more, L)) == 3
    one = merge([link("lldp", "a", "et1", "b", "et1"), link("file", "b", "", "a", "", cost=5)])
    assert keys(one, L) == [("a", "et1", "b", "et1")]
    assert one.objects[L]["a", "et1", "b", "et1"].get("cost") == 5


def test_what_is_written_down_wins_over_what_is_overheard() -> None:
    merged = merge([
        link("file", "a", "et1", "b", "et1", circuit="C-1", a_note="near a"),
        link("lldp", "c", "et9", "a", "et1", scope="c"),
        link("lldp", "b", "et2", "a", "et1", scope="b"),
    ])  # fmt: skip
    assert keys(merged, L) == [("a", "et1", "b", "et1")]
    one = merged.objects[L]["a", "et1", "b", "et1"]
    assert (one.get("circuit"), dict(one.claims["b_interface"].others)) == ("C-1", {"lldp": "et2"})
    (conflict,) = merged.conflicts
    assert (conflict.kind, conflict.what) == (L, "end")
    assert "c et9" in conflict.text


def test_attributes_of_an_end_follow_it() -> None:
    merged = merge([link("file", "z", "e1", "a", "e2", a_note="at z", b_note="at a")])
    one = merged.objects[L]["a", "e2", "z", "e1"]
    assert (one.get("a_note"), one.get("b_note")) == ("at a", "at z")


def test_what_others_name_is_listed() -> None:
    merged = merge([
        device("file", "r1", site="fra"), says("file", ObjectKind.CIRCUIT, "C-1", provider="Lumen"),
        says("netbox", ObjectKind.SITE, "FRA", country="DE"),
        says("file", ObjectKind.PREFIX, "192.0.2.7/24", customer="X"),
    ])  # fmt: skip
    assert keys(merged, ObjectKind.SITE) == [("FRA",)]
    assert keys(merged, ObjectKind.PROVIDER) == [("Lumen",)]
    assert keys(merged, ObjectKind.CUSTOMER) == [("X",)]
    assert keys(merged, ObjectKind.PREFIX) == [("192.0.2.0/24",)]


# Whatever sources say, in whatever order.

NAMES = st.sampled_from(["r1", "R1", "r1.a.example", "r1.b.example", "r2", "switch", "192.0.2.1", "192.0.2.2"])
PORTS = st.sampled_from(["Gi0/1", "GigabitEthernet0/1", "gi0/2", "ifIndex 1", "xe-0/0/1", "uplink"])
ATTRIBUTES = st.fixed_dictionaries({}, optional={
    "addresses": st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3", "127.0.0.1"]), max_size=3),
    "serial": st.sampled_from(["A", "B", "a", "A,C", "unknown"]), "chassis_id": st.sampled_from(["m1", "m2"]),
    "name": st.sampled_from(["r1", "r2.example", "r3"]), "site": st.sampled_from(["x", "X", "y"]),
    "role": st.sampled_from(["core", "leaf"]),
})  # fmt: skip
SOURCE = st.tuples(st.sampled_from(ORIGINS), st.sampled_from(["s", "t"]))
DEVICE = st.builds(lambda s, n, a: device(s[0], n, scope=s[1], **a), SOURCE, NAMES, ATTRIBUTES)
PORT = st.builds(
    lambda s, d, n, i, m: port(s[0], d, n, scope=s[1], if_index=i, description=m), SOURCE, NAMES, PORTS,
    st.integers(0, 3), st.sampled_from(["", "x", "y"]),
)  # fmt: skip
LINK = st.builds(
    lambda s, a, ap, b, bp, c: link(s[0], a, ap, b, bp, scope=s[1], circuit=c), SOURCE, NAMES, PORTS | st.just(""),
    NAMES, PORTS | st.just(""), st.sampled_from(["", "C-1", "C-2"]),
)  # fmt: skip


def _distinct(statements: list[Statement]) -> list[Statement]:
    return list({(s.kind, s.source): s for s in statements}.values())


SAID = st.lists(DEVICE | PORT | LINK, max_size=14).map(_distinct)


def _as_data(merged: Merged) -> Any:
    objects = {
        kind: {k: (dict(o.claims), o.origins, o.facts) for k, o in found.items()}
        for kind, found in merged.objects.items()
    }
    return objects, set(merged.conflicts)


@settings(max_examples=250, deadline=None)
@given(SAID, st.randoms(use_true_random=False))
def test_order_does_not_matter(said: list[Statement], chance: random.Random) -> None:
    expected = _as_data(merge(said))
    for _ in range(3):
        chance.shuffle(said)
        assert _as_data(merge(said)) == expected


@settings(max_examples=150, deadline=None)
@given(SAID, SAID)
def test_remembering_changes_nothing(first: list[Statement], second: list[Statement]) -> None:
    remembered = Remembered()
    for said in (first, _distinct([*first, *second]), second, second):
        assert _as_data(merge(said, remembered=remembered)) == _as_data(merge(said))


@settings(max_examples=250, deadline=None)
@given(SAID, st.permutations(ORIGINS))
def test_the_best_source_wins_and_no_word_is_lost(said: list[Statement], order: list[str]) -> None:
    precedence = Precedence(order)
    merged = merge(said, precedence)
    by_source = {(s.kind, s.source): s for s in said}
    met: list[tuple[ObjectKind, Any]] = []
    for kind, found in merged.objects.items():
        for one in found.values():
            facts = [by_source[kind, source] for source in one.facts if (kind, source) in by_source]
            met += [(kind, fact.source) for fact in facts]
            assert list(one.origins) == sorted(one.origins, key=order.index)
            for name, claim in one.claims.items():
                said_by = {f.origin for f in facts if name in f.attributes}
                if name not in {"name", "addresses", "a_device", "b_device", "a_interface", "b_interface"} and said_by:
                    assert claim.origin == min(said_by, key=order.index)
                    assert set(claim.others) <= said_by - {claim.origin}
    assert len(met) == len(set(met))  # no fact is of two objects
    assert {source for kind, source in met if kind is D} == {s.source for s in said if s.kind is D}
    assert {source for kind, source in met if kind is I} == {s.source for s in said if s.kind is I}


@settings(max_examples=250, deadline=None)
@given(SAID)
def test_contradictory_serials_are_apart_and_names_are_unique(said: list[Statement]) -> None:
    merged = merge(said)
    by_source = {s.source: s for s in said if s.kind is D}
    for one in merged.objects[D].values():
        serials = [serial_tokens(str(by_source[f].attributes.get("serial", ""))) for f in one.facts if f in by_source]
        serials = [found for found in serials if found]
        assert all(a & b for a in serials for b in serials)
    assert len({d.object.key[0].casefold() for d in merged.devices}) == len(merged.devices)
