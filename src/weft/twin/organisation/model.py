"""What Acme is made of: the kinds of things in the synthetic organisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Protocol = Literal["netflow_v5", "netflow_v9", "ipfix", "sflow"]
SiteKind = Literal["data centre", "pop", "branch"]
#: When people use something, or when machines do it.
Shape = Literal["work", "evening", "flat", "night"]


@dataclass(frozen=True, slots=True)
class Site:
    """A place. ``utc_offset_h`` moves its working day; ``size`` scales its traffic."""

    code: str
    name: str
    country: str
    utc_offset_h: float
    size: float
    users: str  # IPv4 prefix of people's machines
    servers: str  # IPv4 prefix of servers
    public: str  # IPv4 prefix that the Internet sees
    public_v6: str
    latitude: float
    longitude: float
    kind: SiteKind = "data centre"
    region: str = ""  # continent
    has_agent: bool = True  # whether a synthetics agent stands there


@dataclass(frozen=True, slots=True)
class Port:
    """An interface of a device."""

    index: int
    name: str
    description: str
    speed_bps: int
    boundary: Literal["external", "internal"]
    provider: str = ""
    connectivity: str = ""


@dataclass(frozen=True, slots=True)
class Exporter:
    """A device. ``loss`` is the share of its flow datagrams that never arrive, ``share`` how many it sends."""

    name: str
    site: str
    role: Literal["border", "core", "firewall"]
    protocol: Protocol
    address: str  # loopback address it sends from
    sampling_rate: int | None  # None: it never tells, and does not sample
    peak_bps: float  # of what its own people and services bring to it
    ports: tuple[Port, ...]
    loss: float = 0.0
    share: float = 1.0  # of the setting ``records_per_s``


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the devices of a role are."""

    vendor: str
    model: str
    os: str
    os_version: str
    sys_object_id: str


@dataclass(frozen=True, slots=True)
class Link:
    """A line between two devices of Acme."""

    a: str
    a_port: int
    b: str
    b_port: int
    speed_bps: int
    delay_ms: float  # one way
    metric: int  # IGP cost, both ways
    provider: str = ""
    circuit: str = ""
    cost_per_month: float = 0.0  # USD
    srlgs: tuple[str, ...] = ()  # what it shares with other lines: a cable, a duct, a building


@dataclass(frozen=True, slots=True)
class Customer:
    """Who pays Acme. Each has its own /29 of every data centre's public prefix."""

    name: str
    tier: Literal["gold", "silver", "bronze"]
    owner: str
    contract: str
    sla: str  # percent of availability
    revenue_per_month: float  # USD


@dataclass(frozen=True, slots=True)
class Service:
    """What people and customers use. ``revenue_per_hour``: what an hour without it costs, USD."""

    name: str
    owner: str
    tier: str
    sla: str = ""
    revenue_per_hour: float = 0.0
    outside: bool = False  # run by somebody else
