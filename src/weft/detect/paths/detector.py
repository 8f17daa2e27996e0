"""The detector of synthetic tests: rounds become verdicts, verdicts of groups events, traces say where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.paths.certificates import DAYS, Certificates
from weft.detect.paths.groups import Group, Subject, host_of, subjects_of
from weft.detect.paths.hops import HopBook
from weft.detect.paths.series import HTTP, Key, Limits, Round, Series
from weft.detect.paths.tell import entity_of, finding, kind_of
from weft.errors import InvalidInput
from weft.model.events import EventGroup, Severity

_MOST_SERIES, _MOST_GROUPS, _MOST_SERVICES = 20_000, 40_000, 5_000
_EVERY_S = 10.0  # groups are compared this often
_AGAIN_S = 120.0
_SETTLED_S = 2 * 3600.0
_COLUMNS = (
    "time", "agent", "test", "kind", "target", "target_agent", "resolver", "address", "source_address", "state",
    "error", "sent", "received", "rtt_ms", "jitter_ms", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms",
    "transfer_ms", "throughput_bps", "certificate_days",
)  # fmt: skip
_NUMBERS = frozenset({
    "sent", "received", "rtt_ms", "jitter_ms", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "transfer_ms",
    "throughput_bps", "certificate_days", "state", "kind",
})  # fmt: skip
_HOPS = ("time", "agent", "target", "run", "ttl", "hop", "hop_as", "hop_device", "received", "rtt_ms")


class PathDetector(RowsDetector):
    """Tests that are slow, lossy or failing."""

    about = About(
        "paths", "Synthetic tests", EventGroup.PATH,
        "Rounds of synthetic tests beside what is usual of each, brought together by what is tested, by who tests and "
        "by the way between: trouble is told once, where it is. One bad round is none: it takes more rounds, and two "
        "agents where there are more.",
        {"service_slow": "A service answers late.", "service_failing": "A service fails.",
         "dns_failure": "A resolver, or the servers of a name, fail.", "dns_slow": "Names are found late.",
         "unreachable": "Probes get no answer.", "path_loss": "Packets get lost.",
         "path_latency": "Round trips are longer than usual.", "path_jitter": "Round trips are less steady than usual.",
         "throughput_drop": "Less throughput than usual.", "certificate_expiring": "A certificate runs out."},
    )  # fmt: skip
    tables = ("probes", "hops")

    def __init__(self, context: Context) -> None:
        settings = context.config.settings
        self._names = context.names
        allowed = context.config.false_alarms
        self._false_alarms = context.false_alarms if allowed is None else allowed
        self._limits = Limits(float(settings.get("rise_ms", 5.0)), float(settings.get("rise", 0.25)))
        self._series: dict[Key, Series] = {}
        self._groups: dict[Subject, Group] = {}
        self._suspects: set[Subject] = set()
        self._services: dict[str, str] = {}
        self._hops = HopBook()
        self._certificates = Certificates(float(settings.get("certificate_days", DAYS)))
        self._looked_s = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Judge rounds; learn of hops."""
        if table == "hops":
            self._take_hops(rows)
            return []
        columns = {name: _column(rows, name) for name in _COLUMNS}
        found: list[Finding] = []
        for i in range(rows.num_rows):
            row = {name: values[i] for name, values in columns.items()}
            certain = self._round(row, row["time"] / 1e9)
            if certain is not None:
                found.append(certain)
        return found

    def tick(self, now_s: float) -> list[Finding]:
        """Compare groups: what explains most opens first, and what it explains counts for no other."""
        if now_s - self._looked_s < _EVERY_S:
            return []
        self._looked_s = now_s
        found = self._open(now_s)
        for subject in list(self._suspects):
            group = self._groups[subject]
            if group.since_s:
                found += self._follow(group, now_s)
            elif not group.score:
                self._suspects.discard(subject)
        return found

    def _take_hops(self, rows: pa.RecordBatch) -> None:
        columns = {name: _column(rows, name) for name in _HOPS}
        runs: dict[tuple[str, str, int], list[int]] = {}
        for i, key in enumerate(zip(columns["agent"], columns["target"], columns["run"], strict=True)):
            runs.setdefault(key, []).append(i)
        for (agent, target, _), at in runs.items():
            told = [{name: columns[name][i] for name in _HOPS} for i in at]
            self._hops.take(agent, host_of(target), told[0]["time"] / 1e9, told)

    def _round(self, row: Mapping[str, Any], at_s: float) -> Finding | None:
        key = Key(row["test"], row["kind"], row["agent"], row["target"], row["resolver"], row["target_agent"])
        series = self._series.get(key)
        if series is None:
            if len(self._series) >= _MOST_SERIES:
                return None
            series = self._series[key] = Series(key)
        series.address, series.source = bytes(row["address"] or b""), bytes(row["source_address"] or b"")
        if key.kind == HTTP and len(self._services) < _MOST_SERVICES:
            self._services.setdefault(host_of(key.target), key.test)
        said = series.judge(row, at_s, self._limits)
        if said is None:
            return None
        groups = self._groups_of(series, said)
        explained = next((one for one in groups if one.since_s), None)
        for group in groups:
            group.add(series, said, counts=explained is None or group is explained)
            if said.aspect:
                self._suspects.add(group.subject)
        series.learn(row, said, in_event=explained is not None)
        days = float(row["certificate_days"])
        return self._certificates.take(key.test, key.target, days, at_s) if days > 0 else None

    def _groups_of(self, series: Series, said: Round) -> list[Group]:
        subjects = subjects_of(series, self._services)
        if said.aspect == "name":  # not the service fails, but its name
            subjects = [Subject("name", host_of(series.key.target)), *subjects[1:]]
        found = []
        for subject in subjects:
            group = self._groups.get(subject)
            if group is None and len(self._groups) < _MOST_GROUPS:
                group = self._groups[subject] = Group(subject)
            if group is not None:
                found.append(group)
        return found

    def _open(self, now_s: float) -> list[Finding]:
        found: list[Finding] = []
        while True:
            wrong = [
                group for subject in self._suspects
                if not (group := self._groups[subject]).since_s and group.is_wrong(now_s, self._false_alarms)
            ]  # fmt: skip
            if not wrong:
                return found
            best = max(wrong, key=lambda one: _explains(one, now_s))
            bad, _ = best.window(now_s)
            best.since_s = best.settled_s = bad[0][1].at_s
            best.kind = kind_of(best, now_s).kind
            best.told_s, best.told_bad_s = now_s, bad[-1][1].at_s
            taken = {(id(series), said.at_s) for series, said, _ in best.bad}
            for subject in self._suspects:
                if subject != best.subject:
                    self._groups[subject].give(taken)
            found.append(finding(best, self._names, self._hops, now_s))

    def _follow(self, group: Group, now_s: float) -> list[Finding]:
        group.score = min(group.score, group.threshold(self._false_alarms) + 3.0)
        if group.is_over(now_s):
            entity, kind = entity_of(group, self._names), group.kind
            last_s = group.bad[-1][1].at_s if group.bad else now_s
            group.forget()
            text = "Rounds are as usual again."
            return [Finding(kind, entity, last_s, "As usual", text, Severity.INFO, ends=True)]
        if now_s - group.settled_s > _SETTLED_S:
            group.settled_s = now_s
            for series in {id(one): one for one, _, _ in group.bad}.values():
                series.settle()
        last_s = group.bad[-1][1].at_s if group.bad else 0.0
        if last_s > group.told_bad_s and now_s - group.told_s >= _AGAIN_S:
            group.told_s, group.told_bad_s = now_s, last_s
            return [finding(group, self._names, self._hops, now_s)]
        return []

    def save(self) -> bytes:
        """What is usual of each series, and which host is which service."""
        series = [one.state() for one in self._series.values()]
        return json.dumps({"series": series, "services": self._services}).encode()

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was. What was going on is found anew."""
        if not state:
            return
        try:
            told: Mapping[str, Any] = json.loads(state)
            series = [Series.restored(one) for one in told["series"][:_MOST_SERIES]]
            services = {str(host): str(test) for host, test in list(told["services"].items())[:_MOST_SERVICES]}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput(f"is not understood: {error}", where="state of paths") from error
        self._series = {one.key: one for one in series}
        self._services = services


def _explains(group: Group, now_s: float) -> tuple[float, int, int, str]:
    """How well a group explains bad rounds: most of its own are bad, it has most of them, and few that are not."""
    return min(round(group.share(now_s), 1), 0.8), len(group.bad), -group.members(now_s), group.subject.id


def _column(rows: pa.RecordBatch, name: str) -> list[Any]:
    """Values of a column; of one that is missing nothing."""
    at = rows.schema.get_field_index(name)
    if at < 0:
        return [0 if name in _NUMBERS else ""] * rows.num_rows
    column: Any = rows.column(at)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    found: list[Any] = column.to_pylist()
    return found
