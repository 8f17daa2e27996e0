"""How tests are and were: the latest of each series, its figures over a window, and their course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from weft.model.addresses import address_text
from weft.model.dictionaries import ASNS, NETWORKS
from weft.model.probes import PROBE_STATES
from weft.query.compile.sql import moment, select
from weft.store.lookups import attribute_sql
from weft.store.telemetry import DEFAULT_LIMITS, Limits, QueryResult

#: More series than this are not read: a mesh of 300 agents.
MOST_SERIES = 100_000
_LIMITS = Limits(result_rows=MOST_SERIES)
_KEYS = ("test", "agent", "target", "target_agent", "resolver")
#: Phases of an HTTP transaction in their order, as columns.
PHASES = ("dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "transfer_ms")
_MEANS = ("jitter_ms", "throughput_bps", *PHASES)

_COUNTED = (
    "count() AS runs", "countIf(state IN (1, 2)) AS worked", "countIf(state = 3) AS failed",
    "countIf(state = 4) AS errors", "sum(sent) AS sent_", "sum(sent - least(sent, received)) AS lost",
    "avgIf(rtt_ms, rtt_ms > 0) AS rtt_ms_", "argMaxIf(certificate_days, time, certificate_days != 0) AS certificate",
    "max(time) AS last_at",
)  # fmt: skip
#: Columns of the last run.
_LAST = ("state", "error", "code", "answer", "rtt_ms", "sent", "received", "address", "target_as", "target_net",
         "agent_net")  # fmt: skip
_DETAILS = (
    *(f"avgIf({name}, {name} > 0) AS {name}_" for name in _MEANS), "quantileIf(0.95)(rtt_ms, rtt_ms > 0) AS p95",
    "uniqExactIf(path, path != 0) AS paths", "argMaxIf(hops, time, hops > 0) AS hops_",
    "argMaxIf(branches, time, branches > 0) AS branches_", f"argMax(({', '.join(_LAST)}), time) AS last",
)  # fmt: skip
_NOTHING = {"error": "''", "answer": "''", "address": "toIPv6('::')"} | dict.fromkeys(
    ("target_as", "target_net", "agent_net"), "toUInt32(0)"
)
_LEFT_OUT = (
    *(f"toFloat64(nan) AS {name}_" for name in _MEANS), "toFloat64(nan) AS p95", "0 AS paths", "0 AS hops_",
    "0 AS branches_",
    f"(argMax(state, time), {', '.join(_NOTHING.get(name, '0') for name in _LAST[1:])}) AS last",
)  # fmt: skip


class Store(Protocol):
    """``weft.store.TelemetryStore``, as far as it is read here."""

    def query(self, sql: str, parameters: Any = ..., limits: Limits = DEFAULT_LIMITS) -> QueryResult:
        """Run one SELECT."""


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What is measured apart: a test from one agent to one target, by one resolver."""

    test: str
    agent: str
    target: str = ""
    target_agent: str = ""
    resolver: str = ""


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """A series over a window. Figures of the last run are ``last_…``; what was not measured is None."""

    key: SeriesKey
    runs: int
    worked: int
    """Runs that ended ok or degraded."""
    failed: int
    errors: int
    loss: float | None
    """Of the packets sent, 0–1."""
    rtt_ms: float | None
    rtt_p95_ms: float | None
    jitter_ms: float | None
    throughput_bps: float | None
    phases: Mapping[str, float]
    paths: int
    """Different sets of paths seen."""
    last_at: float
    """UTC seconds."""
    last_state: str
    last_error: str
    last_code: int
    last_answer: str
    last_rtt_ms: float | None
    last_loss: float | None
    certificate_days: float | None
    hops: int
    branches: int
    address: str
    asn: int
    as_name: str
    site: str
    agent_site: str


@dataclass(frozen=True, slots=True)
class Course:
    """Latency and loss in equal buckets from ``start`` on, ``step`` seconds each; None = nothing measured."""

    start: int
    step: int
    rtt_ms: list[float | None]
    loss: list[float | None]


def within(since: int, until: int) -> str:
    """Condition on the time of a run (UTC seconds, end exclusive)."""
    return f"time >= {moment(since)} AND time < {moment(until)}"


