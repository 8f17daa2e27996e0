"""RPKI: how fast payloads come in and routes are judged, per CPU-second of one core.

    python -m bench.rpki [--payloads 700000] [--routes 1000000]

As many payloads as the world has, in the answer of a cache and in the file of a validator. The peer of judging is the
plain way: for each route every shorter prefix is looked up in a dictionary.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from weft.collect.routing.validity import ValidityIndex
from weft.decode.rtr import Vrps
from weft.decode.rtr.files import read_vrps
from weft.decode.rtr.stream import Prefixes, RtrStream

_READ = 1 << 16


def emit(case: str, value: float, unit: str, peer: str | None = None, peer_value: float | None = None) -> None:
    """One result line."""
    ratio = round(value / peer_value, 3) if peer_value else None
    line = {"bench": "rpki", "case": case, "value": round(value, 3), "unit": unit, "peer": peer}
    print(json.dumps(line | {"peer_value": peer_value and round(peer_value, 3), "ratio": ratio}), flush=True)


def timed(work: Callable[[], object], times: int = 5) -> float:
    """CPU seconds of this process that ``work`` takes: the median, after one run that does not count."""
    spent = []
    for _ in range(times + 1):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return statistics.median(spent[1:])


def prefixes(rng: np.random.Generator, count: int) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """IPv4 prefixes as routing tables have them."""
    length = rng.choice([16, 19, 20, 21, 22, 23, 24], count, p=[0.04, 0.06, 0.08, 0.07, 0.12, 0.1, 0.53])
    address = rng.integers(1 << 24, 224 << 24, count) >> (32 - length) << (32 - length)
    return address.astype(np.uint32), length.astype(np.uint8)


def answer(address: NDArray[np.uint32], length: NDArray[np.uint8], asn: NDArray[np.uint32]) -> bytes:
    """Prefix PDUs (version 1) of payloads."""
    pdu = np.zeros(len(address), [("head", "V8"), ("bits", "u1", 4), ("prefix", ">u4"), ("asn", ">u4")])
    pdu["head"] = np.frombuffer(bytes((1, 4, 0, 0, 0, 0, 0, 20)), "V8")
    pdu["bits"][:, 0], pdu["bits"][:, 1], pdu["bits"][:, 2] = 1, length, length
    pdu["prefix"], pdu["asn"] = address, asn
    return pdu.tobytes()


def bench_payloads(rng: np.random.Generator, count: int) -> Vrps:
    """From the wire and from a file to a set."""
    address, length = prefixes(rng, count)
    asn = rng.integers(1, 75_000, count).astype(np.uint32)
    data = answer(address, length, asn)

    def whole() -> Vrps:
        stream, runs = RtrStream(), []
        for at in range(0, len(data), _READ):
            runs += [one for one in stream.feed(data[at : at + _READ]) if isinstance(one, Prefixes)]
        changes = Vrps.concatenated([run.vrps for run in runs])
        return Vrps.none().changed(changes, np.concatenate([run.announced for run in runs]))[0]

    held = whole()
    emit(f"RTR, {count} payloads: decode and sort", count / timed(whole) / 1e6, "M payloads/CPU-s")
    few = held.at(np.arange(100))
    spent = timed(lambda: held.changed(few, np.arange(100) % 2 == 0))
    emit("100 changes to them", spent * 1e3, "CPU-ms")
    emit("index for judging", timed(lambda: ValidityIndex(held)) * 1e3, "CPU-ms")
    roas = [{"asn": one.asn, "prefix": one.prefix, "maxLength": one.max_length, "ta": "x"} for one in held.words()]
    text = json.dumps({"roas": roas}).encode()
    emit("JSON file of them", len(held) / timed(lambda: read_vrps(text), 1) / 1e6, "M payloads/CPU-s")
    return held


def bench_judging(rng: np.random.Generator, held: Vrps, count: int) -> None:
    """States of routes, ours and by dictionary."""
    address, length = prefixes(rng, count)
    prefix = np.zeros((count, 16), np.uint8)
    prefix[:, 10:12] = 255
    prefix[:, 12:] = address.astype(">u4").view(np.uint8).reshape(-1, 4)
    origin = rng.integers(1, 75_000, count).astype(np.uint32)
    index = ValidityIndex(held)
    by_prefix: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for low, bits, most, asn in zip(
        *(c.tolist() for c in (held.low, held.length, held.max_length, held.asn)), strict=True
    ):
        by_prefix.setdefault((low & 0xFFFFFFFF, bits), []).append((most, asn))
    part = count // 20
    told: list[int] = []

    def plain() -> None:
        told.clear()
        for one, bits, asn in zip(address[:part].tolist(), length[:part].tolist(), origin[:part].tolist(), strict=True):
            state = 3
            for shorter in range(bits, -1, -1):
                for most, other in by_prefix.get((one >> (32 - shorter) << (32 - shorter), shorter), ()):
                    state = 1 if state == 1 or (other == asn and bits <= most) else 2
            told.append(state)

    theirs = part / timed(plain, 1) / 1e6
    ours = count / timed(lambda: index.states(prefix, length, origin)) / 1e6
    assert index.states(prefix[:part], length[:part], origin[:part]).tolist() == told
    emit(f"{count} routes judged", ours, "M routes/CPU-s", "dictionary by prefix, Python", theirs)


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--payloads", type=int, default=700_000)
    parser.add_argument("--routes", type=int, default=1_000_000)
    options = parser.parse_args()
    rng = np.random.default_rng(8210)
    bench_judging(rng, bench_payloads(rng, options.payloads), options.routes)


if __name__ == "__main__":
    main()
