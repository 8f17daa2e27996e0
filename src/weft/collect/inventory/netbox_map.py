"""NetBox's objects as facts. Field shapes of NetBox 3.5 to 4.x; whatever is missing or odd is left out. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from weft.collect.inventory.config import NetBoxConfig
from weft.collect.inventory.netbox_client import Objects
from weft.model.inventory import Fact, ObjectKind

Held = Mapping[str, Objects]
#: Devices in these states do not carry traffic; with a filter on ``status`` the filter decides.
_NOT_THERE = frozenset({"planned", "inventory", "decommissioning"})
#: Addresses of these roles are on several devices at once.
_SHARED_ROLES = frozenset({"anycast", "vip", "vrrp", "hsrp", "glbp", "carp"})
_SPEED = re.compile(r"(\d+(?:\.\d+)?)(g?)base")
_KBIT = 1000


def facts_of(held: Held, config: NetBoxConfig) -> list[Fact]:
    """All that the instance states."""
    mapping = _Mapping(held, config)
    return [
        *mapping.sites(), *mapping.devices(), *mapping.interfaces(), *mapping.links(), *mapping.providers(),
        *mapping.circuits(), *mapping.customers(), *mapping.prefixes(), *mapping.services(),
    ]  # fmt: skip


def at(one: Any, *path: str | int) -> Any:
    """What is at a path in nested maps and lists; None where there is nothing."""
    for part in path:
        if isinstance(part, int):
            one = one[part] if isinstance(one, list) and part < len(one) else None
        else:
            one = one.get(part) if isinstance(one, dict) else None
    return one


def text(one: Any, *path: str | int) -> str:
    """The text at a path; empty where there is none."""
    value = at(one, *path)
    return value.strip() if isinstance(value, str) else ""


def number(one: Any, *path: str | int) -> int | None:
    """The number at a path that is not negative; None where there is none."""
    value = at(one, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def listed(one: Any, *path: str | int) -> list[Any]:
    """The list at a path; empty where there is none."""
    value = at(one, *path)
    return value if isinstance(value, list) else []


class _Mapping:
    """The objects of one instance and what refers to what."""

    def __init__(self, held: Held, config: NetBoxConfig) -> None:
        self._held, self._config = held, config
        keep_all = "status" in config.filters.get("devices", {})
        self._devices = {
            number_: one
            for number_, one in held.get("devices", {}).items()
            if keep_all or text(one, "status", "value") not in _NOT_THERE
        }
        self._keys = {number_: key for number_, one in self._devices.items() if (key := _device_key(one))}
        self._speeds = self._port_speeds()

    def _more(self, kind: str, one: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes that every object can have."""
        tags = [name for tag in listed(one, "tags") if (name := text(tag, "slug") or text(tag, "name"))]
        more: dict[str, Any] = {"tags": tags, "description": text(one, "description")}
        for attribute, name in self._config.custom_fields.get(kind, {}).items():  # type: ignore[call-overload]
            value = at(one, "custom_fields", name)
            if isinstance(value, dict):
                value = next((value[k] for k in ("label", "name", "display", "value") if k in value), None)
            if isinstance(value, str | int | float | list):
                more[attribute] = value
        return more

    def _site(self, one: Any) -> str:
        return text(one, self._config.site_names) or text(one, "slug") or text(one, "name")

    def sites(self) -> Iterator[Fact]:
        """Sites."""
        for one in self._held.get("sites", {}).values():
            if name := self._site(one):
                yield Fact(ObjectKind.SITE, (name,), {
                    "name": name, "address": text(one, "physical_address"), "region": text(one, "region", "name"),
                    "latitude": _degrees(at(one, "latitude")), "longitude": _degrees(at(one, "longitude")),
                    "kind": text(one, "group", "name"), **self._more("site", one),
                    "description": text(one, "description") or text(one, "name"),
                })  # fmt: skip

    def devices(self) -> Iterator[Fact]:
        """Devices, with the addresses of their interfaces."""
        own = self._addresses()
        for number_, key in self._keys.items():
            one = self._devices[number_]
            primary = [text(one, field, "address") for field in ("primary_ip", "primary_ip4", "primary_ip6")]
            yield Fact(ObjectKind.DEVICE, (key,), {
                "name": text(one, "name"), "addresses": [a for a in (*primary, *own.get(number_, ())) if a],
                "site": self._site(at(one, "site")),
                "role": text(one, "role", "slug") or text(one, "device_role", "slug"),
                "vendor": text(one, "device_type", "manufacturer", "name"), "model": text(one, "device_type", "model"),
                "os": text(one, "platform", "name"), "serial": text(one, "serial"),
                "location": " ".join(filter(None, (text(one, "location", "name"), text(one, "rack", "name")))),
                **self._more("device", one),
            })  # fmt: skip

    def _addresses(self) -> dict[int, list[str]]:
        """Addresses of interfaces by device; those that several devices share left out."""
        found: dict[int, list[str]] = {}
        for one in self._held.get("ip_addresses", {}).values():
            device = number(one, "assigned_object", "device", "id")
            if device in self._keys and text(one, "role", "value") not in _SHARED_ROLES and text(one, "address"):
                found.setdefault(device, []).append(text(one, "address"))
        return found

    def interfaces(self) -> Iterator[Fact]:
        """Interfaces of the devices that are held."""
        addresses: dict[int, list[str]] = {}
        for one in self._held.get("ip_addresses", {}).values():
            port = number(one, "assigned_object", "id")
            if port is not None and text(one, "assigned_object_type") == "dcim.interface" and text(one, "address"):
                addresses.setdefault(port, []).append(text(one, "address"))
        for number_, one in self._held.get("interfaces", {}).items():
            device, name = self._keys.get(number(one, "device", "id") or 0), text(one, "name")
            if not device or not name:
                continue
            circuit = self._circuit_of(one)
            yield Fact(ObjectKind.INTERFACE, (device, name), {
                "name": name, "speed_bps": _speed(one), "mtu": number(one, "mtu"), "type": _type(one),
                "mac": text(one, "mac_address") or text(one, "primary_mac_address", "mac_address"),
                "lag": text(one, "lag", "name"), "enabled": at(one, "enabled"),
                "addresses": addresses.get(number_, []), "circuit": circuit,
                "provider": self._provider_of(circuit), **self._more("interface", one),
            })  # fmt: skip

    def _circuit_of(self, port: Mapping[str, Any]) -> str:
        """The circuit whose termination an interface's cable ends at."""
        if text(port, "link_peers_type") != "circuits.circuittermination":
            return ""
        return text(port, "link_peers", 0, "circuit", "cid")

    def _provider_of(self, cid: str) -> str:
        if not cid:
            return ""
        found = (one for one in self._held.get("circuits", {}).values() if text(one, "cid") == cid)
        return text(next(found, None), "provider", "name")

    def links(self) -> Iterator[Fact]:
        """What interfaces are connected to in the end, through panels and circuits, and plain cables."""
        ports = self._held.get("interfaces", {})
        found: dict[frozenset[int], dict[str, Any]] = {}
        for number_, one in ports.items():
            if (
                text(one, "connected_endpoints_type") != "dcim.interface"
                or at(one, "connected_endpoints_reachable") is False
            ):
                continue
            for other in listed(one, "connected_endpoints"):
                far = number(other, "id")
                if far is not None and far != number_:
                    found.setdefault(frozenset((number_, far)), {"ends": (one, other)})
        for cable in self._held.get("cables", {}).values():
            a, b = _cable_end(cable, "a_terminations"), _cable_end(cable, "b_terminations")
            if a is None or b is None or text(cable, "status", "value") not in {"", "connected"}:
                continue
            pair = frozenset((number(a, "id") or 0, number(b, "id") or 0))
            if len(pair) == 2:
                found.setdefault(pair, {"ends": (a, b)})["cable"] = cable
        for pair, one in found.items():
            yield from self._link(
                one["ends"], one.get("cable"), [ports[port] for port in sorted(pair) if port in ports]
            )

    def _link(self, ends: tuple[Any, Any], cable: Any, ports: list[dict[str, Any]]) -> Iterator[Fact]:
        (a, b) = sorted(ends, key=lambda end: number(end, "id") or 0)
        a_device, b_device = (self._keys.get(number(end, "device", "id") or 0) for end in (a, b))
        if not a_device or not b_device or not text(a, "name") or not text(b, "name"):
            return
        circuit = next(filter(None, map(self._circuit_of, ports)), "")
        speeds = [speed for port in ports if (speed := _speed(port))]
        attributes = {
            "circuit": circuit, "provider": self._provider_of(circuit), "capacity_bps": min(speeds, default=None),
            "label": text(cable, "label"), "tags": self._more("link", cable or {})["tags"],
        }  # fmt: skip
        yield Fact(ObjectKind.LINK, (a_device, text(a, "name"), b_device, text(b, "name")), attributes)

    def providers(self) -> Iterator[Fact]:
        """Providers."""
        for one in self._held.get("providers", {}).values():
            if name := text(one, "name"):
                asn = number(one, "asns", 0, "asn") or number(one, "asn")
                yield Fact(ObjectKind.PROVIDER, (name,), {"name": name, "asn": asn, **self._more("provider", one)})

    def _port_speeds(self) -> dict[int, int]:
        """Speed of each circuit's terminations, bit/s."""
        speeds: dict[int, int] = {}
        for one in self._held.get("circuit_terminations", {}).values():
            circuit, speed = number(one, "circuit", "id"), number(one, "port_speed")
            if circuit is not None and speed:
                speeds[circuit] = max(speeds.get(circuit, 0), speed * _KBIT)
        return speeds

    def circuits(self) -> Iterator[Fact]:
        """Circuits, with the speed of their terminations."""
        for number_, one in self._held.get("circuits", {}).items():
            commit = number(one, "commit_rate")
            if cid := text(one, "cid"):
                yield Fact(ObjectKind.CIRCUIT, (cid,), {
                    "name": cid, "provider": text(one, "provider", "name"), "type": text(one, "type", "name"),
                    "status": text(one, "status", "value"), "customer": text(one, "tenant", "name"),
                    "capacity_bps": self._speeds.get(number_), "commit_bps": commit * _KBIT if commit else None,
                    "ends": text(one, "termination_date"), **self._more("circuit", one),
                })  # fmt: skip

    def customers(self) -> Iterator[Fact]:
        """Tenants."""
        for one in self._held.get("tenants", {}).values():
            if name := text(one, "name"):
                group = text(one, "group", "name")
                yield Fact(ObjectKind.CUSTOMER, (name,), {"name": name, "group": group, **self._more("customer", one)})

    def prefixes(self) -> Iterator[Fact]:
        """Prefixes; of one that several VRFs have, the global table's."""
        seen: set[str] = set()
        for one in sorted(self._held.get("prefixes", {}).values(), key=lambda p: at(p, "vrf") is not None):
            prefix = text(one, "prefix")
            if not prefix or prefix in seen:
                continue
            seen.add(prefix)
            site = at(one, "site") or (at(one, "scope") if text(one, "scope_type") == "dcim.site" else None)
            yield Fact(ObjectKind.PREFIX, (prefix,), {
                "prefix": prefix, "site": self._site(site), "customer": text(one, "tenant", "name"),
                "role": text(one, "role", "name"), "vlan": number(one, "vlan", "vid"), **self._more("prefix", one),
            })  # fmt: skip

    def services(self) -> Iterator[Fact]:
        """Services, those of one name together: where they listen, and on which devices."""
        by_name: dict[str, dict[str, list[Any]]] = {}
        for one in self._held.get("services", {}).values():
            name = text(one, "name")
            if not name:
                continue
            found = by_name.setdefault(name, {"prefixes": [], "ports": [], "devices": []})
            hosts = [text(address, "address").partition("/")[0] for address in listed(one, "ipaddresses")]
            found["prefixes"] += [f"{host}/{128 if ':' in host else 32}" for host in hosts if host]
            protocol = text(one, "protocol", "value")
            found["ports"] += [f"{protocol}/{port}" for port in listed(one, "ports") if isinstance(port, int)]
            device = text(one, "parent", "name") or text(one, "device", "name")
            found["devices"] += [device] if device else []
        for name, found in by_name.items():
            yield Fact(ObjectKind.SERVICE, (name,), {"name": name, **found})


