"""Malformed, absurd and random input: counted by exporter and reason, never a crash, never at the cost of others."""

from __future__ import annotations

import random
import struct
import time
from typing import Any

import numpy as np
import pytest
from flow_wire import (
    EXPORTED,
    SOURCE,
    a_set,
    decode,
    fields,
    ip4,
    ipfix,
    new_decoder,
    number,
    options9,
    options10,
    rows,
    stream,
    template9,
    template10,
    to_batch,
    v5,
    v5_record,
    v9,
    variable,
)  # fmt: skip
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from weft.decode.datagrams import DatagramBatch
from weft.decode.flow.decoder import FlowDecoder

SHORT = ((8, 4), (11, 2), (1, 4))
RECORD = ip4("192.0.2.1") + number(443, 2) + number(100, 4)
GOOD = v9(template9(256, *SHORT), a_set(256, RECORD))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "short_header"),
        (b"\0", "short_header"),
        (b"\0\5\0\1", "short_header"),
        (b"\0\x09" + bytes(17), "short_header"),
        (b"\0\x0a\0\x0f" + bytes(11), "short_header"),
        (b"\0\x08" + bytes(40), "unknown_version"),
        (b"GET / HTTP/1.1\r\n\r\n", "unknown_version"),
        (v9(a_set(256, RECORD, length=3)), "set_too_short"),
        (v9(a_set(256, RECORD, length=0)), "set_too_short"),
        (v9(a_set(4, RECORD)), "reserved_set"),
        (ipfix(a_set(0, RECORD)), "reserved_set"),
        (ipfix(length=15), "length_mismatch"),
        (ipfix(length=500), "length_mismatch"),
        (ipfix() + b"trailing", "length_mismatch"),
    ],
)
def test_what_is_wrong_is_named(message: bytes, reason: str) -> None:
    decoder = new_decoder()
    assert decode(message, decoder=decoder) == []
    assert stream(decoder).errors == {reason: 1}


def test_the_rest_of_a_datagram_is_decoded() -> None:
    decoder = new_decoder()
    bad_first = v9(a_set(4, b"xxxx"), template9(256, *SHORT), a_set(256, RECORD), a_set(256, RECORD, length=2))
    assert len(decode(bad_first, decoder=decoder)) == 1
    assert stream(decoder).errors == {"reserved_set": 1, "set_too_short": 1}


def test_a_set_beyond_its_message_gives_what_it_has() -> None:
    decoder = new_decoder()
    sets = template9(256, *SHORT), a_set(256, RECORD * 3, length=4 + 10 * len(RECORD))
    assert len(decode(v9(*sets)[:-1], decoder=decoder)) == 2
    assert stream(decoder).errors == {"set_truncated": 1}


def test_a_zero_filled_tail_is_no_error() -> None:
    decoder = new_decoder()
    assert len(decode(GOOD + bytes(900), decoder=decoder)) == 1
    assert stream(decoder).errors == {}


def test_absurd_counts_are_bounded() -> None:
    decoder = new_decoder(max_records_per_datagram=100)
    tiny = template9(256, (4, 1)), template9(257, (4, 1)), a_set(256, bytes(60)), a_set(257, bytes(60))
    assert len(rows(v9(*tiny), decoder=decoder)) == 100
    assert len(rows(ipfix(template10(256, (4, 65535)), a_set(256, b"\1\6" * 500)), decoder=decoder)) == 100
    assert [s.errors for s in decoder.streams()] == [{"too_many_records": 1}] * 2


def test_a_datagram_of_one_field_records() -> None:
    decoder = new_decoder()
    assert len(rows(ipfix(template10(256, (4, 1)), a_set(256, b"\6" * 60000)), decoder=decoder)) == 4096


def test_a_variable_length_template_cannot_loop() -> None:
    decoder = new_decoder()
    found = rows(ipfix(template10(256, (96, 65535)), a_set(256, bytes(3000))), decoder=decoder)
    assert len(found) <= 3000


