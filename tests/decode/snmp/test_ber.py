"""BER: what is encoded is decoded, by us and as the standard says; nothing but ``BerError`` comes of garbage."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.decode.snmp import ber, v3

ARCS = st.tuples(
    st.integers(0, 1), st.integers(0, 39), st.lists(st.integers(0, 2**32 - 1), max_size=20)
).map(lambda t: (t[0], t[1], *t[2]))  # fmt: skip
VALUES = st.one_of(
    st.tuples(st.just(ber.INTEGER), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.sampled_from([ber.COUNTER32, ber.GAUGE32, ber.TIMETICKS]), st.integers(0, 2**32 - 1)),
    st.tuples(st.just(ber.COUNTER64), st.integers(0, 2**64 - 1)),
    st.tuples(st.sampled_from([ber.OCTETS, ber.IP_ADDRESS, ber.OID]), st.binary(max_size=300)),
    st.tuples(st.sampled_from([ber.NULL, ber.NO_SUCH_OBJECT, ber.END_OF_MIB_VIEW]), st.none()),
)


def varbinds(pairs):
    found = ber.Varbinds()
    for arcs, (tag, value) in pairs:
        found.add(ber.pack_oid(arcs), tag, value)
    return found


@given(ARCS)
def test_object_identifiers_come_back(arcs):
    packed = ber.pack_oid(arcs)
    assert ber.unpack_oid(packed) == arcs
    assert ber.oid(ber.oid_text(packed)) == packed


@given(ARCS, ARCS)
def test_a_prefix_of_arcs_is_a_prefix_of_octets(one, other):
    assert ber.pack_oid(one + other).startswith(ber.pack_oid(one))


@given(st.integers(0, 2**31 - 1), st.binary(max_size=40), st.lists(st.tuples(ARCS, VALUES), max_size=30))
def test_messages_come_back(request_id, community, pairs):
    pdu = ber.Pdu(ber.RESPONSE, request_id, 0, 0, varbinds(pairs))
    message = ber.decode_message(ber.encode_message(ber.VERSION_2C, community, ber.encode_pdu(pdu)))
    assert (message.version, message.community, message.pdu) == (ber.VERSION_2C, community, pdu)


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_garbage_is_refused_and_nothing_else(data):
    for decode in (ber.decode_message, ber.message_version, v3.decode, v3.decode_scoped):
        with contextlib.suppress(ber.BerError):
            decode(data)


@given(st.data())
@settings(max_examples=300)
def test_a_message_with_any_octets_changed_is_decoded_or_refused(data):
    pairs = [((1, 3, 6, 1, 2, 1, 2, 2, 1, 10, i), (ber.COUNTER64, 2**40 + i)) for i in range(6)]
    pdu = ber.encode_pdu(ber.Pdu(ber.RESPONSE, 7, 0, 0, varbinds(pairs)))
    whole = bytearray(ber.encode_message(ber.VERSION_2C, b"public", pdu))
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    try:
        message = ber.decode_message(bytes(whole[:cut]))
    except ber.BerError:
        return
    binds = message.pdu.varbinds
    assert len(binds.oids) == len(binds.tags) == len(binds.values)


def test_octets_as_the_standards_print_them():
    assert ber.oid("1.3.6.1.4.1.2680.1.2.7.3.2.0").hex() == "2b06010401947801020703" + "0200"
    assert ber.oid(".1.3.6.1") == ber.oid("1.3.6.1")
    assert ber.integer(128) == b"\x02\x02\x00\x80"
    assert ber.integer(-129) == b"\x02\x02\xff\x7f"
    assert ber.integer(2**32 - 1, ber.COUNTER32) == b"\x41\x05\x00\xff\xff\xff\xff"
    assert ber.tlv(ber.OCTETS, bytes(200))[:3] == b"\x04\x81\xc8"
    assert ber.tlv(ber.OCTETS, bytes(70_000))[:5] == b"\x04\x83\x01\x11\x70"


def one(value: bytes):
    data = ber.tlv(ber.SEQUENCE, ber.tlv(ber.OID, ber.oid("1.3.6.1")) + value)
    return ber.decode_varbinds(data, 0, len(data)).values[0]


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"\x41\x04\xff\xff\xff\xff", 2**32 - 1),  # agents that forget the leading zero of a Counter32
        (b"\x46\x09\x00" + b"\xff" * 8, 2**64 - 1),
        (b"\x44\x07\x9f\x78\x04\x42\x28\x00\x00", 42.0),  # Net-SNMP's float in an Opaque
        (b"\x44\x0b\x9f\x79\x08" + bytes.fromhex("4045000000000000"), 42.0),
        (b"\x44\x02\x9f\x78", b"\x9f\x78"),
        (b"\x02\x01\xff", -1),
        (b"\x80\x00", None),
        (b"\x04\x81\x03abc", b"abc"),  # a length in more octets than it needs
    ],
)
def test_values_as_agents_write_them(octets, value):
    assert one(octets) == value


@pytest.mark.parametrize(
    "octets", [b"\x02\x00", b"\x02\x0a" + bytes(10), b"\x41\x0a" + bytes(10), b"\x04\x05ab", b"\x04\x80ab", b"\x04"]
)
def test_values_that_are_none(octets):
    with pytest.raises(ber.BerError):
        one(octets)


@pytest.mark.parametrize("text", ["", "1", "3.1", "1.40", "1.3.x", "1.-3", "1.3..6", "1.3.99999999999999"])
def test_text_that_is_no_object_identifier(text):
    with pytest.raises(ber.BerError):
        ber.oid(text)


def test_an_arc_beyond_32_bits_or_cut_off_is_refused():
    for octets in (b"\x2b\xff\xff\xff\xff\xff\x7f", b"\x2b\x81", b""):
        with pytest.raises(ber.BerError):
            ber.unpack_oid(octets)
    assert ber.oid_text(b"\x2b\x81") == "0x2b81"
