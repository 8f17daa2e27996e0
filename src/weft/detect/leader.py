"""Which of several processes watches series, judges policies, and tells people of what is found in them.

One does, by a lease in the state store that they share. Where it ends, another goes on at once; where it dies or cannot
reach the store any more, within ``PATIENCE_S``. A process that shares its store with none needs no lease.
"""

from __future__ import annotations

import platform
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from weft.errors import WeftError

log = structlog.get_logger(__name__)

PATIENCE_S = 20.0
_BEATS = 5
#: Longest name of a process that an event is kept under.
_MOST_NAME = 100
_NAME = re.compile(r"[\w.@:-]{1,100}")


class Leading(Protocol):
    """Says whether this process does what one process does for all."""

    @property
    def held(self) -> bool:
        """Whether it does now."""

    @property
    def holder(self) -> str:
        """Who does, as far as is known; empty = nobody."""


class Alone:
    """A process that shares its work with none."""

    held = True
    holder = ""


class Lease(Leading, Protocol):
    """``weft.store.state.leases.Lease``."""

    patience_s: float

    def renew(self) -> bool:
        """Keep it, or take it where nobody does."""

    def release(self) -> None:
        """Leave it to others at once."""


class Leader:
    """A component that keeps or seeks a lease."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._told: bool | None = None

    @property
    def held(self) -> bool:
        """Whether this process leads now."""
        return self._lease.held

    @property
    def holder(self) -> str:
        """Who leads, as far as is known."""
        return self._lease.holder

    def start(self) -> None:
        """Seek the lease."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="weft-detect-lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave it to others."""
        self._stopping.set()
        if self._thread is None:
            return
        self._thread.join()
        self._thread = None
        try:
            self._lease.release()
        except WeftError as error:
            log.warning("lease_not_released", error=error.message)

    def beat(self) -> None:
        """Keep the lease, or take it where nobody has it."""
        try:
            self._lease.renew()
        except WeftError as error:
            log.warning("lease_not_renewed", error=error.message, leads=self._lease.held)
        except Exception:  # a defect must not end the beat
            log.exception("lease_not_renewed")
        if self._told is not self._lease.held:
            self._told = self._lease.held
            log.info("detection_leads" if self._told else "detection_stands_by", leader=self._lease.holder)

    def _work(self) -> None:
        while not self._stopping.is_set():
            self.beat()
            self._stopping.wait(self._lease.patience_s / _BEATS)


def owner_of(data_dir: Path, role: str, node: Callable[[], str] = platform.node) -> str:
    """Under which name a process keeps events and what it learned: the same after a restart.

    Kept in a file: a container gets another host name each time that it is made.
    """
    path = data_dir / "detect" / f"{role}.name"
    try:
        kept = path.read_text(encoding="utf-8").strip()
        if _NAME.fullmatch(kept):
            return kept
    except (OSError, UnicodeDecodeError):
        pass  # the first start here
    name = re.sub(r"[^\w.@:-]", "-", f"{role}@{node()}")[:_MOST_NAME]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name + "\n", encoding="utf-8")
    except OSError as error:
        log.warning("name_not_kept", file=str(path), error=str(error))
    return name
