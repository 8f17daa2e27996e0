"""Acme: the synthetic organisation of the demo. Six sites on three continents, thirteen devices, two clouds, SaaS.

Everything is made up except the AS numbers and roughly where those networks' addresses lie. Acme itself uses addresses
and an AS number set aside for documentation and private use (RFC 5398, 5737, 3849, 1918).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ACME_AS = 64500

Protocol = Literal["netflow_v5", "netflow_v9", "ipfix", "sflow"]


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


SITES = (
    Site(
        "chi",
        "Chicago",
        "US",
        -6,
        1.00,
        "10.10.0.0/18",
        "10.10.128.0/20",
        "203.0.113.0/27",
        "2001:db8:10::/48",
        41.88,
        -87.63,
    ),
    Site(
        "nyc",
        "New York",
        "US",
        -5,
        0.90,
        "10.20.0.0/18",
        "10.20.128.0/20",
        "203.0.113.32/27",
        "2001:db8:20::/48",
        40.71,
        -74.01,
    ),
    Site(
        "ams",
        "Amsterdam",
        "NL",
        1,
        0.80,
        "10.30.0.0/18",
        "10.30.128.0/20",
        "203.0.113.64/27",
        "2001:db8:30::/48",
        52.37,
        4.90,
    ),
    Site(
        "fra",
        "Frankfurt",
        "DE",
        1,
        1.10,
        "10.40.0.0/18",
        "10.40.128.0/20",
        "203.0.113.96/27",
        "2001:db8:40::/48",
        50.11,
        8.68,
    ),
    Site(
        "sin",
        "Singapore",
        "SG",
        8,
        0.60,
        "10.50.0.0/18",
        "10.50.128.0/20",
        "203.0.113.128/27",
        "2001:db8:50::/48",
        1.35,
        103.82,
    ),
    Site(
        "lon",
        "London",
        "GB",
        0,
        0.45,
        "10.60.0.0/18",
        "10.60.128.0/20",
        "203.0.113.160/27",
        "2001:db8:60::/48",
        51.51,
        -0.13,
    ),
)


@dataclass(frozen=True, slots=True)
class Port:
    """An interface of an exporter."""

    index: int
    name: str
    description: str
    speed_bps: int
    boundary: Literal["external", "internal"]
    provider: str = ""
    connectivity: str = ""


@dataclass(frozen=True, slots=True)
class Exporter:
    """A device that exports flows. ``loss`` is the share of its datagrams that never arrive."""

    name: str
    site: str
    role: Literal["border", "core", "firewall"]
    protocol: Protocol
    address: str  # loopback address it sends from
    sampling_rate: int | None  # None: it never tells, and does not sample
    peak_bps: float
    ports: tuple[Port, ...]
    loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the devices of a role are."""

    vendor: str
    model: str
    os: str
    os_version: str
    sys_object_id: str


HARDWARE = {
    "border": Hardware("Juniper", "MX10003", "Junos", "23.4R2-S3", "1.3.6.1.4.1.2636.1.1.1.2.159"),
    "core": Hardware("Cisco", "Nexus 9336C-FX2", "NX-OS", "10.4(3)", "1.3.6.1.4.1.9.12.3.1.3.2239"),
    "firewall": Hardware("Fortinet", "FortiGate 1800F", "FortiOS", "7.4.5", "1.3.6.1.4.1.12356.101.1.18007"),
}

_G = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Link:
    """A line between two devices of Acme. Its ends' ports export no flows: only counters tell of its traffic.

    ``peak_bps`` are the busiest rates from ``a`` to ``b`` and back; ``shape`` says when that is.
    """

    a: str
    a_port: int
    b: str
    b_port: int
    speed_bps: int
    delay_ms: float
    provider: str = ""
    circuit: str = ""
    cost_per_month: float = 0.0  # USD
    peak_bps: tuple[float, float] = (0.0, 0.0)
    shape: Literal["work", "evening", "flat", "night"] = "flat"


