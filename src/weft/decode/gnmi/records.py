"""What the leaves that are not numbers say: attributes of interfaces, components, neighbours; and the facts they make.

A *record* is one thing of a kind (``interface``, ``component``, ``bgp_neighbor``, ``lldp_neighbor``, ``address``,
``system``); mapping files say which leaf is which attribute of which record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from weft.model.addresses import packed
from weft.model.inventory import Fact, ObjectKind

Value = str | float | bool

#: Transceivers as platform components: what is left of their names is that of the interface.
_TRANSCEIVER = re.compile(
    r"(?:transceiver|xcvr|optics?|sfp|qsfp|module)[-_ :/](?P<tail>.*\d.*)|"
    r"(?P<head>.*\d.*?)[-_ :.](?:transceiver|xcvr|optics?|sfp|qsfp\w*)",
    re.IGNORECASE,
)
_TYPES = {
    "ethernetcsmacd": "ethernet", "ieee8023adlag": "lag", "softwareloopback": "loopback", "tunnel": "tunnel",
    "l2vlan": "vlan", "l3ipvlan": "vlan", "propvirtual": "virtual", "if_ethernet": "ethernet", "if_aggregate": "lag",
    "if_loopback": "loopback", "if_roce": "ethernet", "bridge": "bridge", "gigabitethernet": "ethernet",
}  # fmt: skip


class Records:
    """Attributes by record, bounded. ``changed`` is set whenever a fact may be another one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kinds: dict[str, dict[str, dict[str, Value]]] = {}
        self._count = 0
        self._ports: dict[str, str] = {}
        self.changed = False

    def set(self, kind: str, key: str, attribute: str, value: Value) -> bool:
        """Note an attribute. True if it is another one than before; False also where there is no room for it."""
        things = self._kinds.setdefault(kind, {})
        thing = things.get(key)
        if thing is None:
            if self._count >= self._most:
                return False
            self._count += 1
            thing = things[key] = {}
        if thing.get(attribute) == value:
            return False
        thing[attribute] = value
        self.changed = True
        if kind == "interface" and attribute in {"transceiver", "hardware_port"}:
            self._ports[str(value)] = key
        return True

    def drop(self, kind: str, key: str, attribute: str) -> None:
        """The device has withdrawn an attribute."""
        thing = self._kinds.get(kind, {}).get(key)
        if thing is None or thing.pop(attribute, None) is None:
            return
        self.changed = True
        if not thing:
            del self._kinds[kind][key]
            self._count -= 1

    def get(self, kind: str, key: str, attribute: str) -> Value | None:
        """An attribute, if known."""
        return self._kinds.get(kind, {}).get(key, {}).get(attribute)

    def index_of(self, interface: str) -> int:
        """The ifIndex of an interface; 0 = not known."""
        number = _number(self.get("interface", interface, "if_index"))
        return number if 0 < number < 1 << 31 else 0

    def interfaces(self) -> list[str]:
        """Every interface that something is known of."""
        return list(self._kinds.get("interface", ()))

    def port_of(self, component: str) -> str:
        """The interface that a transceiver's component stands for: as the device says, else by its name."""
        known = self._ports.get(component)
        parent = self.get("component", component, "parent")
        if known is None and parent is not None:
            known = self._ports.get(str(parent))
        if known is not None:
            return known
        match = _TRANSCEIVER.fullmatch(component)
        return (match["tail"] or match["head"]) if match else component

    def facts(self, device: str, address: str) -> tuple[list[Fact], list[Fact]]:
        """(what the device says of itself, what it says of its neighbours)."""
        own = [Fact(ObjectKind.DEVICE, (device,), self._device(address))]
        for name, interface in self._kinds.get("interface", {}).items():
            if attributes := self._interface(name, interface):
                own.append(Fact(ObjectKind.INTERFACE, (device, name), attributes))
        neighbours: list[Fact] = []
        for key, found in self._kinds.get("lldp_neighbor", {}).items():
            neighbours += _link(device, key.partition("|")[0], found)
        return own, neighbours

    def _device(self, address: str) -> dict[str, Any]:
        system = self._kinds.get("system", {}).get("system", {})
        out: dict[str, Any] = {"addresses": [address]} if address else {}
        if system.get("hostname"):
            out["name"] = system["hostname"]
        for attribute, name in (("software_version", "os_version"), ("chassis_id", "chassis_id"),
                                ("system_description", "description")):  # fmt: skip
            if system.get(attribute):
                out[name] = _mac(str(system[attribute])) if name == "chassis_id" else system[attribute]
        for component in self._kinds.get("component", {}).values():
            kind = str(component.get("type", "")).rpartition(":")[2].upper()
            if kind == "CHASSIS":
                for attribute, name in (("serial", "serial"), ("part", "model"), ("vendor", "vendor")):
                    if component.get(attribute):
                        out.setdefault(name, component[attribute])
                if component.get("description"):
                    out.setdefault("model", component["description"])
            elif kind == "OPERATING_SYSTEM" and component.get("software_version"):
                out.setdefault("os_version", component["software_version"])
        return out

    def _interface(self, name: str, known: Mapping[str, Value]) -> dict[str, Any]:
        out: dict[str, Any] = {"name": name}
        for attribute in ("description", "lag", "short_name"):
            if attribute in known:
                out[attribute] = str(known[attribute])
        for attribute in ("if_index", "mtu", "speed_bps"):
            number = _number(known.get(attribute))
            if number:
                out[attribute] = number
        if "mac" in known:
            out["mac"] = _mac(str(known["mac"]))
        if (duplex := str(known.get("duplex", "")).rpartition(":")[2].lower()) in {"full", "half"}:
            out["duplex"] = duplex
        if "enabled" in known:
            out["enabled"] = known["enabled"] in {True, "true", "True"}
        if "type" in known:
            text = str(known["type"]).rpartition(":")[2]
            out["type"] = _TYPES.get(text.lower(), text.lower())
        addresses = self._addresses(name)
        if addresses:
            out["addresses"] = addresses
        return out

    def _addresses(self, interface: str) -> list[str]:
        found = []
        for key, known in self._kinds.get("address", {}).items():
            name, index, address = (*key.split("|", 2), "", "")[:3]
            here = interface in {f"{name}.{index}", name if index == "0" else ""}
            if here and "prefix_length" in known:
                found.append(f"{address}/{_number(known['prefix_length'])}")
        return sorted(found)


