"""Settings of gNMI (section ``gnmi`` of ``weft.yaml``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, IPvAnyAddress, field_validator, model_validator

from weft.component import Config
from weft.secret import Secret

#: gNMI's registered port (IANA gnmi-gnoi); devices use others too, see docs/gnmi.md.
DEFAULT_PORT = 9339

Preset = Literal["interfaces", "subinterfaces", "queues", "bgp", "optics", "platform", "lldp", "sonic"]
Mode = Literal["sample", "on_change", "target_defined"]
Method = Literal["stream", "once", "poll", "get"]
Encoding = Literal["auto", "proto", "json_ietf", "json", "ascii"]
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[^\[\]:\s/@]+)(?::(\d{1,5}))?")


class TlsConfig(Config):
    """How a target proves who it is, and Weft to it."""

    ca: Path | None = None
    """File with the certificates (PEM) that targets' are signed by; none = those of well-known authorities."""
    cert: Path | None = None
    """File with Weft's own certificate (PEM), for targets that ask for one (mTLS)."""
    key: Path | None = None
    """File with the private key (PEM) of that certificate."""
    server_name: str = ""
    """Name that the target's certificate is for, where that is not the name it is reached by."""
    skip_verify: bool = False
    """Believe any certificate. Whoever can redirect the connection can then read the password; each target so
    configured is warned of in the log and marked on the Sources page."""

    @model_validator(mode="after")
    def _pair(self) -> TlsConfig:
        if (self.cert is None) != (self.key is None):
            raise ValueError("`cert` and `key` go together")
        return self


class SubscriptionConfig(Config):
    """One path to subscribe to."""

    path: str = Field(min_length=1)
    """``/interfaces/interface/state/counters``, with ``[name=Ethernet1]`` or ``*`` where wanted; an origin goes in
    front: ``srl_nokia:/interface``."""
    mode: Mode = "sample"
    """``sample``: every interval; ``on_change``: when it changes; ``target_defined``: as the target thinks best."""
    interval_s: float | None = Field(default=None, ge=0.1, le=86400)
    """Seconds between samples; none = the target's ``interval_s``."""
    heartbeat_s: float = Field(default=0, ge=0, le=86400)
    """Send what did not change at least this often, seconds; 0 = never."""
    suppress_redundant: bool = False
    """Leave samples out that equal the one before."""
    target: str = ""
    """Value of ``target`` in the request's prefix: a device behind a gateway, or a database of SONiC."""


class TargetDefaults(Config):
    """What targets have in common; each can say otherwise."""

    username: str = ""
    """User name, sent with every call."""
    password: Secret | None = None
    """Its password: a text, ``{file: PATH}`` or ``{env: NAME}``."""
    plaintext: bool = False
    """Do not use TLS: for laboratories and for targets on the same machine."""
    tls: TlsConfig = Field(default_factory=TlsConfig)
    """Certificates."""
    presets: tuple[Preset, ...] = ("interfaces", "platform", "lldp")
    """What to subscribe to, by name; see docs/gnmi.md for the paths. ``[]`` = only to ``subscriptions``."""
    subscriptions: tuple[SubscriptionConfig, ...] = ()
    """What else to subscribe to."""
    method: Method = "stream"
    """``stream``: the target sends as it goes; ``once``, ``poll`` and ``get``: Weft asks every interval."""
    interval_s: float = Field(default=10, ge=0.1, le=86400)
    """Seconds between samples, or between questions."""
    encoding: Encoding = "auto"
    """``auto``: the first of proto, json_ietf and json that the target says it can."""
    timeout_s: float = Field(default=20, ge=1, le=600)
    """Longest that connecting, and a question, may take, seconds."""
    retry_s: float = Field(default=2, ge=0.05, le=600)
    """First pause after a failure, seconds; doubled with each further one, and never quite the same for two targets."""
    most_retry_s: float = Field(default=300, ge=0.05, le=86400)
    """Longest pause between attempts, seconds."""


class TargetConfig(TargetDefaults):
    """One device, or a gateway in front of several."""

    address: str
    """``host``, ``host:port`` or ``[IPv6]:port``; the port is 9339 if none is given."""
    name: str = ""
    """What the device is called; none = the host of the address, until the device says its name."""
    device: IPvAnyAddress | None = None
    """Address that the device's telemetry is kept under, where it is not the one that it is reached by."""
    enabled: bool = True
    """Off keeps the target in the settings and on the Sources page, and does not connect."""
    gateway: bool = False
    """Several devices answer here; each message says in its ``target`` which one it is of."""

    @field_validator("address")
    @classmethod
    def _address(cls, given: str) -> str:
        match = _ADDRESS.fullmatch(given.strip())
        if match is None or int(match[2] or 1) not in range(1, 65536):
            raise ValueError("write host, host:port or [IPv6]:port")
        return f"{match[1]}:{match[2] or DEFAULT_PORT}"

    @property
    def host(self) -> str:
        """The address without port and brackets."""
        return self.address.rpartition(":")[0].strip("[]")


class GnmiConfig(Config):
    """Streaming telemetry: which devices to subscribe to, and for what."""

    defaults: TargetDefaults = Field(default_factory=TargetDefaults)
    """What targets have in common."""
    targets: tuple[TargetConfig, ...] = ()
    """The devices; empty = nothing is connected to."""
    mappings: Path | None = None
    """Directory with mapping files (YAML) of your own, tried before Weft's."""
    queue_bytes: int = Field(default=64 << 20, ge=1 << 16)
    """Memory for messages that wait to be decoded. When it is full, targets are made to wait."""
    max_names: int = Field(default=2000, ge=1)
    """Most names of metrics that one target may add beyond those of the mapping files; the excess is counted."""
    max_series: int = Field(default=200_000, ge=1)
    """Most series of one target; the excess is counted."""

    def resolved(self) -> tuple[TargetConfig, ...]:
        """The targets with the defaults filled in."""
        shared = TargetDefaults.model_fields
        return tuple(
            target.model_copy(
                update={name: getattr(self.defaults, name) for name in shared if name not in target.model_fields_set}
            )
            for target in self.targets
        )
