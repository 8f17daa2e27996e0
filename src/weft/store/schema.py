"""Brings the schema of a store up to date at start: version, ordered steps, then whatever the declarations ask for.

What only adds (a table, a rollup, a column, another retention) follows from the declarations. What changes data that is
already there is a numbered step in ``STEPS``. A store that a newer Weft wrote is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from weft import __version__
from weft.errors import Failed
from weft.model.dictionaries import Attribute, Dictionary
from weft.model.metrics import METRICS
from weft.model.tables import Column, Rollup, Table
from weft.store import ddl, dictionaries
from weft.store.aggregate import rollup_table
from weft.store.config import StoreConfig
from weft.store.engine import Engine, literal

log = structlog.get_logger(__name__)

VERSIONS = "weft_schema"
#: Name → type of columns in their order, by table.
_Stored = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of data that is already stored: SQL that brings version ``version - 1`` to ``version``."""

    version: int
    what: str
    statements: Callable[[StoreConfig], Sequence[str]]


_FIRST_METRICS = (
    "time_received DateTime64(3, 'UTC'), exporter IPv6, source UInt8, metric_type UInt8, "
    "metric LowCardinality(String), instance UInt64, value Float64"
)


def _metrics_by_component(config: StoreConfig) -> list[str]:
    """The first ``metrics`` had one number for what in the device a value is of, and no increases."""
    table, old = ddl.stored(METRICS.name, config), f"{ddl.stored(METRICS.name, config)}_1"
    where = ddl.on_cluster(config)
    drop = [f"DROP TABLE IF EXISTS {METRICS.name}{where}"] if config.cluster is not None else []
    moved = {name: name for name in ("time_received", "exporter", "source", "metric_type", "metric", "value")}
    moved |= {"time": "time_received", "if_index": "instance"}
    return [
        *drop,
        f"RENAME TABLE IF EXISTS {table} TO {old}{where}",
        *ddl.create_statements(METRICS, config),
        # An empty one where the table was never made, so that the next statement has something to read.
        f"CREATE TABLE IF NOT EXISTS {old}{where} ({_FIRST_METRICS}) ENGINE = MergeTree ORDER BY metric",
        f"INSERT INTO {METRICS.name} ({', '.join(moved)}) SELECT {', '.join(moved.values())} FROM {old}",
        f"DROP TABLE {old}{where}",
    ]


#: Version 1 is the first layout. Steps are never edited, only added.
STEPS: tuple[Step, ...] = (Step(2, "metrics: components, hosts, labels and increases", _metrics_by_component),)


