"""What messages become: paths, values in every form, times, deletions, facts, bounds."""

import math
import struct

import numpy as np
import pytest
from tests.decode.gnmi.messages import NOW, decoder, note, path, rows, sync, typed, values

from weft.decode.gnmi.leaves import Limits
from weft.decode.gnmi.proto import pb
from weft.model.inventory import ObjectKind

PORT = "/interfaces/interface[name=Ethernet1]"


def one(updates, *, now=NOW, **fields):
    """(rows of one message, what was counted)."""
    out = decoder().decode([note(updates, **fields)], now)
    return values(out), out.skipped


def test_prefix_and_path_are_one():
    split = note({"state/counters/in-octets": 5}, prefix="openconfig:/interfaces/interface[name=Ethernet1]")
    whole = note({"/openconfig-interfaces:interfaces/interface[name=Ethernet1]/state/counters/in-octets": 6})
    gnmi = decoder()
    out = gnmi.decode([split, whole], NOW)
    assert [(row["metric"], row["component"], row["value"]) for row in rows(out)] == [
        ("in_octets", "Ethernet1", 5.0), ("in_octets", "Ethernet1", 6.0),
    ]  # fmt: skip
    assert {row["metric_type"] for row in rows(out)} == {1}
    assert out.rows.column("host").to_pylist() == ["r1", "r1"]


def test_the_order_of_keys_on_the_wire_does_not_matter():
    gnmi = decoder()
    base = note({"/a/b[one=1][two=2]/c": 3})  # protobuf itself writes the keys now in this order, now in that
    one, two = b"\n\x03one\x12\x011", b"\n\x03two\x12\x012"
    twisted = base.replace(one, b"@@@@").replace(two, one).replace(b"@@@@", two)
    assert twisted != base
    found = rows(gnmi.decode([base, twisted], NOW))
    assert [(row["metric"], row["component"], row["labels"]) for row in found] == [("a_b_c", "1", 'two="2"')] * 2


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (pb.TypedValue(uint_val=2**64 - 1), float(2**64 - 1)),
        (pb.TypedValue(int_val=-5), -5.0),
        (pb.TypedValue(float_val=0.5), 0.5),
        (pb.TypedValue(double_val=1e300), 1e300),
        (pb.TypedValue(decimal_val=pb.Decimal64(digits=-12345, precision=3)), -12.345),
        (pb.TypedValue(bool_val=True), 1.0),
        (pb.TypedValue(json_val=b"17"), 17.0),
        (pb.TypedValue(json_ietf_val=b'"18446744073709551615"'), float(2**64 - 1)),
        (pb.TypedValue(json_ietf_val=b'"42"'), 42.0),
        (pb.TypedValue(json_ietf_val=b'"-1.5"'), -1.5),
        (pb.TypedValue(json_ietf_val=b"1.25"), 1.25),
        (pb.TypedValue(ascii_val="12"), 12.0),
        (pb.TypedValue(string_val="12"), 12.0),  # a counter, so the text is a number
    ],
)
def test_numbers_in_every_form(value, number):
    leaf = f"{PORT}/state/counters/in-octets"
    gnmi = decoder()
    for _ in range(2):  # once when the path is new, once when it is known
        found = values(gnmi.decode([note({leaf: value})], NOW))
        assert found == {("in_octets", "Ethernet1", ""): number}


def test_the_message_of_old_still_counts():
    update = pb.Update(path=path(f"{PORT}/state/mtu2"), value=pb.Value(value=b"9000", type=0))
    message = pb.SubscribeResponse(update=pb.Notification(timestamp=NOW, update=[update]))
    old = pb.Path(element=["interfaces", "interface[name=Ethernet1]", "state", "counters", "in-octets"])
    message.update.update.add(path=old, val=typed(3))
    found = values(decoder().decode([message.SerializeToString()], NOW))
    assert found["interfaces_interface_state_mtu2", "Ethernet1", ""] == 9000
    assert found["in_octets", "Ethernet1", ""] == 3


