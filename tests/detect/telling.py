"""Rows of metrics, logs, changes and other tables from a few words each; a detector that is fed with them in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from weft.detect.context import Context, DetectorConfig
from weft.detect.detector import Finding, RowsDetector
from weft.model.addresses import NO_ADDRESS
from weft.model.tables import Table
from weft.query.catalogue import Catalogue
from weft.query.datasets import build_catalogue
from weft.query.filter.parse import parse

START_S = 1_772_668_800.0


class HostNames:
    """Knows no address: devices are what they call themselves."""

    def device(self, address: bytes) -> str:
        return ".".join(str(octet) for octet in address[-4:])

    def interface(self, address: bytes, if_index: int) -> str:
        del address
        return f"if{if_index}"

    def site(self, device: str) -> str:
        return device.partition("-")[0]

    def site_of_address(self, address: bytes) -> str:
        del address
        return ""


def context(**settings: Any) -> Context:
    """What a detector is made with."""
    return Context(names=HostNames(), config=DetectorConfig(settings=settings))


def rows(table: Table, told: Iterable[Mapping[str, Any]]) -> pa.RecordBatch:
    """Rows of a table; times are seconds after ``START_S``, what is not told is empty."""
    told = list(told)
    columns = []
    for field in table.schema:
        values = [_value(field, one) for one in told]
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        columns.append(pa.array(values, kind).cast(field.type))
    return pa.record_batch(columns, schema=table.schema)


def _value(field: Any, one: Mapping[str, Any]) -> Any:
    if pa.types.is_timestamp(field.type):
        at = one.get(field.name, one.get("time", one.get("time_received", 0.0)))
        return int((START_S + at) * 1e9)
    if field.name in one:
        return one[field.name]
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_fixed_size_binary(kind):
        return NO_ADDRESS
    return "" if pa.types.is_string(kind) else 0


def play(
    detector: RowsDetector, table: Table, told: Iterable[Mapping[str, Any]], *, key: str = "time", step_s: float = 10.0,
    until_s: float | None = None,
) -> list[Finding]:  # fmt: skip
    """Feeds rows in order of time, ``step_s`` at a time, with a tick after each."""
    return play_all(detector, [(table, one) for one in told], key=key, step_s=step_s, until_s=until_s)


def play_all(
    detector: RowsDetector, told: Iterable[tuple[Table, Mapping[str, Any]]], *, key: str = "time",
    step_s: float = 10.0, until_s: float | None = None,
) -> list[Finding]:  # fmt: skip
    """As ``play``, rows of several tables."""
    left = sorted(told, key=lambda pair: float(pair[1][key]))
    end_s = max(float(left[-1][1][key]) if left else 0.0, until_s or 0.0) + 2 * step_s
    found: list[Finding] = []
    now, at = step_s, 0
    while now <= end_s:
        batch: dict[str, tuple[Table, list[Mapping[str, Any]]]] = {}
        while at < len(left) and float(left[at][1][key]) < now:
            table, one = left[at]
            batch.setdefault(table.name, (table, []))[1].append(one)
            at += 1
        for table, some in batch.values():
            found += detector.take(table.name, rows(table, some))
        found += detector.tick(START_S + now)
        now += step_s
    check_queries(found)
    return found


def gauge(
    host: str, metric: str, values: Sequence[float], *, every_s: float = 60.0, component: str = "", labels: str = "",
    from_s: float = 0.0,
) -> list[dict[str, Any]]:  # fmt: skip
    """Readings of a gauge, one every ``every_s``; what is not a number is left out."""
    return [
        {"time": from_s + number * every_s, "host": host, "metric": metric, "component": component, "labels": labels,
         "metric_type": 2, "value": float(value)}
        for number, value in enumerate(values) if value == value
    ]  # fmt: skip


def counter(
    host: str, metric: str, rates: Sequence[float], *, every_s: float = 60.0, component: str = "", labels: str = "",
    from_s: float = 0.0,
) -> list[dict[str, Any]]:  # fmt: skip
    """Readings of a counter that grows at these rates per second; the first has no increase."""
    return [
        {"time": from_s + number * every_s, "host": host, "metric": metric, "component": component, "labels": labels,
         "metric_type": 1, "value": 0.0, "increase": rate * every_s if number else 0.0,
         "interval_ms": int(every_s * 1000) if number else 0}
        for number, rate in enumerate(rates)
    ]  # fmt: skip


@lru_cache
def _catalogue() -> Catalogue:
    return build_catalogue()


def check_queries(found: Iterable[Finding]) -> int:
    """That the filters of all queries among the evidence are understood; how many there are."""
    texts = {
        (one.query["dataset"], one.query.get("filter", ""))
        for finding in found for one in finding.evidence if one.query is not None
    }  # fmt: skip
    for dataset, text in texts:
        parse(text, _catalogue().dataset(dataset))
    return len(texts)


def opened(found: Iterable[Finding]) -> list[Finding]:
    """The first finding of each event, as the tracker would open them."""
    seen: set[tuple[str, str, tuple[tuple[str, str], ...]]] = set()
    first = []
    for one in found:
        key = one.kind, one.entity.text, tuple(sorted(one.labels.items()))
        if one.ends:
            seen.discard(key)
        elif key not in seen:
            seen.add(key)
            first.append(one)
    return first


def noise(scale: float) -> Callable[[int], float]:
    """The same small deviations for the same numbers, always: a hash, no dice."""
    return lambda number: scale * (((number * 2654435761) % 1000) / 500 - 1)
