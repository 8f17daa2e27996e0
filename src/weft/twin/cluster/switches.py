"""The cluster's switches as SONiC's telemetry serves them, and what would have been stored of them before.

SONiC answers a path with a JSON object of what its databases hold below it, numbers as text; so does this.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from weft.model.addresses import packed
from weft.model.metrics import METRIC_SOURCES, METRIC_TYPES, METRICS
from weft.model.rows import batch_of
from weft.twin.agents.gnmi import Value
from weft.twin.cluster import layout as at
from weft.twin.cluster.fabric import F64
from weft.twin.cluster.rates import NUMBER, Rates
from weft.twin.cluster.twin import Cluster, Counters, noise
from weft.twin.faults.effects import JUMBO_MTU

LOSSLESS = "3"  # the priority and queue of RoCE
_PORT = "SAI_PORT_STAT_"
#: Counter of ours → what SONiC's port counters call it.
_PORT_COUNTERS = {
    "in_octets": f"{_PORT}IF_IN_OCTETS", "out_octets": f"{_PORT}IF_OUT_OCTETS",
    "in_unicast_pkts": f"{_PORT}IF_IN_UCAST_PKTS", "out_unicast_pkts": f"{_PORT}IF_OUT_UCAST_PKTS",
    "in_errors": f"{_PORT}IF_IN_ERRORS", "out_discards": f"{_PORT}IF_OUT_DISCARDS",
    "pfc_rx_pkts": f"{_PORT}PFC_{LOSSLESS}_RX_PKTS", "pfc_tx_pkts": f"{_PORT}PFC_{LOSSLESS}_TX_PKTS",
    "pfc_rx_pause_us": f"{_PORT}PFC_{LOSSLESS}_RX_PAUSE_DURATION_US",
    "fec_correctable_frames": f"{_PORT}IF_IN_FEC_CORRECTABLE_FRAMES",
    "fec_uncorrectable_frames": f"{_PORT}IF_IN_FEC_NOT_CORRECTABLE_FRAMES",
}  # fmt: skip
_WITH_PRIORITY = ("pfc_rx_pkts", "pfc_tx_pkts", "pfc_rx_pause_us")
#: Subscriptions of a switch: path, database, how often of the target's interval.
_PATHS = (
    ("/COUNTERS/Ethernet*", "COUNTERS_DB", 1), ("/PORT_TABLE", "APPL_DB", 3), ("/LLDP_ENTRY_TABLE", "APPL_DB", 30),
    ("/TRANSCEIVER_DOM_SENSOR", "STATE_DB", 6),
)  # fmt: skip
_LIVE_S = 20
_STEP_S = 600.0  # between values of the past
_CHUNK = 24


def target(node: at.Node, port: int) -> dict[str, Any]:
    """The settings with which a switch is subscribed to."""
    subscriptions = [
        {"path": path, "target": database, "interval_s": _LIVE_S * times} for path, database, times in _PATHS
    ]
    return {
        "address": f"{node.address}:{port}", "name": node.name, "presets": [], "interval_s": _LIVE_S,
        "encoding": "json_ietf", "subscriptions": subscriptions,
    }  # fmt: skip


class Tree(Mapping[str, Value]):
    """Every path of a switch; values are those of the moment at which they are looked at."""

    def __init__(
        self, cluster: Cluster, counters: Counters, node: at.Node, clock: Callable[[], float] = time.time
    ) -> None:
        self._cluster, self._counters, self._node, self._clock = cluster, counters, node, clock
        self._still = dict(_neighbours(node))
        self._names = [*self._still, *(name for port in node.ports for name in _names(port.name))]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, path: str) -> Value:
        found: Value = dict(self.items())[path]
        return found

    def items(self) -> Any:
        """Paths and values now."""
        now = self._clock()
        rates, rows = self._cluster.at(now), at.rows(self._node.name)
        return [*self._still.items(), *_ports(self._node, rates, self._counters.at([now])[0][:, rows], rows)]


def _names(port: str) -> tuple[str, ...]:
    counters = f"/COUNTERS/{port}"
    return counters, f"{counters}/Queues", f"/PORT_TABLE/{port}", f"/TRANSCEIVER_DOM_SENSOR/{port}"


def _ports(node: at.Node, rates: Rates, shown: F64, rows: slice) -> Iterator[tuple[str, Value]]:
    queues = rates.queue_octets[rows]
    for number, port in enumerate(node.ports):
        counters, queue, state, optics = _names(port.name)
        up, enabled = rates.up[rows][number], rates.enabled[rows][number]
        if at.ARC_OUT[rows.start + number] < at.ALL_ARCS:
            told = {name: str(int(shown[NUMBER[own], number])) for own, name in _PORT_COUNTERS.items()}
            yield counters, told
            yield queue, {f"{port.name}:{LOSSLESS}": {
                "SAI_QUEUE_STAT_BYTES": str(int(shown[NUMBER["out_octets"], number])),
                "SAI_QUEUE_STAT_SHARED_WATERMARK_BYTES": str(int(queues[number])),
                "SAI_QUEUE_STAT_WRED_ECN_MARKED_PACKETS": str(int(shown[NUMBER["ecn_marked_pkts"], number])),
            }}  # fmt: skip
        yield state, {
            "oper_status": "up" if up else "down", "admin_status": "up" if enabled else "down",
            "speed": str(port.speed_bps // 10**6), "mtu": _mtu(port.description), "description": port.description,
        }  # fmt: skip
        rx, tx = _light(node.name, port.name)
        yield optics, {"rx1power": f"{rx + rates.rx_dbm[rows][number]:.2f}", "tx1power": f"{tx:.2f}"}


def _mtu(description: str) -> str:
    """SONiC's own, and that of the other end where the line leaves the hall."""
    return "9100" if description.partition(" ")[0] in at.BY_NAME else str(JUMBO_MTU)


