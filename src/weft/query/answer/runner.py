"""Runs the statements of one query within its bounds and remembers what they cost."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from weft.errors import Failed, InvalidInput, LimitExceeded
from weft.query.compile.ask import Ask
from weft.query.compile.source import Source, choose
from weft.query.compile.sql import Statement
from weft.query.compile.statements import Compiler
from weft.query.config import QueryConfig
from weft.store.telemetry import Limits, TelemetryStore

ADVICE = "ask for a shorter time range, fewer dimensions, a coarser step or a narrower filter"
#: Part of what the engine says of a regular expression that it cannot read.
_BAD_PATTERN = "cannot compile re2"


@dataclass
class Runner:
    """One query's access to the store. ``statements`` and the sums are its provenance."""

    store: TelemetryStore
    config: QueryConfig
    now: float
    retention_days: Mapping[str, int]
    statements: list[str] = field(default_factory=list)
    source: Source | None = None
    notes: list[str] = field(default_factory=list)
    exact: bool = True
    rows_read: int = 0
    bytes_read: int = 0
    started: float = field(default_factory=time.perf_counter)

    def compiler(self, ask: Ask, *, bucketed: bool, main: bool = True) -> Compiler:
        """A compiler for the cheapest exact table; ``main`` makes that table the one the answer names."""
        compiler = Compiler(ask, choose(ask, self.now, self.retention_days, bucketed=bucketed))
        if main:
            self.source = compiler.source
        if main and compiler.choice.note:
            self.note(compiler.choice.note)
        return compiler

    def note(self, text: str) -> None:
        """Say something about the answer, once."""
        if text not in self.notes:
            self.notes.append(text)

    def run(self, statement: Statement, *, rows: int | None = None, shown: bool = True) -> pa.Table:
        """The rows of a statement. Raises LimitExceeded with advice; other errors of the store pass through."""
        left = self.config.timeout_s - (time.perf_counter() - self.started)
        try:
            if left <= 0:
                raise LimitExceeded("the query took too long")
            limits = Limits(
                seconds=left,
                memory_bytes=self.config.memory_mb << 20,
                result_rows=rows,
                threads=self.config.threads or None,
            )
            result = self.store.query(statement.sql, statement.parameters, limits)
        except Failed as error:
            if _BAD_PATTERN not in error.what:
                raise
            raise InvalidInput(
                "not a regular expression", where="filter", fix="see github.com/google/re2/wiki/Syntax"
            ) from error
        except LimitExceeded as error:
            bound = f"limits: {self.config.timeout_s:g} s, {self.config.memory_mb} MB"
            raise LimitExceeded(f"{error.what} ({bound})", where="query", fix=ADVICE) from error
        self.rows_read += result.rows_read
        self.bytes_read += result.bytes_read
        if shown:
            self.statements.append(statement.shown())
        return result.table

    @property
    def elapsed_ms(self) -> float:
        """Since the query began."""
        return (time.perf_counter() - self.started) * 1000


def without_filter(ask: Ask) -> Ask:
    """The same window with nothing asked of it."""
    return replace(ask, by=(), measures=(), filter=None)
