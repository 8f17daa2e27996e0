"""ClickHouse DDL from the table declarations.

Comes in: table declarations and the store's settings. Goes out: SQL text. Must never talk to an engine.

On one node a table is a MergeTree of its own name. On a cluster its rows are in ``<name>_local`` (replicated) on every
shard, and ``<name>`` is a ``Distributed`` table over them; queries and inserts are the same text in both cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weft.model.tables import Column, Rollup, Table
from weft.store.aggregate import rollup_table
from weft.store.config import StoreConfig
from weft.store.engine import settings_clause
from weft.store.lookups import full_text_sql

#: Rows per mark of the primary key, unless a table is declared with fewer.
DEFAULT_GRANULARITY = 8192
#: Inserts that a table remembers, so that a replay is recognised.
DEDUPLICATION_WINDOW = 1000
#: Merges of raw rows stop at this size on disk, MiB, unless configured: embedded, where they compete with all else for
#: the CPU (merging a row costs more than inserting it, so large batches stay as they came), and on a server.
LARGEST_PART_MB, LARGEST_SERVER_PART_MB = 32, 4096

_SETTINGS: dict[str, int | float | str] = {
    "ttl_only_drop_parts": 1,
    "non_replicated_deduplication_window": DEDUPLICATION_WINDOW,
    # Column statistics cost more to build at insert than they save on these queries.
    "auto_statistics_types": "",
    # One file per part rather than two per column: creating files was an eighth of the CPU of an insert.
    "min_bytes_for_wide_part": 1 << 30,
}


def create_statements(table: Table, config: StoreConfig) -> list[str]:
    """Everything that a declared table needs, in the order to create it."""
    out = create_table(table, config)
    for rollup in table.rollups:
        out += create_rollup(table, rollup, config)
    return out


def create_table(table: Table, config: StoreConfig) -> list[str]:
    """The raw table."""
    days = retention_days(table.name, table.ttl_days, config)
    largest = config.largest_part_mb or (LARGEST_PART_MB if config.url is None else LARGEST_SERVER_PART_MB)
    span = (
        "toStartOfHour" if config.partition == "hour" and days <= 31 else "toDate" if days <= 366 else "toStartOfMonth"
    )
    settings = _SETTINGS | {"max_bytes_to_merge_at_max_space_in_pool": largest << 20}
    if table.granularity != DEFAULT_GRANULARITY:
        settings["index_granularity"] = table.granularity
    tail = (
        f"PARTITION BY {span}({table.time.name})\nORDER BY ({', '.join(table.order_by)})\n"
        f"{ttl_clause(table.time.name, days)}\n{settings_clause(settings)}"
    )
    return _create(table, "MergeTree", "", tail, config)


def create_rollup(table: Table, rollup: Rollup, config: StoreConfig) -> list[str]:
    """The table that holds a rollup."""
    target = rollup_table(table, rollup)
    time = target.time.name
    span = "toDate" if rollup.seconds < 3600 else "toStartOfMonth"
    sums = ", ".join(c.name for c in target.measures)
    tail = (
        f"PARTITION BY {span}({time})\nPRIMARY KEY ({time})\nORDER BY ({', '.join((time, *rollup.dimensions))})\n"
        f"{ttl_clause(time, retention_days(rollup.name, rollup.ttl_days, config))}\n{settings_clause(_SETTINGS)}"
    )
    return _create(target, "SummingMergeTree", f"({sums})", tail, config)


def _create(table: Table, engine: str, arguments: str, tail: str, config: StoreConfig) -> list[str]:
    parts = [column_ddl(c) for c in table.columns]
    parts += [f"INDEX has_{name} {name} TYPE bloom_filter(0.02) GRANULARITY 8" for name in table.searched]
    parts += [f"INDEX {full_text_index(name)}" for name in table.full_text]
    columns = ",\n  ".join(parts)
    if config.cluster is None:
        engine += f"({arguments})" if arguments else ""
    else:
        path = f"'/clickhouse/tables/{{shard}}/{config.database}/{table.name}', '{{replica}}'"
        engine = f"Replicated{engine}({path}{', ' + arguments if arguments else ''})"
    head = f"CREATE TABLE IF NOT EXISTS {stored(table.name, config)}{on_cluster(config)} (\n  {columns}\n)\n"
    out = [f"{head}ENGINE = {engine}\n{tail}"]
    if config.cluster is not None:
        # By time, so that a replayed batch is cut the same way again and each shard recognises its piece.
        out.append(
            f"CREATE TABLE IF NOT EXISTS {table.name}{on_cluster(config)} AS {stored(table.name, config)}\n"
            f"ENGINE = Distributed('{config.cluster}', {config.database}, {stored(table.name, config)}, "
            f"cityHash64({table.time.name}))"
        )
    return out


def full_text_index(column: str) -> str:
    """The index of the words of a column, as declared: name, expression, type. Words are those of ``hasAllTokens``."""
    return f"words_{column} {full_text_sql(column)} TYPE text(tokenizer = 'splitByNonAlpha')"


def add_full_text(table: Table, column: str, config: StoreConfig) -> list[str]:
    """Index the words of a column of a table that was made before that was declared; rows from before follow."""
    change = f"ALTER TABLE {stored(table.name, config)}{on_cluster(config)}"
    return [
        f"{change} ADD INDEX IF NOT EXISTS {full_text_index(column)}",
        f"{change} MATERIALIZE INDEX words_{column}",
    ]


def add_column(name: str, column: Column, config: StoreConfig) -> list[str]:
    """Add a declared column to a table that was made before it was declared."""
    change = f"{on_cluster(config)} ADD COLUMN IF NOT EXISTS {column_ddl(column)}"
    names = [stored(name, config)] if config.cluster is None else [stored(name, config), name]
    return [f"ALTER TABLE {each}{change}" for each in names]


def widen_rollup(table: Table, rollup: Rollup, missing: Sequence[Column], config: StoreConfig) -> list[str]:
    """Add columns to a rollup: new dimensions join its sort key, at the end."""
    added = {column.name for column in missing}
    dimensions = [name for name in rollup.dimensions if name not in added]
    dimensions += [name for name in rollup.dimensions if name in added]
    adds = ", ".join(f"ADD COLUMN IF NOT EXISTS {column_ddl(column)}" for column in missing)
    key = ", ".join((table.time.name, *dimensions))
    out = [f"ALTER TABLE {stored(rollup.name, config)}{on_cluster(config)} {adds}, MODIFY ORDER BY ({key})"]
    if config.cluster is not None:
        out.append(f"ALTER TABLE {rollup.name}{on_cluster(config)} {adds}")
    return out


def set_retention(name: str, time: str, days: int, config: StoreConfig) -> str:
    """Change how long rows are kept. Only new parts and later merges see it at once; nothing is rewritten."""
    return (
        f"ALTER TABLE {stored(name, config)}{on_cluster(config)} MODIFY {ttl_clause(time, days)} "
        "SETTINGS materialize_ttl_after_modify = 0"
    )


def stored(name: str, config: StoreConfig) -> str:
    """Name of the table that holds the rows of a declared one."""
    return name if config.cluster is None else f"{name}_local"


def on_cluster(config: StoreConfig) -> str:
    """`` ON CLUSTER 'name'``, or nothing."""
    return "" if config.cluster is None else f" ON CLUSTER '{config.cluster}'"


def column_ddl(column: Column) -> str:
    """One column of a telemetry table."""
    return f"{column.name} {column.sql} CODEC({column.codec})"


def retention_days(name: str, declared: int, config: StoreConfig) -> int:
    """How long rows of a table are kept."""
    return config.retention_days.get(name, declared)


def ttl_clause(time: str, days: int) -> str:
    """When rows go away."""
    return f"TTL toDateTime({time}) + INTERVAL {days} DAY DELETE"


def retentions(tables: tuple[Table, ...], config: StoreConfig) -> Mapping[str, tuple[str, int]]:
    """Time column and days of every table and rollup."""
    out = {}
    for table in tables:
        for name, declared in ((table.name, table.ttl_days), *((r.name, r.ttl_days) for r in table.rollups)):
            out[name] = (table.time.name, retention_days(name, declared, config))
    return out
