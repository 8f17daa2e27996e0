"""BER as SNMP uses it (X.690 §8, RFC 1157, RFC 3416): messages of v1 and v2c, PDUs of every version, both ways.

Object identifiers stay as their content octets: a column's octets are a prefix of its cells' octets, so that a table is
walked with ``startswith`` and dictionary look-ups, never arc by arc. Decoding costs about a microsecond per variable.
Whatever the octets are, decoding returns or raises ``BerError``; lengths are definite, as SNMP demands.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from weft.errors import InvalidInput

#: Value of a variable: a number, octets (also of addresses and object identifiers), or none where there is no value.
Value = int | float | bytes | None

INTEGER: Final = 0x02
OCTETS: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
SEQUENCE: Final = 0x30
IP_ADDRESS: Final = 0x40
COUNTER32: Final = 0x41
GAUGE32: Final = 0x42
TIMETICKS: Final = 0x43
OPAQUE: Final = 0x44
COUNTER64: Final = 0x46
UINTEGER32: Final = 0x47
NO_SUCH_OBJECT: Final = 0x80
NO_SUCH_INSTANCE: Final = 0x81
END_OF_MIB_VIEW: Final = 0x82

GET: Final = 0xA0
GET_NEXT: Final = 0xA1
RESPONSE: Final = 0xA2
SET: Final = 0xA3
TRAP_V1: Final = 0xA4
GET_BULK: Final = 0xA5
INFORM: Final = 0xA6
TRAP: Final = 0xA7
REPORT: Final = 0xA8

VERSION_1: Final = 0
VERSION_2C: Final = 1
VERSION_3: Final = 3

#: RFC 3416 §3.
ERROR_STATUS = {
    0: "noError", 1: "tooBig", 2: "noSuchName", 3: "badValue", 4: "readOnly", 5: "genErr", 6: "noAccess",
    7: "wrongType", 8: "wrongLength", 9: "wrongEncoding", 10: "wrongValue", 11: "noCreation", 12: "inconsistentValue",
    13: "resourceUnavailable", 14: "commitFailed", 15: "undoFailed", 16: "authorizationError", 17: "notWritable",
    18: "inconsistentName",
}  # fmt: skip
TOO_BIG: Final = 1
NO_SUCH_NAME: Final = 2

_UNSIGNED = frozenset({COUNTER32, GAUGE32, TIMETICKS, COUNTER64, UINTEGER32})
_ABSENT = frozenset({NULL, NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW})
_MOST_INTEGER_OCTETS = 9
_MOST_ARC = 0xFFFFFFFF
#: Net-SNMP's floats in an Opaque (NET-SNMP-TC): tag, length 4 or 8, IEEE 754.
_OPAQUE_FLOAT, _OPAQUE_DOUBLE = b"\x9f\x78\x04", b"\x9f\x79\x08"


class BerError(InvalidInput):
    """Octets that are not what they should be."""

    code = "ber"


@dataclass(slots=True)
class Varbinds:
    """Variables of a PDU: three lists of one length. Tags tell what a value is."""

    oids: list[bytes] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.oids)

    def add(self, oid: bytes, tag: int = NULL, value: Value = None) -> None:
        """One more."""
        self.oids.append(oid)
        self.tags.append(tag)
        self.values.append(value)


@dataclass(slots=True)
class Pdu:
    """A PDU. Of GETBULK, the two numbers are non-repeaters and max-repetitions."""

    kind: int
    request_id: int = 0
    error_status: int = 0
    error_index: int = 0
    varbinds: Varbinds = field(default_factory=Varbinds)
    trap: TrapV1 | None = None


@dataclass(slots=True)
class TrapV1:
    """What only the trap of SNMPv1 has (RFC 1157 §4.1.6)."""

    enterprise: bytes
    agent: bytes  # 4 octets
    generic: int
    specific: int
    uptime: int  # hundredths of a second


@dataclass(slots=True)
class Message:
    """A message of v1 or v2c (RFC 1901 §3)."""

    version: int
    community: bytes
    pdu: Pdu


# --- object identifiers ----------------------------------------------------------------------------------------------


def pack_oid(arcs: tuple[int, ...]) -> bytes:
    """Arcs to content octets (X.690 §8.19). Raises ``BerError`` where they cannot be an object identifier."""
    if len(arcs) < 2 or not 0 <= arcs[0] <= 2 or arcs[1] < 0 or (arcs[0] < 2 and arcs[1] > 39):
        raise BerError(f"not an object identifier: {'.'.join(map(str, arcs))}")
    return pack_arcs((arcs[0] * 40 + arcs[1], *arcs[2:]))


def pack_arcs(arcs: tuple[int, ...]) -> bytes:
    """Arcs after the first two, such as the index of a table's row, to octets."""
    return b"".join([bytes((arc,)) if 0 <= arc < 0x80 else _long_arc(arc) for arc in arcs])


