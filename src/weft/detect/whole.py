"""Detection as one part of a process: detectors, policies, and the channels that tell people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from weft.component import Component
from weft.detect.backtests import Backtests
from weft.detect.context import Names
from weft.detect.engine import DetectEngine
from weft.detect.frames import Matrices, MatrixFrames
from weft.detect.leader import Leader
from weft.detect.memory import EventMemory
from weft.detect.notify.dispatcher import Notifier
from weft.detect.policies.board import PolicyBoard
from weft.detect.policies.book import PolicyBook
from weft.detect.policies.evaluate import FrameOf
from weft.errors import WeftError
from weft.store.state import StateStore

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Detection:
    """Everything that detects, and what it stands on. ``asks``: None where nothing is asked of the store."""

    engine: DetectEngine
    memory: EventMemory
    book: PolicyBook
    notifier: Notifier
    board: PolicyBoard | None
    frames: Callable[[], FrameOf] | None
    """A fresh way of asking for frames, for one use."""
    backtests: Backtests
    leader: Leader | None = None

    @property
    def components(self) -> list[Component]:
        """In the order of starting: who is told is there before anything is found."""
        parts = (self.notifier, _CatchUp(self), self.leader, self.engine, self.board, self.backtests)
        return [part for part in parts if part is not None]


class _CatchUp:
    """Of events that ended while nobody could tell, channels that know of their beginning are told as it starts."""

    def __init__(self, detection: Detection) -> None:
        self._detection = detection

    def start(self) -> None:
        """Tell."""
        try:
            self._detection.notifier.catch_up(self._detection.memory.closed_of)
        except WeftError as error:
            log.warning("ends_of_events_not_told", error=error.message)

    def stop(self) -> None:
        """Nothing to end."""


def whole(
    engine: DetectEngine, memory: EventMemory, state: StateStore, notifier: Notifier, *,
    asks: Matrices | None, names: Names, backtests: Backtests, leader: Leader | None = None,
) -> Detection:  # fmt: skip
    """Tie detectors, policies and channels together."""
    engine.on_change(lambda changes: notifier.take([change.event for change in changes if change.transition]))
    engine.before_leading(notifier.recall_others)
    book = PolicyBook(state)
    if asks is None:
        return Detection(engine, memory, book, notifier, None, None, backtests, leader)

    def frames() -> FrameOf:
        one = MatrixFrames(asks, names)
        return lambda watch, since_s, until_s: one.frame(watch, "", since_s, until_s)

    board = PolicyBoard(book, frames(), engine.take, leading=leader)
    return Detection(engine, memory, book, notifier, board, frames, backtests, leader)
