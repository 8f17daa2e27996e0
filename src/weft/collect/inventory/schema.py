"""What an inventory file may say: one model per kind of object. Unknown words are refused, so that typos show.

Comes in: plain data whose scalars are text. Goes out: checked entries and, by ``facts``, what they state. No I/O.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from weft.enrich.values import parse_asn, parse_speed
from weft.errors import InvalidInput
from weft.model.inventory import Fact, ObjectKind
from weft.store.inventory.statements import MOST_KEY_PART


def _speed(given: Any) -> Any:
    try:
        return parse_speed(given) if isinstance(given, str) else given
    except InvalidInput as error:
        raise ValueError(error.message) from None


def _asn(given: Any) -> Any:
    try:
        return parse_asn(given) if isinstance(given, str) else given
    except InvalidInput as error:
        raise ValueError(error.message) from None


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def _is_address(text: str) -> str:
    try:
        return str(ipaddress.ip_interface(text)) if "/" in text else str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(
            f"{text!r} is not an address: write it like 192.0.2.1, with /24 behind it or without"
        ) from None


def _is_prefix(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a prefix ({error}): write it like 192.0.2.0/24") from None


Name = Annotated[str, Field(min_length=1, max_length=MOST_KEY_PART)]
Text = Annotated[str, Field(max_length=2000)]
Speed = Annotated[int, BeforeValidator(_speed), Field(ge=0, lt=1 << 63)]
Asn = Annotated[int, BeforeValidator(_asn)]
Names = Annotated[list[Name], BeforeValidator(_listed), Field(max_length=4096)]
Addresses = Annotated[list[Annotated[str, AfterValidator(_is_address)]], BeforeValidator(_listed)]
Prefixes = Annotated[list[Annotated[str, AfterValidator(_is_prefix)]], BeforeValidator(_listed)]
Country = Annotated[str, Field(pattern=r"^[A-Za-z]{2}$"), AfterValidator(str.upper)]


class Entry(BaseModel):
    """What all entries may have."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    tags: Names = Field(default_factory=list)
    """Words to find it by."""
    attributes: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")], Text] = Field(default_factory=dict)
    """Anything else worth knowing: own names and texts. They are kept and shown."""

    def stated(self, *apart: str, **renamed: str) -> dict[str, Any]:
        """The attributes that are given, those in ``apart`` left out; ``renamed``: name here → attribute."""
        own = self.model_dump(exclude_unset=True, exclude={*apart, "attributes"})
        return {**self.attributes, **{renamed.get(name, name): value for name, value in own.items() if value != []}}


class SiteEntry(Entry):
    """A place."""

    name: Name
    description: Text = ""
    address: Text = ""
    region: Text = ""
    country: Country = ""
    latitude: float = Field(default=0.0, ge=-90, le=90)
    longitude: float = Field(default=0.0, ge=-180, le=180)
    kind: Text = ""


class InterfaceEntry(Entry):
    """An interface of a device."""

    name: Name
    short_name: Text = ""
    if_index: int = Field(default=0, ge=1, lt=1 << 32)
    description: Text = ""
    speed: Speed = 0
    mac: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{2}([:.-]?[0-9A-Fa-f]{2}){5}$")] = ""
    mtu: int = Field(default=0, ge=64, le=1 << 20)
    type: Text = ""
    addresses: Addresses = Field(default_factory=list)
    lag: Text = ""
    enabled: bool = True
    boundary: Literal["external", "internal"] = "internal"
    provider: Text = ""
    connectivity: Text = ""
    circuit: Text = ""


class DeviceEntry(Entry):
    """A device and its interfaces."""

    name: Name
    addresses: Addresses = Field(default_factory=list)
    site: Text = ""
    role: Text = ""
    vendor: Text = ""
    model: Text = ""
    os: Text = ""
    os_version: Text = ""
    serial: Text = ""
    chassis_id: Text = ""
    description: Text = ""
    location: Text = ""
    contact: Text = ""
    platform: Text = ""
    demo: Text = ""
    interfaces: list[InterfaceEntry] = Field(default_factory=list)


