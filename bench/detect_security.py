"""Floods, scans, password guessing and spoofing: delay and vector on captures, the twin's attacks, speed, memory.

    python -m bench.detect_security [captures decoys keys speed twin] [--data DIR] [--seed 101] [--hours 16]

``captures``: packets of real attacks (``--data``: folder of captures) at 200,000 a second, 1 in N sampled and told as
by sFlow, among the traffic of an ordinary site. Only the mix of packets is the capture's: those that are public are too
slow, or too short, to be sampled 1 in 4096 as they are. ``decoys``: what must not be called a flood. ``keys``: ten
million addresses that come once. ``speed``: CPU of one core. ``twin``: attacks and decoys of all strengths on the twin,
one every twenty minutes; settings were fixed on seeds 1 to 9, seeds from 101 on score. Delay is told from the start of
a flood, from the arrival of its first record, and from that of its tenth sampled packet: sooner nobody could be sure.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bench import _attacks
from bench._measure import cpu
from tests.detect.security.records import (
    DATA,
    DATA_FLAGS,
    OWN,
    SYN,
    T0,
    WHOLE,
    context,
    metered,
    packets,
    play,
    records,
    v4,
)

from weft.detect import registry
from weft.detect.detector import Finding, RowsDetector
from weft.detect.replay import Replayed
from weft.detect.scoring.matching import Verdict
from weft.detect.scoring.score import Score
from weft.detect.scoring.truth import Fault
from weft.detect.security.rows import flow_rows
from weft.detect.security.vectors import AMPLIFIERS
from weft.model.events import Event
from weft.twin.scenario import Scenario

DETECTORS = ("ddos", "port_scan", "brute_force", "spoofing")
VECTORS = {
    "amp.TCP.reflection.SYNACK": "SYN-ACK reflection",
    "amp.UDP.isakmp": "ISAKMP amplification",
    "amp.dns.RRSIG.fragmented": "DNS amplification",
    "pkt.TCP.synflood.spoofed": "SYN flood",
}
VICTIM = v4("203.0.113.10")
_ATTACKS = ("ddos_udp_amplification", "ddos_syn", "ddos_carpet", "port_scan", "brute_force")
_DECOYS = ("flash_crowd", "backup_burst", "benign_surge", "scanner_approved")
_EVERY_MIN = 20
emit = partial(_attacks.emit, "detect_security")


def ordinary(rng: np.random.Generator, second: int, rate: int, n: int = 0) -> pa.RecordBatch:
    """A second of an ordinary site: people outside at its services, both ways; some UDP, some SYNs, some DNS.

    The more coarsely it is sampled, the fewer records tell of it; or ``n``.
    """
    n = n or int(np.clip(4e5 / rate, 20, 4000))
    others = rng.integers(v4("1.0.0.0"), v4("100.0.0.0"), n)
    ours = v4("203.0.113.1") + rng.integers(0, 60, n)
    inward, asks = rng.random(n) < 0.4, rng.random(n) < 0.03  # what we ask ourselves: DNS
    protocol = np.where(asks | (rng.random(n) < 0.3), 17, 6)
    client = rng.integers(1024, 65535, n)
    opens = rng.random(n) < 0.05
    flags = np.where(protocol == 6, np.where(opens, SYN, DATA_FLAGS), 0)
    src_port = np.where(asks, np.where(inward, 53, client), np.where(inward, client, 443))
    dst_port = np.where(asks, np.where(inward, client, 53), np.where(inward, 443, client))
    return records(
        n, at_s=T0 + second + np.sort(rng.random(n)), src=np.where(inward, others, ours),
        dst=np.where(inward, ours, others), src_port=src_port, dst_port=dst_port, protocol=protocol, tcp_flags=flags,
        packets=np.where(opens, 1, np.where(inward, 2, 5)),
        bytes=np.where(opens, 60, np.where(inward, 300, 6000)), sampling_rate=rate, in_if=1 + inward,
    )  # fmt: skip


def captures(folder: Path) -> None:
    """Each capture at each sampling rate, after a minute of ordinary traffic."""
    for name, vector in VECTORS.items():
        path = folder / f"{name}.pcap"
        if not path.exists():
            emit(f"captures: {name}", None, "s from the first record", bar=2.0, missing=str(path.name))
            continue
        mix = packets(path)
        for rate in (1, 100, 1000, 4096):
            rng = np.random.default_rng(7)
            detector = registry.make("ddos", context(OWN))
            assert isinstance(detector, RowsDetector)
            early = play(detector, (ordinary(rng, second, max(rate, 100)) for second in range(-60, 0)))
            pps = 2e5 if rate > 1 else 5e4
            found, began = [], time.perf_counter()
            for second, batch in enumerate(metered(mix, pps, rate, 6, victim=VICTIM)):
                for part in range(0, batch.num_rows, max(1, batch.num_rows // 10)):  # ten batches a second
                    found += play(detector, [batch.slice(part, max(1, batch.num_rows // 10))])
                found += play(detector, [ordinary(rng, second, max(rate, 100))])
            right = [one for one in found if one.entity.text == "host:203.0.113.10"]
            emit(f"captures: {name}: 1 in {rate}", right[0].at_s - T0 if right else None, "s from the first record",
                 bar=2.0, vector=right[-1].title if right else None,
                 vector_right=bool(right) and vector in right[-1].title,
                 false=len({f.entity.text for f in (*early, *found)}) - bool(right),
                 wall_s=round(time.perf_counter() - began, 1))  # fmt: skip


def decoys() -> None:
    """What looks like a flood by its volume: two minutes of each, all detectors listening."""
    rng = np.random.default_rng(8)
    for name, made in (("flash crowd", _crowd), ("speed test", _speed_test), ("backup", _backup)):
        found: list[Finding] = []
        for one in DETECTORS:
            detector = registry.make(one, context(OWN))
            assert isinstance(detector, RowsDetector)
            found += play(detector, (batch for s in range(120) for batch in (ordinary(rng, s, 1000), *made(rng, s))))
        emit(f"decoys: {name}", len({(f.kind, f.entity.text) for f in found}), "events", bar=0.0,
             kinds=sorted({one.kind for one in found}))  # fmt: skip


def _crowd(rng: np.random.Generator, second: int) -> Iterator[pa.RecordBatch]:
    people, n = rng.integers(v4("1.0.0.0"), v4("100.0.0.0"), 5000), 5000
    yield records(n, at_s=T0 + second, src=people, dst=VICTIM, packets=3, bytes=900, tcp_flags=DATA_FLAGS,
                  sampling_rate=1000)  # fmt: skip
    yield records(n, at_s=T0 + second, src=VICTIM, dst=people, src_port=443, dst_port=50000, packets=9, bytes=12_000,
                  tcp_flags=DATA_FLAGS, sampling_rate=1000)  # fmt: skip
    yield records(600, at_s=T0 + second, src=people[:600], dst=VICTIM, tcp_flags=SYN, sampling_rate=1000)


def _speed_test(_rng: np.random.Generator, second: int) -> Iterator[pa.RecordBatch]:
    there, here = v4("9.9.9.9"), v4("203.0.113.50")
    yield records(1, at_s=T0 + second, src=there, dst=here, src_port=8080, dst_port=50123, packets=900,
                  bytes=1_300_000, tcp_flags=DATA_FLAGS, sampling_rate=1000)  # fmt: skip
    yield records(1, at_s=T0 + second, src=here, dst=there, src_port=50123, dst_port=8080, packets=450, bytes=20_000,
                  tcp_flags=0x10, sampling_rate=1000)  # fmt: skip


def _backup(_rng: np.random.Generator, second: int) -> Iterator[pa.RecordBatch]:
    yield records(4, at_s=T0 + second, src=v4("203.0.113.60"), dst=v4("9.8.7.6") + np.arange(4), src_port=50124,
                  packets=2000, bytes=2_900_000, tcp_flags=DATA_FLAGS, sampling_rate=1000)  # fmt: skip


def keys() -> None:
    """Ten million sources and destinations that come once, and a flood and a scan among them."""
    for name in DETECTORS:
        rng = np.random.default_rng(9)
        detector: Any = registry.make(name, context(()))
        before, found, used, rows = detector.bytes_used, [], cpu(), 0
        mix = records(400, src=rng.integers(1 << 24, 1 << 31, 400), dst=VICTIM, protocol=17, src_port=389, bytes=1400,
                      at_s=T0, sampling_rate=1000)  # fmt: skip
        for second in range(20):
            noise = records(500_000, at_s=T0 + second, src=rng.integers(1 << 24, 1 << 31, 500_000),
                            dst=rng.integers(1 << 24, 1 << 31, 500_000), tcp_flags=WHOLE if second % 2 else SYN,
                            dst_port=22)  # fmt: skip
            scan = records(50, at_s=T0 + second, src=v4("198.51.100.7"), dst=VICTIM, tcp_flags=SYN,
                           dst_port=1 + 50 * second + np.arange(50))  # fmt: skip
            tries = records(40, at_s=T0 + second, src=v4("198.51.100.8"), dst=VICTIM, tcp_flags=WHOLE, dst_port=22,
                            src_port=2000 + 40 * second + np.arange(40), packets=14, bytes=2200)  # fmt: skip
            flood = mix.set_column(
                mix.schema.get_field_index("time_received"),
                "time_received",
                pa.array(np.full(400, int((T0 + second) * 1e9))).cast(pa.timestamp("ns", "UTC")),
            )
            found += play(detector, [noise, scan, tries, flood])
            rows += 500_490
        emit(f"keys: {name}: memory", detector.bytes_used / 1e6, "MB", before_mb=round(before / 1e6, 2),
             grown=detector.bytes_used - before, cpu_s=round(cpu() - used, 1), rows=rows,
             found=sorted({f"{one.kind} {one.entity.text}" for one in found})[:5])  # fmt: skip


def speed() -> None:
    """Rows per second of one core, median of five, a batch a second of 50,000."""
    rng = np.random.default_rng(10)
    batches = [ordinary(rng, second, 1000, 50_000) for second in range(8)]
    for name in DETECTORS:
        detector: Any = registry.make(name, context(OWN))
        play(detector, batches[:1])
        told = []
        for _ in range(5):
            used = cpu()
            play(detector, batches)
            told.append(len(batches) * 50_000 / (cpu() - used))
        emit(f"speed: {name}", float(np.median(told)), "rows/s of a core", worst=round(min(told)))


def scenario(seed: int, hours: float) -> Scenario:
    """Attacks and decoys in turn, one every twenty minutes after the first hour, of any strength."""
    rng = np.random.default_rng(seed)
    kinds = [kind for pair in zip(_ATTACKS, (*_DECOYS, None), strict=True) for kind in pair if kind]
    faults = []
    for number, at in enumerate(range(60, int(hours * 60) - 20, _EVERY_MIN)):
        faults.append({"kind": kinds[number % len(kinds)], "at": f"{at}m", "severity": round(rng.uniform(0.1, 1), 2),
                       "duration": f"{int(rng.integers(6, 16))}m"})  # fmt: skip
    return Scenario.model_validate({
        "name": "attacks", "seed": seed, "since": "2026-03-03T06:00:00Z", "hours": hours, "pace": 0,
        "parts": ["flows"], "faults": faults,
    })  # fmt: skip


def twin(seed: int, hours: float, folder: Path | None) -> None:
    """Score on a run of the twin."""
    _attacks.on_twin(emit, scenario(seed, hours), DETECTORS, folder, _besides)


def _besides(where: Path, faults: Sequence[Fault], result: Score, done: Replayed) -> None:
    _delays(where, faults, [match for match in result.matches if match.verdict is Verdict.TRUE])
    floods = Counter(match.fault.id for match in result.matches if match.fault and match.event.detector == "ddos")
    if floods:
        emit("twin: events a flood", float(np.mean(list(floods.values()))), "events", 1.0, worst=max(floods.values()),
             floods=len(floods))  # fmt: skip
    rows = max(1, sum(done.rows.values()))
    for name, used in done.cpu_s.items():
        emit(f"twin: {name}: cpu", 1e6 * used / rows, "µs a row", failed=done.failed.get(name))


def _delays(where: Path, faults: Sequence[Fault], matches: Sequence[Any]) -> None:
    """Seconds to find each flood: from its start, from its first record, and from its tenth sampled packet."""
    parts = [pq.read_table(path) for path in sorted((where / "flows").glob("*.parquet"))]
    flows = flow_rows(pa.concat_tables(parts).combine_chunks().to_batches()[0])
    first: dict[str, Event] = {}
    for match in matches:
        if match.fault.kind.startswith("ddos"):
            first.setdefault(match.fault.id, match.event)
    told: dict[str, list[float]] = {"start": [], "the first record": [], "ten packets": []}
    for fault in faults:
        if fault.id not in first:
            continue
        event = first[fault.id]
        mask = _is_of(fault, flows) & (flows.received_s >= fault.start_s) & (flows.received_s <= event.detected_s)
        told["start"].append(event.detected_s - fault.start_s)
        if mask.any():
            order = np.argsort(flows.received_s[mask])
            came, packets_seen = flows.received_s[mask][order], np.cumsum(flows.seen[mask][order])
            told["the first record"].append(event.detected_s - float(came[0]))
            ten = min(int(np.searchsorted(packets_seen, 10)), len(came) - 1)
            told["ten packets"].append(event.detected_s - float(came[ten]))
    for name, delays in told.items():
        if delays:
            bar = 2.0 if "first" in name else None
            emit(f"twin: floods found after {name}", float(np.median(delays)), "s, median", bar,
                 within_2_s=sum(delay <= 2 for delay in delays), p90=round(float(np.quantile(delays, 0.9)), 2),
                 worst=round(max(delays), 2), floods=len(delays))  # fmt: skip


def _is_of(fault: Fault, flows: Any) -> Any:
    """Which rows are of a flood: to its victims, of its sort."""
    entity = str(fault.root_cause.id)
    base = v4(entity.split("/")[0])
    size = 1 << (32 - int(entity.split("/")[1])) if "/" in entity else 1
    to = (
        (flows.dst_high == 0)
        & (flows.dst_low >= (0xFFFF << 32) + base)
        & (flows.dst_low < (0xFFFF << 32) + base + size)
    )
    if fault.kind == "ddos_syn":
        return to & (flows.protocol == 6) & (flows.flags == SYN)
    return to & (flows.protocol == 17) & (np.isin(flows.src_port, [*AMPLIFIERS, 0]))


def main() -> None:
    """Prints one line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", nargs="*", default=["captures", "decoys", "keys", "speed", "twin"])
    parser.add_argument("--data", type=Path, default=DATA / "ddos")
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--hours", type=float, default=16.0)
    parser.add_argument("--folder", type=Path, help="keep the twin's run there, or take the one that is there")
    asked = parser.parse_args()
    cases: dict[str, Callable[[], None]] = {
        "captures": lambda: captures(asked.data), "decoys": decoys, "keys": keys, "speed": speed,
        "twin": lambda: twin(asked.seed, asked.hours, asked.folder),
    }  # fmt: skip
    for case in asked.case:
        cases[case]()


if __name__ == "__main__":
    main()
