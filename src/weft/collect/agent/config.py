"""Settings of the synthetics agent (section ``agent`` of ``weft.yaml``)."""

from __future__ import annotations

import socket
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, IPvAnyAddress, field_validator

from weft.component import Config
from weft.secret import Secret

Network = IPv4Network | IPv6Network
TestKind = Literal["ping", "tcp", "trace", "http", "dns", "throughput"]
KINDS: tuple[TestKind, ...] = ("ping", "tcp", "trace", "http", "dns", "throughput")


class ThroughputConfig(Config):
    """Answering other agents' tests."""

    port: int | None = Field(default=None, ge=0, le=65535)
    """TCP port that other agents' throughput tests and TCP pings are answered on; 0 picks a free one, none = they are
    not answered."""
    address: IPvAnyAddress | None = None
    """Address to listen on; none = every address of this machine."""
    allowed: tuple[Network, ...] = ()
    """Who may test against this agent, beside the agents that the server names as its peers."""
    most_bps: float = Field(default=1e9, ge=1e3)
    """Upper bound of the rate that this agent sends at, whatever a test asks for, bit/s."""


class AgentConfig(Config):
    """A synthetics agent: where it reports to, what it may do."""

    server: str = ""
    """URL of the Weft that it reports to, such as ``https://weft.example.net``."""
    token: Secret | None = None
    """What lets it register: the server's ``synthetics.token``, or an API token of the role sender. Needed once: the
    server then gives the agent a key, which it keeps in its data directory."""
    name: str = Field(default="", max_length=100, pattern=r"^[^\x00-\x1f]*$")
    """Its name: one agent per name. Empty = the machine's."""
    ca: Path | None = None
    """Certificates (PEM) that the server's one is verified by; none = the system's."""
    addresses: tuple[IPvAnyAddress, ...] = ()
    """Addresses that other agents reach this one at, best first; none = those that it talks to the server from."""
    kinds: tuple[TestKind, ...] = KINDS
    """Kinds of tests that it carries out."""
    targets: tuple[Network, ...] = ()
    """Where tests may be aimed at; none = anywhere. A test aimed elsewhere ends in an error."""
    http_ca: Path | None = None
    """Certificates (PEM) that HTTP tests verify by, beside the system's."""
    most_tests: int = Field(default=5000, ge=1, le=100_000)
    """Most series (tests × targets) that it runs; the others are left out, and counted."""
    most_at_once: int = Field(default=256, ge=1, le=4096)
    """Most runs at a time; one that would be beyond is skipped, and counted."""
    report_s: float = Field(default=5.0, ge=0.2, le=300)
    """How often results are sent, seconds."""
    buffer_bytes: int = Field(default=64 << 20, ge=1 << 16)
    """Disk space for results while the server is away (compressed); the oldest are dropped beyond it, and counted."""
    buffer_days: float = Field(default=14, gt=0, le=29)
    """Results older than this are dropped, and counted."""
    throughput: ThroughputConfig = Field(default_factory=ThroughputConfig)
    """Answering other agents' tests."""

    @property
    def called(self) -> str:
        """Its name."""
        return self.name or socket.gethostname()[:100] or "agent"

    @field_validator("server")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the server is a URL: https://weft.example.net")
        if parts.username or parts.password:
            raise ValueError("credentials do not belong in the URL; use `token`")
        return url.rstrip("/")
