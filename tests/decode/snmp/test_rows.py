"""Walked tables to rows: which counter is believed, names, joins, sensors, what is no measurement."""

from __future__ import annotations

import numpy as np
import pytest

from weft.decode.snmp import ber
from weft.decode.snmp.columns import ColumnData, split_index, text
from weft.decode.snmp.layout import layout
from weft.decode.snmp.library import load
from weft.decode.snmp.rows import RowMaker, needless
from weft.model.labels import labels_text

from .tables import READ, column, interfaces, table

LIBRARY = load()


def rows_of(profile, walked, metric=None, **more):
    maker = RowMaker(layout(LIBRARY.profiles[profile], walked))
    found = maker.batch(maker.values(walked, READ, **more), b"\1" * 16, "r1", 5).to_pylist()
    return [row for row in found if metric in (None, row["metric"])]


def values(profile, walked, metric, **more):
    return {row["component"]: row["value"] for row in rows_of(profile, walked, metric, **more)}


def test_a_row_has_everything_that_it_must():
    walked = {"interfaces": interfaces({1: "eth0", 2: "eth1"}, in_octets={1: 10, 2: 2**60}, oper_status={1: 1, 2: 2})}
    row = rows_of("generic", walked, "in_octets")[1]
    assert (row["component"], row["if_index"], row["value"], row["labels"]) == ("eth1", 2, float(2**60), "")
    assert (row["metric_type"], row["source"], row["host"], row["exporter"]) == (1, 2, "r1", b"\1" * 16)
    assert (row["time"].value, row["time_received"].value) == (READ, 5)
    assert {r["metric_type"] for r in rows_of("generic", walked, "oper_status")} == {2}


def test_64_bit_counters_are_preferred_row_by_row():
    walked = {
        "interfaces": interfaces(
            {1: "a", 2: "b", 3: "c"}, in_octets={1: 2**40, 3: 0}, in_octets_32={1: 5, 2: 7, 3: 9},
            out_octets={1: 1, 2: 2, 3: 3}, out_octets_32={1: 1, 2: 2, 3: 3},
        )
    }  # fmt: skip
    assert values("generic", walked, "in_octets") == {"a": 2**40, "b": 7, "c": 9}
    maker = RowMaker(layout(LIBRARY.profiles["generic"], walked))
    found = next(one for one in maker.values(walked, READ) if one.name == "in_octets")
    assert found.wide.tolist() == [True, False, False]
    # where the 64-bit column has every row, the other is not read again
    spare = needless(maker.tables, walked)
    assert ("interfaces", "out_octets_32") in spare
    assert ("interfaces", "in_octets_32") not in spare


def test_names_come_from_ifname_and_else_from_ifdescr():
    walked = {"interfaces": interfaces({1: "", 2: "b"}, descr={1: "Serial0", 2: "B"}, in_octets={1: 1, 2: 2})}
    assert values("generic", walked, "in_octets") == {"Serial0": 1, "b": 2}


def test_speeds_take_ifhighspeed_and_else_ifspeed():
    names = {1: "a", 2: "b", 3: "c"}
    walked = {
        "interfaces": interfaces(names, high_speed={1: 400_000, 2: 0, 3: 0}, low_speed={1: 2**32 - 1, 2: 64000, 3: 0})
    }
    assert values("generic", walked, "speed_bps") == {"a": 4e11, "b": 64000}
    assert values("generic", walked, "speed_bps", slow=False) == {}


def test_time_since_a_change_is_from_sysuptime():
    walked = {"interfaces": interfaces({1: "a", 2: "b"}, last_change={1: 1000, 2: 99_999_999})}
    assert values("generic", walked, "last_change_s", uptime_s=60.0) == {"a": 50}


def test_memory_is_told_from_disks_by_type_and_scaled_by_units():
    ram, disk = (ber.oid(f"1.3.6.1.2.1.25.2.1.{kind}") for kind in (2, 4))
    walked = {
        "storage": table(
            {"type": {1: ram, 31: disk, 32: disk}, "descr": {1: "RAM", 31: "/", 32: "/"},
             "units": {1: 1024, 31: 4096, 32: 1},
             "size": {1: 1000, 31: 10, 32: 1}, "used": {1: 400, 31: 5, 32: 1}}
        )
    }  # fmt: skip
    assert values("generic", walked, "memory_used_bytes") == {"RAM": 409_600}
    assert values("generic", walked, "storage_used_bytes") == {"/ #31": 20_480, "/ #32": 1}  # one name, two series


def test_text_that_holds_a_number_counts():
    walked = {"load": table({"name": {1: "Load-1"}, "load": {1: "0.25"}})}
    assert values("net-snmp", walked, "load_average") == {"Load-1": 0.25}


def sensors(*rows):
    """(name, type, scale, precision, value, status) of physical entities 10, 11 …"""
    at = range(10, 10 + len(rows))
    return {
        "entity": table({"name": {i: r[0] for i, r in zip(at, rows, strict=True)}, "contained_in": dict.fromkeys(at, 5),
                         "class": dict.fromkeys(at, 8)}),
        "sensors": table({name: {i: r[n] for i, r in zip(at, rows, strict=True)}
                          for n, name in enumerate(("type", "scale", "precision", "value", "status"), 1)}),
    }  # fmt: skip


