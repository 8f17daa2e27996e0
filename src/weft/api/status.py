"""The state of things as people see it: exporters, other sources, pipelines, and the one verdict of Home.

Computed at most once a second however many people look; a background task samples the counters that the verdicts and
sparklines need.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from weft import __version__
from weft.api.history import LATELY_S, History
from weft.api.models.base import Sparkline, Status, worst
from weft.api.models.overview import OverviewView, Totals
from weft.api.models.sources import ExportersView, PipelineView, SourcesView
from weft.api.reasons import duration, number, pipeline_reasons, share
from weft.api.source_reasons import intake_reasons, summed_up
from weft.api.source_views import Intaking, intake_counters, intake_view, kind_views, source_views
from weft.api.sources import Knowledge, all_reasons, counters, exporters_view, loss_share
from weft.collect.status import CollectStatus
from weft.errors import WeftError
from weft.model.views import ViewResult
from weft.query.model import Query

log = structlog.get_logger(__name__)

FRESH_S = 1.0
TRAFFIC_S = 60.0  # the 24-hour traffic line changes slowly: ask for it once a minute
UNNAMED_S = 5.0
SKEW_SAMPLE = 500  # newest rows looked at for clock skew
MOST_REASONS = 50


class Collecting(Protocol):
    """``weft.collect.Collector``, as far as its health goes."""

    def status(self) -> CollectStatus:
        """Counters of every stage."""


class Asks(Protocol):
    """``weft.query.QueryEngine``, as far as Home needs it."""

    def run(self, query: Query) -> ViewResult:
        """Answer a question."""


@dataclass(frozen=True, slots=True)
class _Traffic:
    line: Sparkline
    bits_per_s: float | None
    packets_per_s: float | None


class StatusBoard:
    """Turns counters into views. ``known`` reads names and clock offsets of exporters; it may be slow."""

    def __init__(
        self,
        collector: Collecting | None,
        questions: Asks,
        *,
        intake: Intaking | None = None,
        known: Callable[[], Knowledge] = Knowledge,
        spool_capacity: int = 0,
        demo: bool = False,
        started: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._collector, self._questions, self._learn, self._intake = collector, questions, known, intake
        self._capacity, self._demo, self._clock = spool_capacity, demo, clock
        self._started = clock() if started is None else started
        self._history = History(clock)
        self._lock = threading.Lock()
        self._known = Knowledge()
        self._exporters: ExportersView | None = None
        self._sources: SourcesView | None = None
        self._traffic = _Traffic(Sparkline(start=self._started, step=1, unit="bit/s"), None, None)
        self._traffic_at = 0.0

    def sample(self) -> None:
        """Remember the counters of now, and renew once a minute what takes a query. Call every few seconds.

        While no exporter has a name, at the start, it looks more often.
        """
        now = counters(self._collector.status()) if self._collector is not None else {}
        if self._intake is not None:
            now |= intake_counters(self._intake)
        self._history.sample(now)
        if self._clock() - self._traffic_at >= (TRAFFIC_S if self._known.names else UNNAMED_S):
            self._traffic_at = self._clock()
            try:
                self._known = self._learn()
                self._traffic = self._ask_traffic()
            except WeftError as error:  # the store may be away: Home must say so, not fail
                log.warning("status_query_failed", error=error.message)

    def exporters(self) -> ExportersView:
        """Exporters and pipeline."""
        with self._lock:
            now = self._clock()
            if self._exporters is None or now - self._exporters.updated >= FRESH_S:
                status = self._collector.status() if self._collector else None
                self._exporters = exporters_view(status, self._capacity, self._history, self._known, now)
            return self._exporters

    def sources(self) -> SourcesView:
        """Every source but flow exporters."""
        with self._lock:
            now = self._clock()
            if self._sources is None or now - self._sources.updated >= FRESH_S:
                views = source_views(self._intake.sources() if self._intake else [], now)
                self._sources = SourcesView(
                    sources=views, total=len(views), kinds=kind_views(views, self._history),
                    intake=intake_view(self._intake), updated=now,
                )  # fmt: skip
            return self._sources

    def overview(self) -> OverviewView:
        """The verdict."""
        view, others, now = self.exporters(), self.sources(), self._clock()
        pipeline = pipeline_reasons(
            view.pipeline,
            self._history.grown("kernel_drops", LATELY_S),
            self._history.grown("lost_rows", LATELY_S),
            now,
        )
        intake = intake_reasons(others.intake, self._history.grown("intake_lost", LATELY_S))
        reasons = sorted(
            [*pipeline, *intake, *all_reasons(view.exporters), *summed_up(others.sources)],
            key=lambda reason: -reason.status.rank,
        )
        heard = view.exporters or any(one.received for one in others.sources)  # a listener that waits says nothing
        status = worst(reasons) if heard or reasons else Status.UNKNOWN
        totals = self._totals(view)
        return OverviewView(
            status=status, headline=headline(status, len(reasons), len(view.exporters), others),
            reasons=reasons[:MOST_REASONS], checks=checks(view.pipeline, totals, others), totals=totals,
            pipeline=view.pipeline, sources=others.kinds, traffic=self._traffic.line,
            records=self._history.rates("records", "records/s"), demo=self._demo, version=__version__,
            started=self._started, updated=now,
        )  # fmt: skip

    def _totals(self, view: ExportersView) -> Totals:
        lost = self._history.grown("lost", LATELY_S)
        return Totals(
            exporters=len(view.exporters),
            exporters_silent=sum(any(r.code == "silent_exporter" for r in one.reasons) for one in view.exporters),
            exporters_impaired=sum(one.status.rank >= Status.WARNING.rank for one in view.exporters),
            records_per_s=view.pipeline.records_per_s, datagrams_per_s=view.pipeline.datagrams_per_s,
            bits_per_s=self._traffic.bits_per_s, packets_per_s=self._traffic.packets_per_s,
            flows_stored=view.pipeline.stored,
            lost_share=loss_share(lost, self._history.grown("sent", LATELY_S)),
        )  # fmt: skip

    def _ask_traffic(self) -> _Traffic:
        day = self._questions.run(Query(view="series", measures=["bps"], since="now-24h", points=96))
        lately = self._questions.run(Query(view="stat", measures=["bps", "pps"], since="now-5m"))
        values = day.series[0].values if day.series else []
        grid = day.grid
        line = Sparkline(start=grid.start if grid else 0, step=grid.step if grid else 1, unit="bit/s", values=values)
        return _Traffic(line, lately.totals.get("bps"), lately.totals.get("pps"))


def headline(status: Status, problems: int, exporters: int, others: SourcesView) -> str:
    """The verdict in one sentence."""
    if status is Status.UNKNOWN:
        return "No telemetry yet: point a router at Weft"
    if status is Status.OK:
        other = f"{others.total} other source{'' if others.total == 1 else 's'}"
        known = [f"{exporters} exporters"] * bool(exporters) + [other] * bool(others.total)
        waiting = sum(kind.states.get("starting", 0) for kind in others.kinds)
        heard = f"{waiting} not heard yet" if waiting else "all heard"
        return f"Everything is all right: {' and '.join(known)}, {heard}"
    things = "1 thing needs" if problems == 1 else f"{problems} things need"
    return f"{things} attention" + (" now" if status is Status.CRITICAL else "")


def checks(pipeline: PipelineView, totals: Totals, others: SourcesView) -> list[str]:
    """What was looked at, each with its figure."""
    if not pipeline.running:
        return ["This process does not collect; exporters are judged by the collectors"]
    lag = pipeline.latency_p99_ms
    return [
        f"{totals.exporters} exporters, {totals.exporters_silent} silent",
        *_source_checks(others),
        f"{share(totals.lost_share)} of telemetry lost in the last {duration(LATELY_S)}",
        f"{number(pipeline.kernel_drops)} datagrams dropped by the kernel since the start",
        f"Decoder queue {share(pipeline.queue_fill)} full",
        f"Store {'answers' if pipeline.store_ok else 'is away'}"
        + ("" if lag is None else f"; telemetry is queryable after {lag / 1000:.1f} s (p99)"),
        f"{number(pipeline.spool_rows + others.intake.spool_rows)} rows spooled",
    ]


def _source_checks(others: SourcesView) -> list[str]:
    if not others.total:
        return []
    bad = sum(count for kind in others.kinds for state, count in kind.states.items() if state in ("silent", "failing"))
    return [f"{others.total} sources besides, {bad} silent or failing"]
