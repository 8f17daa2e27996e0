"""Reads the history of a git repository with git's own plumbing, which runs no hooks, filters or pagers of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from weft.errors import Failed

_TIMEOUT_S = 60.0
#: Repositories are data of others: nothing they configure may run, and nothing is fetched.
_SAFE = (
    "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
    "-c", "protocol.allow=never", "-c", "core.pager=cat", "-c", "core.alternateRefsCommand=",
    "-c", "log.showSignature=false", "--no-optional-locks",
    "--no-replace-objects",
)  # fmt: skip
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "HOME": "/nonexistent",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, as far as changes need it. ``time`` in UTC seconds."""

    id: str
    time: float
    author: str
    title: str


class Repository:
    """A repository, bare or with a working tree."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @staticmethod
    def at(path: Path) -> Repository | None:
        """The repository at ``path``; None where there is none, or no git to read it with."""
        if shutil.which("git") is None:
            return None
        bare = (path / "HEAD").is_file() and (path / "objects").is_dir()
        return Repository(path) if bare or (path / ".git").exists() else None

    def head(self, branch: str) -> str:
        """Id of the newest commit; empty where there is none yet."""
        out = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{branch}^{{commit}}", allow=(1, 128))
        return out.decode("ascii", "replace").strip()

    def commits(self, newest: str, since: str, most: int) -> list[Commit]:
        """Commits after ``since`` (empty = from the beginning), oldest first, at most the newest ``most``."""
        span = [newest, f"^{since}"] if since else [newest]
        out = self._git(
            "rev-list", "--first-parent", f"--max-count={most}", "--no-commit-header",
            "--format=%H%x00%ct%x00%an%x00%s%x00%x01", *span, "--",
        )  # fmt: skip
        found = []
        for record in out.decode("utf-8", "replace").split("\x01"):
            parts = record.strip("\n").split("\0")
            if len(parts) >= 4 and parts[1].isdigit():
                found.append(Commit(parts[0], float(parts[1]), parts[2][:200], parts[3][:500]))
        return found[::-1]

    def changed(self, commit: str) -> list[str]:
        """Files that a commit added or changed."""
        out = self._git(
            "diff-tree", "-r", "-m", "--first-parent", "--root", "--no-commit-id", "--name-only", "--diff-filter=AM",
            "-z", "--no-renames", "--no-ext-diff", "--no-textconv", commit, "--",
        )  # fmt: skip
        return [name.decode("utf-8", "replace") for name in out.split(b"\0") if name]

    def files(self, commit: str) -> list[str]:
        """All files of a commit."""
        out = self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
        return [name.decode("utf-8", "replace") for name in out.split(b"\0") if name]

    def text(self, commit: str, file: str, most: int) -> str | None:
        """A regular file's text as of a commit; None where it is none, or too large."""
        entry = self._git("ls-tree", "-z", "-l", "--full-tree", commit, "--", f":(literal){file}").decode(
            "utf-8", "replace"
        )
        mode, kind, blob, size = (entry.partition("\t")[0].split() + [""] * 4)[:4]
        if kind != "blob" or not mode.startswith("100") or not size.isdigit() or int(size) > most:
            return None
        return self._git("cat-file", "blob", blob).decode("utf-8", "replace")

    def texts(self, commit: str, files: Sequence[str], most: int) -> Iterator[tuple[str, str]]:
        """The texts of files as of a commit."""
        for file in files:
            text = self.text(commit, file, most)
            if text is not None:
                yield file, text

    def knows(self, commit: str) -> bool:
        """Whether the commit is (still) there."""
        try:
            self._git("cat-file", "-e", f"{commit}^{{commit}}")
        except Failed:
            return False
        return True

    def _git(self, *arguments: str, allow: tuple[int, ...] = ()) -> bytes:
        environment = {"PATH": os.environ.get("PATH", ""), **_ENVIRONMENT}
        try:
            done = subprocess.run(
                ["git", *_SAFE, "-C", str(self._path), *arguments], capture_output=True, timeout=_TIMEOUT_S,
                check=False, stdin=subprocess.DEVNULL, env=environment,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failed(f"git did not answer: {type(error).__name__}", where=str(self._path)) from None
        if done.returncode and done.returncode not in allow:
            reason = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0][:200]
            raise Failed(f"git {arguments[0]} failed: {reason}", where=str(self._path))
        return b"" if done.returncode else done.stdout
