"""The RPKI-to-Router protocol, PDU by PDU."""

from __future__ import annotations

import contextlib
import random

import pytest
from tests.decode.rtr import pdus

from weft.decode.rtr import Vrp, Vrps
from weft.decode.rtr.stream import (
    CacheReset,
    CacheResponse,
    EndOfData,
    ErrorReport,
    Message,
    Other,
    Prefixes,
    RtrStream,
    SerialNotify,
    reset_query,
    serial_query,
)
from weft.errors import InvalidInput

V4, V6 = Vrp("192.0.2.0/24", 25, 64500), Vrp("2001:db8:aa00::/40", 48, 65551)


def _flat(messages: list[Message]) -> list[object]:
    """Runs of payloads as single ones, so that it does not matter how the stream was cut."""
    flat: list[object] = []
    for message in messages:
        if isinstance(message, Prefixes):
            told = message.announced.tolist()
            flat += zip(message.vrps.words(), told, strict=True)
        else:
            flat.append(message)
    return flat


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_whole_answer(version: int) -> None:
    data = pdus.answer(version, 7, 42, [V4, V6], [V4], refresh=60, retry=30, expire=600)
    timers = EndOfData(7, 42) if version == 0 else EndOfData(7, 42, 60, 30, 600)
    assert _flat(RtrStream().feed(data)) == [CacheResponse(7), (V4, True), (V6, True), (V4, False), timers]


def test_it_does_not_matter_how_the_stream_is_cut() -> None:
    rng = random.Random(8210)
    payloads = [V4, V6, Vrp("0.0.0.0/0", 0, 0), Vrp("::/0", 128, 4294967295), Vrp("2001:db8::1/128", 128, 1)]
    data = pdus.pdu(1, 0, 7, (41).to_bytes(4, "big")) + pdus.pdu(1, 8)
    data += pdus.answer(1, 7, 42, rng.choices(payloads, k=40), rng.choices(payloads, k=40))
    data += pdus.pdu(1, 9, 0, bytes(30)) + pdus.error(1, 2, "later")
    whole = _flat(RtrStream().feed(data))
    assert whole[:3] == [SerialNotify(7, 41), CacheReset(), CacheResponse(7)]
    assert whole[-2:] == [Other(9), ErrorReport(1, 2, "later")]
    for _ in range(30):
        stream, cut, at = RtrStream(), [], 0
        while at < len(data):
            step = rng.choice((1, 3, 7, 19, 20, 21, 200))
            cut += stream.feed(data[at : at + step])
            at += step
        assert _flat(cut) == whole


def test_bits_behind_the_prefix_do_not_count() -> None:
    loose = pdus.pdu(1, 4, 0, bytes((1, 8, 24, 0, 10, 1, 2, 3)) + (64500).to_bytes(4, "big"))
    loose6 = pdus.pdu(1, 6, 0, bytes((1, 20, 24, 0)) + b"\xff" * 16 + (64500).to_bytes(4, "big"))
    found = _flat(RtrStream().feed(loose + loose6))
    assert found == [(Vrp("10.0.0.0/8", 24, 64500), True), (Vrp("ffff:f000::/20", 24, 64500), True)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes((3, 3, 0, 0, 0, 0, 0, 8)), "unexpected_version"),
        (pdus.pdu(1, 3) + pdus.pdu(0, 3), "unexpected_version"),
        (bytes((1, 3, 0, 0, 0, 0, 0, 7)), "bad_length"),
        (bytes((1, 10, 0, 0, 255, 0, 0, 0)), "bad_length"),
        (bytes((1, 4, 0, 0, 0, 0, 0, 24)), "corrupt_data"),
        (pdus.pdu(1, 4, 0, bytes((1, 33, 33, 0)) + bytes(8)), "corrupt_data"),
        (pdus.pdu(1, 4, 0, bytes((1, 24, 23, 0)) + bytes(8)), "corrupt_data"),
        (pdus.pdu(1, 7, 0, bytes(4)), "bad_length"),
        (pdus.pdu(1, 77), "unsupported_pdu_type"),
    ],
)
def test_what_cannot_be_ends_the_stream_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as told:
        RtrStream().feed(data)
    assert told.value.what.startswith(f"{reason}:")


def test_noise_is_an_error_and_never_a_crash() -> None:
    rng = random.Random(1)
    good = pdus.answer(2, 7, 42, [V4, V6] * 5, [V4]) + pdus.error(2, 3, "what?", b"\2\2")
    for _ in range(500):
        data = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.getrandbits(8)
        stream = RtrStream()
        with contextlib.suppress(InvalidInput):
            for at in range(0, len(data), 50):
                stream.feed(bytes(data[at : at + 50]))


def test_texts_of_errors_are_shown_without_control_characters() -> None:
    (report,) = RtrStream().feed(pdus.error(1, 4, "no\x1b[31m\nsuch version é"))
    assert report == ErrorReport(1, 4, "no [31m such version é")
    assert RtrStream().feed(pdus.pdu(1, 10, 9, b"\xff" * 8)) == [ErrorReport(1, 9, "")]


def test_queries() -> None:
    assert serial_query(1, 0x1234, 7) == bytes.fromhex("01011234 0000000c 00000007")
    assert reset_query(0) == bytes.fromhex("00020000 00000008")


def test_changes_apply_in_their_order() -> None:
    def vrps(*given: tuple[Vrp, bool]) -> tuple[Vrps, object]:
        (run,) = RtrStream().feed(b"".join(pdus.prefix(1, one, announced) for one, announced in given))
        assert isinstance(run, Prefixes)
        return run.vrps, run.announced

    changes, announced = vrps((V6, True), (V4, True), (V4, True), (V6, False), (V6, True))
    held, again, unknown = Vrps.none().changed(changes, announced)  # type: ignore[arg-type]
    assert (held.words(), again, unknown) == ([V4, V6], 1, 0)
    other = Vrp("192.0.2.0/24", 25, 64501)
    changes, announced = vrps((V4, False), (V4, False), (V6, True), (other, True))
    held, again, unknown = held.changed(changes, announced)  # type: ignore[arg-type]
    assert (held.words(), again, unknown) == ([other, V6], 1, 1)
    assert Vrps.joined([held, held, Vrps.none()]).words() == [other, V6]
    assert len(Vrps.joined([])) == 0
