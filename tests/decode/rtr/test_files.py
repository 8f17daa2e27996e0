"""Files of validated payloads as validators write them."""

from __future__ import annotations

import json
import random

import pytest

from weft.decode.rtr import Vrp
from weft.decode.rtr.files import read_vrps
from weft.errors import InvalidInput

V4, V6 = Vrp("192.0.2.0/24", 25, 64500), Vrp("2001:db8::/32", 48, 65551)
RPKI_CLIENT = {
    "metadata": {"buildmachine": "rpki.example.net", "buildtime": "2026-03-01T12:00:00Z", "roas": 2},
    "roas": [
        {"asn": 64500, "prefix": "192.0.2.0/24", "maxLength": 25, "ta": "ripe", "expires": 1772000000},
        {"asn": 65551, "prefix": "2001:db8::/32", "maxLength": 48, "ta": "apnic", "expires": 1772000000},
    ],
    "bgpsec_keys": [], "aspas": [],
}  # fmt: skip
ROUTINATOR = {
    "metadata": {"generated": 1772366400, "generatedTime": "2026-03-01T12:00:00Z"},
    "roas": [
        {"asn": "AS65551", "prefix": "2001:db8::/32", "maxLength": 48, "source": [{"type": "roa", "uri": "x]}"}]},
        {"asn": "AS64500", "prefix": "192.0.2.0/24", "maxLength": 25, "ta": "ripe"},
    ],
}
CSV = (
    "ASN,IP Prefix,Max Length,Trust Anchor,Expires\n"
    "AS64500,192.0.2.0/24,25,ripe,1772000000\nAS65551,2001:db8::/32,48,x,1\n"
)


@pytest.mark.parametrize(
    "text", [json.dumps(RPKI_CLIENT), json.dumps(ROUTINATOR, indent=2), CSV, "\ufeff" + CSV.replace("\n", "\r\n")]
)
def test_validators_of_all_makes_say_the_same(text: str) -> None:
    file = read_vrps(text.encode())
    assert file.vrps.words() == [V4, V6]
    assert not file.errors


def test_when_it_was_made() -> None:
    assert read_vrps(json.dumps(RPKI_CLIENT).encode()).built == "2026-03-01T12:00:00Z"
    assert read_vrps(CSV.encode()).built == ""


def test_entries_that_make_no_sense_are_counted_and_left_out() -> None:
    roas = [
        {"asn": 64500, "prefix": "192.0.2.0/24"}, {"asn": 64500, "prefix": "192.0.2.0/24", "maxLength": 33},
        {"asn": 64500, "prefix": "192.0.2.0/24", "maxLength": 23}, {"asn": -1, "prefix": "192.0.2.0/24"},
        {"asn": 1 << 32, "prefix": "192.0.2.0/24"}, {"asn": True, "prefix": "192.0.2.0/24"}, {"prefix": "192.0.2.0/24"},
        {"asn": 1, "prefix": "router.example.net/24"}, {"asn": 1, "prefix": "192.0.2.0"}, {"asn": 1}, 7, None, [],
        {"asn": 64500, "prefix": "192.0.2.1/24", "maxLength": 24},
    ]  # fmt: skip
    file = read_vrps(json.dumps({"roas": roas}).encode())
    assert file.vrps.words() == [Vrp("192.0.2.0/24", 24, 64500)]
    assert file.errors == {"bad_entry": 12}
    assert read_vrps(CSV.encode(), most=1).errors == {"too_many": 1}


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"{}", b'{"roas": [', b'{"roas": [{"asn": 1', b"a,b\n1,2\n", b'{"roas": 7}', b"[" * 99_999,
     b'{"roas": [' + b"[" * 99_999],
)  # fmt: skip
def test_other_files_are_refused_with_a_hint(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="Give the JSON or CSV output of a validator"):
        read_vrps(data)


def test_damage_is_never_a_crash() -> None:
    rng = random.Random(6482)
    for text in (json.dumps(RPKI_CLIENT), CSV):
        for _ in range(300):
            data = bytearray(text.encode())
            for _ in range(rng.randint(1, 8)):
                data[rng.randrange(len(data))] = rng.getrandbits(8)
            try:
                file = read_vrps(bytes(data))
            except InvalidInput:
                continue
            assert len(file.vrps) <= 2
