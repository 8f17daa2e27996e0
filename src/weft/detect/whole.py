"""Detection as one part of a process: detectors, policies, and the channels that tell people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from weft.component import Component
from weft.detect.backtests import Backtests
from weft.detect.context import Names
from weft.detect.engine import DetectEngine
from weft.detect.frames import Matrices, MatrixFrames
from weft.detect.memory import EventFilter, EventMemory
from weft.detect.notify.config import NotifyConfig
from weft.detect.notify.dispatcher import Notifier
from weft.detect.notify.marks import StateMarks
from weft.detect.policies.board import PolicyBoard
from weft.detect.policies.book import PolicyBook
from weft.detect.policies.evaluate import FrameOf
from weft.detect.tracker import Change
from weft.errors import WeftError
from weft.model.events import EventState
from weft.store.state import StateStore

log = structlog.get_logger(__name__)

_MOST_RETOLD = 1000


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

    @property
    def components(self) -> list[Component]:
        """In the order of starting: who is told is there before anything is found."""
        return [self.notifier, _Retelling(self), self.engine, *([self.board] if self.board is not None else []),
                self.backtests]  # fmt: skip


class _Retelling:
    """What is open as the process starts is told to channels that were not told of it before."""

    def __init__(self, detection: Detection) -> None:
        self._detection = detection

    def start(self) -> None:
        """Tell."""
        try:
            found = self._detection.memory.page(EventFilter(states=(EventState.OPEN,)), limit=_MOST_RETOLD)
        except WeftError as error:
            log.warning("open_events_not_retold", error=error.message)
        else:
            self._detection.notifier.take(found.events)

    def stop(self) -> None:
        """Nothing to end."""


def whole(
    engine: DetectEngine, memory: EventMemory, state: StateStore, notify: NotifyConfig, *, owner: str,
    asks: Matrices | None, names: Names, backtests: Backtests,
) -> Detection:  # fmt: skip
    """Tie detectors, policies and channels together."""
    notifier = Notifier(notify, StateMarks(state, owner))
    engine.on_change(lambda changes: notifier.take([change.event for change in _told(changes)]))
    book = PolicyBook(state)
    if asks is None:
        return Detection(engine, memory, book, notifier, None, None, backtests)

    def frames() -> FrameOf:
        one = MatrixFrames(asks, names)
        return lambda watch, since_s, until_s: one.frame(watch, "", since_s, until_s)

    return Detection(engine, memory, book, notifier, PolicyBoard(book, frames(), engine.take), frames, backtests)


def _told(changes: Sequence[Change]) -> Sequence[Change]:
    return [change for change in changes if change.transition]
