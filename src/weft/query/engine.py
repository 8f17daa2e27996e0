"""Runs a ``Query``: names resolved, table chosen, statements run within bounds, the answer with what it rests on."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from weft.errors import InvalidInput, WeftError
from weft.model.dictionaries import DICTIONARIES
from weft.model.metrics import METRICS
from weft.model.views import Provenance, TimeGrid, ViewResult, Window
from weft.query.answer.body import Body
from weft.query.answer.naming import Naming
from weft.query.answer.pulse import Known, take_pulse
from weft.query.answer.records import records_view
from weft.query.answer.runner import Runner
from weft.query.answer.sankey import sankey_view
from weft.query.answer.series import series_view
from weft.query.answer.table import stat_view, table_view
from weft.query.catalogue import Catalogue, Dataset
from weft.query.compile.ask import Ask
from weft.query.compile.lookups import changes_sql, minute_of
from weft.query.compile.sql import Statement
from weft.query.config import QueryConfig
from weft.query.datasets import build_catalogue
from weft.query.export import export
from weft.query.facets import Facets, gather_facets
from weft.query.filter import FilterError, parse, show
from weft.query.filter.complete import Completion, complete
from weft.query.known import KnownValues, user_attributes
from weft.query.matrix import Matrix, read_matrix
from weft.query.measures import SLOT_S, Measure
from weft.query.metric.measures import default_measure, in_units
from weft.query.metric.units import in_their_unit
from weft.query.metric.views import metric_view
from weft.query.model import Query
from weft.query.reconcile import Reconciliation, reconcile
from weft.query.times import Grid, lay_grid, one_bucket, parse_duration, parse_time
from weft.store.telemetry import TelemetryStore

log = structlog.get_logger(__name__)
_LEARN_EVERY_S = 10.0
MINUTE = 60


@dataclass(frozen=True, slots=True)
class FilterProblem:
    """What is wrong with a filter, from character ``position`` to ``end``."""

    message: str
    position: int
    end: int
    fix: str | None


@dataclass(frozen=True, slots=True)
class FilterCheck:
    """Whether a filter is understood; ``canonical`` is how Weft would write it."""

    ok: bool
    canonical: str
    error: FilterProblem | None = None


class QueryEngine:
    """Answers queries from a telemetry store. Thread-safe: every query has its own state."""

    def __init__(
        self,
        store: TelemetryStore,
        config: QueryConfig | None = None,
        *,
        retention_days: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._config, self._clock = store, config or QueryConfig(), clock
        self._retention_days = dict(retention_days or {})
        self._catalogue = build_catalogue()
        self._learned = -math.inf
        self._learning = threading.Lock()

    def catalogue(self) -> Catalogue:
        """What can be asked, the user's own attributes included as far as the store can tell them."""
        with self._learning:
            if time.monotonic() - self._learned > _LEARN_EVERY_S:
                try:
                    self._catalogue = build_catalogue(user_attributes(self._store))
                    self._learned = time.monotonic()
                except WeftError as error:
                    log.debug("attributes_not_known", error=error.message)
            return self._catalogue

    def check(self, filter_text: str, dataset: str = "flows") -> FilterCheck:
        """Whether a filter is understood, and how it is written canonically."""
        known = self.catalogue().dataset(dataset)
        try:
            return FilterCheck(True, show(parse(filter_text, known), known))
        except FilterError as error:
            return FilterCheck(False, "", FilterProblem(error.what, error.position, error.end, error.fix))

    def complete(self, filter_text: str, cursor: int, dataset: str = "flows") -> Completion:
        """What can stand at the cursor (characters from the beginning)."""
        known = self.catalogue().dataset(dataset)
        return complete(filter_text, cursor, known, KnownValues(self._store, int(self._clock()), known))

    def facets(self, query: Query, by: Sequence[str]) -> Facets:
        """The most frequent values of each of ``by`` under the same filter. Raises what ``run`` raises."""
        return gather_facets(self.run, query, by)

    def reconcile(
        self, since: str, until: str, *, device: str = "", losses: Mapping[str, float] | None = None
    ) -> Reconciliation:
        """Do flows and interface counters agree? ``losses``: share of datagrams lost by exporter. Raises as ``run``."""
        now, zone = self._clock(), self._config.time_zone
        begin, end = parse_time(since, now, "since", zone), min(parse_time(until, now, "until", zone), int(now))
        if end - begin < MINUTE:
            raise InvalidInput("the time range is shorter than a minute", where="since", fix="for example since=now-1h")
        runner = Runner(self._store, self._config, now, self._retention_days)
        return reconcile(runner, begin, end, device=device, losses=losses)

    def export(self, query: Query, form: str) -> Iterator[bytes]:
        """The answer as a file: ``csv`` or ``parquet``. Raises what ``run`` raises."""
        return export(self.run(query), form)

    def run(self, query: Query) -> ViewResult:
        """The answer. Raises InvalidInput, LimitExceeded, StoreUnavailable or Failed."""
        now = self._clock()
        runner = Runner(self._store, self._config, now, self._retention_days)
        ask = in_their_unit(self._with_changes(self._ask(query, now), runner), runner)
        naming = Naming(runner, minute_of(ask.grid.end - 1))
        known = take_pulse(ask, runner)
        body = self._view(ask, runner, naming, known)
        return self._result(ask, runner, naming, known, body)

    def matrix(self, query: Query, since_s: int, until_s: int, *, most: int = 100_000) -> Matrix:
        """The first measure of every group over whole buckets of ``query.every`` seconds, aligned to the epoch.

        Of more than ``most`` groups those with the largest measure. ``top``, ``view`` and the like do not count.
        Raises what ``run`` raises.
        """
        step = query.every or MINUTE
        start = since_s - since_s % step
        grid = Grid(start, step, max(1, -(-(until_s - start) // step)), max(until_s, start + step))
        dataset = self.catalogue().dataset(query.dataset)
        by = tuple(dataset.dimension(name) for name in query.by)
        where = parse(query.filter, dataset)
        name = query.measures[0] if query.measures else dataset.default
        (measure,) = in_units((dataset.measure(name),), where)
        runner = Runner(self._store, self._config, self._clock(), self._retention_days)
        ask = Ask(query.model_copy(update={"by": list(query.by)}), dataset, by, (measure,), where, grid)
        return read_matrix(in_their_unit(self._with_changes(ask, runner), runner), runner, most)

    def _view(self, ask: Ask, runner: Runner, naming: Naming, known: Known) -> Body:
        if ask.measures[0].form == "metric" and ask.query.view != "records":
            return metric_view(ask, runner, naming, known)
        match ask.query.view:
            case "series":
                return series_view(ask, runner, naming, known)
            case "table":
                return table_view(ask, runner, naming)
            case "stat":
                return stat_view(ask, runner)
            case "sankey":
                return sankey_view(ask, runner, naming)
            case "records":
                return records_view(ask, runner, naming)

    def _result(self, ask: Ask, runner: Runner, naming: Naming, known: Known, body: Body) -> ViewResult:
        grid, source = ask.grid, runner.source
        assert source is not None
        shown = ask.query.view == "series"
        return ViewResult(
            columns=body.columns,
            rows=body.rows,
            window=Window(since=grid.start, until=grid.until),
            unit=body.unit,
            chart=body.chart,
            grid=TimeGrid(start=grid.start, step=grid.step, count=grid.count) if shown else None,
            series=body.series,
            links=body.links,
            labels=naming.labels,
            other=body.other,
            totals=body.totals,
            next_before=body.next_before,
            highlight=body.highlight,
            query=ask.query.model_dump(exclude_defaults=True),
            provenance=Provenance(
                sql=";\n\n".join(runner.statements),
                table=source.name,
                resolution_s=source.seconds,
                rows_read=runner.rows_read,
                bytes_read=runner.bytes_read,
                elapsed_ms=runner.elapsed_ms,
                exact=runner.exact,
                sampling_rates=known.rates,
                unsampled_share=known.unsampled_share,
                newest=known.newest,
                silent_exporters=known.silent,
                notes=runner.notes,
            ),
        )

    @staticmethod
    def _with_changes(ask: Ask, runner: Runner) -> Ask:
        """Learn when names changed inside the windows, so that rows before a change keep the name of their time."""
        since, until = minute_of(ask.grid.start - ask.shift), ask.grid.end
        changes: dict[str, tuple[int, ...]] = {}
        for dictionary in DICTIONARIES:
            if dictionary.name in ask.versioned:
                table = runner.run(Statement(changes_sql(dictionary, since, until)), shown=False)
                minutes = {minute_of(int(row["changed"]) + 59) for row in table.to_pylist()}
                changes[dictionary.name] = tuple(sorted(m for m in minutes if m < until))
        return replace(ask, changes=changes)

    # --- understanding the question ---------------------------------------------------------------------------------

    def _ask(self, query: Query, now: float) -> Ask:
        dataset = self.catalogue().dataset(query.dataset)
        by = tuple(dataset.dimension(name) for name in query.by)
        if len({d.name for d in by}) < len(by):
            raise InvalidInput("the same dimension twice", where="by", fix="name each dimension once")
        where = parse(query.filter, dataset)
        names = query.measures or [default_measure(where) if dataset.name == METRICS.name else dataset.default]
        measures = in_units(tuple({m.name: m for m in map(dataset.measure, names)}.values()), where)
        _check_view(query, dataset)
        if query.top > self._config.max_groups:
            raise InvalidInput(
                f"top {query.top} is too many", where="top", fix=f"ask for at most {self._config.max_groups}"
            )
        grid, slot = self._grid(query, measures, now)
        if query.view == "series" and grid.count * query.top > self._config.max_cells:
            raise InvalidInput(
                f"{query.top} groups × {grid.count} buckets are too many",
                where="every",
                fix="ask for a coarser step or fewer groups",
            )
        shift = self._shift(query, grid)
        return Ask(query, dataset, by, measures, where, grid, shift, slot)

    def _grid(self, query: Query, measures: Sequence[Measure], now: float) -> tuple[Grid, int]:
        zone = self._config.time_zone
        since = parse_time(query.since, now, "since", zone)
        until = parse_time(query.until, now, "until", zone)
        percentile = any(m.form == "percentile" for m in measures)
        align = SLOT_S if percentile and until - since >= 12 * SLOT_S else 1
        if query.view == "records":
            return one_bucket(since, until, now), 0
        grid = lay_grid(since, until, now, step=query.every, points=query.points, zone=zone, align=align)
        if query.view == "series":
            grid = self._settled(grid)
        if not percentile:
            return grid, 0
        slot = SLOT_S if align == SLOT_S and grid.step <= SLOT_S else grid.step
        if align == SLOT_S and grid.step % SLOT_S == 0:
            slot = SLOT_S
        return grid, slot

    def _settled(self, grid: Grid) -> Grid:
        """Without a last bucket that has only just begun."""
        running = grid.end - grid.until
        if running and grid.count > 1 and grid.step - running < min(self._config.settle_s, grid.step):
            return Grid(grid.start, grid.step, grid.count - 1, grid.start + grid.step * (grid.count - 1))
        return grid

    @staticmethod
    def _shift(query: Query, grid: Grid) -> int:
        if query.compare_to is None:
            return 0
        if query.compare_to == "previous":
            return grid.end - grid.start
        seconds = parse_duration(query.compare_to, "compare_to")
        if not 0 < seconds <= grid.start:
            raise InvalidInput("cannot compare with that time", where="compare_to", fix="use previous, 1d or 7d")
        return seconds


def _check_view(query: Query, dataset: Dataset) -> None:
    """What this dataset cannot show, said before anything is read. Raises InvalidInput."""
    if query.view not in dataset.views:
        raise InvalidInput(
            f"{dataset.name} cannot be shown as {query.view}", where="view", fix=f"use {', '.join(dataset.views)}"
        )
    if query.order == "bytes" and "bytes" not in dataset.measures:
        raise InvalidInput(f"records of {dataset.name} have no bytes", where="order", fix="order by time")
    if query.before is not None and (query.view != "records" or not dataset.ties or query.order != "time"):
        raise InvalidInput(
            "only records of metrics, logs and changes in the order of time can be paged", where="before",
            fix="narrow the time range",
        )  # fmt: skip
