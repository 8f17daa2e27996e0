"""Versioned dictionaries: small tables that give ids their names, as of a time.

A telemetry row holds ids (``in_if``, ``src_net``, ``app``); what they were called at the row's own time is looked up
here at query time, so a renamed interface keeps its history. Each dictionary is declared once: storage, lookups and the
attributes offered as query dimensions (``in_if_boundary``, ``src_site`` …) are derived from it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a dictionary row. ``sql`` is ``String`` or an unsigned integer type."""

    name: str
    meaning: str
    sql: str = "String"
    unit: str = ""
    is_as: bool = False  # an AS number


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A dictionary. ``key`` names and types its key columns; ``versioned`` rows carry ``valid_from``."""

    name: str
    meaning: str
    key: tuple[tuple[str, str], ...]
    attributes: tuple[Attribute, ...]
    versioned: bool = False
    extensible: bool = False  # users may add attributes in weft.yaml
    ttl_days: int = 0  # rows that nobody wrote for so long are dropped; 0 = kept. Such rows are told again and again.


EXPORTERS = Dictionary(
    "exporters",
    "Devices that export telemetry.",
    key=(("exporter", "IPv6"),),
    versioned=True,
    attributes=(
        Attribute("name", "Device name."),
        Attribute("site", "Site the device stands at."),
        Attribute("role", "What the device is for: border, core, access, firewall …"),
        Attribute("demo", "'demo' where the device is simulated."),
        Attribute("vendor", "Who made the device."),
        Attribute("model", "Hardware model."),
        Attribute("os", "Operating system."),
    ),
)
INTERFACES = Dictionary(
    "interfaces",
    "Interfaces of exporters.",
    key=(("exporter", "IPv6"), ("if_index", "UInt32")),
    versioned=True,
    attributes=(
        Attribute("name", "Interface name, e.g. et-0/0/1."),
        Attribute("description", "Configured description."),
        Attribute("speed_bps", "Nominal speed.", sql="UInt64", unit="bit/s"),
        Attribute("boundary", "'external' or 'internal'."),
        Attribute("provider", "Who is on the other side."),
        Attribute("connectivity", "transit, peering, ix, customer, core, cloud …"),
        Attribute("circuit", "Circuit that the interface terminates."),
        Attribute("peer", "Other end of its link: device and interface."),
    ),
)
NETWORKS = Dictionary(
    "networks",
    "What is known of the longest matching prefix of an address: one row per distinct set of attributes.",
    key=(("id", "UInt32"),),
    extensible=True,
    attributes=(
        Attribute("site", "Site of ours that the prefix belongs to."),
        Attribute("service", "Service or SaaS behind the prefix."),
        Attribute("customer", "Customer that the prefix belongs to."),
        Attribute("cloud", "Cloud provider."),
        Attribute("region", "Cloud region."),
        Attribute("country", "ISO 3166-1 alpha-2 country."),
    ),
)
APPLICATIONS = Dictionary(
    "applications",
    "Applications named by protocol and port.",
    key=(("id", "UInt32"),),
    attributes=(Attribute("name", "Application name."), Attribute("category", "Kind of application.")),
)
ASNS = Dictionary(
    "asns",
    "Names of autonomous systems.",
    key=(("asn", "UInt32"),),
    attributes=(Attribute("name", "Registered name."),),
)
#: Paths outlive the flows that took them; one in use is told daily.
PATHS = Dictionary(
    "paths",
    "AS paths and communities of routes that flows took, by fingerprint.",
    key=(("path", "UInt64"),),
    attributes=(
        Attribute("as_path", "AS path of the exporter's route, as in 64500 64501 {64502 64503}."),
        Attribute("as_path_length", "Length of that path: prepends count, a set counts one.", sql="UInt16"),
        Attribute("neighbor_as", "First AS of that path; 0 = own.", sql="UInt32", is_as=True),
        Attribute("communities", "Communities of the exporter's route, sorted: 64500:120 large:64500:1:2."),
    ),
    ttl_days=120,
)


def _reference(kind: str, meaning: str, *key: tuple[str, str]) -> Dictionary:
    return Dictionary(
        f"ref_{kind}", meaning, key=key, versioned=True, extensible=True,
        attributes=(Attribute("listed", "1 while a reference table lists it.", sql="UInt8"),),
    )  # fmt: skip


#: What people keep tables of, by the thing that the rows are about. Every attribute but ``listed`` is a column of
#: theirs. A row states from when it holds: what is not listed at a time has a row without attributes then.
REFERENCES = {
    "asn": _reference("asn", "What tables say of autonomous systems.", ("asn", "UInt32")),
    "exporter": _reference("exporter", "What tables say of devices.", ("exporter", "IPv6")),
    "interface": _reference(
        "interface", "What tables say of interfaces.", ("exporter", "IPv6"), ("if_index", "UInt32")
    ),
    "vlan": _reference("vlan", "What tables say of VLANs.", ("vlan", "UInt32")),
    "app": _reference("app", "What tables say of applications.", ("app", "String")),
    "site": _reference("site", "What tables say of sites.", ("site", "String")),
    "service": _reference("service", "What tables say of services.", ("service", "String")),
    "customer": _reference("customer", "What tables say of customers.", ("customer", "String")),
    "provider": _reference("provider", "What tables say of providers.", ("provider", "String")),
    "job": _reference("job", "What tables say of jobs.", ("job", "String")),
}
#: What columns of such tables usually mean; any other column is as good.
REFERENCE_COLUMNS = {
    "customer": "Customer that it is for.",
    "tier": "Importance: gold, silver, 1, 2 …",
    "owner": "Team or person who answers for it.",
    "sla": "What was promised.",
    "contract": "Contract that it is under.",
    "revenue": "Money that depends on it.",
}
DICTIONARIES = (EXPORTERS, INTERFACES, NETWORKS, APPLICATIONS, ASNS, PATHS, *REFERENCES.values())
