"""What detectors learned, in files: one per detector, each written whole or not at all.

The state of a detector of many series is hundreds of megabytes: too much for a database that also holds people's
logins, and of use to this process alone.
"""

from __future__ import annotations

import json
import os
import re
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from weft.errors import LimitExceeded

log = structlog.get_logger(__name__)

_MAGIC = b"weft detector 1\n"
_SAFE = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class SavedState:
    """What a detector knew, fed up to ``through_s``."""

    state: bytes
    through_s: float
    about: dict[str, Any]


class StateFiles:
    """One file per detector; a write is whole or not at all."""

    def __init__(self, directory: Path, *, most_bytes: int = 1 << 30) -> None:
        self._directory, self._most = directory, most_bytes
        self._lock = threading.Lock()

    def save(self, name: str, state: bytes, through_s: float, about: Mapping[str, Any] | None = None) -> None:
        """Replace what was saved under that name. Raises ``LimitExceeded`` when it is too much, else ``OSError``."""
        if len(state) > self._most:
            raise LimitExceeded(f"its state has {len(state) >> 20} MiB", where=f"detector {name}")
        packed = zlib.compress(state, 1)
        head = {"through_s": through_s, "about": dict(about or {}), "bytes": len(state), "crc": zlib.crc32(state)}
        path = self._path(name)
        with self._lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                file.write(_MAGIC + json.dumps(head).encode() + b"\n")
                file.write(packed)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)

    def load(self, name: str) -> SavedState | None:
        """What was saved last; None where nothing was, or what there is cannot be used."""
        try:
            with self._path(name).open("rb") as file:
                if file.readline() != _MAGIC:
                    return None
                head = json.loads(file.readline())
                unpack = zlib.decompressobj()
                state = unpack.decompress(file.read(), min(int(head["bytes"]), self._most) + 1)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, zlib.error) as error:
            log.warning("detector_state_unreadable", detector=name, error=str(error))
            return None
        if len(state) != head["bytes"] or zlib.crc32(state) != head["crc"]:
            log.warning("detector_state_unreadable", detector=name, error="its checksum is wrong")
            return None
        return SavedState(state, float(head["through_s"]), dict(head["about"]))

    def forget(self, name: str) -> None:
        """Nothing is saved under that name any more."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._directory / f"{_SAFE.sub('_', name)[:150]}.state"
