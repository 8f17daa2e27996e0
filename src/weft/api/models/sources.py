"""Exporters, every other source, and the pipelines behind them: the view that says why totals look wrong."""

from __future__ import annotations

from weft.api.models.base import Answer, Reason, Sparkline, Status


class Count(Answer):
    """How often something happened, and why."""

    reason: str
    count: int


class UnknownField(Answer):
    """An information element that Weft does not store."""

    field: str
    """``enterprise number/element id``; enterprise 0 is the IANA registry."""
    records: int


class StreamView(Answer):
    """One (exporter, protocol, observation domain) stream."""

    source: str
    """UDP source address."""
    protocol: str
    """``netflow_v5``, ``netflow_v9``, ``ipfix`` or ``sflow``."""
    observation_domain: int
    datagrams: int
    octets: int
    records: int
    templates: int
    template_changes: int
    sampling_rate: int
    """One in how many packets; 0 = unknown."""
    sampling_source: str
    unsampled_records: int
    lost: int
    lost_unit: str
    loss_share: float
    """Lost units as a share of those sent."""
    agent_drops: int
    reordered: int
    restarts: int
    held: int
    """Sets waiting for their template now."""
    replayed: int
    expired: int
    datagrams_per_s: float
    records_per_s: float
    errors: list[Count]
    unknown_fields: list[UnknownField]
    first_seen: float
    last_seen: float


class InterfaceView(Answer):
    """An interface of an exporter, as far as it is known."""

    if_index: int
    name: str = ""
    description: str = ""
    speed_bps: int = 0
    boundary: str = ""
    provider: str = ""
    connectivity: str = ""


class ExporterView(Answer):
    """A device that sends telemetry: how much, how well, and what is wrong with it."""

    address: str
    name: str
    """From the exporters table; the address where there is none."""
    site: str = ""
    role: str = ""
    demo: bool = False
    """Whether the device is simulated."""
    status: Status
    reasons: list[Reason]
    """Why the status is what it is, worst first; empty when all is well."""
    protocols: list[str]
    sampling_rates: list[int]
    datagrams_per_s: float
    records_per_s: float
    telemetry_bps: float
    """Bits per second of telemetry itself (UDP payload)."""
    history: Sparkline
    """Records per second, lately."""
    records: int
    lost: list[Count]
    """What its sequence numbers miss, by unit: datagrams, records or flows."""
    loss_share: float
    """The worst stream's share of units lost."""
    dropped: list[Count]
    """Datagrams dropped here before the decoder, by reason."""
    errors: list[Count]
    """Decode errors, by reason."""
    lost_rows: list[Count]
    """Decoded rows lost or set aside here, by reason."""
    held: int
    """Sets that wait for their template."""
    expired: int
    """Sets whose template never came."""
    templates: int
    first_seen: float
    last_seen: float
    streams: list[StreamView]
    interfaces: list[InterfaceView]


class ListenerView(Answer):
    """A socket that telemetry arrives on. Counts since the start."""

    address: str
    port: int
    datagrams: int
    octets: int
    kernel_drops: int | None
    """Datagrams that the kernel threw away because the receive buffer was full; None where the system does not tell."""
    receive_buffer: int
    """Bytes that the kernel granted."""


class PipelineView(Answer):
    """Where telemetry is between the sockets and the store, and what was lost on the way. Counts since the start."""

    running: bool
    """Whether this process collects at all."""
    listeners: list[ListenerView]
    received: int
    """Datagrams read from the sockets."""
    datagrams_per_s: float
    records_per_s: float
    kernel_drops: int
    dropped: list[Count]
    """Datagrams dropped before the decoder, by reason."""
    queue_fill: float
    """How full the queue before the decoder is, 0–1."""
    queue_oldest_s: float
    """How long its oldest datagram has waited."""
    decoded: int
    """Flow records decoded."""
    waiting_rows: int
    """Decoded rows that are not on their way to the store yet."""
    stored: int
    """Rows written to the store."""
    lost_rows: list[Count]
    """Decoded rows lost or set aside, by reason."""
    store_ok: bool
    store_error: str
    store_away_since: float | None
    latency_p50_ms: float | None
    """From datagram to queryable, of the latest batches."""
    latency_p99_ms: float | None
    spool_rows: int
    """Rows that wait on disk for the store."""
    spool_bytes: int
    spool_capacity: int
    spool_oldest_s: float
    rejected_files: int
    """Batches that the store refused for good, kept for inspection."""


