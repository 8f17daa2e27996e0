"""The component: opens every configured source of business series. Without any it costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from weft.collect.business.config import BusinessConfig
from weft.collect.business.files import CsvFiles
from weft.collect.business.marks import Marks
from weft.collect.business.source import Intake, Reads, SourceThread, Taker


class _Closes(Protocol):
    def close(self) -> None:
        """Let go of connections."""


class BusinessSeries:
    """CSV files, Prometheus servers and databases. Inert until started."""

    def __init__(self, config: BusinessConfig, intake: Intake, data_dir: Path) -> None:
        self._config, self._intake = config, intake
        self._marks = Marks(data_dir / "business" / "marks.json")
        self._threads: list[SourceThread] = []
        self._open: list[_Closes] = []

    def start(self) -> None:
        """Begin to read."""
        config = self._config
        if not (config.files or config.prometheus or config.sql):
            return
        self._marks.load()
        for files in config.files:
            name = files.name or files.path.name or str(files.path)
            self._add("file", name, str(files.path), [CsvFiles(files, self._marks)], expected_s=0.0)
        self._start_prometheus()
        self._start_sql()

    def _start_prometheus(self) -> None:
        if not self._config.prometheus:
            return
        from weft.collect.business.prometheus import PrometheusServer, RangeQuery  # brings an HTTP client

        for config in self._config.prometheus:
            server = PrometheusServer(config)
            self._open.append(server)
            queries = [RangeQuery(server, one, self._marks) for one in config.queries]
            self._add("prometheus", config.name, config.url, queries)

    def _start_sql(self) -> None:
        if not self._config.sql:
            return
        from weft.collect.business.sql import Database, SqlSeries

        for config in self._config.sql:
            database = Database(config)
            self._open.append(database)
            queries = [SqlSeries(database, one, self._marks) for one in config.queries]
            self._add("sql", config.name, database.place(config), queries)

    def _add(
        self, source: str, name: str, target: str, parts: Sequence[Reads], expected_s: float | None = None
    ) -> None:
        expected = min(part.every_s for part in parts) if expected_s is None else expected_s
        book = self._intake.open_source("business", name, target, expected_s=expected)
        book.note(how=source)
        thread = SourceThread(Taker(self._intake, book, source, name), parts)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Read no more."""
        threads, self._threads = self._threads, []
        for thread in threads:
            thread.stop()
        opened, self._open = self._open, []
        for one in opened:
            one.close()