def test_states_are_numbers_whatever_they_are_called():
    gnmi = decoder()
    for text, number in (
        ("UP", 1),
        ("openconfig-interfaces:DOWN", 2),
        ("LOWER_LAYER_DOWN", 7),
        ("lower-layer-down", 7),
    ):
        for value in (text, f'"{text}"'.encode()):
            assert values(gnmi.decode([note({f"{PORT}/state/oper-status": value})], NOW)) == {
                ("oper_status", "Ethernet1", ""): number
            }
    out = gnmi.decode([note({f"{PORT}/state/oper-status": "MELTED"})], NOW)
    assert values(out) == {("oper_status_text", "Ethernet1", ""): "MELTED"}
    assert out.skipped == {"unknown_word": 1}


def test_a_tree_of_json_is_flattened_with_the_keys_of_its_lists():
    tree = b"""{"openconfig-interfaces:interface": [
        {"name": "Ethernet1", "state": {"oper-status": "UP", "counters": {"in-octets": "1099511627776"}},
         "subinterfaces": {"subinterface": [{"index": 3, "state": {"counters": {"out-octets": 9}}}]}},
        {"name": "Ethernet2", "state": {"enabled": false, "counters": {"in-octets": "2"}}}]}"""
    expected = {
        ("oper_status", "Ethernet1", ""): 1.0, ("in_octets", "Ethernet1", ""): 2.0**40,
        ("out_octets", "Ethernet1.3", ""): 9.0, ("in_octets", "Ethernet2", ""): 2.0,
    }  # fmt: skip
    gnmi = decoder()
    assert values(gnmi.decode([note({"/interfaces": tree})], NOW)) == expected
    wrapped = b'{"openconfig-interfaces:interfaces": ' + tree + b"}"  # as SONiC answers
    assert values(gnmi.decode([note({"/openconfig-interfaces:interfaces": wrapped})], NOW)) == expected
    assert values(gnmi.decode([note({"/": wrapped})], NOW)) == expected
    enabled = {fact.key[1]: fact.attributes.get("enabled") for fact in gnmi.facts()[0] if len(fact.key) == 2}
    assert enabled["Ethernet2"] is False


def test_lists_of_json_that_no_rule_knows():
    tree = b'{"x:rows": {"row": [{"id": 1, "config": {"v": 5}}, {"id": 2, "config": {"v": [1, 2]}, "e": [null]}]}}'
    found, _ = one({"/top": tree})
    assert found == {
        ("top_rows_row_config_v", "1", ""): 5.0, ("top_rows_row_config_v", "2", ""): "1,2",
        ("top_rows_row_e", "2", ""): 1.0,
    }  # fmt: skip


def test_leaf_lists_are_one_text_in_their_order():
    found, _ = one({"/a/numbers": [3, 1, 2], "/a/words": ["x", "y"], "/a/mixed": b'["b", "a"]'})
    assert found == {("a_numbers", "", ""): "3,1,2", ("a_words", "", ""): "x,y", ("a_mixed", "", ""): "b,a"}


def test_bytes_are_floats_where_the_leaf_is_a_number():
    raw = struct.pack(">f", 56.5)
    found, _ = one({
        "/components/component[name=PSU1]/power-supply/state/output-power": pb.TypedValue(bytes_val=raw),
        "/x/blob": pb.TypedValue(bytes_val=b"\x01\xff"),
    })  # fmt: skip
    assert found == {("power_watts", "PSU1", ""): 56.5, ("x_blob", "", ""): "01ff"}


def test_what_has_no_value_is_counted():
    found, skipped = one({
        "/a": pb.TypedValue(proto_bytes=b"x"), "/b": pb.TypedValue(any_val={}), "/c": pb.TypedValue(),
        "/d": pb.TypedValue(json_val=b"{"), f"{PORT}/state/counters/in-octets": "N/A",
    })  # fmt: skip
    assert not found
    assert skipped == {"proto_bytes": 2, "no_value": 1, "bad_json": 1, "not_there": 1}


