"""What detectors learned, in files: one per detector, each written whole or not at all.

The state of a detector of many series is hundreds of megabytes: too much for a database that also holds people's
logins, and of use to this process alone.
"""

from __future__ import annotations

import json
import math
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
#: Longest head of a file, bytes; compressed, a state is hardly larger than it was.
_MOST_HEAD = 1 << 20
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
        self.damaged = 0
        """Files that could not be read; their detectors began anew."""

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
        """What was saved last; None where nothing was, or what there is cannot be used (told, and counted)."""
        try:
            with self._path(name).open("rb") as file:
                if file.readline(_MOST_HEAD) != _MAGIC:
                    raise ValueError("it is of another version, or no state")
                return self._unpacked(json.loads(file.readline(_MOST_HEAD)), file.read(self._most + _MOST_HEAD))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError, zlib.error) as error:
            self.damaged += 1
            log.warning("detector_state_unreadable", detector=name, error=f"{type(error).__name__}: {error}")
            return None

    def _unpacked(self, head: dict[str, Any], packed: bytes) -> SavedState:
        size = int(head["bytes"])
        if not 0 <= size <= self._most:
            raise ValueError(f"it claims {size} bytes")
        state = zlib.decompressobj().decompress(packed, size + 1)
        if len(state) != size or zlib.crc32(state) != head["crc"]:
            raise ValueError("its checksum is wrong")
        about, through_s = dict(head["about"]), float(head["through_s"])
        if not (math.isfinite(through_s) and math.isfinite(float(about.get("learn_from_s", 0.0)))):
            raise ValueError("its times are none")
        return SavedState(state, through_s, about)

    def forget(self, name: str) -> None:
        """Nothing is saved under that name any more."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._directory / f"{_SAFE.sub('_', name)[:150]}.state"
