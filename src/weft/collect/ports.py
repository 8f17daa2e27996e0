"""What the sources of telemetry need of the inventory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from weft.model.inventory import Fact, InventoryObject, ObjectKind


class Facts(Protocol):
    """The inventory, as far as sources tell it what they found and ask it what to poll. Thread-safe."""

    def observe(self, origin: str, scope: str, facts: Sequence[Fact], /, *, complete: bool = True) -> None:
        """Take what ``origin`` (of ``ORIGINS``) says about ``scope``: a device's address, a file, an instance.

        With ``complete`` this is all it says: what it said of the same scope before and does not say now is withdrawn.
        Returns at once; merging and writing happen in the inventory's own thread.
        """

    def objects(self, kind: ObjectKind, /) -> Sequence[InventoryObject]:
        """Every object of a kind as merged now."""


class NoFacts:
    """Forgets what it is told."""

    def observe(self, _: str, __: str, ___: Sequence[Fact], *, complete: bool = True) -> None:
        """Forget."""

    def objects(self, _: ObjectKind) -> Sequence[InventoryObject]:
        """None."""
        return ()
