"""Synthetic tests: what they are, how they are, the paths that they saw."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from weft.api.models.agents import AgentView
from weft.api.models.base import Answer, Status
from weft.model.synthetics import SyntheticTest
from weft.model.views import Window

#: How a series is now: how its last run ended; ``silent``: it ran before and not lately; ``waiting``: it never did.
SeriesState = Literal["ok", "degraded", "failed", "error", "silent", "waiting"]


class CourseView(Answer):
    """Latency and loss in equal buckets; None = nothing measured."""

    start: int
    step: int
    rtt_ms: list[float | None]
    loss: list[float | None]
    """0–1."""


class TestRow(Answer):
    """A test in the list, with its figures over the window."""

    name: str
    kind: Literal["ping", "tcp", "trace", "http", "dns", "throughput"]
    mesh: bool
    enabled: bool
    every_s: float
    targets: list[str]
    """The first few."""
    target_count: int
    agents: list[str]
    """Agents that run it, by name."""
    origin: Literal["settings", "people"]
    """``settings``: written in weft.yaml, where alone it can be changed."""
    author: str
    updated: float | None
    status: Status
    """Of the series now: critical where half of them or more fail, a warning where any does or is degraded."""
    states: dict[SeriesState, int]
    """How many series are in which state now."""
    runs: int
    availability: float | None
    """Share of runs that worked, of those that could be carried out, 0–1."""
    loss: float | None
    """0–1."""
    rtt_ms: float | None
    certificate_days: float | None
    """Of the certificate that expires first."""
    last: float | None
    """When it ran last."""
    course: CourseView | None


class TestsView(Answer):
    """Every test, worst first."""

    tests: list[TestRow]
    agents: list[AgentView]
    window: Window
    updated: float


class TestSeries(Answer):
    """A test from one agent to one target: how it is now, and its figures over the window."""

    agent: str
    target: str
    target_agent: str
    resolver: str
    state: SeriesState
    error: str
    """Why the last run did not end well."""
    code: int
    """HTTP status or DNS RCODE of the last run."""
    answer: str
    address: str
    asn: int
    as_name: str
    site: str
    """Site of ours that the target is at."""
    agent_site: str
    last: float | None
    runs: int
    availability: float | None
    loss: float | None
    rtt_ms: float | None
    rtt_p95_ms: float | None
    jitter_ms: float | None
    throughput_bps: float | None
    phases: dict[str, float]
    """Mean of each phase of HTTP, ms: ``dns_ms``, ``connect_ms``, ``tls_ms``, ``first_byte_ms``, ``transfer_ms``."""
    certificate_days: float | None
    hops: int
    """Length of the longest branch; 0 = it was not traced."""
    branches: int
    paths: int
    """Different sets of paths in the window."""
    filter: str
    """The rows of it, as a filter of the explorer."""


class TestView(Answer):
    """The page of one test."""

    row: TestRow
    test: SyntheticTest
    series: list[TestSeries]
    """Worst first."""
    agents: list[AgentView]
    """Those that run it."""
    queries: dict[str, dict[str, Any]]
    """Questions behind its charts, by what they show."""
    window: Window
    updated: float


class MeshCell(Answer):
    """What one agent measured towards another."""

    agent: str
    target_agent: str
    state: SeriesState
    error: str
    rtt_ms: float | None
    rtt_p95_ms: float | None
    jitter_ms: float | None
    loss: float | None
    throughput_bps: float | None
    availability: float | None
    runs: int
    last: float | None
    target: str
    course: CourseView | None


class MeshView(Answer):
    """A mesh as a matrix: rows measure, columns are measured."""

    test: str
    kind: str
    agents: list[str]
    sites: dict[str, str]
    """Site of each agent, where it is known."""
    cells: list[MeshCell]
    window: Window
    updated: float


class HopView(Answer):
    """A node of a path. ``address`` is empty where nobody answered."""

    ttl: int
    address: str
    flows: int
    """Flow ids that passed."""
    loss: float
    """Of the probes of this run, 0–1."""
    rtt_ms: float | None
    asn: int
    as_name: str
    site: str
    country: str
    device: str
    """Device of ours that has the address."""
    mpls: str
    reached: bool
    usual_rtt_ms: float | None
    """Mean over the window."""
    usual_loss: float | None


class StepView(Answer):
    """Flows from one node to another, by their place in ``hops``; −1 = the agent."""

    origin: int
    next: int
    flows: int


class PathChangeView(Answer):
    """From ``at`` on the path was this one."""

    at: float
    path: str
    """Names the set of paths."""
    hops: int
    branches: int


class HopLineView(Answer):
    """Latency and loss of one hop in buckets."""

    ttl: int
    address: str
    device: str
    rtt_ms: list[float | None]
    loss: list[float | None]


class PathView(Answer):
    """What a trace saw, when the path was another, and each hop's latency over time."""

    agent: str
    target: str
    run: str
    """Names the run; empty where there was none."""
    at: float | None
    """When the run began."""
    hops: list[HopView]
    steps: list[StepView]
    changes: list[PathChangeView]
    start: int
    step: int
    lines: list[HopLineView]
    left_out: int
    """Hops that are not among the lines."""
    window: Window
    updated: float = Field(default=0.0)
