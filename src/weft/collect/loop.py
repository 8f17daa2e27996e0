"""An event loop in a thread of its own, for components whose work is a coroutine: started, told to end, waited for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)

_WAIT_S = 10.0


class LoopThread:
    """Runs ``main`` (given this) until it returns. ``main`` calls ``ready`` and ends when ``done`` is set."""

    def __init__(self, name: str, main: Callable[[LoopThread], Coroutine[Any, Any, None]]) -> None:
        self._name, self._main = name, main
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.done = asyncio.Event()

    def start(self) -> None:
        """Begin; returns when ``main`` is ready, or has failed."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        self._ready.wait(_WAIT_S)

    def stop(self) -> None:
        """Set ``done`` and wait. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self.call(self.done.set)
            thread.join(_WAIT_S)

    def ready(self) -> None:
        """Let ``start`` return."""
        self._ready.set()

    def call(self, function: Callable[[], object]) -> None:
        """Have the loop call a function soon, from any thread; nothing where it has ended."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop ended by itself
                self._loop.call_soon_threadsafe(function)

    def _run(self) -> None:
        try:
            asyncio.run(self._entered())
        except Exception:
            log.exception("loop_failed", thread=self._name)
        finally:
            self._ready.set()

    async def _entered(self) -> None:
        self._loop, self.done = asyncio.get_running_loop(), asyncio.Event()
        await self._main(self)
