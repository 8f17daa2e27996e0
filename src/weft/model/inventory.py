"""The nouns of the inventory, and how a source states what it knows of them.

A source (a YAML file, NetBox, SNMP discovery …) states *facts*: this object has these attributes. The inventory keeps
every source's facts apart, merges them attribute by attribute in a fixed order of precedence, and remembers when what
was claimed by whom. Must do no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ObjectKind(StrEnum):
    """What an inventory object is."""

    SITE = "site"
    DEVICE = "device"
    INTERFACE = "interface"
    LINK = "link"
    PROVIDER = "provider"
    CIRCUIT = "circuit"
    SERVICE = "service"
    CUSTOMER = "customer"
    PREFIX = "prefix"


#: Sources by precedence, best first: what a person wrote wins over what a system of record says, that over what the
#: device says of itself, that over what was overheard.
ORIGINS = ("file", "netbox", "tables", "gnmi", "snmp", "lldp", "configs", "flows", "syslog")


@dataclass(frozen=True, slots=True)
class Fact:
    """What one source says of one object.

    ``key`` names the object within its kind: a site, provider, circuit, service or customer by its name; a device by
    its name, or by an address where that is all the source knows; an interface as ``(device key, interface name)``; a
    prefix by its CIDR text; a link as the two interfaces it joins, in order. Attributes that a source does not know are
    absent.
    """

    kind: ObjectKind
    key: tuple[str, ...]
    attributes: Mapping[str, Any]


#: Attributes that have a meaning to Weft, by kind: name → meaning. Sources may add others; they are kept and shown.
ATTRIBUTES: Mapping[ObjectKind, Mapping[str, str]] = {
    ObjectKind.SITE: {
        "name": "Name.", "description": "In words.", "address": "Postal address.", "region": "Region or continent.",
        "country": "ISO 3166-1 alpha-2.", "latitude": "Degrees north.", "longitude": "Degrees east.",
        "kind": "data centre, office, pop, cloud region, branch …", "tags": "List of words.",
    },
    ObjectKind.DEVICE: {
        "name": "Name.", "addresses": "Every address that it sends or answers from, the one to poll first.",
        "site": "Site it stands at.", "role": "border, core, spine, leaf, access, firewall, host …",
        "vendor": "Maker.", "model": "Hardware model.", "os": "Operating system.", "os_version": "Its version.",
        "serial": "Serial number.", "chassis_id": "LLDP chassis id (MAC address in colons, or text).",
        "description": "In words, sysDescr.", "location": "sysLocation.", "contact": "sysContact.",
        "platform": "Device profile or driver in use.", "demo": "'demo' where it is simulated.",
        "tags": "List of words.",
    },
    ObjectKind.INTERFACE: {
        "name": "Name, as the device spells it in full.", "short_name": "As abbreviated, e.g. Gi0/1.",
        "if_index": "ifIndex.", "description": "Configured description (ifAlias).",
        "speed_bps": "Nominal speed, bit/s.",
        "mac": "Hardware address.", "mtu": "Bytes.", "type": "ethernet, lag, loopback, tunnel, vlan …",
        "addresses": "Its IP addresses with prefix length.", "lag": "Name of the aggregate that it belongs to.",
        "enabled": "Whether it is administratively up.", "boundary": "'external' or 'internal'.",
        "provider": "Who is on the other side.", "connectivity": "transit, peering, ix, customer, core, cloud …",
        "circuit": "Circuit that it terminates.", "tags": "List of words.",
    },
    ObjectKind.LINK: {
        "a_device": "One end's device.", "a_interface": "Its interface.", "b_device": "The other end's device.",
        "b_interface": "Its interface.", "capacity_bps": "Bit/s.", "circuit": "Circuit it runs over.",
        "provider": "Who provides it.", "delay_ms": "One way, milliseconds.", "cost": "Cost per month.",
        "srlg": "Shared risk groups, a list.", "tags": "List of words.",
    },
    ObjectKind.PROVIDER: {"name": "Name.", "asn": "AS number.", "contact": "NOC contact.", "tags": "List of words."},
    ObjectKind.CIRCUIT: {
        "name": "Circuit id.", "provider": "Who provides it.", "capacity_bps": "Bit/s.",
        "commit_bps": "Committed rate, bit/s.", "cost_per_month": "Money.", "currency": "ISO 4217.",
        "ends": "ISO date when the contract ends.", "tags": "List of words.",
    },
    ObjectKind.SERVICE: {
        "name": "Name.", "owner": "Team.", "tier": "Importance.", "prefixes": "Prefixes behind it.",
        "customers": "Customers who use it.", "tags": "List of words.",
    },
    ObjectKind.CUSTOMER: {
        "name": "Name.", "tier": "gold, silver …", "contact": "Contact.", "asn": "AS number.",
        "prefixes": "Their prefixes.", "tags": "List of words.",
    },
    ObjectKind.PREFIX: {
        "prefix": "CIDR.", "site": "Site.", "service": "Service.", "customer": "Customer.", "role": "Use.",
        "vlan": "VLAN id.", "description": "In words.", "tags": "List of words.",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """One attribute of a merged object: the value in force, who says so, and who says otherwise."""

    value: Any
    origin: str
    others: Mapping[str, Any] = field(default_factory=dict)  # origin → its different value


@dataclass(frozen=True, slots=True)
class InventoryObject:
    """An object as merged from all sources, as of one moment."""

    kind: ObjectKind
    key: tuple[str, ...]
    claims: Mapping[str, Claim]
    origins: tuple[str, ...]  # sources that know it, best first
    first_seen_s: float  # UTC seconds
    last_seen_s: float  # when a source last stated it

    def get(self, attribute: str, default: Any = None) -> Any:
        """Value of an attribute."""
        claim = self.claims.get(attribute)
        return default if claim is None else claim.value
