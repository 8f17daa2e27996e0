"""The cluster in Acme's inventory: its hall, switches, hosts and stores, and every line between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weft.twin.cluster import layout as at

_Entry = dict[str, Any]
PREFIXES = {"127.10.76.0/24": "hosts", "127.10.77.0/24": "storage"}


def sites() -> Iterator[_Entry]:
    """The hall, a site of its own: hosts show inside it only."""
    yield {
        "name": at.SITE, "description": at.SITE_NAME, "country": "US", "region": "Americas", "latitude": at.AT[0],
        "longitude": at.AT[1], "kind": "data centre", "tags": ["demo", "ai"],
    }  # fmt: skip


def devices() -> Iterator[_Entry]:
    """Switches, hosts and stores with all their ports."""
    for node in at.NODES:
        hardware = at.HARDWARE[node.role]
        yield {
            "name": node.name, "addresses": [node.address], "site": at.SITE, "role": node.role,
            "vendor": hardware.vendor, "model": hardware.model, "os": hardware.os, "demo": "demo",
            "tags": ["demo", "ai"],
            "interfaces": [
                {"name": one.name, "if_index": one.index, "description": one.description, "speed": one.speed_bps,
                 "type": "ethernet", "boundary": "internal", "connectivity": one.connectivity}
                for one in node.ports
            ],
        }  # fmt: skip


def links() -> Iterator[_Entry]:
    """Every line of the hall, and the one to the backbone."""
    for line in at.lines():
        entry = {"a": f"{line.a} {line.a_port}", "b": f"{line.b} {line.b_port}", "capacity": line.speed_bps,
                 "delay_ms": 0.001, "metric": 1, "srlg": [line.srlg] if line.srlg else []}  # fmt: skip
        yield {name: value for name, value in entry.items() if value}
    front, gateway = at.SWITCHES[-at.FRONTS], at.GATEWAY
    yield {"a": f"{front.name} {front.ports[-1].name}", "b": f"{gateway[0]} et-1/0/0", "capacity": at.GATEWAY_SPEED,
           "delay_ms": 0.05, "metric": 3}  # fmt: skip


def services() -> Iterator[_Entry]:
    """What the cluster is for."""
    yield {
        "name": "AI training", "owner": "research", "tier": "1", "prefixes": list(PREFIXES),
        "attributes": {"sla": "99.5", "revenue_per_hour": "12000"},
    }  # fmt: skip


def prefixes() -> Iterator[_Entry]:
    """Where its hosts and stores are."""
    for prefix, role in PREFIXES.items():
        yield {"prefix": prefix, "site": at.SITE, "service": "AI training", "role": role}