def _number(value: Value | None) -> int:
    try:
        return int(float(value)) if value is not None else 0
    except (ValueError, OverflowError):
        return 0


def _mac(text: str) -> str:
    digits = re.sub(r"[:.\-\s]", "", text).lower()
    if len(digits) == 12 and all(digit in "0123456789abcdef" for digit in digits):
        return ":".join(digits[i : i + 2] for i in range(0, 12, 2))
    return text


def _address(text: Value | None) -> str:
    try:
        packed(str(text or ""))
    except ValueError:
        return ""
    return str(text)


def _link(device: str, interface: str, found: Mapping[str, Value]) -> list[Fact]:
    """A neighbour heard by LLDP: the device it is, and the link to it."""
    name = str(found.get("system_name") or _mac(str(found.get("chassis_id") or "")))
    port = str(found.get("port_id") or "")
    kind = re.sub(r"\W+", "_", str(found.get("port_id_type") or "")).upper()
    described = str(found.get("port_description") or "")
    if described and (not port or kind.endswith(("MAC_ADDRESS", "LOCAL")) or kind in {"3", "7"}):
        port = described
    if not name or not port:
        return []
    remote: dict[str, Any] = {"name": str(found["system_name"])} if found.get("system_name") else {}
    if found.get("chassis_id"):
        remote["chassis_id"] = _mac(str(found["chassis_id"]))
    if address := _address(found.get("management_address")):
        remote["addresses"] = [address]
    if found.get("system_description"):
        remote["description"] = str(found["system_description"])
    ends = sorted([(device, interface), (name, port)])
    link = {"a_device": ends[0][0], "a_interface": ends[0][1], "b_device": ends[1][0], "b_interface": ends[1][1]}
    return [Fact(ObjectKind.DEVICE, (name,), remote), Fact(ObjectKind.LINK, (*ends[0], *ends[1]), link)]
