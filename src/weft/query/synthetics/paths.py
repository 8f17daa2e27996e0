"""The paths that traces saw: one run as a graph, when the path was another, and each hop's latency over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from weft.model.addresses import NO_ADDRESS, address_text
from weft.model.dictionaries import ASNS, NETWORKS
from weft.query.compile.sql import moment, select
from weft.query.synthetics.results import SeriesKey, Store, number, within
from weft.store.lookups import attribute_sql
from weft.store.telemetry import Limits

#: A run is looked for this long before the moment asked for, seconds.
LOOKBACK_S = 7 * 86_400
_MOST_HOPS = 128 * 64
_MOST_CHANGES = 500
_MOST_LINES = 40
_IN_ORDER = "ORDER BY time ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"


@dataclass(slots=True)
class Hop:
    """A node of the path: whoever answered probes of one TTL. ``address`` is empty where nobody did.

    ``flows`` counts the flow ids that passed; ``loss`` and ``rtt_ms`` are of this run, ``usual_…`` of the window.
    """

    ttl: int
    address: str
    flows: int = 0
    sent: int = 0
    received: int = 0
    rtt_ms: float | None = None
    asn: int = 0
    as_name: str = ""
    site: str = ""
    country: str = ""
    device: str = ""
    mpls: str = ""
    reached: bool = False
    usual_rtt_ms: float | None = None
    usual_loss: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Flows that went from one node to another: indices of nodes, −1 = the agent."""

    origin: int
    next: int
    flows: int


@dataclass(slots=True)
class Path:
    """What one run saw. ``at`` in UTC seconds; ``run`` 0 where there was none."""

    run: int = 0
    at: float = 0.0
    hops: list[Hop] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PathChange:
    """From ``at`` on (UTC seconds) the path was ``path``."""

    at: float
    path: int
    hops: int
    branches: int


@dataclass(frozen=True, slots=True)
class HopLine:
    """One hop's latency and loss in buckets."""

    ttl: int
    address: str
    device: str
    rtt_ms: list[float | None]
    loss: list[float | None]


@dataclass(frozen=True, slots=True)
class HopCourse:
    """Latency of hops over time: buckets of ``step`` seconds from ``start``. ``left_out`` hops seen least."""

    start: int
    step: int
    lines: list[HopLine]
    left_out: int = 0


