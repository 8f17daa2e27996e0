"""Detection at work: feeds every detector, keeps their events, and goes on after a restart where it was.

    rows as they arrive ── inbox ──▶ detectors of rows ──┐
    the store, every step ── schedule ─▶ of series ──────┴─▶ tracker ──▶ state store, ``events`` table, listeners

Rows are looked at by whoever receives them; series by one of the processes that share a state store (``leader``).

Three threads: rows, series, keeping. Everything heavy is imported by them, after the process has started. A detector
that fails is counted and, when it goes on failing, left alone for a while; the others do not notice.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import structlog
from prometheus_client import CollectorRegistry

from weft.detect import registry as known
from weft.detect.config import DetectConfig
from weft.detect.context import Context, DetectorConfig, Names
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.frames import Matrices, MatrixFrames
from weft.detect.inbox import Inbox
from weft.detect.keeping import EventKeeping, Listener, site_of
from weft.detect.leader import Alone, Leading
from weft.detect.memory import POLICY, EventMemory
from weft.detect.report import DetectMetrics, EngineStatus
from weft.detect.runs import Run, rows_of, series_of, watched
from weft.detect.schedule import Schedule
from weft.detect.states import StateFiles
from weft.detect.suppression import Suppression, maintenance
from weft.detect.tracker import Tracker
from weft.errors import ConfigError, WeftError
from weft.model.events import Event, EventState
from weft.model.tables import Table

log = structlog.get_logger(__name__)

_TICK_S = 1.0
_ADVANCE_S = 5.0
_FLUSH_S = 1.0
_FEEDBACK_S = 10.0
_PRUNE_S = 3600.0
_IDLE_S = 1.0
_SETTLE_S = 2.0
#: By how much a tick may lead the one before, and how far a clock may be set back before time begins anew.
_MOST_STEP_S, _MOST_BACK_S = 5.0, 60.0


class Places(Names, Protocol):
    """Names, and what the inventory says of places."""

    @property
    def sites(self) -> Mapping[str, str]:
        """Device → site."""

    def networks(self) -> Sequence[IPv4Network | IPv6Network]:
        """Prefixes that are one's own."""


