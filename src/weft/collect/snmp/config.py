"""Settings of SNMP polling and notifications (section ``snmp`` of ``weft.yaml``)."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, IPvAnyAddress, field_validator, model_validator

from weft.component import Config
from weft.secret import Secret

Network = IPv4Network | IPv6Network
#: The setting that names a directory of a user's own profiles.
PROFILES = "snmp.profiles_dir"
#: Addresses of one swept prefix at most.
MOST_SWEPT = 65_536

AuthProtocol = Literal["md5", "sha", "sha224", "sha256", "sha384", "sha512"]
#: ``aes192c`` and ``aes256c`` extend keys as Cisco and many others do, ``aes192`` and ``aes256`` as Blumenthal's draft.
PrivacyProtocol = Literal["des", "aes", "aes192", "aes256", "aes192c", "aes256c"]


class CredentialConfig(Config):
    """One way to ask a device: a community of SNMPv2c, or a user of SNMPv3."""

    community: Secret | None = None
    """Community of SNMPv2c."""
    user: str = ""
    """User of SNMPv3 (USM); 32 octets at most."""
    auth: AuthProtocol = "sha"
    """How messages are authenticated, where ``auth_password`` is given."""
    auth_password: Secret | None = None
    """Password they are authenticated with, 8 characters at least; none = noAuthNoPriv."""
    privacy: PrivacyProtocol = "aes"
    """How messages are encrypted, where ``privacy_password`` is given. ``aes192c`` and ``aes256c`` extend short keys as
    Cisco and most others do; ``aes192`` and ``aes256`` as the older draft."""
    privacy_password: Secret | None = None
    """Password they are encrypted with; none = authNoPriv."""
    context: str = ""
    """Context of SNMPv3."""

    @model_validator(mode="after")
    def _one_version(self) -> CredentialConfig:
        if (self.community is None) == (not self.user):
            raise ValueError("give either a community (v2c) or a user (v3)")
        if self.community is not None and (self.auth_password or self.privacy_password):
            raise ValueError("a community has no passwords; give a user for SNMPv3")
        if self.privacy_password is not None and self.auth_password is None:
            raise ValueError("privacy needs authentication: give auth_password too")
        if len(self.user.encode()) > 32:
            raise ValueError("a user's name has 32 octets at most")
        return self

    @property
    def level(self) -> str:
        """What it is, for people: v2c, noAuthNoPriv, authNoPriv or authPriv."""
        if self.community is not None:
            return "v2c"
        return "noAuthNoPriv" if not self.auth_password else "authPriv" if self.privacy_password else "authNoPriv"


def _listed(given: object) -> object:
    return [given] if isinstance(given, str) else given


class TargetConfig(Config):
    """Devices to poll: one, or all that answer in a prefix."""

    address: Annotated[Network | str, Field(union_mode="left_to_right")]
    """Address, host name or prefix. A prefix is swept: every address that answers is polled."""
    port: int = Field(default=161, ge=1, le=65535)
    """UDP port of the agents."""
    credentials: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Names of credentials to try, in this order; none = all of them."""
    interval_s: float | None = Field(default=None, ge=1, le=3600)
    """How often to poll, seconds; none = ``interval_s`` of the section."""
    exporter: IPvAnyAddress | None = None
    """Address that its telemetry is kept under, where that is not the one it is polled at (management network, NAT)."""
    profile: str = ""
    """Device profile to use whatever the device says of itself."""
    exclude: tuple[Network, ...] = ()
    """Addresses of the prefix to leave alone."""

    @field_validator("address", mode="before")
    @classmethod
    def _address(cls, given: object) -> object:
        return given.strip() if isinstance(given, str) else given

    @field_validator("address")
    @classmethod
    def _small_enough(cls, address: Network | str) -> Network | str:
        if isinstance(address, str):
            if not re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?", address):
                raise ValueError("neither an address, a prefix nor a host name")
        elif address.num_addresses > MOST_SWEPT:
            raise ValueError(f"a prefix of more than {MOST_SWEPT} addresses; split it, or list its devices")
        return address

    @model_validator(mode="after")
    def _one_exporter(self) -> TargetConfig:
        if self.exporter is not None and not isinstance(self.address, str) and self.address.num_addresses > 1:
            raise ValueError("an exporter address is of one device, not of a prefix")
        return self


