"""One device, and one interface, with everything that is known of them at the end of a time range."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from weft.api.devices import Devices, device_verdict, speed_of, utilisation
from weft.api.devices_bgp import bgp_peers
from weft.api.devices_queries import changes_of, flows_of, metrics_query, of_device, of_interface, quoted
from weft.api.devices_readings import RATE_WINDOW_S, STATES, TRAFFIC, TROUBLE, Reading, Readings, Row
from weft.api.errors import NotFound
from weft.api.models.base import Status
from weft.api.models.devices import (
    ClaimView,
    DeviceInterfaceView,
    DeviceView,
    Gauge,
    Happened,
    InterfaceRow,
    Optics,
    PeerView,
)
from weft.api.models.topology import Oper
from weft.api.topology_load import BUSY, oper_of, troubled
from weft.api.topology_network import Machine, Network, Port
from weft.errors import InvalidInput
from weft.model.logs import SEVERITIES
from weft.model.metric_names import describe
from weft.model.views import Window
from weft.query.times import parse_time

#: Charts of a device page: name → metrics, of which those that have values are drawn.
CHARTS: dict[str, tuple[str, ...]] = {
    "cpu": ("cpu_percent",),
    "memory": ("memory_percent", "memory_used_bytes"),
    "temperature": ("temperature_celsius",),
    "power": ("power_watts",),
    "fan": ("fan_rpm",),
}
_OPTICS = ("optical_rx_dbm", "optical_tx_dbm", "laser_temperature_celsius", "optical_bias_ma")
#: Charts of an interface page: name → (metrics, measure).
PORT_CHARTS: dict[str, tuple[tuple[str, ...], str]] = {
    "traffic": (("in_octets", "out_octets"), "bps"),
    "utilisation": (("in_octets", "out_octets"), "utilisation"),
    "errors": (("in_errors", "out_errors", "in_discards", "out_discards"), "rate"),
    "packets": (
        ("in_unicast_pkts", "out_unicast_pkts", "in_multicast_pkts", "out_multicast_pkts", "in_broadcast_pkts",
         "out_broadcast_pkts"), "rate",
    ),
    "light": (("optical_rx_dbm", "optical_tx_dbm"), "avg"),
    "laser": (("laser_temperature_celsius",), "avg"),
    "state": (("oper_status", "admin_status"), "last"),
    "queues": (("queue_dropped_pkts", "ecn_marked_pkts", "wred_dropped_pkts"), "rate"),
    "pause": (("pfc_rx_pkts", "pfc_tx_pkts"), "rate"),
}  # fmt: skip


class DeviceDetails:
    """Makes the pages of one device and of one interface."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    def _span(self, since: str, until: str) -> tuple[int, int]:
        now = self._devices.clock()
        start = parse_time(since, now, "since")
        end = min(parse_time(until, now, "until"), int(now))
        if start >= end:
            raise InvalidInput("the time range is empty", where="since", fix="'since' must lie before 'until'")
        return start, end

    def device(self, name: str, since: str, until: str) -> DeviceView:
        """Everything about a device."""
        start, end = self._span(since, until)
        network = self._devices.network(end)
        machine = self._devices.machine(network, name)
        rows = self._devices.telemetry.device(machine, end, RATE_WINDOW_S)
        readings = self._readings(network, machine, rows, end)
        interfaces = interface_rows(network, machine, readings, rows, start, end)
        feeds = self._devices.feeds(network)
        sources = feeds.sources.get(machine.name, [])
        used = [(max(u), row.name) for row in interfaces if (u := _known(row.in_utilisation, row.out_utilisation))]
        status, reasons = device_verdict(
            machine, network, readings, sources, max(used, default=None), heard=machine.name in feeds.heard
        )
        place = network.places.get(machine.site)
        return DeviceView(
            name=machine.name, title=machine.text("description"), site=machine.site,
            site_title=place.title if place else "", role=machine.role, vendor=machine.text("vendor"),
            model=machine.text("model"), os=machine.text("os"), os_version=machine.text("os_version"),
            serial=machine.text("serial"), location=machine.text("location"), addresses=list(machine.addresses),
            demo=bool(machine.text("demo")), status=status, reasons=reasons, filter=of_device(machine),
            attributes=_claims(machine), origins=list(machine.origins), first_seen=machine.first_seen_s,
            last_seen=machine.last_seen_s, sources=sources, exporter=feeds.exporters.get(machine.name, ""),
            interfaces=interfaces, bgp=bgp_peers(network, machine, rows, start, end),
            gauges=_gauges(machine, rows, start, end), in_bps=_total(machine, interfaces, "in_bps"),
            out_bps=_total(machine, interfaces, "out_bps"), happened=self._happened(network, machine, start, end),
            queries=_device_queries(machine, rows, start, end), window=Window(since=start, until=end),
            rates=Window(since=end - RATE_WINDOW_S, until=end), at=self._devices.clock(),
        )  # fmt: skip

    def interface(self, name: str, interface: str, since: str, until: str) -> DeviceInterfaceView:
        """Everything about an interface."""
        start, end = self._span(since, until)
        network = self._devices.network(end)
        machine = self._devices.machine(network, name)
        rows = self._devices.telemetry.device(machine, end, max(RATE_WINDOW_S, end - start))
        lately = self._devices.telemetry.device(machine, end, RATE_WINDOW_S)
        readings = self._readings(network, machine, lately, end)
        known = {row.name: row for row in interface_rows(network, machine, readings, lately, start, end)}
        port = machine.port(interface)
        row = known.get(port.name if port else interface)
        if row is None:
            raise NotFound(
                f"{machine.name} has no interface {interface!r}", where="interface",
                fix=f"GET /api/v1/devices/{machine.name} lists them",
            )  # fmt: skip
        metrics = sorted({one.metric for one in rows if _is_of(machine, one, row.name)})
        status, reasons = _port_verdict(row)
        return DeviceInterfaceView(
            device=machine.name, site=machine.site, address=machine.addresses[0] if machine.addresses else "",
            demo=bool(machine.text("demo")), interface=row, status=status, reasons=reasons,
            members=[one.name for one in machine.ports if one.lag == row.name], metrics=metrics,
            gauges=_gauges(machine, [one for one in lately if _is_of(machine, one, row.name)], start, end),
            log_filter=of_interface(machine, machine.name, row.name),
            change_filter=changes_of(machine, row.name),
            flow_filter=flows_of(machine, row.if_index),
            queries=_port_queries(of_interface(machine, machine.name, row.name), metrics, start, end),
            window=Window(since=start, until=end), rates=Window(since=end - RATE_WINDOW_S, until=end),
            at=self._devices.clock(),
        )  # fmt: skip

    def _readings(self, network: Network, machine: Machine, rows: Iterable[Row], end: int) -> Readings:
        """By interface; states that did not change lately are looked for further back."""
        out: Readings = {}
        for row in rows:
            port = machine.port(row.component, row.if_index)
            if row.metric in (*TRAFFIC, *TROUBLE, *STATES) and (port or row.component):
                known = out.setdefault((machine.name, port.name if port else row.component), {})
                if row.metric not in known or known[row.metric].at < row.reading.at:
                    known[row.metric] = row.reading
        for key, states in self._devices.telemetry.states(network, end, machine).items():
            out[key] = states | out.get(key, {})
        return out

    def _happened(self, network: Network, machine: Machine, start: int, end: int) -> Happened:
        counts = self._devices.telemetry.log_counts(machine, start, end)
        changed = self._devices.telemetry.last_changes(network, start, end).get(machine.name)
        return Happened(
            logs=sum(counts.values()),
            log_severities={SEVERITIES.get(number, str(number)): n for number, n in sorted(counts.items())},
            changes=changed[1] if changed else 0, last_change=changed[0] if changed else None,
        )  # fmt: skip


