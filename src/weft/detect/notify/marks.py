"""What channels were told, kept in the state store."""

from __future__ import annotations

from typing import Any, Protocol

_KEY = "notify.told"


class Settings(Protocol):
    """``weft.store.state.StateStore``, as far as it is needed here."""

    def setting(self, key: str, default: Any = None) -> Any:
        """What was remembered under a key."""

    def set_setting(self, key: str, value: Any) -> None:
        """Remember a value that JSON can hold."""


class StateMarks:
    """``Marks`` of one process: others that share the store tell of events of their own."""

    def __init__(self, state: Settings, owner: str) -> None:
        self._state, self._key = state, f"{_KEY}.{owner}"[:100]

    def load(self) -> bytes:
        """What was kept last."""
        kept = self._state.setting(self._key, "")
        return kept.encode() if isinstance(kept, str) else b""

    def save(self, told: bytes) -> None:
        """Keep it."""
        self._state.set_setting(self._key, told.decode())
