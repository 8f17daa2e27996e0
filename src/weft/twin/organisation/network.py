"""Acme's devices, their ports and the lines between them: a backbone with two ways between any two places.

Every data centre and point of presence has a border router with transit and an exchange; some have a core switch behind
it, two a firewall with lines into the clouds. Branch offices have a firewall with a line or two to the next sites.
"""

from __future__ import annotations

from collections.abc import Sequence

from weft.twin.organisation.model import Exporter, Hardware, Link, Port

HARDWARE = {
    "border": Hardware("Juniper", "MX10003", "Junos", "23.4R2-S3", "1.3.6.1.4.1.2636.1.1.1.2.159"),
    "core": Hardware("Cisco", "Nexus 9336C-FX2", "NX-OS", "10.4(3)", "1.3.6.1.4.1.9.12.3.1.3.2239"),
    "firewall": Hardware("Fortinet", "FortiGate 1800F", "FortiOS", "7.4.5", "1.3.6.1.4.1.12356.101.1.18007"),
}

_G = 1_000_000_000
#: Ports 20 and up are the backbone's: named et-2/0/0, et-2/0/1 … (port20, port21 … of a firewall).
FIRST_BACKBONE_PORT = 20
#: IGP costs are tenths of a millisecond; lines of branch offices cost so much more that nothing else takes them.
_BRANCH_METRIC = 5000
#: Ends, bit/s, one way delay in ms, IGP cost, provider, circuit, USD a month, shared risks.
_Line = tuple[str, str, int, float, int, str, str, float, tuple[str, ...]]


def _line(
    a: str, b: str, speed_g: int, delay_ms: float, provider: str = "", circuit: str = "", cost: float = 0.0,
    *srlgs: str,
) -> _Line:  # fmt: skip
    metric = max(1, round(delay_ms * 10)) + (_BRANCH_METRIC if "-fw" in a else 0)
    return a, b, speed_g * _G, delay_ms, metric, provider, circuit, cost, srlgs


_CERMAK, _HUDSON, _RED_SEA = "350 East Cermak", "60 Hudson Street", "Red Sea cables"
_TELEHOUSE, _LUZON, _TEXAS = "Telehouse North", "Luzon Strait cables", "Dallas Infomart"
_LINES = (
    _line("chi-border1", "nyc-border1", 100, 9.2, "Zayo", "ZYO-CHI-NYC-0117", 11_500, _CERMAK),
    _line("chi-border1", "sin-border1", 40, 104.0, "Telstra", "TLS-CHI-SIN-0020", 46_000),
    _line("nyc-border1", "lon-border1", 100, 34.7, "Lumen", "LUM-NYC-LON-4410", 24_000, _HUDSON),
    _line("nyc-border1", "fra-border1", 100, 41.9, "Arelion", "ARE-NYC-FRA-0931", 27_000, _HUDSON),
    _line("lon-border1", "ams-border1", 100, 3.4, "euNetworks", "EUN-LON-AMS-1203", 6_200, _TELEHOUSE),
    _line("ams-border1", "fra-border1", 100, 3.8, "euNetworks", "EUN-AMS-FRA-1204", 5_900),
    _line("fra-border1", "sin-border1", 40, 81.6, "Singtel", "STG-FRA-SIN-7702", 39_000, _RED_SEA),
    _line("fra-border1", "fra-border2", 100, 0.1),
    _line("chi-border1", "dal-border1", 100, 11.6, "Lumen", "LUM-CHI-DAL-2207", 9_800, _CERMAK),
    _line("nyc-border1", "dal-border1", 100, 18.3, "Zayo", "ZYO-NYC-DAL-0345", 13_900, _TEXAS),
    _line("dal-border1", "sjc-border1", 100, 19.1, "Zayo", "ZYO-DAL-SJC-0512", 12_700, _TEXAS),
    _line("chi-border1", "sjc-border1", 100, 24.2, "Lumen", "LUM-CHI-SJC-2291", 15_300),
    _line("sjc-border1", "tyo-border1", 100, 53.0, "NTT", "NTT-SJC-TYO-0088", 41_000),
    _line("tyo-border1", "hkg-border1", 40, 25.7, "NTT", "NTT-TYO-HKG-0131", 21_000, _LUZON),
    _line("hkg-border1", "sin-border1", 40, 17.4, "Singtel", "STG-HKG-SIN-4120", 18_500, _LUZON),
    _line("tyo-border1", "sin-border1", 40, 35.2, "Telstra", "TLS-TYO-SIN-0907", 26_400),
    _line("sin-border1", "mum-border1", 40, 31.0, "Singtel", "STG-SIN-MUM-0611", 19_900),
    _line("par-border1", "mum-border1", 40, 56.5, "Orange", "ORG-PAR-MUM-3301", 33_000, _RED_SEA),
    _line("lon-border1", "par-border1", 100, 3.9, "euNetworks", "EUN-LON-PAR-1311", 5_100, _TELEHOUSE),
    _line("par-border1", "fra-border1", 100, 4.8, "Orange", "ORG-PAR-FRA-2110", 5_600),
    _line("bos-fw1", "nyc-border1", 10, 2.6, "Lumen", "LUM-BOS-NYC-7001", 1_900),
    _line("bos-fw1", "chi-border1", 10, 10.9, "Zayo", "ZYO-BOS-CHI-0720", 2_600),
    _line("aus-fw1", "dal-border1", 10, 2.1, "Lumen", "LUM-AUS-DAL-7040", 1_700),
    _line("mad-fw1", "par-border1", 10, 8.2, "Orange", "ORG-MAD-PAR-5002", 2_400),
    _line("mad-fw1", "lon-border1", 10, 10.1, "Lumen", "LUM-MAD-LON-7105", 2_500),
    _line("osa-fw1", "tyo-border1", 10, 3.0, "NTT", "NTT-OSA-TYO-6003", 2_100),
)  # fmt: skip


