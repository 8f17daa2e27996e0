"""Devices as a list: what each is, whether it is well, what it carries; one question per table for all of them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from weft.api.devices_readings import RATE_WINDOW_S, TRAFFIC, Reading, Readings, Telemetry
from weft.api.errors import NotFound
from weft.api.models.base import Reason, Status, worst
from weft.api.models.devices import DeviceRow, DevicesView
from weft.api.models.sources import ExportersView, SourcesView, SourceView
from weft.api.topology_load import BUSY, oper_of
from weft.api.topology_network import Machine, Network
from weft.model.views import Window
from weft.query.times import parse_time

#: How far back the list looks for the last change of a device, seconds.
CHANGES_S = 30 * 86_400

Networks = Callable[[float | None], Network]


@dataclass(frozen=True)
class Feeds:
    """What feeds devices: sources and flow exporters, by device name."""

    sources: Mapping[str, list[SourceView]] = field(default_factory=dict)
    exporters: Mapping[str, str] = field(default_factory=dict)  # device → address that it exports from
    heard: Mapping[str, float] = field(default_factory=dict)  # device → when something good came last
    protocols: Mapping[str, list[str]] = field(default_factory=dict)


def feeds_of(network: Network, sources: SourcesView, exporters: ExportersView) -> Feeds:
    """Tie sources and exporters to the devices of the inventory."""
    by_device: dict[str, list[SourceView]] = defaultdict(list)
    heard: dict[str, float] = {}
    for source in sources.sources:
        machine = network.machine(source.exporter) if source.exporter else network.machines.get(source.name)
        if machine is not None:
            by_device[machine.name].append(source)
            heard[machine.name] = max(heard.get(machine.name, 0.0), source.last_seen or 0.0)
    addresses: dict[str, str] = {}
    protocols: dict[str, list[str]] = {}
    for exporter in exporters.exporters:
        machine = network.machine(exporter.address) or network.machines.get(exporter.name)
        if machine is not None:
            addresses.setdefault(machine.name, exporter.address)
            protocols.setdefault(machine.name, exporter.protocols)
            heard[machine.name] = max(heard.get(machine.name, 0.0), exporter.last_seen)
    return Feeds(by_device, addresses, heard, protocols)


def source_reasons(sources: Iterable[SourceView]) -> list[Reason]:
    """What is wrong with the sources of a device, worst first."""
    reasons = [reason for source in sources for reason in source.reasons]
    return sorted(reasons, key=lambda reason: -reason.status.rank)


def utilisation(known: Mapping[str, Reading], speed_bps: float) -> tuple[float | None, float | None]:
    """Of an interface, in and out, 0–1."""
    out: list[float | None] = []
    for name in TRAFFIC:
        octets = known[name].rate if name in known else None
        out.append(octets * 8 / speed_bps if octets is not None and speed_bps else None)
    return out[0], out[1]


def speed_of(machine: Machine, interface: str, known: Mapping[str, Reading]) -> float:
    """Nominal speed in bit/s: what a person or system of record says, else what the device says; 0 = not known."""
    port = machine.port(interface)
    if port is not None and port.speed_bps:
        return port.speed_bps
    return known["speed_bps"].last if "speed_bps" in known else 0.0


class Devices:
    """Makes the list."""

    def __init__(
        self,
        networks: Networks,
        telemetry: Telemetry,
        feeds: Callable[[Network], Feeds],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.networks, self.telemetry, self.feeds, self.clock = networks, telemetry, feeds, clock

    def view(self, until: str = "now") -> DevicesView:
        """All devices at the end of a time range."""
        now = self.clock()
        moment = min(parse_time(until, now, "until"), int(now))
        network = self.network(moment)
        readings = self.telemetry.interfaces(network, TRAFFIC, moment, RATE_WINDOW_S)
        for key, states in self.telemetry.states(network, moment).items():
            readings[key] = readings.get(key, {}) | states
        changes = self.telemetry.last_changes(network, moment - CHANGES_S, moment)
        by_device: dict[str, Readings] = defaultdict(dict)
        for key, known in readings.items():
            by_device[key[0]][key] = known
        feeds = self.feeds(network)
        rows = [
            device_row(machine, network, by_device.get(machine.name, {}), feeds, changes.get(machine.name))
            for machine in network.machines.values()
        ]
        rows.sort(key=lambda row: (-row.status.rank, row.name))
        return DevicesView(devices=rows, window=Window(since=moment - RATE_WINDOW_S, until=moment), updated=now)

    def network(self, moment: float) -> Network:
        """As of a time; the present one for the last minutes, in which it is still being learned."""
        if moment < self.clock() - RATE_WINDOW_S:
            network = self.networks(float(moment))
            if network.machines:
                return network
        return self.networks(None)  # of before anything was known, too

    def machine(self, network: Network, name: str) -> Machine:
        """The device of that name or address. Raises ``NotFound``."""
        machine = network.machine(name)
        if machine is None:
            raise NotFound(
                f"no device {name!r} is known at that time", where="name", fix="GET /api/v1/devices lists them"
            )
        return machine


def device_row(
    machine: Machine, network: Network, readings: Readings, feeds: Feeds, changed: tuple[float, int] | None
) -> DeviceRow:
    """One line of the list."""
    up = down = 0
    sums: list[float | None] = [None, None]
    busiest: tuple[float, str] | None = None
    for (_, interface), known in readings.items():
        oper, admin = oper_of(known), known.get("admin_status")
        up += oper == "up"
        down += oper == "down" and not (admin is not None and admin.last == 2)
        for i, name in enumerate(TRAFFIC):
            rate = known[name].rate if name in known else None
            if rate is not None and not _counted_elsewhere(machine, interface):
                sums[i] = (sums[i] or 0.0) + rate * 8
        used = [u for u in utilisation(known, speed_of(machine, interface, known)) if u is not None]
        if used and (busiest is None or max(used) > busiest[0]):
            busiest = max(used), interface
    sources = feeds.sources.get(machine.name, [])
    status, reasons = device_verdict(machine, network, readings, sources, busiest, heard=machine.name in feeds.heard)
    return DeviceRow(
        name=machine.name, site=machine.site, role=machine.role, vendor=machine.text("vendor"),
        model=machine.text("model"), os=" ".join(filter(None, (machine.text("os"), machine.text("os_version")))),
        addresses=list(machine.addresses), status=status, reasons=[reason.title for reason in reasons],
        interfaces=max(len(machine.ports), len(readings)), interfaces_up=up, interfaces_down=down,
        in_bps=sums[0], out_bps=sums[1], busiest=busiest[0] if busiest else None,
        busiest_interface=busiest[1] if busiest else "", last_change=changed[0] if changed else None,
        sources=sorted({*(source.kind for source in sources), *feeds.protocols.get(machine.name, [])}),
        origins=list(machine.origins), last_seen=feeds.heard.get(machine.name) or None,
        demo=bool(machine.text("demo")),
    )  # fmt: skip


def _counted_elsewhere(machine: Machine, interface: str) -> bool:
    """Whether the traffic of this interface is in another's counters too: an aggregate's is in its members'."""
    port = machine.port(interface)
    return port is not None and any(other.lag == port.name for other in machine.ports)


