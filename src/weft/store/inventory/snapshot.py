"""The inventory as of one moment, made once and never changed: objects, and which device a name or address is.

Lookups are plain dictionary reads, asked for by every source for every new name, from any thread. Must do no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from weft.model.addresses import NO_ADDRESS, packed
from weft.model.inventory import (
    Conflict,
    InventoryObject,
    KnownDevice,
    KnownInterface,
    ObjectKind,
    key_of,
    key_text,
)
from weft.model.naming import address_token, host_token, interface_token
from weft.store.inventory.merge import Merged, MergedDevice

#: Claims that the dictionaries get at first hand, with the time at which they were learned.
_FIRST_HAND = frozenset({"flows", "syslog"})
_DEVICE_TEXTS = ("name", "site", "role", "vendor", "model", "os", "demo")
_NETWORK_TEXTS = ("site", "service", "customer")
_INTERFACE_TEXTS = ("name", "description", "boundary", "provider", "connectivity", "circuit")

#: A device, its links' other ends by interface, and what was made of them.
_Made = tuple[MergedDevice, Mapping[str, str], KnownDevice]


class Snapshot:
    """One merged inventory with its indices."""

    def __init__(self, merged: Merged, at_s: float, before: Snapshot | None = None) -> None:
        self.at_s = at_s
        self.merged = merged
        self.conflicts: Sequence[Conflict] = merged.conflicts
        self._lists = {kind: tuple(found.values()) for kind, found in merged.objects.items()}
        self._by_name: dict[str, MergedDevice] = {}
        self._by_address: dict[bytes, tuple[MergedDevice, ...]] = {}
        self._primary: dict[bytes, bytes] = {}
        self._index_devices()
        self._made: dict[int, _Made] = {}
        self.known = self._known(before._made if before is not None else {})

    def _index_devices(self) -> None:
        short: dict[str, list[MergedDevice]] = {}
        for device in self.merged.devices:
            self._by_name[device.object.key[0].casefold()] = device
        for device in self.merged.devices:
            for name in device.names:
                self._by_name.setdefault(name.strip().casefold(), device)
                token = host_token(name)
                short.setdefault(token[0], []).append(device)
            own = [packed(address) for address in device.addresses]
            for address in own:
                self._by_address[address] = (*self._by_address.get(address, ()), device)
                self._primary.setdefault(address, own[0])
        for name, devices in short.items():
            if len({id(device) for device in devices}) == 1:
                self._by_name.setdefault(name, devices[0])

    def objects(self, kind: ObjectKind) -> Sequence[InventoryObject]:
        """Every object of a kind."""
        return self._lists.get(kind, ())

    def get(self, kind: ObjectKind, key: Sequence[str]) -> InventoryObject | None:
        """The object with that key."""
        return self.merged.objects[kind].get(tuple(key))

    def find(self, kind: ObjectKind, text: str) -> InventoryObject | None:
        """The object that a person means by ``text``: its key as text; a device also by any name or address of it."""
        exact = self.get(kind, key_of(text))
        if exact is not None:
            return exact
        if kind is ObjectKind.DEVICE:
            device = self.device(text)
            return device.object if device is not None else None
        if kind is ObjectKind.INTERFACE:
            return self._find_interface(text)
        folded = text.strip().casefold()
        return next((one for one in self.objects(kind) if key_text(one.key).casefold() == folded), None)

    def _find_interface(self, text: str) -> InventoryObject | None:
        parts = key_of(text)
        if len(parts) != 2:
            head, _, tail = text.strip().partition("/" if " " not in text.strip() else " ")
            parts = (head, tail.strip())
        device = self.device(parts[0])
        return device.ports.find(parts[1]) if device is not None and parts[1] else None

    def device(self, name: str) -> MergedDevice | None:
        """The device with that name or address."""
        address = address_token(name)
        if address:
            return next(iter(self._by_address.get(packed(address), ())), None)
        folded = name.strip().rstrip(".").casefold()
        found = self._by_name.get(folded)
        if found is None and "." in folded:
            short, domain = host_token(folded)
            found = self._by_name.get(short) if domain else None
            if found is not None and any(host_token(n) not in {(short, domain), (short, "")} for n in found.names
                                         if host_token(n)[0] == short):  # fmt: skip
                return None  # a host of that name in another domain
        return found

    def address_of(self, host: str) -> bytes:
        """The address that the telemetry of ``host`` is kept under; all zero = not known."""
        address = address_token(host)
        if address:
            return self.primary_address(packed(address))
        device = self.device(host)
        return packed(device.addresses[0]) if device is not None and device.addresses else NO_ADDRESS

    def primary_address(self, address: bytes) -> bytes:
        """The first address of the device that has this one; itself if no device does."""
        return self._primary.get(address, address)

    def knows_address(self, address: bytes) -> bool:
        """Whether a device has it."""
        return address in self._primary

    def interface(self, exporter: bytes, name: str) -> InventoryObject | None:
        """The interface of that name, in full or short, of the device with that address."""
        for device in self._by_address.get(exporter, ()):
            found = device.ports.find(name)
            if found is not None:
                return found
        return None

    def interface_name(self, exporter: bytes, if_index: int) -> str:
        """Name of the interface with that ifIndex; empty = not known."""
        for device in self._by_address.get(exporter, ()):
            found = device.ports.by_index.get(if_index)
            if found is not None:
                return str(found.get("name", found.key[1]))
        return ""

    # For the dictionaries.

    @cached_property
    def networks(self) -> tuple[tuple[str, dict[str, str]], ...]:
        """Prefix → site, service and customer, by prefix; what a prefix says itself wins over who claims it."""
        found: dict[str, dict[str, str]] = {}
        for kind, attribute in ((ObjectKind.CUSTOMER, "customer"), (ObjectKind.SERVICE, "service")):
            for one in self.objects(kind):
                for prefix in one.get("prefixes", ()):
                    found.setdefault(str(prefix), {}).setdefault(attribute, one.key[0])
        for one in self.objects(ObjectKind.PREFIX):
            own = {name: value for name in _NETWORK_TEXTS if isinstance(value := one.get(name), str)}
            if own:
                found.setdefault(one.key[0], {}).update(own)
        return tuple(sorted(found.items()))

    def _known(self, before: Mapping[int, _Made]) -> dict[str, KnownDevice]:
        """What dictionaries say of the device at each address; of what did not change the very same objects."""
        peers = self._peers()
        known: dict[str, KnownDevice] = {}
        for device in self.merged.devices:
            if not device.addresses:
                continue
            own = peers.get(device.object.key[0], {})
            last = before.get(id(device))
            one = last[2] if last is not None and last[0] is device and last[1] == own else _known_device(device, own)
            self._made[id(device)] = (device, own, one)
            for address in device.addresses:
                known.setdefault(address, one)
        return known

    def _peers(self) -> dict[str, dict[str, str]]:
        """Device → interface → what its link leads to."""
        peers: dict[str, dict[str, str]] = {}
        for link in self.objects(ObjectKind.LINK):
            a_device, a_port, b_device, b_port = link.key
            for device, port, other in ((a_device, a_port, (b_device, b_port)), (b_device, b_port, (a_device, a_port))):
                if port:
                    peers.setdefault(device, {}).setdefault(interface_token(port), " ".join(filter(None, other)))
        return peers


def _known_device(device: MergedDevice, peers: Mapping[str, str]) -> KnownDevice:
    texts = {name: _text(device.object, name) for name in _DEVICE_TEXTS}
    texts["name"] = device.object.key[0] if device.names else ""
    interfaces = {index: _known_interface(port, peers) for index, port in device.ports.by_index.items()}
    return KnownDevice(device.addresses[0], device.addresses, **texts, interfaces=interfaces)


def _known_interface(port: InventoryObject, peers: Mapping[str, str]) -> KnownInterface:
    texts = {name: _text(port, name) for name in _INTERFACE_TEXTS}
    speed: Any = _value(port, "speed_bps")
    return KnownInterface(
        **texts, speed_bps=speed if isinstance(speed, int) else 0, peer=peers.get(interface_token(port.key[1]), "")
    )


def _text(one: InventoryObject, name: str) -> str:
    value = _value(one, name)
    return value if isinstance(value, str) else ""


def _value(one: InventoryObject, name: str) -> Any:
    claim = one.claims.get(name)
    return None if claim is None or claim.origin in _FIRST_HAND else claim.value


EMPTY = Snapshot(Merged({kind: {} for kind in ObjectKind}), 0.0)