def test_streams_are_bounded_and_come_free() -> None:
    decoder = new_decoder(max_streams=10)
    flood = [v9(a_set(256, RECORD), domain=n) for n in range(50)]
    decoder.decode(to_batch(*flood, source="203.0.113.1"))
    statuses = decoder.streams()
    assert len(statuses) == 11
    overflow = next(s for s in statuses if s.errors.get("too_many_streams"))
    assert overflow.datagrams == 40
    # later, when they fell silent, an exporter that really sends takes their place
    later = EXPORTED * 10**9 + 120 * 10**9
    assert len(decode(GOOD, decoder=decoder, received=later)) == 1
    assert stream(decoder).records == 1


def test_streams_of_one_source_are_bounded() -> None:
    decoder = new_decoder(max_streams_per_source=5)
    flood = [v9(a_set(256, RECORD), domain=n) for n in range(50)]
    decoder.decode(to_batch(*flood, source="203.0.113.1"))
    assert len(decode(GOOD, decoder=decoder)) == 1
    assert stream(decoder).errors == {}


def test_v5_of_too_many_streams_is_still_decoded() -> None:
    decoder = new_decoder(max_streams=2)
    assert len(rows(*[v5(v5_record(), engine=n) for n in range(9)], decoder=decoder)) == 9


def test_another_exporter_is_not_harmed() -> None:
    """The same ids, domains and bytes from elsewhere, and garbage, change nothing for an exporter."""
    rng = random.Random(7)
    decoder = new_decoder()
    decode(GOOD, decoder=decoder)
    others: list[tuple[str, bytes]] = []
    for _ in range(300):
        garbage = bytearray(v9(template9(256, (11, 2), (8, 4), (1, 4)), a_set(256, rng.randbytes(200))))
        for _ in range(rng.randrange(5)):
            garbage[rng.randrange(len(garbage))] = rng.randrange(256)
        others.append(("203.0.113.66", bytes(garbage)))
        others.append(("203.0.113.66", rng.randbytes(rng.randrange(1500))))
        others.append((SOURCE, v9(a_set(256, RECORD), sequence=len(others))))
    decoded = decoder.decode(to_batch(*[m for _, m in others], source=[s for s, _ in others]))
    mine = decoded.flows.filter(np.array([s == SOURCE for s, _ in others])[decoded.flows.column("datagram").to_numpy()])
    assert mine.num_rows == 300
    assert set(mine.column("dst_port").to_pylist()) == {443}
    assert stream(decoder).errors == {}


def test_a_flood_of_garbage_is_quick() -> None:
    """CPU per datagram of garbage stays below what a full datagram of records is allowed."""
    rng = random.Random(3)
    kinds = [
        [rng.randbytes(1400) for _ in range(400)],
        [v9(a_set(rng.randrange(256, 65536), rng.randbytes(1300)), sequence=n) for n in range(400)],
        [v9(template9(256 + n, *[(rng.randrange(1, 500), 2)] * 300), domain=1) for n in range(400)],
        [
            v9(options9(256, [(1, 4)], [(34, 4), (48, 4)]), a_set(256, rng.randbytes(1200)), domain=2)
            for n in range(400)
        ],
        [v9(*[a_set(256, b"")] * 340, domain=3) for _ in range(400)],
    ]
    decoder = new_decoder()
    for messages in kinds:
        decoder.decode(to_batch(*messages[:10]))
        began = time.process_time()
        decoder.decode(to_batch(*messages))
        assert (time.process_time() - began) / len(messages) < 0.005


def corpus() -> list[bytes]:
    """One valid datagram of every kind."""
    both = (8, 4), (1, 4), (1, 4, 29305), (12, 4)
    return [
        v5(v5_record(), v5_record()),
        GOOD,
        v9(options9(300, [(2, 4)], [(34, 4), (82, 8)]), a_set(300, number(5, 4) + number(9, 4) + b"ge-0/0/0")),
        ipfix(template10(256, *SHORT), a_set(256, RECORD * 3)),
        ipfix(template10(257, (8, 4), (96, 65535), (315, 65535)), a_set(257, ip4("192.0.2.1") + variable(b"x") * 2)),
        ipfix(template10(258, *both), a_set(258, ip4("192.0.2.1") + number(5, 4) * 2 + ip4("192.0.2.2"))),
        ipfix(options10(301, [(302, 8)], [(305, 4), (306, 4)]), a_set(301, number(1, 8) + number(1, 4) * 2)),
        ipfix(template10(259, (154, 8), (22, 4), (21, 4), (302, 8), (70, 3), (176, 1)), a_set(259, bytes(28) * 3)),
    ]


