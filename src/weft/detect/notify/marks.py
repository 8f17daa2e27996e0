"""What channels were told, kept in the state store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

_KEY = "notify.told."
#: Marks of a process that wrote none for as long are of one that is gone.
_GONE_S = 30 * 86_400.0


class Settings(Protocol):
    """``weft.store.state.StateStore``, as far as it is needed here."""

    def setting(self, key: str, default: Any = None) -> Any:
        """What was remembered under a key."""

    def set_setting(self, key: str, value: Any) -> None:
        """Remember a value that JSON can hold."""

    def settings_of(self, prefix: str, unused_s: float = 0.0) -> Mapping[str, Any]:
        """What was remembered under keys that begin like this; those not written for ``unused_s`` are forgotten."""


class StateMarks:
    """``Marks`` of one process; what others told of events that are now its own it can look up."""

    def __init__(self, state: Settings, owner: str) -> None:
        self._state, self._key = state, f"{_KEY}{owner}"[:150]

    def load(self) -> bytes:
        """What was kept last."""
        return _octets(self._state.setting(self._key, ""))

    def others(self) -> list[bytes]:
        """What other processes that share the store kept."""
        found = self._state.settings_of(_KEY, _GONE_S)
        return [_octets(value) for key, value in found.items() if key != self._key]

    def save(self, told: bytes) -> None:
        """Keep it."""
        self._state.set_setting(self._key, told.decode())


def _octets(kept: Any) -> bytes:
    return kept.encode() if isinstance(kept, str) else b""
