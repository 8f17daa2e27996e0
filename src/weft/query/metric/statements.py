"""The SQL of questions about metrics: rows to series, series of several sources to one, series to groups.

    rows ─(series, source, bucket)─▶ partials ─(series, bucket)─▶ best source ─(group, bucket)─▶ answer

The best source of a series in a bucket is the one with most samples. That step is left out where the question tells
sources apart, or no metric has more than one. Names are looked up once per series, or row by row where they changed
inside the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from weft.model.dictionaries import INTERFACES
from weft.model.tables import Kind
from weft.query.catalogue import Dimension, Shape
from weft.query.compile.ask import Ask
from weft.query.compile.lookups import attribute_sql, minute_of, value_sql
from weft.query.compile.source import Choice, Source
from weft.query.compile.sql import Statement, moment, select, subquery
from weft.query.compile.statements import Compiler, Fold, Window, folded_columns, key_names
from weft.query.metric.measures import SLOT_S, MetricMeasure

#: Sources may word a component or a device differently: the index and the address are what they share.
_SHARED = {"part": "if(if_index = 0, component, '')", "name": "if(exporter = toIPv6('::'), host, '')"}


@dataclass(frozen=True)
class MetricCompiler:
    """Makes statements for one ``Ask`` about metrics; ``several`` says that some metrics come from several sources."""

    ask: Ask
    several: bool = True

    @cached_property
    def _rows(self) -> Compiler:
        return Compiler(self.ask, Choice(Source(self.ask.dataset.table.name, 0)))

    @property
    def parameters(self) -> dict[str, Any]:
        """What the filter binds."""
        return self._rows.parameters

    @cached_property
    def _shape(self) -> Shape:
        shape = self.ask.dataset.shape
        assert shape is not None
        return shape

    @cached_property
    def one_source(self) -> bool:
        """Whether sources need not be reconciled: there is one, or the question tells them apart itself."""
        return not (self.several and self._shape.source) or "source" in {
            d.name for d in (*self.ask.by, *self.ask.filter_dimensions)
        }

    # --- series -----------------------------------------------------------------------------------------------------

    def series(self, window: Window, measures: Sequence[MetricMeasure], by: Sequence[Dimension]) -> str:
        """One row per series (and bucket), with the partials that ``measures`` need."""
        partials = list(dict.fromkeys(p for m in measures for p in m.partials))
        told = [n for n in self._shape.told if n in self._columns(measures, by)]
        inner = self._of_sources(window, partials, by, told)
        if self.one_source:
            return inner
        keys = [*(["bucket"] if window.bucket else []), *self._shape.identity, *_SHARED, *self._row_keys(by)]
        kept = [*told, *partials]
        taken = [*(f"a.told_{n}" for n in told), *(f"a.{n}" for n in partials)]
        best = f"argMax(({', '.join(taken)},), (a.samples, -toInt16(a.source))) AS best"
        columns = [f"a.{k} AS {k}" for k in keys]
        columns += [best, *(f"best.{i} AS {n}" for i, n in enumerate(kept, 1))] if kept else []
        return select(columns, subquery(inner, "a"), group_by=keys)

    def _of_sources(self, window: Window, partials: Sequence[str], by: Sequence[Dimension], told: Sequence[str]) -> str:
        """One row per series, source and bucket; ``told`` are texts of the series that its source words as it likes."""
        shape = self._shape
        keys = [*shape.identity, *(shape.told if self.one_source else ()), *shape.source]
        columns, groups = [], []
        if window.bucket:
            time = self.ask.dataset.table.time.name
            columns.append(f"intDiv(toUInt32({time}) - {window.start}, {window.bucket}) AS bucket")
            groups.append("bucket")
        columns += keys
        if not self.one_source:
            columns += [f"{sql} AS {name}" for name, sql in _SHARED.items()]
            columns += [f"any({n}) AS told_{n}" for n in told]  # under the column's own name a filter would mean this
            groups += _SHARED
        rows = self._row_keys(by)
        columns += [f"{sql} AS {name}" for name, sql in rows.items()]
        wanted = partials if self.one_source else list(dict.fromkeys(["samples", *partials]))
        columns += [f"{shape.partials[p]} AS {p}" for p in wanted]
        table, where = self.ask.dataset.table.name, self._rows.condition(window)
        if shape.rows is not None:
            table, where = subquery(shape.rows(table, where), "l"), ""
        return select(columns, table, where=where, group_by=[*groups, *keys, *rows])

    def _columns(self, measures: Sequence[MetricMeasure], by: Sequence[Dimension]) -> set[str]:
        """Columns of a series that groups are made of or that are counted."""
        return {key for d in by for key in d.keys} | {m.dimension for m in measures if m.dimension}

    def _row_keys(self, by: Sequence[Dimension]) -> dict[str, str]:
        """Values that have to be worked out row by row: names that changed, and what does not belong to a series."""
        out: dict[str, str] = {}
        shape = self._shape
        for d in by:
            if self._rows.sliced(d) or not set(d.keys) <= {*shape.identity, *shape.told, *shape.source}:
                out |= {f"row_{n}": sql for n, sql in zip(key_names(d), self._rows.row_values(d), strict=True)}
        return out

    def _value(self, dimension: Dimension) -> tuple[str, ...]:
        """A dimension of a series ``s``, one SQL per key column."""
        names = key_names(dimension)
        if f"row_{names[0]}" in self._row_keys((dimension,)):
            return tuple(f"s.row_{n}" for n in names)
        if dimension.kind is Kind.INTERFACE and dimension.dictionary is None:
            return tuple(f"s.{key}" for key in dimension.keys)
        if dimension.expression:
            return (dimension.expression,)
        return (value_sql(dimension, self._end, "s."),)

    @property
    def _end(self) -> str:
        return moment(minute_of(self.ask.grid.end - 1))

    # --- groups -----------------------------------------------------------------------------------------------------

    def grouped(
        self, window: Window, measures: Sequence[MetricMeasure], by: Sequence[Dimension], fold: Fold | None = None
    ) -> str:
        """Series of the window grouped by bucket and ``by``; with ``fold`` all but the chosen groups are made one."""
        values = {name: sql for d in by for name, sql in zip(key_names(d), self._value(d), strict=True)}
        folded, keys = folded_columns(by, values, fold)
        buckets = ["bucket"] if window.bucket else []
        inner = self.series(window, measures, by)
        if any("s.speed" in m.across for m in measures):
            speed = attribute_sql(INTERFACES, "speed_bps", ("r.exporter", "r.if_index"), self._end)
            inner = select(["r.*", f"{speed} AS speed"], subquery(inner, "r"))
        return select(
            [*(f"s.{b} AS {b}" for b in buckets), *folded, *(f"{m.across} AS {m.name}" for m in measures)],
            subquery(inner, "s"),
            group_by=[*buckets, *keys],
        )

    def statement(
        self, window: Window, measures: Sequence[MetricMeasure], by: Sequence[Dimension], fold: Fold | None = None
    ) -> Statement:
        """``grouped`` with what the filter binds."""
        return Statement(self.grouped(window, measures, by, fold), self.parameters)

    def groups(self, window: Window, measures: Sequence[MetricMeasure], limit: int) -> Statement:
        """All groups and their measures, if they are no more than ``limit``."""
        return Statement(f"{self.grouped(window, measures, self.ask.by)}\nLIMIT {limit}", self.parameters)

    def ranked(self, window: Window, measure: MetricMeasure, limit: int) -> Statement:
        """The groups with the largest ``measure``; with buckets, those with the largest of any bucket."""
        names = [n for d in self.ask.by for n in key_names(d)]
        inner, value = self.grouped(window, [measure], self.ask.by), f"r.{measure.name}"
        rank = f"max({value})" if window.bucket else value
        sql = select(
            [*(f"r.{n} AS {n}" for n in names), f"{rank} AS rank"],
            subquery(inner, "r"),
            where=f"isNotNull({value})",
            group_by=names if window.bucket else (),
            order_by=["rank DESC", *names],
            limit=limit,
        )
        return Statement(sql, self.parameters)

    def percentile(
        self,
        window: Window,
        measure: MetricMeasure,
        by: Sequence[Dimension],
        fold: Fold | None,
        limit: int | None = None,
    ) -> Statement:
        """The 95th percentile (nearest rank) of a measure over slots; slots without a sample are left out."""
        slots = replace(window, bucket=SLOT_S)
        plain = replace(measure, name="slot")
        names = [n for d in by for n in key_names(d)]
        if fold is not None:
            names.insert(0, "top")
        sql = select(
            [
                *(f"p.{n} AS {n}" for n in names),
                f"arraySort(groupArray(assumeNotNull(p.slot)))[toUInt32(ceil(0.95 * count()))] AS {measure.name}",
            ],
            subquery(self.grouped(slots, [plain], by, fold), "p"),
            where="isNotNull(p.slot)",
            group_by=names,
            order_by=[f"{measure.name} DESC", *names] if limit is not None else (),
            limit=limit,
        )
        return Statement(sql, self.parameters)
