"""The bounded queue between the listeners and the decoder.

The bound is kept by ``Admission`` (memory, shared fairly between senders); the queue itself only orders and wakes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from weft.collect.admission import Admitted
from weft.collect.slab import Slab
from weft.decode.datagrams import DatagramBatch


@dataclass(slots=True)
class Item:
    """Datagrams on their way to the decoder."""

    batch: DatagramBatch
    admitted: Admitted | None = None  # None: came through ``Collector.ingest``
    slab: Slab | None = None  # memory to give back once decoded
    done: threading.Event | None = None  # set once decoded
    flush: bool = False  # no datagrams: everything decoded so far goes to the writer
    queued_at: float = field(default_factory=time.monotonic)


class DatagramQueue:
    """First in, first out; ``get`` waits, ``put`` never does."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._ready = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> bool:
        """Append; False when the queue is closed."""
        with self._ready:
            if self._closed:
                return False
            self._items.append(item)
            self._ready.notify()
            return True

    def get(self, timeout: float) -> Item | None:
        """The oldest item, or None after ``timeout`` seconds or when the queue is closed and empty."""
        with self._ready:
            if not self._items and not self._closed:
                self._ready.wait(timeout)
            return self._items.popleft() if self._items else None

    @property
    def closed(self) -> bool:
        """Nothing more will come after what is queued now."""
        return self._closed

    @property
    def oldest_s(self) -> float:
        """How long the oldest item has been waiting, seconds."""
        try:
            return time.monotonic() - self._items[0].queued_at
        except IndexError:
            return 0.0

    def close(self) -> None:
        """Take nothing more; what is queued can still be got."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
