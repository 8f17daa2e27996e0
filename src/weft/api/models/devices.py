"""Devices and their interfaces: what they are, how they are, what they carry."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from weft.api.models.base import Answer, Reason, Status
from weft.api.models.sources import SourceView
from weft.api.models.topology import Oper
from weft.model.views import Window


class Gauge(Answer):
    """One value with its unit, when it was read, and the ``Query`` that shows its course."""

    name: str
    """What is measured, e.g. ``cpu_percent``."""
    component: str = ""
    """What in the device it is of; empty = the device itself."""
    labels: str = ""
    value: float
    unit: str
    at: float
    query: dict[str, Any] = Field(default_factory=dict)


class DeviceRow(Answer):
    """A device in the list."""

    name: str
    site: str
    role: str
    vendor: str
    model: str
    os: str
    addresses: list[str]
    status: Status
    reasons: list[str]
    """What is wrong, worst first."""
    interfaces: int
    interfaces_up: int
    interfaces_down: int
    """Switched on and not up."""
    in_bps: float | None
    """Sum over its interfaces, by counters; None = it has none."""
    out_bps: float | None
    busiest: float | None
    """Utilisation of its most loaded interface, 0–1."""
    busiest_interface: str
    last_change: float | None
    """When its configuration or inventory changed last, in the last 30 days."""
    sources: list[str]
    """Kinds of sources that feed it."""
    origins: list[str]
    """Who says that it exists."""
    last_seen: float | None
    """When a source of it said something good last."""
    demo: bool


class DevicesView(Answer):
    """All devices."""

    devices: list[DeviceRow]
    window: Window
    """What rates are taken over."""
    updated: float


class ClaimView(Answer):
    """An attribute: the value in force, who says so, and who says otherwise."""

    attribute: str
    value: Any
    origin: str
    others: dict[str, Any] = Field(default_factory=dict)
    """Origin → its different value."""


class Optics(Answer):
    """What a transceiver says of itself; of several lanes the weakest light and the most of all else."""

    rx_dbm: float | None = None
    tx_dbm: float | None = None
    temperature_celsius: float | None = None
    bias_ma: float | None = None
    lanes: int = 0
    at: float | None = None


class PeerView(Answer):
    """The other end of an interface."""

    device: str
    interface: str
    site: str
    link: str
    """Id of the link."""
    known: bool
    """Whether the device is in the inventory, so that it has a page."""
    origins: list[str] = Field(default_factory=list)


class InterfaceRow(Answer):
    """An interface with its rates over the window."""

    name: str
    if_index: int
    description: str
    type: str
    speed_bps: float
    """0 = not known."""
    oper: Oper
    admin: Oper
    in_bps: float | None
    out_bps: float | None
    in_utilisation: float | None
    out_utilisation: float | None
    errors_per_s: float | None
    """Both directions."""
    discards_per_s: float | None
    optics: Optics | None
    peer: PeerView | None
    lag: str
    mac: str
    mtu: int
    addresses: list[str]
    boundary: str
    provider: str
    connectivity: str
    circuit: str
    query: dict[str, Any]
    """The ``Query`` that shows its traffic."""


class BgpPeer(Answer):
    """A BGP session as the device tells of it."""

    peer: str
    remote_as: str
    afi_safi: str
    vrf: str
    state: Literal["idle", "connect", "active", "opensent", "openconfirm", "established", "unknown"]
    uptime_s: float | None
    received: float | None
    """Prefixes."""
    accepted: float | None
    sent: float | None
    transitions: float | None
    device: str
    """Device that has the peer's address; empty = not known."""
    query: dict[str, Any]


class Happened(Answer):
    """How much was said and done in the window."""

    logs: int
    log_severities: dict[str, int]
    """By name of the severity."""
    changes: int
    last_change: float | None


class DeviceView(Answer):
    """Everything about one device."""

    name: str
    title: str
    site: str
    site_title: str
    role: str
    vendor: str
    model: str
    os: str
    os_version: str
    serial: str
    location: str
    addresses: list[str]
    demo: bool
    status: Status
    reasons: list[Reason]
    filter: str
    """Filter for its rows in every dataset."""
    attributes: list[ClaimView]
    origins: list[str]
    first_seen: float
    last_seen: float
    """When a source stated it last."""
    sources: list[SourceView]
    exporter: str
    """Address that it sends flows from; empty = it sends none."""
    interfaces: list[InterfaceRow]
    bgp: list[BgpPeer]
    gauges: list[Gauge]
    """Processors, memory, temperatures and the like: newest values."""
    in_bps: float | None
    out_bps: float | None
    happened: Happened
    queries: dict[str, dict[str, Any]]
    """The ``Query`` bodies of its charts: ``traffic``, ``cpu``, ``memory``, ``temperature`` …, where there is data."""
    window: Window
    """What was asked for."""
    rates: Window
    """What rates are taken over."""
    at: float


class DeviceInterfaceView(Answer):
    """Everything about one interface."""

    device: str
    site: str
    address: str
    """The device's first address."""
    demo: bool
    interface: InterfaceRow
    status: Status
    reasons: list[str]
    members: list[str]
    """Interfaces that are members of it, where it is an aggregate."""
    metrics: list[str]
    """Metrics that it has values of in the window."""
    gauges: list[Gauge]
    log_filter: str
    change_filter: str
    """Filter of ``changes`` for those about it or whose lines name it."""
    flow_filter: str
    """Filter of ``flows`` for what comes in or goes out here; empty where its ifIndex is not known."""
    queries: dict[str, dict[str, Any]]
    window: Window
    rates: Window
    at: float
