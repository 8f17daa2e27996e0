"""What of RPKI is known now: validated payloads from caches and files, and the state of routes by them.

Writers of routes call ``states``; whoever holds routes listens with ``on_change`` and judges them anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import structlog
from numpy.typing import NDArray

from weft.collect.routing.validity import UNCHECKED, ValidityIndex
from weft.decode.rtr import Vrp, Vrps

log = structlog.get_logger(__name__)


class Payloads:
    """The payloads in force. Any thread may ask; they change whole, and ``version`` says that they did."""

    def __init__(self) -> None:
        self._index: ValidityIndex | None = None
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self.version = 0

    def __len__(self) -> int:
        index = self._index
        return 0 if index is None else len(index)

    @property
    def known(self) -> bool:
        """Whether any source has told its payloads; until then, and after all have gone stale, nothing is judged."""
        return self._index is not None

    def states(
        self, prefix: NDArray[np.uint8], length: NDArray[np.uint8], origin_as: NDArray[np.uint32]
    ) -> NDArray[np.uint8]:
        """``model.routes.RPKI_STATES`` of each route: prefixes (n, 16), lengths in the family's own bits, origin AS."""
        index = self._index
        if index is None:
            return np.full(len(length), UNCHECKED, np.uint8)
        return index.states(prefix, length, origin_as)

    def covering(self, prefix: NDArray[np.uint8], length: int) -> list[Vrp]:
        """The payloads that a route is judged by, longest prefix first; ``prefix`` is 16 bytes."""
        index = self._index
        return [] if index is None else index.covering(prefix, length)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called after the payloads changed, in the thread that changed them."""
        self._listeners.append(listener)

    def replace(self, vrps: Vrps | None) -> None:
        """Put other payloads in force; None where no source knows any."""
        index = None if vrps is None else ValidityIndex(vrps)
        with self._lock:
            self._index = index
            self.version += 1
        for listener in self._listeners:
            try:
                listener()
            except Exception:  # one that fails must not keep the others from judging
                log.exception("rpki_listener_failed")
