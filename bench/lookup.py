"""Prefix match and the whole enrich stage, per CPU-second of one core; without and with the routes of exporters.

    python -m bench.lookup [--prefixes4 925000] [--prefixes6 170000] [--rows 1000000]

Tables are as large as a full routing table and as clustered as real allocations. The peer of a lookup is numpy's binary
search (``searchsorted``) over as many prefixes: what is at hand without a compiled trie. Runs are interleaved; values
are medians.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.enrich.ids import IdRegistry
from weft.enrich.merge import Merged, merge
from weft.enrich.prefixes import PrefixRows, PrefixTable, format_prefix
from weft.model.flows import DECODED_SCHEMA

_LENGTHS4 = ([8, 12, 14, 16, 18, 19, 20, 21, 22, 23, 24, 28, 32], [1, 3, 6, 15, 30, 45, 60, 60, 115, 110, 540, 10, 5])
_LENGTHS6 = ([20, 29, 32, 36, 40, 44, 48, 56, 64, 128], [1, 30, 190, 60, 90, 90, 490, 25, 20, 4])
#: /16s that the regional registries allocate from; most prefixes lie in few of them.
_REGIONS6 = np.array(
    [0x2001, 0x2400, 0x2600, 0x2607, 0x2620, 0x2800, 0x2804, 0x2A00, 0x2A02, 0x2A0C, 0x2C0F], np.uint64
)


def emit(case: str, value: float, unit: str, peer: str | None = None, peer_value: float | None = None) -> None:
    """One result line."""
    ratio = round(value / peer_value, 3) if peer_value else None
    shown = None if peer_value is None else round(peer_value, 2)
    print(json.dumps({"bench": "lookup", "case": case, "value": round(value, 2), "unit": unit, "peer": peer,
                      "peer_value": shown, "ratio": ratio}), flush=True)  # fmt: skip


def route_table(rng: np.random.Generator, count4: int, count6: int) -> PrefixTable:
    """Prefixes with AS, country and, for some, a service."""

    def lengths(spec: tuple[list[int], list[int]], count: int) -> NDArray[np.uint64]:
        weights = np.array(spec[1], float)
        return rng.choice(spec[0], count, p=weights / weights.sum()).astype(np.uint64)

    def codes(count: int) -> NDArray[np.uint32]:
        service = np.where(rng.random(count) < 0.02, rng.integers(1, 400, count), 0)
        asn = rng.integers(1, 75_000, count)
        country = np.where(rng.random(count) < 0.05, rng.integers(1, 240, count), asn % 239 + 1)
        return np.stack([asn, country, service], 1).astype(np.uint32)

    length = lengths(_LENGTHS4, count4 * 11 // 10)
    address = rng.integers(0x01000000, 0xE0000000, len(length)).astype(np.uint64) << np.uint64(32)
    v4 = _unique(address, np.zeros_like(address), length, count4)
    length = lengths(_LENGTHS6, count6 * 13 // 10)
    high = rng.choice(_REGIONS6, len(length)) << np.uint64(48)
    high |= rng.integers(0, 1 << 16, len(length)).astype(np.uint64) << np.uint64(32)
    high |= rng.integers(0, 1 << 9, len(length)).astype(np.uint64) << np.uint64(16) | np.uint64(1)
    v6 = _unique(high, rng.integers(0, 1 << 62, len(length)).astype(np.uint64), length, count6)
    texts = ((), tuple(f"C{i}" for i in range(240)), tuple(f"service {i}" for i in range(400)))
    rows = [PrefixRows(h, lo, n.astype(np.uint8), codes(len(h))) for h, lo, n in (v4, v6)]
    return PrefixTable(("asn", "country", "service"), texts, rows[0], rows[1])


def _unique(
    high: NDArray[np.uint64], low: NDArray[np.uint64], length: NDArray[np.uint64], count: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    high = high & (ones << (np.uint64(64) - np.minimum(length, np.uint64(64))) if len(length) else high)
    low = np.where(length > 64, low, np.uint64(0))
    keys = np.unique(np.stack([high, low, length], 1), axis=0)
    keys = keys[np.random.default_rng(9).permutation(len(keys))[:count]]
    return keys[:, 0].copy(), keys[:, 1].copy(), keys[:, 2].copy()


def addresses(table: PrefixTable, rng: np.random.Generator, count: int, family: int, zipf: bool) -> NDArray[np.uint64]:
    """``[count, 2]`` address words in memory order, inside random prefixes of the table."""
    rows = table.v4 if family == 4 else table.v6
    pick = (rng.zipf(1.2, count) - 1) % min(200_000, len(rows)) if zipf else rng.integers(0, len(rows), count)
    length = rows.length[pick].astype(np.uint64)
    noise = rng.integers(0, 1 << 63, count).astype(np.uint64)
    high = rows.high[pick] | np.where(length < 64, noise >> np.minimum(length, np.uint64(63)), 0).astype(np.uint64)
    low = np.where(length < 128, rng.integers(0, 1 << 62, count).astype(np.uint64) * np.uint64(3), rows.low[pick])
    if family == 4:
        high, low = np.zeros(count, np.uint64), np.uint64(0xFFFF00000000) | high >> np.uint64(32)
    if zipf:  # the same addresses again, as flows have them
        first = np.unique(pick, return_index=True, return_inverse=True)
        high, low = high[first[1]][first[2]], low[first[1]][first[2]]
    return np.stack([high, low], 1).byteswap()


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of this process that ``work`` takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def bench_lookups(merged: Merged, table: PrefixTable, rng: np.random.Generator, count: int) -> None:
    """Addresses per CPU-second, ours and numpy's."""
    for family in (4, 6):
        rows = table.v4 if family == 4 else table.v6
        starts = np.unique(rows.high)
        values = np.arange(len(starts), dtype=np.uint32)
        for zipf in (True, False):
            words = addresses(table, rng, count, family, zipf)
            native = words.byteswap()
            keys = (native[:, 1] << np.uint64(32)) if family == 4 else native[:, 0]
            ours, theirs = [], []
            merged.index.lookup(words)
            for _ in range(7):
                ours.append(timed(lambda words=words: merged.index.lookup(words)))  # type: ignore[misc]
                theirs.append(timed(lambda k=keys, s=starts, v=values: v[np.searchsorted(s, k, side="right") - 1]))  # type: ignore[misc]
            name = f"IPv{family}, {'Zipf' if zipf else 'uniform'}"
            emit(name, count / statistics.median(ours) / 1e6, "M addresses/CPU-s", "numpy searchsorted",
                 count / statistics.median(theirs) / 1e6)  # fmt: skip


