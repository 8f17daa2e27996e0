"""What the store knows of flows and counters per interface: a few statements, each a scan of narrow columns."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from weft.model.addresses import address_text
from weft.model.dictionaries import EXPORTERS, INTERFACES
from weft.model.flows import FLOW_TYPES
from weft.query.answer.runner import Runner
from weft.query.compile.lookups import rows_sql
from weft.query.compile.sql import Statement, moment, select, subquery
from weft.query.reconcile.types import Counters, Device, Direction, Flows, Port

_SFLOW = next(number for number, name in FLOW_TYPES.items() if name == "sflow")
_EGRESS = 1
#: A device that was not heard for this long before its first minute in the window is new, seconds.
_BEFORE_S = 3600
#: How long before the window's end flows are looked at for how late they come, seconds, and how many of them.
_DELAY_S, _DELAY_ROWS = 120, 300_000
_RESOLUTIONS = ((7 * 86_400, 3600, "1h"), (6 * 3600, 300, "5m"), (0, 60, "1m"))
_PACKETS = ("unicast_pkts", "multicast_pkts", "broadcast_pkts", "discards")

#: An exporter's address and an ifIndex.
PortKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Span:
    """Whole minutes from ``since`` to ``until`` (UTC seconds) and the rollup to read."""

    since: int
    until: int
    table: str

    @property
    def seconds(self) -> int:
        """Its length."""
        return self.until - self.since

    def of(self, time: str) -> str:
        """The rows of the window."""
        return f"{time} >= {moment(self.since)} AND {time} < {moment(self.until)}"


@dataclass
class Evidence:
    """All of it, by (exporter, ifIndex, direction)."""

    span: Span
    flows: dict[tuple[str, int, Direction], Flows] = field(default_factory=dict)
    counters: dict[tuple[str, int, Direction], Counters] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    ports: dict[PortKey, Port] = field(default_factory=dict)


def span_of(since: int, until: int) -> Span:
    """The window in whole minutes (hours, where it is long) and the coarsest rollup that meets them."""
    for least, step, name in _RESOLUTIONS:
        if until - since >= least:
            begin, end = since // step * step, until // step * step
            return Span(begin, max(end, begin + step), f"flows_path_{name}")
    raise AssertionError


def gather(runner: Runner, span: Span, device: str, losses: Mapping[str, float]) -> Evidence:
    """Ask for everything. ``device``: a name or an address, empty = all; ``losses``: share of datagrams lost."""
    only, parameters = _only(device)
    evidence = Evidence(span)
    _flows(runner, evidence, only, parameters)
    _counters(runner, evidence, only, parameters)
    _devices(runner, evidence, only, parameters, losses)
    _ports(runner, evidence)
    return evidence


def _only(device: str) -> tuple[str, dict[str, Any]]:
    """A condition on the exporter."""
    if not device:
        return "", {}
    try:
        address = ipaddress.ip_address(device)
    except ValueError:
        named = select(["exporter"], rows_sql(EXPORTERS), where="name = {device:String}")
        return f" AND exporter IN ({named})".replace("\n", " "), {"device": device}
    text = f"::ffff:{address}" if address.version == 4 else str(address)
    return " AND exporter = {device:IPv6}", {"device": text}


def _rows(runner: Runner, sql: str, parameters: Mapping[str, Any], *, shown: bool = True) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = runner.run(Statement(sql, parameters), shown=shown).to_pylist()
    return found


def _flows(runner: Runner, evidence: Evidence, only: str, parameters: Mapping[str, Any]) -> None:
    scaled = "greatest(sampling_rate, 1)"
    sides: tuple[tuple[Direction, str], ...] = (("in", "in_if"), ("out", "out_if"))
    for direction, column in sides:
        sql = select(
            [
                "exporter",
                column,
                f"sum(bytes * {scaled}) AS octets",
                f"sum(packets * {scaled}) AS total",
                "sum(packets) AS seen",
                f"sumIf(packets * {scaled}, flow_type != {_SFLOW}) AS bare",
                "sumIf(bytes, sampling_rate = 0) AS unsampled",
                f"sumIf(bytes * {scaled}, direction = {_EGRESS}) AS egress",
                "groupUniqArray(9)(sampling_rate) AS rates",
            ],
            evidence.span.table,
            where=f"{evidence.span.of('time_received')} AND {column} != 0{only}",
            group_by=["exporter", column],
        )
        for row in _rows(runner, sql, parameters):
            key = (address_text(row["exporter"]), int(row[column]), direction)
            evidence.flows[key] = Flows(
                float(row["octets"]), float(row["total"]), float(row["seen"]), float(row["bare"]),
                float(row["unsampled"]), float(row["egress"]), tuple(sorted(row["rates"])),
            )  # fmt: skip


def _counters(runner: Runner, evidence: Evidence, only: str, parameters: Mapping[str, Any]) -> None:
    names = [f"{way}_{what}" for way in ("in", "out") for what in ("octets", *_PACKETS)]
    sql = select(
        [
            "exporter",
            "if_index",
            "metric",
            "source",
            "sum(increase) AS grown",
            "sum(interval_ms) / 1000 AS covered_s",
            "toUnixTimestamp(max(time)) AS newest",
            "max(value) AS highest",
            "max(interval_ms) / 1000 AS interval_s",
        ],
        "metrics",
        where=f"metric IN ({', '.join(repr(n) for n in names)}) AND {evidence.span.of('time')} AND if_index != 0{only}",
        group_by=["exporter", "if_index", "metric", "source"],
    )
    found: dict[tuple[str, int, Direction], dict[int, dict[str, dict[str, Any]]]] = {}
    for row in _rows(runner, sql, parameters):
        way, _, what = row["metric"].partition("_")
        direction: Direction = "in" if way == "in" else "out"
        key = (address_text(row["exporter"]), int(row["if_index"]), direction)
        found.setdefault(key, {}).setdefault(row["source"], {})[what] = row
    for key, sources in found.items():
        counting = {s: of for s, of in sources.items() if of.get("octets", {}).get("covered_s")}
        if counting:
            source = max(counting, key=lambda s: (counting[s]["octets"]["covered_s"], -s))
            evidence.counters[key] = _counter(source, counting[source])


def _counter(source: int, of: Mapping[str, Mapping[str, Any]]) -> Counters:
    octets = of["octets"]
    grown = {what: float(of[what]["grown"]) if what in of else 0.0 for what in _PACKETS}
    return Counters(
        float(octets["grown"]), float(octets["covered_s"]), source, float(octets["newest"]), float(octets["highest"]),
        float(octets["interval_s"]), sum(v for what, v in grown.items() if what != "discards"),
        grown["multicast_pkts"] + grown["broadcast_pkts"] + grown["discards"],
    )  # fmt: skip


def _devices(
    runner: Runner, evidence: Evidence, only: str, parameters: Mapping[str, Any], losses: Mapping[str, float]
) -> None:
    span = evidence.span
    heard = select(
        [
            "exporter",
            f"uniqExactIf(time_received, time_received >= {moment(span.since)}) AS minutes",
            "toUnixTimestamp(min(time_received)) AS began",
        ],
        "flows_exporters",
        where=f"{replace(span, since=span.since - _BEFORE_S).of('time_received')}{only}",
        group_by=["exporter"],
    )
    sent = {address_text(row["exporter"]): row for row in _rows(runner, heard, parameters)}
    newest = select(
        ["exporter", "dateDiff('second', time_start, time_received) AS late"],
        "flows",
        where=f"time_received >= {moment(max(span.since, span.until - _DELAY_S))} AND time_received < "
        f"{moment(span.until)} AND flow_type != {_SFLOW}{only}",
        limit=_DELAY_ROWS,
    )
    late = select(["exporter", "quantile(0.95)(late) AS p95"], subquery(newest, "f"), group_by=["exporter"])
    delays = {address_text(row["exporter"]): row["p95"] for row in _rows(runner, late, parameters)}
    names = {
        address_text(row["exporter"]): row
        for row in _rows(
            runner, select(["exporter", "name", "site", "demo"], rows_sql(EXPORTERS), order_by=["valid_from"]), {},
            shown=False,
        )
    }  # fmt: skip
    for exporter in _exporters(evidence):
        known = names.get(exporter, {})
        sending_s = float(span.until - max(span.since, sent[exporter]["began"])) if exporter in sent else 0.0
        evidence.devices[exporter] = Device(
            known.get("name", ""), known.get("site", ""), bool(known.get("demo", "")), sending_s,
            min(1.0, sent[exporter]["minutes"] * 60 / sending_s) if exporter in sent else 0.0,
            losses.get(exporter, 0.0), max(0.0, float(delays.get(exporter, 0.0))),
        )  # fmt: skip


def _exporters(evidence: Evidence) -> Iterable[str]:
    return dict.fromkeys(key[0] for key in (*evidence.flows, *evidence.counters))


def _ports(runner: Runner, evidence: Evidence) -> None:
    """Names and speeds as of the window's end, and which names changed inside it."""
    columns = ["exporter", "if_index", "name", "speed_bps", "toUnixTimestamp(valid_from) AS since"]
    wanted = {key[:2] for key in (*evidence.flows, *evidence.counters)}
    rows = _rows(runner, select(columns, rows_sql(INTERFACES), order_by=["valid_from"]), {}, shown=False)
    for row in rows:
        key = (address_text(row["exporter"]), int(row["if_index"]))
        if key not in wanted or (row["since"] >= evidence.span.until and key in evidence.ports):
            continue
        before = evidence.ports.get(key)
        changed = before is not None and bool(before.name) and before.name != row["name"]
        inside = changed and row["since"] >= evidence.span.since
        evidence.ports[key] = Port(
            row["name"], int(row["speed_bps"]), inside or (before is not None and before.renamed)
        )
