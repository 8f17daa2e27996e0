"""Notifications to rows of logs."""

from __future__ import annotations

import json

import pytest

from weft.decode.snmp import ber, traps
from weft.decode.snmp.library import load
from weft.model.addresses import packed

RULES = load().traps


def notice(trap_oid, *binds, uptime=12345):
    found = ber.Varbinds()
    found.add(ber.oid("1.3.6.1.2.1.1.3.0"), ber.TIMETICKS, uptime)
    found.add(ber.oid("1.3.6.1.6.3.1.1.4.1.0"), ber.OID, ber.oid(trap_oid))
    for name, tag, value in binds:
        found.add(ber.oid(name), tag, value)
    return traps.notification(ber.Pdu(ber.TRAP, varbinds=found))


def read(*given, **more):
    row = traps.read(notice(*given, **more), RULES)
    return row, json.loads(row.fields)


def link(kind, admin=1):
    return read(
        f"1.3.6.1.6.3.1.1.5.{kind}", ("1.3.6.1.2.1.2.2.1.1.12", ber.INTEGER, 12),
        ("1.3.6.1.2.1.2.2.1.2.12", ber.OCTETS, b"GigabitEthernet0/1"), ("1.3.6.1.2.1.2.2.1.7.12", ber.INTEGER, admin),
        ("1.3.6.1.2.1.2.2.1.8.12", ber.INTEGER, kind - 2 if kind == 4 else 2),
    )  # fmt: skip


def test_a_link_that_goes_down():
    row, fields = link(3)
    assert (row.event, row.component, row.if_index, row.message_id) == (
        "INTERFACE_DOWN",
        "GigabitEthernet0/1",
        12,
        "linkDown",
    )
    state = fields["interfaces"]["interface"]["GigabitEthernet0/1"]["state"]
    assert state == {"oper-status": "DOWN", "admin-status": "UP", "ifindex": 12}
    assert fields["snmp"]["oid"] == "1.3.6.1.6.3.1.1.5.3"
    assert fields["snmp"]["uptime_s"] == 123.45
    assert row.message == "Interface GigabitEthernet0/1 went down"
    assert link(4)[0].event == "INTERFACE_UP"


def test_a_link_without_a_name_keeps_its_index():
    row, fields = read("1.3.6.1.6.3.1.1.5.3", ("1.3.6.1.2.1.2.2.1.1.4", ber.INTEGER, 4))
    assert (row.component, row.if_index) == ("", 4)  # the intake knows the name
    assert fields["interfaces"]["interface"]["4"]["state"]["ifindex"] == 4


@pytest.mark.parametrize("oid", ["1.3.6.1.2.1.15.0.2", "1.3.6.1.2.1.15.7.2"])
def test_a_bgp_peer_that_falls_back(oid):
    row, fields = read(
        oid,
        ("1.3.6.1.2.1.15.3.1.14.192.0.2.7", ber.OCTETS, b"\4\0"),
        ("1.3.6.1.2.1.15.3.1.2.192.0.2.7", ber.INTEGER, 1),
    )
    assert (row.event, row.component, row.severity) == ("BGP_NEIGHBOR_STATE_CHANGED", "192.0.2.7", 3)
    assert fields["bgp"]["neighbors"]["neighbor"]["192.0.2.7"]["state"]["session-state"] == "IDLE"


@pytest.mark.parametrize(
    ("oid", "event"),
    [
        ("1.3.6.1.6.3.1.1.5.1", "REBOOT"), ("1.3.6.1.6.3.1.1.5.2", "REBOOT"), ("1.3.6.1.6.3.1.1.5.5", "LOGIN_FAILED"),
        ("1.3.6.1.4.1.9.9.43.2.0.1", "CONFIG_COMMIT"), ("1.3.6.1.4.1.2636.4.5.0.1", "CONFIG_COMMIT"),
        ("1.3.6.1.4.1.30065.3.9.3.0.1", "CONFIG_COMMIT"), ("1.3.6.1.4.1.9.9.91.2.0.1", "SENSOR_THRESHOLD"),
        ("1.3.6.1.4.1.2636.4.1.3", "TEMPERATURE_ALARM"), ("1.0.8802.1.1.2.0.0.1", "LLDP_NEIGHBOR_CHANGED"),
    ],
)  # fmt: skip
def test_known_notifications_have_an_event_even_without_variables(oid, event):
    row, _ = read(oid)
    assert row.event == event
    assert row.message