#: Ports 20 and up are the backbone's: named et-2/0/0, et-2/0/1 …
FIRST_BACKBONE_PORT = 20
BACKBONE = (
    Link("chi-border1", 20, "nyc-border1", 20, 100 * _G, 9.2, "Zayo", "ZYO-CHI-NYC-0117", 11_500, (41e9, 36e9)),
    Link("chi-border1", 21, "sin-border1", 20, 40 * _G, 104.0, "Telstra", "TLS-CHI-SIN-0020", 46_000,
         (24e9, 36.5e9), "evening"),
    Link("nyc-border1", 21, "lon-border1", 20, 100 * _G, 34.7, "Lumen", "LUM-NYC-LON-4410", 24_000, (52e9, 38e9),
         "work"),
    Link("nyc-border1", 22, "fra-border1", 20, 100 * _G, 41.9, "Arelion", "ARE-NYC-FRA-0931", 27_000, (30e9, 44e9),
         "work"),
    Link("lon-border1", 21, "ams-border1", 20, 100 * _G, 3.4, "euNetworks", "EUN-LON-AMS-1203", 6_200, (46e9, 29e9)),
    Link("ams-border1", 21, "fra-border1", 21, 100 * _G, 3.8, "euNetworks", "EUN-AMS-FRA-1204", 5_900, (61e9, 57e9)),
    Link("fra-border1", 22, "sin-border1", 21, 40 * _G, 81.6, "Singtel", "STG-FRA-SIN-7702", 39_000, (19e9, 12e9),
         "night"),
    Link("fra-border1", 23, "fra-border2", 20, 100 * _G, 0.1, peak_bps=(14e9, 11e9)),
)  # fmt: skip
#: Lines inside a site, between ports that exporters have anyway.
LOCAL = (
    *(Link(f"{code}-border1", 10, f"{code}-core1", 1, 100 * _G, 0.05) for code in ("chi", "nyc", "ams", "sin")),
    Link("lon-border1", 10, "lon-fw1", 10, 10 * _G, 0.05),
    Link("nyc-core1", 5, "nyc-fw1", 10, 10 * _G, 0.05),
)
LINKS = (*BACKBONE, *LOCAL)


def _border(code: str, transit: tuple[str, str], exchange: str, inside: str = "core1") -> tuple[Port, ...]:
    return (
        Port(1, "et-0/0/0", f"Transit: {transit[0]} [{code.upper()}-T1]", 100 * _G, "external", transit[0], "transit"),
        Port(2, "et-0/0/1", f"Transit: {transit[1]} [{code.upper()}-T2]", 100 * _G, "external", transit[1], "transit"),
        Port(3, "et-0/0/2", f"IX: {exchange}", 100 * _G, "external", exchange, "ix"),
        Port(10, "et-1/0/0", f"Core: {code}-{inside}", 100 * _G, "internal", "", "core"),
    )


def _core(code: str) -> tuple[Port, ...]:
    return (
        Port(1, "Ethernet1/1", f"Core: {code}-border1", 100 * _G, "internal", "", "core"),
        Port(2, "Ethernet2/1", "Server row A", 100 * _G, "internal", "", "server"),
        Port(3, "Ethernet3/1", "Server row B", 100 * _G, "internal", "", "server"),
        Port(4, "Ethernet4/1", "Storage", 100 * _G, "internal", "", "storage"),
        Port(5, "Ethernet5/1", "Backbone", 100 * _G, "internal", "", "backbone"),
    )


def _firewall(provider: str) -> tuple[Port, ...]:
    return (
        Port(1, "port1", f"Internet: {provider}", 10 * _G, "external", provider, "transit"),
        Port(2, "port2", "Cloud: AWS Direct Connect", 10 * _G, "external", "AWS", "cloud"),
        Port(3, "port3", "Cloud: Azure ExpressRoute", 10 * _G, "external", "Azure", "cloud"),
        Port(10, "port10", "Inside: people", 10 * _G, "internal", "", "access"),
    )


_CHI, _NYC = _border("chi", ("Lumen", "Arelion"), "Equinix CH"), _border("nyc", ("Cogent", "Lumen"), "DE-CIX NY")
_AMS, _SIN = _border("ams", ("Arelion", "GTT"), "AMS-IX"), _border("sin", ("Singtel", "Arelion"), "Equinix SG")
_FRA1, _FRA2 = _border("fra", ("Arelion", "DTAG"), "DE-CIX"), _border("fra", ("Cogent", "GTT"), "DE-CIX")
_LON = _border("lon", ("Lumen", "Cogent"), "LINX", "fw1")

