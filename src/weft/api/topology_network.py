"""The network as the inventory knows it, indexed for pages: sites, devices, their interfaces, the links between them.

Comes in: inventory objects as of one moment. Goes out: one immutable ``Network``. Must ask nothing of the store, and
must not invent a link: what no source states is not there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from weft.model.addresses import address_text, packed
from weft.model.inventory import Claim, InventoryObject, ObjectKind

#: Joins the two ends in the id of a link.
JOINT = "--"
_PARTS = ("device", "interface")


@dataclass(frozen=True, slots=True)
class Place:
    """A site."""

    name: str
    title: str = ""
    kind: str = ""
    country: str = ""
    region: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """An interface of a device, as the inventory knows it."""

    device: str
    name: str
    if_index: int = 0
    short_name: str = ""
    description: str = ""
    speed_bps: float = 0.0
    lag: str = ""
    type: str = ""
    mac: str = ""
    mtu: int = 0
    boundary: str = ""
    provider: str = ""
    connectivity: str = ""
    circuit: str = ""
    enabled: bool | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Machine:
    """A device with its interfaces."""

    name: str
    addresses: tuple[str, ...]
    site: str = ""
    role: str = ""
    claims: Mapping[str, Claim] = field(default_factory=dict)
    origins: tuple[str, ...] = ()
    first_seen_s: float = 0.0
    last_seen_s: float = 0.0
    ports: tuple[Port, ...] = ()

    def text(self, attribute: str) -> str:
        """An attribute as text; empty where it is not known."""
        claim = self.claims.get(attribute)
        return "" if claim is None or claim.value is None else str(claim.value)

    @cached_property
    def _by_name(self) -> dict[str, Port]:
        names = {port.short_name: port for port in self.ports if port.short_name}
        return names | {port.name: port for port in self.ports}

    @cached_property
    def _by_index(self) -> dict[int, Port]:
        return {port.if_index: port for port in self.ports if port.if_index}

    def port(self, name: str, if_index: int = 0) -> Port | None:
        """The interface called so, in full or short; else the one with the index."""
        return self._by_name.get(name) or (self._by_index.get(if_index) if if_index else None)


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link."""

    device: str
    interface: str


@dataclass(frozen=True, slots=True)
class Wire:
    """A link between two interfaces; ``capacity_bps`` 0 = not known."""

    a: End
    b: End
    capacity_bps: float = 0.0
    provider: str = ""
    circuit: str = ""
    delay_ms: float | None = None
    lag: str = ""  # aggregate at the first end that it is a member of
    origins: tuple[str, ...] = ()
    srlgs: tuple[str, ...] = ()  # shared risk groups
    metric: int = 0  # IGP metric where a source states it
    cost_per_month: float = 0.0

    @property
    def id(self) -> str:
        """Stable name of the link."""
        return f"{self.a.device}:{self.a.interface}{JOINT}{self.b.device}:{self.b.interface}"

    def far(self, device: str) -> tuple[End, End]:
        """The near and the far end as seen from a device."""
        return (self.a, self.b) if self.a.device == device else (self.b, self.a)


@dataclass(frozen=True)
class Network:
    """Everything of one moment, by name."""

    places: Mapping[str, Place] = field(default_factory=dict)
    machines: Mapping[str, Machine] = field(default_factory=dict)
    wires: tuple[Wire, ...] = ()
    circuits: Mapping[str, InventoryObject] = field(default_factory=dict)

    @cached_property
    def by_address(self) -> dict[bytes, Machine]:
        """Devices by each of their addresses, packed."""
        out: dict[bytes, Machine] = {}
        for machine in self.machines.values():
            for address in machine.addresses:
                out.setdefault(packed(address), machine)
        return out

    def machine(self, name: str) -> Machine | None:
        """The device of that name or address."""
        found = self.machines.get(name) or self._by_folded.get(name.lower())
        if found is not None:
            return found
        try:
            return self.by_address.get(packed(name))
        except ValueError:
            return None

    @cached_property
    def _by_folded(self) -> dict[str, Machine]:
        return {name.lower(): machine for name, machine in self.machines.items()}

    def sender(self, exporter: bytes, host: str) -> Machine | None:
        """The device that rows of this exporter, or of this host where the exporter is absent, are of."""
        return self.by_address.get(exporter) or (self.machine(host) if host else None)

    @cached_property
    def wires_of(self) -> dict[str, list[Wire]]:
        """Links by device."""
        out: dict[str, list[Wire]] = defaultdict(list)
        for wire in self.wires:
            for device in {wire.a.device, wire.b.device}:
                out[device].append(wire)
        return out

    def site_of(self, device: str) -> str:
        """Site of a device; empty = none is known."""
        machine = self.machines.get(device)
        return machine.site if machine else ""