def device_verdict(
    machine: Machine,
    network: Network,
    readings: Readings,
    sources: Iterable[SourceView],
    busiest: tuple[float, str] | None,
    *,
    heard: bool,
) -> tuple[Status, list[Reason]]:
    """How a device is: by its sources, its links and its load."""
    reasons = source_reasons(sources)
    for wire in network.wires_of.get(machine.name, ()):
        near, far = wire.far(machine.name)
        known = readings.get((machine.name, near.interface), {})
        admin = known.get("admin_status")
        if oper_of(known) == "down" and not (admin is not None and admin.last == 2):
            reasons.append(
                Reason(
                    status=Status.WARNING, code="link_down", title=f"{near.interface} to {far.device} is down",
                    since=known["oper_status"].at if "oper_status" in known else None,
                )
            )  # fmt: skip
    if busiest and busiest[0] >= BUSY:
        reasons.append(
            Reason(status=Status.WARNING, code="busy", title=f"{busiest[1]} is {busiest[0]:.0%} utilised")
        )  # fmt: skip
    reasons.sort(key=lambda reason: -reason.status.rank)
    if not reasons and not heard and not readings:
        return Status.UNKNOWN, [
            Reason(status=Status.UNKNOWN, code="not_heard", title="nothing feeds it: no source has heard it")
        ]
    return worst(reasons), reasons