def _light(device: str, port: str) -> tuple[float, float]:
    dice = zlib.crc32(f"{device}{port}".encode())
    return 1.1 - dice % 19 / 10, 1.9 - dice % 7 / 10


def _neighbours(node: at.Node) -> Iterator[tuple[str, Value]]:
    """LLDP: what is at the other end of each line."""
    for port in node.ports:
        other, far = port.description.split(" ")
        address = at.BY_NAME[other].address if other in at.BY_NAME else "127.10.7.1"
        yield f"/LLDP_ENTRY_TABLE/{port.name}", {
            "lldp_rem_sys_name": other, "lldp_rem_port_id": far, "lldp_rem_port_id_subtype": "5",
            "lldp_rem_chassis_id": f"02:ac:{zlib.crc32(other.encode()).to_bytes(4, 'big').hex(':')}",
            "lldp_rem_chassis_id_subtype": "4", "lldp_rem_man_addr": address,
        }  # fmt: skip


def history(
    cluster: Cluster, counters: Counters, since_s: float, until_s: float, step_s: float = _STEP_S
) -> Iterator[pa.RecordBatch]:
    """Rows of ``metrics`` that subscriptions to all switches would have left, every ``step_s``."""
    times = np.arange(since_s // step_s * step_s + step_s, until_s, step_s)
    for first in range(0, len(times), _CHUNK):
        part = times[first : first + _CHUNK]
        shown, states = counters.at(part), [cluster.at(float(one)) for one in part]
        for node in at.SWITCHES:
            yield _past(cluster.seed, node, part, shown[:, :, at.rows(node.name)], states)


def _past(seed: int, node: at.Node, times: F64, shown: F64, states: list[Rates]) -> pa.RecordBatch:
    rows = at.rows(node.name)
    counted = np.flatnonzero(at.ARC_OUT[rows] < at.ALL_ARCS)
    names = [node.ports[number].name for number in counted]
    lossless, queue = f'priority="{LOSSLESS}"', f'queue="{LOSSLESS}"'
    columns = [(own, lossless if own in _WITH_PRIORITY else "", "counter", shown[:, NUMBER[own], counted])
               for own in _PORT_COUNTERS]  # fmt: skip
    columns += [
        ("queue_out_octets", queue, "counter", shown[:, NUMBER["out_octets"], counted]),
        ("ecn_marked_pkts", queue, "counter", shown[:, NUMBER["ecn_marked_pkts"], counted]),
        ("queue_watermark_bytes", queue, "gauge", np.array([one.queue_octets[rows][counted] for one in states])),
        ("oper_status", "", "gauge", np.array([np.where(one.up[rows][counted], 1.0, 2.0) for one in states])),
        ("optical_rx_dbm", 'lane="1"', "gauge", _lights(seed, node, states, times)[:, counted]),
    ]  # fmt: skip
    each, kinds = len(times) * len(names), {name: number for number, name in METRIC_TYPES.items()}
    return batch_of(
        METRICS, each * len(columns), time=(stamp := np.tile(np.repeat((times * 1e9).astype(np.int64), len(names)),
                                                             len(columns))),
        time_received=stamp, exporter=packed(node.address), host=node.name,
        source=next(number for number, name in METRIC_SOURCES.items() if name == "gnmi"),
        metric=_coded([name for name, _, _, _ in columns], each), component=_tiled(names, len(times) * len(columns)),
        labels=_coded([labels for _, labels, _, _ in columns], each),
        metric_type=np.repeat(np.array([kinds[kind] for _, _, kind, _ in columns], np.uint8), each),
        value=np.concatenate([np.asarray(values, np.float64).ravel() for *_, values in columns]),
    )  # fmt: skip


def _lights(seed: int, node: at.Node, states: list[Rates], times: F64) -> F64:
    base = np.array([_light(node.name, port.name)[0] for port in node.ports])
    rows = at.rows(node.name)
    return np.array([
        base + one.rx_dbm[rows] + 0.03 * noise(seed, rows.start, float(moment), len(base))
        for one, moment in zip(states, times, strict=True)
    ])  # fmt: skip


def _coded(texts: list[str], each: int) -> Any:
    """Each text so many times."""
    words = list(dict.fromkeys(texts))
    codes = np.repeat(np.array([words.index(text) for text in texts], np.int32), each)
    indices: Any = pa.array(codes)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words))


def _tiled(texts: list[str], times: int) -> Any:
    """All texts, over and over."""
    indices: Any = pa.array(np.tile(np.arange(len(texts), dtype=np.int32), times))
    return pa.DictionaryArray.from_arrays(indices, pa.array(texts))
