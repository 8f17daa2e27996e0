"""Settings of routing (section ``routing`` of ``weft.yaml``)."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from pydantic import Field, IPvAnyAddress, field_validator

from weft.collect.routing.rpki_config import RpkiConfig
from weft.collect.routing.session_config import BgpConfig
from weft.component import Config
from weft.model.routes import CHECKPOINT_S


class BmpListenerConfig(Config):
    """One socket that routers speak BMP to."""

    port: int = Field(default=11019, ge=0, le=65535)
    """TCP port; 0 picks a free one."""
    address: IPvAnyAddress | None = None
    """Address to listen on; none = every IPv4 and IPv6 address of this machine (0.0.0.0 and [::])."""


class BmpConfig(Config):
    """Routers that tell what their neighbours sent them, by the BGP Monitoring Protocol (RFC 7854, 8671, 9069)."""

    listeners: tuple[BmpListenerConfig, ...] = ()
    """Sockets to listen on; empty = none. BMP knows no passwords: name who may connect."""
    allowed_routers: tuple[IPv4Network | IPv6Network, ...] = ()
    """Prefixes that routers may connect from; empty = any. Connections from elsewhere are counted and closed."""
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Prefixes that connections come from whose address is not the router's (NAT, a proxy, a load balancer): such
    routers are known by the name that they give themselves, else by their BGP identifier."""
    max_connections: int = Field(default=512, ge=1)
    """Connections at once; further ones are closed and counted."""
    max_connections_per_router: int = Field(default=16, ge=1)
    """Connections of one address at once."""
    max_peers: int = Field(default=4096, ge=1)
    """Tables (a neighbour's routes before policy, after it …) of one connection; routes of further ones are counted
    and left out."""
    longest_message: int = Field(default=1 << 20, ge=4096, le=1 << 26)
    """Octets of one message; a longer one means that the stream cannot be followed any more, and closes it."""
    queue_bytes: int = Field(default=32 << 20, ge=1 << 20)
    """Memory for what waits to be decoded, octets. When it fills, routers are made to wait (TCP), nothing is lost."""

    @field_validator("listeners")
    @classmethod
    def _distinct(cls, listeners: tuple[BmpListenerConfig, ...]) -> tuple[BmpListenerConfig, ...]:
        fixed = [(one.address, one.port) for one in listeners if one.port]
        if len(set(fixed)) != len(fixed):
            raise ValueError("two listeners share an address and port; remove one")
        return listeners


class RoutingConfig(Config):
    """Which routes there are, and how long they are told of."""

    bmp: BmpConfig = Field(default_factory=BmpConfig)
    """Routers that speak BMP."""
    rpki: RpkiConfig = Field(default_factory=RpkiConfig)
    """Validated payloads that routes are judged by."""
    bgp: BgpConfig = Field(default_factory=BgpConfig)
    """Routers that send their routes in a BGP session, where BMP is not to be had."""
    max_routes: int = Field(default=10_000_000, ge=1)
    """Routes kept in memory, of all routers together (some 50 octets each, and their attributes once); announcements
    beyond are counted and left out."""
    checkpoint_hours: float = Field(default=CHECKPOINT_S / 3600, gt=0, le=CHECKPOINT_S / 3600)
    """How often standing routes are written again, so that a table as of a time is found without reading all that came
    before."""
    clock_tolerance_seconds: float = Field(default=30.0, ge=0)
    """A router's stamp at most this much older than its arrival is believed, except of routes before policy, whose
    stamps tell when the route was first received; otherwise the arrival counts."""
