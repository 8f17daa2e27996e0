"""RTR PDUs as a cache sends them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from weft.decode.rtr.payloads import Vrp


def pdu(version: int, kind: int, field: int = 0, body: bytes = b"") -> bytes:
    head = bytes((version, kind)) + field.to_bytes(2, "big") + (8 + len(body)).to_bytes(4, "big")
    return head + body


def prefix(version: int, one: Vrp, announced: bool = True) -> bytes:
    network = ipaddress.ip_network(one.prefix)
    body = bytes((int(announced), network.prefixlen, one.max_length, 0)) + network.network_address.packed
    return pdu(version, 4 if network.version == 4 else 6, 0, body + one.asn.to_bytes(4, "big"))


def end(version: int, session: int, serial: int, refresh: int = 3600, retry: int = 600, expire: int = 7200) -> bytes:
    timers = b"" if version == 0 else b"".join(one.to_bytes(4, "big") for one in (refresh, retry, expire))
    return pdu(version, 7, session, serial.to_bytes(4, "big") + timers)


def answer(
    version: int, session: int, serial: int, announced: Iterable[Vrp], withdrawn: Iterable[Vrp] = (), **timers: int
) -> bytes:
    parts = [pdu(version, 3, session)]
    parts += [prefix(version, one) for one in announced]
    parts += [prefix(version, one, False) for one in withdrawn]
    return b"".join((*parts, end(version, session, serial, **timers)))


def error(version: int, code: int, text: str, about: bytes = b"") -> bytes:
    words = text.encode()
    body = len(about).to_bytes(4, "big") + about + len(words).to_bytes(4, "big") + words
    return pdu(version, 10, code, body)