class TracedPaths:
    """Reads ``hops`` and ``probes``. Raises what the store raises."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def path(self, key: SeriesKey, at: int, since: int) -> Path:
        """What the last run at or before ``at`` saw, with what is usual since ``since``."""
        where, parameters = _of(key)
        last = select(
            ["run", "time"], "hops", where=f"{where} AND time <= {moment(at)} AND time > {moment(at - LOOKBACK_S)}",
            order_by=["time DESC"], limit=1,
        )  # fmt: skip
        found = self._rows(last, parameters)
        if not found:
            return Path()
        run, begun = int(found[0]["run"]), found[0]["time"]
        around = int(begun.timestamp())
        sql = select(
            [
                "flow_id", "ttl", "hop", "hop_as", "hop_device", "mpls", "reached", "sent", "received", "rtt_ms",
                f"{attribute_sql(ASNS, 'name', ('hop_as',), 'now()')} AS as_name",
                f"{attribute_sql(NETWORKS, 'site', ('hop_net',), 'now()')} AS site",
                f"{attribute_sql(NETWORKS, 'country', ('hop_net',), 'now()')} AS country",
            ],
            "hops",
            where=f"{where} AND run = {{run:UInt64}} AND {within(around - 1, around + 2)}",
            order_by=["flow_id", "ttl"], limit=_MOST_HOPS,
        )  # fmt: skip
        path = graph(self._rows(sql, parameters | {"run": run}))
        path.run, path.at = run, begun.timestamp()
        self._usual(path, key, since, at)
        return path

    def _usual(self, path: Path, key: SeriesKey, since: int, until: int) -> None:
        where, parameters = _of(key)
        sql = select(
            ["ttl", "hop", "avgIf(rtt_ms, rtt_ms > 0) AS rtt", "sum(sent) AS sent_",
             "sum(sent - least(sent, received)) AS lost"],
            "hops", where=f"{where} AND {within(since, until + 1)}", group_by=["ttl", "hop"], limit=_MOST_HOPS,
        )  # fmt: skip
        usual = {(row["ttl"], address_text(row["hop"])): row for row in self._rows(sql, parameters)}
        for hop in path.hops:
            row = usual.get((hop.ttl, hop.address))
            if row is not None:
                hop.usual_rtt_ms = number(row["rtt"])
                hop.usual_loss = row["lost"] / row["sent_"] if row["sent_"] else None

    def changes(self, key: SeriesKey, since: int, until: int) -> list[PathChange]:
        """When the path became another, oldest first; the first entry is how it was at the beginning."""
        where, parameters = _of(key)
        runs = select(
            ["time", "path", "hops", "branches", f"lagInFrame(path, 1, toUInt64(0)) OVER ({_IN_ORDER}) AS before"],
            "probes", where=f"{where} AND path != 0 AND {within(since, until)}",
        )  # fmt: skip
        sql = select(
            ["time", "path", "hops", "branches"], f"({runs})", where="path != before", order_by=["time DESC"],
            limit=_MOST_CHANGES,
        )  # fmt: skip
        rows = self._rows(sql, parameters)[::-1]
        return [PathChange(row["time"].timestamp(), row["path"], row["hops"], row["branches"]) for row in rows]

    def course(self, key: SeriesKey, since: int, until: int, points: int = 120) -> HopCourse:
        """Latency of each hop over the window, in the order of their distance."""
        where, parameters = _of(key)
        step = max(60, -(-(until - since) // points))
        count = max(1, -(-(until - since) // step))
        sql = select(
            ["min(ttl) AS ttl_", "hop", "any(hop_device) AS device",
             f"intDiv(toUInt32(time) - {since}, {step}) AS bucket", "avgIf(rtt_ms, rtt_ms > 0) AS rtt",
             "sum(sent) AS sent_", "sum(sent - least(sent, received)) AS lost"],
            "hops", where=f"{where} AND {within(since, until)} AND hop != toIPv6('::')", group_by=["hop", "bucket"],
        )  # fmt: skip
        lines: dict[bytes, HopLine] = {}
        nearest: dict[bytes, int] = {}
        seen: dict[bytes, int] = {}
        for row in self._rows(sql, parameters):
            hop = row["hop"]
            line = lines.setdefault(hop, HopLine(0, address_text(hop), row["device"], [None] * count, [None] * count))
            bucket = min(count - 1, max(0, int(row["bucket"])))
            line.rtt_ms[bucket] = number(row["rtt"])
            line.loss[bucket] = row["lost"] / row["sent_"] if row["sent_"] else None
            nearest[hop] = min(nearest.get(hop, 255), row["ttl_"])
            seen[hop] = seen.get(hop, 0) + row["sent_"]
        shown = sorted(sorted(lines, key=lambda hop: -seen[hop])[:_MOST_LINES], key=lambda hop: (nearest[hop], hop))
        told = [replace(lines[hop], ttl=nearest[hop]) for hop in shown]
        return HopCourse(since, step, told, len(lines) - len(told))

    def _rows(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        return self._store.query(sql, parameters, Limits(result_rows=200_000)).table.to_pylist()


def _of(key: SeriesKey) -> tuple[str, dict[str, Any]]:
    """Rows of one series: of a mesh the target is the other agent's address, which may change."""
    names = ("test", "agent", "target")
    return " AND ".join(f"{name} = {{{name}:String}}" for name in names), {name: getattr(key, name) for name in names}


def graph(rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows of one run (by flow id and TTL) as nodes and steps.

    Probes of one TTL that the same address answered meet in one node. Those that nobody answered meet where they came
    from the same node, so that a silent router does not join branches that never met.
    """
    path = Path()
    at: dict[tuple[int, bytes, int], int] = {}
    steps: dict[tuple[int, int], int] = {}
    before: tuple[int, int] | None = None  # flow id, node
    for row in rows:
        flow, ttl, hop = row["flow_id"], row["ttl"], row["hop"]
        origin = before[1] if before is not None and before[0] == flow else -1
        key = (ttl, hop, origin if hop == NO_ADDRESS else -1)
        node = at.get(key)
        if node is None:
            node = at[key] = len(path.hops)
            path.hops.append(
                Hop(ttl, address_text(hop), asn=row["hop_as"], as_name=row["as_name"], site=row["site"],
                    country=row["country"], device=row["hop_device"], mpls=row["mpls"])
            )  # fmt: skip
        _add(path.hops[node], row)
        steps[origin, node] = steps.get((origin, node), 0) + 1
        before = (flow, node)
    path.steps = [Step(origin, node, flows) for (origin, node), flows in steps.items()]
    return path


def _add(hop: Hop, row: Mapping[str, Any]) -> None:
    received = hop.received + row["received"]
    if row["received"] and row["rtt_ms"]:
        hop.rtt_ms = ((hop.rtt_ms or 0.0) * hop.received + row["rtt_ms"] * row["received"]) / received
    hop.flows += 1
    hop.sent += row["sent"]
    hop.received = received
    hop.reached = hop.reached or bool(row["reached"])
