"""Versions of configurations on disk, masked: one folder per device, texts by their digest, a line per version.

configs/<device>/device.json     its names
configs/<device>/versions.jsonl  one version a line, oldest first
configs/<device>/<digest>.z      the text, zlib
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
import time
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from weft.collect.configs.diffs import Difference, compare
from weft.errors import InvalidInput

_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_INDEX_S = 5.0  # how old the list of devices may be where another process writes


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a device's configuration. Times are UTC seconds."""

    number: int  # from 1
    time: float  # when it took effect, as far as known
    collected: float
    digest: str
    source: str  # ssh or directory
    lines: int
    author: str = ""
    reference: str = ""  # commit
    title: str = ""
    platform: str = ""
    added: int = 0
    removed: int = 0
    sections: tuple[str, ...] = ()


class ConfigHistory:
    """All versions of all devices. Thread-safe; several processes may read, one writes."""

    def __init__(self, directory: Path, *, keep: int = 500) -> None:
        self._directory, self._keep = directory, keep
        self._lock = threading.Lock()
        self._names: dict[str, Path] = {}
        self._read_at = -_INDEX_S

    def devices(self) -> list[str]:
        """Names of all devices that have versions."""
        with self._lock:
            folders = set(self._index().values())
        return sorted(_names_of(folder)[0] for folder in folders)

    def versions(self, device: str) -> list[Version]:
        """Versions of a device (by any of its names), newest first; none where it is not known."""
        with self._lock:
            folder = self._index().get(device)
        return list(reversed(_versions(folder))) if folder else []

    def text(self, device: str, number: int) -> str:
        """The text of a version. Raises ``InvalidInput`` where there is none."""
        with self._lock:
            folder = self._index().get(device)
        for version in _versions(folder) if folder else ():
            if folder and version.number == number:
                return _text(folder, version.digest)
        raise InvalidInput(f"there is no version {number} of the configuration of {device!r}", where="configs")

    def compare(self, device: str, old: int, new: int) -> Difference:
        """What changed from one version to another. Raises ``InvalidInput``."""
        return compare(
            self.text(device, old), self.text(device, new), old_name=f"version {old}", new_name=f"version {new}"
        )

    def add(
        self, device: str, text: str, *, at: float, source: str, author: str = "", reference: str = "", title: str = "",
        platform: str = "", also: Iterable[str] = (),
    ) -> tuple[Version, Difference] | None:  # fmt: skip
        """Keep a version (``text`` masked); None where it is the newest already. The first differs from nothing."""
        with self._lock:
            folder = self._directory / _slug(device)
            self._name(folder, device, also)
            before = _versions(folder)
            digest = hashlib.sha256(text.encode()).hexdigest()[:32]
            if before and before[-1].digest == digest:
                return None
            _write(folder / f"{digest}.z", zlib.compress(text.encode()))
            change = Difference("", 0, 0, ())
            if before:
                old, number = before[-1], before[-1].number + 1
                names = {"old_name": f"version {old.number}", "new_name": f"version {number}"}
                change = compare(_text(folder, old.digest), text, **names)
            version = Version(
                before[-1].number + 1 if before else 1, at, time.time(), digest, source, text.count("\n"), author,
                reference, title, platform, change.added, change.removed, change.sections[:20],
            )  # fmt: skip
            with _private(folder / "versions.jsonl", os.O_APPEND) as file:
                file.write(json.dumps(asdict(version)).encode() + b"\n")
            if len(before) >= self._keep:
                self._prune(folder, [*before, version][-self._keep :])
            return version, change

    def _name(self, folder: Path, device: str, also: Iterable[str]) -> None:
        """Remember what a device is called, if that is new."""
        known = _names_of(folder)[1] if folder.exists() else []
        names = sorted({*known, *(one for one in also if one and one != device)})
        if not folder.exists() or names != known:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(folder / "device.json", json.dumps({"name": device, "also": names}).encode())
            self._read_at = -_INDEX_S

    def _prune(self, folder: Path, kept: list[Version]) -> None:
        _write(folder / "versions.jsonl", b"".join(json.dumps(asdict(one)).encode() + b"\n" for one in kept))
        digests = {one.digest for one in kept}
        for file in folder.glob("*.z"):
            if file.stem not in digests:
                file.unlink(missing_ok=True)

    def _index(self) -> dict[str, Path]:
        """Folder by name; a device's own name wins over what others are also called."""
        if time.monotonic() - self._read_at > _INDEX_S:
            folders = [folder for folder in self._directory.glob("*/") if (folder / "device.json").exists()]
            names = [(folder, *_names_of(folder)) for folder in folders]
            self._names = {name: folder for folder, _, also in names for name in also}
            self._names |= {name: folder for folder, name, _ in names}
            self._read_at = time.monotonic()
        return self._names


def _slug(device: str) -> str:
    return f"{_ODD.sub('_', device)[:80].strip('.')}-{hashlib.sha256(device.encode()).hexdigest()[:10]}"


def _names_of(folder: Path) -> tuple[str, list[str]]:
    """A device's own name and what else it is called."""
    try:
        meta = json.loads((folder / "device.json").read_text(encoding="utf-8"))
        return str(meta["name"]), [str(one) for one in meta["also"]]
    except (OSError, ValueError, KeyError, TypeError):
        return folder.name, []


def _versions(folder: Path) -> list[Version]:
    """Oldest first; a line that was cut off by a crash is passed over."""
    out: list[Version] = []
    with contextlib.suppress(OSError):
        for line in (folder / "versions.jsonl").read_bytes().splitlines():
            with contextlib.suppress(ValueError, TypeError):
                values = json.loads(line)
                out.append(Version(**values | {"sections": tuple(values["sections"])}))
    return out


def _text(folder: Path, digest: str) -> str:
    try:
        return zlib.decompress((folder / f"{digest}.z").read_bytes()).decode()
    except (OSError, zlib.error):
        raise InvalidInput("the text of this version is gone", where="configs") from None


def _private(path: Path, flags: int) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600), "wb")


def _write(path: Path, data: bytes) -> None:
    """Write a file at once: a crash leaves the old one or the new."""
    fresh = path.with_name(f".{path.name}.new")
    with _private(fresh, os.O_TRUNC) as file:
        file.write(data)
    fresh.replace(path)
