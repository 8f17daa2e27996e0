"""Settings of the collector (section ``collect`` of ``weft.yaml``)."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field, IPvAnyAddress, field_validator

from weft.component import Config

#: Ports that exporters use by default: NetFlow (v5, v9, IPFIX), IPFIX (RFC 7011 §10.3.4) and sFlow. Any of the four
#: protocols is understood on any of them.
DEFAULT_PORTS = (2055, 4739, 6343)


class ListenerConfig(Config):
    """One UDP socket that telemetry arrives on; NetFlow v5/v9, IPFIX and sFlow are told apart by their content."""

    port: int = Field(ge=0, le=65535)
    """UDP port; 0 picks a free one (it is shown by the status)."""
    address: IPvAnyAddress | None = None
    """Address to listen on; none = every IPv4 and IPv6 address of this machine (0.0.0.0 and [::])."""


class SamplingConfig(Config):
    """What you know about the sampling of some exporters that they do not say, or say wrongly."""

    exporters: IPv4Network | IPv6Network
    """Address or prefix of the exporters; the longest one that matches decides."""
    default: int = Field(default=0, ge=0, le=0xFFFFFFFF)
    """Sampling rate (one in how many packets) of exporters that announce none; 0 = leave unknown."""
    override: int = Field(default=0, ge=0, le=0xFFFFFFFF)
    """Sampling rate to use whatever the exporter says; 0 = believe it."""


class CollectConfig(Config):
    """How telemetry is received, batched, kept back while the store is away, and written."""

    listeners: tuple[ListenerConfig, ...] = tuple(ListenerConfig(port=port) for port in DEFAULT_PORTS)
    """Sockets to receive telemetry on. These and ``syslog.listeners`` answer beyond loopback by default."""
    allowed_exporters: tuple[IPv4Network | IPv6Network, ...] = ()
    """Prefixes that exporters may send from; empty = any. Datagrams from elsewhere are counted and dropped."""
    sampling: tuple[SamplingConfig, ...] = ()
    """Sampling rates of exporters that do not announce theirs, or announce a wrong one."""
    exporter_quota: int = Field(default=0, ge=0)
    """Most datagrams per second to take from one sender (address and port); 0 = no limit. The excess is counted."""
    broken_exporter_errors: float = Field(default=0.9, gt=0, le=1)
    """A sender whose share of undecodable datagrams is at least this is held to a trickle until it recovers."""

    receive_buffer: int = Field(default=64 << 20, ge=4096)
    """Kernel receive buffer of each socket, bytes. The kernel may grant less (net.core.rmem_max) without privileges."""
    receive_rows: int = Field(default=2048, ge=16, le=65536)
    """Most datagrams handed to the decoder at once, per socket."""
    receive_ms: int = Field(default=200, ge=1, le=5000)
    """Longest time a datagram waits for others before it is handed to the decoder, milliseconds."""
    queue_bytes: int = Field(default=256 << 20, ge=1 << 20)
    """Memory for datagrams waiting for the decoder, bytes. When it fills, every sender keeps a fair share of it."""
    max_senders: int = Field(default=4096, ge=16, le=65536)
    """Senders (address and port) that are told apart; the ones beyond share one account."""

    batch_rows: int = Field(default=500_000, ge=1)
    """Rows after which a batch is written to the store. Large batches cost less CPU per row."""
    batch_ms: int = Field(default=2000, ge=1, le=60_000)
    """Longest time a row waits in a batch before it is written, milliseconds."""
    pending_batches: int = Field(default=2, ge=1, le=64)
    """Full batches that may wait in memory for the store; more go to the spool."""

    spool_dir: Path | None = None
    """Where batches are kept while the store is away; none = ``spool`` in the data directory."""
    spool_bytes: int = Field(default=8 << 30, ge=0)
    """Most disk space for the spool, bytes; when it is full the oldest batches give way, and are counted."""
    rejected_bytes: int = Field(default=256 << 20, ge=0)
    """Most disk space for batches that the store refuses for good, kept for inspection, bytes."""
    spool_after_ms: int = Field(default=2000, ge=1)
    """How long a full batch waits for a busy store before it goes to the spool, milliseconds."""
    retry_ms: int = Field(default=1000, ge=10)
    """How often a store that is away is tried again, milliseconds."""
    state_seconds: int = Field(default=60, ge=1)
    """How often templates and sampling rates are saved so that they survive a restart, seconds."""

    @field_validator("listeners")
    @classmethod
    def _distinct(cls, listeners: tuple[ListenerConfig, ...]) -> tuple[ListenerConfig, ...]:
        fixed = [(one.address, one.port) for one in listeners if one.port]
        if len(set(fixed)) != len(fixed):
            raise ValueError("two listeners share an address and port; remove one")
        return listeners