def test_sensors_are_told_by_type_and_name():
    walked = sensors(
        ("CPU temperature", 8, 9, 1, 455, 1), ("Fan 1", 10, 9, 0, 4200, 1), ("PSU 1 input", 6, 9, 0, 350, 1),
        ("Broken", 8, 9, 0, 30, 2), ("Rail", 4, 8, 0, 12000, 1), ("Impossible", 8, 9, 0, 32767, 1),
    )  # fmt: skip
    found = {(row["metric"], row["component"]): row["value"] for row in rows_of("generic", walked)}
    assert found == {
        ("temperature_celsius", "CPU temperature"): 45.5, ("fan_rpm", "Fan 1"): 4200,
        ("power_watts", "PSU 1 input"): 350, ("voltage_v", "Rail"): pytest.approx(12.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind", "scale", "precision", "value", "expected"),
    [
        ("Ethernet1/1 Lane 2 Transceiver Receive Power Sensor", 14, 9, 2, -312,
         ("optical_rx_dbm", "Ethernet1/1", 'lane="2"', -3.12)),
        ("Te1/1/1 Transmit Power Sensor", 14, 9, 1, -25, ("optical_tx_dbm", "Te1/1/1", "", -2.5)),
        ("DOM RX Power Sensor for Ethernet49/1", 14, 9, 2, -150, ("optical_rx_dbm", "Ethernet49/1", "", -1.5)),
        ("DOM TX Bias Sensor for Ethernet49/1", 5, 7, 0, 6500, ("optical_bias_ma", "Ethernet49/1", "", 6.5)),
        ("Xcvr for Ethernet3", 8, 9, 0, 31, ("laser_temperature_celsius", "Ethernet3", "", 31)),
        ("HundredGigE0/0/0/1 Rx power", 6, 7, 0, 501, ("optical_rx_dbm", "HundredGigE0/0/0/1", "", -3.0)),
    ],
)  # fmt: skip
def test_optics_are_told_by_their_names(name, kind, scale, precision, value, expected):
    (row,) = rows_of("generic", sensors((name, kind, scale, precision, value, 1)))
    assert (row["metric"], row["component"], row["labels"]) == expected[:3]
    assert row["value"] == pytest.approx(expected[3], abs=0.01)


def test_an_optics_interface_is_that_of_the_port_it_is_in():
    walked = sensors(("Receive Power Sensor", 14, 9, 0, -4, 1))
    walked["interfaces"] = interfaces({7: "xe-0/0/7"})
    walked["entity"]["contained_in"].values += [1]  # entity 5, the port, in the chassis
    for name, value in (("name", b"port"), ("class", 10)):
        walked["entity"][name].values += [value]
    for data in walked["entity"].values():
        data.keys += [ber.pack_arcs((5,))]
    walked["entity_alias"] = table({"target": {(5, 0): ber.oid("1.3.6.1.2.1.2.2.1.1.7")}})
    (row,) = rows_of("generic", walked, "optical_rx_dbm")
    assert (row["component"], row["if_index"], row["value"]) == ("xe-0/0/7", 7, -4)


def test_bgp_peers_have_their_as_and_an_uptime_only_while_established():
    peers = {"state": {(10, 0, 0, 1): 6, (10, 0, 0, 2): 3}, "established": {(10, 0, 0, 1): 100, (10, 0, 0, 2): 50},
             "remote_as": {(10, 0, 0, 1): 65001, (10, 0, 0, 2): 4_200_000_000}}  # fmt: skip
    walked = {"bgp": table(peers)}
    assert values("generic", walked, "bgp_peer_state") == {"10.0.0.1": 6, "10.0.0.2": 3}
    assert values("generic", walked, "bgp_peer_uptime_s") == {"10.0.0.1": 100}
    assert rows_of("generic", walked, "bgp_peer_state")[1]["labels"] == 'remote_as="4200000000"'


def test_a_vendors_table_of_peers_takes_the_place_of_the_standard_one():
    v6 = (2, 16, *(0x20, 1, 0xD, 0xB8), *(0,) * 11, 1)
    walked = {
        "bgp": table({"state": {(10, 0, 0, 1): 6}, "remote_as": {(10, 0, 0, 1): 1}}),
        "bgp2": table({"state": {(1, 4, 10, 0, 0, 1): 6, v6: 6}, "remote_as": {(1, 4, 10, 0, 0, 1): 1, v6: 2}}),
        "bgp2_prefixes": table({"accepted": {(*v6, 2, 1): 12, (*v6, 25, 70): 3}}),
    }
    assert values("cisco-ios", walked, "bgp_peer_state") == {"10.0.0.1": 6, "2001:db8::1": 6}
    prefixes = {row["labels"]: row["value"] for row in rows_of("cisco-ios", walked, "bgp_prefixes_accepted")}
    assert prefixes == {'afi_safi="ipv6_unicast"': 12, 'afi_safi="l2vpn_evpn"': 3}


def test_junipers_prefixes_find_their_peer_by_its_number():
    peer = (0, 1, 10, 0, 0, 9, 1, 10, 0, 0, 1)
    walked = {
        "jnx_bgp": table({"state": {peer: 6}, "remote_as": {peer: 65001}, "peer_index": {peer: 4}}),
        "jnx_bgp_prefixes": table({"received": {(4, 1, 1): 900}}),
    }
    assert values("juniper-junos", walked, "bgp_prefixes_received") == {"10.0.0.1": 900}


def test_powers_of_vendors_are_dbm():
    names = {"interfaces": interfaces({35684352: "1/1/c1/1"})}
    optics = table({"rx": {(1, 35684352): 6872}, "tx": {(1, 35684352): 0}})
    found = values("nokia-sros", {**names, "sros_optics": optics}, "optical_rx_dbm")
    assert found == {"1/1/c1/1": pytest.approx(-1.63, abs=0.01)}
    jnx = {"interfaces": interfaces({593: "et-0/0/1"}), "jnx_lanes": table({"rx": {(593, 0): -197}})}
    (row,) = rows_of("juniper-junos", jnx, "optical_rx_dbm")
    assert (row["component"], row["labels"], row["value"]) == ("et-0/0/1", 'lane="0"', pytest.approx(-1.97))
    for raw, dbm in ((-512, -5.12), (500, -3.01), (0, None)):
        found = values(
            "huawei-vrp",
            {"entity": table({"name": {3: "40GE1/0/1"}}), "vrp_optics": table({"rx": {3: raw}})},
            "optical_rx_dbm",
        )
        assert found == ({} if dbm is None else {"40GE1/0/1": pytest.approx(dbm, abs=0.01)})


def test_queues_and_pfc_of_sonic():
    walked = {
        "interfaces": interfaces({1: "Ethernet0"}),
        "pfc": table({"rx": {(1, 3): 77}, "tx": {(1, 3): 5}}),
        "queues": table({"value": {(1, 2, 4, kind): kind * 10 for kind in range(1, 9)}}),
    }
    found = {(r["metric"], r["labels"]): r["value"] for r in rows_of("sonic", walked) if r["component"] == "Ethernet0"}
    assert found["pfc_rx_pkts", 'priority="3"'] == 77
    assert found["queue_out_octets", 'cast="unicast",queue="4"'] == 20
    assert found["queue_dropped_pkts", 'cast="multicast",queue="4"'] == 70
    assert len(found) == 10


def test_a_row_that_is_new_is_known_as_such_and_left_out():
    walked = {"interfaces": interfaces({1: "a"}, in_octets={1: 1})}
    maker = RowMaker(layout(LIBRARY.profiles["generic"], walked))
    later = {"interfaces": {"in_octets": column({2: 9, 1: 5}, ber.COUNTER64)}}
    assert maker.unknown(later) == 1
    assert maker.unknown(walked) == 0
    found = maker.batch(maker.values(later, READ), bytes(16), "", 5).to_pylist()
    assert [(row["component"], row["value"]) for row in found] == [("a", 5)]


def test_columns_of_several_answers_keep_the_time_of_each():
    data = ColumnData([b"\1", b"\2", b"\3"], [1, 2, 3], ber.GAUGE32, [(2, 10), (1, 20)])
    assert data.times().tolist() == [10, 10, 20]
    assert np.isnan(ColumnData([b"\1"], [b"word"], ber.OCTETS, [(1, 1)]).numbers()).all()


@pytest.mark.parametrize(
    ("parts", "arcs", "shown"),
    [
        ([("a", "number"), ("b", "string")], (5, 2, 104, 105), ["5", "hi"]),
        ([("p", "address")], (2, 16, *(0,) * 15, 1), ["::1"]),
        ([("p", "address")], (3, 8, 10, 0, 0, 1, 0, 0, 0, 5), ["10.0.0.1"]),
        ([("p", "typed"), ("n", "number")], (1, 10, 0, 0, 1, 7), ["10.0.0.1", "7"]),
        ([("m", "octets")], (6, 0, 17, 34, 51, 68, 85), ["00:11:22:33:44:55"]),
        ([("r", "rest")], (4, 5, 6), ["4.5.6"]),
        ([("w", "implied")], (104, 105), ["hi"]),
        ([("a", "number")], (1, 2), None),
        ([("a", "number"), ("b", "number")], (1,), None),
        ([("b", "string")], (9, 104), None),
        ([("b", "string")], (1, 300), None),
    ],
)
def test_indexes_are_taken_apart(parts, arcs, shown):
    assert split_index(ber.pack_arcs(arcs), parts) == shown


def test_text_is_cleaned():
    assert text(b"Uplink\0\0") == "Uplink"
    assert text(b"a\nb\x07") == "a b"
    assert text("Zürich".encode("latin-1")) == "Zürich"
    assert text(bytes(range(0x80, 0x98))) == bytes(range(0x80, 0x98)).hex(":")
    assert text(b"\x00\x11\x22\x33\x44\x55", "mac") == "00:11:22:33:44:55"
    assert labels_text({"b": 'x"y\\', "a": "1", "c": ""}.items()) == 'a="1",b="x\\"y\\\\"'
