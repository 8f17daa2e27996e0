"""What the twin does not do, laid over a run: movement inside, made-up domains, listed peers, open shells; decoys.

Rows are as an unsampled exporter and a DNS server would tell them, in the run's own time, among all that the run holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from tests.detect.security.covert_rows import START_S, Flow, flow_rows

from weft.detect.runfolder import NS, RunFolder, Stretch, arrivals
from weft.detect.scoring.truth import Fault, fault_of

_HOUR = 3600.0
#: Kind of event → kinds of what was planted.
CLAIMS = {
    "lateral_movement": ("lateral_movement",), "dga": ("dga",), "threat_match": ("threat_match",),
    "long_connection": ("long_connection",), "beacon": ("c2_beacon",), "exfiltration": ("data_exfiltration",),
    "dns_tunnel": ("dns_tunnelling",),
}  # fmt: skip
LISTED = "198.51.100.240/29"
#: What is none, and goes on all the time.
DECOYS = (
    "time servers", "a monitor of twelve outside", "updates of eight hosts", "connections kept alive",
    "telemetry of pages", "a page that renews itself", "patching", "a helpdesk", "a virus scanner's lookups",
)  # fmt: skip
_AS = 64_700  # from here on: networks that nobody else here uses


@dataclass(slots=True)
class Planted:
    """Flows and log lines, times in seconds after the begin of the run, and what they are."""

    flows: list[Flow] = field(default_factory=list)
    lines: list[tuple[float, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def call(self, kind: str, who: str, since: float, until: float, *, benign: bool = False) -> None:
        """Remember what something is."""
        self.faults.append(fault_of({
            "id": f"{kind}-{len(self.faults)}", "kind": kind, "group": "security", "start": since, "end": until,
            "severity": 1.0, "is_benign": benign, "root_cause": f"host:{who}", "symptoms": [],
        }))  # fmt: skip


def planted(seed: int, hours: float) -> Planted:
    """Four of each, at times and of sizes that the seed draws; decoys all the time."""
    rng, out = np.random.default_rng(seed), Planted()
    for number in range(4):
        _enters(rng, out, f"10.61.4.{10 + number}", rng.uniform(1.2, hours - 1) * _HOUR)
        _asks_by_lot(rng, out, f"10.61.5.{10 + number}", rng.uniform(0.2, hours - 0.5) * _HOUR)
        _talks_to_listed(rng, out, f"10.61.6.{10 + number}", rng.uniform(0.2, hours - 0.5) * _HOUR)
        if hours > 5.6:
            _stays_open(out, f"10.61.7.{10 + number}", _AS + number, (1.1 + 0.1 * number) * _HOUR, hours * _HOUR)
    _decoys(rng, out, hours * _HOUR)
    return out


def _enters(rng: np.random.Generator, out: Planted, who: str, since: float) -> None:
    count, lasts = int(rng.integers(12, 40)), rng.uniform(300, 2400)
    port = int(rng.choice([22, 445, 3389, 5985]))
    at = since + np.sort(rng.uniform(0, lasts, count))
    out.flows += [Flow(float(t), who, f"10.62.{i // 200}.{i % 200 + 1}", port, 40000 + i, octets=9000, packets=40)
                  for i, t in enumerate(at)]  # fmt: skip
    out.call("lateral_movement", who, since, since + lasts)


def _asks_by_lot(rng: np.random.Generator, out: Planted, who: str, since: float) -> None:
    count, letters = int(rng.integers(40, 160)), np.array(list("abcdefghijklmnopqrstuvwxyz"))
    lasts, fails = count * rng.uniform(0.3, 3.0), rng.random() < 0.5
    for t in since + np.sort(rng.uniform(0, lasts, count)):
        name = "".join(rng.choice(letters, int(rng.integers(11, 18)))) + str(rng.choice([".example", ".test"]))
        said = (
            f'[INFO] {who}:5353 - 12 "A IN {name}. udp 40 false 512" NXDOMAIN'
            if fails
            else f"query[A] {name} from {who}"
        )
        out.lines.append((float(t), said))
    out.call("dga", who, since, since + lasts)


def _talks_to_listed(rng: np.random.Generator, out: Planted, who: str, since: float) -> None:
    to = f"198.51.100.{int(rng.integers(241, 247))}"
    out.flows += [Flow(since + 40.0 * i, who, to, 443, 45000 + i, octets=900) for i in range(3)]
    out.call("threat_match", who, since, since + 120)


def _stays_open(out: Planted, who: str, asn: int, since: float, until: float) -> None:
    to = f"198.51.100.{asn % 200}"
    out.flows += [Flow(float(t), who, to, 8443, 51000, lasted=59, octets=3000, packets=20, dst_as=asn)
                  for t in np.arange(since, until - 60, 300.0)]  # fmt: skip
    out.call("long_connection", who, since, until)


# --- what is none --------------------------------------------------------------------------------------------------


def _every(rng: np.random.Generator, every: float, jitter: float, since: float, until: float) -> list[float]:
    at = since + np.cumsum(every * (1 + jitter * rng.uniform(-1, 1, int((until - since) / every))))
    return [float(one) for one in at if one < until]


def _decoys(rng: np.random.Generator, out: Planted, until: float) -> None:
    """Time servers, a monitor, updates, connections kept alive, telemetry of pages; who looks after machines."""

    def add(who: str, to: str, times: Sequence[float], **more: Any) -> None:
        ports = rng.integers(49152, 65000, len(times))
        out.flows.extend(
            Flow(at, who, to, src_port=int(port), **{"octets": 700, **more})
            for at, port in zip(times, ports, strict=True)
        )

    for i in range(3):
        add(f"10.61.20.{i}", f"198.51.100.{150 + i}", _every(rng, 64, 0.0, 5000, until), dst_port=123, protocol=17,
            octets=76, dst_as=_AS + 20 + i)  # fmt: skip
    monitor = _every(rng, 60, 0.001, 5000, until)
    for i in range(12):
        add("10.61.21.1", f"198.51.100.{160 + i}", [at + i for at in monitor], dst_as=_AS + 30 + i)
    out.call("monitor", "10.61.21.1", 5000, until, benign=True)
    for i in range(8):
        add(f"10.61.22.{i}", "198.51.100.180", _every(rng, 1800, 0.02, 4000 + 97 * i, until), dst_as=_AS + 50)
    for i in range(5):
        add(f"10.61.23.{i}", "198.51.100.181", _every(rng, 240, 0.0, 4000 + 31 * i, until), dst_as=_AS + 51,
            lasted=1.0, octets=180)  # fmt: skip
    for i in range(20):  # pages open all day: each call to another address of a network that all use
        for at in _every(rng, 60, 0.02, 4000 + 7 * i, until):
            add(f"10.61.24.{i}", f"3.71.9.{int(rng.integers(1, 200))}", [at], dst_as=16509)
    page = _every(rng, 300, 0.02, 6000, until)
    for at in page:  # one person's page that renews itself: never the same size
        add("10.61.25.1", "198.51.100.182", [at], dst_as=_AS + 52, octets=int(rng.lognormal(9, 1.2)))
    for hour in np.arange(0.2, until / _HOUR, 1.0):  # patching: the widest that there is, and always was
        for i in range(30):
            add("10.61.26.1", f"10.62.9.{i + 1}", [hour * _HOUR + 10 * i], dst_port=5985, octets=20_000, packets=60)
    for at in _every(rng, 700, 0.5, 300, until):  # helpdesk
        add("10.61.26.2", f"10.62.8.{int(rng.integers(1, 90))}", [at], dst_port=3389, octets=90_000, packets=300)
    for at in _every(rng, 2, 0.5, 300, until):  # a virus scanner that all use
        who = f"10.61.27.{int(rng.integers(1, 60))}"
        out.lines.append((at, f"query[A] {rng.bytes(20).hex()}.avq.example from {who}"))


# --- over a run ------------------------------------------------------------------------------------------------------


class Overlaid:
    """The rows of a run with what was planted among them (``weft.detect.runfolder.Rows``)."""

    def __init__(self, run: RunFolder, what: Planted) -> None:
        self._run, self._what = run, what

    def truth(self) -> list[Fault]:
        """What was planted, in the run's time."""
        since = self._run.since_s
        return [replace(one, start_s=one.start_s + since, end_s=one.end_s + since) for one in self._what.faults]

    def rows(self, tables: Sequence[str], since_s: float, until_s: float) -> Iterator[Stretch]:
        """See ``Rows``."""
        at = dict.fromkeys(tables, since_s)
        for end, name, batch in self._run.rows(tables, since_s, until_s):
            more = self._between(name, at[name] - self._run.since_s, end - self._run.since_s, batch.schema)
            at[name] = end
            yield end, name, batch if more is None else _joined(name, batch, more)

    def _between(self, name: str, since: float, until: float, schema: pa.Schema) -> pa.RecordBatch | None:
        shift = self._run.since_s - START_S
        if name == "flows":
            flows = [replace(one, at=one.at + shift) for one in self._what.flows
                     if since <= one.at + one.lasted + 0.5 < until]  # fmt: skip
            return _shaped(flow_rows(flows), schema) if flows else None
        lines = [one for one in self._what.lines if since <= one[0] < until]
        if not lines:
            return None
        time = pa.array([int((self._run.since_s + at) * NS) for at, _ in lines]).cast(pa.timestamp("ns", tz="UTC"))
        told = {"time": time, "time_received": time, "message": pa.array([text for _, text in lines])}
        return _shaped(pa.record_batch(told), schema)


def _shaped(rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The columns of a table; what is not known is null."""
    columns = [
        rows.column(one.name).cast(one.type) if one.name in rows.schema.names else pa.nulls(rows.num_rows, one.type)
        for one in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([one.with_nullable(True) for one in schema]))


def _joined(name: str, one: pa.RecordBatch, more: pa.RecordBatch) -> pa.RecordBatch:
    """Both, in order of arrival."""
    whole: Any = pa.Table.from_batches([one.cast(more.schema), more]).unify_dictionaries()
    order = np.argsort(arrivals(name, whole), kind="stable")
    (batch,) = whole.take(pa.array(order)).combine_chunks().to_batches()
    return batch  # type: ignore[no-any-return]