#: A device that exports no flows: its neighbours and its counters tell of it.
SILENT = (Exporter("nyc-core1", "nyc", "core", "sflow", "127.10.2.3", None, 4e9, _core("nyc")),)
EXPORTERS = (
    Exporter("chi-border1", "chi", "border", "ipfix", "127.10.1.1", 1000, 38e9, _CHI),
    Exporter("chi-core1", "chi", "core", "sflow", "127.10.1.2", 32768, 6e9, _core("chi")),
    Exporter("nyc-border1", "nyc", "border", "netflow_v9", "127.10.2.1", 1000, 34e9, _NYC),
    Exporter("nyc-fw1", "nyc", "firewall", "netflow_v9", "127.10.2.2", None, 1.6e9, _firewall("Cogent")),
    Exporter("ams-border1", "ams", "border", "ipfix", "127.10.3.1", 2000, 30e9, _AMS),
    Exporter("ams-core1", "ams", "core", "sflow", "127.10.3.2", 32768, 5e9, _core("ams")),
    Exporter("fra-border1", "fra", "border", "netflow_v9", "127.10.4.1", 1000, 41e9, _FRA1),
    Exporter("fra-border2", "fra", "border", "netflow_v5", "127.10.4.2", 500, 9e9, _FRA2, loss=0.004),
    Exporter("sin-border1", "sin", "border", "ipfix", "127.10.5.1", 512, 17e9, _SIN),
    Exporter("sin-core1", "sin", "core", "sflow", "127.10.5.2", 16384, 3e9, _core("sin")),
    Exporter("lon-border1", "lon", "border", "netflow_v5", "127.10.6.1", 1000, 12e9, _LON),
    Exporter("lon-fw1", "lon", "firewall", "ipfix", "127.10.6.2", 1, 1.1e9, _firewall("Lumen")),
)
DEVICES = (*EXPORTERS, *SILENT)


def backbone_ports(device: str) -> tuple[Port, ...]:
    """The ports of a device at which a line of the backbone ends."""
    ports = []
    for link in BACKBONE:
        for name, index, other in ((link.a, link.a_port, link.b), (link.b, link.b_port, link.a)):
            if name == device:
                number = index - FIRST_BACKBONE_PORT
                description = f"Backbone: {other} [{link.circuit}]" if link.circuit else f"Backbone: {other}"
                ports.append(
                    Port(index, f"et-2/0/{number}", description, link.speed_bps, "internal", link.provider, "backbone")
                )
    return tuple(sorted(ports, key=lambda port: port.index))


def all_ports(device: Exporter) -> tuple[Port, ...]:
    """Every port of a device, metered by flows or not."""
    return (*device.ports, *backbone_ports(device.name))


@dataclass(frozen=True, slots=True)
class Remote:
    """A network on the Internet or in a cloud. ``weight`` is its share of the traffic of its ``kind``."""

    asn: int
    name: str
    kind: Literal["content", "eyeball", "saas", "cloud"]
    prefix: str
    prefix_v6: str
    country: str
    weight: float
    region: str = ""  # of a cloud
    cloud: str = ""
    service: str = ""


