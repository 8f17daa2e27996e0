"""Sources other than flow exporters as views: the intake's books with verdicts, explanations and sums by kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from weft.api.explanations import explain
from weft.api.history import History
from weft.api.models.base import Status
from weft.api.models.sources import Explained, IntakeView, KindView, SourcesView, SourceView
from weft.api.source_reasons import STATUS, source_reasons
from weft.collect.spool import SpoolStatus
from weft.collect.writer import WriterStatus
from weft.model.sources import SourceStatus

_NS = 1e9


class Intaking(Protocol):
    """``weft.collect.intake.Intake``, as far as its health goes."""

    def sources(self) -> list[SourceStatus]:
        """Every source now."""

    def writer(self) -> WriterStatus:
        """The way into the store."""

    def spool(self) -> SpoolStatus:
        """What waits on disk."""

    def lost(self) -> dict[str, int]:
        """Rows lost or set aside behind the sources, by reason."""


def explained(by_reason: Mapping[str, int], kind: str = "") -> list[Explained]:
    """Counts by reason with their meaning, most frequent first, none that is zero."""
    out = []
    for reason, count in sorted(by_reason.items(), key=lambda item: -item[1]):
        if count:
            what, fix = explain(reason, kind)
            out.append(Explained(reason=reason, count=count, what=what, fix=fix))
    return out


def source_views(statuses: Iterable[SourceStatus], now: float) -> list[SourceView]:
    """All sources, worst first."""
    ids: Counter[str] = Counter()
    views = []
    for one in statuses:
        name = f"{one.kind}:{one.target or one.name}"
        ids[name] += 1
        views.append(_view(one, name if ids[name] == 1 else f"{name}#{ids[name]}", now))
    views.sort(key=lambda view: (-view.status.rank, view.kind, view.name))
    return views


def _view(one: SourceStatus, id: str, now: float) -> SourceView:  # noqa: A002  # its name in the API
    reasons = sorted(source_reasons(one, id, now), key=lambda reason: -reason.status.rank)
    status = max((STATUS.get(one.state, Status.UNKNOWN), *(r.status for r in reasons)), key=lambda status: status.rank)
    return SourceView(
        id=id, kind=one.kind, name=one.name or one.target, target=one.target, exporter=one.exporter or None,
        state=one.state, status=status, reasons=reasons, expected_s=one.expected_s,
        first_seen=_seconds(one.first_seen_ns), last_seen=_seconds(one.last_seen_ns),
        received=one.received, rows=one.rows, rows_per_s=one.per_s, lag_s=one.lag_s, clock_skew_s=one.clock_skew_s,
        coverage=one.coverage, gaps=one.gaps, duplicates=one.duplicates, late=one.late,
        errors=explained(one.errors, one.kind), last_error=one.last_error, last_error_at=_seconds(one.last_error_ns),
        detail=dict(one.detail),
    )  # fmt: skip


def _seconds(ns: int) -> float | None:
    return ns / _NS if ns else None


def kind_views(views: Iterable[SourceView], history: History) -> list[KindView]:
    """Sums by kind, in the order of their names."""
    groups: dict[str, list[SourceView]] = defaultdict(list)
    for view in views:
        groups[view.kind].append(view)
    return [
        KindView(
            kind=kind, total=len(of), states=dict(Counter(one.state for one in of)),
            status=max((one.status for one in of), key=lambda status: status.rank),
            attention=sum(one.status.rank >= Status.WARNING.rank for one in of),
            rows=sum(one.rows for one in of), rows_per_s=sum(one.rows_per_s for one in of),
            errors=sum(error.count for one in of for error in one.errors),
            history=history.rates(f"rows:{kind}", "rows/s"),
        )
        for kind, of in sorted(groups.items())
    ]  # fmt: skip


def intake_view(intake: Intaking | None) -> IntakeView:
    """Where rows are on their way; all zero in a process that takes none in."""
    writer = intake.writer() if intake else WriterStatus()
    spool = intake.spool() if intake else SpoolStatus()
    return IntakeView(
        running=intake is not None, stored=dict(writer.rows), lost_rows=explained(intake.lost() if intake else {}),
        pending=writer.pending, store_ok=writer.available, store_error="" if writer.available else writer.last_error,
        store_away_since=_seconds(writer.away_since_ns), latency_p50_ms=writer.latency_ms.get("p50"),
        latency_p99_ms=writer.latency_ms.get("p99"), spool_rows=spool.rows, spool_bytes=spool.size,
        spool_oldest_s=spool.oldest_s, rejected_files=spool.rejected_files,
    )  # fmt: skip


def intake_counters(intake: Intaking) -> dict[str, float]:
    """The counters that the history remembers: rows by kind of source, and rows lost."""
    total: dict[str, float] = defaultdict(float)
    for one in intake.sources():
        total[f"rows:{one.kind}"] += one.rows
    total["intake_lost"] = sum(intake.lost().values())
    return total


def chosen(
    view: SourcesView,
    *,
    kinds: Sequence[str] = (),
    states: Sequence[str] = (),
    search: str = "",
    exporter: str = "",
    limit: int = 1000,
) -> SourcesView:
    """``view`` with the sources that match everything asked for; ``search`` looks at names, targets and errors."""
    words = search.lower().split()
    found = [
        one
        for one in view.sources
        if (not kinds or one.kind in kinds)
        and (not states or one.state in states)
        and (not exporter or one.exporter == exporter)
        and all(word in f"{one.kind} {one.name} {one.target} {one.exporter} {one.last_error}".lower() for word in words)
    ]
    return view.model_copy(update={"sources": found[:limit], "total": len(found)})