@lru_cache(maxsize=65536)
def _long_arc(arc: int) -> bytes:
    if not 0 <= arc <= _MOST_ARC * 128:  # the first arc holds two
        raise BerError("an arc out of bounds")
    parts = [arc & 0x7F]
    while arc := arc >> 7:
        parts.append(arc & 0x7F | 0x80)
    return bytes(reversed(parts))


def unpack_arcs(octets: bytes) -> tuple[int, ...]:
    """Octets to arcs, without the special first one. Raises ``BerError``."""
    arcs = []
    arc = 0
    open_ended = False
    for octet in octets:
        arc = arc << 7 | octet & 0x7F
        open_ended = octet > 0x7F
        if not open_ended:
            arcs.append(arc)
            arc = 0
        elif arc > _MOST_ARC:
            raise BerError("an arc beyond 32 bits")
    if open_ended:
        raise BerError("an object identifier that ends within an arc")
    return tuple(arcs)


def unpack_oid(octets: bytes) -> tuple[int, ...]:
    """Content octets to arcs. Raises ``BerError``."""
    arcs = unpack_arcs(octets)
    if not arcs:
        raise BerError("an empty object identifier")
    first = min(arcs[0] // 40, 2)
    return (first, arcs[0] - 40 * first, *arcs[1:])


@lru_cache(maxsize=4096)
def oid(text: str) -> bytes:
    """Dotted text, with or without a leading dot, to content octets. Raises ``BerError``."""
    try:
        return pack_oid(tuple(int(part) for part in text.strip().lstrip(".").split(".")))
    except ValueError:
        raise BerError(f"not an object identifier: {text[:80]!r}", fix="Write it in digits and dots.") from None


def oid_text(octets: bytes) -> str:
    """Content octets to dotted text; what is no object identifier shows as hexadecimal."""
    try:
        return ".".join(map(str, unpack_oid(octets)))
    except BerError:
        return "0x" + octets.hex()


# --- encoding --------------------------------------------------------------------------------------------------------


def tlv(tag: int, content: bytes) -> bytes:
    """Tag, definite length, content."""
    n = len(content)
    if n < 0x80:
        return bytes((tag, n)) + content
    octets = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """A number, in the fewest octets."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def variable(name: bytes, tag: int, value: Value) -> bytes:
    """One variable binding."""
    return tlv(SEQUENCE, tlv(OID, name) + _value(tag, value))


def _value(tag: int, value: Value) -> bytes:
    if tag in _ABSENT or value is None:
        return bytes((tag if tag in _ABSENT else NULL, 0))
    if isinstance(value, float):
        return tlv(OPAQUE, _OPAQUE_FLOAT + struct.pack(">f", value))
    return tlv(tag, value) if isinstance(value, bytes) else integer(value, tag)


def encode_pdu(pdu: Pdu) -> bytes:
    """A PDU of any version but the trap of SNMPv1."""
    binds = pdu.varbinds
    variables = b"".join(map(variable, binds.oids, binds.tags, binds.values))
    head = integer(pdu.request_id) + integer(pdu.error_status) + integer(pdu.error_index)
    return tlv(pdu.kind, head + tlv(SEQUENCE, variables))


def encode_message(version: int, community: bytes, pdu: bytes) -> bytes:
    """A message of v1 or v2c around an encoded PDU."""
    return tlv(SEQUENCE, integer(version) + tlv(OCTETS, community) + pdu)


def request(kind: int, request_id: int, names: list[bytes], first: int = 0, second: int = 0) -> bytes:
    """A PDU that asks for ``names``; of GETBULK ``first`` non-repeaters and ``second`` max-repetitions."""
    variables = b"".join(tlv(SEQUENCE, tlv(OID, name) + b"\x05\x00") for name in names)
    return tlv(kind, integer(request_id) + integer(first) + integer(second) + tlv(SEQUENCE, variables))


# --- decoding --------------------------------------------------------------------------------------------------------


def header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """(tag, begin, end) of the content of the element at ``at``, which must end by ``end``. Raises ``BerError``."""
    if at + 2 > end:
        raise BerError("truncated")
    tag, n = data[at], data[at + 1]
    at += 2
    if n > 0x7F:
        n, at = _long_length(data, at, end, n)
    if at + n > end:
        raise BerError("an element longer than what holds it")
    return tag, at, at + n


def _long_length(data: bytes, at: int, end: int, first: int) -> tuple[int, int]:
    count = first & 0x7F
    if not 1 <= count <= 4 or at + count > end:
        raise BerError("a length that is not definite, or absurd")
    return int.from_bytes(data[at : at + count], "big"), at + count


def expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """(begin, end) of the content of the element at ``at``, which must have this tag. Raises ``BerError``."""
    found, begin, stop = header(data, at, end)
    if found != tag:
        raise BerError(f"tag 0x{found:02x} where 0x{tag:02x} belongs")
    return begin, stop


def read_integer(data: bytes, at: int, end: int) -> tuple[int, int]:
    """(number, where the next element begins). Raises ``BerError``."""
    begin, stop = expect(data, at, end, INTEGER)
    if not 1 <= stop - begin <= _MOST_INTEGER_OCTETS:
        raise BerError("an integer of an impossible length")
    return int.from_bytes(data[begin:stop], "big", signed=True), stop


def decode_message(data: bytes) -> Message:
    """A message of v1 or v2c. Raises ``BerError``."""
    at, end = expect(data, 0, len(data), SEQUENCE)
    version, at = read_integer(data, at, end)
    if version not in (VERSION_1, VERSION_2C):
        raise BerError(f"version {version} where 0 or 1 belongs")
    begin, stop = expect(data, at, end, OCTETS)
    return Message(version, data[begin:stop], decode_pdu(data, stop, end))


def message_version(data: bytes) -> int:
    """Version number of any SNMP message. Raises ``BerError``."""
    at, end = expect(data, 0, len(data), SEQUENCE)
    return read_integer(data, at, end)[0]


def decode_pdu(data: bytes, at: int, end: int) -> Pdu:
    """The PDU at ``at``. Raises ``BerError``."""
    kind, at, stop = header(data, at, end)
    if not GET <= kind <= REPORT:
        raise BerError(f"tag 0x{kind:02x} is no PDU")
    if kind == TRAP_V1:
        return _trap_v1(data, at, stop)
    request_id, at = read_integer(data, at, stop)
    status, at = read_integer(data, at, stop)
    index, at = read_integer(data, at, stop)
    begin, last = expect(data, at, stop, SEQUENCE)
    return Pdu(kind, request_id, status, index, decode_varbinds(data, begin, last))


def _trap_v1(data: bytes, at: int, end: int) -> Pdu:
    begin, stop = expect(data, at, end, OID)
    enterprise = data[begin:stop]
    begin, stop = expect(data, stop, end, IP_ADDRESS)
    agent = data[begin:stop]
    if len(agent) != 4:
        raise BerError("an IPv4 address that has not four octets")
    generic, at = read_integer(data, stop, end)
    specific, at = read_integer(data, at, end)
    begin, stop = expect(data, at, end, TIMETICKS)
    uptime = int.from_bytes(data[begin:stop], "big")
    begin, last = expect(data, stop, end, SEQUENCE)
    trap = TrapV1(enterprise, agent, generic, specific, uptime)
    return Pdu(TRAP_V1, varbinds=decode_varbinds(data, begin, last), trap=trap)


def decode_varbinds(data: bytes, at: int, end: int) -> Varbinds:
    """Variable bindings from ``at`` to ``end``. Raises ``BerError``."""
    names: list[bytes] = []
    tags: list[int] = []
    values: list[Value] = []
    try:
        while at < end:
            if data[at] != SEQUENCE:
                raise BerError("a variable that is not a sequence")
            n = data[at + 1]
            at += 2
            if n > 0x7F:
                n, at = _long_length(data, at, end, n)
            stop = at + n
            if stop > end or data[at] != OID:
                raise BerError("a variable that has no name, or runs over its list")
            n = data[at + 1]
            at += 2
            if n > 0x7F:
                n, at = _long_length(data, at, end, n)
            name = data[at : at + n]
            at += n
            tag, n = data[at], data[at + 1]
            at += 2
            if n > 0x7F:
                n, at = _long_length(data, at, end, n)
            if at + n != stop:
                raise BerError("a variable whose parts do not fill it")
            names.append(name)
            tags.append(tag)
            if tag in _UNSIGNED and n <= _MOST_INTEGER_OCTETS:
                values.append(int.from_bytes(data[at:stop], "big"))
            else:
                values.append(_decode(tag, data[at:stop]))
            at = stop
    except IndexError:
        raise BerError("truncated") from None
    return Varbinds(names, tags, values)


def _decode(tag: int, octets: bytes) -> Value:
    if tag == INTEGER and 1 <= len(octets) <= _MOST_INTEGER_OCTETS:
        return int.from_bytes(octets, "big", signed=True)
    if tag == INTEGER or tag in _UNSIGNED:
        raise BerError("an integer of an impossible length")
    if tag in _ABSENT:
        return None
    if tag == OPAQUE:
        if octets[:3] == _OPAQUE_FLOAT and len(octets) == 7:
            return float(struct.unpack(">f", octets[3:])[0])
        if octets[:3] == _OPAQUE_DOUBLE and len(octets) == 11:
            return float(struct.unpack(">d", octets[3:])[0])
    return octets