def _device_key(one: Mapping[str, Any]) -> str:
    """A device's name; one without a name is called by its address, else as NetBox shows it."""
    address = text(one, "primary_ip", "address").partition("/")[0]
    return text(one, "name") or address or text(one, "display")


def _cable_end(cable: Mapping[str, Any], side: str) -> Any:
    """The interface at one side of a cable; None where it is something else or several."""
    ends = listed(cable, side)
    if len(ends) != 1 or text(ends[0], "object_type") != "dcim.interface":
        return None
    return at(ends[0], "object")


def _degrees(value: Any) -> float | None:
    try:
        return float(value) if value is not None else None
    except (TypeError, ValueError):
        return None


def _speed(port: Mapping[str, Any]) -> int | None:
    """Bit/s: as set, else what the type of the interface says."""
    set_kbit = number(port, "speed")
    if set_kbit:
        return set_kbit * _KBIT
    match = _SPEED.match(text(port, "type", "value"))
    return round(float(match[1]) * (10**9 if match[2] else 10**6)) if match else None


def _type(port: Mapping[str, Any]) -> str:
    kind = text(port, "type", "value")
    if "base" in kind:
        return "ethernet"
    if kind == "virtual" and re.match(r"lo(opback)?\d*(\.\d+)?$", text(port, "name"), re.IGNORECASE):
        return "loopback"
    return kind
