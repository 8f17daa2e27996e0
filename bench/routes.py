"""How long it takes to look up a route as of a time in a table of a million routes with its history.

    ./dev bench routes [ROUTES]

Two neighbours of one router each tell of a million prefixes, as clustered as real ones; three days of history follow,
with 3 % of the routes changing each hour and all of them written again each day (10 million rows). They are made and
loaded once into ``bench/.cache``; later runs reuse them. Every look-up is of another prefix and another time of the
last day. Prints one JSON line per kind of question: the 95th percentile, the first and cold one included.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from bench._measure import cpu, emit, settle
from numpy.typing import NDArray

from weft.model.addresses import packed
from weft.model.routes import ROUTES
from weft.model.rows import batch_of
from weft.query.config import QueryConfig
from weft.query.routing.prefixes import prefix_text
from weft.query.routing.questions import RoutingQuestions
from weft.query.routing.rows import Only
from weft.store.config import StoreConfig
from weft.store.open import open_store
from weft.store.telemetry import TelemetryStore

COUNT, DAYS, HOURLY, BATCH = 1_000_000, 3, 0.03, 100_000
CACHE = Path(__file__).parent / ".cache"
END = 1_793_491_200
LOOKUPS, BAR_MS = 200, 50
ROUTER, PEERS = "192.0.2.1", ("198.51.100.1", "198.51.100.2")
_LENGTHS = ([8, 12, 14, 16, 18, 19, 20, 21, 22, 23, 24], [1, 3, 6, 15, 30, 45, 60, 60, 115, 110, 555])
_DAY, _HOUR, _US, _NS = 86_400, 3_600, 1_000_000, 10**9


@dataclass
class Made:
    """Prefixes, and for each neighbour AS paths to choose from."""

    prefix: NDArray[np.uint8]
    length: NDArray[np.uint8]
    origin: NDArray[np.uint32]
    hops: NDArray[np.uint16]
    words: list[Any]


def make(rng: np.random.Generator, count: int) -> Made:
    """Nine in ten are IPv4; a tenth as many paths as prefixes."""
    four = count * 9 // 10
    weights = np.array(_LENGTHS[1]) / sum(_LENGTHS[1])
    length = rng.choice(_LENGTHS[0], four * 14 // 10, p=weights).astype(np.uint64)
    first = rng.integers(0x01000000, 0xE0000000, len(length)).astype(np.uint64) >> (32 - length) << (32 - length)
    keys = np.unique(first << np.uint64(8) | length)
    keys = np.sort(rng.permutation(keys)[:four])
    prefix = np.zeros((count, 16), np.uint8)
    prefix[:four, 10:12] = 255
    prefix[:four, 12:] = (keys >> np.uint64(8)).astype(">u4").view(np.uint8).reshape(-1, 4)
    six = np.uint64(0x2001 << 48) | rng.permutation(1 << 24)[: count - four].astype(np.uint64) << np.uint64(16)
    prefix[four:, :8] = six.astype(">u8").view(np.uint8).reshape(-1, 8)
    lengths = np.full(count, 48, np.uint8)
    lengths[:four] = keys & np.uint64(255)
    paths = count // 10
    origin, hops = rng.integers(1, 70_000, paths).astype(np.uint32), rng.integers(2, 6, paths).astype(np.uint16)
    middle = rng.integers(1, 70_000, (paths, 3))
    words = [
        pa.array([" ".join(map(str, (64500 + i, *middle[n, : hops[n] - 2], origin[n]))) for n in range(paths)])
        for i in range(len(PEERS))
    ]
    return Made(prefix, lengths, origin, hops, words)


def batch(made: Made, rows: NDArray[np.int64], peer: int, event: Any, times: Any, turn: int) -> pa.RecordBatch:
    """What one neighbour says of some prefixes; ``turn`` makes it another path."""
    path = ((rows * 7919 + turn) % len(made.origin)).astype(np.int32)
    indices: Any = pa.array(path)
    words: Any = pa.DictionaryArray.from_arrays(indices, made.words[peer])
    prefix = pa.Array.from_buffers(pa.binary(16), len(rows), [None, pa.py_buffer(made.prefix[rows].tobytes())])
    return batch_of(
        ROUTES, len(rows), time=times, time_received=times, exporter=packed(ROUTER), source=1, rib=1, event=event,
        peer=packed(PEERS[peer]), peer_as=64500 + peer, neighbor_as=64500 + peer,
        family=np.where(made.length[rows] == 48, 2, 1).astype(np.uint8), prefix=prefix,
        prefix_length=made.length[rows], origin_as=made.origin[path], as_path=words.dictionary_decode(),
        as_path_length=made.hops[path], next_hop=packed(PEERS[peer]), communities="64500:120", rpki=3,
    )  # fmt: skip


def load(store: TelemetryStore, made: Made, rng: np.random.Generator) -> float:
    """Insert everything; CPU seconds per million rows."""
    count, start, began, rows = len(made.length), (END - DAYS * _DAY) * _NS, cpu(), 0

    def put(which: NDArray[np.int64], peer: int, event: Any, times: Any, turn: int) -> None:
        nonlocal rows
        store.insert(ROUTES, batch(made, which, peer, event, times, turn))
        rows += len(which)

    def table(event: int, at: int) -> None:
        for first in range(0, count, BATCH):
            which = np.arange(first, min(first + BATCH, count))
            for peer in range(len(PEERS)):
                put(which, peer, event, at + which * 1000, 0)

    for peer in PEERS:
        up = {"event": 5, "peer": packed(peer), "exporter": packed(ROUTER), "rib": 1, "source": 1}
        store.insert(ROUTES, batch_of(ROUTES, 1, time=start - _NS, time_received=start - _NS, **up))
    table(1, start)
    for hour in range(DAYS * 24):
        which = rng.integers(0, count, int(count * HOURLY))
        times = start + hour * _HOUR * _NS + np.sort(rng.integers(_NS, _HOUR * _NS, len(which)))
        events = np.where(rng.random(len(which)) < 0.05, 3, 2).astype(np.uint8)
        put(which, hour % len(PEERS), events, times, hour + 1)
        if hour % 24 == 23 and hour + 1 < DAYS * 24:
            table(4, start + (hour + 1) * _HOUR * _NS)
    return (cpu() - began) / rows * 1e6


def timed(work: Callable[[int], object], runs: int) -> dict[str, float]:
    """95th percentile (``value``), median and greatest time, and the 95th percentile of CPU; ms."""
    times, used = [], []
    for n in range(runs):
        began, before = time.perf_counter(), time.process_time()
        work(n)
        times.append((time.perf_counter() - began) * 1000)
        used.append((time.process_time() - before) * 1000)
    worst = {"value": float(np.quantile(times, 0.95)), "cpu": float(np.quantile(used, 0.95))}
    return worst | {"p50": float(np.median(times)), "most": max(times)}


def main(arguments: list[str]) -> None:
    """Load if need be, then ask."""
    count = int(arguments[0]) if arguments else COUNT
    folder, rng = CACHE / f"routes-{count}", np.random.default_rng(11)
    made, loaded = make(rng, count), (folder / "loaded").exists()
    store = open_store(StoreConfig(data_dir=folder, retention_days={ROUTES.name: 20000}))
    store.start()
    if not loaded:
        emit("routes", "storing a row", load(store, made, rng), "µs CPU", bar=10)
        settle(store)
        (folder / "loaded").touch()
    ask = RoutingQuestions(store, QueryConfig(), clock=lambda: float(END))
    picks, times = rng.integers(0, count, LOOKUPS), rng.integers(END - _DAY, END, LOOKUPS)
    texts = [prefix_text(made.prefix[n].tobytes(), int(made.length[n])) for n in picks]
    hosts, day = [text.split("/")[0] for text in texts], str(END - _DAY)
    four = [text for text in texts if ":" not in text]
    cases: dict[str, tuple[Callable[[int], object], int, float]] = {
        "look-up, the prefix": (lambda n: ask.look_up(texts[n], str(times[n]), "exact"), LOOKUPS, BAR_MS),
        "look-up, all that covers an address": (
            lambda n: ask.look_up(hosts[n], str(times[n]), "covering"), LOOKUPS, BAR_MS),
        "look-up, with up to 200 more specific of a /16": (
            lambda n: ask.look_up(four[n].split("/")[0] + "/16", str(times[n]), "all"), 50, 200),
        "timeline of 24 h": (lambda n: ask.timeline(texts[n], day, str(END)), 50, 500),
        "sessions, every standing route counted": (lambda n: ask.sessions(str(END - _DAY - n * 60), str(END - n * 60)),
                                                   8, 3000),
        "what changes most, 24 h": (lambda _: ask.churn(day, str(END), "prefix"), 8, 3000),
        "routes by origin validation": (lambda _: ask.judged(str(END), "not_found", Only(peers=PEERS[:1])), 8, 3000),
    }  # fmt: skip
    for case, (work, runs, bar) in cases.items():
        emit("routes", case, unit="ms", bar=bar, **timed(work, runs))
    store.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