def _known(*values: float | None) -> list[float]:
    return [value for value in values if value is not None]


def _is_of(machine: Machine, row: Row, interface: str) -> bool:
    port = machine.port(row.component, row.if_index)
    return (port.name if port else row.component) == interface


def _claims(machine: Machine) -> list[ClaimView]:
    return [
        ClaimView(attribute=name, value=claim.value, origin=claim.origin, others=dict(claim.others))
        for name, claim in machine.claims.items()
    ]


def _total(machine: Machine, interfaces: Sequence[InterfaceRow], what: str) -> float | None:
    """Sum over interfaces, aggregates left out: their members carry the same traffic."""
    aggregates = {port.lag for port in machine.ports if port.lag}
    values = _known(*(getattr(row, what) for row in interfaces if row.name not in aggregates))
    return sum(values) if values else None


# --- interfaces -----------------------------------------------------------------------------------------------------


def interface_rows(
    network: Network, machine: Machine, readings: Readings, rows: Iterable[Row], start: int, end: int
) -> list[InterfaceRow]:
    """Every interface that the inventory or a counter knows."""
    ports = {port.name: port for port in machine.ports}
    for _, name in readings:
        ports.setdefault(name, Port(machine.name, name))
    light: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.metric in _OPTICS:
            port = machine.port(row.component, row.if_index)
            light[port.name if port else row.component].append(row)
    peers = _peers(network, machine)
    return [
        _interface_row(machine, port, readings.get((machine.name, name), {}), light.get(name, []), peers.get(name),
                       start, end)
        for name, port in ports.items()
    ]  # fmt: skip


