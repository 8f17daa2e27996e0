"""How fast sFlow v5 samples with raw headers become flow columns, per CPU-second of one core.

    python -m bench.decode_sflow

The traffic is varied: random addresses and ports, one packet in six IPv6, a third tagged, 128-byte headers, seven
samples per datagram. The peer is a plain loop over ``struct`` that reads a third of the columns.
"""

from __future__ import annotations

import json
import statistics
import struct
import time
from collections.abc import Callable

import numpy as np

from weft.decode.datagrams import DatagramBatch
from weft.decode.flow.decoder import FlowDecoder

_HEADER = 128
_PER_DATAGRAM = 7
_DATAGRAMS = 2048  # of a batch: what a receiver hands over at once
_ROUNDS = 15


def _frame(rng: np.random.Generator) -> bytes:
    """The first bytes of a random packet."""
    ports = rng.integers(1024, 65536, 2)
    tag = struct.pack(">HH", 0x8100, int(rng.integers(1, 4095))) if rng.random() < 1 / 3 else b""
    macs = rng.bytes(12)
    if rng.random() < 0.6:
        protocol, upper = 6, struct.pack(">HHIIBBHHH", *ports, 1, 2, 0x50, 0x18, 1000, 0, 0)
    else:
        protocol, upper = 17, struct.pack(">HHHH", *ports, 900, 0)
    if rng.random() < 1 / 6:
        packet = struct.pack(">IHBB", 6 << 28, 900, protocol, 60) + rng.bytes(32) + upper
        kind = 0x86DD
    else:
        packet = struct.pack(">BBHHHBBH", 0x45, 0, 900, 7, 0x4000, 60, protocol, 0) + rng.bytes(8) + upper
        kind = 0x0800
    return (macs + tag + struct.pack(">H", kind) + packet + rng.bytes(_HEADER))[:_HEADER]


def datagrams(seed: int, count: int, extended: bool) -> list[bytes]:
    """sFlow datagrams of a few agents; ``extended`` adds what a switch and a router know."""
    rng = np.random.default_rng(seed)
    out = []
    for number in range(count):
        samples = b""
        for sample in range(_PER_DATAGRAM):
            records = [struct.pack(">6I", 1, 16 + _HEADER, 1, int(rng.integers(64, 1518)), 4, _HEADER) + _frame(rng)]
            if extended:
                records.append(struct.pack(">6I", 1001, 16, 10, 0, 20, 0))
                records.append(struct.pack(">III4sII", 1002, 16, 1, rng.bytes(4), 24, 16))
            interface = int(rng.integers(1, 49))
            head = struct.pack(
                ">8I", number * _PER_DATAGRAM + sample, interface, 4096, number * 4096, 0, interface, 50, len(records)
            )
            body = head + b"".join(records)
            samples += struct.pack(">II", 1, len(body)) + body
        agent = bytes((10, 0, 0, number % 12 + 1))
        out.append(struct.pack(">II4sIIII", 5, 1, agent, 0, number // 12, number * 10, _PER_DATAGRAM) + samples)
    return out


def to_batch(messages: list[bytes]) -> DatagramBatch:
    """The messages as they would come from a socket."""
    length = np.array([len(message) for message in messages], np.int32)
    n = len(messages)
    return DatagramBatch(
        np.frombuffer(b"".join(messages), np.uint8),
        np.concatenate([[0], np.cumsum(length[:-1], dtype=np.int64)]),
        length,
        np.tile(np.frombuffer(bytes(10) + b"\xff\xff\x0a\x00\x00\x01", np.uint8), (n, 1)),
        np.full(n, 40000, np.uint16),
        np.full(n, 1_760_000_000_000_000_000, np.int64),
    )


def _plain_loop(messages: list[bytes]) -> int:
    """The peer: samples to tuples with ``struct``."""
    unpack, rows = struct.unpack_from, []
    for message in messages:
        at = 28
        for _ in range(unpack(">I", message, 24)[0]):
            size = unpack(">I", message, at + 4)[0]
            _, _, rate, _, _, in_if, out_if, _ = unpack(">8I", message, at + 8)
            length, frame = unpack(">I", message, at + 52)[0], at + 64
            kind, vlan = unpack(">H", message, frame + 12)[0], 0
            if kind == 0x8100:
                vlan, kind = unpack(">HH", message, frame + 14)
                frame += 4
            if kind == 0x0800:
                _, tos, _, _, _, _, protocol, _, source, target = unpack(">BBHHHBBH4s4s", message, frame + 14)
                ports = unpack(">HH", message, frame + 34)
            else:
                tos, protocol, source, target = 0, message[frame + 20], message[frame + 22 : frame + 38], b""
                ports = unpack(">HH", message, frame + 54)
            rows.append((rate, in_if, out_if, length, vlan, tos, protocol, source, target, *ports))
            at += 8 + size
    return len(rows)


def _per_second(work: Callable[[], int], rounds: int) -> float:
    """Median rate per CPU-second."""
    rates = []
    for _ in range(rounds):
        before = time.process_time()
        done = work()
        rates.append(done / (time.process_time() - before))
    return statistics.median(rates)


def main() -> None:
    """Print one JSON line per case."""
    for case, extended in (("raw_header", False), ("raw_header_switch_router", True)):
        messages = datagrams(7, _DATAGRAMS, extended)
        batch, decoder = to_batch(messages), FlowDecoder()

        def decode(decoder: FlowDecoder = decoder, batch: DatagramBatch = batch) -> int:
            return sum(decoder.decode(batch).flows.num_rows for _ in range(8))

        assert decode() == 8 * _PER_DATAGRAM * _DATAGRAMS
        ours = _per_second(decode, _ROUNDS)
        peer = _per_second(lambda messages=messages: _plain_loop(messages), 3)  # type: ignore[misc]
        line = {
            "bench": "decode_sflow",
            "case": case,
            "value": round(ours),
            "unit": "samples/cpu-s",
            "peer": "struct loop",
            "peer_value": round(peer),
            "ratio": round(ours / peer, 2),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
