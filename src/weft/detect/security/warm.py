"""Compiles the kernels of detectors of covert traffic by feeding each a few flows: real ones need not wait."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from weft.detect import registry
from weft.detect.backtest import Nameless
from weft.detect.context import Context
from weft.detect.detector import RowsDetector
from weft.model.addresses import packed
from weft.model.flows import FLOWS

_DETECTORS = ("beacon", "exfiltration", "dns_tunnel", "lateral_movement", "long_connection")
_HOST, _OTHER, _PEER = packed("10.0.0.1"), packed("10.0.0.2"), packed("198.51.100.1")
_ROWS = 12
_MINUTE_NS = 60 * 10**9


def warm() -> None:
    """Feed, tell the time, save and load: every kernel runs once."""
    context = Context(Nameless())
    for name in _DETECTORS:
        detector = registry.make(name, context)
        assert isinstance(detector, RowsDetector)
        for dst, port in ((_PEER, 443), (_OTHER, 22), (_PEER, 53)):
            detector.take("flows", _flows(_HOST, dst, port))
            detector.take("flows", _flows(dst, _HOST, port, turned=True))
        detector.tick(_ROWS * 60.0 + 7200)
        state = detector.save()
        if state:
            again = registry.make(name, context)
            assert isinstance(again, RowsDetector)
            again.load(state)


def _flows(src: bytes, dst: bytes, port: int, *, turned: bool = False) -> pa.RecordBatch:
    """A record a minute with another client port each."""
    minutes = (np.arange(_ROWS) + 1) * _MINUTE_NS
    client, service = np.arange(_ROWS) + 40_000, np.full(_ROWS, port)
    known: dict[str, Any] = {
        "src_port": service if turned else client, "dst_port": client if turned else service,
        "bytes": np.full(_ROWS, 10_000_000), "packets": np.full(_ROWS, 10_000), "tcp_flags": np.full(_ROWS, 0x1B),
        "protocol": np.full(_ROWS, 17 if port == 53 else 6), "src_as": np.full(_ROWS, 64511),
        "dst_as": np.full(_ROWS, 64511), "time_start": minutes, "time_end": minutes, "time_received": minutes,
    }  # fmt: skip
    ends = {"src_addr": src, "dst_addr": dst}
    columns = [
        pa.array([ends.get(column.name, bytes(16))] * _ROWS, column.arrow)
        if pa.types.is_fixed_size_binary(column.arrow)
        else pa.array(known.get(column.name, np.zeros(_ROWS, np.int64))).cast(column.arrow)
        for column in FLOWS.columns
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays(columns, schema=FLOWS.schema)
