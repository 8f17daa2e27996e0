"""How far each source was read, kept in a file so that a restart goes on where it was."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import orjson
import structlog

log = structlog.get_logger(__name__)


class Marks:
    """Small values by key. Thread-safe; a file that cannot be read is as none."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._values: dict[str, Any] = {}
        self._lock = threading.Lock()

    def load(self) -> None:
        """Read the file."""
        with self._lock, contextlib.suppress(OSError, orjson.JSONDecodeError):
            found = orjson.loads(self._file.read_bytes())
            self._values = found if isinstance(found, dict) else {}

    def get(self, key: str) -> Any:
        """What was kept last, or None."""
        with self._lock:
            return self._values.get(key)

    def put(self, key: str, value: Any) -> None:
        """Keep a value."""
        with self._lock:
            if self._values.get(key) == value:
                return
            self._values[key] = value
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                fresh = self._file.with_suffix(".new")
                fresh.write_bytes(orjson.dumps(self._values))
                fresh.replace(self._file)
            except OSError as error:
                log.warning("business_not_remembered", file=str(self._file), reason=error.strerror)