def _numbered(lines: Sequence[_Line]) -> tuple[Link, ...]:
    """The lines with their ports: each device numbers its own in order."""
    used: dict[str, int] = {}

    def next_of(device: str) -> int:
        used[device] = used.get(device, FIRST_BACKBONE_PORT - 1) + 1
        return used[device]

    return tuple(Link(a, next_of(a), b, next_of(b), *rest) for a, b, *rest in lines)  # type: ignore[arg-type]


BACKBONE = _numbered(_LINES)
#: Lines inside a site.
LOCAL = (
    *(Link(f"{code}-border1", 10, f"{code}-core1", 1, 100 * _G, 0.05, 3) for code in ("chi", "nyc", "ams", "sin")),
    Link("lon-border1", 10, "lon-fw1", 10, 10 * _G, 0.05, 3),
    Link("nyc-core1", 5, "nyc-fw1", 10, 10 * _G, 0.05, 3),
)
LINKS = (*BACKBONE, *LOCAL)


def _border(code: str, transit: tuple[str, str], exchange: str, inside: str = "") -> tuple[Port, ...]:
    core = f"Core: {code}-{inside}" if inside else "Access: servers and people"
    return (
        Port(1, "et-0/0/0", f"Transit: {transit[0]} [{code.upper()}-T1]", 100 * _G, "external", transit[0], "transit"),
        Port(2, "et-0/0/1", f"Transit: {transit[1]} [{code.upper()}-T2]", 100 * _G, "external", transit[1], "transit"),
        Port(3, "et-0/0/2", f"IX: {exchange}", 100 * _G, "external", exchange, "ix"),
        Port(10, "et-1/0/0", core, 100 * _G, "internal", "", "core" if inside else "access"),
    )


def _core(code: str) -> tuple[Port, ...]:
    people = Port(5, "Ethernet5/1", "Access: people", 100 * _G, "internal", "", "access")
    firewall = Port(5, "Ethernet5/1", f"Firewall: {code}-fw1", 100 * _G, "internal", "", "core")
    return (
        Port(1, "Ethernet1/1", f"Core: {code}-border1", 100 * _G, "internal", "", "core"),
        Port(2, "Ethernet2/1", "Server row A", 100 * _G, "internal", "", "server"),
        Port(3, "Ethernet3/1", "Server row B", 100 * _G, "internal", "", "server"),
        Port(4, "Ethernet4/1", "Storage", 100 * _G, "internal", "", "storage"),
        firewall if code == "nyc" else people,
    )


def _firewall(provider: str, inside: str = "") -> tuple[Port, ...]:
    """A firewall with lines into the clouds; port 10 leads to the device ``inside`` the site."""
    return (
        Port(1, "port1", f"Internet: {provider}", 10 * _G, "external", provider, "transit"),
        Port(2, "port2", "Cloud: AWS Direct Connect", 10 * _G, "external", "AWS", "cloud"),
        Port(3, "port3", "Cloud: Azure ExpressRoute", 10 * _G, "external", "Azure", "cloud"),
        Port(10, "port10", f"Core: {inside}", 10 * _G, "internal", "", "core"),
        Port(11, "port11", "Inside: people", 10 * _G, "internal", "", "access"),
    )


def _branch(provider: str) -> tuple[Port, ...]:
    return (
        Port(1, "port1", f"Internet: {provider}", 10 * _G, "external", provider, "transit"),
        Port(10, "port10", "Inside: people", 10 * _G, "internal", "", "access"),
    )


_CHI = _border("chi", ("Lumen", "Arelion"), "Equinix CH", "core1")
_NYC = _border("nyc", ("Cogent", "Lumen"), "DE-CIX NY", "core1")
_AMS, _SIN = _border("ams", ("Arelion", "GTT"), "AMS-IX", "core1"), _border(
    "sin", ("Singtel", "Arelion"), "Equinix SG", "core1"
)  # fmt: skip
_FRA1, _FRA2 = _border("fra", ("Arelion", "DTAG"), "DE-CIX"), _border("fra", ("Cogent", "GTT"), "DE-CIX")
_LON = (
    *_border("lon", ("Lumen", "Cogent"), "LINX", "fw1"),
    Port(11, "et-1/0/1", "Access: servers", 100 * _G, "internal", "", "server"),
)
_DAL, _SJC = _border("dal", ("Cogent", "Lumen"), "Equinix DA"), _border("sjc", ("Arelion", "Cogent"), "Equinix SV")
_PAR, _TYO = _border("par", ("GTT", "Lumen"), "France-IX"), _border("tyo", ("Arelion", "Singtel"), "JPIX")
_HKG, _MUM = _border("hkg", ("Singtel", "GTT"), "HKIX"), _border("mum", ("Singtel", "Lumen"), "DE-CIX Mumbai")