class End(BaseModel):
    """One end of a link: ``device interface`` in one text, or the two apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Name
    interface: Text = ""


def _end(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    device, _, interface = given.strip().partition(" ")
    return {"device": device, "interface": interface.strip()}


class LinkEntry(Entry):
    """A line between two devices."""

    a: Annotated[End, BeforeValidator(_end)]
    b: Annotated[End, BeforeValidator(_end)]
    capacity: Speed = 0
    circuit: Text = ""
    provider: Text = ""
    delay_ms: float = Field(default=0.0, ge=0, le=60_000)
    cost: float = Field(default=0.0, ge=0)
    srlg: Names = Field(default_factory=list)
    metric: int = Field(default=0, ge=1, lt=1 << 24)
    description: Text = ""


class ProviderEntry(Entry):
    """Somebody who sells connectivity."""

    name: Name
    asn: Asn = 0
    contact: Text = ""
    description: Text = ""


class CircuitEntry(Entry):
    """What a provider sells."""

    name: Name
    provider: Text = ""
    capacity: Speed = 0
    commit: Speed = 0
    cost_per_month: float = Field(default=0.0, ge=0)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = ""
    ends: datetime.date = datetime.date.max
    description: Text = ""

    def stated(self, *apart: str, **renamed: str) -> dict[str, Any]:
        """As of every entry; the date as text."""
        found = super().stated(*apart, **renamed)
        return found | ({"ends": self.ends.isoformat()} if "ends" in found else {})


class ServiceEntry(Entry):
    """Something that runs on the network."""

    name: Name
    owner: Text = ""
    tier: Text = ""
    prefixes: Prefixes = Field(default_factory=list)
    customers: Names = Field(default_factory=list)
    description: Text = ""


class CustomerEntry(Entry):
    """Somebody who uses the network."""

    name: Name
    tier: Text = ""
    contact: Text = ""
    asn: Asn = 0
    prefixes: Prefixes = Field(default_factory=list)
    description: Text = ""


class PrefixEntry(Entry):
    """A block of addresses."""

    prefix: Annotated[str, AfterValidator(_is_prefix)]
    site: Text = ""
    service: Text = ""
    customer: Text = ""
    role: Text = ""
    vlan: int = Field(default=0, ge=1, le=4094)
    description: Text = ""


class InventoryFile(BaseModel):
    """A whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sites: list[SiteEntry] = Field(default_factory=list)
    devices: list[DeviceEntry] = Field(default_factory=list)
    links: list[LinkEntry] = Field(default_factory=list)
    providers: list[ProviderEntry] = Field(default_factory=list)
    circuits: list[CircuitEntry] = Field(default_factory=list)
    services: list[ServiceEntry] = Field(default_factory=list)
    customers: list[CustomerEntry] = Field(default_factory=list)
    prefixes: list[PrefixEntry] = Field(default_factory=list)

    def facts(self) -> Iterator[tuple[tuple[str | int, ...], Fact]]:
        """Each fact with the place in the file that states it."""
        plain: tuple[tuple[str, ObjectKind, str], ...] = (
            ("sites", ObjectKind.SITE, "name"), ("providers", ObjectKind.PROVIDER, "name"),
            ("circuits", ObjectKind.CIRCUIT, "name"), ("services", ObjectKind.SERVICE, "name"),
            ("customers", ObjectKind.CUSTOMER, "name"), ("prefixes", ObjectKind.PREFIX, "prefix"),
        )  # fmt: skip
        for section, kind, key in plain:
            for i, entry in enumerate(getattr(self, section)):
                stated = entry.stated(capacity="capacity_bps", commit="commit_bps")
                yield (section, i), Fact(kind, (getattr(entry, key),), stated)
        for i, device in enumerate(self.devices):
            yield ("devices", i), Fact(ObjectKind.DEVICE, (device.name,), device.stated("interfaces"))
            for j, port in enumerate(device.interfaces):
                own = (device.name, port.name)
                yield ("devices", i, "interfaces", j), Fact(ObjectKind.INTERFACE, own, port.stated(speed="speed_bps"))
        for i, link in enumerate(self.links):
            ends = (link.a.device, link.a.interface, link.b.device, link.b.interface)
            yield ("links", i), Fact(ObjectKind.LINK, ends, link.stated("a", "b", capacity="capacity_bps"))