REMOTES = (
    Remote(15169, "Google", "content", "142.250.0.0/15", "2a00:1450:4000::/37", "US", 20, service="Google"),
    Remote(2906, "Netflix", "content", "45.57.0.0/17", "2a00:86c0::/32", "US", 16, service="Netflix"),
    Remote(20940, "Akamai", "content", "23.32.0.0/11", "2a02:26f0::/32", "US", 14),
    Remote(13335, "Cloudflare", "content", "104.16.0.0/13", "2606:4700::/32", "US", 12, service="Cloudflare"),
    Remote(32934, "Meta", "content", "157.240.0.0/16", "2a03:2880::/32", "US", 9),
    Remote(54113, "Fastly", "content", "151.101.0.0/16", "2a04:4e40::/32", "US", 6),
    Remote(714, "Apple", "content", "17.0.0.0/8", "2620:149::/36", "US", 5, service="Apple"),
    Remote(46489, "Twitch", "content", "52.223.192.0/18", "2a01:5e00::/32", "US", 3),
    Remote(32590, "Valve", "content", "155.133.224.0/19", "2a01:bc80::/32", "US", 3),
    Remote(7922, "Comcast", "eyeball", "73.0.0.0/8", "2601::/20", "US", 18),
    Remote(701, "Verizon", "eyeball", "71.160.0.0/11", "2600:4000::/24", "US", 13),
    Remote(7018, "AT&T", "eyeball", "99.0.0.0/10", "2600:1700::/28", "US", 12),
    Remote(3320, "Deutsche Telekom", "eyeball", "80.128.0.0/11", "2003::/19", "DE", 15),
    Remote(3209, "Vodafone DE", "eyeball", "88.64.0.0/12", "2a02:908::/32", "DE", 9),
    Remote(33915, "Ziggo", "eyeball", "84.104.0.0/14", "2001:1c00::/22", "NL", 9),
    Remote(1136, "KPN", "eyeball", "77.160.0.0/13", "2a02:a400::/25", "NL", 8),
    Remote(2856, "BT", "eyeball", "86.128.0.0/10", "2a00:23c0::/28", "GB", 10),
    Remote(3215, "Orange", "eyeball", "90.0.0.0/9", "2a01:c000::/19", "FR", 8),
    Remote(9506, "Singtel", "eyeball", "116.14.0.0/15", "2406:3000::/24", "SG", 9),
    Remote(4766, "Korea Telecom", "eyeball", "211.104.0.0/13", "2400:0000::/20", "KR", 5),
    Remote(55836, "Reliance Jio", "eyeball", "49.32.0.0/13", "2409:4000::/22", "IN", 6),
    Remote(8075, "Microsoft", "saas", "52.96.0.0/14", "2603:1000::/24", "US", 34, service="Microsoft 365"),
    Remote(14340, "Salesforce", "saas", "136.146.0.0/15", "2620:171::/40", "US", 16, service="Salesforce"),
    Remote(30103, "Zoom", "saas", "170.114.0.0/16", "2407:30c0::/32", "US", 14, service="Zoom"),
    Remote(36459, "GitHub", "saas", "140.82.112.0/20", "2606:50c0::/32", "US", 7, service="GitHub"),
    Remote(133877, "Slack", "saas", "54.192.0.0/16", "2600:9000::/28", "US", 6, service="Slack"),
    Remote(16509, "Amazon", "cloud", "3.208.0.0/12", "2600:1f18::/33", "US", 30, "us-east-1", "AWS"),
    Remote(16509, "Amazon", "cloud", "3.64.0.0/12", "2a05:d014::/35", "DE", 22, "eu-central-1", "AWS"),
    Remote(16509, "Amazon", "cloud", "13.212.0.0/14", "2406:da18::/36", "SG", 9, "ap-southeast-1", "AWS"),
    Remote(8075, "Microsoft", "cloud", "20.36.0.0/14", "2603:1030::/32", "US", 18, "eastus2", "Azure"),
    Remote(8075, "Microsoft", "cloud", "20.48.0.0/12", "2603:1020::/32", "NL", 14, "westeurope", "Azure"),
)


@dataclass(frozen=True, slots=True)
class App:
    """An application: the port that servers listen on, how its flows look, when people use it."""

    name: str
    protocol: int
    port: int
    packet_octets: int
    shape: Literal["work", "evening", "flat", "night"]
    spread: float = 1.1  # sigma of the log-normal flow size


HTTPS, QUIC = App("https", 6, 443, 980, "work"), App("quic", 17, 443, 1130, "evening")
APPS = {
    "web": HTTPS,
    "video": QUIC,
    "video_tcp": App("https", 6, 443, 1290, "evening"),
    "http": App("http", 6, 80, 1010, "flat"),
    "dns": App("domain", 17, 53, 128, "flat", 0.4),
    "ntp": App("ntp", 17, 123, 76, "flat", 0.1),
    "mail": App("submission", 6, 587, 620, "work"),
    "imaps": App("imaps", 6, 993, 540, "work"),
    "ssh": App("ssh", 6, 22, 310, "work"),
    "zoom": App("zoom", 17, 8801, 850, "work", 0.8),
    "ipsec": App("ipsec-nat-t", 17, 4500, 870, "flat", 0.9),
    "bgp": App("bgp", 6, 179, 110, "flat", 0.4),
    "iscsi": App("iscsi", 6, 3260, 1420, "flat"),
    "nfs": App("nfs", 6, 2049, 1340, "work"),
    "smb": App("microsoft-ds", 6, 445, 1120, "work"),
    "postgres": App("postgresql", 6, 5432, 460, "work", 0.8),
    "kafka": App("kafka", 6, 9092, 1180, "flat", 0.9),
    "backup": App("backup", 6, 873, 1440, "night", 0.8),
    "ldap": App("ldap", 6, 389, 260, "work", 0.5),
}
