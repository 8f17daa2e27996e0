"""The detector of synthetic tests: rounds become verdicts, verdicts of groups events, traces say where."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.paths.certificates import DAYS, Certificates
from weft.detect.paths.groups import Group, Subject, host_of, subjects_of
from weft.detect.paths.hops import HopBook
from weft.detect.paths.routes import RouteBook
from weft.detect.paths.series import HTTP, Key, Limits, Round, Series
from weft.detect.paths.tell import DETOUR_MS, culprits, entity_of, finding, kind_of, rise
from weft.detect.paths.ways import way_change
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS
from weft.model.events import EventGroup, Severity

_MOST_SERIES, _MOST_GROUPS, _MOST_SERVICES = 20_000, 40_000, 5_000
_EVERY_S = 10.0  # groups are compared this often
_AGAIN_S = 120.0
_SETTLED_S = 2 * 3600.0
#: Ways that share an end, and become bad within so long of each other, are one trouble.
_TOGETHER_S, _MOST_JOINED = 300.0, 50
#: A series, or a group, that is not heard of for so long is gone, and so many of its rounds.
_GONE_S, _GONE_ROUNDS, _SWEEP_S = 86_400.0, 10.0, 600.0
#: So long a little more of a round trip, that nothing accounts for, must last; a round of traces is done by then.
_LASTS_S, _SMALL = 600.0, ("path_latency", "path_jitter")
_ADDRESS = 16  # octets
_SILENT_S = 3600.0  # … where room is wanted
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
         "path_latency": "Round trips are longer than usual.",
         "path_change": "Round trips are longer since traces, or BGP, take another way.",
         "path_jitter": "Round trips are less steady than usual.",
         "throughput_drop": "Less throughput than usual.", "certificate_expiring": "A certificate runs out."},
    )  # fmt: skip
    tables = ("routes", "hops", "probes")

    def __init__(self, context: Context) -> None:
        settings = context.config.settings
        self._names = context.names
        allowed = context.config.false_alarms
        self._false_alarms = context.false_alarms if allowed is None else allowed
        self._limits = Limits(float(settings.get("rise_ms", 5.0)), float(settings.get("rise", 0.25)))
        self._series: OrderedDict[Key, Series] = OrderedDict()  # both: who was heard of last is last
        self._groups: OrderedDict[Subject, Group] = OrderedDict()
        self._suspects: dict[Subject, None] = {}  # in order: the same rows make the same events
        self._services: dict[str, str] = {}
        self._hops, self._routes = HopBook(), RouteBook()
        self._certificates = Certificates(float(settings.get("certificate_days", DAYS)))
        self._looked_s = self._swept_s = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Judge rounds; learn of hops."""
        if table == "hops":
            self._take_hops(rows)
            return []
        if table == "routes":
            self._routes.take(rows)
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
        if now_s - self._swept_s >= _SWEEP_S:
            self._swept_s = now_s
            self._sweep(now_s)
        found = self._open(now_s)
        for subject in list(self._suspects):
            group = self._groups[subject]
            if group.since_s:
                found += self._follow(group, now_s)
            elif not group.score:
                del self._suspects[subject]
        return found

    def _sweep(self, now_s: float) -> None:
        """Let go of what is not tested any more."""
        for key in [key for key, one in self._series.items() if is_gone(one.last_s, one.every_s, now_s)]:
            del self._series[key]
        for subject in [
            subject for subject, one in self._groups.items()
            if subject not in self._suspects and is_gone(one.last_s, one.every_s, now_s)
        ]:  # fmt: skip
            del self._groups[subject]
        hosts = {host_of(key.target) for key in self._series if key.kind == HTTP}
        self._services = {host: test for host, test in self._services.items() if host in hosts}
        self._hops.sweep(now_s)
        self._certificates.sweep(now_s)

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
            if len(self._series) >= _MOST_SERIES and not self._make_room(at_s):
                return None
            series = self._series[key] = Series(key)
        self._series.move_to_end(key)
        series.address, series.source = bytes(row["address"] or b""), bytes(row["source_address"] or b"")
        if len(series.address) == _ADDRESS and series.address != NO_ADDRESS:
            self._routes.watch(series.address, at_s)
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
                self._suspects[group.subject] = None
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
                self._groups.move_to_end(subject)
                found.append(group)
        return found

    def _make_room(self, now_s: float) -> bool:
        """Let go of the series that was silent longest, unless it is still tested."""
        key, oldest = next(iter(self._series.items()))
        if not is_gone(oldest.last_s, oldest.every_s, now_s, _SILENT_S):
            return False
        del self._series[key]
        return True

    def _open(self, now_s: float) -> list[Finding]:
        found: list[Finding] = []
        while True:
            wrong = [
                group for subject in self._suspects
                if not (group := self._groups[subject]).since_s and group.is_wrong(now_s, self._false_alarms)
                and not self._waits(group, now_s)
            ]  # fmt: skip
            if not wrong:
                return found
            best = max(wrong, key=lambda one: _explains(one, now_s))
            bad, _ = best.window(now_s)
            best.since_s = best.settled_s = bad[0][1].at_s
            best.kind = self._kind(best, now_s)
            best.told_s, best.told_bad_s = now_s, bad[-1][1].at_s
            lead = self._lead_of(best)
            if lead is not None:
                best.join(lead)
            for series, _, _ in bad:
                series.explained(best.since_s)
            taken = {(id(series), said.at_s) for series, said, _ in best.bad}
            for subject in self._suspects:
                if subject != best.subject:
                    self._groups[subject].give(taken)
            found.append(self._tell(lead or best, now_s))

    def _waits(self, group: Group, now_s: float) -> bool:
        """Whether to see first if it lasts: a little more on one way, which neither traces nor BGP account for."""
        if group.subject.sort != "pair" or now_s - group.bad[0][1].at_s >= _LASTS_S:
            return False
        told = kind_of(group, now_s)
        if told.kind not in _SMALL or rise(told) >= DETOUR_MS:
            return False
        return not (
            way_change(group, self._hops, self._routes, self._names, now_s)
            or culprits(group, self._hops, told.bad[0][1].at_s)
        )

    def _kind(self, group: Group, now_s: float) -> str:
        """A path that is late is one that changed, where traces or BGP say so."""
        kind = kind_of(group, now_s).kind
        if (
            kind == "path_latency"
            and group.subject.sort == "pair"
            and way_change(group, self._hops, self._routes, self._names, now_s)
        ):
            return "path_change"
        return kind

    def _tell(self, group: Group, now_s: float) -> Finding:
        change = way_change(group, self._hops, self._routes, self._names, now_s)
        return finding(group, self._names, self._hops, change, now_s)

    def _lead_of(self, group: Group) -> Group | None:
        """The open group of which this one is another sight: the same, at the same time, at one of the same ends."""
        ends, aspect = group.ends(), group.aspect()
        for subject in self._suspects:
            one = self._groups[subject]
            if one is group or not one.since_s or one.lead is not None or len(one.joined) >= _MOST_JOINED:
                continue
            if abs(one.since_s - group.since_s) <= _TOGETHER_S and one.aspect() == aspect and one.ends() & ends:
                return one
        return None

    def _follow(self, group: Group, now_s: float) -> list[Finding]:
        group.score = min(group.score, group.threshold(self._false_alarms) + 3.0)
        if group.is_over(now_s):
            if group.joined:
                return []
            if group.lead is not None:
                group.forget()
                return []
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
            return [self._tell(group.lead or group, now_s)]
        return []

    def size(self) -> dict[str, int]:
        """How much is kept."""
        return {"series": len(self._series), "groups": len(self._groups), "ways": len(self._hops)}

    def save(self) -> bytes:
        """What is usual of each series, and which host is which service."""
        series = [one.state() for one in self._series.values()]
        told = {"series": series, "services": self._services, "routes": self._routes.state()}
        return json.dumps(told).encode()

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was. What was going on is found anew."""
        if not state:
            return
        try:
            told: Mapping[str, Any] = json.loads(state)
            series = [Series.restored(one) for one in told["series"][:_MOST_SERIES]]
            services = {str(host): str(test) for host, test in list(told["services"].items())[:_MOST_SERVICES]}
            self._routes.restore(told.get("routes", {"watched": [], "routes": []}))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput(f"is not understood: {error}", where="state of paths") from error
        self._series = OrderedDict((one.key, one) for one in series)
        self._services = services


def is_gone(last_s: float, every_s: float, now_s: float, after_s: float = _GONE_S) -> bool:
    """Whether so many rounds are missing, and so long, that nobody tests it any more; or its times are not of now."""
    return abs(now_s - last_s) > max(after_s, _GONE_ROUNDS * every_s)


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
