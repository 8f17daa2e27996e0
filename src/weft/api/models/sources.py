"""Exporters and the pipeline behind them: the data-quality view that says why totals look wrong."""

from __future__ import annotations

from weft.api.models.base import Answer, Reason, Sparkline, Status


class ErrorCount(Answer):
    """Datagrams or records that could not be decoded, by reason."""

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
    errors: list[ErrorCount]
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
    octets_per_s: float
    history: Sparkline
    """Records per second, lately."""
    records: int
    lost: int
    loss_share: float
    errors: int
    templates: int
    first_seen: float
    last_seen: float
    streams: list[StreamView]
    interfaces: list[InterfaceView]


class ListenerView(Answer):
    """A socket that telemetry arrives on."""

    address: str
    datagrams: int
    octets: int
    kernel_drops: int
    """Datagrams that the kernel threw away because the receive buffer was full."""
    receive_buffer: int
    """Bytes that the kernel granted."""


class PipelineView(Answer):
    """Where telemetry is between the sockets and the store, and what was lost on the way. Counts since the start."""

    listeners: list[ListenerView]
    received: int
    """Datagrams read from the sockets."""
    datagrams_per_s: float
    kernel_drops: int
    queue_drops: int
    """Datagrams dropped because the decoder could not keep up."""
    queue_fill: float
    """How full the queue before the decoder is, 0–1."""
    refused: int
    """Datagrams from senders that are not allowed or over their quota."""
    decoded: int
    """Records decoded."""
    records_per_s: float
    stored: int
    """Records written to the store."""
    rejected: int
    """Records that the store refused for good."""
    spool_bytes: int
    spool_capacity: int
    spool_records: int
    """Records that wait on disk for the store."""
    spool_lost: int
    """Records that gave way because the spool was full."""
    store_ok: bool
    store_error: str = ""
    store_lag_s: float
    """Age of the oldest record that is not in the store yet."""


class ExportersView(Answer):
    """All exporters and the pipeline they feed."""

    exporters: list[ExporterView]
    pipeline: PipelineView
    updated: float
