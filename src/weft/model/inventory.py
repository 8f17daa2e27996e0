"""The nouns of the inventory, and how a source states what it knows of them.

A source (a YAML file, NetBox, SNMP discovery …) states *facts*: this object has these attributes. The inventory keeps
every source's facts apart, merges them attribute by attribute in a fixed order of precedence, and remembers when what
was claimed by whom. Must do no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote


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
    VPC = "vpc"
    SUBNET = "subnet"
    INSTANCE = "instance"
    NIC = "nic"
    GATEWAY = "gateway"
    ROUTE_TABLE = "route_table"
    SECURITY_GROUP = "security_group"


#: What clouds are made of: each is named by one word, the one that their flow logs have.
CLOUD_KINDS = (
    ObjectKind.VPC, ObjectKind.SUBNET, ObjectKind.INSTANCE, ObjectKind.NIC, ObjectKind.GATEWAY, ObjectKind.ROUTE_TABLE,
    ObjectKind.SECURITY_GROUP,
)  # fmt: skip

#: Sources by precedence, best first: what a person wrote wins over what a system of record says, that over what the
#: device says of itself, that over what was overheard. ``tables`` are the reference tables of enrichment, ``cloud`` is
#: what the providers say of their networks, ``flows`` is
#: what exporters tell of themselves, ``syslog`` stands for senders of logs, traps and pushed metrics that nothing else
#: knows.
ORIGINS = ("file", "netbox", "tables", "cloud", "gnmi", "snmp", "lldp", "configs", "flows", "syslog")


@dataclass(frozen=True, slots=True)
class Fact:
    """What one source says of one object.

    ``key`` names the object within its kind: a site, provider, circuit, service or customer by its name, what is in a
    cloud by its id; a device by
    its name, or by an address where that is all the source knows; an interface as ``(device key, interface name)``; a
    prefix by its CIDR text; a link as the two interfaces it joins, in order. Attributes that a source does not know are
    absent.
    """

    kind: ObjectKind
    key: tuple[str, ...]
    attributes: Mapping[str, Any]


_CLOUD = {
    "name": "Name that people gave it.", "provider": "aws, azure, gcp or oci.",
    "account": "Account, subscription, project or tenancy.", "region": "Region.", "description": "In words.",
    "tags": "List of key=value.",
}  # fmt: skip

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
        "mac": "Hardware address.", "mtu": "Bytes.", "duplex": "full or half.",
        "type": "ethernet, lag, loopback, tunnel, vlan …",
        "addresses": "Its IP addresses with prefix length.", "lag": "Name of the aggregate that it belongs to.",
        "enabled": "Whether it is administratively up.", "boundary": "'external' or 'internal'.",
        "provider": "Who is on the other side.", "connectivity": "transit, peering, ix, customer, core, cloud …",
        "circuit": "Circuit that it terminates.", "tags": "List of words.",
    },
    ObjectKind.LINK: {
        "a_device": "One end's device.", "a_interface": "Its interface.", "b_device": "The other end's device.",
        "b_interface": "Its interface.", "capacity_bps": "Bit/s.", "circuit": "Circuit it runs over.",
        "provider": "Who provides it.", "delay_ms": "One way, milliseconds.", "cost": "Cost per month.",
        "srlg": "Shared risk groups, a list.", "metric": "IGP metric, both ways.", "tags": "List of words.",
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
    ObjectKind.VPC: {
        **_CLOUD, "prefixes": "Its address blocks.", "flow_logs": "Whether its flows are logged.",
    },
    ObjectKind.SUBNET: {
        **_CLOUD, "zone": "Availability zone.", "vpc": "Network that it is in.", "prefixes": "Its address blocks.",
        "flow_logs": "Whether its flows are logged.", "sampling_rate": "One in how many flow records is logged.",
    },
    ObjectKind.INSTANCE: {
        **_CLOUD, "zone": "Availability zone.", "vpc": "Network.", "subnet": "Subnet.", "size": "Type of machine.",
        "state": "running, stopped …", "addresses": "Its addresses.",
    },
    ObjectKind.NIC: {
        **_CLOUD, "zone": "Availability zone.", "vpc": "Network.", "subnet": "Subnet.",
        "instance": "Instance it is of.",
        "addresses": "Its addresses, public ones included.", "mac": "Hardware address.", "kind": "What made it.",
        "flow_logs": "Whether its flows are logged.", "security_groups": "Groups that decide for it.",
    },
    ObjectKind.GATEWAY: {
        **_CLOUD, "vpc": "Network.", "kind": "internet, nat, transit, vpn, peering, endpoint, direct_connect …",
        "state": "As the provider says.", "peer_vpc": "Network at the other side.",
        "addresses": "Its public addresses.", "flow_logs": "Whether its flows are logged.",
    },
    ObjectKind.ROUTE_TABLE: {
        **_CLOUD, "vpc": "Network.", "subnets": "Subnets that use it.", "routes": "Destination and target, as texts.",
    },
    ObjectKind.SECURITY_GROUP: {
        **_CLOUD, "vpc": "Network.", "rules": "What it lets in and out, as texts.", "subnets": "Subnets that use it.",
    },
}  # fmt: skip


#: Origins that people keep: what they say does not expire.
MANUAL_ORIGINS = frozenset({"file", "netbox", "tables"})
#: Lists of which every source knows a part: the merged list holds all of them, the best source's first.
JOINED_ATTRIBUTES = frozenset({"addresses", "tags", "prefixes", "customers"})
#: Nobody says otherwise.
NO_OTHERS: Mapping[str, Any] = MappingProxyType({})
_SEPARATOR = "|"


def key_text(key: Sequence[str]) -> str:
    """The key of an object as one text: its parts joined by ``|``."""
    return _SEPARATOR.join(part.replace("%", "%25").replace(_SEPARATOR, "%7C") for part in key)


def key_of(text: str) -> tuple[str, ...]:
    """The key that ``key_text`` made."""
    return tuple(unquote(part) for part in text.split(_SEPARATOR))


@dataclass(frozen=True, slots=True)
class Claim:
    """One attribute of a merged object: the value in force, who says so, and who says otherwise."""

    value: Any
    origin: str
    others: Mapping[str, Any] = field(default_factory=lambda: NO_OTHERS)  # origin → its different value


@dataclass(frozen=True, slots=True)
class InventoryObject:
    """An object as merged from all sources, as of one moment.

    Its key is that of a fact, with the names in force: a device by its name (its first address where it has none), an
    interface as (device, name), a link as (device, interface, device, interface) with the ends in order.
    """

    kind: ObjectKind
    key: tuple[str, ...]
    claims: Mapping[str, Claim]
    origins: tuple[str, ...]  # sources that know it, best first
    first_seen_s: float  # UTC seconds
    last_seen_s: float  # when a source last stated it
    facts: tuple[tuple[str, str, tuple[str, ...]], ...] = ()  # (origin, scope, key) of each fact it is made of

    def get(self, attribute: str, default: Any = None) -> Any:
        """Value of an attribute."""
        claim = self.claims.get(attribute)
        return default if claim is None else claim.value

    @property
    def id(self) -> str:
        """The key as one text, for addresses and links."""
        return key_text(self.key)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Sources contradict each other in a way that merging must not hide."""

    kind: ObjectKind
    what: str  # serial, name, end …: what they contradict each other in
    keys: tuple[tuple[str, ...], ...]  # objects it is about, by their keys
    text: str  # in a sentence


@dataclass(frozen=True, slots=True)
class KnownInterface:
    """What the inventory knows of an interface beyond what its device's flows tell."""

    name: str = ""
    description: str = ""
    speed_bps: int = 0
    boundary: str = ""
    provider: str = ""
    connectivity: str = ""
    circuit: str = ""
    peer: str = ""  # the other end of its link: device and interface


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """What the inventory knows of a device, for the dictionaries that give telemetry its names."""

    address: str  # the one that its telemetry is kept under
    addresses: tuple[str, ...] = ()
    name: str = ""
    site: str = ""
    role: str = ""
    vendor: str = ""
    model: str = ""
    os: str = ""
    demo: str = ""
    interfaces: Mapping[int, KnownInterface] = field(default_factory=dict)  # by ifIndex
