"""Looks at a directory that other tools keep configurations in, plain or a git repository, for what is new."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from weft.collect.configs.config import ConfigDirectory
from weft.collect.configs.git import Repository
from weft.errors import Unavailable

_MOST_FILES = 50_000


@dataclass(frozen=True, slots=True)
class Found:
    """A configuration found: whose, when it changed, by whom, in which commit."""

    device: str
    text: str
    time: float
    author: str = ""
    reference: str = ""
    title: str = ""


class Directory:
    """Remembers what it has seen: files by size and time, a repository by its newest commit (kept in ``memory``)."""

    def __init__(self, config: ConfigDirectory, memory: Path, most_bytes: int) -> None:
        self._config, self._memory, self._most = config, memory, most_bytes
        self._device = re.compile(config.device)
        self._seen: dict[str, tuple[int, int, int]] = {}
        self.skipped: dict[str, int] = {}

    def new(self) -> Iterator[Found]:
        """What came since the last look, oldest first. What was seen is remembered once all of it was taken."""
        path = self._config.path
        if not path.is_dir():
            raise Unavailable("is not a directory", where=str(path))
        self.skipped = {}
        repository = Repository.at(path)
        if repository is not None:
            yield from self._commits(repository)
        else:
            yield from self._files(path)

    def _commits(self, repository: Repository) -> Iterator[Found]:
        head, last = repository.head(self._config.branch), self._last()
        if not head or head == last:
            return
        follows = bool(last) and repository.knows(last)
        most = self._config.commits if follows or not last else 1  # history was rewritten: what is now is enough
        for number, commit in enumerate(repository.commits(head, last if follows else "", most)):
            # What the first commit read did not touch stands as it was: without it, its next change would have no past.
            whole = number == 0 and not follows
            names = repository.files(commit.id) if whole else repository.changed(commit.id)
            wanted = [name for name in names if self._wanted(name)][:_MOST_FILES]
            for name, text in repository.texts(commit.id, wanted, self._most):
                device = self._device.fullmatch(name)
                if device is not None:
                    yield Found(device["device"], text, commit.time, commit.author, commit.id, commit.title)
            self._remember(commit.id)

    def _files(self, root: Path) -> Iterator[Found]:
        fresh: list[tuple[float, str, tuple[int, int, int]]] = []
        for name in self._walk(root):
            try:
                info = os.lstat(root / name)
            except OSError:
                continue
            mark = (info.st_mtime_ns, info.st_size, info.st_ino)
            if not stat.S_ISREG(info.st_mode) or self._seen.get(name) == mark:
                continue
            if info.st_size > self._most:
                self._skip("too_large")
                self._seen[name] = mark
                continue
            fresh.append((info.st_mtime, name, mark))
        for changed, name, mark in sorted(fresh):
            text = self._read(root / name)
            device = self._device.fullmatch(name)
            if text is not None and device is not None:
                yield Found(device["device"], text, changed)
            self._seen[name] = mark

    def _walk(self, root: Path) -> Iterator[str]:
        """Files below ``root`` that are wanted, without following links."""
        count = 0
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(one for one in folders if not one.startswith("."))
            for file in sorted(files):
                name = os.path.relpath(os.path.join(folder, file), root)
                if self._wanted(name):
                    count += 1
                    if count > _MOST_FILES:
                        self._skip("too_many_files")
                        return
                    yield name

    def _wanted(self, name: str) -> bool:
        if any(part.startswith(".") for part in name.split("/")) or name.endswith(("~", ".swp", ".tmp", ".new", ".md")):
            return False
        pattern = self._config.files
        here = pattern.removeprefix("**/")  # which may stand for no folder at all
        return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, here)

    def _read(self, path: Path) -> str | None:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                data = file.read(self._most + 1)
        except OSError:
            self._skip("unreadable")
            return None
        if len(data) > self._most or b"\0" in data[:4096]:
            self._skip("not_text" if len(data) <= self._most else "too_large")
            return None
        return data.decode("utf-8", "replace")

    def _skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def _last(self) -> str:
        try:
            return str(json.loads(self._memory.read_text(encoding="utf-8"))[str(self._config.path)])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _remember(self, commit: str) -> None:
        try:
            known = json.loads(self._memory.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        self._memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._memory.with_suffix(".new")
        fresh.write_text(json.dumps(known | {str(self._config.path): commit}), encoding="utf-8")
        fresh.replace(self._memory)
