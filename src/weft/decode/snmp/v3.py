"""SNMPv3 messages on the wire: the header (RFC 3412 §6), USM's parameters (RFC 3414 §2.4) and the scoped PDU.

Knows no keys: what is authenticated or encrypted is done with it elsewhere. The digest's place is known from where the
message was taken apart or put together, never searched for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from weft.decode.snmp import ber

AUTH: Final = 0x01
PRIVACY: Final = 0x02
REPORTABLE: Final = 0x04
_USM: Final = 3
_LARGEST: Final = 65_507
_MOST_ENGINE, _MOST_USER, _MOST_DIGEST = 32, 32, 64


@dataclass(slots=True)
class MessageV3:
    """A message taken apart; ``payload`` is the scoped PDU, or its cipher text where it is encrypted."""

    message_id: int
    flags: int
    engine_id: bytes
    boots: int
    time: int
    user: bytes
    digest: bytes
    digest_at: int  # where the digest begins in the whole message
    salt: bytes
    payload: bytes


@dataclass(slots=True)
class ScopedPdu:
    """A PDU with its context (RFC 3412 §6.8)."""

    context_engine: bytes
    context: bytes
    pdu: ber.Pdu


def decode(data: bytes) -> MessageV3:
    """Take a message apart. Raises ``BerError``."""
    at, end = ber.expect(data, 0, len(data), ber.SEQUENCE)
    version, at = ber.read_integer(data, at, end)
    if version != ber.VERSION_3:
        raise ber.BerError(f"version {version} where 3 belongs")
    inner, stop = ber.expect(data, at, end, ber.SEQUENCE)
    message_id, inner = ber.read_integer(data, inner, stop)
    _, inner = ber.read_integer(data, inner, stop)
    begin, after = ber.expect(data, inner, stop, ber.OCTETS)
    if after - begin != 1:
        raise ber.BerError("msgFlags that are not one octet")
    flags = data[begin]
    model, _ = ber.read_integer(data, after, stop)
    if model != _USM:
        raise ber.BerError(f"security model {model} is not USM")
    begin, after = ber.expect(data, stop, end, ber.OCTETS)
    engine_id, boots, seconds, user, (digest_at, digest_end), salt = _usm(data, begin, after)
    payload, last = ber.expect(data, after, end, ber.OCTETS) if flags & PRIVACY else (after, _end(data, after, end))
    return MessageV3(
        message_id, flags, engine_id, boots, seconds, user, data[digest_at:digest_end], digest_at, salt,
        data[payload:last],
    )  # fmt: skip


def _end(data: bytes, at: int, end: int) -> int:
    return ber.expect(data, at, end, ber.SEQUENCE)[1]


def _usm(data: bytes, at: int, end: int) -> tuple[bytes, int, int, bytes, tuple[int, int], bytes]:
    at, end = ber.expect(data, at, end, ber.SEQUENCE)
    begin, at = ber.expect(data, at, end, ber.OCTETS)
    engine_id = data[begin:at]
    boots, at = ber.read_integer(data, at, end)
    seconds, at = ber.read_integer(data, at, end)
    begin, at = ber.expect(data, at, end, ber.OCTETS)
    user = data[begin:at]
    digest = ber.expect(data, at, end, ber.OCTETS)
    begin, at = ber.expect(data, digest[1], end, ber.OCTETS)
    if len(engine_id) > _MOST_ENGINE or len(user) > _MOST_USER or digest[1] - digest[0] > _MOST_DIGEST:
        raise ber.BerError("security parameters longer than they may be")
    return engine_id, boots, seconds, user, digest, data[begin:at]


def decode_scoped(data: bytes) -> ScopedPdu:
    """The scoped PDU; octets after it are padding. Raises ``BerError``."""
    at, end = ber.expect(data, 0, len(data), ber.SEQUENCE)
    begin, at = ber.expect(data, at, end, ber.OCTETS)
    engine = data[begin:at]
    begin, at = ber.expect(data, at, end, ber.OCTETS)
    return ScopedPdu(engine, data[begin:at], ber.decode_pdu(data, at, end))


def encode_scoped(context_engine: bytes, context: bytes, pdu: bytes) -> bytes:
    """A scoped PDU around an encoded PDU."""
    return ber.tlv(ber.SEQUENCE, ber.tlv(ber.OCTETS, context_engine) + ber.tlv(ber.OCTETS, context) + pdu)


def encode(message: MessageV3) -> tuple[bytes, int]:
    """The message, and where its digest begins. ``digest_at`` of the argument is not looked at."""
    head = ber.integer(message.message_id) + ber.integer(_LARGEST)
    head += ber.tlv(ber.OCTETS, bytes((message.flags,))) + ber.integer(_USM)
    before = ber.tlv(ber.OCTETS, message.engine_id) + ber.integer(message.boots) + ber.integer(message.time)
    before += ber.tlv(ber.OCTETS, message.user)
    salt = ber.tlv(ber.OCTETS, message.salt)
    usm = ber.tlv(ber.OCTETS, ber.tlv(ber.SEQUENCE, before + ber.tlv(ber.OCTETS, message.digest) + salt))
    payload = ber.tlv(ber.OCTETS, message.payload) if message.flags & PRIVACY else message.payload
    whole = ber.tlv(ber.SEQUENCE, ber.integer(ber.VERSION_3) + ber.tlv(ber.SEQUENCE, head) + usm + payload)
    return whole, len(whole) - len(payload) - len(salt) - len(message.digest)
