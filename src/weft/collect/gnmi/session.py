"""One target: connect, ask what it can, subscribe, stay; and do the right thing about everything that can go wrong."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog
from grpc import StatusCode
from grpc.aio import AioRpcError

from weft.collect.gnmi.client import Capabilities, GnmiClient, ended
from weft.collect.gnmi.config import TargetConfig
from weft.collect.gnmi.feed import Feed, Pump
from weft.collect.gnmi.requests import (
    Wanted,
    by_target,
    encodings,
    get_request,
    poll_request,
    subscribe_request,
    wanted,
)
from weft.collect.intake.book import SourceBook
from weft.errors import WeftError

log = structlog.get_logger(__name__)

#: Answers that are about what was asked for, not about the connection.
_REJECTIONS = frozenset({
    StatusCode.INVALID_ARGUMENT, StatusCode.UNIMPLEMENTED, StatusCode.NOT_FOUND, StatusCode.OUT_OF_RANGE,
    StatusCode.FAILED_PRECONDITION, StatusCode.UNKNOWN, StatusCode.INTERNAL, StatusCode.PERMISSION_DENIED,
    StatusCode.ABORTED,
})  # fmt: skip
_REFUSED_S = 600.0  # a path that was rejected is asked for again after this
_STALLED_INTERVALS, _LEAST_STALLED_S = 6.0, 60.0
_GAP_INTERVALS = 2.5
_STEADY_S = 60.0  # a connection that lived this long was a good one: the next pause is the first again


class _EncodingRefusedError(Exception):
    """The target cannot send in the encoding chosen."""


class _StalledError(Exception):
    """Nothing comes although the connection seems alive."""


class Session:
    """The life of one target, as a task of the subscriber's loop."""

    def __init__(self, target: TargetConfig, book: SourceBook, pump: Pump, feed_for: Callable[[str], Feed]) -> None:
        self._target, self._book, self._pump, self._feed_for = target, book, pump, feed_for
        self._feed: Feed | None = None
        self._wanted = wanted(target)
        self._refused: dict[Wanted, float] = {}  # when to ask again
        self._split: set[str] = set()  # prefix targets of which some path was rejected: each path gets its own call
        self._encoding = ""
        self._encodings: list[str] = []
        self._reconnects = 0
        self._last = 0.0
        self._pauses = 0

    async def run(self) -> None:
        """Until cancelled."""
        pause = self._target.retry_s
        while True:
            began = time.monotonic()
            try:
                await self._connected()
            except AioRpcError as error:
                code = str(error.code().name).lower()
                self._failed(code, error.details() or code)
            except _EncodingRefusedError:
                continue
            except _StalledError:
                self._failed("stalled", "nothing came for several intervals; connecting anew")
            except WeftError as error:
                self._failed(error.code, error.message)
            except OSError as error:
                self._failed("unreachable", f"{error.strerror or error}")
            if time.monotonic() - began > _STEADY_S:
                pause = self._target.retry_s
            self._reconnects += 1
            self._book.note(reconnects=self._reconnects, sync="no")
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311  # jitter is no secret
            pause = min(2 * pause, self._target.most_retry_s)

    def _failed(self, reason: str, message: str) -> None:
        self._book.error(reason, message, failing=True)
        log.warning("gnmi_target_failed", target=self._target.address, reason=reason, message=message)

    async def _connected(self) -> None:
        """One connection, until it ends."""
        await self._make_feed()
        client = await GnmiClient.open(self._target)
        try:
            await self._guarded(client, self._serve(client))
        finally:
            await client.close()

    async def _guarded(self, client: GnmiClient, work: Coroutine[Any, Any, None]) -> None:
        """Failures told with the target's own words, the password taken out of them."""
        try:
            await work
        except AioRpcError as error:
            raise AioRpcError(
                error.code(), error.initial_metadata(), error.trailing_metadata(), client.clean(error.details() or "")
            ) from None

    async def _make_feed(self) -> None:
        """The address of the device is part of its rows: find it before the first of them."""
        if self._feed is None:
            if self._target.device is not None:
                address = str(self._target.device)
            elif self._target.gateway:
                address = ""
            else:
                address = await _resolved(self._target.host)
            self._feed = self._feed_for(address)

    async def _serve(self, client: GnmiClient) -> None:
        assert self._feed is not None
        self._feed.reconnected()
        said = await self._capabilities(client)
        self._encodings = self._encodings or encodings(said.encodings, self._target.encoding)
        self._encoding = self._encodings[0]
        self._book.note(encoding=self._encoding, gnmi=said.version or "?", models=len(said.models))
        if self._target.method == "get":
            await self._get_for_ever(client)
            return
        jobs: list[Coroutine[Any, Any, None]] = []
        for group in by_target(self._to_ask()):
            jobs += [self._group(client, (one,)) for one in group] if group[0].target in self._split else []
            jobs += [self._group(client, group)] if group[0].target not in self._split else []
        if not jobs:
            self._book.error("nothing_accepted", "every path was rejected", failing=True)
            await asyncio.sleep(_REFUSED_S)
            return
        await _together([*jobs, self._watch()])

    async def _capabilities(self, client: GnmiClient) -> Capabilities:
        try:
            return await client.capabilities()
        except AioRpcError as error:
            if error.code() in _REJECTIONS - {StatusCode.PERMISSION_DENIED}:
                return Capabilities()  # a target that cannot say may well be able to send
            raise

    def _to_ask(self) -> list[Wanted]:
        now = time.monotonic()
        self._refused = {one: at for one, at in self._refused.items() if at > now}
        return [one for one in self._wanted if one not in self._refused]

    async def _group(self, client: GnmiClient, group: tuple[Wanted, ...]) -> None:
        """One Subscribe call; a rejected one is tried path by path, so that one bad path does not cost the others."""
        try:
            await self._call(client, group)
        except AioRpcError as error:
            if error.code() not in _REJECTIONS:
                raise
            message = client.clean(error.details() or error.code().name)
            if "encoding" in message.lower() and len(self._encodings) > 1:
                self._book.error("encoding_rejected", f"{self._encoding}: {message}")
                self._encodings = self._encodings[1:]
                raise _EncodingRefusedError from None
            if len(group) > 1:
                self._split.add(group[0].target)
                self._book.note(calls="one per path")
                await _together([self._group(client, (one,)) for one in group])
                return
            await self._single(client, group[0], message)

    async def _single(self, client: GnmiClient, one: Wanted, message: str) -> None:
        """One path was rejected: sample what cannot be sent on change, else leave it out for a while."""
        if one.mode != "sample" and one in self._wanted:
            sampled = one.sampled()
            self._wanted = [sampled if known == one else known for known in self._wanted]
            self._book.error("on_change_rejected", f"{one.path}: {message}")
            if self._feed is not None:
                self._feed.expect(expected_s(self._target, self._wanted))
            await self._group(client, (sampled,))
            return
        self._refused[one] = time.monotonic() + _REFUSED_S
        self._book.error("path_rejected", f"{one.path}: {message}")
        self._book.note(rejected=", ".join(sorted(known.path for known in self._refused))[:500])
        if len(self._refused) >= len(self._wanted):
            self._book.error("nothing_accepted", f"every path was rejected: {message}", count=0, failing=True)
        await asyncio.sleep(_REFUSED_S)
        self._refused.pop(one, None)
        await self._group(client, (one,))

    async def _call(self, client: GnmiClient, group: tuple[Wanted, ...]) -> None:
        method = self._target.method
        if method == "once":
            await self._once_for_ever(client, group)
            return
        call = client.subscribe()
        try:
            await call.write(subscribe_request(group, self._encoding, method))
            if method == "poll":
                await _together([self._read(call), self._poll(call)])
            else:
                await self._read(call)
        except asyncio.InvalidStateError:
            pass  # the target ended the call before it was told all: the status says why
        finally:
            call.cancel()

    async def _read(self, call: Any) -> None:
        """Take messages until the target ends the call; raises what it says, and that it ended at all."""
        assert self._feed is not None
        while True:
            message = await call.read()
            if message is ended():
                break
            self._last = time.monotonic()
            await self._pump.offer(self._feed, message, self._paused)
        code = await call.code()
        raise AioRpcError(
            StatusCode.UNAVAILABLE if code is StatusCode.OK else code, await call.initial_metadata(),
            await call.trailing_metadata(), await call.details() or "the target ended the subscription",
        )  # fmt: skip

    def _paused(self) -> None:
        self._pauses += 1
        self._book.note(paused=self._pauses)

    async def _poll(self, call: Any) -> None:
        while True:
            await asyncio.sleep(self._target.interval_s)
            await call.write(poll_request())

    async def _once_for_ever(self, client: GnmiClient, group: tuple[Wanted, ...]) -> None:
        assert self._feed is not None
        while True:
            began = time.monotonic()
            call = client.subscribe()
            try:
                await call.write(subscribe_request(group, self._encoding, "once"))
                await call.done_writing()
                while (message := await call.read()) is not ended():
                    self._last = time.monotonic()
                    await self._pump.offer(self._feed, message, self._paused)
                if await call.code() is not StatusCode.OK:
                    raise AioRpcError(
                        await call.code(), await call.initial_metadata(), await call.trailing_metadata(),
                        await call.details(),
                    )  # fmt: skip
            finally:
                call.cancel()
            await asyncio.sleep(max(0.05, self._target.interval_s - (time.monotonic() - began)))

    async def _get_for_ever(self, client: GnmiClient) -> None:
        while True:
            began = time.monotonic()
            asked = self._to_ask()
            for group in by_target(asked):
                if group[0].target in self._split or not await self._get(client, group):
                    self._split.add(group[0].target)
                    for one in group:
                        await self._get(client, (one,))
            if asked and len(self._refused) >= len(self._wanted):
                self._book.error("nothing_accepted", "every path was rejected", count=0, failing=True)
            await asyncio.sleep(max(0.05, self._target.interval_s - (time.monotonic() - began)))

    async def _get(self, client: GnmiClient, group: Sequence[Wanted]) -> bool:
        """Ask for some paths; False where the target rejects them."""
        assert self._feed is not None
        try:
            answer = await client.get(get_request(group, self._encoding))
        except AioRpcError as error:
            if error.code() not in _REJECTIONS:
                raise
            message = client.clean(error.details() or error.code().name)
            if "encoding" in message.lower() and len(self._encodings) > 1:
                self._encodings = self._encodings[1:]
                raise _EncodingRefusedError from None
            if len(group) == 1:
                self._refused[group[0]] = time.monotonic() + _REFUSED_S
                self._book.error("path_rejected", f"{group[0].path}: {message}")
            return False
        self._last = time.monotonic()
        await self._pump.offer(self._feed, answer, self._paused)
        return True

    async def _watch(self) -> None:
        """Notice intervals in which nothing came, and a connection that is dead without saying so."""
        interval = expected_s(self._target, self._wanted)
        if not interval:
            return
        self._last = time.monotonic()
        missed = 0
        while True:
            await asyncio.sleep(min(interval, 5.0))
            quiet = time.monotonic() - self._last
            gaps = int(quiet / interval - _GAP_INTERVALS + 1) if quiet > _GAP_INTERVALS * interval else 0
            if gaps > missed:
                self._book.gap(gaps - missed)
            missed = gaps
            if quiet > max(_STALLED_INTERVALS * interval, _LEAST_STALLED_S):
                raise _StalledError


def expected_s(target: TargetConfig, subscriptions: Sequence[Wanted]) -> float:
    """How often something must come from a target, seconds; 0 = whenever."""
    if target.method != "stream":
        return target.interval_s
    sampled = [one.sampled_s for one in subscriptions if one.sampled_s]
    beats = [one.heartbeat_s for one in subscriptions if one.heartbeat_s]
    return min(sampled or beats, default=0.0)


async def _together(jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all; the first failure ends the others and is raised as it was."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _resolved(host: str) -> str:
    """The first address of a host. Raises ``OSError``."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return str(found[0][4][0])
