"""A small run on disk, and detectors whose findings are plain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector, SeriesDetector, Watch
from weft.detect.frame import Frame, SeriesKey
from weft.model.events import Entity, EventGroup, Severity
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.rows import batch_of

SINCE = 1_772_668_800
TRUTH = {
    "type": "fault", "id": "cpu-1", "kind": "cpu_overload", "group": "device", "start": SINCE + 1000.0,
    "end": SINCE + 1300.0, "severity": 0.9, "is_benign": False, "root_cause": "device:r1", "title": "Busy",
    "symptoms": [{"dataset": "logs", "entity": "device:r1", "after_s": 0.0}],
}  # fmt: skip


def write_run(path: Path, hours: float = 1.0, log_times: Sequence[float] = (1010.5, 1020.5)) -> Path:
    """Two senders' counters, of which one's file is not in order of time, and one device's words."""
    (path / "metrics").mkdir(parents=True)
    (path / "logs").mkdir()
    (path / "reference").mkdir()
    scenario = {"name": "small", "seed": 3, "since": "2026-03-05T00:00:00Z", "hours": hours}
    (path / "scenario.json").write_text(json.dumps({"scenario": scenario, "format": "parquet"}), encoding="utf-8")
    (path / "truth.jsonl").write_text(json.dumps(TRUTH) + "\n", encoding="utf-8")
    minutes = np.arange(0, hours * 3600, 60)
    for host, order in (("r1", minutes), ("r2", minutes[::-1])):
        at = ((SINCE + order) * 1e9).astype(np.int64)
        rows = batch_of(
            METRICS,
            len(at),
            time=at,
            time_received=np.full(len(at), at.max()),
            host=host,
            metric="cpu",
            metric_type=2,
            value=7.0,
        )
        _write(path / "metrics" / f"{host}.parquet", rows)
    at = SINCE * 10**9 + np.round(np.array(log_times) * 1e9).astype(np.int64)
    _write(path / "logs" / "all.parquet", batch_of(LOGS, len(at), time=at, time_received=at, host="r1", message="hot"))
    return path


def _write(path: Path, rows: pa.RecordBatch) -> None:
    pq.write_table(pa.Table.from_batches([rows]), path, row_group_size=16)


class Words(RowsDetector):
    """Finds every log line, and remembers when it was told the time."""

    about = About("words", "Words", EventGroup.DEVICE, "Every line.", {"cpu_high": "A line."})
    tables = ("logs", "metrics")

    def __init__(self, _: Context) -> None:
        self.seen: list[tuple[str, float]] = []
        self.ticks: list[float] = []

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        times: Any = rows.column(rows.schema.get_field_index("time")).cast(pa.int64())
        at = (times.to_numpy() / 1e9).tolist()
        self.seen += [(table, one) for one in at]
        if table != "logs":
            return []
        entity = Entity(kind="device", id="r1")
        return [Finding("cpu_high", entity, one, "Busy", "It said so.", Severity.MAJOR, hold_s=60.0) for one in at]

    def tick(self, now_s: float) -> list[Finding]:
        self.ticks.append(now_s)
        return []


class Broken(Words):
    """Falls over at the first log line."""

    about = About("broken", "Broken", EventGroup.DEVICE, "Never works.", {})

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        if table == "logs":
            raise RuntimeError("no")
        return super().take(table, rows)


class Levels(SeriesDetector):
    """Finds every value above 10."""

    about = About("levels", "Levels", EventGroup.TRAFFIC, "Above ten.", {"spike": "Above ten."})
    watch = Watch("metrics", "average", ("device",), "device", ("device",), step_s=60, history_s=600, lateness_s=30)

    def __init__(self, _: Context) -> None:
        self.learned: list[int] = []
        self.fed: list[int] = []

    def learn(self, frame: Frame) -> None:
        self.learned += frame.times_s.tolist()

    def feed(self, frame: Frame) -> list[Finding]:
        self.fed += frame.times_s.tolist()
        return [
            Finding("spike", key.entity, float(at), "High", f"{value:g}", Severity.MINOR, seen=float(value))
            for key, values in zip(frame.keys, frame.values, strict=True)
            for at, value in zip(frame.times_s, values, strict=True)
            if value > 10
        ]

    def save(self) -> bytes:
        return b""

    def load(self, state: bytes) -> None: ...


class Steps:
    """``Frames`` of one device: high during ten minutes."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def frame(self, watch: Watch, filter_text: str, since_s: int, until_s: int) -> Frame:
        del filter_text
        self.asked.append((since_s, until_s))
        times = np.arange(since_s, until_s, watch.step_s)
        high = (times >= SINCE + 1200) & (times < SINCE + 1800)
        key = SeriesKey(Entity(kind="device", id="r1"), {})
        return Frame([key], times, np.where(high, 20.0, 5.0)[None, :], watch.step_s)


class NoNames:
    """``Names`` that knows nothing."""

    def device(self, address: bytes) -> str:
        return address.hex()

    def interface(self, address: bytes, if_index: int) -> str:
        return f"{address.hex()}/{if_index}"

    def site(self, device: str) -> str:
        return device[:0]

    def site_of_address(self, address: bytes) -> str:
        return address.hex()[:0]


class NoRows:
    """``Rows`` without any."""

    def rows(
        self, tables: Sequence[str], since_s: float, until_s: float
    ) -> Iterator[tuple[float, str, pa.RecordBatch]]:
        del tables, since_s, until_s
        yield from ()


CONTEXT = Context(NoNames())
BUILT_IN: Mapping[str, str] = {
    "words": "tests.detect.histories:Words", "broken": "tests.detect.histories:Broken",
    "levels": "tests.detect.histories:Levels",
}  # fmt: skip