def flow_batch(
    table: PrefixTable, rng: np.random.Generator, rows: int, exporters: list[bytes] | None = None
) -> pa.RecordBatch:
    """Decoded flows, one in five IPv6, addresses by Zipf, the usual ports, 30 flows of an exporter in a row."""
    wide = rng.random(rows) < 0.2
    columns: dict[str, NDArray[np.generic]] = {}
    for side in ("src", "dst"):
        four, six = (addresses(table, rng, rows, family, True) for family in (4, 6))
        columns[f"{side}_addr"] = np.where(wide[:, None], six, four)
    columns["src_port"] = rng.integers(32768, 61000, rows).astype(np.uint16)
    columns["dst_port"] = rng.choice([443, 80, 53, 22, 8080, 3306, 51234], rows).astype(np.uint16)
    columns["protocol"] = rng.choice([6, 17], rows).astype(np.uint8)
    if exporters:
        sent = np.frombuffer(b"".join(exporters), np.uint8).reshape(-1, 16)
        columns["exporter"] = sent[np.arange(rows) // 30 % len(exporters)]
    arrays = []
    for field in DECODED_SCHEMA:
        width = field.type.bit_width // 8
        data = columns.get(field.name)
        raw = np.zeros(rows * width, np.uint8) if data is None else np.ascontiguousarray(data)
        arrays.append(pa.Array.from_buffers(field.type, rows, [None, pa.py_buffer(raw.data)]))
    return pa.RecordBatch.from_arrays(arrays, schema=DECODED_SCHEMA)


def bench_stage(table: PrefixTable, rng: np.random.Generator, rows: int) -> None:
    """The whole stage, from the reference table on disk to the enriched batch."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "routes.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write("prefix,asn,country,service\n")
            for family, part in ((4, table.v4), (6, table.v6)):
                for high, low, length, code in zip(part.high.tolist(), part.low.tolist(), part.length.tolist(),
                                                   part.codes.tolist(), strict=True):  # fmt: skip
                    service = table.texts[2][code[2] - 1] if code[2] else ""
                    prefix = format_prefix((family, high, low, length))
                    file.write(f"{prefix},{code[0]},{table.texts[1][code[1] - 1]},{service}\n")
        enricher = Enricher(EnrichConfig.model_validate({"prefixes": [path]}))
        began = time.process_time()
        skipped = enricher.tables()[0].skipped
        assert skipped == 0, enricher.tables()[0].problems
        emit(f"read a CSV of {len(table) / 1e6:.2f} M prefixes and build", time.process_time() - began, "CPU-s")
        batch = flow_batch(table, rng, rows)
        enricher.enrich(batch)
        spent = [timed(lambda: enricher.enrich(batch)) for _ in range(7)]
        emit(
            f"enrich {rows} rows: both addresses, AS, network, application",
            statistics.median(spent) / rows * 1e9,
            "ns/row",
        )
        bare = Enricher(EnrichConfig())
        bare.enrich(batch)
        spent = [timed(lambda: bare.enrich(batch)) for _ in range(7)]
        emit(f"enrich {rows} rows, no tables: application", statistics.median(spent) / rows * 1e9, "ns/row")
        bench_routes(enricher, table, rng, rows)


class Router:
    """Routers that use a route for every prefix of a table, over 150 000 distinct paths."""

    def __init__(self, table: PrefixTable, rng: np.random.Generator, exporters: list[bytes]) -> None:
        self._exporters = exporters
        words = [table.v4.high >> np.uint64(32) | np.uint64(0xFFFF00000000), table.v6.high, table.v6.low]
        prefix = np.zeros((len(table), 2), ">u8")
        prefix[: len(table.v4), 1] = words[0]
        prefix[len(table.v4) :, 0], prefix[len(table.v4) :, 1] = words[1], words[2]
        self.prefix = prefix.view(np.uint8)
        self.length = np.concatenate([table.v4.length, table.v6.length])
        self.family = np.repeat(np.array([1, 2], np.uint8), [len(table.v4), len(table.v6)])
        self.path = rng.integers(0, 150_000, len(table)).astype(np.int32)
        self.paths = SimpleNamespace(
            fingerprint=rng.integers(1, 1 << 63, 150_000).astype(np.uint64),
            origin_as=rng.integers(1, 75_000, 150_000).astype(np.uint32),
            next_hop=rng.integers(0, 255, (150_000, 16)).astype(np.uint8),
        )

    def exporters(self) -> list[bytes]:
        """Their addresses."""
        return self._exporters

    def version(self, _: bytes) -> int:
        """Nothing changes."""
        return 1

    def best(self, _: bytes) -> Router:
        """What any of them uses."""
        return self


def bench_routes(enricher: Enricher, table: PrefixTable, rng: np.random.Generator, rows: int) -> None:
    """What routes cost: while none are known, while none are of the exporters that send, and while all are."""
    senders = [bytes(10) + b"\xff\xff" + bytes((198, 51, 100, number)) for number in range(4)]
    one, four = (flow_batch(table, np.random.default_rng(5), rows, senders[:count]) for count in (1, 4))
    ways: dict[str, tuple[Enricher, pa.RecordBatch]] = {"no routes known": (enricher, one)}
    for name, routers, batch in (
        ("routes of another exporter", [bytes(15) + b"\1"], one), ("one exporter with a full table", senders[:1], one),
        ("four exporters with full tables", senders, four),
    ):  # fmt: skip
        routed = Enricher(enricher._config)
        routed.routes.use(Router(table, rng, routers))
        routed.enrich(batch)
        began = time.process_time()
        routed.routes.look()
        if routers == senders[:1]:
            emit("tables of one exporter: build", time.process_time() - began, "CPU-s")
            emit("tables of one exporter: memory", routed.routes.status()[1] / 1e6, "MB")
        ways[name] = routed, batch
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(8):
        for name, (by, batch) in ways.items():
            spent[name].append(timed(lambda by=by, batch=batch: by.enrich(batch)))  # type: ignore[misc]
    base = statistics.median(spent["no routes known"][1:]) / rows * 1e9
    for name, times in spent.items():
        emit(
            f"enrich {rows} rows, {name}", statistics.median(times[1:]) / rows * 1e9, "ns/row", "no routes known", base
        )


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefixes4", type=int, default=925_000)
    parser.add_argument("--prefixes6", type=int, default=170_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    rng = np.random.default_rng(3)
    table = route_table(rng, options.prefixes4, options.prefixes6)
    merge([table], IdRegistry())
    builds = []
    for _ in range(3):
        gc.collect()
        builds.append(timed(lambda: merge([table], IdRegistry())))
    merged = merge([table], IdRegistry())
    emit(f"build from {len(table.v4)} IPv4 and {len(table.v6)} IPv6 prefixes", statistics.median(builds), "CPU-s")
    emit("memory of the index", merged.index.nbytes / 1e6, "MB")
    bench_lookups(merged, table, rng, options.rows)
    bench_stage(table, rng, options.rows)


if __name__ == "__main__":
    main()
