"""Synthetic tests as agents are told of them: what to measure, from where, how often, and when it is bad.

The answers travel as rows of ``probes`` and ``hops`` (``model/probes.py``) with the columns' names as keys.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Kinds by which agents can test each other.
MESHES = ("ping", "tcp", "trace", "throughput")
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Limits(_Part):
    """Beyond these a run counts as ``degraded``; 0 = no limit. No answer at all is always ``failed``."""

    loss_percent: float = Field(default=0, ge=0, le=100)
    """Loss of packets."""
    rtt_ms: float = Field(default=0, ge=0)
    """Mean round trip; HTTP and DNS: the whole transaction."""
    jitter_ms: float = Field(default=0, ge=0)
    """Mean difference between one round trip and the next."""
    certificate_days: float = Field(default=14, ge=0)
    """Days that the certificate must still be valid."""
    throughput_bps: float = Field(default=0, ge=0)
    """Least throughput."""


class SyntheticTest(_Part):
    """One test. Which fields count depends on ``kind``; the others are passed over."""

    name: Name
    """What people call it; unique."""
    kind: Literal["ping", "tcp", "trace", "http", "dns", "throughput"]
    """What it does."""
    targets: list[Annotated[str, Field(min_length=1, max_length=2000)]] = Field(default_factory=list, max_length=1000)
    """Names or addresses; HTTP: URLs; DNS: names to look up. Each is a series of its own."""
    agents: list[Name] = Field(default_factory=lambda: ["*"], max_length=1000)
    """Agents that run it, by name; ``*`` and ``?`` stand for any."""
    mesh: bool = False
    """The agents test each other instead of ``targets``: ping, tcp, trace and throughput only."""
    every_s: float = Field(default=60, ge=1, le=86400)
    """How often."""
    timeout_ms: int = Field(default=3000, ge=10, le=60_000)
    """How long an answer is waited for."""
    family: Literal["any", "ipv4", "ipv6"] = "any"
    """Which addresses of a name."""
    count: int = Field(default=5, ge=1, le=1000)
    """Ping and tcp: probes per run."""
    interval_ms: int = Field(default=200, ge=1, le=10_000)
    """Ping and tcp: time between probes."""
    size: int = Field(default=56, ge=0, le=9000)
    """Ping: bytes of data in a probe."""
    port: int = Field(default=443, ge=1, le=65535)
    """Tcp, and trace by tcp: port; DNS: port of the resolvers is 53 unless written with them."""
    protocol: Literal["udp", "icmp", "tcp"] = "udp"
    """Trace: what the probes are."""
    flows: int = Field(default=16, ge=1, le=128)
    """Trace: how many flow ids, so that the branches of ECMP show."""
    max_hops: int = Field(default=30, ge=1, le=64)
    """Trace: longest path."""
    method: Literal["GET", "HEAD", "POST"] = "GET"
    """HTTP method."""
    headers: dict[str, str] = Field(default_factory=dict)
    """HTTP headers."""
    body: str = Field(default="", max_length=10_000)
    """HTTP body of a POST."""
    expect_status: list[int] = Field(default_factory=list)
    """HTTP: statuses that are good; empty = 200 to 399."""
    expect_text: str = Field(default="", max_length=1000)
    """HTTP: text that the answer must hold."""
    verify_tls: bool = True
    """HTTP: a certificate that does not verify is a failure. It is read either way."""
    record: Literal["A", "AAAA", "CNAME", "MX", "NS", "TXT", "SOA", "PTR", "SRV", "CAA"] = "A"
    """DNS: type of record."""
    resolvers: list[str] = Field(default_factory=list, max_length=50)
    """DNS: resolvers to ask, each a series of its own; empty = the agent's own."""
    expect_answers: list[str] = Field(default_factory=list, max_length=100)
    """DNS: answers that must be among those that come."""
    duration_s: float = Field(default=5, ge=0.5, le=60)
    """Throughput: how long to send."""
    most_bps: float = Field(default=100e6, ge=1e3)
    """Throughput: upper bound of the rate, so that the test does no harm."""
    limits: Limits = Field(default_factory=Limits)
    """When a run is ``degraded``."""
    enabled: bool = True
    """Whether it runs."""


def runs_on(test: SyntheticTest, agent: str) -> bool:
    """Whether the test names the agent: ``*`` and ``?`` stand for any."""
    return any(fnmatchcase(agent, pattern) for pattern in test.agents)