class DetectEngine:
    """A component. ``tap`` from any thread."""

    def __init__(
        self,
        config: DetectConfig,
        memory: EventMemory,
        names: Places,
        write: Callable[[pa.RecordBatch], None],
        *,
        questions: Matrices | None,
        rows: bool,
        data_dir: Path = Path("data"),
        owner: str = "weft",
        facts: Mapping[str, Callable[..., Any]] | None = None,
        registry: CollectorRegistry | None = None,
        leading: Leading | None = None,
        settle_s: float = _SETTLE_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Which detectors run: those of series with ``questions``, those of rows where ``rows`` come by ``tap``.

        ``write`` takes rows of the ``events`` table. ``owner`` names this process among those that share a state store;
        ``leading`` says whether it is the one that watches series, none: it is.
        """
        self._config, self._memory, self._names, self._clock = config, memory, names, clock
        self._questions, self._with_rows, self._settle_s = questions, rows, settle_s
        self._facts, self._registry, self._owner = dict(facts or {}), registry, owner
        self._leading: Leading = leading or Alone()
        self._states = StateFiles(data_dir / "detect" / owner, most_bytes=config.state_mb << 20)
        self._suppression = Suppression([maintenance(one) for one in config.maintenance])
        self._tracker = Tracker(
            most_open=config.most_open, late_s=config.late_minutes * 60, reopen_s=config.reopen_minutes * 60,
            suppress=self._suppression.reason,
        )  # fmt: skip
        self._tracking = threading.Lock()
        self._keeping = EventKeeping(owner, memory, write, lambda event: site_of(event, names.sites))
        self._inbox = Inbox(config.queue_mb << 20)
        self._old: Counter[str] = Counter()
        self._runs: dict[str, Run] = {}
        self._failed: dict[str, str] = {}
        self._orphans: frozenset[str] = frozenset()
        self._shared: frozenset[str] = frozenset()
        self._wanted: frozenset[str] = frozenset()
        self._told_s = 0.0
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._before_leading: Callable[[], None] = lambda: None
        self._metrics = DetectMetrics(self.status)

    # --- a component ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, in threads of its own. Raises ``ConfigError`` where the settings name a detector that is not there."""
        if unknown := sorted(set(self._config.detectors) - set(known.BUILT_IN)):
            unknown = sorted(set(unknown) - set(known.names()))
        if unknown:
            raise ConfigError(
                f"no detector {', '.join(unknown)}", where="detect.detectors", fix="`weft detect list` names them all."
            )
        self._stopping.clear()
        self._spawn("weft-detect", self._run_rows)
        if self._registry is not None:
            self._registry.register(self._metrics)

    def stop(self) -> None:
        """Keep what is known and end."""
        if not self._threads:
            return
        if self._registry is not None:
            self._registry.unregister(self._metrics)
        self._stopping.set()
        self._inbox.close()
        self._keeping.wake.set()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._save()
        try:
            self._keeping.flush(everything=True)
        except Exception:  # stopping must not fail
            log.exception("events_not_kept")

    def _spawn(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    # --- for others -------------------------------------------------------------------------------------------------

    def on_change(self, listener: Listener) -> None:
        """Have ``listener`` told of changes of events, once they are remembered; before ``start``."""
        self._keeping.on_change(listener)

    def before_leading(self, what: Callable[[], None]) -> None:
        """Have ``what`` done each time before this process goes on with events of others; before ``start``."""
        self._before_leading = what

    def tap(self, table: Table, rows: pa.RecordBatch) -> None:
        """Rows that arrive. Cheap: they are looked at later, or counted where there is no room."""
        if table.name in self._wanted and rows.num_rows:
            recent = self._recent(table, rows)
            if recent.num_rows:
                self._inbox.put(table.name, recent, self._clock())

    def take(self, about: About, findings: Sequence[Finding], reached_s: float) -> None:
        """What was found by something that runs beside the detectors (policies), judged up to ``reached_s``."""
        with self._tracking:
            self._orphans -= {about.name}
            changes = self._tracker.take(about, findings, self._clock()) if findings else []
            changes += self._tracker.advance(about.name, reached_s)
        self._keeping.take(changes)

    def abouts(self) -> dict[str, About]:
        """What each detector that runs is, by the name it runs under and by its own."""
        abouts = {run.name: run.detector.about for run in list(self._runs.values())}
        return {about.name: about for about in abouts.values()} | abouts

    def watched(self) -> dict[str, str]:
        """What each detector that runs looks at, in words."""
        return {run.name: watched(run) for run in list(self._runs.values())}

    def refresh(self) -> None:
        """People said something new of events: judge by it at once."""
        self._suppress()
        self._keeping.flush()

    def status(self) -> EngineStatus:
        """How it is now; from any thread."""
        counts = self._tracker.counts
        return EngineStatus(
            running=bool(self._threads), detectors=[run.status() for run in list(self._runs.values())],
            open=self._tracker.held, changes=dict(counts.changes), late=counts.late, flooded=counts.flooded,
            taken=dict(self._inbox.taken), dropped=dict(self._inbox.dropped), old=dict(self._old),
            fill=self._inbox.fill, lost=self._keeping.lost, refused=self._keeping.refused,
            damaged=self._states.damaged, failed=dict(self._failed), leads=self._leading.held,
            leader=self._leading.holder,
        )  # fmt: skip

    def _recent(self, table: Table, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Without what is too old to raise an event."""
        stamps = rows.column(table.time.name).cast(pa.int64()).to_numpy(zero_copy_only=False)
        oldest = round((self._clock() - self._config.late_minutes * 60) * 1e9)
        if int(stamps.min()) >= oldest:
            return rows
        recent = stamps >= oldest
        self._old[table.name] += int(np.count_nonzero(~recent))
        return rows.filter(pa.array(recent))

    # --- making -----------------------------------------------------------------------------------------------------

    def _make(self) -> None:
        """Every detector that is wanted here, with what it knew."""
        for name in known.names():
            config = self._config.detectors.get(name, DetectorConfig())
            if not config.enabled or self._stopping.is_set():
                continue
            rate = self._config.false_alarms if config.false_alarms is None else config.false_alarms
            try:
                context = Context(self._names, config, rate, self._names.networks, self._facts)
                run = Run(name, known.make(name, context), config)
            except Exception as error:  # one that cannot be made must not keep the others from it
                self._failed[name] = str(error)[:500]
                log.exception("detector_not_made", detector=name)
                continue
            by_rows = isinstance(run.detector, RowsDetector)
            run.state = "ready" if by_rows else "learning"
            if self._with_rows if by_rows else self._questions is not None:
                run.restore(self._states)
                self._runs[name] = run
        shared = {run.detector.about.name for run in self._runs.values() if series_of(run) is not None}
        self._shared = frozenset(shared)
        self._suppress()
        self._restore_events(lambda since_s: self._memory.open_of(self._owner, since_s, but=shared))
        tables = {table for run in self._runs.values() if (one := rows_of(run)) is not None for table in one.tables}
        self._wanted = frozenset(tables)

    def _restore_events(self, open_since: Callable[[float], list[Event]]) -> None:
        """Go on with events of before, and tell of those that are open whoever was not told of them."""
        try:
            events = open_since(self._clock() - self._config.reopen_minutes * 60)
        except (WeftError, ValueError) as error:
            log.warning("open_events_not_known", error=str(error))
            return
        with self._tracking:
            self._tracker.restore(events)
            found = {event.detector for event in events if event.state is not EventState.CLOSED}
            self._orphans |= found - {run.detector.about.name for run in self._runs.values()}
        self._keeping.retell(events)

    def _lead(self, questions: Matrices) -> Schedule:
        """Begin to watch series, from where whoever did so before was."""
        self._before_leading()
        self._restore_events(lambda since_s: self._memory.open_by(self._shared, since_s))
        schedule = Schedule(
            MatrixFrames(questions, self._names), late_s=self._config.late_minutes * 60, found=self._found
        )
        for run in self._runs.values():
            if series_of(run) is not None:
                schedule.add(run, self._clock())
        return schedule

    def _stand_by(self) -> None:
        """Another process watches series from now on, and their events and those of policies are its."""
        with self._tracking:
            theirs = {event.detector for event in self._tracker.open if event.detector.startswith(POLICY)}
            self._tracker.forget(self._shared | theirs)
            self._orphans -= self._shared | theirs
        for run in self._runs.values():
            if series_of(run) is not None:
                run.state = "learning"

    # --- threads ----------------------------------------------------------------------------------------------------

    def _run_rows(self) -> None:
        if self._stopping.wait(self._settle_s):
            return
        self._make()
        self._spawn("weft-detect-keep", self._run_keeping)
        if self._questions is not None:
            self._spawn("weft-detect-series", self._run_series)
        runs = [run for run in self._runs.values() if rows_of(run) is not None]
        tick_at = advance_at = time.monotonic() + _TICK_S
        while not self._stopping.is_set():
            item = self._inbox.get(max(0.0, tick_at - time.monotonic()))
            if item is not None:
                self._look(runs, *item)
            if time.monotonic() < tick_at:
                continue
            tick_at = time.monotonic() + _TICK_S
            advancing = tick_at >= advance_at
            advance_at = tick_at + _ADVANCE_S if advancing else advance_at
            self._tick(runs, advancing)

    def _look(self, runs: Sequence[Run], table: str, rows: pa.RecordBatch) -> None:
        now_s = self._clock()
        for run in runs:
            detector = rows_of(run)
            if detector is not None and table in detector.tables and run.awake:
                self._raise(run, run.call(lambda: detector.take(table, rows)), now_s)  # noqa: B023

    def _tick(self, runs: Sequence[Run], advancing: bool) -> None:
        now_s = self._pace()
        for run in runs:
            detector = rows_of(run)
            if detector is not None and run.awake:
                self._raise(run, run.call(lambda: detector.tick(now_s)), now_s)  # noqa: B023
                run.reached_s = now_s
        if advancing:
            with self._tracking:
                names = [*(run.detector.about.name for run in runs), *self._orphans]
                changes = [change for name in names for change in self._tracker.advance(name, now_s)]
            self._keeping.take(changes)

    def _pace(self) -> float:
        """What detectors of rows are told the time is.

        No later than what they were shown, and after a pause of the machine a few seconds at a time: that we were slow
        must not look as if everybody else had fallen silent.
        """
        reached_s = self._inbox.reached_s(self._clock())
        if self._told_s <= 0 or reached_s < self._told_s - _MOST_BACK_S:
            self._told_s = reached_s
        self._told_s = max(self._told_s, min(reached_s, self._told_s + _MOST_STEP_S))
        return self._told_s

    def _run_series(self) -> None:
        assert self._questions is not None
        schedule: Schedule | None = None
        while not self._stopping.is_set():
            try:
                if schedule is not None and not self._leading.held:
                    schedule = None
                    self._stand_by()
                elif schedule is None and self._leading.held:
                    schedule = self._lead(self._questions)
                if schedule is None:
                    self._stopping.wait(_IDLE_S)
                    continue
                worked = schedule.live(self._clock())
                began = time.monotonic()
                if schedule.learn(self._clock()):
                    # Learning leaves the rest of the processor to what is urgent.
                    busy = time.monotonic() - began
                    self._stopping.wait(busy * (1 / self._config.learn_share - 1))
                    continue
            except Exception:  # a defect of ours must not end detection for good
                log.exception("series_failed")
                worked = False
            if not worked:
                due_s = _IDLE_S if schedule is None else schedule.next_due_s(self._clock())
                self._stopping.wait(min(_IDLE_S, max(0.05, due_s)))

    def _run_keeping(self) -> None:
        feedback_at = 0.0
        save_at = time.monotonic() + self._config.save_minutes * 60
        prune_at = time.monotonic() + _PRUNE_S
        while not self._stopping.is_set():
            self._keeping.wake.wait(_FLUSH_S)
            self._keeping.wake.clear()
            now = time.monotonic()
            try:
                self._keeping.flush()
                if now >= feedback_at:
                    self._suppress()
                    feedback_at = now + _FEEDBACK_S
                if now >= save_at:
                    self._save()
                    save_at = time.monotonic() + self._config.save_minutes * 60
                if now >= prune_at:
                    self._memory.prune(self._clock())
                    prune_at = now + _PRUNE_S
            except Exception:  # a defect of ours must not end detection for good
                log.exception("keeping_failed")

    # --- work -------------------------------------------------------------------------------------------------------

    def _raise(self, run: Run, findings: list[Finding], now_s: float) -> None:
        if not findings:
            return
        try:
            with self._tracking:
                changes = self._tracker.take(run.detector.about, findings, now_s)
        except Exception as error:  # noqa: BLE001  # logged there: what makes no event is that detector's mistake
            run.failed(f"{type(error).__name__}: {error}")
            return
        self._keeping.take(changes)

    def _found(self, run: Run, findings: list[Finding], reached_s: float) -> None:
        """What a detector of series found, fed up to ``reached_s``."""
        if not self._leading.held:
            return  # another judges by now
        self._raise(run, findings, self._clock())
        with self._tracking:
            changes = self._tracker.advance(run.detector.about.name, reached_s)
        self._keeping.take(changes)

    def _save(self) -> None:
        for run in list(self._runs.values()):
            run.save(self._states)

    def _suppress(self) -> None:
        try:
            self._suppression.use_feedback(self._memory.feedback(in_force=True, now_s=self._clock()))
            self._suppression.use_sites(self._names.sites)
        except WeftError as error:
            log.warning("feedback_not_known", error=error.message)
            return
        with self._tracking:
            changes = self._tracker.rejudge()
        self._keeping.take(changes)
