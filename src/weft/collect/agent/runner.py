"""Carries out one run of a series and makes rows of it."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from weft.collect.agent import dns, http, ping, throughput
from weft.collect.agent.config import AgentConfig
from weft.collect.agent.echo import Echoes
from weft.collect.agent.lookups import LookupFailed, Lookups
from weft.collect.agent.outcome import Outcome, judge, not_done
from weft.collect.agent.paths import KnownPaths
from weft.collect.agent.plan import Series
from weft.collect.agent.trace import Tracer

log = structlog.get_logger(__name__)

Row = dict[str, Any]
#: Takes the row of ``probes`` and the rows of ``hops`` of a run.
Deliver = Callable[[Row, list[Row]], None]


class Runner:
    """What is needed to carry tests out, shared by all of them."""

    def __init__(self, config: AgentConfig, deliver: Deliver) -> None:
        self._config, self._deliver = config, deliver
        self._lookups = Lookups()
        self._echoes = Echoes()
        self._http = http.HttpTester(self._lookups, config.http_ca)
        self._tracer = Tracer()
        self.paths = KnownPaths()
        self._sending = asyncio.Lock()  # throughput tests disturb each other
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="agent-sender")
        self.ended: Counter[str] = Counter()

    def close(self) -> None:
        """Release sockets and threads."""
        self._echoes.close()
        self._lookups.close()
        self._sender.shutdown(wait=False, cancel_futures=True)

    async def run(self, series: Series) -> None:
        """One run; its rows are delivered, whatever happens."""
        began_ns = time.time_ns()
        try:
            outcome = judge(await self._measure(series), series.test.limits)
        except (OSError, ValueError) as error:
            log.warning("test_failed_here", test=series.test.name, reason=repr(error))
            outcome = not_done(f"the agent failed: {error}")
        except Exception as error:  # a defect of ours that a target's answer found: the run is told of all the same
            log.exception("test_failed_here", test=series.test.name)
            outcome = not_done(f"the agent failed: {type(error).__name__}")
        self.ended[outcome.state] += 1
        self._deliver(*rows_of(series, outcome, began_ns))

    async def _measure(self, series: Series) -> Outcome:
        test = series.test
        if test.kind == "http":
            return await self._http.run(test, series.target, self.allowed if self._config.targets else None)
        if test.kind == "dns":
            return await self._dns(series)
        host, port = _host_and_port(series)
        if not host:
            return not_done(f"the agent {series.target} has no address of this family")
        try:
            address = await self._lookups.address(host, test.family, test.timeout_ms / 1e3)
        except LookupFailed as error:
            return not_done(error.message)
        if not self.allowed(address):
            return not_done("is not among the targets that this agent may reach for", address=address)
        outcome = await self._by_kind(series, address, port)
        outcome.fields.setdefault("address", address)
        return outcome

    async def _by_kind(self, series: Series, address: str, port: int) -> Outcome:
        test = series.test
        if test.kind == "ping":
            return await ping.ping(test, address, self._echoes)
        if test.kind == "tcp":
            return await ping.tcp_ping(test, address, port)
        if test.kind == "trace":
            outcome, branches = await self._tracer.trace(test, address, port)
            if branches:
                outcome.fields["path"] = self.paths.name(series.key, branches)
            return outcome
        return await self._throughput(series, address)

    async def _dns(self, series: Series) -> Outcome:
        if self._config.targets:
            try:
                host, _ = dns.host_and_port(series.resolver)
                address = await self._lookups.address(host, series.test.family, series.test.timeout_ms / 1e3)
            except (LookupFailed, ValueError) as error:
                return not_done(f"resolver: {error}")
            if not self.allowed(address):
                return not_done("is not among the targets that this agent may reach for", address=address)
        return await dns.ask(series.test, series.target, series.resolver, self._lookups)

    async def _throughput(self, series: Series, address: str) -> Outcome:
        port = series.peer.port if series.peer is not None else _host_and_port(series)[1]
        if not port:
            return not_done(f"the agent {series.target} answers no throughput tests (agent.throughput.port)")
        most, loop = self._config.throughput.most_bps, asyncio.get_running_loop()
        deadline = loop.time() + series.test.every_s / 2
        while True:
            try:
                async with self._sending:
                    return await loop.run_in_executor(
                        self._sender, throughput.send, series.test, self._config.called, address, port, most
                    )
            except throughput.Busy:
                pause_s = random.uniform(0.2, 1.0) * series.test.duration_s  # noqa: S311  # nothing secret
                if loop.time() + pause_s > deadline:
                    return not_done("the other agent is busy with other tests", address=address)
                await asyncio.sleep(pause_s)

    def allowed(self, address: str) -> bool:
        """Whether a test may be aimed there."""
        if not self._config.targets:
            return True
        one = ipaddress.ip_address(address.partition("%")[0])
        return any(one.version == network.version and one in network for network in self._config.targets)


def _host_and_port(series: Series) -> tuple[str, int]:
    """Where a series goes: a peer's address; else the target's own, with the port in it where it has one."""
    test = series.test
    if series.peer is not None:
        port = series.peer.port if test.kind in ("tcp", "throughput") else test.port
        return series.peer.address(test.family), port or (test.port if test.kind == "tcp" else 0)
    target = series.target
    if test.kind in ("tcp", "throughput") or (test.kind == "trace" and test.protocol == "tcp"):
        host, _, port_text = target.rpartition(":")
        if host.startswith("[") and host.endswith("]") and port_text.isdigit():
            return host[1:-1], int(port_text)
        if host and ":" not in host and port_text.isdigit():
            return host, int(port_text)
    return target.strip("[]"), 0 if test.kind == "throughput" else test.port


def rows_of(series: Series, outcome: Outcome, began_ns: int) -> tuple[Row, list[Row]]:
    """The row of ``probes`` and the rows of ``hops``, with the columns' names as keys."""
    target = http.shown(series.target) if series.test.kind == "http" else series.target
    shared: Row = {
        "time": began_ns, "test": series.test.name, "target": target, "run": secrets.randbits(63) | 1,
        "address": outcome.fields.get("address", "").partition("%")[0],
    }  # fmt: skip
    probe = {**outcome.fields, **shared, "kind": series.test.kind, "state": outcome.state}
    probe = {name: round(value, 4) if isinstance(value, float) else value for name, value in probe.items()}
    if outcome.error:
        probe["error"] = outcome.error
    if series.peer is not None:
        probe["target_agent"] = series.peer.agent
    if series.resolver:
        probe["resolver"] = series.resolver
    if "source_address" in probe:
        probe["source_address"] = probe["source_address"].partition("%")[0]
    return probe, [{**shared, **hop} for hop in outcome.hops]
