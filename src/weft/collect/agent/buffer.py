"""Results that wait on disk while the server is away: files in order, bounded in size and age, the oldest go first.

A file is one report's rows, gzip of JSON; it is written whole and then given its name, so that none is ever half there.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger(__name__)

Rows = dict[str, list[dict[str, Any]]]
_SUFFIX = ".json.gz"
_MOST_DECODED = 64 << 20


class DiskBuffer:
    """A queue of files. Not thread-safe."""

    def __init__(self, directory: Path, most_bytes: int, most_age_s: float) -> None:
        self._directory, self._most, self._age_s = directory, most_bytes, most_age_s
        self._files: dict[Path, tuple[int, int]] = {}  # path → (bytes, runs), oldest first
        self.bytes, self.runs = 0, 0
        self.dropped: Counter[str] = Counter()

    def open(self) -> None:
        """Find what an earlier process left."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._directory.chmod(0o700)
        for half in self._directory.glob("*.part"):
            half.unlink(missing_ok=True)
        for path in sorted(self._directory.glob(f"*{_SUFFIX}")):
            stamp, _, runs = path.name.removesuffix(_SUFFIX).partition("-")
            if stamp.isdigit() and runs.isdigit():
                self._add(path, path.stat().st_size, int(runs))
        self._bound()

    def put(self, rows: Rows) -> None:
        """Keep rows. What cannot be written is dropped, and counted."""
        runs = len(rows["probes"])
        if not runs:
            return
        data = gzip.compress(json.dumps(rows, separators=(",", ":")).encode(), 6)
        stamp = time.time_ns()
        path = self._directory / f"{stamp:020d}-{runs}{_SUFFIX}"
        while path in self._files:
            stamp += 1
            path = self._directory / f"{stamp:020d}-{runs}{_SUFFIX}"
        half = path.with_suffix(".part")
        try:
            half.write_bytes(data)
            half.rename(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                half.unlink(missing_ok=True)
            self.dropped["the disk cannot be written to"] += runs
            log.warning("results_not_kept", reason=error.strerror, runs=runs)
            return
        self._add(path, len(data), runs)
        self._bound()

    def first(self) -> tuple[Path, Rows] | None:
        """The oldest rows, which stay until they are forgotten. Damaged files are dropped, and counted."""
        self._bound()
        while self._files:
            path = next(iter(self._files))
            try:
                return path, _read(path)
            except (OSError, ValueError, EOFError, zlib.error, RecursionError):
                self._drop(path, "a file was damaged")
        return None

    def forget(self, path: Path) -> None:
        """These rows have arrived."""
        if path in self._files:
            self._remove(path)

    def _bound(self) -> None:
        oldest_ns = time.time_ns() - int(self._age_s * 1e9)
        for path in list(self._files):
            if int(path.name.partition("-")[0]) < oldest_ns:
                self._drop(path, "too old")
            elif self.bytes > self._most:
                self._drop(path, "the buffer was full")
            else:
                break

    def _drop(self, path: Path, why: str) -> None:
        self.dropped[why] += self._files[path][1]
        self._remove(path)

    def _add(self, path: Path, size: int, runs: int) -> None:
        self._files[path] = size, runs
        self.bytes += size
        self.runs += runs

    def _remove(self, path: Path) -> None:
        size, runs = self._files.pop(path)
        self.bytes -= size
        self.runs -= runs
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _read(path: Path) -> Rows:
    with gzip.open(path) as file:
        text = file.read(_MOST_DECODED + 1)
    if len(text) > _MOST_DECODED:
        raise ValueError("too large")
    rows = json.loads(text)
    if not isinstance(rows, dict) or not all(isinstance(rows.get(name), list) for name in ("probes", "hops")):
        raise ValueError("not rows")
    return {"probes": rows["probes"], "hops": rows["hops"]}
