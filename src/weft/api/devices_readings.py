"""The newest values and rates of all interfaces of many devices, in one statement each.

A page of four hundred links cannot ask four hundred questions. These statements read the same rows as a ``Query`` on
the ``metrics`` dataset does, and take rates the same way: the sum of increases over the sum of the times they took,
which is exact whatever was reset or missed. Every number on a page names the ``Query`` that gives it alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from weft.api.topology_network import Machine, Network, Port
from weft.store.telemetry import DEFAULT_LIMITS, Limits, QueryResult

#: Rates shown as "now" are taken over this long (seconds): several polls at the usual minute, one at five.
RATE_WINDOW_S = 300
#: Newest values of gauges are looked for this far back, seconds.
GAUGE_WINDOW_S = 3600
#: A state that is only told when it changes is looked for this far back, seconds.
STATE_WINDOW_S = 86_400
#: More values than this of one question are not read.
MOST_ROWS = 2_000_000

TRAFFIC = ("in_octets", "out_octets")
TROUBLE = ("in_errors", "out_errors", "in_discards", "out_discards")
STATES = ("oper_status", "admin_status", "speed_bps")


class Store(Protocol):
    """``weft.store.TelemetryStore``, as far as it is read here."""

    def query(self, sql: str, parameters: Any = ..., limits: Limits = DEFAULT_LIMITS) -> QueryResult:
        """Run one SELECT."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric of one thing in a device: ``rate`` per second where it is a counter, the ``last`` value, and when.

    ``took_s``: how long the counter's last increase took, which is how often it is read; 0 where it is none.
    """

    last: float
    at: float
    rate: float | None = None
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """A reading with what it is of."""

    machine: Machine
    component: str
    if_index: int
    metric: str
    labels: str
    reading: Reading


#: (device, interface) → metric → reading
Readings = dict[tuple[str, str], dict[str, Reading]]

_KEYS = "exporter, if(exporter = toIPv6('::'), host, '') AS sender, if_index, component, metric"


class Telemetry:
    """Reads the ``metrics``, ``logs`` and ``changes`` tables for the pages of devices and links."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _rows(self, sql: str, parameters: dict[str, Any]) -> pa.Table:
        return self._store.query(sql, parameters, Limits(result_rows=MOST_ROWS)).table

    # --- newest values ----------------------------------------------------------------------------------------------

    def interfaces(
        self, network: Network, metrics: Sequence[str], until: float, window_s: float, of: Machine | None = None
    ) -> Readings:
        """Readings of interfaces in the ``window_s`` seconds before ``until`` (UTC seconds), of all devices or one."""
        condition, parameters = _of_machine(of) if of else ("1", {})
        sql = (
            f"SELECT {_KEYS}, sum(increase) AS grown, sum(interval_ms) AS ms, argMax(value, time) AS last,\n"
            "  toFloat64(max(time)) AS at, argMax(interval_ms, time) AS took\n"
            f"FROM metrics\nWHERE metric IN ({_names(metrics)}) AND {_within(until - window_s, until)}\n"
            f"  AND {condition} AND (if_index != 0 OR component != '')\n"
            "GROUP BY exporter, sender, if_index, component, metric"
        )
        out: Readings = {}
        for row in self._rows(sql, parameters).to_pylist():
            found = _port_of(network, row)
            if found is not None:
                machine, name = found
                known = out.setdefault((machine.name, name), {})
                reading = _reading(row)
                if row["metric"] not in known or known[row["metric"]].at < reading.at:
                    known[row["metric"]] = reading
        return out

    def states(self, network: Network, until: float, of: Machine | None = None) -> Readings:
        """Operational and administrative state and speed of interfaces; told long ago if they do not change."""
        return self.interfaces(network, STATES, until, STATE_WINDOW_S, of)

    def device(self, machine: Machine, until: float, window_s: float) -> list[Row]:
        """Every metric of one device: rates of the ``window_s`` seconds before ``until``, newest values of the hour.

        Light and temperatures are often read less often than counters.
        """
        condition, parameters = _of_machine(machine)
        lately, long = _within(until - window_s, until), _within(until - max(window_s, GAUGE_WINDOW_S), until)
        sql = (
            f"SELECT {_KEYS}, labels, sumIf(increase, {lately}) AS grown, sumIf(interval_ms, {lately}) AS ms,\n"
            "  argMax(value, time) AS last, toFloat64(max(time)) AS at\n"
            f"FROM metrics\nWHERE {condition} AND {long} AND metric_type != 3\n"
            "GROUP BY exporter, sender, if_index, component, metric, labels"
        )
        rows = self._rows(sql, parameters).to_pylist()
        return [
            Row(machine, row["component"], row["if_index"], row["metric"], row["labels"], _reading(row)) for row in rows
        ]

    # --- over time --------------------------------------------------------------------------------------------------

    def rates(
        self, network: Network, metrics: Sequence[str], start: int, step: int, count: int
    ) -> dict[tuple[str, str, str], Any]:
        """Per-second rates in ``count`` buckets: (device, interface, metric) → array of floats, NaN = nothing known.

        A value belongs to the time before it, and covers as much of that as its counter took: polling every five
        minutes leaves no gaps in buckets of one.
        """
        per_bucket = (
            f"SELECT {_KEYS}, intDiv(toUnixTimestamp64Milli(time) - {start * 1000 + 1}, {step * 1000}) AS bucket,\n"
            "  sum(increase) * 1000 / sum(interval_ms) AS rate, avg(interval_ms) AS took\n"
            f"FROM metrics\nWHERE metric IN ({_names(metrics)}) AND {_within(start, start + step * count)}\n"
            "  AND interval_ms > 0\nGROUP BY exporter, sender, if_index, component, metric, bucket"
        )
        columns = "groupArray(toInt64(bucket)) AS buckets, groupArray(rate) AS rates, groupArray(took) AS tooks"
        sql = (
            f"SELECT exporter, sender, if_index, component, metric, {columns}\nFROM ({per_bucket})\n"
            "GROUP BY exporter, sender, if_index, component, metric"
        )
        table = self._rows(sql, {})
        series = [table.column(name).combine_chunks() for name in ("buckets", "rates", "tooks")]
        out: dict[tuple[str, str, str], Any] = {}
        names = table.select(["exporter", "sender", "if_index", "component", "metric"]).to_pylist()
        for place, row in enumerate(names):
            found = _port_of(network, row)
            if found is not None:
                values = out.setdefault((found[0].name, found[1], row["metric"]), np.full(count, np.nan))
                buckets, rates, tooks = (one[place].values.to_numpy() for one in series)
                _lay(values, buckets, rates, np.ceil(tooks / 1000 / step - 1e-9).astype(np.int64))
        return out

    # --- what was said and done -------------------------------------------------------------------------------------

    def last_changes(self, network: Network, since: float, until: float) -> dict[str, tuple[float, int]]:
        """When a device was changed last, and how often in the window: by device."""
        out: dict[str, tuple[float, int]] = {}
        sql = (
            "SELECT exporter, host AS sender, toFloat64(max(time)) AS at, count() AS n\n"
            f"FROM changes\nWHERE {_within(since, until)}\nGROUP BY exporter, sender"
        )
        for row in self._rows(sql, {}).to_pylist():
            machine = network.sender(row["exporter"], row["sender"])
            if machine is not None:
                at, n = out.get(machine.name, (0.0, 0))
                out[machine.name] = max(at, row["at"]), n + row["n"]
        return out

    def log_counts(self, machine: Machine, since: float, until: float) -> dict[int, int]:
        """Messages of a device by severity."""
        condition, parameters = _of_machine(machine)
        sql = (
            f"SELECT severity, count() AS n\nFROM logs\nWHERE {_within(since, until)} AND {condition}\n"
            "GROUP BY severity"
        )
        return {row["severity"]: row["n"] for row in self._rows(sql, parameters).to_pylist()}


