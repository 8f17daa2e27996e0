"""ClickHouse DDL from the table declarations.

Comes in: table declarations and the store's settings. Goes out: SQL text. Must never talk to an engine.
"""

from __future__ import annotations

from weft.model.tables import Column, Role, Rollup, Table
from weft.store.config import StoreConfig

#: Rows behind one row of a rollup.
FLOWS = "flows"
#: Inserts that are remembered so that a replay is recognised.
DEDUPLICATION_WINDOW = 1000
_DAY = 86400


def create_statements(table: Table, config: StoreConfig) -> list[str]:
    """Everything that a declared table needs, in the order to create it."""
    out = [create_table(table, config)]
    for rollup in table.rollups:
        out += [create_rollup(table, rollup, config), create_view(table, rollup)]
    return out


def create_table(table: Table, config: StoreConfig) -> str:
    """The raw table."""
    columns = ",\n  ".join(column_ddl(c) for c in table.columns)
    time = table.time.name
    span = "toStartOfHour" if config.partition == "hour" and table.ttl_days <= 31 else "toDate"
    return (
        f"CREATE TABLE IF NOT EXISTS {table.name} (\n  {columns}\n)\n"
        f"ENGINE = MergeTree\nPARTITION BY {span}({time})\nORDER BY ({', '.join(table.order_by)})\n"
        f"{ttl_clause(table.name, time, table.ttl_days, config)}\n"
        f"SETTINGS {settings_clause(RAW_SETTINGS)}"
    )


def column_ddl(column: Column) -> str:
    """One column of a raw table."""
    return f"{column.name} {column.sql} CODEC({column.codec})"


RAW_SETTINGS: dict[str, int | str] = {
    "ttl_only_drop_parts": 1,
    "non_replicated_deduplication_window": DEDUPLICATION_WINDOW,
    # Column statistics cost more to build at insert than they save on these queries.
    "auto_statistics_types": "",
}
ROLLUP_SETTINGS: dict[str, int | str] = dict(RAW_SETTINGS)


def settings_clause(settings: dict[str, int | str]) -> str:
    """``a = 1, b = 'x'``."""
    return ", ".join(f"{k} = {v}" if isinstance(v, int) else f"{k} = '{v}'" for k, v in settings.items())


def ttl_clause(name: str, time: str, declared_days: int, config: StoreConfig) -> str:
    """When rows go away."""
    days = config.retention_days.get(name, declared_days)
    return f"TTL toDateTime({time}) + INTERVAL {days} DAY DELETE"


def create_rollup(table: Table, rollup: Rollup, config: StoreConfig) -> str:
    """The table that holds a rollup."""
    time = table.time.name
    columns = [f"{time} DateTime('UTC') CODEC(Delta(4), LZ4)"]
    columns += [column_ddl(table.by_name[name]) for name in rollup.dimensions]
    columns += [column_ddl(c) for c in table.measures if c.sql.startswith("UInt")]
    columns.append(f"{FLOWS} UInt64 CODEC(LZ4)")
    span = "toDate" if rollup.seconds < 3600 else "toStartOfMonth"
    key = ", ".join((time, *rollup.dimensions))
    sums = ", ".join((*(c.name for c in table.measures), FLOWS))
    return (
        f"CREATE TABLE IF NOT EXISTS {rollup.name} (\n  " + ",\n  ".join(columns) + "\n)\n"
        f"ENGINE = SummingMergeTree(({sums}))\nPARTITION BY {span}({time})\nPRIMARY KEY ({time})\nORDER BY ({key})\n"
        f"{ttl_clause(rollup.name, time, rollup.ttl_days, config)}\n"
        f"SETTINGS {settings_clause(ROLLUP_SETTINGS)}"
    )


def create_view(table: Table, rollup: Rollup) -> str:
    """The materialized view that feeds a rollup from its source."""
    time = table.time.name
    count = f"sum(s.{FLOWS})" if rollup.source != table.name else "count()"
    keys = ", ".join(f"s.{name} AS {name}" for name in rollup.dimensions)
    sums = ", ".join(f"sum(s.{c.name}) AS {c.name}" for c in table.measures if c.role is Role.MEASURE)
    groups = ", ".join((time, *(f"s.{name}" for name in rollup.dimensions)))
    return (
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {rollup.name}_mv TO {rollup.name} AS\n"
        f"SELECT toStartOfInterval(s.{time}, INTERVAL {rollup.seconds} SECOND) AS {time},\n"
        f"  {keys},\n  {sums}, {count} AS {FLOWS}\nFROM {rollup.source} AS s\nGROUP BY {groups}"
    )
