"""MIBs of simulated devices, from plain descriptions: system group, IF-MIB, addresses, sensors, BGP4-MIB, LLDP-MIB."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from weft.decode.snmp import ber
from weft.twin.agents.snmp import Mib, Oid, Variable

_WRAP32: Final = 1 << 32
_WRAP64: Final = 1 << 64
_IF: Final = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_IFX: Final = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
_PHYSICAL: Final = (1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1)
_ALIAS: Final = (1, 3, 6, 1, 2, 1, 47, 1, 3, 2, 1, 2)
_SENSOR: Final = (1, 3, 6, 1, 2, 1, 99, 1, 1, 1)
_BGP: Final = (1, 3, 6, 1, 2, 1, 15, 3, 1)
_LLDP: Final = (1, 0, 8802, 1, 1, 2, 1)
_ADDRESS: Final = (1, 3, 6, 1, 2, 1, 4, 34, 1)
_PREFIX: Final = (1, 3, 6, 1, 2, 1, 4, 32, 1, 5)
_LAG: Final = (1, 2, 840, 10006, 300, 43, 1, 2, 1, 1, 13)
_SENSOR_TYPES: Final = {"celsius": 8, "rpm": 10, "watts": 6, "dbm": 14, "volts": 4, "amperes": 5}
_PORT_ENTITY: Final = 100_000  # entPhysicalIndex of an interface's port: this plus its ifIndex
_SENSOR_ENTITY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Counters:
    """What an interface has counted since it came up."""

    in_octets: int = 0
    out_octets: int = 0
    in_pkts: int = 0
    out_pkts: int = 0
    in_errors: int = 0
    out_errors: int = 0
    in_discards: int = 0
    out_discards: int = 0


@dataclass
class AgentInterface:
    """An interface. ``counters`` is asked for the time of the request, UTC seconds."""

    index: int
    name: str
    alias: str = ""
    counters: Callable[[float], Counters] = lambda _: Counters()
    up: Callable[[float], bool] = lambda _: True
    admin_up: bool | Callable[[float], bool] = True
    speed_bps: int = 10_000_000_000
    kind: int = 6  # IANAifType
    mtu: int | Callable[[float], int] = 1500
    mac: bytes = b""
    addresses: tuple[str, ...] = ()  # with prefix length
    lag: int = 0  # ifIndex of the aggregate it belongs to
    rx_dbm: Callable[[float], float] | None = None
    tx_dbm: Callable[[float], float] | None = None
    wide: bool = True  # has 64-bit counters
    descr: str = ""  # ifDescr, where it is not the name
    discontinuity: Callable[[float], int] = lambda _: 0  # sysUpTime, hundredths


@dataclass
class AgentSensor:
    """A sensor of the chassis."""

    name: str
    kind: str  # celsius, rpm, watts …
    value: Callable[[float], float]


@dataclass
class AgentPeer:
    """A BGP peer; an IPv4 address."""

    address: str
    remote_as: int
    state: Callable[[float], int] = lambda _: 6
    established_s: Callable[[float], int] = lambda _: 3600


@dataclass
class AgentNeighbour:
    """What LLDP hears on a port."""

    local_index: int  # ifIndex
    system_name: str
    port: str
    chassis: bytes = b"\x02\x00\x00\x00\x00\x01"
    address: str = ""


@dataclass
class AgentDevice:
    """A device to simulate."""

    name: str
    descr: str = "Simulated device"
    object_id: str = "1.3.6.1.4.1.8072.3.2.255"
    location: str = ""
    contact: str = ""
    serial: str = ""
    model: str = ""
    chassis: bytes = b"\x02\x00\x00\x00\x00\xff"
    interfaces: list[AgentInterface] = field(default_factory=list)
    sensors: list[AgentSensor] = field(default_factory=list)
    peers: list[AgentPeer] = field(default_factory=list)
    neighbours: list[AgentNeighbour] = field(default_factory=list)
    cpus: list[Callable[[float], float]] = field(default_factory=list)  # percent
    memory: tuple[int, Callable[[float], int]] | None = None  # total and used, octets


def mib_of(device: AgentDevice) -> Mib:
    """The device's MIB. Values that are functions move; for another set of interfaces make another."""
    variables: dict[Oid, Variable] = {}
    _system(device, variables)
    for interface in device.interfaces:
        _interface(interface, variables)
        _optics(interface, variables)
    _entities(device, variables)
    _hosts(device, variables)
    for peer in device.peers:
        _peer(peer, variables)
    _lldp(device, variables)
    return Mib(variables)


def _text(value: str) -> Variable:
    return (ber.OCTETS, value.encode())


def _rows(variables: dict[Oid, Variable], entry: Oid, index: Oid, columns: Mapping[int, Variable]) -> None:
    for column, variable in columns.items():
        variables[(*entry, column, *index)] = variable