def _lay(values: Any, buckets: Any, rates: Any, spans: Any) -> None:
    """Put rates into their buckets, and into the empty ones before them that they cover too."""
    inside = (buckets >= 0) & (buckets < len(values))
    buckets, rates, spans = buckets[inside], rates[inside], spans[inside]
    values[buckets] = rates
    for back in range(1, int(spans.max(initial=0))):
        at = buckets - back
        use = (spans > back) & (at >= 0)
        at, again = at[use], rates[use]
        gap = np.isnan(values[at])
        values[at[gap]] = again[gap]


def _reading(row: dict[str, Any]) -> Reading:
    rate = row["grown"] * 1000 / row["ms"] if row["ms"] else None
    return Reading(row["last"], row["at"], rate, row.get("took", 0) / 1000)


def _port_of(network: Network, row: dict[str, Any]) -> tuple[Machine, str] | None:
    """Device and full interface name that a row is of; None where the inventory does not know the device."""
    machine = network.sender(row["exporter"], row["sender"])
    if machine is None:
        return None
    port: Port | None = machine.port(row["component"], row["if_index"])
    name = port.name if port else row["component"]
    return (machine, name) if name else None


def _of_machine(machine: Machine) -> tuple[str, dict[str, Any]]:
    """Condition for the rows of a device: by its addresses, or by its name where a row has no address."""
    parameters: dict[str, Any] = {"device": machine.name.lower()}
    sql = "(exporter = toIPv6('::') AND lower(host) = {device:String})"
    if machine.addresses:
        names = []
        for i, address in enumerate(machine.addresses):
            parameters[f"a{i}"] = address if ":" in address else f"::ffff:{address}"
            names.append(f"{{a{i}:IPv6}}")
        sql = f"(exporter IN ({', '.join(names)}) OR {sql})"
    return sql, parameters


def _within(since: float, until: float) -> str:
    return f"time > toDateTime64({since:.3f}, 3, 'UTC') AND time <= toDateTime64({until:.3f}, 3, 'UTC')"


def _names(metrics: Iterable[str]) -> str:
    """Names of ours, not of users."""
    return ", ".join(f"'{name}'" for name in metrics)
