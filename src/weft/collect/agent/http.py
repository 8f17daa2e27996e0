"""HTTP(S): one request over a connection of its own, each phase timed, the certificate read either way."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import os
import socket
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import h11

from weft import __version__
from weft.collect.agent.lookups import LookupFailed, Lookups, family_of
from weft.collect.agent.outcome import Outcome, failed, not_done
from weft.collect.agent.ping import tcp_rtt_ms
from weft.errors import ConfigError
from weft.model.synthetics import SyntheticTest

MOST_BODY = 16 << 20  # bytes that are read of an answer; those beyond are not waited for
_MOST_SEARCHED = 1 << 20
_MOST_HEAD = 64 << 10
_CHUNK = 64 << 10
_SECONDS_A_DAY = 86_400.0
_OWN = {"host", "user-agent", "accept-encoding", "connection", "content-length", "transfer-encoding"}


class WrongAnswer(Exception):
    """What came is not HTTP, or not what the test wants."""


@dataclass(slots=True)
class _Run:
    """Where a transaction is, for the reason when it fails."""

    test: SyntheticTest
    url: SplitResult
    phase: str = "looking up the name"
    fields: dict[str, Any] = field(default_factory=dict)
    issuer: str = ""


class HttpTester:
    """Carries out HTTP tests. The certificates to verify by are read once."""

    def __init__(self, lookups: Lookups, ca: Path | None = None) -> None:
        self._lookups, self._ca = lookups, ca
        self._contexts: dict[bool, ssl.SSLContext] = {}

    async def run(self, test: SyntheticTest, target: str, allowed: Any = None) -> Outcome:
        """One request. ``allowed`` tells of an address whether it may be reached for."""
        url = urlsplit(target)
        try:
            port = url.port or (443 if url.scheme == "https" else 80)
        except ValueError:
            return not_done("not a URL")
        if url.scheme not in ("http", "https") or not url.hostname:
            return not_done("not a URL of http or https")
        run = _Run(test, url)
        run.fields["sent"] = 1
        began = time.monotonic()
        try:
            async with asyncio.timeout(test.timeout_ms / 1e3):
                await self._transaction(run, port, allowed)
        except LookupFailed as error:
            return not_done(error.message, **run.fields)
        except ConfigError as error:
            return not_done(error.message, **run.fields)
        except TimeoutError:
            return self._failed(run, f"timed out {run.phase}")
        except ssl.SSLCertVerificationError as error:
            await self._read_certificate(run, port)
            return self._failed(run, f"certificate: {error.verify_message}")
        except ssl.SSLError as error:
            return self._failed(run, f"TLS: {(error.reason or 'failed').replace('_', ' ').lower()}")
        except (WrongAnswer, h11.RemoteProtocolError) as error:
            return self._failed(run, str(error))
        except h11.LocalProtocolError as error:
            return not_done(f"the request cannot be sent: {error}", **run.fields)
        except OSError as error:
            said = os.strerror(error.errno).lower() if error.errno else str(error)
            return self._failed(run, f"{said} {run.phase}")
        total = (time.monotonic() - began) * 1e3
        run.fields |= {"received": 1, "rtt_ms": total, "rtt_min_ms": total, "rtt_max_ms": total}
        if run.issuer:
            run.fields["answer"] = run.issuer
        return Outcome(fields=run.fields)

    @staticmethod
    def _failed(run: _Run, reason: str) -> Outcome:
        if run.issuer:
            run.fields["answer"] = run.issuer
        run.fields.setdefault("received", 0)
        return failed(reason, **run.fields)

    async def _transaction(self, run: _Run, port: int, allowed: Any) -> None:
        host, clock = str(run.url.hostname), time.monotonic
        at = clock()
        address = await self._lookups.address(host, run.test.family, run.test.timeout_ms / 1e3, fresh=True)
        run.fields |= {"dns_ms": (clock() - at) * 1e3, "address": address}
        if allowed is not None and not allowed(address):
            raise ConfigError("is not among the targets that this agent may reach for", where=address)
        run.phase = "connecting"
        one = await self._connect(run, address, port)
        writer = None
        try:
            context = self._context(run.test.verify_tls) if run.url.scheme == "https" else None
            run.phase, at = "in the TLS handshake", clock()
            reader, writer = await asyncio.open_connection(
                sock=one, ssl=context, server_hostname=host if context else None, limit=_CHUNK
            )
            if context is not None:
                run.fields["tls_ms"] = (clock() - at) * 1e3
                _certificate(run, writer)
            await self._exchange(run, reader, writer)
        finally:
            if writer is not None:
                writer.transport.abort()
            else:
                one.close()

    async def _connect(self, run: _Run, address: str, port: int) -> socket.socket:
        one = socket.socket(family_of(address), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            at = time.monotonic()
            await asyncio.get_running_loop().sock_connect(one, (address, port))
            run.fields["connect_ms"] = tcp_rtt_ms(one, time.monotonic() - at)
            run.fields["source_address"] = str(one.getsockname()[0])
        except BaseException:
            one.close()
            raise
        return one

    async def _exchange(self, run: _Run, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        test, connection = run.test, h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        request, body = _request(test, run.url)
        out = connection.send(request) or b""
        if body:
            out += connection.send(h11.Data(data=body)) or b""
        out += connection.send(h11.EndOfMessage()) or b""
        run.phase, asked = "waiting for the answer", time.monotonic()
        writer.write(out)
        first = 0.0
        kept = bytearray()
        received = 0
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                data = await reader.read(_CHUNK)
                if not first:
                    first = time.monotonic()
                    run.fields["first_byte_ms"] = (first - asked) * 1e3
                    run.phase = "reading the answer"
                connection.receive_data(data)
            elif isinstance(event, h11.Response):
                run.fields["code"] = event.status_code
            elif isinstance(event, h11.Data):
                received += len(event.data)
                if test.expect_text and len(kept) < _MOST_SEARCHED:
                    kept += event.data[: _MOST_SEARCHED - len(kept)]
                if received >= MOST_BODY:
                    break
            elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED:
                break
        run.fields |= {"transfer_ms": (time.monotonic() - first) * 1e3, "bytes": received}
        _check(test, run.fields.get("code", 0), bytes(kept))

    async def _read_certificate(self, run: _Run, port: int) -> None:
        """A certificate that does not verify is not shown by the handshake that it fails: once more, believing all."""
        with contextlib.suppress(OSError, TimeoutError, ssl.SSLError):
            async with asyncio.timeout(min(5.0, run.test.timeout_ms / 1e3)):
                _, writer = await asyncio.open_connection(
                    run.fields["address"], port, ssl=self._context(verify=False), server_hostname=run.url.hostname
                )
                try:
                    _certificate(run, writer)
                finally:
                    writer.transport.abort()

    def _context(self, verify: bool) -> ssl.SSLContext:
        context = self._contexts.get(verify)
        if context is None:
            context = ssl.create_default_context()
            if verify and self._ca is not None:
                try:
                    context.load_verify_locations(self._ca)
                except (OSError, ssl.SSLError) as error:
                    said = getattr(error, "strerror", None) or "no certificates"
                    raise ConfigError(f"cannot be read: {said}", where=f"agent.http_ca {self._ca}") from None
            if not verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["http/1.1"])
            self._contexts[verify] = context
        return context


def shown(target: str) -> str:
    """A URL without the password in it."""
    parts = urlsplit(target)
    if "@" not in parts.netloc:
        return target
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _request(test: SyntheticTest, url: SplitResult) -> tuple[h11.Request, bytes]:
    body = test.body.encode() if test.method == "POST" else b""
    headers = [
        ("host", url.netloc.rpartition("@")[2]), ("user-agent", f"weft-agent/{__version__}"),
        ("accept-encoding", "identity"), ("connection", "close"),
    ]  # fmt: skip
    given = {name.lower(): value for name, value in test.headers.items()}
    if test.method == "POST":
        headers.append(("content-length", str(len(body))))
    if url.username is not None and "authorization" not in given:
        pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers.append(("authorization", "Basic " + base64.b64encode(pair.encode()).decode()))
    replaced = {"host", "user-agent"} & given.keys()
    headers = [(name, value) for name, value in headers if name not in replaced]
    headers += [(name, value) for name, value in given.items() if name in replaced or name not in _OWN]
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    encoded = [(name.encode("ascii", "replace"), value.encode("utf-8")) for name, value in headers]
    return h11.Request(method=test.method, target=path.encode("ascii", "replace"), headers=encoded), body


def _check(test: SyntheticTest, code: int, body: bytes) -> None:
    if not (code in test.expect_status if test.expect_status else 200 <= code <= 399):
        raise WrongAnswer(f"status {code}")
    if test.expect_text and test.expect_text.encode() not in body:
        raise WrongAnswer("the text that is expected is not in the answer")


def _certificate(run: _Run, writer: asyncio.StreamWriter) -> None:
    """When the certificate expires and who issued it."""
    from cryptography import x509

    tls = writer.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True) if tls is not None else None
    if not der:
        return
    try:
        certificate = x509.load_der_x509_certificate(der)
        left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
        run.issuer = certificate.issuer.rfc4514_string()[:300]
    except ValueError:
        run.issuer = "a certificate that cannot be read"
        return
    # 0 is "no certificate seen": one that expires this very moment has a second left
    days = left.total_seconds() / _SECONDS_A_DAY
    run.fields["certificate_days"] = max(days, 1 / _SECONDS_A_DAY)
