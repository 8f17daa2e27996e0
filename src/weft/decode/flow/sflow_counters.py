"""sFlow v5 counter samples to rows of ``metrics``: interfaces, Ethernet, VLANs, processors, hosts and optics.

Each structure is a table of fields; one kernel walks all counter samples of a batch with it. A field of all ones means
"unknown" and gives no row. Structures that are not listed are skipped by their length.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.decode.flow.messages import M_RECEIVED, M_SLOT, Messages
from weft.decode.flow.reasons import Reason
from weft.decode.flow.sflow_samples import K_BODY, K_END, K_EXPANDED, K_MESSAGE
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import address_of, get32, get64
from weft.model.metrics import METRIC_SOURCES, METRICS
from weft.model.rows import batch_of

_COUNTER, _GAUGE = 1, 2
_SFLOW = next(key for key, name in METRIC_SOURCES.items() if name == "sflow")

# How a field is read.
_U32, _U64, _FLOAT, _HUNDREDTHS, _BIT0, _BIT1, _THOUSANDTHS, _MICROWATTS = range(8)

# What the rows of a structure are about.
_SOURCE, _FIRST_WORD, _DEVICE = range(3)

OPTICS, PORT_NAME = 10, 1005
_LANE = 40


class _Field(NamedTuple):
    offset: int
    read: int
    name: str
    kind: int = _COUNTER


def _run(offset: int, *names: str, kind: int = _COUNTER) -> tuple[_Field, ...]:
    """Fields of four bytes each, one after the other; an empty name skips one."""
    return tuple(_Field(offset + 4 * i, _U32, name, kind) for i, name in enumerate(names) if name)


def _run64(offset: int, *names: str, kind: int = _COUNTER) -> tuple[_Field, ...]:
    return tuple(_Field(offset + 8 * i, _U64, name, kind) for i, name in enumerate(names))


#: Format → (least length, what its rows are about, fields). sflow.org: sflow_version_5, sflow_host, sflow_optics.
STRUCTURES: dict[int, tuple[int, int, tuple[_Field, ...]]] = {
    1: (
        88,
        _FIRST_WORD,
        (
            _Field(8, _U64, "speed_bps", _GAUGE),
            _Field(20, _BIT0, "admin_status", _GAUGE),
            _Field(20, _BIT1, "oper_status", _GAUGE),
            _Field(24, _U64, "in_octets"),
            *_run(32, "in_unicast_pkts", "in_multicast_pkts", "in_broadcast_pkts"),
            *_run(44, "in_discards", "in_errors", "in_unknown_protos"),
            _Field(56, _U64, "out_octets"),
            *_run(64, "out_unicast_pkts", "out_multicast_pkts", "out_broadcast_pkts", "out_discards", "out_errors"),
        ),
    ),
    2: (
        52,
        _SOURCE,
        (
            *_run(0, "in_alignment_errors", "in_fcs_errors", "out_single_collisions", "out_multiple_collisions"),
            *_run(16, "sqe_test_errors", "out_deferred_frames", "out_late_collisions", "out_excessive_collisions"),
            *_run(
                32, "out_mac_errors", "out_carrier_errors", "in_oversize_frames", "in_mac_errors", "in_symbol_errors"
            ),
        ),
    ),
    5: (
        28,
        _FIRST_WORD,
        (
            _Field(4, _U64, "vlan_octets"),
            *_run(12, "vlan_unicast_pkts", "vlan_multicast_pkts", "vlan_broadcast_pkts", "vlan_discards"),
        ),
    ),
    OPTICS: (
        20,
        _SOURCE,
        (
            _Field(8, _THOUSANDTHS, "optical_voltage_v", _GAUGE),
            _Field(12, _THOUSANDTHS, "laser_temperature_celsius", _GAUGE),
        ),
    ),
    1001: (
        28,
        _DEVICE,
        (
            _Field(0, _HUNDREDTHS, "cpu_5s_percent", _GAUGE),
            _Field(4, _HUNDREDTHS, "cpu_percent", _GAUGE),
            _Field(8, _HUNDREDTHS, "cpu_5min_percent", _GAUGE),
            *_run64(12, "memory_total_bytes", "memory_free_bytes", kind=_GAUGE),
        ),
    ),
    2003: (
        68,
        _DEVICE,
        (
            _Field(0, _FLOAT, "load_1min", _GAUGE),
            _Field(4, _FLOAT, "load_5min", _GAUGE),
            _Field(8, _FLOAT, "load_15min", _GAUGE),
            *_run(12, "processes_running", "processes_total", "cpus", "cpu_mhz", "uptime_s", kind=_GAUGE),
            *_run(32, "cpu_user_ms", "cpu_nice_ms", "cpu_system_ms", "cpu_idle_ms", "cpu_wait_ms"),
            *_run(52, "cpu_interrupt_ms", "cpu_softirq_ms", "interrupts", "context_switches"),
        ),
    ),
    2004: (
        72,
        _DEVICE,
        (
            *_run64(0, "memory_total_bytes", "memory_free_bytes", "memory_shared_bytes", kind=_GAUGE),
            *_run64(24, "memory_buffers_bytes", "memory_cached_bytes", kind=_GAUGE),
            *_run64(40, "swap_total_bytes", "swap_free_bytes", kind=_GAUGE),
            *_run(56, "pages_in", "pages_out", "swap_in", "swap_out"),
        ),
    ),
    2005: (
        52,
        _DEVICE,
        (
            *_run64(0, "disk_total_bytes", "disk_free_bytes", kind=_GAUGE),
            _Field(16, _HUNDREDTHS, "disk_fullest_percent", _GAUGE),
            *_run(20, "disk_reads"),
            _Field(24, _U64, "disk_read_bytes"),
            *_run(32, "disk_read_ms", "disk_writes"),
            _Field(40, _U64, "disk_written_bytes"),
            *_run(48, "disk_write_ms"),
        ),
    ),
    2006: (
        40,
        _DEVICE,
        (
            _Field(0, _U64, "host_in_octets"),
            *_run(8, "host_in_pkts", "host_in_errors", "host_in_discards"),
            _Field(20, _U64, "host_out_octets"),
            *_run(28, "host_out_pkts", "host_out_errors", "host_out_discards"),
        ),
    ),
}
_LANE_FIELDS = (
    _Field(4, _THOUSANDTHS, "optical_bias_ma", _GAUGE),
    _Field(8, _MICROWATTS, "optical_tx_dbm", _GAUGE),
    _Field(24, _MICROWATTS, "optical_rx_dbm", _GAUGE),
)
NAMES = tuple(dict.fromkeys(f.name for s in (*(s[2] for s in STRUCTURES.values()), _LANE_FIELDS) for f in s))

_OF_VLAN = np.array([name.startswith("vlan_") for name in NAMES])
_VLAN = np.uint64(1 << 63)

#: Columns of the two tables that the kernel reads.
(_F_OFFSET, _F_READ, _F_NAME, _F_KIND) = range(4)
(_S_FORMAT, _S_LEAST, _S_ABOUT, _S_FIRST, _S_COUNT) = range(5)


def _tables() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``STRUCTURES`` as numbers; the lanes of an optical module are format -1."""
    structures: list[tuple[int, ...]] = []
    fields: list[tuple[int, ...]] = []
    for number, (least, about, members) in [*STRUCTURES.items(), (-1, (_LANE, _SOURCE, _LANE_FIELDS))]:
        structures.append((number, least, about, len(fields), len(members)))
        fields.extend((f.offset, f.read, NAMES.index(f.name), f.kind) for f in members)
    return np.array(structures, np.int64), np.array(fields, np.int64)


