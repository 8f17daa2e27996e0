"""What a device's tables say of the inventory: the device, its interfaces and addresses, its neighbours.

Reads the layout of tables with known names: ``interfaces``, ``entity``, ``addresses``, ``addresses_old``, ``lag``,
``stack``, ``ethernet`` and the ``lldp_…`` ones. A profile that has its data elsewhere gives its own table one of these
names.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from weft.decode.snmp.layout import TableLayout, interface_names
from weft.decode.snmp.library import DeviceProfile
from weft.model.inventory import Fact, ObjectKind

_CHASSIS = "3"
_BROADCAST = "3"  # ipAddressType
_LAG_TYPE = "161"
_DUPLEX = {"2": "half", "3": "full"}  # dot3StatsDuplexStatus; 1: unknown
#: IANAifType numbers worth a word (ieee8023adLag, softwareLoopback, l2vlan …).
IF_TYPES = {
    "6": "ethernet", "24": "loopback", "53": "virtual", "131": "tunnel", "135": "vlan", "136": "vlan", "161": "lag",
    "23": "ppp", "62": "ethernet", "117": "ethernet", "209": "bridge", "150": "tunnel", "166": "mpls", "1": "other",
}  # fmt: skip
_MAC_SUBTYPE, _PORT_LOCAL = "3", "7"
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_UNSPEAKABLE = re.compile(r"^(|localhost|localhost\.localdomain|\(none\)|router|switch|switch-?\d*)$", re.IGNORECASE)


@dataclass(frozen=True)
class SystemFacts:
    """What a device says of itself in the system group, and the facts that its profile reads."""

    address: str
    descr: str = ""
    object_id: str = ""
    name: str = ""
    location: str = ""
    contact: str = ""
    read: Mapping[str, str] = field(default_factory=dict)  # fact → value of the OID that the profile names

    @property
    def key(self) -> str:
        """What the inventory calls it: its name, or its address where it has none of its own."""
        return self.address if _UNSPEAKABLE.match(self.name) else self.name


Tables = Mapping[str, TableLayout]


def device_facts(
    system: SystemFacts, profile: DeviceProfile, tables: Tables, speeds: Mapping[str, float] | None = None
) -> list[Fact]:
    """The device and its interfaces, as its tables say. ``speeds`` of interfaces that are known better, by name."""
    interfaces = _interfaces(system.key, tables, speeds or {})
    own = [system.address, *(one for fact in interfaces for one in _bare(fact.attributes.get("addresses", ())))]
    attributes: dict[str, Any] = {
        "name": system.name or system.address, "addresses": list(dict.fromkeys(own)), "description": system.descr,
        "location": system.location, "contact": system.contact, "platform": profile.name,
        "chassis_id": _first(tables, "lldp_local", "chassis_id"),
        **_chassis(tables), **_profiled(system, profile),
    }  # fmt: skip
    device = Fact(ObjectKind.DEVICE, (system.key,), {k: v for k, v in attributes.items() if v not in ("", [])})
    return [device, *interfaces]


def _first(tables: Tables, table: str, name: str) -> str:
    values = tables[table].names.get(name, []) if table in tables else []
    return values[0] if values else ""


def _profiled(system: SystemFacts, profile: DeviceProfile) -> dict[str, str]:
    found = {}
    for name, spec in profile.device.items():
        value = system.read.get(name, "") if spec.oid else spec.text or ""
        if spec.descr and (match := re.search(spec.descr, system.descr)):
            value = next((group for group in match.groups() if group), match[0]).strip()
        if value:
            found[name] = value
    return found


def _chassis(tables: Tables) -> dict[str, str]:
    """Model, serial number and software of the chassis in the ENTITY-MIB."""
    entity = tables.get("entity")
    if entity is None:
        return {}
    names = entity.names
    for row, kind in enumerate(names["class"]):
        if kind == _CHASSIS:
            found = {"model": names["model"][row], "serial": names["serial"][row], "os_version": names["software"][row]}
            return {name: value for name, value in found.items() if value}
    return {}


def _interfaces(device: str, tables: Tables, speeds: Mapping[str, float]) -> list[Fact]:
    table = tables.get("interfaces")
    if table is None:
        return []
    shown, names = interface_names(tables), table.names
    addresses, lags, duplex = _addresses(tables), _lags(tables, shown), _duplex(tables)
    facts = []
    for row, index in enumerate(names["if_index"]):
        name = shown[index]
        if not name:
            continue
        descr, short = names["descr"][row], names["name"][row]
        attributes: dict[str, Any] = {
            "name": name, "short_name": short if short and short != descr else "", "if_index": int(index),
            "description": names["alias"][row], "speed_bps": speeds.get(name, _speed(table, row)),
            "mac": names["mac"][row] if names["mac"][row] != "00:00:00:00:00:00" else "",
            "mtu": int(names["mtu"][row]) if names["mtu"][row].isdigit() else 0,
            "type": IF_TYPES.get(names["type"][row], ""), "addresses": addresses.get(index, []),
            "lag": lags.get(index, ""), "enabled": {"1": True, "2": False}.get(names["admin"][row], ""),
            "duplex": duplex.get(index, ""),
        }  # fmt: skip
        kept = {k: v for k, v in attributes.items() if v is False or v not in ("", 0, [])}
        facts.append(Fact(ObjectKind.INTERFACE, (device, name), kept))
    return facts


def _speed(table: TableLayout, row: int) -> int:
    """Of ifHighSpeed in Mbit/s, else ifSpeed; 0 = not known."""
    high, low = table.names["high_speed"][row], table.names["low_speed"][row]
    if high.isdigit() and int(high):
        return int(high) * 1_000_000
    return int(low) if low.isdigit() and int(low) != 0xFFFFFFFF else 0


def _addresses(tables: Tables) -> dict[str, list[str]]:
    """By ifIndex: addresses with prefix length: ipAddressTable, else the older ipAddrTable."""
    found: dict[str, list[str]] = {}
    table = tables.get("addresses")
    for row in range(len(table.keys) if table else 0):
        names = table.names  # type: ignore[union-attr]
        if names["kind"][row] == _BROADCAST:
            continue
        length = names["prefix"][row].rpartition(".")[2]  # row of ipAddressPrefixTable: its index ends in the length
        _add(found, names["if_index"][row], names["address"][row], length)
    table = tables.get("addresses_old")
    for row in range(len(table.keys) if table else 0):
        names = table.names  # type: ignore[union-attr]
        mask = names["mask"][row]
        length = str(ipaddress.IPv4Network(f"0.0.0.0/{mask}").prefixlen) if _is_mask(mask) else "32"
        index = names["if_index"][row]
        if not any(one.partition("/")[0] == names["address"][row] for one in found.get(index, ())):
            _add(found, index, names["address"][row], length)
    return found


def _is_mask(mask: str) -> bool:
    try:
        ipaddress.IPv4Network(f"0.0.0.0/{mask}")
    except ValueError:
        return False
    return True


def _add(found: dict[str, list[str]], index: str, address: str, length: str) -> None:
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return
    longest = one.max_prefixlen
    bits = int(length) if length.isdigit() and 0 < int(length) <= longest else longest
    text = f"{one}/{bits}"
    if text not in found.setdefault(index, []):
        found[index].append(text)


def _bare(addresses: Iterable[str]) -> list[str]:
    """Addresses that a device can be known by: no loopback, no link-local."""
    bare = [ipaddress.ip_address(one.partition("/")[0]) for one in addresses]
    return [str(one) for one in bare if not (one.is_loopback or one.is_link_local or one.is_unspecified)]


def _duplex(tables: Tables) -> dict[str, str]:
    """By ifIndex: dot3StatsDuplexStatus, where it is known."""
    table = tables.get("ethernet")
    if table is None:
        return {}
    told = zip(table.names["if_index"], table.names["duplex"], strict=True)
    return {index: _DUPLEX[value] for index, value in told if value in _DUPLEX}


def _lags(tables: Tables, shown: Mapping[str, str]) -> dict[str, str]:
    """By ifIndex: name of the aggregate that it belongs to: IEEE8023-LAG-MIB, else ifStackTable."""
    found: dict[str, str] = {}
    table = tables.get("lag")
    if table is not None:
        for port, lag in zip(table.names["if_index"], table.names["attached"], strict=True):
            if lag not in ("", "0", port) and shown.get(lag):
                found[port] = shown[lag]
    stack, interfaces = tables.get("stack"), tables.get("interfaces")
    if stack is not None and interfaces is not None:
        kinds = dict(zip(interfaces.names["if_index"], interfaces.names["type"], strict=True))
        for higher, lower in zip(stack.names["higher"], stack.names["lower"], strict=True):
            if kinds.get(higher) == _LAG_TYPE and shown.get(lower):
                found.setdefault(lower, shown[higher])
    return found


def neighbour_facts(system: SystemFacts, tables: Tables) -> list[Fact]:
    """The neighbours that LLDP hears, their ports, and the links to them."""
    remote = tables.get("lldp_remote")
    if remote is None:
        return []
    local = _local_ports(tables)
    manage = _management(tables)
    facts: dict[tuple[ObjectKind, tuple[str, ...]], Fact] = {}
    for row in range(len(remote.keys)):
        names = {name: values[row] for name, values in remote.names.items()}
        address = manage.get((names["local_port"], names["remote_index"]), "")
        peer = names["system_name"] or address or names["chassis_id"]
        here = local.get(names["local_port"], "")
        if not peer or not here:
            continue
        seen = {
            "name": names["system_name"], "description": names["system_descr"],
            "addresses": [address] if address else [],
            "chassis_id": names["chassis_id"],
        }  # fmt: skip
        _state(facts, Fact(ObjectKind.DEVICE, (peer,), {k: v for k, v in seen.items() if v}))
        there = _port_name(names)
        if there:
            _state(facts, Fact(ObjectKind.INTERFACE, (peer, there), {"name": there}))
            ends = sorted([(system.key, here), (peer, there)])
            (a, a_port), (b, b_port) = ends
            link = {"a_device": a, "a_interface": a_port, "b_device": b, "b_interface": b_port}
            _state(facts, Fact(ObjectKind.LINK, (a, a_port, b, b_port), link))
    return list(facts.values())


def _state(facts: dict[tuple[ObjectKind, tuple[str, ...]], Fact], fact: Fact) -> None:
    known = facts.get((fact.kind, fact.key))
    facts[fact.kind, fact.key] = fact if known is None else Fact(
        fact.kind, fact.key, {**fact.attributes, **known.attributes}
    )  # fmt: skip


def _local_ports(tables: Tables) -> dict[str, str]:
    """By lldpLocPortNum: the interface's name, told by the port's id or description, else taken as an ifIndex."""
    shown = interface_names(tables)
    table, spelled = tables.get("lldp_local_ports"), set(shown.values())
    interfaces = tables.get("interfaces")
    by_mac = {} if interfaces is None else dict(zip(interfaces.names["mac"], interfaces.names["if_index"], strict=True))
    found = dict(shown)
    for row in range(len(table.keys) if table else 0):
        names = {name: values[row] for name, values in table.names.items()}  # type: ignore[union-attr]
        port, kind, words = names["local_port"], names["id_kind"], names["description"]
        given = _port_id(names["port_id"], kind)
        if given in spelled or words in spelled:
            found[port] = given if given in spelled else words
        elif kind == _MAC_SUBTYPE and by_mac.get(given) and shown.get(port) is None:
            found[port] = shown.get(by_mac[given], "")
        elif kind == _PORT_LOCAL and given in shown:
            found[port] = shown[given]
        elif port not in found:
            found[port] = words or given
    return found


def _management(tables: Tables) -> dict[tuple[str, str], str]:
    table = tables.get("lldp_remote_addresses")
    found: dict[tuple[str, str], str] = {}
    for row in range(len(table.keys) if table else 0):
        names = table.names  # type: ignore[union-attr]
        arcs = names["address"][row].split(".")  # length, then octets
        octets = bytes(int(arc) & 0xFF for arc in arcs[1:] if arc.isdigit())
        if len(octets) in (4, 16):
            key = (names["local_port"][row], names["remote_index"][row])
            found.setdefault(key, str(ipaddress.ip_address(octets)))
    return found


def _port_id(shown: str, kind: str) -> str:
    """A port's id as it is meant: a name of six letters was read as the six octets of a MAC address."""
    if kind == _MAC_SUBTYPE or not _MAC.fullmatch(shown):
        return shown
    text = bytes.fromhex(shown.replace(":", "")).decode("latin-1")
    return text if text.isprintable() else shown


def _port_name(names: Mapping[str, str]) -> str:
    """The neighbour's port: its id where that is a name, else its description, else the id whatever it is."""
    given, words = _port_id(names["port_id"], names["port_kind"]), names["port_descr"]
    speaks = names["port_kind"] in {"1", "5"} or (names["port_kind"] == _PORT_LOCAL and not given.isdigit())
    return given if given and speaks else words or given
