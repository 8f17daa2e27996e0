"""What the tests of the agent share."""

from __future__ import annotations

import asyncio
import ctypes
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from doubles.synthetics_server import TOKEN
from weft.collect.agent.agent import Agent
from weft.collect.agent.config import AgentConfig
from weft.collect.agent.plan import Series
from weft.collect.agent.runner import Runner
from weft.errors import WeftError
from weft.model.synthetics import SyntheticTest

_CLONE_NEWNET = 0x40000000


def a_test(kind: str, **more: Any) -> SyntheticTest:
    given = {"name": f"a {kind}", "kind": kind, "interval_ms": 5, "timeout_ms": 2000}
    return SyntheticTest.model_validate(given | more)


def once(kind: str, target: str, resolver: str = "", agent: dict[str, Any] | None = None, **more: Any):
    """(row of probes, rows of hops) of one run."""

    async def run() -> list[Any]:
        rows: list[Any] = []
        runner = Runner(AgentConfig.model_validate(agent or {}), lambda probe, hops: rows.extend((probe, hops)))
        try:
            await runner.run(Series(a_test(kind, **more), target, None, resolver))
        finally:
            runner.close()
        return rows

    return asyncio.run(run())


def within(namespace: str, work: Callable[[], Any]) -> Any:
    """What ``work`` gives in a thread that is in a network namespace."""
    came: list[Any] = []

    def run() -> None:
        with open(f"/run/netns/{namespace}", "rb") as file:
            entered = ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET)
        assert entered == 0, os.strerror(ctypes.get_errno())
        came.append(work())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert came, "the work failed"
    return came[0]


class RunningAgent:
    """An agent in a thread."""

    def __init__(self, directory: Path, server: str, **more: Any) -> None:
        given = {"server": server, "token": TOKEN, "name": "branch-1", "report_s": 0.2} | more
        self.agent = Agent(AgentConfig.model_validate(given), directory)
        self._done: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def _run(self) -> None:
        async def main() -> None:
            self._done, self._loop = asyncio.Event(), asyncio.get_running_loop()
            self._ready.set()
            await self.agent.run(self._done)

        try:
            asyncio.run(main())
        except WeftError as error:
            self.error = error

    def stop(self) -> None:
        assert self._loop is not None
        assert self._done is not None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)
        assert not self._thread.is_alive()