def test_who_changed_a_configuration_is_said():
    row, _ = read(
        "1.3.6.1.4.1.9.9.43.2.0.1", ("1.3.6.1.4.1.9.9.43.1.1.6.1.3.8", ber.INTEGER, 1),
        ("1.3.6.1.4.1.9.9.43.1.1.6.1.4.8", ber.INTEGER, 2), ("1.3.6.1.4.1.9.9.43.1.1.6.1.5.8", ber.INTEGER, 3),
    )  # fmt: skip
    assert row.message == "The configuration changed by command line: command source to running"


def test_an_unknown_notification_keeps_everything():
    row, fields = read(
        "1.3.6.1.4.1.99999.0.7", ("1.3.6.1.4.1.99999.1.1", ber.OCTETS, b"too hot"),
        ("1.3.6.1.4.1.99999.1.2", ber.OID, ber.oid("1.3.6.1")),
        ("1.3.6.1.4.1.99999.1.3", ber.IP_ADDRESS, bytes([10, 0, 0, 1])),
    )  # fmt: skip
    assert (row.event, row.message_id, row.component) == ("", "1.3.6.1.4.1.99999.0.7", "")
    assert fields["snmp"]["varbinds"] == {
        "1.3.6.1.4.1.99999.1.1": "too hot", "1.3.6.1.4.1.99999.1.2": "1.3.6.1", "1.3.6.1.4.1.99999.1.3": "10.0.0.1",
    }  # fmt: skip
    assert "too hot" in row.message


def test_traps_of_snmpv1_are_mapped():
    def v1(generic, specific, agent=bytes(4)):
        return traps.notification(
            ber.Pdu(ber.TRAP_V1, trap=ber.TrapV1(ber.oid("1.3.6.1.4.1.9.9.43.2"), agent, generic, specific, 100))
        )

    assert ber.oid_text(v1(2, 0).oid) == "1.3.6.1.6.3.1.1.5.3"
    assert ber.oid_text(v1(6, 1).oid) == "1.3.6.1.4.1.9.9.43.2.0.1"
    assert (v1(0, 0).agent, v1(0, 0, bytes([10, 1, 1, 1])).agent) == ("", "10.1.1.1")
    relayed = v1(0, 0, bytes([10, 1, 1, 1]))
    assert traps.exporter_of("192.0.2.1", relayed, relayed=True) == packed("10.1.1.1")
    assert traps.exporter_of("192.0.2.1", relayed, relayed=False) == packed("192.0.2.1")


def test_rows_of_the_logs_table():
    row, _ = link(3)
    batch = traps.batch([traps.Received(row, packed("192.0.2.1"), "trap", 10**18)] * 2)
    first = batch.to_pylist()[0]
    assert (first["source"], first["clock"], first["program"], first["severity"]) == (4, 4, "trap", 3)
    assert first["time"].value == first["time_received"].value == 10**18


def test_a_notification_without_its_name_is_refused():
    with pytest.raises(ber.BerError):
        traps.notification(ber.Pdu(ber.TRAP))
    flood = ber.Varbinds()
    for at in range(500):
        flood.add(ber.oid(f"1.3.6.1.4.1.5.{at}"), ber.INTEGER, at)
    flood.add(ber.oid("1.3.6.1.6.3.1.1.4.1.0"), ber.OID, ber.oid("1.3.6.1.4.1.5"))
    assert len(traps.notification(ber.Pdu(ber.TRAP, varbinds=flood)).varbinds) == 64
