"""What the pollers would have stored of Acme's devices in the past, for the demo's first start.

Counters every minute, states every five, under the names and from the sources of the live polls, so that a series goes
on where its history ends. What is long ago can be told in larger steps: that is most of it, and looked at less closely.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.model.addresses import packed
from weft.model.metrics import METRIC_SOURCES, METRIC_TYPES, METRICS
from weft.model.rows import batch_of
from weft.twin.devices import DeviceState, DeviceTwin, PeerState, PortState, is_streaming

_COUNTERS_S, _STATES_S = 60, 300
#: How much larger steps are before what is wanted closely.
_SPARSE = 3
_SOURCES = {name: number for number, name in METRIC_SOURCES.items()}
_TYPES = {name: number for number, name in METRIC_TYPES.items()}
_MEAN_OCTETS = 838.0

#: A value of a state: metric, component, ifIndex, labels, value, type.
_Value = tuple[str, str, int, str, float, str]


def history(device: DeviceTwin, since_s: float, until_s: float, close_from_s: float = 0.0) -> Iterator[pa.RecordBatch]:
    """Rows of the metrics table between two times (UTC seconds), in larger steps before ``close_from_s``."""
    common: dict[str, Any] = {
        "exporter": packed(device.device.address), "host": device.device.name,
        "source": _SOURCES["gnmi" if is_streaming(device.device) else "snmp"],
    }  # fmt: skip
    times = _steps(since_s, until_s, close_from_s, _COUNTERS_S)
    if len(times):
        octets = device.octets(times)
        at = (times * 1e9).astype(np.int64)
        for i, port in enumerate(device.ports):
            for way, name in enumerate(("in", "out")):
                for metric, values in (
                    (f"{name}_octets", octets[i, way]),
                    (f"{name}_unicast_pkts", np.floor(octets[i, way] / _MEAN_OCTETS)),
                ):
                    yield batch_of(
                        METRICS, len(at), time=at, time_received=at, metric_type=_TYPES["counter"], metric=metric,
                        component=port.name, if_index=port.index, value=values, **common,
                    )  # fmt: skip
    yield from _states(device, _steps(since_s, until_s, close_from_s, _STATES_S), common)


def _steps(since_s: float, until_s: float, close_from_s: float, step_s: int) -> NDArray[np.float64]:
    """Moments after ``since_s``, each a multiple of its step."""
    border = min(max(since_s, close_from_s), until_s)
    long = step_s * _SPARSE
    far = np.arange(since_s // long * long + long, border, long, dtype=np.float64)
    near = np.arange(border // step_s * step_s + step_s, until_s, step_s, dtype=np.float64)
    return np.concatenate([far, near])


def _states(device: DeviceTwin, moments: NDArray[np.float64], common: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    times, values = [], []
    for at_s in moments:
        found = list(_values(device.state(float(at_s))))
        times += [int(at_s * 1e9)] * len(found)
        values += found
    if values:
        metric, component, index, labels, value, kind = zip(*values, strict=True)
        yield batch_of(
            METRICS, len(times), time=np.array(times), time_received=np.array(times), metric=metric,
            component=component, if_index=index, labels=labels, value=value, metric_type=[_TYPES[k] for k in kind],
            **common,
        )  # fmt: skip


def _values(state: DeviceState) -> Iterator[_Value]:
    yield "cpu_percent", "", 0, "", state.cpu_percent, "gauge"
    yield "memory_used_bytes", "", 0, "", float(state.memory_used_bytes), "gauge"
    yield "memory_total_bytes", "", 0, "", float(state.memory_total_bytes), "gauge"
    yield "temperature_celsius", "Inlet", 0, "", round(state.temperature_celsius, 1), "gauge"
    yield "uptime_s", "", 0, "", state.uptime_s, "gauge"
    for port in state.ports:
        yield from _port_values(port)
    for peer in state.peers:
        yield from _peer_values(peer)


def _port_values(port: PortState) -> Iterator[_Value]:
    name, index = port.port.name, port.port.index
    status = 1.0 if port.up else 2.0
    yield "oper_status", name, index, "", status, "gauge"
    yield "admin_status", name, index, "", 1.0 if port.enabled else 2.0, "gauge"
    yield "speed_bps", name, index, "", float(port.port.speed_bps), "gauge"
    yield "in_errors", name, index, "", float(port.in_errors), "counter"
    yield "out_discards", name, index, "", float(port.out_discards), "counter"
    yield "optical_rx_dbm", name, index, "", port.rx_dbm, "gauge"
    yield "optical_tx_dbm", name, index, "", port.tx_dbm, "gauge"


def _peer_values(peer: PeerState) -> Iterator[_Value]:
    labels = f'remote_as="{peer.asn}"'
    yield "bgp_peer_state", peer.address, 0, labels, 6.0 if peer.established else 3.0, "gauge"
    yield "bgp_prefixes_received", peer.address, 0, labels, float(peer.prefixes_received), "gauge"
