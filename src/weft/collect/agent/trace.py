"""Tracing the paths to a target with many flows: every branch of an ECMP fan shows, none is mixed with another.

A scout flow goes first and finds how far the target is; the others follow and do not go beyond, so that the target is
not asked more than it must. Probes that nobody answered are sent again; where some flows were answered at a distance
and others were not, slowly: Linux routers send one ICMP error a second to each address after the first six.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from weft.collect.agent.echo import EchoRefused, plain
from weft.collect.agent.flows import Answer, Flow, IcmpFlow, TcpFlow, UdpFlow
from weft.collect.agent.outcome import Outcome, failed, not_done
from weft.collect.agent.paths import Branch, branches_of
from weft.model.synthetics import SyntheticTest

_GAP = 5  # hops in a row that keep silent: nothing is looked for beyond them
_ATTEMPTS = 2
_LONGEST_WAIT_S = 1.0  # before a probe is sent again; an answer counts until the test's timeout all the same
_STAGGER_S = 0.004
_SLOW_S = 1.05
_SLOW_FAILURES = 2
_MOST_SLOW_S, _LEAST_SLOW_S = 20.0, 3.0


@dataclass(slots=True)
class Hop:
    """What one flow saw at one TTL."""

    sent: int = 0
    rtts_ms: list[float] = field(default_factory=list)
    address: str = ""
    labels: tuple[int, ...] = ()
    reached: bool = False
    reason: str = ""


class FlowTrace:
    """One flow of a trace."""

    def __init__(self, number: int, make: Callable[[Callable[[Answer], None]], Flow]) -> None:
        self.number = number
        self.hops: dict[int, Hop] = {}
        self.end = 0  # TTL of the first hop that nothing goes beyond; 0 = not found
        self._farthest = 0
        self._under_way: dict[int, tuple[int, float]] = {}  # key → (TTL, when it was sent)
        self._key = int.from_bytes(os.urandom(2), "big")
        self._wanted: set[int] = set()  # TTLs that are waited for
        self._answered: asyncio.Future[None] | None = None
        self.alone = asyncio.Lock()
        self._vague = False  # a hop quoted too little to tell probes apart
        self._drained = False
        self.flow = make(self._told)

    def last_answered(self) -> int:
        """Highest TTL that somebody answered, up to the end; 0 = none."""
        return self.end or self._farthest

    def send(self, ttl: int) -> None:
        """Send one probe. Raises ``OSError``."""
        self._key = (self._key + 1) & 0xFFFF
        hop = self.hops.setdefault(ttl, Hop())
        self._under_way[self._key] = (ttl, time.monotonic())
        try:
            self.flow.send(ttl, self._key)
        except OSError:
            del self._under_way[self._key]
            raise
        hop.sent += 1

    def _told(self, answer: Answer) -> None:
        key = answer.key
        if key is None:
            if len(self._under_way) != 1:
                self._vague = True
                self._under_way.clear()
                _resolve(self._answered)
                return
            key = next(iter(self._under_way))
        sent = self._under_way.pop(key, None)
        if sent is None:
            return
        ttl, at = sent
        hop = self.hops[ttl]
        hop.rtts_ms.append(max(0.0, answer.at - at) * 1e3)
        if not hop.address:
            hop.address, hop.labels, hop.reached = answer.hop, answer.labels, answer.reached
            hop.reason = answer.reason
            self._farthest = max(self._farthest, ttl)
            if answer.end:
                self.end = min(self.end or ttl, ttl)
        self._wanted.discard(ttl)
        if not self._wanted:
            _resolve(self._answered)

    async def wait(self, ttls: Sequence[int], timeout_s: float) -> None:
        """Until each of these was answered, or the time is over, or an answer could not be told from another."""
        self._wanted = {ttl for ttl in ttls if not self.hops[ttl].rtts_ms}
        if not self._wanted or self._vague:
            return
        loop = asyncio.get_running_loop()
        answered = self._answered = loop.create_future()
        timer = loop.call_later(timeout_s, _resolve, answered)
        try:
            await answered
        finally:
            timer.cancel()
            self._answered = None

    async def go(self, horizon: Callable[[], int], wait_s: float) -> None:
        """Ask hop after hop until the end, the horizon, or too long a silence."""
        ttl = 1
        while not self.end and ttl - 1 - self.last_answered() < _GAP and ttl <= (farthest := horizon()):
            window = 1 if self._vague else self.flow.window
            ttls = range(ttl, min(farthest, ttl + window - 1) + 1)
            await self._ask(ttls, wait_s)
            ttl += len(ttls)

    async def _ask(self, ttls: Sequence[int], wait_s: float) -> None:
        for _ in range(_ATTEMPTS):
            await self._drain(wait_s)
            silent = [ttl for ttl in ttls if ttl not in self.hops or not self.hops[ttl].rtts_ms]
            silent = [ttl for ttl in silent if not self.end or ttl < self.end]
            if not silent:
                return
            if self._vague or self.flow.window == 1:
                for ttl in silent:
                    if not self.end:
                        await self.ask_one(ttl, wait_s)
                continue
            for ttl in silent:
                self.send(ttl)
            await self.wait(silent, wait_s)
        if self._vague:
            await self._drain(wait_s)
            for ttl in ttls:
                if not self.end and not self.hops[ttl].rtts_ms:
                    await self.ask_one(ttl, wait_s)

    async def _drain(self, wait_s: float) -> None:
        """Once answers cannot be told apart, let those still on their way come before one is asked for alone."""
        if self._vague and not self._drained:
            self._drained = True
            await asyncio.sleep(wait_s)

    async def ask_one(self, ttl: int, wait_s: float) -> bool:
        """One probe with no other under way; whether it was answered."""
        if self._vague or self.flow.window == 1:
            self._under_way.clear()
        before = len(self.hops[ttl].rtts_ms) if ttl in self.hops else 0
        self.send(ttl)
        vague, self._vague = self._vague, False
        await self.wait([ttl], wait_s)
        self._vague = self._vague or vague
        return len(self.hops[ttl].rtts_ms) > before


def _resolve(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


class Tracer:
    """Traces. One at a time to the same target by the same protocol, for they would have the same ports."""

    def __init__(self) -> None:
        #: Each lives as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[tuple[str, str, int], asyncio.Lock] = WeakValueDictionary()
        self._blocks: set[int] = set()

    async def trace(self, test: SyntheticTest, address: str, port: int) -> tuple[Outcome, list[Branch]]:
        """What it gave, and the branches that were seen."""
        where = (test.protocol, plain(address), port if test.protocol == "tcp" else 0)
        lock = self._locks.setdefault(where, asyncio.Lock())
        async with lock:
            return await self._trace(test, address, port)

    async def _trace(self, test: SyntheticTest, address: str, port: int) -> tuple[Outcome, list[Branch]]:
        block = self._block(address) if test.protocol == "icmp" else -1
        flows: list[FlowTrace] = []
        try:
            for number in range(test.flows):
                flows.append(FlowTrace(number, _maker(test, address, port, number, block)))  # noqa: PERF401  # closed below
            await _walk(test, flows)
        except EchoRefused as error:
            return not_done(error.message), []
        except OSError as error:
            return not_done(f"cannot be sent: {error.strerror or error}"), []
        finally:
            self._blocks.discard(block)
            for flow in flows:
                flow.flow.close()
        return _outcome(flows)

    def _block(self, address: str) -> int:
        """Identifiers for a target's echoes: the same ones each time unless another trace has them now."""
        block = int.from_bytes(plain(address).encode()[-8:], "big") % 127
        while block in self._blocks:
            block += 1
        self._blocks.add(block)
        return block


