"""The telemetry of a run in a store of its own while it is replayed: series are asked for as they are live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from weft.detect.backtest import History
from weft.detect.runfolder import RunFolder
from weft.detect.runnames import RunNames


@contextmanager
def opened(run: RunFolder, detectors: Sequence[str]) -> Iterator[History]:  # noqa: ARG001
    """History of a run for these detectors. What they watch as series is loaded first."""
    names = RunNames(run.path / "reference")
    yield History(run, names, networks=lambda: names.networks)