class Schema:
    """The schema of one store."""

    def __init__(
        self,
        engine: Engine,
        config: StoreConfig,
        tables: Sequence[Table],
        known: Sequence[Dictionary],
        steps: Sequence[Step] = STEPS,
    ) -> None:
        self._engine, self._config, self._steps = engine, config, tuple(steps)
        self._tables, self._known = tuple(tables), tuple(known)
        self._database = literal(config.database)

    @property
    def newest(self) -> int:
        """The version that this code writes."""
        return max((step.version for step in self._steps), default=1)

    def update(self, *, retention: bool = True) -> dict[str, Dictionary]:
        """Do all that is needed; returns the dictionaries with the attributes that users added. ``Failed`` if newer.

        Without ``retention`` what is kept how long stays as it is, whatever the settings say.
        """
        self._versions()
        for table in self._tables:
            for statement in ddl.create_statements(table, self._config):
                self._engine.execute(statement)
        for dictionary in self._known:
            self._engine.execute(dictionaries.create_table(dictionary, self._config))
        stored = self._stored_columns()
        self._columns(stored)
        self._indexes()
        if retention:
            self._retention()
        return self._dictionaries(stored)

    def _versions(self) -> None:
        engine = "MergeTree"
        if self._config.cluster is not None:
            place = f"/clickhouse/tables/all/{self._config.database}/{VERSIONS}"
            engine = f"ReplicatedMergeTree('{place}', '{{shard}}-{{replica}}')"
        self._engine.execute(
            f"CREATE TABLE IF NOT EXISTS {VERSIONS}{ddl.on_cluster(self._config)} "
            f"(version UInt32, weft String, applied DateTime('UTC') DEFAULT now())\nENGINE = {engine} ORDER BY version"
        )
        rows = self._rows(
            f"SELECT max(version) AS newest, argMax(weft, version) AS writer, count() AS n FROM {VERSIONS}"
        )
        found, writer = (rows[0]["newest"], rows[0]["writer"]) if rows[0]["n"] else (0, "")
        if found > self.newest:
            raise Failed(
                f"was written by Weft {writer} (schema {found}); this is {__version__} (schema {self.newest})",
                where="store",
                fix="Upgrade Weft, or choose another data directory.",
            )
        for step in self._steps:
            if found and step.version > found:
                log.info("schema_step", version=step.version, what=step.what)
                for statement in step.statements(self._config):
                    self._engine.execute(statement)
                self._record(step.version)
        if not found:
            self._record(self.newest)

    def _record(self, version: int) -> None:
        self._engine.execute(f"INSERT INTO {VERSIONS} (version, weft) VALUES ({version}, {literal(__version__)})")

    def _columns(self, stored: _Stored) -> None:
        """Add columns that were declared after their table was made."""
        for table in self._tables:
            for column in self._missing(table, stored):
                self._add(table.name, column)
            for rollup in table.rollups:
                missing = self._missing(rollup_table(table, rollup), stored)
                if missing:
                    self._widen(table, rollup, missing)

    def _add(self, name: str, column: Column) -> None:
        log.info("schema_column", table=name, column=column.name)
        for statement in ddl.add_column(name, column, self._config):
            self._engine.execute(statement)

    def _widen(self, table: Table, rollup: Rollup, missing: Sequence[Column]) -> None:
        """A rollup has new dimensions or measures; rows from before have their default."""
        log.info("schema_rollup", table=rollup.name, columns=[column.name for column in missing])
        for statement in ddl.widen_rollup(table, rollup, missing, self._config):
            self._engine.execute(statement)

    def _missing(self, table: Table, stored: _Stored) -> list[Column]:
        have = stored.get(ddl.stored(table.name, self._config), {})
        return [column for column in table.columns if column.name not in have]

    def _stored_columns(self) -> _Stored:
        out: dict[str, dict[str, str]] = {}
        for row in self._rows(
            f"SELECT table, name, type FROM system.columns WHERE database = {self._database} ORDER BY table, position"
        ):
            out.setdefault(row["table"], {})[row["name"]] = row["type"]
        return out

    def _indexes(self) -> None:
        """Index the words of columns that were declared to be searched after their table was made."""
        made: dict[str, set[str]] = {}
        for row in self._rows(
            f"SELECT table, name FROM system.data_skipping_indices WHERE database = {self._database}"
        ):
            made.setdefault(row["table"], set()).add(row["name"])
        for table in self._tables:
            for column in table.full_text:
                if f"words_{column}" not in made.get(ddl.stored(table.name, self._config), set()):
                    log.info("schema_full_text", table=table.name, column=column)
                    for statement in ddl.add_full_text(table, column, self._config):
                        self._engine.execute(statement)

    def _retention(self) -> None:
        """Follow the configured retention where it differs from what the table was made with."""
        made = {
            row["name"]: row["engine_full"]
            for row in self._rows(f"SELECT name, engine_full FROM system.tables WHERE database = {self._database}")
        }
        for name, (time, days) in ddl.retentions(self._tables, self._config).items():
            if f"toIntervalDay({days})" not in made.get(ddl.stored(name, self._config), ""):
                log.info("schema_retention", table=name, days=days)
                self._engine.execute(ddl.set_retention(name, time, days, self._config))

    def _dictionaries(self, stored: _Stored) -> dict[str, Dictionary]:
        """Make or complete the dictionaries; attributes that users added earlier are kept."""
        made = {
            row["name"]: row["comment"]
            for row in self._rows(
                f"SELECT name, comment FROM system.tables WHERE database = {self._database} AND engine = 'Dictionary'"
            )
        }
        out: dict[str, Dictionary] = {}
        for dictionary in self._known:
            whole = out[dictionary.name] = self._completed(dictionary, stored[dictionary.name])
            # A server's may hold another password by now, or be missing on another node.
            if self._config.url is not None or made.get(f"dict_{whole.name}") != dictionaries.mark(whole, self._config):
                self._engine.execute(dictionaries.create_dictionary(whole, self._config))
        return out

    def _completed(self, dictionary: Dictionary, stored: Mapping[str, str]) -> Dictionary:
        """Add declared attributes that its table has not; returns it with those that only the table has."""
        for attribute in dictionary.attributes:
            if attribute.name not in stored:
                self._engine.execute(dictionaries.add_attribute(dictionary, attribute, self._config))
        declared = {column.name for column in dictionaries.dictionary_table(dictionary).columns}
        added = [Attribute(name, "", sql) for name, sql in stored.items() if name not in declared]
        return dataclasses.replace(dictionary, attributes=(*dictionary.attributes, *added))

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._engine.select(sql, {}, {}).table.to_pylist()
        return rows
