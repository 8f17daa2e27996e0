"""Synthetic tests for people: agents, the list of tests with how each is now, and the pages of one test."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from weft.api.devices_queries import quoted
from weft.api.errors import NotFound
from weft.api.models.agents import AgentView
from weft.api.models.base import Status
from weft.api.models.synthetics import (
    CourseView,
    HopLineView,
    HopView,
    MeshCell,
    MeshView,
    PathChangeView,
    PathView,
    SeriesState,
    StepView,
    TestRow,
    TestSeries,
    TestsView,
    TestView,
)
from weft.api.topology_network import Network
from weft.collect.synthetics import DefinedTest, Synthetics
from weft.errors import InvalidInput
from weft.model.synthetics import SyntheticTest, runs_on
from weft.model.views import Window
from weft.query.synthetics.paths import HopCourse, Path, PathChange, TracedPaths
from weft.query.synthetics.results import Course, ProbeResults, SeriesKey, SeriesResult, Store
from weft.query.times import parse_time

#: An agent is live while it was heard within this many times the interval that it asks at.
_PATIENCE = 4
#: A series is silent when this many runs are missing, or after so many seconds where that is longer.
_MISSING, _LEAST_SILENCE_S = 3.0, 90.0
_FEW = 3
_ENDED: Mapping[str, SeriesState] = {"ok": "ok", "degraded": "degraded", "failed": "failed", "error": "error"}
_BADNESS: Mapping[SeriesState, int] = {"failed": 0, "error": 1, "degraded": 2, "silent": 3, "waiting": 4, "ok": 5}


def agent_views(synthetics: Synthetics) -> list[AgentView]:
    """Every agent, by name."""
    now, patience_s = time.time(), max(60.0, _PATIENCE * synthetics.config.ask_every_s)
    tests = [one.test for one in synthetics.definitions.all().values() if one.test.enabled]
    registry = synthetics.registry
    return [
        AgentView(
            name=one.name, version=one.news.version, platform=one.news.platform, addresses=list(one.addresses),
            capabilities=list(one.news.capabilities), registered=one.registered, seen=registry.seen(one),
            live=now - registry.seen(one) < patience_s, tests=sum(runs_on(test, one.name) for test in tests),
        )
        for one in registry.all().values()
    ]  # fmt: skip


class SyntheticPages:
    """Makes the pages of synthetic tests. Raises what the store raises, ``NotFound`` and ``InvalidInput``."""

    def __init__(
        self,
        synthetics: Synthetics,
        store: Store,
        network: Callable[[], Network],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._synthetics, self._network, self._clock = synthetics, network, clock
        self._results, self._paths = ProbeResults(store), TracedPaths(store)

    def _span(self, since: str, until: str) -> tuple[int, int]:
        now = self._clock()
        start, end = parse_time(since, now, "since"), min(parse_time(until, now, "until"), int(now) + 1)
        if start >= end:
            raise InvalidInput("the time range is empty", where="since", fix="'since' must lie before 'until'")
        return start, end

    def _defined(self, name: str) -> DefinedTest:
        found = self._synthetics.definitions.get(name)
        if found is None:
            raise NotFound(f"there is no test {name!r}", where="name", fix="GET /api/v1/synthetics/tests lists them")
        return found

    def tests(self, since: str, until: str) -> TestsView:
        """Every test, worst first."""
        start, end = self._span(since, until)
        agents = agent_views(self._synthetics)
        by_test: dict[str, list[SeriesResult]] = defaultdict(list)
        for one in self._results.series(start, end, brief=True):
            by_test[one.key.test].append(one)
        courses = self._results.courses(start, end)
        rows = [
            self._row(
                one, name, self._series(one.test, agents, by_test[name], end), by_test[name], courses.get(name), agents
            )
            for name, one in self._synthetics.definitions.all().items()
        ]
        rows.sort(key=lambda row: (not row.enabled, -row.status.rank, row.name.casefold()))
        return TestsView(tests=rows, agents=agents, window=Window(since=start, until=end), updated=self._clock())

    def test(self, name: str, since: str, until: str) -> TestView:
        """The page of one test."""
        start, end = self._span(since, until)
        one = self._defined(name)
        agents = [agent for agent in agent_views(self._synthetics) if runs_on(one.test, agent.name)]
        results = self._results.series(start, end, name)
        series = self._series(one.test, agents, results, end)
        course = self._results.courses(start, end).get(name)
        return TestView(
            row=self._row(one, name, series, results, course, agents), test=_plain(one.test), series=series,
            agents=agents, queries=_queries(one.test, start, end), window=Window(since=start, until=end),
            updated=self._clock(),
        )  # fmt: skip

    def _row(
        self, one: DefinedTest, name: str, series: Sequence[TestSeries], results: Sequence[SeriesResult],
        course: Course | None, agents: Iterable[AgentView],
    ) -> TestRow:  # fmt: skip
        test = one.test
        states: dict[SeriesState, int] = {}
        for each in series:
            states[each.state] = states.get(each.state, 0) + 1
        runs, worked = sum(r.runs for r in results), sum(r.worked for r in results)
        done = runs - sum(r.errors for r in results)
        latencies = [r.rtt_ms for r in results if r.rtt_ms is not None]
        losses = [r.loss for r in results if r.loss is not None]
        expiries = [r.certificate_days for r in results if r.certificate_days is not None]
        return TestRow(
            name=name, kind=test.kind, mesh=test.mesh, enabled=test.enabled, every_s=test.every_s,
            targets=test.targets[:_FEW], target_count=len(test.targets),
            agents=[agent.name for agent in agents if runs_on(test, agent.name)], origin=one.origin, author=one.author,
            updated=one.updated or None, status=_verdict(test, states), states=states, runs=runs,
            availability=worked / done if done else None, loss=_mean(losses), rtt_ms=_mean(latencies),
            certificate_days=min(expiries, default=None), last=max((r.last_at for r in results), default=None),
            course=_course(course),
        )  # fmt: skip

    def _series(
        self, test: SyntheticTest, agents: Iterable[AgentView], results: Sequence[SeriesResult], now: float
    ) -> list[TestSeries]:
        """What was measured, and what should be and was not yet; worst first."""
        silent_s = max(_LEAST_SILENCE_S, _MISSING * test.every_s)
        now = min(now, self._clock())
        series = [_one(test, r, _state(r, now, silent_s)) for r in results]
        known = {(one.agent, one.target_agent if test.mesh else one.target) for one in series}
        names = [agent.name for agent in agents if runs_on(test, agent.name)]
        if test.enabled:
            for name in names:
                for target in (other for other in names if other != name) if test.mesh else test.targets:
                    if (name, target) not in known:
                        series.append(_waiting(test, name, target))  # noqa: PERF401  # two loops read better apart
        return sorted(series, key=lambda one: (_BADNESS[one.state], one.agent, one.target_agent or one.target))

    def mesh(self, name: str, since: str, until: str) -> MeshView:
        """A mesh as a matrix."""
        start, end = self._span(since, until)
        one = self._defined(name)
        if not one.test.mesh:
            raise InvalidInput(f"{name!r} is not a mesh", where="name")
        agents = [agent for agent in agent_views(self._synthetics) if runs_on(one.test, agent.name)]
        results = self._results.series(start, end, name)
        courses = self._results.mesh_courses(name, start, end)
        cells = [
            MeshCell(
                **each.model_dump(include=set(MeshCell.model_fields) - {"course"}),
                course=_course(courses.get((each.agent, each.target_agent))),
            )
            for each in self._series(one.test, agents, results, end)
        ]
        names = sorted({cell.agent for cell in cells} | {cell.target_agent for cell in cells} - {""})
        return MeshView(
            test=name, kind=one.test.kind, agents=names,
            sites={r.key.agent: r.agent_site for r in results if r.agent_site}, cells=cells,
            window=Window(since=start, until=end), updated=self._clock(),
        )  # fmt: skip

    def path(self, name: str, agent: str, target: str, since: str, until: str, at: str) -> PathView:
        """The path that an agent saw to a target at a time (empty = the end of the range)."""
        start, end = self._span(since, until)
        self._defined(name)
        moment = min(parse_time(at, self._clock(), "at"), end) if at else end
        key = SeriesKey(name, agent, target)
        path = self._paths.path(key, moment, start)
        sites = {name: machine.site for name, machine in self._network().machines.items()}
        return _path_view(
            key, path, self._paths.changes(key, start, end), self._paths.course(key, start, end), sites,
            Window(since=start, until=end), self._clock(),
        )  # fmt: skip


def _plain(test: SyntheticTest) -> SyntheticTest:
    """Without what only the settings know: credentials."""
    return SyntheticTest.model_construct(**{name: getattr(test, name) for name in SyntheticTest.model_fields})


def _verdict(test: SyntheticTest, states: Mapping[SeriesState, int]) -> Status:
    total = sum(states.values())
    if not test.enabled or not total or total == states.get("waiting", 0) + states.get("silent", 0):
        return Status.UNKNOWN
    if 2 * states.get("failed", 0) >= total:
        return Status.CRITICAL
    bad = states.get("failed", 0) + states.get("degraded", 0) + states.get("error", 0) + states.get("silent", 0)
    return Status.WARNING if bad else Status.OK


def _state(result: SeriesResult, now: float, silent_s: float) -> SeriesState:
    if now - result.last_at > silent_s:
        return "silent"
    return _ENDED.get(result.last_state, "error")


def _one(test: SyntheticTest, r: SeriesResult, state: SeriesState) -> TestSeries:
    done = r.runs - r.errors
    return TestSeries(
        agent=r.key.agent, target=r.key.target, target_agent=r.key.target_agent, resolver=r.key.resolver, state=state,
        error=r.last_error, code=r.last_code, answer=r.last_answer, address=r.address, asn=r.asn, as_name=r.as_name,
        site=r.site, agent_site=r.agent_site, last=r.last_at, runs=r.runs,
        availability=r.worked / done if done else None, loss=r.loss, rtt_ms=r.rtt_ms,
        rtt_p95_ms=r.rtt_p95_ms, jitter_ms=r.jitter_ms, throughput_bps=r.throughput_bps,
        phases=dict(r.phases), certificate_days=r.certificate_days, hops=r.hops, branches=r.branches, paths=r.paths,
        filter=_filter(test.name, r.key),
    )  # fmt: skip


def _waiting(test: SyntheticTest, agent: str, target: str) -> TestSeries:
    key = SeriesKey(test.name, agent, target_agent=target) if test.mesh else SeriesKey(test.name, agent, target)
    return TestSeries(
        agent=agent, target=key.target, target_agent=key.target_agent, resolver="", state="waiting", error="", code=0,
        answer="", address="", asn=0, as_name="", site="", agent_site="", last=None, runs=0, availability=None,
        loss=None, rtt_ms=None, rtt_p95_ms=None, jitter_ms=None, throughput_bps=None, phases={}, certificate_days=None,
        hops=0, branches=0, paths=0, filter=_filter(test.name, key),
    )  # fmt: skip


def _filter(test: str, key: SeriesKey) -> str:
    parts = [f"test = {quoted(test)}", f"agent = {quoted(key.agent)}"]
    names = ("target_agent", "resolver") if key.target_agent else ("target", "resolver")
    parts += [f"{name} = {quoted(getattr(key, name))}" for name in names if getattr(key, name)]
    return " AND ".join(parts)


#: What the charts of each kind show: title, measures.
_CHARTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ping": (("latency", "rtt_ms"), ("loss", "loss"), ("jitter", "jitter_ms")),
    "tcp": (("latency", "rtt_ms"), ("loss", "loss"), ("jitter", "jitter_ms")),
    "trace": (("latency", "rtt_ms"), ("loss", "loss"), ("hops", "hop_count")),
    "http": (("latency", "rtt_ms"), ("first_byte", "first_byte_ms"), ("availability", "availability")),
    "dns": (("latency", "rtt_ms"), ("availability", "availability")),
    "throughput": (("throughput", "throughput_bps"), ("loss", "loss"), ("latency", "rtt_ms")),
}


def _queries(test: SyntheticTest, start: int, end: int) -> dict[str, dict[str, Any]]:
    by = ["agent", "target_agent"] if test.mesh else ["agent", "target", *(["resolver"] if test.resolvers else [])]
    if not test.mesh and len(test.targets) == 1:
        by.remove("target")
    common = {"dataset": "probes", "view": "series", "by": by, "filter": f"test = {quoted(test.name)}", "top": 12,
              "other": False, "since": str(start), "until": str(end)}  # fmt: skip
    return {name: common | {"measures": [measure]} for name, measure in _CHARTS[test.kind]}


def _course(course: Course | None) -> CourseView | None:
    if course is None:
        return None
    return CourseView(start=course.start, step=course.step, rtt_ms=course.rtt_ms, loss=course.loss)


def _path_view(
    key: SeriesKey, path: Path, changes: Iterable[PathChange], course: HopCourse, sites: Mapping[str, str],
    window: Window, now: float,
) -> PathView:  # fmt: skip
    hops = [
        HopView(
            ttl=hop.ttl, address=hop.address, flows=hop.flows, loss=1 - hop.received / hop.sent if hop.sent else 0.0,
            rtt_ms=hop.rtt_ms, asn=hop.asn, as_name=hop.as_name, site=hop.site or sites.get(hop.device, ""),
            country=hop.country, device=hop.device, mpls=hop.mpls, reached=hop.reached, usual_rtt_ms=hop.usual_rtt_ms,
            usual_loss=hop.usual_loss,
        )
        for hop in path.hops
    ]  # fmt: skip
    return PathView(
        agent=key.agent, target=key.target, run=str(path.run) if path.run else "", at=path.at or None, hops=hops,
        steps=[StepView(origin=one.origin, next=one.next, flows=one.flows) for one in path.steps],
        changes=[
            PathChangeView(at=one.at, path=f"{one.path:016x}", hops=one.hops, branches=one.branches) for one in changes
        ],
        start=course.start, step=course.step,
        lines=[
            HopLineView(ttl=one.ttl, address=one.address, device=one.device, rtt_ms=one.rtt_ms, loss=one.loss)
            for one in course.lines
        ],
        left_out=course.left_out, window=window, updated=now,
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
