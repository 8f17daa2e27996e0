"""Acme: the synthetic organisation of the demo. Sites on three continents, its devices and lines, two clouds, SaaS.

Everything is made up except the AS numbers and roughly where those networks' addresses lie. Acme itself uses addresses
and an AS number set aside for documentation and private use (RFC 5398, 5737, 3849, 2544, 1918).
"""

from weft.twin.organisation.business import CUSTOMERS, SERVICES
from weft.twin.organisation.internet import APPS, HTTPS, PROVIDER_ASNS, QUIC, REMOTES, App, Remote
from weft.twin.organisation.model import (
    Customer,
    Exporter,
    Hardware,
    Link,
    Port,
    Protocol,
    Service,
    Shape,
    Site,
)
from weft.twin.organisation.network import (
    BACKBONE,
    BY_NAME,
    DEVICES,
    EXPORTERS,
    FIRST_BACKBONE_PORT,
    HARDWARE,
    LINKS,
    LOCAL,
    SILENT,
    all_ports,
    backbone_ports,
)
from weft.twin.organisation.sites import AGENT_SITES, BY_CODE, SITES

ACME_AS = 64500

__all__ = [
    "ACME_AS", "AGENT_SITES", "APPS", "BACKBONE", "BY_CODE", "BY_NAME", "CUSTOMERS", "DEVICES", "EXPORTERS",
    "FIRST_BACKBONE_PORT", "HARDWARE", "HTTPS", "LINKS", "LOCAL", "PROVIDER_ASNS", "QUIC", "REMOTES", "SERVICES",
    "SILENT", "SITES", "App", "Customer", "Exporter", "Hardware", "Link", "Port", "Protocol", "Remote", "Service",
    "Shape", "Site", "all_ports", "backbone_ports",
]  # fmt: skip
