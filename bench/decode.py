"""How fast NetFlow v5, v9 and IPFIX records become flow columns, per CPU-second of one core.

    python -m bench.decode [--datagrams N]

Varied records of 1 and of 24 exporters, in batches of 1024 datagrams, decoded as they would be in service: templates
and a sampler per exporter, times, sampling, sequence accounting, Arrow columns out. Before each batch its bytes are
copied into the receive buffer, as the socket would do; that is not counted, decoding alone is. Rounds of all cases
interleave; the figure is the median. The peer is ``struct`` unpacking each record into a tuple, which does none of the
rest.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import struct
import time
from collections.abc import Callable

import numpy as np
from bench import traffic

from weft.decode.flow.decoder import FlowDecoder

_BATCH = 1024
_ROUNDS = 9


class Case:
    """One protocol and number of exporters."""

    def __init__(self, name: str, datagrams: list[tuple[int, bytes]], peer: Callable[[bytes], int]) -> None:
        self.name = name
        self._batches = [traffic.batch(datagrams[i : i + _BATCH]) for i in range(0, len(datagrams), _BATCH)]
        self._payloads = [payload for _, payload in datagrams[-_BATCH:]]
        self._peer = peer
        self.rates: list[float] = []
        self.peer_rates: list[float] = []
        self._buffer = np.zeros(max(len(batch.data) for batch in self._batches), np.uint8)
        self._decoder = FlowDecoder()
        self._decoder.decode(self._batches[0])

    def round(self) -> None:
        """Measure once, product and peer in turn."""
        records, spent = 0, 0.0
        for batch in self._batches:
            self._buffer[: len(batch.data)] = batch.data
            received = dataclasses.replace(batch, data=self._buffer)
            began = time.process_time()
            records += self._decoder.decode(received).flows.num_rows
            spent += time.process_time() - began
        self.rates.append(records / spent)
        began = time.process_time()
        records = sum(self._peer(payload) for payload in self._payloads)
        self.peer_rates.append(records / (time.process_time() - began))

    def report(self) -> str:
        """The JSON line."""
        value, peer = statistics.median(self.rates), statistics.median(self.peer_rates)
        line = {"bench": "decode", "case": self.name, "value": round(value / 1e6, 2), "unit": "M flows/cpu-s"}
        line |= {"peer": "struct", "peer_value": round(peer / 1e6, 2), "ratio": round(value / peer, 1)}
        return json.dumps(line)


def _v5_peer(payload: bytes) -> int:
    return len(list(struct.iter_unpack(">IIIHHIIIIHHxBBBHHBBxx", payload[24:])))


def _templated_peer(version: int) -> Callable[[bytes], int]:
    fields = traffic.V9_FIELDS if version == 9 else traffic.IPFIX_FIELDS
    record = struct.Struct(">" + "".join({1: "B", 2: "H", 4: "I", 8: "Q"}[octets] for _, octets, _ in fields))
    body = (20 if version == 9 else 16) + 4

    def unpack(payload: bytes) -> int:
        records = (len(payload) - body) // record.size
        return len(list(record.iter_unpack(payload[body : body + records * record.size])))

    return unpack


def main() -> None:
    """Print one line per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datagrams", type=int, default=16 * _BATCH)
    count = parser.parse_args().datagrams
    cases = []
    for exporters in (1, 24):
        label = f"{exporters} exporter{'s' if exporters > 1 else ''}"
        cases.append(Case(f"v5, {label}", traffic.v5(count, exporters), _v5_peer))
        for version, name in ((9, "v9, 26 fields"), (10, "ipfix, 26 fields")):
            datagrams = traffic.templated(version, count, exporters)
            cases.append(Case(f"{name}, {label}", datagrams, _templated_peer(version)))
    for _ in range(_ROUNDS):
        for case in cases:
            case.round()
    for case in cases:
        print(case.report(), flush=True)


if __name__ == "__main__":
    main()
