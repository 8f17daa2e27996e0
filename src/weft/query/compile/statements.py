"""The statements that a view is made of.

Everything starts from one *grouped* statement: the table's rows summed by the key columns (integers, mostly); names are
looked up on the grouped rows, not on every row. On top of it:

* ``ranked``: the largest groups;
* ``folded``: all rows, with the groups that are not among the chosen ones made one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from weft.model.tables import Kind
from weft.query.catalogue import Dimension
from weft.query.compile.ask import Ask
from weft.query.compile.lookups import minute_of, row_minute, value_sql
from weft.query.compile.source import Choice, Source, cover
from weft.query.compile.sql import Statement, literal, moment, select, subquery
from weft.query.compile.where import Where
from weft.query.filter.tree import Or
from weft.query.measures import COUNTS, SUMS, Measure, sums_needed
from weft.store.aggregate import ROWS

#: More changes of names than this inside a window are looked up row by row instead of slice by slice.
MAX_SLICES = 100


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate by name: over rows of the table, and over rows already grouped (``g``)."""

    name: str
    rows: str
    partial: str
    merged: str


@dataclass(frozen=True)
class Fold:
    """Which groups keep their own key. ``joint``: the tuple of all dimensions; else each dimension by itself."""

    keys: Sequence[tuple[Any, ...]]
    joint: bool = True


@dataclass(frozen=True)
class Window:
    """Rows from ``start`` to ``end`` (exclusive), in buckets of ``bucket`` seconds from ``start`` on (0 = none)."""

    start: int
    end: int
    bucket: int = 0


def key_names(dimension: Dimension) -> tuple[str, ...]:
    """Names of the result columns that hold a dimension: an interface is known by its exporter and its index."""
    if dimension.kind is Kind.INTERFACE:
        return (f"by_{dimension.name}_exporter", f"by_{dimension.name}")
    return (f"by_{dimension.name}",)


def aggregates_for(measures: Sequence[Measure]) -> list[Aggregate]:
    """The sums and unique counts that these measures need."""
    out = [Aggregate(f"sum_{n}", SUMS[n], SUMS[n], f"sum(g.sum_{n})") for n in sums_needed(measures)]
    for m in measures:
        if m.form == "unique":
            column = m.dimension
            out.append(
                Aggregate(m.name, f"uniqExact({column})", f"uniqExactState({column})", f"uniqExactMerge(g.{m.name})")
            )
    return out