def _system(device: AgentDevice, variables: dict[Oid, Variable]) -> None:
    group: Oid = (1, 3, 6, 1, 2, 1, 1)
    values: dict[int, Variable] = {
        1: _text(device.descr), 2: (ber.OID, ber.oid(device.object_id)), 3: (ber.TIMETICKS, 0),
        4: _text(device.contact), 5: _text(device.name), 6: _text(device.location), 7: (ber.INTEGER, 6),
    }  # fmt: skip
    for scalar, variable in values.items():
        variables[(*group, scalar, 0)] = variable
    variables[(1, 3, 6, 1, 2, 1, 2, 1, 0)] = (ber.INTEGER, len(device.interfaces))


def _counter(one: AgentInterface, name: str, wrap: int) -> Variable:
    tag = ber.COUNTER64 if wrap == _WRAP64 else ber.COUNTER32

    def value(now: float) -> int:
        found: int = getattr(one.counters(now), name)
        return found % wrap

    return (tag, value)


def _interface(one: AgentInterface, variables: dict[Oid, Variable]) -> None:
    speed = min(one.speed_bps, _WRAP32 - 1)

    def enabled(now: float) -> bool:
        return one.admin_up(now) if callable(one.admin_up) else one.admin_up

    low = {10: "in_octets", 11: "in_pkts", 13: "in_discards", 14: "in_errors", 16: "out_octets", 17: "out_pkts",
           19: "out_discards", 20: "out_errors"}  # fmt: skip
    columns: dict[int, Variable] = {
        1: (ber.INTEGER, one.index), 2: _text(one.descr or one.name), 3: (ber.INTEGER, one.kind),
        4: (ber.INTEGER, one.mtu), 5: (ber.GAUGE32, speed),
        6: (ber.OCTETS, one.mac or b"\x02\x00" + one.index.to_bytes(4, "big")),
        7: (ber.INTEGER, lambda now: 1 if enabled(now) else 2),
        8: (ber.INTEGER, lambda now: 1 if enabled(now) and one.up(now) else 2), 9: (ber.TIMETICKS, 0),
    }  # fmt: skip
    columns |= {column: _counter(one, name, _WRAP32) for column, name in low.items()}
    _rows(variables, _IF, (one.index,), columns)
    wide: dict[int, Variable] = {
        1: _text(one.name), 15: (ber.GAUGE32, one.speed_bps // 1_000_000), 18: _text(one.alias),
        19: (ber.TIMETICKS, one.discontinuity),
    }  # fmt: skip
    if one.wide:
        high = {6: "in_octets", 7: "in_pkts", 10: "out_octets", 11: "out_pkts"}
        wide |= {column: _counter(one, name, _WRAP64) for column, name in high.items()}
        wide |= dict.fromkeys((8, 9, 12, 13), (ber.COUNTER64, 0))
    _rows(variables, _IFX, (one.index,), wide)
    if one.lag:
        variables[(*_LAG, one.index)] = (ber.INTEGER, one.lag)
    for text in one.addresses:
        _address(one.index, text, variables)


def _address(index: int, text: str, variables: dict[Oid, Variable]) -> None:
    one = ipaddress.ip_interface(text)
    kind = 1 if one.version == 4 else 2
    network = one.network.network_address.packed
    row: Oid = (kind, len(one.packed), *one.packed)
    prefix: Oid = (*_PREFIX, index, kind, len(network), *network, one.network.prefixlen)
    _rows(variables, _ADDRESS, row, {3: (ber.INTEGER, index), 4: (ber.INTEGER, 1), 5: (ber.OID, ber.pack_oid(prefix))})


def _sensor(variables: dict[Oid, Variable], index: int, name: str, parent: int, sensor: AgentSensor) -> None:
    """A sensor with two decimal places."""
    _physical(variables, index, name, parent, 8)
    columns: dict[int, Variable] = {
        1: (ber.INTEGER, _SENSOR_TYPES[sensor.kind]), 2: (ber.INTEGER, 9), 3: (ber.INTEGER, 2),
        4: (ber.INTEGER, lambda now: round(sensor.value(now) * 100)), 5: (ber.INTEGER, 1),
    }  # fmt: skip
    _rows(variables, _SENSOR, (index,), columns)


def _physical(
    variables: dict[Oid, Variable], index: int, name: str, parent: int, kind: int, **more: tuple[int, str]
) -> None:
    columns: dict[int, Variable] = {
        2: _text(name), 4: (ber.INTEGER, parent), 5: (ber.INTEGER, kind), 7: _text(name),
        10: _text(""), 11: _text(""), 13: _text(""),
    }  # fmt: skip
    columns |= {column: _text(value) for column, value in more.values()}
    _rows(variables, _PHYSICAL, (index,), columns)


def _optics(one: AgentInterface, variables: dict[Oid, Variable]) -> None:
    powers = [("Receive", one.rx_dbm), ("Transmit", one.tx_dbm)]
    if all(value is None for _, value in powers):
        return
    port = _PORT_ENTITY + one.index
    _physical(variables, port, one.name, 1, 10)
    variables[(*_ALIAS, port, 0)] = (ber.OID, ber.pack_oid((*_IF, 1, one.index)))
    for at, (word, value) in enumerate(powers):
        if value is not None:
            sensor = AgentSensor(f"{one.name} Transceiver {word} Power Sensor", "dbm", value)
            _sensor(variables, _SENSOR_ENTITY + one.index * 2 + at, sensor.name, port, sensor)


def _entities(device: AgentDevice, variables: dict[Oid, Variable]) -> None:
    if not (device.sensors or device.serial or device.model):
        return
    _physical(variables, 1, "Chassis", 0, 3, serial=(11, device.serial), model=(13, device.model))
    for at, sensor in enumerate(device.sensors):
        _sensor(variables, 1000 + at, sensor.name, 1, sensor)


def _hosts(device: AgentDevice, variables: dict[Oid, Variable]) -> None:
    for at, cpu in enumerate(device.cpus):
        load: Oid = (1, 3, 6, 1, 2, 1, 25, 3, 3, 1, 2, 196608 + at)
        variables[load] = (ber.INTEGER, _rounded(cpu))
    if device.memory is not None:
        total, used = device.memory
        columns: dict[int, Variable] = {
            2: (ber.OID, ber.oid("1.3.6.1.2.1.25.2.1.2")), 3: _text("Physical memory"), 4: (ber.INTEGER, 1024),
            5: (ber.INTEGER, total // 1024), 6: (ber.INTEGER, lambda now: used(now) // 1024),
        }  # fmt: skip
        _rows(variables, (1, 3, 6, 1, 2, 1, 25, 2, 3, 1), (1,), columns)


def _rounded(value: Callable[[float], float]) -> Callable[[float], int]:
    return lambda now: round(value(now))


def _peer(peer: AgentPeer, variables: dict[Oid, Variable]) -> None:
    packed = ipaddress.IPv4Address(peer.address).packed
    columns: dict[int, Variable] = {
        2: (ber.INTEGER, peer.state), 3: (ber.INTEGER, 2), 7: (ber.IP_ADDRESS, packed),
        9: (ber.INTEGER, peer.remote_as), 10: (ber.COUNTER32, lambda now: peer.established_s(now) // 30),
        11: (ber.COUNTER32, lambda now: peer.established_s(now) // 60), 15: (ber.COUNTER32, 1),
        16: (ber.GAUGE32, peer.established_s),
    }  # fmt: skip
    _rows(variables, _BGP, tuple(packed), columns)


def _lldp(device: AgentDevice, variables: dict[Oid, Variable]) -> None:
    if not device.neighbours:
        return
    variables[(*_LLDP, 3, 2, 0)] = (ber.OCTETS, device.chassis)
    for one in device.interfaces:
        columns: dict[int, Variable] = {2: (ber.INTEGER, 5), 3: _text(one.name), 4: _text(one.alias)}
        _rows(variables, (*_LLDP, 3, 7, 1), (one.index,), columns)
    for at, neighbour in enumerate(device.neighbours, 1):
        row: Oid = (0, neighbour.local_index, at)
        columns = {
            4: (ber.INTEGER, 4), 5: (ber.OCTETS, neighbour.chassis), 6: (ber.INTEGER, 5), 7: _text(neighbour.port),
            8: _text(neighbour.port), 9: _text(neighbour.system_name), 10: _text(""),
        }  # fmt: skip
        _rows(variables, (*_LLDP, 4, 1, 1), row, columns)
        if neighbour.address:
            packed = ipaddress.ip_address(neighbour.address).packed
            managed: Oid = (*row, 1 if len(packed) == 4 else 2, len(packed), *packed)
            _rows(variables, (*_LLDP, 4, 2, 1), managed, {3: (ber.INTEGER, 2), 4: (ber.INTEGER, 1)})


def steady(
    in_bps: float, out_bps: float, *, since: float | None = None, start: int = 0, packet: int = 800
) -> Callable[[float], Counters]:
    """Counters of an interface with constant rates since ``since`` (now), from ``start`` octets."""
    began = time.time() if since is None else since

    def counters(now: float) -> Counters:
        elapsed = max(0.0, now - began)
        octets_in, octets_out = start + int(in_bps / 8 * elapsed), start + int(out_bps / 8 * elapsed)
        return Counters(octets_in, octets_out, octets_in // packet, octets_out // packet)

    return counters
