"""What an engine must do for the store: run statements, read Arrow, take Native blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from weft.errors import Failed, LimitExceeded, StoreUnavailable, WeftError
from weft.store.telemetry import QueryResult

Settings = Mapping[str, int | float | str]
Chunks = Sequence[bytes | memoryview]


class Engine(Protocol):
    """A ClickHouse that answers SQL. Thread-safe. Errors are those of ``weft.errors``."""

    def start(self) -> None:
        """Open it."""

    def stop(self) -> None:
        """Close it; may be called twice."""

    def execute(self, sql: str) -> None:
        """Run a statement that returns nothing (DDL, INSERT … SELECT)."""

    def select(
        self, sql: str, parameters: Mapping[str, Any], settings: Settings, query_id: str | None = None
    ) -> QueryResult:
        """Run a SELECT without FORMAT and SETTINGS clauses."""

    def insert(self, table: str, columns: Sequence[str], chunks: Chunks, settings: Settings) -> None:
        """Append one Native block, all or nothing."""

    def cancel(self, query_id: str) -> None:
        """Stop a running query."""


_CODE = re.compile(r"Code: (\d+)")
#: ClickHouse error codes by what the caller should do about them.
_LIMITS = {158, 159, 160, 241, 307, 394, 396, 202}
_AWAY = {3, 74, 75, 173, 209, 210, 225, 236, 242, 243, 252, 279, 285, 319, 425, 516, 999}
_ADVICE = {
    159: "Ask for a shorter time range, fewer dimensions or a filter.",
    241: "Ask for fewer groups or a shorter time range, or raise store.query_memory_mb.",
    394: "It was cancelled.",
    202: "Try again in a moment.",
}


def error_from(text: str) -> WeftError:
    """The error of the tree that a ClickHouse exception text stands for."""
    match = _CODE.search(text)
    code = int(match.group(1)) if match else 0
    line = text[match.start() :] if match else text
    line = line.split("Stack trace:")[0].replace("DB::Exception: ", "").strip()[:600].rstrip(".")
    if code in _LIMITS:
        return LimitExceeded(line, where="store", fix=_ADVICE.get(code))
    if code in _AWAY:
        return StoreUnavailable(line, where="store")
    return Failed(line, where="store")


def settings_clause(settings: Settings) -> str:
    """``SETTINGS a = 1, b = 'x'``, or nothing."""
    if not settings:
        return ""
    return "SETTINGS " + ", ".join(f"{name} = {literal(value)}" for name, value in settings.items())


def literal(value: float | str) -> str:
    """A number or string as SQL."""
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return repr(value)
