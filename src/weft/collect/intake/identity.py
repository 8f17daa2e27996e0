"""Which device a name means, and which interface: what the intake asks of the inventory."""

from __future__ import annotations

from typing import Protocol

from weft.model.addresses import NO_ADDRESS


class Identity(Protocol):
    """Answers from memory: asked for every new name, from any thread."""

    @property
    def version(self) -> int:
        """Grows when an answer may have changed."""

    def address_of(self, host: str, /) -> bytes:
        """The address that the telemetry of the device called ``host`` is kept under; all zero = not known."""

    def primary_address(self, address: bytes, /) -> bytes:
        """The address that telemetry from ``address`` is kept under: the device's first one; itself if not known."""

    def if_index_of(self, exporter: bytes, name: str, /) -> int:
        """The ifIndex of the interface called ``name`` in full or short; 0 = not known."""

    def interface_name(self, exporter: bytes, if_index: int, /) -> str:
        """Full name of the interface; empty = not known."""


class Nobody:
    """Knows nothing."""

    version = 0

    def address_of(self, _: str) -> bytes:
        """Not known."""
        return NO_ADDRESS

    def primary_address(self, address: bytes) -> bytes:
        """Itself."""
        return address

    def if_index_of(self, _: bytes, __: str) -> int:
        """Not known."""
        return 0

    def interface_name(self, _: bytes, __: int) -> str:
        """Not known."""
        return ""
