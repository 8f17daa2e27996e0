"""How fast Prometheus remote-write requests become rows of the metrics table, per CPU-second of one core.

    python -m bench.remote_write

The requests are what a Prometheus sends that scrapes 400 devices with 50 interfaces of snmp_exporter's counters each:
2000 samples a request, one sample a series, every series known from the scrape before. ``decode``: snappy, protobuf,
series, rows. ``decode_intake``: also identity, bounds and increases, up to the batch that is handed to the writer. The
peer reads the same messages with Google's protobuf (its C implementation) and makes a tuple of each sample.
"""

from __future__ import annotations

import json
import statistics
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from weft.collect.intake.counters import CounterBook
from weft.collect.intake.identify import identify
from weft.collect.intake.identity import Nobody
from weft.decode.prometheus import RemoteWriteDecoder

_DEVICES, _INTERFACES, _PER_REQUEST, _ROUNDS = 400, 50, 2000, 7
_METRICS = ("ifHCInOctets", "ifHCOutOctets", "ifHCInUcastPkts", "ifHCOutUcastPkts", "ifInErrors", "ifOutErrors")
_NOW_MS = 1_790_000_000_000


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _field(tag: int, payload: bytes) -> bytes:
    return _varint(tag << 3 | 2) + _varint(len(payload)) + payload


def _sample(value: float, time_ms: int) -> bytes:
    return b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(time_ms)


def label_sets() -> Iterator[dict[str, str]]:
    """Every series, sorted by label name as the specification wants."""
    for device in range(_DEVICES):
        for interface in range(1, _INTERFACES + 1):
            for metric in _METRICS:
                yield {
                    "__name__": metric, "ifDescr": f"Ethernet{interface}", "ifIndex": str(interface),
                    "ifName": f"Ethernet{interface}", "instance": f"10.1.{device // 250}.{device % 250 + 1}",
                    "job": "snmp", "site": f"site-{device % 20}",
                }  # fmt: skip


def requests_one(time_ms: int, rng: np.random.Generator) -> list[bytes]:
    """One scrape as remote write 1.0."""
    out, body = [], b""
    for number, labels in enumerate(label_sets(), 1):
        series = b"".join(_field(1, _field(1, k.encode()) + _field(2, v.encode())) for k, v in labels.items())
        body += _field(1, series + _field(2, _sample(float(rng.integers(1 << 50)), time_ms)))
        if number % _PER_REQUEST == 0:
            out.append(bytes(pa.Codec("snappy").compress(body)))
            body = b""
    return out


def requests_two(time_ms: int, rng: np.random.Generator) -> list[bytes]:
    """One scrape as remote write 2.0."""
    out: list[bytes] = []
    symbols: dict[str, int] = {"": 0}
    body = b""
    for number, labels in enumerate(label_sets(), 1):
        refs = b"".join(_varint(symbols.setdefault(text, len(symbols))) for pair in labels.items() for text in pair)
        sample = _field(2, _sample(float(rng.integers(1 << 50)), time_ms))
        body += _field(5, _field(1, refs) + sample + _field(5, b"\x08\x01"))
        if number % _PER_REQUEST == 0:
            head = b"".join(_field(4, symbol.encode()) for symbol in symbols)
            out.append(bytes(pa.Codec("snappy").compress(head + body)))
            symbols, body = {"": 0}, b""
    return out


def _message() -> Any:
    """Google's class for prometheus.WriteRequest, made from a description of its fields."""
    file = descriptor_pb2.FileDescriptorProto(name="remote.proto", package="prometheus", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in (
        ("Label", (("name", 1, kinds.TYPE_STRING, ""), ("value", 2, kinds.TYPE_STRING, ""))),
        ("Sample", (("value", 1, kinds.TYPE_DOUBLE, ""), ("timestamp", 2, kinds.TYPE_INT64, ""))),
        ("TimeSeries", (("labels", 1, kinds.TYPE_MESSAGE, "Label"), ("samples", 2, kinds.TYPE_MESSAGE, "Sample"))),
        ("WriteRequest", (("timeseries", 1, kinds.TYPE_MESSAGE, "TimeSeries"),)),
    ):
        message = file.message_type.add(name=name)
        for field, number, kind, of in fields:
            label = kinds.LABEL_REPEATED if of else kinds.LABEL_OPTIONAL
            one = message.field.add(name=field, number=number, type=kind, label=label)
            if of:
                one.type_name = f".prometheus.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("prometheus.WriteRequest"))


def _peer(bodies: list[bytes], kind: Any) -> int:
    """Each sample as a tuple of its labels, time and value."""
    rows: list[tuple[Any, ...]] = []
    for body in bodies:
        request = kind.FromString(bytes(pa.Codec("snappy").decompress(body, decompressed_size=_size(body))))
        for series in request.timeseries:
            labels = tuple((label.name, label.value) for label in series.labels)
            rows.extend((labels, sample.timestamp, sample.value) for sample in series.samples)
    return len(rows)


def _size(body: bytes) -> int:
    size = 0
    for i, byte in enumerate(body[:5]):
        size |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            break
    return size


def _cpu(work: Callable[[], int]) -> float:
    before = time.process_time()
    done = work()
    return done / (time.process_time() - before)


def main() -> None:
    """Print one JSON line per case."""
    rng = np.random.default_rng(1)
    kind = _message()
    for version, make in ((1, requests_one), (2, requests_two)):
        decoder, book, nobody = RemoteWriteDecoder(), CounterBook(), Nobody()
        rounds = [make(_NOW_MS + 15_000 * i, rng) for i in range(_ROUNDS + 1)]

        def decode(bodies: list[bytes], whole: bool, decoder: Any = decoder, version: int = version) -> int:
            rows = 0
            for body in bodies:
                decoded = decoder.decode(body, _NOW_MS * 1_000_000, version=version)
                if whole:
                    book.apply(identify(decoded.rows, nobody))  # noqa: B023  # called within this turn
                rows += decoded.rows.num_rows
                decoder.taken(decoded)
            return rows

        first = _cpu(lambda rounds=rounds: decode(rounds[0], True))  # type: ignore[misc]
        ours: list[float] = []
        whole: list[float] = []
        peers: list[float] = []
        for number, bodies in enumerate(rounds[1:]):  # in turns, so that all meet the same machine
            (ours if number % 2 else whole).append(_cpu(lambda b=bodies, n=number: decode(b, n % 2 == 0)))  # type: ignore[misc]
            if version == 1 and number < 3:
                peers.append(_cpu(lambda b=bodies: _peer(b, kind)))  # type: ignore[misc]
        peer = round(statistics.median(peers)) if peers else None
        for case, value in (("decode", statistics.median(ours)), ("decode_intake", statistics.median(whole)),
                            ("first_scrape", first)):  # fmt: skip
            line = {
                "bench": "remote_write", "case": f"{case}_v{version}", "value": round(value), "unit": "samples/cpu-s",
                "peer": "protobuf to tuples" if peer else None, "peer_value": peer,
                "ratio": round(value / peer, 2) if peer else None,
            }  # fmt: skip
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