def _maker(
    test: SyntheticTest, address: str, port: int, number: int, block: int
) -> Callable[[Callable[[Answer], None]], Flow]:
    if test.protocol == "udp":
        return lambda told: UdpFlow(address, number, told)
    if test.protocol == "icmp":
        return lambda told: IcmpFlow(address, number, told, block)
    return lambda told: TcpFlow(address, number, told, port)


async def _walk(test: SyntheticTest, flows: list[FlowTrace]) -> None:
    wait_s = min(_LONGEST_WAIT_S, test.timeout_ms / 1e3)
    if test.protocol == "tcp":
        wait_s = min(wait_s, 0.9)  # the kernel sends a SYN again after a second, which would blur the round trip
    scout = flows[0]
    await scout.go(lambda: test.max_hops, wait_s)
    found = scout.end
    farthest = found or max(1, scout.last_answered())

    def horizon() -> int:
        # Another branch may be longer: as far as any flow was answered without an end, the others may look on.
        longest = max(flow.last_answered() + (0 if flow.end else 1) for flow in flows)
        return min(test.max_hops, max(farthest, longest))

    async def follow(flow: FlowTrace, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await flow.go(horizon, wait_s)

    await asyncio.gather(*(follow(flow, at * _STAGGER_S) for at, flow in enumerate(flows[1:])))
    budget_s = max(_LEAST_SLOW_S, min(_MOST_SLOW_S, test.every_s / 3))
    await asyncio.gather(*(_slowly(flows, ttl, wait_s, budget_s) for ttl in range(1, horizon() + 1)))


async def _slowly(flows: list[FlowTrace], ttl: int, wait_s: float, budget_s: float) -> None:
    """Ask the flows that were not answered at a distance where others were, one a second."""
    deadline, failures = time.monotonic() + budget_s, 0
    for flow in flows:
        if not any(ttl in other.hops and other.hops[ttl].rtts_ms for other in flows):
            return
        hop = flow.hops.get(ttl)
        if hop is None or hop.rtts_ms or (flow.end and ttl > flow.end):
            continue
        if time.monotonic() + _SLOW_S > deadline or failures >= _SLOW_FAILURES:
            return
        await asyncio.sleep(_SLOW_S)
        async with flow.alone:
            failures = 0 if await flow.ask_one(ttl, wait_s) else failures + 1


def _length(flow: FlowTrace, flows: Sequence[FlowTrace]) -> int:
    """Hops of a flow. A target answers whatever the TTL beyond it, so silent hops before it may be the target's own."""
    end = flow.end
    if not end or not flow.hops[end].reached:
        return flow.last_answered()
    known = max((ttl for ttl, hop in flow.hops.items() if ttl < end and hop.rtts_ms), default=0)
    nearer = [other.end for other in flows if known < other.end < end and other.hops[other.end].reached]
    return min(nearer, default=end)


def _outcome(flows: Sequence[FlowTrace]) -> tuple[Outcome, list[Branch]]:
    lengths = {flow.number: _length(flow, flows) for flow in flows}
    rows: list[dict[str, Any]] = []
    rtts: list[float] = []
    paths: list[list[str | None]] = []
    for flow in flows:
        length = lengths[flow.number]
        if length < flow.end:  # the target's answer, at its own distance
            flow.hops[length] = flow.hops[flow.end]
        seen = [flow.hops.get(ttl) for ttl in range(1, length + 1)]
        rows += [_row(flow.number, ttl, hop) for ttl, hop in enumerate(seen, 1) if hop is not None]
        if length:
            paths.append([hop.address or None if hop is not None else None for hop in seen])
        if seen and seen[-1] is not None and seen[-1].reached:
            rtts += [min(seen[-1].rtts_ms)]
    branches = branches_of(paths)
    arrived = len(rtts)
    fields: dict[str, Any] = {
        "sent": len(flows), "received": arrived, "hops": max(lengths.values()), "branches": len(branches),
    }  # fmt: skip
    if rtts:
        fields |= {"rtt_min_ms": min(rtts), "rtt_ms": sum(rtts) / arrived, "rtt_max_ms": max(rtts)}
    source = next((one for flow in flows if (one := getattr(flow.flow, "source", ""))), "")
    if source:
        fields["source_address"] = source
    if arrived:
        return Outcome(fields=fields, hops=rows), branches
    reasons = sorted(
        {f"{hop.reason}, says {hop.address}" for flow in flows for hop in flow.hops.values() if hop.reason}
    )
    farthest = max(lengths.values())
    reason = reasons[0] if reasons else f"the target does not answer; the last hop that did is {farthest} away"
    if not farthest:
        reason = "nobody answers, not even the first hop"
    outcome = failed(reason, **fields)
    outcome.hops = rows
    return outcome, branches


def _row(number: int, ttl: int, hop: Hop) -> dict[str, Any]:
    row: dict[str, Any] = {
        "flow_id": number, "ttl": ttl, "hop": hop.address, "reached": "yes" if hop.reached else "no",
        "sent": hop.sent, "received": len(hop.rtts_ms),
    }  # fmt: skip
    if hop.rtts_ms:
        row["rtt_ms"] = round(sum(hop.rtts_ms) / len(hop.rtts_ms), 4)
    if hop.labels:
        row["mpls"] = ",".join(map(str, hop.labels))
    return row
