"""Asks the store which runs it has."""

from __future__ import annotations

from collections.abc import Collection

from weft.model.probes import HOPS, PROBES
from weft.store.telemetry import Limits, TelemetryStore

_TABLES = {PROBES.name, HOPS.name}
_LIMITS = Limits(seconds=10, result_rows=1_000_000)


def stored_runs(store: TelemetryStore, agent: str, table: str, since_ns: int, until_ns: int) -> Collection[int]:
    """Runs of an agent that began between two times (UTC nanoseconds, both included). Raises ``StoreUnavailable``."""
    assert table in _TABLES
    sql = (
        f"SELECT DISTINCT run FROM {table}\n"  # noqa: S608  # one of two names of ours
        "WHERE agent = {agent:String} AND time >= fromUnixTimestamp64Nano({since:Int64})\n"
        "  AND time <= fromUnixTimestamp64Nano({until:Int64})"
    )
    found = store.query(sql, {"agent": agent, "since": since_ns, "until": until_ns}, _LIMITS)
    return frozenset(found.table["run"].to_numpy().tolist())
