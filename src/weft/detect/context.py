"""What detectors may ask of the rest while they work: names, own networks, settings; live and back-tested the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Protocol

from pydantic import Field

from weft.component import Config


class Names(Protocol):
    """What things are called. Addresses are 16 octets, IPv4 as ::ffff:a.b.c.d."""

    def device(self, address: bytes) -> str:
        """Name of the device that an address is of; the address as text where none is known."""

    def interface(self, address: bytes, if_index: int) -> str:
        """Name of a device's interface; ``if<index>`` where it is not known."""

    def site(self, device: str) -> str:
        """Site of a device by its name; empty where it is not known."""

    def site_of_address(self, address: bytes) -> str:
        """Site whose prefixes hold a host's address; empty where none does."""


class DetectorConfig(Config):
    """Settings of one detector."""

    enabled: bool = True
    """Whether it runs."""
    false_alarms: float | None = Field(default=None, gt=0, le=1000)
    """Events per 1000 series and day that may be false; none = ``detect.false_alarms``."""
    filter: str = Field(default="", max_length=4000)
    """Watch only this: a filter of the dataset (docs/filter.md)."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """What only this detector knows (docs/detect.md)."""


@dataclass(frozen=True, slots=True)
class Context:
    """Given to each detector when it is made. ``networks``: the prefixes that are one's own, as of now."""

    names: Names
    config: DetectorConfig = field(default_factory=DetectorConfig)
    false_alarms: float = 1.0  # per 1000 series and day
    networks: Callable[[], Sequence[IPv4Network | IPv6Network]] = tuple
    facts: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Further look-ups by name, absent where there are none (``detect.names.facts``)."""
