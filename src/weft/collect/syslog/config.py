"""Settings of the log receiver (section ``syslog`` of ``weft.yaml``)."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, IPvAnyAddress, field_validator, model_validator

from weft.component import Config
from weft.decode.syslog.framing import Framing

DEFAULT_PORT = 5514


class SyslogListenerConfig(Config):
    """One socket that log messages arrive on."""

    protocol: Literal["udp", "tcp", "tls"] = "udp"
    """How messages come: ``udp`` (RFC 5426), ``tcp`` (RFC 6587) or ``tls`` (RFC 5425)."""
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535)
    """Port; 0 picks a free one. 514 and 6514 are usual; ports below 1024 need a privilege (docs/syslog.md)."""
    address: IPvAnyAddress | None = None
    """Address to listen on; none = every IPv4 and IPv6 address of this machine (0.0.0.0 and [::])."""
    framing: Framing = "auto"
    """How TCP and TLS messages are told apart: ``octets`` (counted), ``lines``, or ``auto``: as each begins."""
    certificate: Path | None = None
    """``tls``: file with the server's certificate and those of its issuers, PEM. Read again when it changes."""
    key: Path | None = None
    """``tls``: file with the certificate's private key, PEM; none = it is in the certificate's file."""
    client_ca: Path | None = None
    """``tls``: file with the certificates of the authorities that sign senders' certificates; none = any may send."""

    @model_validator(mode="after")
    def _certified(self) -> SyslogListenerConfig:
        if self.protocol == "tls" and self.certificate is None:
            raise ValueError("a tls listener needs a `certificate`")
        if self.protocol != "tls" and (self.certificate or self.key or self.client_ca):
            raise ValueError("`certificate`, `key` and `client_ca` are for `protocol: tls`")
        return self


class SyslogSenderConfig(Config):
    """What you know about some senders."""

    senders: IPv4Network | IPv6Network
    """Address or prefix of the senders; the longest one that matches decides."""
    timezone: str | None = None
    """Zone of stamps that name none, such as ``Europe/Berlin``; none = UTC, or as many whole quarter hours off as the
    stamps are."""
    relay: bool = False
    """They pass on other devices' messages: a message belongs to the host that it names, not to its sender."""
    quota: int | None = Field(default=None, ge=0)
    """Most messages per second to take from each of them; 0 = no limit, none = ``sender_quota``."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None:
            _zone(name)
        return name


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"there is no time zone {name!r}; names are as in Europe/Berlin") from None


class SyslogConfig(Config):
    """How log messages are received and understood."""

    listeners: tuple[SyslogListenerConfig, ...] = (
        SyslogListenerConfig(protocol="udp"),
        SyslogListenerConfig(protocol="tcp"),
    )
    """Sockets to receive on; by default UDP and TCP port 5514 of every address. Empty = none. A default port that is
    taken is shown as failing; one that you set keeps Weft from starting."""
    allowed_senders: tuple[IPv4Network | IPv6Network, ...] = ()
    """Prefixes that may send; empty = any. What comes from elsewhere is counted and dropped."""
    senders: tuple[SyslogSenderConfig, ...] = ()
    """What you know about some senders: time zone, relays, quota."""
    sender_quota: int = Field(default=10_000, ge=0)
    """Most messages per second to take from one sender; 0 = no limit. The excess is counted and dropped."""
    max_senders: int = Field(default=4096, ge=1, le=20_000)
    """Senders that are told apart; the ones beyond share one account."""

    longest_message: int = Field(default=16_384, ge=480, le=1 << 20)
    """Octets of a message that are kept; longer ones are cut and counted."""
    receive_buffer: int = Field(default=32 << 20, ge=4096)
    """Kernel receive buffer of each UDP socket, bytes. The kernel may grant less without privileges."""
    queue_bytes: int = Field(default=64 << 20, ge=1 << 20)
    """Memory for messages waiting to be decoded, bytes. When it fills, every sender keeps a fair share of it."""
    max_connections: int = Field(default=2048, ge=1)
    """TCP and TLS connections at once; further ones are closed and counted."""
    max_connections_per_sender: int = Field(default=64, ge=1)
    """Connections of one sender at once."""
    idle_seconds: int = Field(default=86_400, ge=1)
    """A connection over which nothing came for so long is closed. Dead peers are found out earlier (keepalive)."""

    clock_tolerance_seconds: float = Field(default=30.0, gt=0)
    """A stamp this close to its arrival is believed; one farther off is kept beside the arrival, which counts."""
    clock_late_seconds: float = Field(default=3600.0, ge=0)
    """A sender whose clock is good may be this late with a message: its stamp is believed."""

    rules: Path | None = None
    """Directory with rule files of your own (``*.yaml``), tried before the ones that come with Weft."""
    max_templates: int = Field(default=5000, ge=16, le=100_000)
    """Templates that are mined; the ones not met for longest give way."""
    template_similarity: float = Field(default=0.5, gt=0, le=1)
    """Share of words in which messages must agree to have one template."""
    state_seconds: int = Field(default=300, ge=1)
    """How often templates are saved so that they survive a restart, seconds."""

    @field_validator("listeners")
    @classmethod
    def _distinct(cls, listeners: tuple[SyslogListenerConfig, ...]) -> tuple[SyslogListenerConfig, ...]:
        fixed = [(one.address, one.port, one.protocol == "udp") for one in listeners if one.port]
        if len(set(fixed)) != len(fixed):
            raise ValueError("two listeners share an address and port; remove one")
        return listeners
