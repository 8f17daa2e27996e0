"""Compiles every kernel once by running a moment of the demo through the whole pipeline, in a directory thrown away.

numba keeps the machine code beside the sources, so that ``weft up`` starts in seconds.
"""

from __future__ import annotations

import sys
import tempfile
from ipaddress import IPv4Network
from pathlib import Path

import numpy as np
import pyarrow as pa

from weft.app import Role, assemble
from weft.component import Running
from weft.config import Settings
from weft.decode.prometheus import RemoteWriteDecoder
from weft.detect.backtest import Nameless
from weft.detect.baseline.model import Baseline as Normal
from weft.detect.baseline.tuning import Tuning
from weft.detect.context import Context
from weft.detect.detector import RowsDetector
from weft.detect.registry import make
from weft.detect.security import warm as covert
from weft.logs import configure_logging
from weft.model.flows import FLOWS
from weft.network.demands import demands
from weft.network.estimate import estimate
from weft.network.evaluate import evaluate
from weft.network.incremental import Baseline
from weft.network.load import loads, over_fan, response
from weft.network.paths import path
from weft.network.spf import shortest
from weft.network.state import Network
from weft.network.sweep import sweep
from weft.network.topology import Link, Node, topology


def main() -> int:
    """Start, back-fill a few minutes, stop."""
    configure_logging("warning")
    with tempfile.TemporaryDirectory(prefix="weft-warm-") as folder:
        free_port = {"port": 0, "address": "127.0.0.1"}
        settings = Settings.model_validate({
            "data_dir": Path(folder),
            "store": {"data_dir": Path(folder)},
            "collect": {"listeners": [free_port, free_port, free_port]},
            "api": {"port": 0},
            "demo": {"backfill_hours": 0.1},
        })  # fmt: skip
        running = Running(assemble(settings, Role.UP, demo=True).parts)
        running.start()
        running.stop()
    _remote_write()
    _network()
    _security()
    _series()
    return 0


def _remote_write() -> None:
    """The demo pushes nothing: one sample and one native histogram in either version of remote write."""
    label, sample = b"\x0a\x0d\x0a\x08__name__\x12\x01m", b"\x12\x03\x10\xe8\x07"
    one = label + sample + b"\x22\x02\x08\x01"
    two = b"\x22\x08__name__\x22\x01m\x2a\x0e\x0a\x02\x00\x01" + sample + b"\x1a\x03\x78\xe8\x07"
    decoder = RemoteWriteDecoder()
    for version, body in ((1, b"\x0a" + bytes([len(one)]) + one), (2, two)):
        packed = bytes(pa.Codec("snappy").compress(body))
        decoder.taken(decoder.decode(packed, 0, version=version))


def _network() -> None:
    """Loads, shares, a failure, a sweep, an evaluation, a path and a traffic matrix of a network of two nodes."""
    pair = topology([Node("a"), Node("b")], [Link("ab", 0, 1)], capacity_bps=[1e9])
    there, back, wanted = np.array([0], np.int32), np.array([1], np.int32), np.ones(1)
    loads(pair, demands(there, back, wanted))
    response(pair, there, back) @ wanted
    over_fan(pair, shortest(pair, back), pair.delay_s, pair.delay_s)
    baseline = Baseline(pair, demands(there, back, wanted))
    baseline.failed(np.array([0]))
    sweep(baseline)
    network = Network(pair, demands=demands(there, back, wanted))
    path(network, evaluate(network), 0, 1)
    estimate(pair, np.ones(2), np.ones(2), np.ones(2))


def _security() -> None:
    """Detectors of flows, each given a row and a second."""
    row = pa.RecordBatch.from_pylist([{}], schema=pa.schema([pa.field(c.name, c.arrow) for c in FLOWS.columns]))
    context = Context(Nameless(), networks=lambda: (IPv4Network("192.0.2.0/24"),))
    for name in ("ddos", "port_scan", "brute_force", "spoofing"):
        detector = make(name, context)
        assert isinstance(detector, RowsDetector)
        detector.take("flows", row)
        detector.tick(60.0)
    covert.warm()


def _series() -> None:
    """Baselines, given a few minutes of a series."""
    times = np.arange(30, dtype=np.int64) * 60
    Normal(Tuning(least=1.0), 60, 64).judge(["a"], times, np.ones((1, 30)))


if __name__ == "__main__":
    sys.exit(main())