class InterfaceConfig(Config):
    """What you know better than the device about some of its interfaces."""

    devices: Network | None = None
    """Address or prefix of the devices; none = all."""
    interfaces: str = ".*"
    """Regular expression that the whole name of the interface matches, e.g. ``(Ethernet|Et)1/.*``."""
    speed_bps: float | None = Field(default=None, gt=0)
    """Its true speed, bit/s: of virtual interfaces, shaped lines, agents that answer a wrong ifHighSpeed."""
    ignore: bool = False
    """Leave its counters out."""

    @field_validator("interfaces")
    @classmethod
    def _regex(cls, given: str) -> str:
        try:
            re.compile(given)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return given


class TrapConfig(Config):
    """Where traps and informs arrive."""

    port: int = Field(ge=0, le=65535)
    """UDP port; the usual one is 162, which needs privileges or ``net.ipv4.ip_unprivileged_port_start``."""
    address: IPvAnyAddress | None = None
    """Address to listen on; none = every address of this machine."""
    credentials: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Names of credentials that notifications may come with; none = all of them. Others are counted and dropped."""
    allowed_senders: tuple[Network, ...] = ()
    """Prefixes that notifications may come from; empty = any."""
    relays: tuple[Network, ...] = ()
    """Senders that forward for others: their notifications are tied to the agent address that they name."""
    max_per_s: float = Field(default=500, gt=0)
    """Most notifications per second from one sender; the excess is counted and dropped."""
    engine_id: str = Field(default="", pattern=r"^([0-9a-fA-F]{2}){5,32}$|^$")
    """Engine id to receive SNMPv3 informs with, hexadecimal; empty = made from this machine's name."""


class SnmpConfig(Config):
    """SNMP: polling devices, finding them, and receiving their notifications."""

    credentials: dict[str, CredentialConfig] = Field(default_factory=dict)
    """Ways to ask, by name."""
    targets: tuple[TargetConfig, ...] = ()
    """Devices and prefixes to poll."""
    inventory: bool = False
    """Poll also every device of the inventory that has an address."""
    interval_s: float = Field(default=60, ge=1, le=3600)
    """How often counters and sensors are read, seconds."""
    names_s: float = Field(default=900, ge=10, le=86400)
    """How often names, addresses, neighbours and hardware are read, seconds; also when the device says they changed."""
    discovery_s: float = Field(default=3600, ge=10, le=604800)
    """How often prefixes are swept again, seconds."""
    timeout_s: float = Field(default=2, gt=0, le=60)
    """How long to wait for an answer, seconds."""
    retries: int = Field(default=2, ge=0, le=10)
    """How often a request is repeated before the device counts as away."""
    device_requests: int = Field(default=2, ge=1, le=16)
    """Requests under way to one device at most."""
    devices_at_once: int = Field(default=64, ge=1, le=4096)
    """Devices polled at the same time at most. Devices that are away do not count."""
    probes_at_once: int = Field(default=128, ge=1, le=4096)
    """Requests under way at most to devices that are away, and to addresses that are swept."""
    backoff_s: float = Field(default=600, ge=1, le=86400)
    """Longest time between attempts to reach a device that is away, seconds."""
    answer_octets: int = Field(default=1400, ge=484, le=65507)
    """Size of answers to aim at, octets: answers beyond the path's MTU are fragmented, and often lost."""
    cache_s: float = Field(default=30, ge=0, le=600)
    """Longest time that an agent may answer counters from a cache, seconds. Answers that did not move since less than
    this are left out, so that rates show no steps. 0 = believe every answer."""
    interfaces: tuple[InterfaceConfig, ...] = ()
    """What is known better than by the device."""
    profiles_dir: Path | None = None
    """Directory with device profiles of your own (``*.yaml``); see docs/snmp.md."""
    traps: TrapConfig | None = None
    """Where traps and informs arrive; none = nowhere."""

    @model_validator(mode="after")
    def _credentials_exist(self) -> SnmpConfig:
        used = [(f"targets.{at}.credentials", one.credentials) for at, one in enumerate(self.targets)]
        if self.traps is not None:
            used.append(("traps.credentials", self.traps.credentials))
        for place, names in used:
            if missing := set(names) - set(self.credentials):
                known = ", ".join(self.credentials) or "none"
                raise ValueError(f"{place}: no credentials called {', '.join(sorted(missing))}; known: {known}")
        if (self.targets or self.inventory or self.traps) and not self.credentials:
            raise ValueError("credentials: give at least one community or user, such as {core: {community: …}}")
        return self
