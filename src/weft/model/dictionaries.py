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


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A dictionary. ``key`` names and types its key columns; ``versioned`` rows carry ``valid_from``."""

    name: str
    meaning: str
    key: tuple[tuple[str, str], ...]
    attributes: tuple[Attribute, ...]
    versioned: bool = False
    extensible: bool = False  # users may add attributes in weft.yaml


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
DICTIONARIES = (EXPORTERS, INTERFACES, NETWORKS, APPLICATIONS, ASNS)