def network_of(objects: Iterable[InventoryObject]) -> Network:
    """Index the objects of one moment."""
    by_kind: dict[ObjectKind, list[InventoryObject]] = defaultdict(list)
    for one in objects:
        by_kind[one.kind].append(one)
    ports: dict[str, list[Port]] = defaultdict(list)
    for one in by_kind[ObjectKind.INTERFACE]:
        ports[one.key[0]].append(_port(one))
    machines = {}
    for one in by_kind[ObjectKind.DEVICE]:
        machine = _machine(one, tuple(sorted(ports.get(one.key[0], ()), key=_port_order)))
        machines[machine.name] = machine
    network = Network(
        places={place.name: place for place in map(_place, by_kind[ObjectKind.SITE])},
        machines=machines,
        circuits={one.key[0]: one for one in by_kind[ObjectKind.CIRCUIT]},
    )
    wires: dict[frozenset[End], Wire] = {}
    for one in by_kind[ObjectKind.LINK]:
        wire = _wire(one, network)
        if wire is not None:
            wires.setdefault(frozenset((wire.a, wire.b)), wire)
    return Network(network.places, machines, tuple(sorted(wires.values(), key=lambda w: w.id)), network.circuits)


def _place(one: InventoryObject) -> Place:
    name = one.key[0]
    return Place(
        name=name, title=_text(one, "description") or name, kind=_text(one, "kind"), country=_text(one, "country"),
        region=_text(one, "region"), latitude=_number(one, "latitude"), longitude=_number(one, "longitude"),
    )  # fmt: skip


def _machine(one: InventoryObject, ports: tuple[Port, ...]) -> Machine:
    return Machine(
        name=_text(one, "name") or one.key[0], addresses=tuple(_addresses(one)), site=_text(one, "site"),
        role=_text(one, "role"), claims=one.claims, origins=one.origins, first_seen_s=one.first_seen_s,
        last_seen_s=one.last_seen_s, ports=ports,
    )  # fmt: skip


def _addresses(one: InventoryObject) -> Iterable[str]:
    """Addresses of a device, written alike, those that are none left out."""
    given = one.get("addresses") or ()
    for text in dict.fromkeys([*([given] if isinstance(given, str) else given), one.key[0]]):
        try:
            yield address_text(packed(str(text).partition("/")[0]))
        except ValueError:
            continue


def _port(one: InventoryObject) -> Port:
    addresses = one.get("addresses") or ()
    enabled = one.get("enabled")
    return Port(
        device=one.key[0], name=one.key[1], if_index=int(_number(one, "if_index") or 0),
        short_name=_text(one, "short_name"), description=_text(one, "description"),
        speed_bps=_number(one, "speed_bps") or 0.0, lag=_text(one, "lag"), type=_text(one, "type"),
        mac=_text(one, "mac"), mtu=int(_number(one, "mtu") or 0), boundary=_text(one, "boundary"),
        provider=_text(one, "provider"), connectivity=_text(one, "connectivity"), circuit=_text(one, "circuit"),
        enabled=enabled if isinstance(enabled, bool) else None,
        addresses=(addresses,) if isinstance(addresses, str) else tuple(map(str, addresses)),
    )  # fmt: skip


def _port_order(port: Port) -> tuple[int, str]:
    return (port.if_index or 1 << 32, port.name)


def _wire(one: InventoryObject, network: Network) -> Wire | None:
    """The link, its ends spelled as the inventory spells them; None unless both devices are known."""
    ends = []
    # The key names both ends as merged; attributes may spell them as a source did.
    four = one.key if len(one.key) == 4 else tuple(_text(one, f"{end}_{part}") for end in "ab" for part in _PARTS)
    for device, interface in (four[:2], four[2:]):
        machine = network.machine(device) if device else None
        if machine is None:
            return None
        port = machine.port(interface)
        ends.append((End(machine.name, port.name if port else interface), port))
    (a, a_port), (b, b_port) = ends
    if a == b:
        return None
    circuit = _text(one, "circuit") or next((p.circuit for p in (a_port, b_port) if p and p.circuit), "")
    speeds = [p.speed_bps for p in (a_port, b_port) if p and p.speed_bps]
    capacity = _number(one, "capacity_bps") or _circuit(network, circuit, "capacity_bps") or min(speeds, default=0.0)
    provider = _text(one, "provider")
    if not provider and circuit in network.circuits:
        provider = _text(network.circuits[circuit], "provider")
    return Wire(
        a=a, b=b, capacity_bps=capacity, provider=provider, circuit=circuit, delay_ms=_number(one, "delay_ms"),
        lag=a_port.lag if a_port and b_port and a_port.lag and b_port.lag else "", origins=one.origins,
        srlgs=_texts(one, "srlg"), metric=int(_number(one, "metric") or 0),
        cost_per_month=_number(one, "cost") or _circuit(network, circuit, "cost_per_month") or 0.0,
    )  # fmt: skip


def _circuit(network: Network, circuit: str, attribute: str) -> float | None:
    return _number(network.circuits[circuit], attribute) if circuit in network.circuits else None


def _text(one: InventoryObject, attribute: str) -> str:
    value: Any = one.get(attribute)
    return "" if value is None else str(value)


def _texts(one: InventoryObject, attribute: str) -> tuple[str, ...]:
    value: Any = one.get(attribute) or ()
    return (value,) if isinstance(value, str) else tuple(map(str, value)) if isinstance(value, list) else ()


def _number(one: InventoryObject, attribute: str) -> float | None:
    """A number, whatever a source made of it; None where it is none."""
    try:
        value = float(one.get(attribute))
    except (TypeError, ValueError):
        return None
    return value if value == value and abs(value) != float("inf") else None