class ProbeResults:
    """Reads ``probes``. Raises what the store raises."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def series(self, since: int, until: int, test: str = "", *, brief: bool = False) -> list[SeriesResult]:
        """Every series that has runs in the window, of all tests or one; those of one test together.

        ``brief``: without what the list of tests does not show: percentiles, phases, paths, words of the last run.
        """
        grouped = select(
            [*_KEYS, *_COUNTED, *(_LEFT_OUT if brief else _DETAILS)], "probes",
            where=within(since, until) + (" AND test = {test:String}" if test else ""), group_by=_KEYS,
        )  # fmt: skip
        names = [f"last.{number} AS last_{name}" for number, name in enumerate(_LAST, 1)]
        sql = select(
            ["*", *names, f"{attribute_sql(ASNS, 'name', ('last_target_as',), 'now()')} AS as_name",
             f"{attribute_sql(NETWORKS, 'site', ('last_target_net',), 'now()')} AS site",
             f"{attribute_sql(NETWORKS, 'site', ('last_agent_net',), 'now()')} AS agent_site"],
            f"({grouped})", order_by=_KEYS, limit=MOST_SERIES,
        )  # fmt: skip
        sql = f"SELECT * EXCEPT (last)\nFROM ({sql})"
        rows = self._store.query(sql, {"test": test} if test else {}, _LIMITS).table.to_pylist()
        return [_series(row) for row in rows]

    def courses(self, since: int, until: int, points: int = 40) -> dict[str, Course]:
        """Latency and loss of every test over the window."""
        return {str(key): course for (key,), course in self._courses(("test",), since, until, points, "").items()}

    def mesh_courses(self, test: str, since: int, until: int, points: int = 24) -> dict[tuple[str, str], Course]:
        """Of one mesh by agent and the agent at the other end."""
        keys = ("agent", "target_agent")
        found = self._courses(keys, since, until, points, test)
        return {(str(one), str(other)): course for (one, other), course in found.items()}

    def _courses(
        self, keys: Sequence[str], since: int, until: int, points: int, test: str
    ) -> dict[tuple[str, ...], Course]:
        step = max(60, -(-(until - since) // points))
        count = -(-(until - since) // step)
        sql = select(
            [
                *keys, f"intDiv(toUInt32(time) - {since}, {step}) AS bucket", "avgIf(rtt_ms, rtt_ms > 0) AS rtt",
                "sum(sent) AS sent_", "sum(sent - least(sent, received)) AS lost",
            ],
            "probes",
            where=within(since, until) + (" AND test = {test:String}" if test else ""),
            group_by=[*keys, "bucket"],
        )  # fmt: skip
        courses: dict[tuple[str, ...], Course] = {}
        for row in self._store.query(
            sql, {"test": test} if test else {}, Limits(result_rows=2_000_000)
        ).table.to_pylist():
            key = tuple(row[name] for name in keys)
            course = courses.get(key)
            if course is None:
                course = courses[key] = Course(since, step, [None] * count, [None] * count)
            bucket = min(count - 1, max(0, int(row["bucket"])))
            course.rtt_ms[bucket] = number(row["rtt"])
            course.loss[bucket] = row["lost"] / row["sent_"] if row["sent_"] else None
        return courses


def _series(row: Mapping[str, Any]) -> SeriesResult:
    return SeriesResult(
        key=SeriesKey(*(row[name] for name in _KEYS)), runs=row["runs"],
        worked=row["worked"], failed=row["failed"], errors=row["errors"],
        loss=row["lost"] / row["sent_"] if row["sent_"] else None, rtt_ms=number(row["rtt_ms_"]),
        rtt_p95_ms=number(row["p95"]), jitter_ms=number(row["jitter_ms_"]),
        throughput_bps=number(row["throughput_bps_"]),
        phases={name: value for name in PHASES if (value := number(row[f"{name}_"])) is not None}, paths=row["paths"],
        last_at=row["last_at"].timestamp(), last_state=PROBE_STATES.get(row["last_state"], "error"),
        last_error=row["last_error"], last_code=row["last_code"], last_answer=row["last_answer"],
        last_rtt_ms=row["last_rtt_ms"] or None,
        last_loss=1 - row["last_received"] / row["last_sent"] if row["last_sent"] else None,
        certificate_days=row["certificate"] or None, hops=row["hops_"], branches=row["branches_"],
        address=address_text(row["last_address"]), asn=row["last_target_as"], as_name=row["as_name"], site=row["site"],
        agent_site=row["agent_site"],
    )  # fmt: skip


def number(value: Any) -> float | None:
    """An aggregate of nothing is none."""
    return None if value is None or value != value else float(value)
