"""One RTR cache: connects, asks, keeps what it told current (RFC 8210 §8), and says when it is out of date."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from weft.collect.intake.book import SourceBook
from weft.collect.routing.rpki_config import RpkiConfig, RtrCacheConfig
from weft.decode.rtr import Vrps
from weft.decode.rtr.stream import (
    NO_DATA,
    UNSUPPORTED_VERSION,
    CacheReset,
    CacheResponse,
    EndOfData,
    ErrorReport,
    Message,
    Prefixes,
    RtrStream,
    SerialNotify,
    reset_query,
    serial_query,
)
from weft.errors import ConfigError, InvalidInput

_READ = 1 << 16
#: Bounds of the intervals that a cache may ask for (RFC 8210 §6), seconds.
_REFRESH, _RETRY, _EXPIRE = (1, 86_400), (1, 7_200), (600, 172_800)
_FIRST_RETRY_MOST_S = 600.0


class _Again(Exception):
    """The connection is of no use any more; ``reason`` is a word, empty where nothing went wrong."""

    def __init__(self, reason: str, message: str = "") -> None:
        self.reason, self.message = reason, message
        super().__init__(message)


class CacheSession:
    """Keeps the payloads of one cache. ``payloads`` is None before they came and after they went out of date."""

    def __init__(
        self, cache: RtrCacheConfig, config: RpkiConfig, book: SourceBook, changed: Callable[[], None]
    ) -> None:
        self._cache, self._config, self._book, self._changed = cache, config, book, changed
        self._version = cache.version
        self._heard = False  # whether the cache has sent a PDU at this version
        self._session: int | None = None
        self._serial = 0
        self._ends = EndOfData(0, 0)
        self._refreshed = 0.0  # monotonic
        self._coming: list[Prefixes] | None = None  # payloads of the answer that is on its way
        self._whole = True  # whether that answer replaces all
        self.payloads: Vrps | None = None

    async def run(self) -> None:
        """Until cancelled."""
        pause = self._config.retry_s
        while True:
            began = self._refreshed
            try:
                await self._converse()
            except _Again as again:
                if again.reason:
                    self._book.error(again.reason, again.message, failing=self.payloads is None)
            except ConfigError as error:
                self._book.error("settings", error.message, failing=True)
            except InvalidInput as error:
                reason = error.what.partition(":")[0]
                self._book.error(reason, error.message, failing=self.payloads is None)
                self._forget()
            except (OSError, TimeoutError, ssl.SSLError) as error:
                self._failed(error)
            self._coming = None
            if self._refreshed != began:
                pause = self._config.retry_s
            most = max(self._config.retry_s, min(_FIRST_RETRY_MOST_S, float(self._ends.retry_s)))
            await self._wait(min(pause, most) * random.uniform(0.75, 1.25))  # noqa: S311  so that caches are not hit at once
            pause = min(pause * 2, most)

    def _failed(self, error: Exception) -> None:
        if isinstance(error, TimeoutError):
            reason, message = "timeout", "did not answer in time"
        elif isinstance(error, ssl.SSLCertVerificationError):
            reason, message = "certificate", error.verify_message
        elif isinstance(error, ssl.SSLError):
            reason, message = "tls", error.reason or "no TLS connection"
        else:
            reason, message = "connection", getattr(error, "strerror", None) or type(error).__name__
        self._book.error(reason, message, failing=self.payloads is None)

    async def _wait(self, seconds: float) -> None:
        """Pause, but notice when the payloads go out of date meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, max(0.01, self._fresh_for())))
            self._expire()

    def _fresh_for(self) -> float:
        """Seconds until the payloads are out of date; long where there are none."""
        if self.payloads is None:
            return 3600.0
        return self._refreshed + _within(self._ends.expire_s, _EXPIRE) - time.monotonic()

    def _expire(self) -> None:
        if self.payloads is not None and self._fresh_for() <= 0:
            self._book.error("expired", "payloads are out of date and no longer count", failing=True)
            self.payloads = None
            self._forget()
            self._changed()

    def _forget(self) -> None:
        """Ask for everything the next time."""
        self._session = None

    async def _converse(self) -> None:
        cache = self._cache
        async with asyncio.timeout(self._config.timeout_s):
            context = None if not cache.tls else await asyncio.to_thread(tls_context, cache)
            reader, writer = await asyncio.open_connection(
                cache.host, cache.port, ssl=context, server_hostname=cache.host if context else None, limit=_READ
            )
        stream, self._heard = RtrStream(), False
        try:
            self._ask(writer)
            while True:
                data = await self._read(reader, writer)
                if not data:
                    raise self._closed()
                messages = stream.feed(data)
                if messages:
                    self._spoke(stream)
                for message in messages:
                    await self._take(message, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """What comes next. While nothing is asked, asks when it is time to."""
        while True:
            self._expire()
            answering = self._coming is not None or not self._heard
            refresh = self._refreshed + _within(self._ends.refresh_s, _REFRESH) - time.monotonic()
            wait = self._config.timeout_s if answering else max(0.01, min(refresh, self._fresh_for()))
            try:
                async with asyncio.timeout(wait):
                    return await reader.read(_READ)
            except TimeoutError:
                if answering:
                    raise
                if self._refreshed + _within(self._ends.refresh_s, _REFRESH) <= time.monotonic():
                    self._ask(writer)

    def _ask(self, writer: asyncio.StreamWriter) -> None:
        """Ask for what is new, or for everything."""
        if self._session is None or self.payloads is None:
            writer.write(reset_query(self._version))
            self._whole = True
        else:
            writer.write(serial_query(self._version, self._session, self._serial))
            self._whole = False
        self._coming = []

    def _spoke(self, stream: RtrStream) -> None:
        """The cache may answer in an older version: that is spoken from now on (RFC 8210 §7)."""
        if stream.version is not None and not self._heard:
            self._heard = True
            if stream.version > self._version:
                raise InvalidInput(f"unexpected_version: version {stream.version} was not asked for", where="RTR")
            self._version = stream.version

    def _closed(self) -> _Again:
        """The cache closed. One that says nothing at all may not know the version."""
        if not self._heard and self._version > 0 and self.payloads is None:
            self._version -= 1
            return _Again("version_refused", f"closed without a word; trying version {self._version}")
        return _Again("closed", "the cache closed the connection")

    async def _take(self, message: Message, writer: asyncio.StreamWriter) -> None:
        match message:
            case Prefixes():
                self._gather(message)
            case CacheResponse():
                if self._session is not None and message.session != self._session:
                    self._forget()  # another life of the cache: what it told before does not count
                    if not self._whole:
                        raise _Again("session_changed", "the cache restarted; asking for everything")
                self._session, self._coming = message.session, []
            case EndOfData():
                await self._end(message)
            case CacheReset():
                self._forget()
                self._ask(writer)
            case SerialNotify():
                if self._coming is None and (message.session, message.serial) != (self._session, self._serial):
                    if message.session != self._session:
                        self._forget()
                    self._ask(writer)
            case ErrorReport():
                self._complained(message)
            case _:
                self._book.note(other_pdus=self._other())

    def _other(self) -> int:
        return int(self._book.status().detail.get("other_pdus", 0)) + 1

    def _gather(self, run: Prefixes) -> None:
        if self._coming is None or self._session is None:
            raise InvalidInput("invalid_request: payloads that were not asked for", where="RTR")
        self._coming.append(run)
        if sum(len(one.vrps) for one in self._coming) > self._config.max_payloads:
            raise InvalidInput(f"too_many: more than {self._config.max_payloads} payloads", where="RTR")

    async def _end(self, end: EndOfData) -> None:
        if self._coming is None or end.session != self._session:
            raise InvalidInput("invalid_request: an end of data that was not asked for", where="RTR")
        runs, self._coming = self._coming, None
        count = sum(len(run.vrps) for run in runs)
        base = Vrps.none() if self._whole or self.payloads is None else self.payloads
        now_payloads, again, unknown = await asyncio.to_thread(_changed, base, runs)
        if len(now_payloads) > self._config.max_payloads:
            raise InvalidInput(f"too_many: more than {self._config.max_payloads} payloads", where="RTR")
        first = self.payloads is None
        self.payloads, self._serial, self._ends, self._refreshed = now_payloads, end.serial, end, time.monotonic()
        if again:
            self._book.duplicate(again)
        if unknown:  # what we hold is not what it thinks we hold
            self._book.error("withdrawal_of_unknown_record", "asking for everything again", count=unknown)
            self._forget()
        self._book.expect(float(_within(end.refresh_s, _REFRESH)))
        self._book.came(count)
        self._book.note(
            payloads=len(now_payloads), session=end.session, serial=end.serial, version=self._version,
            refresh_s=end.refresh_s, expire_s=end.expire_s,
        )  # fmt: skip
        if count or first:
            self._changed()

    def _complained(self, report: ErrorReport) -> None:
        message = report.text or report.reason.replace("_", " ")
        if report.code == UNSUPPORTED_VERSION and self._version > 0:
            self._version = min(self._version - 1, report.version)
            raise _Again("", message)
        if report.code == NO_DATA:
            raise _Again("no_data_available", message)
        self._forget()
        raise _Again(report.reason, message)


def _changed(base: Vrps, runs: list[Prefixes]) -> tuple[Vrps, int, int]:
    changes = Vrps.none()
    announced = np.zeros(0, np.bool_)
    if runs:
        changes = Vrps.concatenated([run.vrps for run in runs])
        announced = np.concatenate([run.announced for run in runs])
    return base.changed(changes, announced)


def _within(seconds: int, bounds: tuple[int, int]) -> int:
    return max(bounds[0], min(seconds, bounds[1]))


def tls_context(cache: RtrCacheConfig) -> ssl.SSLContext:
    """How to speak TLS to a cache. Raises ``ConfigError``."""
    name: str = "ca"
    path: Path | None = cache.ca
    try:
        context = ssl.create_default_context(cafile=cache.ca)
        name, path = "cert", cache.cert
        if cache.cert is not None:
            context.load_cert_chain(cache.cert, cache.key)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "not PEM"
        raise ConfigError(
            f"{path} cannot be used: {reason}", where=f"routing.rpki.caches: {name}", fix="Name a readable PEM file."
        ) from None
    return context
