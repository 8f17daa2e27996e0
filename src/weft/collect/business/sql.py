"""Asks a database for business series. Every query runs in a transaction that may only read and is rolled back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from weft.collect.business.config import BusinessSql, SqlQuery
from weft.collect.business.files import number_of
from weft.collect.business.marks import Marks
from weft.collect.business.source import Problem, Taker
from weft.collect.business.times import time_ns_of
from weft.collect.business.values import Value, value_of
from weft.errors import ConfigError, InvalidInput

_FETCH = 10_000
_NS = 1_000_000_000


class Database:
    """One database. Not for several threads at once."""

    def __init__(self, config: BusinessSql) -> None:
        self.config = config
        self._engine: sa.Engine | None = None
        self._secrets: tuple[str, ...] = ()

    @staticmethod
    def place(config: BusinessSql) -> str:
        """Where it is, without user and password; empty where that cannot be told."""
        try:
            url = sa.make_url(config.url.reveal())
        except (ConfigError, SQLAlchemyError, ValueError):  # shows when it is used
            return ""
        host = f"{url.host}:{url.port}" if url.port else url.host or ""
        return f"{url.get_backend_name()}://{host}/{url.database or ''}"

    def close(self) -> None:
        """Close its connections."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def rows(self, query: str, binds: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
        """Rows in parts, by column. Raises ``Problem``."""
        try:
            with self._open().connect() as connection:
                self._bound(connection)
                result = connection.execution_options(stream_results=True).execute(sa.text(query), dict(binds))
                left = self.config.most_rows
                while rows := result.mappings().fetchmany(min(_FETCH, left + 1)):
                    if len(rows) > left:
                        raise Problem(
                            "too_many", f"more than {self.config.most_rows} rows; ask for less, or raise most_rows"
                        )
                    left -= len(rows)
                    yield [dict(row) for row in rows]
                connection.rollback()
        except SQLAlchemyError as error:
            raise Problem(*self._why(error)) from None

    def _open(self) -> sa.Engine:
        if self._engine is None:
            try:
                url = sa.make_url(self.config.url.reveal())
                self._secrets = tuple(s for s in (url.password, self.config.url.reveal()) if s)
                self._engine = sa.create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)
            except (ArgumentError, NoSuchModuleError, ImportError) as error:
                # What cannot be taken apart may hold the password anywhere.
                raise Problem("bad_url", f"the URL cannot be used: {type(error).__name__}") from None
        return self._engine

    def _bound(self, connection: sa.Connection) -> None:
        """Only read, and not for long."""
        limit_ms = int(self.config.timeout_s * 1000)
        match connection.dialect.name:
            case "postgresql":
                connection.execute(sa.text("SET TRANSACTION READ ONLY"))
                connection.execute(sa.text(f"SET LOCAL statement_timeout = {limit_ms}"))
            case "mysql" | "mariadb":
                connection.execute(sa.text("SET TRANSACTION READ ONLY"))
            case "sqlite":
                connection.execute(sa.text("PRAGMA query_only = ON"))
                deadline = time.monotonic() + self.config.timeout_s
                raw: Any = connection.connection.dbapi_connection
                raw.set_progress_handler(lambda: int(time.monotonic() > deadline), 100_000)

    def _why(self, error: SQLAlchemyError) -> tuple[str, str]:
        text = str(getattr(error, "orig", None) or error).strip().split("\n")[0][:300]
        for secret in self._secrets:
            text = text.replace(secret, "***")
        kind = type(error).__name__
        if re.search(r"timeout|interrupted", text, re.IGNORECASE):
            return "timeout", text
        if kind in {"OperationalError", "InterfaceError"}:
            denied = re.search(r"authentication|access denied|password", text, re.IGNORECASE)
            return ("refused" if denied else "unreachable" if "connect" in text.lower() else "query"), text
        return "query", text


class SqlSeries:
    """One query. A ``Reads``."""

    def __init__(self, database: Database, config: SqlQuery, marks: Marks) -> None:
        self._database, self._config, self._marks = database, config, marks
        self.every_s = config.every_s
        self._key = f"sql {database.config.name} {config.series} {config.query}"
        names = {name for name in ("since", "until") if re.search(rf"(?<!:):{name}\b", config.query)}
        self._binds: Sequence[str] = sorted(names)

    def read(self, taker: Taker) -> None:
        """Ask for what is new, and a while before it."""
        now_s, kept = time.time(), self._marks.get(self._key)
        behind = self._config.overlap_s if isinstance(kept, int | float) else self._config.history_s
        since_s = (float(kept) if isinstance(kept, int | float) else now_s) - behind
        newest_ns = 0
        for rows in self._database.rows(self._config.query, self._given(since_s, now_s)):
            values = [value for row in rows for value in self._values(row, taker)]
            taker.take(values)
            newest_ns = max(newest_ns, *(one.time_ns for one in values)) if values else newest_ns
        if not newest_ns:
            taker.book.came(0)
            return
        newest_s = min(newest_ns / _NS, now_s)
        self._marks.put(self._key, max(newest_s, float(kept)) if isinstance(kept, int | float) else newest_s)

    def _given(self, since_s: float, until_s: float) -> dict[str, Any]:
        times = {"since": datetime.fromtimestamp(since_s, UTC), "until": datetime.fromtimestamp(until_s, UTC)}
        made: dict[str, Any] = {}
        for name in self._binds:
            at = times[name]
            made[name] = {"datetime": at, "text": f"{at:%Y-%m-%d %H:%M:%S}", "seconds": at.timestamp()}[
                self._config.bind
            ]
        return made

    def _values(self, row: Mapping[str, Any], taker: Taker) -> Iterator[Value]:
        config = self._config
        for name in (config.time, config.value):
            if name not in row:
                raise Problem("query", f"{config.series}: the answer has no column '{name}', only {', '.join(row)}")
        if row[config.value] is None:
            return
        names = config.labels if config.labels is not None else [n for n in row if n not in (config.time, config.value)]
        labels = {name: str(row[name]) for name in names if row.get(name) not in (None, "")}
        try:
            at = time_ns_of(row[config.time], config.time_zone)
            yield value_of(config.series, at, number_of(row[config.value]), labels, config.unit)
        except InvalidInput as error:
            taker.book.error("bad_row", f"{config.series}: {error.message}")
