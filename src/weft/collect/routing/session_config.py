"""Settings of BGP sessions (``routing.bgp`` in ``weft.yaml``)."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import Literal

from pydantic import Field, IPvAnyAddress, field_validator, model_validator

from weft.component import Config
from weft.secret import Secret

Family = Literal[
    "ipv4 unicast", "ipv6 unicast", "ipv4 mpls-vpn", "ipv6 mpls-vpn", "ipv4 flow", "ipv6 flow", "l2vpn evpn"
]


class BgpNeighborConfig(Config):
    """A router that sends its routes to Weft in a BGP session."""

    address: IPvAnyAddress
    """Address that the router speaks from."""
    asn: int = Field(ge=1, le=0xFFFFFFFE)
    """AS of the router. The same as ``local_as`` makes the session internal: paths then come as the router has them."""
    name: str = ""
    """What it is called; empty = its address."""
    password: Secret | None = None
    """Key of TCP MD5 signatures (RFC 2385): a text, ``{file: PATH}`` or ``{env: NAME}``."""
    families: tuple[Family, ...] = Field(default=("ipv4 unicast", "ipv6 unicast"), min_length=1)
    """Address families to receive."""
    add_path: bool = False
    """Receive several paths to a prefix where the router offers them (RFC 7911)."""
    connect: bool = False
    """Also connect to the router, rather than only wait for it to connect."""
    hold_time: int = Field(default=180, ge=3, le=65535)
    """Seconds without a message after which the session counts as dead."""

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not re.fullmatch(r"[\w .:-]{0,100}", name):
            raise ValueError("letters, digits, spaces, dots, colons, dashes and underscores only")
        return name


class BgpConfig(Config):
    """BGP sessions that routes are received in, spoken by ExaBGP. Weft announces nothing in them."""

    neighbors: tuple[BgpNeighborConfig, ...] = ()
    """Routers to take routes from; empty = ExaBGP is not started."""
    local_as: int = Field(default=64512, ge=1, le=0xFFFFFFFE)
    """AS that Weft speaks as."""
    router_id: IPv4Address | None = None
    """BGP identifier; none = ``address`` where it is of IPv4."""
    address: IPvAnyAddress | None = None
    """Address of this machine that sessions end at; needed where there are neighbors."""
    port: int = Field(default=179, ge=1, le=65535)
    """TCP port to listen on; below 1024 the process needs the right to."""
    program: str = "exabgp"
    """ExaBGP 4.2 or later: a name that is looked for on the PATH and beside Weft's own Python, or a path."""

    @model_validator(mode="after")
    def _whole(self) -> BgpConfig:
        if self.neighbors and self.address is None:
            raise ValueError("`address` is needed: the address of this machine that sessions end at")
        if self.neighbors and self.router_id is None and self.address is not None and self.address.version == 6:
            raise ValueError("`router_id` is needed where `address` is of IPv6")
        addresses = [neighbor.address for neighbor in self.neighbors]
        if len(set(addresses)) != len(addresses):
            raise ValueError("two neighbors share an address; remove one")
        return self