def test_text_is_told_again_only_when_it_changes_or_after_an_hour():
    gnmi, leaf = decoder(), "/system/alarms/alarm[id=7]/state/severity"
    said = [
        len(rows(gnmi.decode([note({leaf: text})], NOW + after)))
        for text, after in (("MAJOR", 0), ("MAJOR", 10**9), ("MINOR", 2 * 10**9), ("MINOR", 3700 * 10**9))
    ]
    assert said == [1, 0, 1, 1]


@pytest.mark.parametrize(
    ("stamp", "time", "reason"),
    [
        (NOW - 10**9, NOW - 10**9, None),
        (NOW // 10**9, NOW // 10**9 * 10**9, "stamp_unit"),
        (NOW // 10**6, NOW, "stamp_unit"),
        (NOW // 10**3, NOW, "stamp_unit"),
        (0, NOW, "stamp_zero"),
        (-5, NOW, "stamp_zero"),
        (NOW + 3600 * 10**9, NOW, "stamp_future"),
        (NOW - 86400 * 10**9, NOW, None),  # when it changed; it was read now
    ],
)
def test_stamps_that_cannot_be(stamp, time, reason):
    out = decoder().decode([note({f"{PORT}/state/counters/in-octets": 1}, stamp=stamp)], NOW)
    assert rows(out)[0]["time"] == time
    assert out.skipped == ({reason: 1} if reason else {})


def test_rows_of_an_interface_carry_its_index_from_the_first_message_on():
    gnmi = decoder()
    first = gnmi.decode([note({f"{PORT}/state/counters/in-octets": 1}), note({f"{PORT}/state/ifindex": 17})], NOW)
    later = gnmi.decode([note({f"{PORT}/state/counters/in-octets": 2, f"{PORT}/state/oper-status": "UP"})], NOW)
    assert first.rows.column("if_index").to_pylist() == [17]
    assert later.rows.column("if_index").to_pylist() == [17, 17]
    other = gnmi.decode([note({"/interfaces/interface[name=Ethernet2]/state/counters/in-octets": 2})], NOW)
    assert other.rows.column("if_index").to_pylist() == [0]


def test_a_deletion_is_a_row_and_takes_facts_back():
    gnmi = decoder()
    gnmi.decode([note({f"{PORT}/state/description": "old", f"{PORT}/state/ifindex": 3, "/x/y": "text"})], NOW)
    assert any(fact.attributes.get("description") == "old" for fact in gnmi.facts()[0])
    out = gnmi.decode([note(delete=[PORT], updates={"/x/y": "text"})], NOW)
    assert values(out) == {("deleted", "Ethernet1", ""): PORT}
    assert (out.deletes, out.withdrawn, out.facts_changed) == (1, 2, True)
    assert [fact.kind for fact in gnmi.facts()[0]] == [ObjectKind.DEVICE]
    again = gnmi.decode([note(delete=["/x"], updates={"/x/y": "text"})], NOW)
    assert values(again)["x_y", "", ""] == "text"  # what was deleted and came back is told


def test_an_atomic_notification_replaces_what_was_below_its_prefix():
    gnmi = decoder()
    gnmi.decode([note({"state/description": "a", "state/mtu": 1500}, prefix=PORT)], NOW)
    gnmi.decode([note({"state/mtu": 9000}, prefix=PORT, atomic=True)], NOW)
    (port,) = (fact for fact in gnmi.facts()[0] if fact.kind is ObjectKind.INTERFACE)
    assert port.attributes == {"name": "Ethernet1", "mtu": 9000}


def test_aliases_stand_for_prefixes():
    gnmi = decoder()
    define = pb.SubscribeResponse(
        update=pb.Notification(timestamp=NOW, alias="#p1", prefix=path(f"{PORT}/state/counters"))
    ).SerializeToString()
    use = note({"in-octets": 4}, prefix="/#p1")
    assert values(gnmi.decode([define, use], NOW)) == {("in_octets", "Ethernet1", ""): 4.0}
    assert values(gnmi.decode([use], NOW)) == {("in_octets", "Ethernet1", ""): 4.0}


def test_sync_and_duplicates_are_counted():
    message = pb.SubscribeResponse(update=pb.Notification(timestamp=NOW))
    message.update.update.add(path=path("/a/b"), val=typed(1), duplicates=3)
    out = decoder().decode([message.SerializeToString(), sync(), message.SerializeToString()], NOW)
    assert (out.syncs, out.before_sync, out.duplicates, out.updates, out.messages) == (1, 1, 6, 2, 3)


def test_a_gateway_tells_devices_apart_by_target():
    gnmi = decoder(by_target=True)
    out = gnmi.decode([note({"/a/b": 1}, target="x"), note({"/a/b": 2}, target="y"), note({"/a/b": 3})], NOW)
    assert [(row["host"], row["value"]) for row in rows(out)] == [("x", 1.0), ("y", 2.0), ("r1", 3.0)]
    for host in "xy":
        gnmi.decode([note({f"{PORT}/state/description": f"of {host}"}, target=host)], NOW)
    described = {fact.key: fact.attributes.get("description") for fact in gnmi.facts()[0] if len(fact.key) == 2}
    assert described == {("x", "Ethernet1"): "of x", ("y", "Ethernet1"): "of y"}


BGP = "/network-instances/network-instance[name={vrf}]/protocols/protocol[identifier=BGP][name=bgp]/bgp/neighbors"


def test_labels_from_other_leaves_hold_for_the_whole_message_and_later():
    peer = BGP.format(vrf="red") + "/neighbor[neighbor-address=192.0.2.7]"
    gnmi = decoder()
    found = values(
        gnmi.decode([note({f"{peer}/state/session-state": "ESTABLISHED", f"{peer}/state/peer-as": 65001})], NOW)
    )
    assert found == {("bgp_peer_state", "192.0.2.7", 'remote_as="65001",vrf="red"'): 6.0}
    family = f"{peer}/afi-safis/afi-safi[afi-safi-name=IPV4_UNICAST]/state/prefixes/received"
    gnmi.decode([note({family: 10})], NOW)
    gnmi.decode([note({f"{peer}/state/peer-as": 65002})], NOW)
    found = values(gnmi.decode([note({family: 11})], NOW))
    assert found == {
        ("bgp_prefixes_received", "192.0.2.7", 'afi_safi="ipv4_unicast",remote_as="65002",vrf="red"'): 11.0
    }


def test_light_is_of_the_interface_that_the_transceiver_is_in():
    lane = "/components/component[name={}]/transceiver/physical-channels/channel[index=1]/state/input-power/instant"
    gnmi = decoder()
    linked = note({f"{PORT}/state/transceiver": "slot 7 optic", lane.format("slot 7 optic"): -2.5})
    assert values(gnmi.decode([linked], NOW)) == {("optical_rx_dbm", "Ethernet1", 'lane="1"'): -2.5}
    for name, port in (
        ("transceiver-Ethernet9", "Ethernet9"),
        ("Ethernet8-transceiver", "Ethernet8"),
        ("Eth3", "Eth3"),
    ):
        found = values(gnmi.decode([note({lane.format(name): -1.0})], NOW))
        assert found == {("optical_rx_dbm", port, 'lane="1"'): -1.0}


def test_times_since():
    boot = NOW - 100 * 10**9
    gnmi = decoder()
    leaf = f"{PORT}/state/last-change"
    assert values(gnmi.decode([note({leaf: boot + 40 * 10**9})], NOW)) == {}  # since when is not known yet
    found = values(gnmi.decode([note({"/system/state/boot-time": boot})], NOW))
    assert found == {("uptime_s", "", ""): 100.0}
    assert values(gnmi.decode([note({leaf: boot + 40 * 10**9})], NOW)) == {("last_change_s", "Ethernet1", ""): 40.0}


def test_facts_of_a_device_its_interfaces_and_neighbours():
    gnmi = decoder()
    ip = f"{PORT}/subinterfaces/subinterface[index=0]/ipv4/addresses/address[ip=198.51.100.1]/state/prefix-length"
    lldp = "/lldp/interfaces/interface[name=Ethernet1]/neighbors/neighbor[id=9]/state"
    gnmi.decode([note({
        "/system/state/hostname": "leaf1", "/system/state/software-version": "4.30",
        "/components/component[name=Chassis]/state/type": "openconfig-platform-types:CHASSIS",
        "/components/component[name=Chassis]/state/serial-no": "SN1",
        "/components/component[name=PSU]/state/serial-no": "SN2",
        f"{PORT}/state/description": "up", f"{PORT}/state/ifindex": 5, f"{PORT}/state/mtu": 9214,
        f"{PORT}/state/type": "iana-if-type:ethernetCsmacd", f"{PORT}/state/enabled": True,
        f"{PORT}/ethernet/state/mac-address": "00:1C:73:00:00:01", f"{PORT}/ethernet/state/port-speed": "SPEED_100GB",
        ip: 31, f"{lldp}/system-name": "spine1", f"{lldp}/port-id": "0011.2233.4455",
        f"{lldp}/port-id-type": "MAC_ADDRESS",
        f"{lldp}/port-description": "Ethernet4", f"{lldp}/management-address": "192.0.2.200",
        f"{lldp}/chassis-id": "00-11-22-33-44-55",
    })], NOW)  # fmt: skip
    own, neighbours = gnmi.facts()
    facts = {fact.key: dict(fact.attributes) for fact in own}
    assert facts["r1",] == {"name": "leaf1", "os_version": "4.30", "serial": "SN1", "addresses": ["192.0.2.1"]}
    assert facts["r1", "Ethernet1"] == {
        "name": "Ethernet1", "description": "up", "if_index": 5, "mtu": 9214, "type": "ethernet", "enabled": True,
        "mac": "00:1c:73:00:00:01", "speed_bps": 100_000_000_000, "addresses": ["198.51.100.1/31"],
    }  # fmt: skip
    device, link = neighbours
    assert device.attributes == {"name": "spine1", "chassis_id": "00:11:22:33:44:55", "addresses": ["192.0.2.200"]}
    assert link.key == ("r1", "Ethernet1", "spine1", "Ethernet4")


def ports(*names):
    return note({f"/interfaces/interface[name={name}]/state/counters/in-octets": 1 for name in names})


def test_names_and_series_of_one_target_are_bounded():
    gnmi = decoder(limits=Limits(names=3, series=20))
    out = gnmi.decode([note({f"/made/up{i}": i for i in range(10)})], NOW)
    assert out.skipped == {"too_many_names": 7}
    out = gnmi.decode([ports(*range(40))], NOW)
    assert len(rows(out)) == 17
    assert out.skipped == {"too_many_series": 23}


def test_paths_of_one_target_are_bounded_and_old_ones_make_room():
    gnmi = decoder(limits=Limits(paths=100))
    out = gnmi.decode([ports(*range(40))], NOW)
    assert 20 < len(rows(out)) < 40
    assert out.skipped == {"too_many_paths": 40 - len(rows(out))}
    assert not rows(gnmi.decode([ports("new")], NOW))
    assert len(rows(gnmi.decode([ports("new", "newer")], NOW + 2 * 3600 * 10**9))) == 2


def test_messages_larger_than_the_room(monkeypatch):
    monkeypatch.setattr("weft.decode.gnmi.decoder._ROWS", 64)
    many = {f"/interfaces/interface[name=e{i}]/state/counters/in-octets": i for i in range(500)}
    out = decoder().decode([note(many), note({"/a": 1})], NOW)
    assert out.rows.num_rows == 501
    assert np.sum(out.rows.column("value").to_numpy()) == sum(range(500)) + 1


def test_infinite_and_absent_numbers_are_no_rows():
    found, _ = one({"/a": pb.TypedValue(double_val=math.inf), "/b": pb.TypedValue(double_val=math.nan), "/c": 1.0})
    assert ("c", "", "") in found
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in found.values())