def _interface_row(
    machine: Machine, port: Port, known: dict[str, Reading], light: Sequence[Row], peer: PeerView | None,
    start: int, end: int,
) -> InterfaceRow:  # fmt: skip
    def rate(*names: str, scale: float = 1.0) -> float | None:
        values = [known[name].rate for name in names if name in known]
        found = [value for value in values if value is not None]
        return sum(found) * scale if found else None

    speed = speed_of(machine, port.name, known)
    used_in, used_out = utilisation(known, speed)
    admin: Oper = "unknown" if port.enabled is None else "up" if port.enabled else "down"
    if "admin_status" in known:
        admin = "up" if known["admin_status"].last == 1 else "down"
    where = of_interface(machine, machine.name, port.name)
    return InterfaceRow(
        name=port.name, if_index=port.if_index, description=port.description, type=port.type, speed_bps=speed,
        oper=oper_of(known), admin=admin, in_bps=rate("in_octets", scale=8), out_bps=rate("out_octets", scale=8),
        in_utilisation=used_in, out_utilisation=used_out, errors_per_s=rate("in_errors", "out_errors"),
        discards_per_s=rate("in_discards", "out_discards"), optics=_optics(light), peer=peer, lag=port.lag,
        mac=port.mac, mtu=port.mtu, addresses=list(port.addresses), boundary=port.boundary, provider=port.provider,
        connectivity=port.connectivity, circuit=port.circuit,
        query=metrics_query(where, ("in_octets", "out_octets"), "bps", start, end),
    )  # fmt: skip


def _optics(light: Sequence[Row]) -> Optics | None:
    if not light:
        return None

    def values(metric: str) -> list[float]:
        return [row.reading.last for row in light if row.metric == metric]

    return Optics(
        rx_dbm=min(values("optical_rx_dbm"), default=None), tx_dbm=min(values("optical_tx_dbm"), default=None),
        temperature_celsius=max(values("laser_temperature_celsius"), default=None),
        bias_ma=max(values("optical_bias_ma"), default=None),
        lanes=max(len(values("optical_rx_dbm")), len(values("optical_tx_dbm"))),
        at=max(row.reading.at for row in light),
    )  # fmt: skip


def _peers(network: Network, machine: Machine) -> dict[str, PeerView]:
    out = {}
    for wire in network.wires_of.get(machine.name, ()):
        near, far = wire.far(machine.name)
        other = network.machines.get(far.device)
        out[near.interface] = PeerView(
            device=far.device, interface=far.interface, site=other.site if other else "", link=wire.id,
            known=other is not None, origins=list(wire.origins),
        )  # fmt: skip
    return out


def _port_verdict(row: InterfaceRow) -> tuple[Status, list[str]]:
    reasons: list[tuple[Status, str]] = []
    if row.admin == "down":
        return Status.UNKNOWN, ["switched off"]
    if row.oper == "down":
        reasons.append((Status.CRITICAL if row.peer else Status.WARNING, "down"))
    used = max(_known(row.in_utilisation, row.out_utilisation), default=0.0)
    if used >= BUSY:
        reasons.append((Status.WARNING, f"{used:.0%} utilised"))
    for what, per_s in (("errors", row.errors_per_s), ("discards", row.discards_per_s)):
        if troubled(what, per_s, (row.in_bps or 0.0) + (row.out_bps or 0.0)):
            reasons.append((Status.WARNING, f"{per_s:,.0f} {what}/s"))
    if not reasons:
        known = row.oper == "up" or row.in_bps is not None or row.out_bps is not None
        return (Status.OK if known else Status.UNKNOWN), ([] if known else ["nothing is measured on it"])
    return max((status for status, _ in reasons), key=lambda s: s.rank), [text for _, text in reasons]


# --- gauges and charts ----------------------------------------------------------------------------------------------


def _gauges(machine: Machine, rows: Iterable[Row], start: int, end: int) -> list[Gauge]:
    """Newest values that are no counters, and not of a BGP session."""
    out = []
    for row in rows:
        about = describe(row.metric)
        if row.reading.rate is not None or about.type in ("counter", "state") or row.metric.startswith("bgp_"):
            continue
        where = of_device(machine) + (f" AND component = {quoted(row.component)}" if row.component else "")
        out.append(
            Gauge(
                name=row.metric, component=row.component, labels=row.labels, value=row.reading.last, unit=about.unit,
                at=row.reading.at, query=metrics_query(where, (row.metric,), "avg", start, end),
            )
        )  # fmt: skip
    return sorted(out, key=lambda gauge: (gauge.name, gauge.component, gauge.labels))


def _device_queries(machine: Machine, rows: Sequence[Row], start: int, end: int) -> dict[str, dict[str, Any]]:
    have = {row.metric for row in rows}
    where = of_device(machine)
    out: dict[str, dict[str, Any]] = {}
    for name, metrics in CHARTS.items():
        found = [metric for metric in metrics if metric in have][:1]
        if found:
            out[name] = metrics_query(where, found, "avg", start, end, by=["component"], top=12, other=False)
    for name, metric in (("received", "in_octets"), ("sent", "out_octets")):
        if metric in have:
            # Sources may word the name of an interface differently; its index they share.
            known = all(row.if_index for row in rows if row.metric == metric)
            by = ["interface" if known else "component"]
            out[name] = metrics_query(where, (metric,), "bps", start, end, by=by, top=8)
    return out


def _port_queries(where: str, have: Sequence[str], start: int, end: int) -> dict[str, dict[str, Any]]:
    out = {}
    for name, (metrics, measure) in PORT_CHARTS.items():
        found = [metric for metric in metrics if metric in have]
        if found:
            by = ["metric", "labels"] if name in ("light", "laser", "queues", "pause") else ["metric"]
            out[name] = metrics_query(where, found, measure, start, end, by=by, top=32, other=False)
    return out
