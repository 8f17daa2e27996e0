"""DNS: one question to one resolver, timed; over TCP where the answer does not fit (RFC 1035, RFC 7766)."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import struct
import time
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename

from weft.collect.agent.lookups import LookupFailed, Lookups, family_of
from weft.collect.agent.outcome import Outcome, failed, not_done, round_trips
from weft.model.synthetics import SyntheticTest

_SYSTEM = Path("/etc/resolv.conf")
_PORT = 53
_PAYLOAD = 1232  # what passes without fragments (DNS flag day 2020)
_ATTEMPTS = 2
_MOST_STRANGE = 100
_MOST_ANSWERS, _MOST_TEXT = 50, 1000


def system_resolvers(text: str | None = None) -> list[str]:
    """The resolvers that this machine asks, as its file names them."""
    if text is None:
        try:
            text = _SYSTEM.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
    words = [line.split() for line in text.splitlines()]
    return [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"][:3]


def host_and_port(resolver: str) -> tuple[str, int]:
    """``192.0.2.53``, ``192.0.2.53:5353``, ``[2001:db8::53]:5353`` or a name, with a port or without."""
    if resolver.startswith("["):
        host, _, rest = resolver[1:].partition("]")
        return host, _port(rest.removeprefix(":"))
    if resolver.count(":") == 1:
        host, _, rest = resolver.partition(":")
        return host, _port(rest)
    return resolver, _PORT


def _port(text: str) -> int:
    if not text:
        return _PORT
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < number < 1 << 16:
        raise ValueError("not a port")
    return number


def question(test: SyntheticTest, target: str) -> dns.message.Message:
    """The question; PTR of an address asks for its name in the reverse tree. Raises ``DNSException``."""
    name = dns.name.from_text(target)
    if test.record == "PTR":
        with contextlib.suppress(ValueError):
            name = dns.reversename.from_address(str(ipaddress.ip_address(target)))
    return dns.message.make_query(name, test.record, use_edns=0, payload=_PAYLOAD)


async def ask(test: SyntheticTest, target: str, resolver: str, lookups: Lookups) -> Outcome:
    """Ask ``resolver`` for ``target``."""
    try:
        host, port = host_and_port(resolver)
        address = await lookups.address(host, test.family, test.timeout_ms / 1e3)
        query = question(test, target)
    except LookupFailed as error:
        return not_done(f"resolver: {error.message}")
    except ValueError:
        return not_done("not a resolver: an address or name, with a port or without")
    except dns.exception.DNSException as error:
        return not_done(f"not a name that can be looked up: {error}")
    try:
        answer, sent, took_ms, source = await _exchange(query, address, port, test.timeout_ms / 1e3)
    except TimeoutError:
        return failed("the resolver does not answer", address=address, **round_trips(_ATTEMPTS, []))
    except OSError as error:
        said = os.strerror(error.errno).lower() if error.errno else str(error)
        return failed(said, address=address, **round_trips(1, []))
    fields = round_trips(sent, [took_ms]) | {"address": address, "source_address": source}
    return _judged(test, answer, fields)


def _judged(test: SyntheticTest, answer: dns.message.Message, fields: dict[str, object]) -> Outcome:
    code = answer.rcode()
    records = _records(answer)
    fields |= {"code": int(code), "answer": ", ".join(records)[:_MOST_TEXT]}
    if code != dns.rcode.NOERROR:
        return failed(dns.rcode.to_text(code), **fields)
    wanted_type = dns.rdatatype.from_text(test.record)
    if not any(found.rdtype == wanted_type for found in answer.answer):
        return failed(f"no {test.record} record", **fields)
    have = {_plain(record) for record in records}
    missing = [one for one in test.expect_answers if _plain(one) not in have]
    if missing:
        return failed(f"not among the answers: {', '.join(missing)}", **fields)
    return Outcome(fields=fields)


def _plain(record: str) -> str:
    return record.strip().strip('"').rstrip(".").lower()


def _records(answer: dns.message.Message) -> list[str]:
    return sorted(record.to_text()[:_MOST_TEXT] for found in answer.answer for record in found)[:_MOST_ANSWERS]


async def _exchange(
    query: dns.message.Message, address: str, port: int, timeout_s: float
) -> tuple[dns.message.Message, int, float, str]:
    """(answer, datagrams sent, milliseconds, our address). A datagram that got lost is sent once more."""
    wire = query.to_wire()
    for attempt in range(1, _ATTEMPTS + 1):
        began = time.monotonic()
        try:
            async with asyncio.timeout(timeout_s / _ATTEMPTS):
                answer, source = await _over_udp(query, wire, address, port)
        except TimeoutError:
            if attempt == _ATTEMPTS:
                raise
            continue
        if answer.flags & dns.flags.TC:
            answer = await asyncio.wait_for(_over_tcp(query, wire, address, port), timeout_s)
        return answer, attempt, (time.monotonic() - began) * 1e3, source
    raise TimeoutError


async def _over_udp(
    query: dns.message.Message, wire: bytes, address: str, port: int
) -> tuple[dns.message.Message, str]:
    loop = asyncio.get_running_loop()
    with socket.socket(family_of(address), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as one:
        one.connect((address, port))
        await loop.sock_sendall(one, wire)
        for _ in range(_MOST_STRANGE):
            answer = _parsed(query, await loop.sock_recv(one, 65_535))
            if answer is not None:
                return answer, str(one.getsockname()[0])
    raise OSError("answers that are not to this question")


async def _over_tcp(query: dns.message.Message, wire: bytes, address: str, port: int) -> dns.message.Message:
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(struct.pack("!H", len(wire)) + wire)
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        answer = _parsed(query, await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        raise OSError("the resolver ended the connection") from None
    finally:
        writer.transport.abort()
    if answer is None:
        raise OSError("an answer that is not to this question")
    return answer


def _parsed(query: dns.message.Message, wire: bytes) -> dns.message.Message | None:
    """The answer to ``query``; none where it is damaged or answers something else."""
    try:
        answer = dns.message.from_wire(wire, ignore_trailing=True, raise_on_truncation=False)
    except (dns.exception.DNSException, ValueError, IndexError):
        return None
    return answer if query.is_response(answer) else None
