"""Tables to the inventory: device, interfaces with addresses and aggregates, neighbours and links."""

from __future__ import annotations

from weft.decode.snmp import ber
from weft.decode.snmp.facts import SystemFacts, device_facts, neighbour_facts
from weft.decode.snmp.layout import layout
from weft.decode.snmp.library import load
from weft.model.inventory import ATTRIBUTES, ObjectKind

from .tables import interfaces, table

PROFILE = load().profiles["arista-eos"]
DESCR = "Arista Networks EOS version 4.26.4M running on an Arista Networks DCS-7050TX"
SYSTEM = SystemFacts("192.0.2.1", DESCR, "", "leaf1", "Rack 4", "noc")


def walked():
    return {
        "interfaces": interfaces(
            {1: "Et1", 2: "Et2", 100: "Po1"}, descr={1: "Ethernet1", 2: "Ethernet2", 100: "Port-Channel1"},
            alias={1: "to spine1", 2: "", 100: ""}, type={1: 6, 2: 6, 100: 161}, mtu={1: 9214, 2: 1500, 100: 1500},
            mac={1: b"\0\x1c\x73\0\0\1", 2: bytes(6), 100: b""}, admin={1: 1, 2: 2, 100: 1},
            high_speed={1: 100_000, 2: 0, 100: 200_000}, low_speed={1: 2**32 - 1, 2: 0, 100: 2**32 - 1},
        ),
        "addresses": table(
            {"if_index": {(1, 4, 10, 0, 0, 1): 1, (2, 16, *(0,) * 15, 1): 2, (1, 4, 10, 0, 0, 255): 1},
             "kind": {(1, 4, 10, 0, 0, 1): 1, (2, 16, *(0,) * 15, 1): 1, (1, 4, 10, 0, 0, 255): 3},
             "prefix": {(1, 4, 10, 0, 0, 1): ber.oid("1.3.6.1.2.1.4.32.1.5.1.1.4.10.0.0.0.31"),
                        (2, 16, *(0,) * 15, 1): ber.oid("0.0"), (1, 4, 10, 0, 0, 255): ber.oid("0.0")}}
        ),
        "addresses_old": table(
            {"if_index": {(10, 0, 0, 1): 1, (10, 9, 0, 1): 100},
             "mask": {(10, 0, 0, 1): b"\xff" * 4, (10, 9, 0, 1): b"\xff\xff\xff\0"}}
        ),
        "lag": table({"attached": {1: 100, 2: 0, 100: 100}}),
        "ethernet": table({"duplex": {1: 3, 2: 1}}),
        "entity": table({"class": {1: 3}, "model": {1: "DCS-7050TX-64"}, "serial": {1: "JPE1"}, "software": {1: ""}}),
    }  # fmt: skip


def test_the_device_and_its_interfaces():
    device, *ports = device_facts(SYSTEM, PROFILE, layout(PROFILE, walked()))
    assert (device.kind, device.key) == (ObjectKind.DEVICE, ("leaf1",))
    assert device.attributes == {
        "name": "leaf1", "addresses": ["192.0.2.1", "10.0.0.1", "10.9.0.1"], "description": SYSTEM.descr,
        "location": "Rack 4", "contact": "noc", "platform": "arista-eos", "vendor": "Arista", "os": "EOS",
        "os_version": "4.26.4M", "model": "DCS-7050TX", "serial": "JPE1",
    }  # fmt: skip
    first, second, lag = (port.attributes for port in ports)
    assert ports[0].key == ("leaf1", "Et1")
    assert first == {
        "name": "Et1", "short_name": "Et1", "if_index": 1, "description": "to spine1", "speed_bps": 100_000_000_000,
        "mac": "00:1c:73:00:00:01", "mtu": 9214, "type": "ethernet", "addresses": ["10.0.0.1/31"], "lag": "Po1",
        "enabled": True, "duplex": "full",
    }  # fmt: skip
    assert (second["enabled"], second["addresses"]) == (False, ["::1/128"])
    assert not {"lag", "mac", "duplex"} & second.keys()
    assert (lag["type"], lag["addresses"]) == ("lag", ["10.9.0.1/24"])
    for fact in (device, *ports):
        assert set(fact.attributes) <= set(ATTRIBUTES[fact.kind])


def test_a_device_without_a_name_of_its_own_goes_by_its_address():
    for name in ("", "localhost", "Router", "switch"):
        assert SystemFacts("192.0.2.1", name=name).key == "192.0.2.1"


def test_a_better_known_speed_wins():
    _, port, *_ = device_facts(SYSTEM, PROFILE, layout(PROFILE, walked()), {"Et1": 1e9})
    assert port.attributes["speed_bps"] == 1e9


def test_members_are_told_by_the_stack_where_there_is_no_lag_mib():
    tables = walked()
    del tables["lag"]
    tables["stack"] = table({"status": {(100, 2): 1, (0, 100): 1, (2, 0): 1}})
    facts = {f.key[-1]: f.attributes for f in device_facts(SYSTEM, PROFILE, layout(PROFILE, tables))}
    assert facts["Et2"]["lag"] == "Po1"
    assert "lag" not in facts["Et1"]


def remote(rows):
    names = ("chassis_id", "port_kind", "port_id", "port_descr", "system_name", "system_descr")
    return table({name: {index: row[at] for index, row in rows.items()} for at, name in enumerate(names)})


def test_neighbours_become_links():
    tables = walked()
    mac = b"\0\1\2\3\4\5"
    tables["lldp_remote"] = remote({
        (0, 1, 1): (mac, 5, "et-0/0/9", "to leaf1", "spine1", "JUNOS"),
        (0, 2, 2): (mac, 3, mac, "eth0", "", ""),
        (0, 7, 3): (mac, 5, "x", "x", "lost", ""),
    })  # fmt: skip
    tables["lldp_remote_addresses"] = table({"if_kind": {(0, 2, 2, 1, 4, 192, 0, 2, 9): 2}})
    tables["lldp_local_ports"] = table(
        {"id_kind": {1: 5, 2: 5}, "port_id": {1: "Ethernet1", 2: "Et2"}, "description": {1: "Et1", 2: ""}}
    )
    facts = neighbour_facts(SYSTEM, layout(PROFILE, tables))
    links = {fact.key for fact in facts if fact.kind is ObjectKind.LINK}
    assert links == {("leaf1", "Et1", "spine1", "et-0/0/9"), ("192.0.2.9", "eth0", "leaf1", "Et2")}
    devices = {fact.key[0]: fact.attributes for fact in facts if fact.kind is ObjectKind.DEVICE}
    assert devices["spine1"] == {"name": "spine1", "description": "JUNOS", "chassis_id": "00:01:02:03:04:05"}
    assert devices["192.0.2.9"]["addresses"] == ["192.0.2.9"]
    assert all(set(fact.attributes) <= set(ATTRIBUTES[fact.kind]) for fact in facts)


def test_tables_that_make_no_sense_do_no_harm():
    tables = walked()
    tables["lldp_remote"] = remote({(0, 1, 1): (b"", 9, b"\xff\xfe", b"\0", b"", b"")})
    tables["addresses"]["prefix"].values[0] = b"nonsense"
    tables["addresses_old"]["mask"].values = [b"\xff\0\xff\0", b"x"]
    tables["interfaces"]["mtu"].values = [b"?", None, 7]
    assert device_facts(SYSTEM, PROFILE, layout(PROFILE, tables))
    assert neighbour_facts(SYSTEM, layout(PROFILE, tables)) == []
