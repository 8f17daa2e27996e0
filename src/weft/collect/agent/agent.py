"""The agent: registers, asks what to do, does it, reports."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog

from weft.collect.agent.buffer import DiskBuffer
from weft.collect.agent.capabilities import abilities
from weft.collect.agent.config import AgentConfig
from weft.collect.agent.outbox import Outbox
from weft.collect.agent.plan import Assignment, Plan, plan_of
from weft.collect.agent.runner import Runner
from weft.collect.agent.schedule import Schedule
from weft.collect.agent.server import Server
from weft.collect.agent.throughput import ThroughputServer
from weft.errors import ConfigError, NotAllowed, Unavailable, WeftError
from weft.model.addresses import address_text, packed

log = structlog.get_logger(__name__)

STATUS_FILE = "status.json"
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_SECONDS_A_DAY = 86_400.0


class Agent:
    """One agent, in one event loop. Its directory belongs to one process at a time."""

    def __init__(self, config: AgentConfig, directory: Path) -> None:
        self._config, self._directory = config, directory
        self._buffer = DiskBuffer(directory / "buffer", config.buffer_bytes, config.buffer_days * _SECONDS_A_DAY)
        self._told = Assignment()
        self._plan = Plan()
        self._peers: set[str] = set()
        self._kinds = [kind for kind, why_not in abilities().items() if not why_not and kind in config.kinds]
        self._throughput = ThroughputServer(config.throughput, lambda: self._peers)
        self._registered = False
        self._heard_ns, self._trouble = 0, ""

    async def run(self, done: asyncio.Event) -> None:
        """Until ``done``. What was measured and not sent is on disk then."""
        with self._alone():
            await self._run(done)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the directory. Raises ``Unavailable`` where another agent does."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            opened = (self._directory / "lock").open("w")
        except OSError as error:
            raise ConfigError(f"cannot be written to: {(error.strerror or '').lower()}", where=str(self._directory),
                              fix="Give the agent a directory of its own: --data-dir.") from None  # fmt: skip
        with opened as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Unavailable("another agent runs here", where=str(self._directory),
                                  fix="Give this one a directory of its own: --data-dir.") from None  # fmt: skip
            yield

    async def _run(self, done: asyncio.Event) -> None:
        self._buffer.open()
        self._throughput.start()
        server = Server(self._config, self._directory)
        self._registered = server.read_key()
        outbox = Outbox(server, self._buffer)
        runner = Runner(self._config, outbox.add)
        schedule = Schedule(self._config.called, runner.run, self._config.most_at_once)
        self._warn()
        tasks = [
            asyncio.create_task(self._ask(server, runner, schedule, done)),
            asyncio.create_task(self._report(outbox, runner, schedule, done)),
            asyncio.create_task(schedule.work(done)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            done.set()
            for task in tasks[:2]:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            outbox.keep()
            runner.close()
            await server.close()
            self._throughput.stop()
            self._write_status(outbox, runner, schedule)
        for one in ended:
            if isinstance(one, Exception):
                raise one

    def _warn(self) -> None:
        for kind, why_not in abilities().items():
            if why_not and kind in self._config.kinds:
                log.warning("tests_not_possible", kind=kind, reason=why_not)
        if self._config.server.startswith("http:") and "//127." not in self._config.server:
            log.warning("server_without_tls", server=self._config.server, reason="the key can be read on the way")

    async def _ask(self, server: Server, runner: Runner, schedule: Schedule, done: asyncio.Event) -> None:
        """Keep asking what to do."""
        pause_s = _FIRST_PAUSE_S
        while not done.is_set():
            try:
                if not self._registered:
                    await server.register(self._kinds, self._throughput.port)
                    self._registered = True
                told = await server.tests()
                if told is not None:
                    self._use(told, runner, schedule)
                self._heard_ns, self._trouble = time.time_ns(), ""
                pause_s = _FIRST_PAUSE_S
                await _pause(self._told.every_s, done)
            except ConfigError:
                raise
            except WeftError as error:
                if isinstance(error, NotAllowed) and self._registered:
                    self._registered = False  # the server has forgotten us: once more from the start
                    if self._config.token is not None and pause_s == _FIRST_PAUSE_S:
                        pause_s *= 2  # at once, but only once: a key that is never taken is not asked for in a rush
                        continue
                self._complain(error)
                await _pause(pause_s * random.uniform(0.5, 1.0), done)  # noqa: S311  # nothing secret
                pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)

    def _use(self, told: Assignment, runner: Runner, schedule: Schedule) -> None:
        self._told = told
        self._plan = plan_of(told, self._config.called, self._kinds, self._config.most_tests)
        found = set()
        for peer in told.peers:
            for address in peer.addresses:
                with contextlib.suppress(ValueError):
                    found.add(address_text(packed(address)))
        self._peers = found
        schedule.set(self._plan.series)
        runner.paths.keep(one.key for one in self._plan.series)
        left_out = dict(self._plan.left_out or {})
        log.info(
            "tests_told",
            tests=len(told.tests),
            series=len(self._plan.series),
            **({"left_out": left_out} if left_out else {}),
        )

    async def _report(self, outbox: Outbox, runner: Runner, schedule: Schedule, done: asyncio.Event) -> None:
        """Keep sending results."""
        pause_s = self._config.report_s
        while not done.is_set():
            await _pause(pause_s, done)
            try:
                if self._registered:
                    await outbox.send()
                pause_s = self._config.report_s
            except WeftError as error:
                if isinstance(error, NotAllowed):
                    self._registered = False
                self._complain(error)
                pause_s = min(_LONGEST_PAUSE_S, max(_FIRST_PAUSE_S, pause_s * 2))
            self._write_status(outbox, runner, schedule)

    def _complain(self, error: WeftError) -> None:
        if error.message != self._trouble:
            log.warning("server_away", reason=error.message)
            self._trouble = error.message

    def _write_status(self, outbox: Outbox, runner: Runner, schedule: Schedule) -> None:
        status: dict[str, Any] = {
            "time_ns": time.time_ns(), "agent": self._config.called, "server": self._config.server,
            "registered": self._registered, "heard_ns": self._heard_ns, "trouble": self._trouble,
            "kinds": self._kinds, "throughput_port": self._throughput.port, "throughput": self._throughput.counts,
            "tests": len(self._told.tests), "series": len(self._plan.series), "running": schedule.running,
            "left_out": dict(self._plan.left_out or {}), "runs": dict(runner.ended), "skipped": dict(schedule.skipped),
            "sent": outbox.sent, "waiting": outbox.waiting, "buffer_bytes": self._buffer.bytes,
            "dropped": dict(self._buffer.dropped), "refused": dict(outbox.refused),
        }  # fmt: skip
        half = self._directory / f"{STATUS_FILE}.part"
        with contextlib.suppress(OSError):
            half.write_text(json.dumps(status), encoding="utf-8")
            half.rename(self._directory / STATUS_FILE)


async def _pause(seconds: float, done: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(done.wait(), seconds)