_STRUCTURE_TABLE, _FIELD_TABLE = _tables()
_SPEED = NAMES.index("speed_bps")
_BAD_COUNTER = int(Reason.BAD_COUNTER)


class _Rows(NamedTuple):
    """Rows being written: sample they came from, metric, its kind, instance, value."""

    sample: NDArray[np.int64]
    name: NDArray[np.int32]
    kind: NDArray[np.uint8]
    instance: NDArray[np.uint64]
    value: NDArray[np.float64]


@inlined
def _value(at: int, read: int) -> float:
    """A field's value, NaN where it is unknown (all ones)."""
    if read == _U64:
        wide = np.uint64(get64(at))
        return np.nan if wide == np.uint64(0xFFFFFFFFFFFFFFFF) else float(wide)
    number = get32(at)
    if number == 0xFFFFFFFF:
        return np.nan
    if read == _FLOAT:
        return float(np.uint32(number).view(np.float32))
    if read == _HUNDREDTHS:
        return number / 100.0
    if read == _THOUSANDTHS:
        return (number - (1 << 32) if number >> 31 else number) / 1000.0
    if read == _BIT0:
        return 2.0 - (number & 1)  # as IF-MIB numbers a state: 1 up, 2 down
    if read == _BIT1:
        return 2.0 - (number >> 1 & 1)
    if read == _MICROWATTS:
        return float(10.0 * np.log10(number / 1000.0)) if number else np.nan
    return float(number)


