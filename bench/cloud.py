"""How fast cloud flow logs become rows of ``cloud_flows``, per CPU-second of one core.

    python -m bench.cloud [--records N]

Each format from the bytes of a file (unpacked, but for the case that says gzip) to Arrow columns of the whole table.
The peer is the least that a program in Python does with the same file: ``str.split`` on each line, ``orjson`` on each
record, and nothing else.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import time
import zlib
from collections.abc import Callable, Iterator

import orjson
import pyarrow as pa
from bench import _cloud

from weft.decode.cloud import PIECE, CloudDecoder, Options

_BAR = 500_000
_ROUNDS = 5


def _pieces(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]


def _unzipped(data: bytes) -> Iterator[bytes]:
    unpack = zlib.decompressobj(31)
    for piece in _pieces(data):
        packed = piece
        while packed:
            yield unpack.decompress(packed, PIECE)
            packed = unpack.unconsumed_tail


def _decode(data: bytes, pieces: Callable[[bytes], Iterator[bytes]]) -> int:
    decoder = CloudDecoder(Options(), time.time_ns())
    if data[:4] == b"PAR1":
        return sum(batch.num_rows for batch in decoder.parquet(pa.BufferReader(data)))
    rows = sum(batch.num_rows for piece in pieces(data) for batch in decoder.feed(piece))
    return rows + sum(batch.num_rows for batch in decoder.finish())


def _split(data: bytes) -> None:
    for line in data.decode().split("\n"):
        line.split(" ")


def _parse(data: bytes) -> None:
    for line in data.split(b"\n"):
        if line:
            orjson.loads(line)


def main() -> None:
    """Print one line per format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    count = parser.parse_args().records
    pa.set_cpu_count(1)
    narrow = _cloud.aws_text(count)
    cases: tuple[tuple[str, bytes, Callable[[bytes], Iterator[bytes]], Callable[[bytes], None] | None], ...] = (
        ("AWS text, version 2", narrow, _pieces, _split),
        ("AWS text, version 2, gzip", gzip.compress(narrow, 6), _unzipped, None),
        ("AWS text, all fields to version 5", _cloud.aws_text(count, wide=True), _pieces, _split),
        ("AWS Parquet, version 2", _cloud.aws_parquet(count), _pieces, None),
        ("Azure VNet, both ways", _cloud.azure(count // 2), _pieces, _parse),
        ("GCP", _cloud.gcp(count // 2), _pieces, _parse),
        ("OCI", _cloud.oci(count // 2), _pieces, _parse),
    )
    for case, data, pieces, peer in cases:
        rows = _decode(data, pieces)
        rates, floor = [], []
        for _ in range(_ROUNDS):
            began = time.process_time()
            _decode(data, pieces)
            rates.append(rows / (time.process_time() - began))
            if peer is not None:
                began = time.process_time()
                peer(data)
                floor.append(rows / (time.process_time() - began))
        value = statistics.median(rates)
        line = {"bench": "cloud", "case": case, "value": round(value), "unit": "records/cpu-s", "bar": _BAR}
        if floor:
            least = statistics.median(floor)
            line |= {"peer": "split or orjson alone", "peer_value": round(least), "ratio": round(value / least, 2)}
        print(json.dumps(line | {"bytes_per_record": round(len(data) / rows)}), flush=True)


if __name__ == "__main__":
    main()