class ExportersView(Answer):
    """All exporters and the pipeline they feed."""

    exporters: list[ExporterView]
    pipeline: PipelineView
    updated: float


class Explained(Answer):
    """How often something went wrong, what that means, and what to do about it."""

    reason: str
    count: int
    what: str
    """In plain words."""
    fix: str = ""


class SourceView(Answer):
    """A polled device, a subscription, a sender or a directory. Counts since the start of the process."""

    id: str
    """Names it in links: the kind and where it is."""
    kind: str
    """``snmp``, ``gnmi``, ``syslog``, ``trap``, ``prometheus``, ``otlp``, ``configs``, ``changes``, ``inventory`` …"""
    name: str
    target: str
    """Address and port, URL without credentials, or path."""
    exporter: str | None
    """Address of the device that its rows are tied to; None = not of one device."""
    state: str
    """``starting``, ``ok``, ``degraded`` (works, with errors), ``silent`` (nothing came for longer than expected),
    ``failing`` (every attempt fails) or ``off``."""
    status: Status
    reasons: list[Reason]
    """Why the status is what it is, worst first."""
    expected_s: float
    """How often something should come; 0 = whenever."""
    first_seen: float | None
    last_seen: float | None
    """When something good came last; None = never."""
    received: int
    """Messages, polls, requests or files."""
    rows: int
    rows_per_s: float
    """Over the last minute."""
    lag_s: float
    """From the stamp of the newest value to its arrival."""
    clock_skew_s: float | None
    """The device's clock minus ours; None = not known."""
    coverage: float | None
    """Share of what was expected in the last hour that came, 0–1; None = nothing is expected."""
    gaps: int
    """Times that something expected did not come."""
    duplicates: int
    late: int
    """Values older than one that came before."""
    errors: list[Explained]
    last_error: str
    last_error_at: float | None
    detail: dict[str, str | int | float]
    """What only this kind has."""


class KindView(Answer):
    """All sources of one kind."""

    kind: str
    total: int
    states: dict[str, int]
    """How many are in each state; states that none is in are left out."""
    status: Status
    attention: int
    """How many have a warning or worse."""
    rows: int
    rows_per_s: float
    errors: int
    history: Sparkline
    """Rows per second, lately."""


class IntakeView(Answer):
    """The way of their rows into the store. Counts since the start."""

    running: bool
    """Whether this process takes in anything but flows."""
    stored: dict[str, int]
    """Rows, by table."""
    lost_rows: list[Explained]
    """Rows lost or set aside behind the sources."""
    pending: int
    """Batches that wait in memory."""
    store_ok: bool
    store_error: str
    store_away_since: float | None
    latency_p50_ms: float | None
    """From arrival to queryable, of the latest batches."""
    latency_p99_ms: float | None
    spool_rows: int
    """Rows that wait on disk for the store."""
    spool_bytes: int
    spool_oldest_s: float
    rejected_files: int


class SourcesView(Answer):
    """Every source but flow exporters, worst first."""

    sources: list[SourceView]
    total: int
    """How many match; ``sources`` holds at most as many as asked for."""
    kinds: list[KindView]
    """Of all sources, whatever was asked for."""
    intake: IntakeView
    updated: float


class RecipeView(Answer):
    """How to set up a first source: what to paste, and where."""

    kind: str
    where: str
    """``weft.yaml``, or the system whose configuration it is."""
    text: str