@kernel
def _put(
    at: int,
    structure: int,
    instance: int,
    sample: int,
    n: int,
    rows: _Rows,
    structures: NDArray[np.int64],
    fields: NDArray[np.int64],
) -> int:
    """The rows of one structure at ``at``; returns the next free row."""
    first = structures[structure, _S_FIRST]
    for f in range(first, first + structures[structure, _S_COUNT]):
        value = _value(at + fields[f, _F_OFFSET], fields[f, _F_READ])
        if not np.isnan(value) and n < len(rows.value):
            rows.sample[n], rows.name[n], rows.kind[n] = sample, fields[f, _F_NAME], fields[f, _F_KIND]
            rows.instance[n], rows.value[n] = instance, value
            n += 1
    return n


@inlined
def _about(rule: int, at: int, source: int) -> int:
    """Which interface, VLAN or device the rows of a structure are about."""
    if rule == _DEVICE:
        return 0
    return source if rule == _SOURCE else get32(at)


@kernel
def write_counters(
    data: NDArray[np.uint8],
    listed: NDArray[np.int64],
    info: NDArray[np.int64],
    errors: NDArray[np.int64],
    structures: NDArray[np.int64],
    fields: NDArray[np.int64],
    rows: _Rows,
    names: NDArray[np.int64],
) -> tuple[int, int]:
    """Rows of all counter samples in ``listed``; port names are left in ``names`` as (sample, offset, ifIndex).

    Returns how many rows and how many names there are.
    """
    n, n_names, base = 0, 0, address_of(data)
    lanes = len(structures) - 1
    for s in range(len(listed)):
        stream = info[listed[s, K_MESSAGE], M_SLOT]
        at, end = base + listed[s, K_BODY], base + listed[s, K_END]
        if listed[s, K_EXPANDED]:
            at += 4
            if at + 12 > end:
                errors[stream, _BAD_COUNTER] += 1
                continue
        source = get32(at + 4) if listed[s, K_EXPANDED] else get32(at + 4) & 0xFFFFFF
        count = get32(at + 8)
        at += 12
        for _ in range(count):
            if at + 8 > end or at + 8 + get32(at + 4) > end:
                errors[stream, _BAD_COUNTER] += 1
                break
            number, size = get32(at), get32(at + 4)
            at += 8
            for k in range(lanes):
                if structures[k, _S_FORMAT] != number:
                    continue
                if size < structures[k, _S_LEAST]:
                    errors[stream, _BAD_COUNTER] += 1
                    break
                n = _put(at, k, _about(structures[k, _S_ABOUT], at, source), s, n, rows, structures, fields)
                if number == OPTICS:
                    for lane in range(min(get32(at + 16), (size - 20) // _LANE)):
                        there = at + 20 + lane * _LANE
                        n = _put(there, lanes, get32(there) << 32 | source, s, n, rows, structures, fields)
                break
            if number == PORT_NAME and size >= 4 and n_names < len(names):
                names[n_names, 0], names[n_names, 1], names[n_names, 2] = s, at - base, source
                n_names += 1
            at += (size + 3) & ~3
    return n, n_names


class Interface(NamedTuple):
    """What one counter structure says of an interface."""

    exporter: bytes
    if_index: int
    name: str = ""
    speed_bps: int = 0


def counter_batch(
    messages: Messages, listed: NDArray[np.int64], errors: NDArray[np.int64]
) -> tuple[pa.RecordBatch, list[Interface]]:
    """The listed counter samples as a batch of ``METRICS.schema``, and what they say of interfaces."""
    most = int((listed[:, K_END] - listed[:, K_BODY]).sum()) // 2
    rows = _Rows(
        np.empty(most, np.int64),
        np.empty(most, np.int32),
        np.empty(most, np.uint8),
        np.empty(most, np.uint64),
        np.empty(most, np.float64),
    )
    names = np.empty((len(listed), 3), np.int64)
    n, n_names = write_counters(
        messages.data, listed, messages.info, errors, _STRUCTURE_TABLE, _FIELD_TABLE, rows, names
    )
    rows = _Rows._make(column[:n] for column in rows)
    message = listed[rows.sample, K_MESSAGE]
    exporter = np.ascontiguousarray(messages.exporter[message])
    indices: pa.Int32Array = pa.array(rows.name, pa.int32())
    received = messages.info[message, M_RECEIVED]
    of_vlan = _OF_VLAN[rows.name]
    batch = batch_of(
        METRICS, n, time=received, time_received=received,
        exporter=pa.Array.from_buffers(pa.binary(16), n, [None, pa.py_buffer(exporter.tobytes())]),
        source=_SFLOW, metric_type=rows.kind, metric=pa.DictionaryArray.from_arrays(indices, pa.array(NAMES)),
        if_index=np.where(of_vlan, 0, rows.instance & np.uint64(0xFFFFFFFF)).astype(np.uint32),
        labels=_labels(rows.instance, of_vlan), value=rows.value,
    )  # fmt: skip
    speeds = [
        Interface(exporter[row].tobytes(), int(rows.instance[row]), speed_bps=int(rows.value[row]))
        for row in np.flatnonzero(rows.name == _SPEED)
    ]
    return batch, [*speeds, *(_port_name(messages, listed, row) for row in names[:n_names])]


def _labels(instance: NDArray[np.uint64], of_vlan: NDArray[np.bool_]) -> pa.Array[Any]:
    """The lane of an optical module, the id of a VLAN."""
    numbers, index = np.unique(np.where(of_vlan, instance | _VLAN, instance >> np.uint64(32)), return_inverse=True)
    words = [
        f'vlan="{int(number & np.uint64(0xFFF))}"' if number & _VLAN else f'lane="{number}"' if number else ""
        for number in numbers
    ]
    indices: Any = pa.array(index.astype(np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))


def _port_name(messages: Messages, listed: NDArray[np.int64], row: NDArray[np.int64]) -> Interface:
    sample, at, source = (int(value) for value in row)
    end = int(listed[sample, K_END])
    size = int.from_bytes(messages.data[at : at + 4].tobytes(), "big")
    text = messages.data[at + 4 : min(at + 4 + min(size, 255), end)].tobytes().decode("utf-8", "replace")
    exporter = messages.exporter[listed[sample, K_MESSAGE]].tobytes()
    return Interface(exporter, source, name=text.rstrip("\0"))