@dataclass(frozen=True)
class Compiler:
    """Makes statements for one ``Ask`` against the tables of one ``Choice``; ``only`` narrows the rows further."""

    ask: Ask
    choice: Choice
    only: str = ""

    @property
    def source(self) -> Source:
        """The table that answers for most of the asked window."""
        parts = cover(self.choice, self.ask.grid.start, self.ask.grid.end, self.ask.edges)
        return max(parts, key=lambda part: part[2] - part[1])[0]

    @cached_property
    def _where(self) -> tuple[str, dict[str, Any]]:
        if self.ask.filter is None:
            return "", {}
        where = Where(self.ask.dataset, lambda d: value_sql(d, self._at(d)), self._end)
        sql = where.condition(self.ask.filter)
        return sql, where.parameters

    @property
    def parameters(self) -> dict[str, Any]:
        """What the filter binds."""
        return self._where[1]

    def _from(self, window: Window, columns: Sequence[str], rows: Sequence[str]) -> tuple[str, str, list[str]]:
        """What to select from, under which condition, and the aggregates ``rows`` in its terms.

        ``columns`` are those that the statement needs. Several tables become one by UNION ALL.
        """
        parts = [(self.choice.base, window.start, window.end)]
        if not window.bucket:
            parts = cover(self.choice, window.start, window.end, self.ask.edges)
        if len(parts) == 1:
            source = parts[0][0]
            count = f"sum({ROWS})" if source.seconds else "count()"
            return source.name, self.condition(window), [count if r in COUNTS else r for r in rows]
        time = self.ask.dataset.table.time.name
        texts = " ".join(rows)
        wanted = dict.fromkeys([*columns, *(n for n in ("bytes", "packets", "sampling_rate") if n in texts)])
        if "as_of" in columns:
            del wanted["as_of"]
            wanted[time] = None
        selects = []
        for source, start, end in parts:
            counted = any(r in COUNTS for r in rows)
            names = [*wanted, ROWS if source.seconds else f"toUInt64(1) AS {ROWS}"] if counted else [*wanted]
            selects.append(select([", ".join(names)], source.name, where=self.condition(Window(start, end))))
        return subquery("\nUNION ALL\n".join(selects), "t"), "", [f"sum({ROWS})" if r in COUNTS else r for r in rows]

    @property
    def filter_condition(self) -> str:
        """The filter as one operand of AND; empty without a filter."""
        return f"({self._where[0]})" if isinstance(self.ask.filter, Or) else self._where[0]

    def condition(self, window: Window) -> str:
        """Time and filter."""
        time = self.ask.dataset.table.time.name
        sql = f"{time} >= {moment(window.start)} AND {time} < {moment(window.end)}"
        return "\n  AND ".join(filter(None, (sql, self.only, self.filter_condition)))

    def row_values(self, dimension: Dimension) -> tuple[str, ...]:
        """A dimension of one raw row, names as of the row's own time."""
        if dimension.dictionary is not None:
            return (value_sql(dimension, row_minute(self.ask.dataset.table.time.name)),)
        return self._plain(dimension)

    def _at(self, dimension: Dimension) -> str:
        """As of when a row's names are looked up: a constant if none changed in the window."""
        if self.ask.changed(dimension):
            return row_minute(self.ask.dataset.table.time.name)
        return self._end

    @property
    def _end(self) -> str:
        """The last minute of the window."""
        return moment(minute_of(self.ask.grid.end - 1))

    # --- grouping ---------------------------------------------------------------------------------------------------

    def grouped(
        self, window: Window, aggregates: Sequence[Aggregate], by: Sequence[Dimension], fold: Fold | None = None
    ) -> str:
        """Rows of the window grouped by bucket and ``by``, their values looked up."""
        if any(d.dictionary for d in by):
            return self._grouped_twice(window, aggregates, by, fold)
        columns, groups = self._bucket(window)
        values = {name: value for d in by for name, value in zip(key_names(d), self._plain(d), strict=True)}
        folded, keys = folded_columns(by, values, fold)
        unique = [a.name.removeprefix("unique_") for a in aggregates if a.name.startswith("unique_")]
        needed = [*(key for d in by for key in d.keys), *unique]
        table, where, rows = self._from(window, needed, [a.rows for a in aggregates])
        sums = [f"{sql} AS {a.name}" for a, sql in zip(aggregates, rows, strict=True)]
        return select([*columns, *folded, *sums], table, where=where, group_by=[*groups, *keys])

    def _grouped_twice(
        self, window: Window, aggregates: Sequence[Aggregate], by: Sequence[Dimension], fold: Fold | None
    ) -> str:
        columns, groups = self._bucket(window)
        keys: dict[str, str] = {}
        values: dict[str, str] = {}
        for d in by:
            sliced = self.sliced(d)
            if d.dictionary is not None and not (sliced and len(self.ask.edges) > MAX_SLICES):
                keys |= {key: key for key in d.keys}
                at = "toDateTime(g.as_of, 'UTC')" if sliced else self._at(d)
                values[key_names(d)[0]] = value_sql(d, at, "g.")
            else:
                plain = dict(zip(key_names(d), self.row_values(d), strict=True))
                keys |= plain
                values |= {name: f"g.{name}" for name in plain}
        time = self.ask.dataset.table.time.name
        needed = list(dict.fromkeys(key for d in by for key in d.keys))
        if any(self.sliced(d) for d in by):
            needed.append("as_of")
            if len(self.ask.edges) <= MAX_SLICES:
                edges = [t for t in self.ask.edges if window.start < t < window.end]
                keys["as_of"] = f"roundDown(toUInt32({time}), {[minute_of(window.start), *edges]})"
        needed += [a.name.removeprefix("unique_") for a in aggregates if a.name.startswith("unique_")]
        table, where, rows = self._from(window, needed, [a.partial for a in aggregates])
        selected = [name if name == sql else f"{sql} AS {name}" for name, sql in keys.items()]
        sums = [f"{sql} AS {a.name}" for a, sql in zip(aggregates, rows, strict=True)]
        inner = select([*columns, *selected, *sums], table, where=where, group_by=[*groups, *keys])
        folded, names = folded_columns(by, values, fold)
        return select(
            [*(f"g.{g} AS {g}" for g in groups), *folded, *(f"{a.merged} AS {a.name}" for a in aggregates)],
            subquery(inner, "g"),
            group_by=[*groups, *names],
        )

    def _bucket(self, window: Window) -> tuple[list[str], list[str]]:
        if not window.bucket:
            return [], []
        time = self.ask.dataset.table.time.name
        return [f"intDiv(toUInt32({time}) - {window.start}, {window.bucket}) AS bucket"], ["bucket"]

    def _plain(self, dimension: Dimension) -> tuple[str, ...]:
        return dimension.keys if dimension.kind is Kind.INTERFACE else (value_sql(dimension, ""),)

    def sliced(self, dimension: Dimension) -> bool:
        """Whether its names changed in the window."""
        return self.ask.changed(dimension)

    # --- statements -------------------------------------------------------------------------------------------------

    def ranked(
        self, window: Window, measure: Measure, aggregates: Sequence[Aggregate], limit: int, *, totals: bool
    ) -> Statement:
        """Groups with their aggregates, largest first; with ``totals`` also ``all_…``: the sums over every group."""
        names = [n for d in self.ask.by for n in key_names(d)]
        overall = [f"sum(r.{a.name}) OVER () AS all_{a.name}" for a in aggregates if totals]
        sql = select(
            [*(f"r.{n} AS {n}" for n in names), *(f"r.{a.name} AS {a.name}" for a in aggregates), *overall],
            subquery(self.grouped(window, aggregates, self.ask.by), "r"),
            order_by=[f"{_rank_sql(measure)} DESC", *names],
            limit=limit,
        )
        return Statement(sql, self.parameters)

    def highest(
        self, window: Window, measure: Measure, aggregates: Sequence[Aggregate], limit: int, last_s: int
    ) -> Statement:
        """The groups with the highest bucket; ``last_s`` is how long the last bucket has lasted."""
        names = [n for d in self.ask.by for n in key_names(d)]
        value = _rank_sql(measure)
        last = (window.end - window.start) // window.bucket - 1
        if measure.form == "rate" and last_s != window.bucket:
            value = f"{value} / if(r.bucket = {last}, {last_s}, {window.bucket})"
        sql = select(
            [*(f"r.{n} AS {n}" for n in names), f"max({value}) AS rank"],
            subquery(self.grouped(window, aggregates, self.ask.by), "r"),
            group_by=names,
            order_by=["rank DESC", *names],
            limit=limit,
        )
        return Statement(sql, self.parameters)

    def folded(
        self, window: Window, aggregates: Sequence[Aggregate], by: Sequence[Dimension], fold: Fold | None
    ) -> Statement:
        """Everything in the window, groups outside ``fold`` made one."""
        return Statement(self.grouped(window, aggregates, by, fold), self.parameters)

    def chosen(self, window: Window, aggregates: Sequence[Aggregate], keys: Sequence[tuple[Any, ...]]) -> Statement:
        """Only the groups of these keys; possible where no dimension has to be looked up."""
        names = [value for d in self.ask.by for value in self._plain(d)]
        among = [_among([name], [(key[i],) for key in keys]) for i, name in enumerate(names)]
        only = among[-1:] if len(names) == 1 else [among[-1], _among(names, keys)]
        narrow = replace(self, only=" AND ".join(only))
        return Statement(narrow.grouped(window, aggregates, self.ask.by), self.parameters)

    def percentile(
        self, window: Window, measure: Measure, by: Sequence[Dimension], fold: Fold | None, limit: int | None = None
    ) -> Statement:
        """The 95th percentile of a sum per slot (``window.bucket``), nearest rank, empty slots counted as 0."""
        aggregates = aggregates_for([measure])
        slots = (window.end - window.start) // window.bucket
        nth = -(-95 * slots // 100)
        value = aggregates[0].name
        names = _output_names(by, fold)
        expression = (
            f"if(count() + {nth} > {slots}, arraySort(groupArray(p.{value}))[toInt64(count()) + {nth - slots}], 0)"
        )
        sql = select(
            [*(f"p.{n} AS {n}" for n in names), f"{expression} AS {measure.name}"],
            subquery(self.grouped(window, aggregates, by, fold), "p"),
            group_by=names,
            order_by=[f"{measure.name} DESC", *names] if limit is not None else (),
            limit=limit,
        )
        return Statement(sql, self.parameters)


def _rank_sql(measure: Measure) -> str:
    if measure.form == "unique":
        return f"r.{measure.name}"
    if measure.form == "ratio":
        return f"if(r.sum_{measure.sums[1]} = 0, 0, r.sum_{measure.sums[0]} / r.sum_{measure.sums[1]})"
    return f"r.sum_{measure.sums[0]}"


def _output_names(by: Sequence[Dimension], fold: Fold | None) -> list[str]:
    names = [n for d in by for n in key_names(d)]
    if fold is None:
        return names
    return ["top", *names] if fold.joint else [*(f"top_{d.name}" for d in by), *names]


def folded_columns(by: Sequence[Dimension], values: dict[str, str], fold: Fold | None) -> tuple[list[str], list[str]]:
    """Columns (``sql AS name``) and their names for the keys ``by``, those outside ``fold`` made equal."""
    if fold is None:
        return [f"{sql} AS {name}" for name, sql in values.items()], list(values)
    if fold.joint:
        columns = [f"{_among(list(values.values()), fold.keys)} AS top"]
        columns += [f"if(top, {values[n]}, {_none(d, n)}) AS {n}" for d in by for n in key_names(d)]
        return columns, ["top", *values]
    columns, names = [], []
    for i, d in enumerate(by):
        sqls = [values[n] for n in key_names(d)]
        columns.append(f"{_among(sqls, fold.keys[i])} AS top_{d.name}")
        names.append(f"top_{d.name}")
        for n in key_names(d):
            columns.append(f"if(top_{d.name}, {values[n]}, {_none(d, n)}) AS {n}")
            names.append(n)
    return columns, names


def _none(dimension: Dimension, name: str) -> str:
    """What stands in a key column for the remainder: any constant of its type."""
    if name.endswith("_exporter") or (dimension.kind is Kind.ADDRESS):
        return "toIPv6('::')"
    return "''" if dimension.kind in (Kind.TEXT, Kind.APPLICATION) else "0"


def _among(values: list[str], keys: Sequence[tuple[Any, ...]]) -> str:
    if not keys:
        return "0"
    if len(values) == 1:
        return f"{values[0]} IN {literal([key[0] for key in keys])}"
    return f"({', '.join(values)}) IN {literal(list(keys))}"
