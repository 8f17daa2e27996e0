"""A part of the demo that goes on in a thread of its own until it is told to stop."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod

import structlog

log = structlog.get_logger(__name__)

_WAIT_S = 10.0


class Player(ABC):
    """Subclasses do their history in ``start`` where others wait for it, then begin, and play in ``_run``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to play."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._guarded, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Play no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_WAIT_S)
            self._thread = None

    def _guarded(self) -> None:
        try:
            self._run()
        except Exception:
            log.exception("demo_part_failed", part=self._name)

    @abstractmethod
    def _run(self) -> None:
        """Play until ``_stop`` is set."""