#: A device that exports no flows: its neighbours and its counters tell of it.
SILENT = (Exporter("nyc-core1", "nyc", "core", "sflow", "127.10.2.3", None, 4e9, _core("nyc")),)
EXPORTERS = (
    Exporter("chi-border1", "chi", "border", "ipfix", "127.10.1.1", 1000, 38e9, _CHI, share=0.75),
    Exporter("chi-core1", "chi", "core", "sflow", "127.10.1.2", 1_048_576, 6e9, _core("chi")),
    Exporter("nyc-border1", "nyc", "border", "netflow_v9", "127.10.2.1", 1000, 34e9, _NYC, share=0.75),
    Exporter("nyc-fw1", "nyc", "firewall", "netflow_v9", "127.10.2.2", None, 1.6e9, _firewall("Cogent", "nyc-core1"),
             share=0.4),
    Exporter("ams-border1", "ams", "border", "ipfix", "127.10.3.1", 2000, 30e9, _AMS, share=0.75),
    Exporter("ams-core1", "ams", "core", "sflow", "127.10.3.2", 1_048_576, 5e9, _core("ams")),
    Exporter("fra-border1", "fra", "border", "netflow_v9", "127.10.4.1", 1000, 41e9, _FRA1, share=0.75),
    Exporter("fra-border2", "fra", "border", "netflow_v5", "127.10.4.2", 500, 9e9, _FRA2, loss=0.004, share=0.4),
    Exporter("sin-border1", "sin", "border", "ipfix", "127.10.5.1", 2048, 17e9, _SIN, share=0.5),
    Exporter("sin-core1", "sin", "core", "sflow", "127.10.5.2", 1_048_576, 3e9, _core("sin")),
    Exporter("lon-border1", "lon", "border", "netflow_v5", "127.10.6.1", 2000, 12e9, _LON, share=0.5),
    Exporter("lon-fw1", "lon", "firewall", "ipfix", "127.10.6.2", 1, 1.1e9, _firewall("Lumen", "lon-border1"),
             share=0.35),
    Exporter("dal-border1", "dal", "border", "ipfix", "127.10.7.1", 4096, 14e9, _DAL, share=0.2),
    Exporter("sjc-border1", "sjc", "border", "ipfix", "127.10.8.1", 4096, 16e9, _SJC, share=0.2),
    Exporter("par-border1", "par", "border", "netflow_v9", "127.10.9.1", 4096, 13e9, _PAR, share=0.2),
    Exporter("tyo-border1", "tyo", "border", "ipfix", "127.10.10.1", 4096, 15e9, _TYO, share=0.2),
    Exporter("hkg-border1", "hkg", "border", "netflow_v9", "127.10.11.1", 4096, 12e9, _HKG, share=0.15),
    Exporter("mum-border1", "mum", "border", "ipfix", "127.10.12.1", 4096, 12e9, _MUM, share=0.15),
    Exporter("bos-fw1", "bos", "firewall", "ipfix", "127.10.13.1", 1, 6e9, _branch("Lumen"), share=0.05),
    Exporter("aus-fw1", "aus", "firewall", "netflow_v9", "127.10.14.1", None, 6e9, _branch("Cogent"), share=0.05),
    Exporter("mad-fw1", "mad", "firewall", "ipfix", "127.10.15.1", 1, 6e9, _branch("GTT"), share=0.05),
    Exporter("osa-fw1", "osa", "firewall", "ipfix", "127.10.16.1", 1, 6e9, _branch("Singtel"), share=0.05),
)  # fmt: skip
DEVICES = (*EXPORTERS, *SILENT)
BY_NAME = {device.name: device for device in DEVICES}


def _backbone_port(device: str, number: int) -> str:
    return f"et-2/0/{number}" if BY_NAME[device].role == "border" else f"port{FIRST_BACKBONE_PORT + number}"


def backbone_ports(device: str) -> tuple[Port, ...]:
    """The ports of a device at which a line of the backbone ends."""
    ports = []
    for link in BACKBONE:
        for name, index, other in ((link.a, link.a_port, link.b), (link.b, link.b_port, link.a)):
            if name == device:
                port = _backbone_port(name, index - FIRST_BACKBONE_PORT)
                description = f"Backbone: {other} [{link.circuit}]" if link.circuit else f"Backbone: {other}"
                ports.append(Port(index, port, description, link.speed_bps, "internal", link.provider, "backbone"))
    return tuple(sorted(ports, key=lambda port: port.index))


_ALL_PORTS = {device.name: (*device.ports, *backbone_ports(device.name)) for device in DEVICES}


def all_ports(device: Exporter) -> tuple[Port, ...]:
    """Every port of a device, the backbone's last."""
    return _ALL_PORTS[device.name]
