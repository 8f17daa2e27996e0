"""Back-tests beside live detection: one at a time, in a thread of its own that leaves room for what is urgent."""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import structlog

from weft.detect import registry
from weft.detect.config import DetectConfig
from weft.errors import InvalidInput, LimitExceeded, WeftError

if TYPE_CHECKING:
    from weft.detect.backtest import History
    from weft.detect.replay import Span

log = structlog.get_logger(__name__)

#: Results that are kept, and the longest stretch of history that one may ask for.
MOST_KEPT, MOST_S = 20, 92 * 86_400
#: Share of a processor that a back-test takes.
_SHARE = 0.5
_STOP_S = 5.0

State = Literal["running", "done", "failed", "cancelled"]


@dataclass(slots=True)
class Backtest:
    """One back-test. Times are UTC seconds; ``progress`` 0 to 1; ``report`` as ``backtest.report`` makes it."""

    id: str
    detectors: list[str]
    span: Span
    author: str
    began_s: float
    state: State = "running"
    progress: float = 0.0
    ended_s: float | None = None
    error: str = ""
    report: dict[str, Any] | None = None


class _CancelledError(Exception):
    """Somebody does not want it any more."""


class Backtests:
    """Thread-safe. A component: ``stop`` cancels what runs."""

    def __init__(
        self, history: Callable[[], History], config: DetectConfig, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._history, self._config, self._clock = history, config, clock
        self._kept: OrderedDict[str, Backtest] = OrderedDict()
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Nothing runs yet."""

    def stop(self) -> None:
        """Cancel what runs."""
        self._cancel.set()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def run(self, detectors: Sequence[str], span: Span, author: str) -> Backtest:
        """Begin one; no detectors = all that are switched on. Raises ``InvalidInput`` or ``LimitExceeded``."""
        known = registry.names()
        if unknown := sorted(set(detectors) - set(known)):
            raise InvalidInput(f"there is no detector {unknown[0]!r}", where="detectors")
        if not span.learn_from_s <= span.since_s < span.until_s:
            raise InvalidInput("the time range is empty", where="since")
        if span.until_s - span.learn_from_s > MOST_S:
            raise LimitExceeded(f"more than {MOST_S // 86_400} days", where="since", fix="Ask for a shorter stretch.")
        off = {name for name, one in self._config.detectors.items() if not one.enabled}
        wanted = list(dict.fromkeys(detectors)) or [name for name in known if name not in off]
        one = Backtest(uuid.uuid4().hex[:16], wanted, span, author, self._clock())
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                raise LimitExceeded("another back-test runs", where="backtests", fix="Wait for it, or cancel it.")
            self._cancel.clear()
            self._kept[one.id] = one
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            self._thread = threading.Thread(target=self._work, args=(one,), name="weft-backtest", daemon=True)
            self._thread.start()
        return one

    def all(self) -> list[Backtest]:
        """Those that are kept, the latest first."""
        with self._lock:
            return list(reversed(self._kept.values()))

    def get(self, name: str) -> Backtest | None:
        """The one with that id."""
        with self._lock:
            return self._kept.get(name)

    def drop(self, name: str) -> bool:
        """Cancel it if it runs, else forget it; whether there was one."""
        with self._lock:
            one = self._kept.get(name)
            if one is None:
                return False
            if one.state == "running":
                self._cancel.set()
            else:
                del self._kept[name]
        return True

    def _work(self, one: Backtest) -> None:
        from weft.detect.backtest import backtest, report  # heavy, and rarely needed

        span, worked_at = one.span, time.monotonic()

        def progress(reached_s: float) -> None:
            nonlocal worked_at
            one.progress = (reached_s - span.learn_from_s) / max(span.until_s - span.learn_from_s, 1.0)
            busy_s = time.monotonic() - worked_at
            if self._cancel.wait(busy_s * (1 / _SHARE - 1)):
                raise _CancelledError
            worked_at = time.monotonic()

        try:
            found = report(backtest(one.detectors, self._history(), span, self._config, progress=progress))
            one.report, one.progress, one.state = found, 1.0, "done"
        except _CancelledError:
            one.state = "cancelled"
        except WeftError as error:
            one.error, one.state = error.message, "failed"
        except Exception as error:  # a defect of a detector must not end the process's detection
            one.error, one.state = f"internal error: {type(error).__name__}", "failed"
            log.exception("backtest_failed", detectors=one.detectors)
        one.ended_s = self._clock()
