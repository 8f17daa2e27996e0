"""OPEN and NOTIFICATION messages."""

from __future__ import annotations

import random

import pytest

from weft.decode.bgp.open import agreed, decode_open, notification_text
from weft.errors import InvalidInput
from weft.twin.encode_bgp import notification, open_message


def test_an_open_says_what_its_speaker_can() -> None:
    found = decode_open(open_message(65536, "192.0.2.1", add_path=[(1, 1)]))
    assert (found.asn, found.hold_time, found.bgp_id) == (65536, 180, 0xC0000201)
    assert found.as4
    assert found.families == [(1, 1), (2, 1)]
    assert found.add_path() == {(1, 1): 3}


def test_both_must_agree() -> None:
    both = decode_open(open_message(64496, "192.0.2.1", add_path=[(1, 1), (2, 1)]))
    one = decode_open(open_message(64497, "192.0.2.2", add_path=[(1, 1)]))
    assert agreed(both, one) == (True, frozenset({(1, 1)}))
    old = decode_open(bytes.fromhex("FF" * 16 + "001D0104FBF100B4C000020200"))
    assert agreed(both, old) == (False, frozenset())
    assert old.families == [(1, 1)]


def test_extended_optional_parameters() -> None:
    """RFC 9072: lengths of two octets."""
    parameters = bytes.fromhex("FF FF 0009 02 0006 4104 00010000".replace(" ", ""))
    message = bytes.fromhex("FF" * 16 + "0026" + "01" + "04FBF100B4C0000202") + parameters
    assert decode_open(message).capabilities == [(65, bytes.fromhex("00010000"))]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (notification(6, 2, "maintenance")[19:], "cease: administrative shutdown (maintenance)"),
        (notification(4, 0)[19:], "hold timer expired"),
        (bytes([6, 9, 6, 4]), "cease: hard reset (cease: administrative reset)"),
        (bytes([6, 9]) * 4000, "cease: hard reset (cease: hard reset)"),
        (b"\1", "NOTIFICATION without a code"),
        (bytes([6, 2, 3]) + b"a\nb", "cease: administrative shutdown (a b)"),
    ],
)
def test_a_notification_in_words(body: bytes, text: str) -> None:
    assert notification_text(body) == text


def test_rubbish_is_refused_and_nothing_else() -> None:
    rng = random.Random(5)
    whole = open_message(65536, "192.0.2.1", add_path=[(1, 1)])
    for _ in range(3000):
        octets = bytearray(whole)
        octets[rng.randrange(19, len(octets))] = rng.getrandbits(8)
        del octets[rng.randrange(19, len(octets) + 1) :]
        try:
            found = decode_open(bytes(octets))
            assert agreed(found, found)
            assert found.families
        except InvalidInput:
            pass