@st.composite
def mutated(draw: Any) -> bytes:
    data = bytearray(draw(st.sampled_from(corpus())))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data) - 1)) if data else 0
        kind = draw(st.sampled_from(["set", "cut", "insert", "word"]))
        if kind == "cut":
            del data[at:]
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=8))
        elif kind == "word":
            data[at : at + 2] = draw(st.sampled_from([b"\0\0", b"\xff\xff", b"\0\1", b"\x80\0", b"\1\0"]))
        elif data:
            data[at] = draw(st.integers(0, 255))
    return bytes(data)


DECODER = FlowDecoder()


def fuzz(messages: list[bytes]) -> None:
    """The fuzz target: any datagrams, in one batch and one by one, on a decoder that remembers all before."""
    decoded = DECODER.decode(to_batch(*messages, source="203.0.113.66"))
    decoded.flows.validate(full=True)
    for message in messages:
        DECODER.decode(to_batch(message, source="203.0.113.67"))
    fresh = new_decoder()
    good = fresh.decode(to_batch(GOOD, *messages, GOOD, source=[SOURCE, *["203.0.113.66"] * len(messages), SOURCE]))
    datagrams = good.flows.column("datagram").to_pylist()
    assert datagrams.count(0) == datagrams.count(len(messages) + 1) == 1
    assert all("internal" not in s.errors for d in (DECODER, fresh) for s in d.streams())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(mutated(), st.binary(max_size=200)), min_size=1, max_size=6))
def test_any_bytes(messages: list[bytes]) -> None:
    fuzz(messages)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_template(data: st.DataObject) -> None:
    """Whatever a template says, its records are found where it says: the last field is read back."""
    version = data.draw(st.sampled_from([9, 10]))
    lengths = st.one_of(st.integers(0, 20), st.just(65535)) if version == 10 else st.integers(0, 20)
    spec = data.draw(st.lists(st.tuples(st.integers(1, 500), lengths), min_size=1, max_size=12))
    spec = [s for s in spec if s[0] not in (11, 181, 183, 104, 313, 315)]
    ports = data.draw(st.lists(st.integers(0, 65535), min_size=1, max_size=5))
    body = b""
    for port in ports:
        for _, length in spec:
            body += variable(data.draw(st.binary(max_size=300))) if length == 65535 else bytes(length)
        body += number(port, 2)
    if sum(1 if length == 65535 else length for _, length in spec) <= 1:
        assume(any(body[-3:]))  # a record of three zero bytes or less cannot be told from padding
    template, message = (template9, v9) if version == 9 else (template10, ipfix)
    found = rows(message(template(256, *spec, (11, 2)), a_set(256, body)))
    assert [row["dst_port"] for row in found][: len(ports)] == ports or len(found) > len(ports)


def test_batches_lie_anywhere_in_their_buffer() -> None:
    """Datagrams out of order and overlapping in the buffer, as in a receive matrix or a mapped file."""
    data = np.frombuffer(GOOD + bytes(7) + v5(v5_record()), np.uint8)
    at = np.array([len(GOOD) + 7, 0, 0], np.int64)
    size = np.array([72, len(GOOD), len(GOOD)], np.int32)
    source = np.tile(np.frombuffer(bytes(10) + b"\xff\xff" + ip4(SOURCE), np.uint8), (3, 1))
    batch = DatagramBatch(data, at, size, source, np.zeros(3, np.uint16), np.zeros(3, np.int64))
    decoded = new_decoder().decode(batch)
    assert decoded.flows.column("datagram").to_pylist() == [0, 1, 2]
    assert decoded.flows.column("time_received").to_pylist()[0].value == EXPORTED * 10**9


def test_an_empty_batch() -> None:
    decoded = new_decoder().decode(to_batch())
    assert (decoded.flows.num_rows, decoded.metrics.num_rows, decoded.held_back) == (0, 0, 0)


def test_fields_at_the_very_end() -> None:
    spec = fields((8, 4))
    message = v9(a_set(0, struct.pack(">HH", 256, 1) + spec), a_set(256, ip4("192.0.2.1"), b"abc"))
    assert len(decode(message)) == 1
