"""Running programs, in a namespace or not."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence


class LabError(RuntimeError):
    """Something of the lab could not be made."""


def run(*command: str, text: str | None = None, check: bool = True, timeout: float = 30) -> str:
    """Output of a program. Raises ``LabError`` with what it said where it fails."""
    done = subprocess.run(command, input=text, text=True, capture_output=True, timeout=timeout, check=False)
    if check and done.returncode:
        raise LabError(f"{' '.join(command[:6])}: {(done.stderr or done.stdout).strip()[:500]}")
    return done.stdout


def ip_batch(lines: Sequence[str], namespace: str = "") -> None:
    """Many ``ip`` commands in one process."""
    where = ("-n", namespace) if namespace else ()
    run("ip", *where, "-batch", "-", text="\n".join(lines) + "\n")


def inside(namespace: str, *command: str, **more: object) -> str:
    """Output of a program in a namespace."""
    return run("ip", "netns", "exec", namespace, *command, **more)  # type: ignore[arg-type]
