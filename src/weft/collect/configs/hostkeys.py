"""Which SSH host keys are believed: those in a ``known_hosts`` file, and where allowed the first one met."""

from __future__ import annotations

import threading
from pathlib import Path

import asyncssh

from weft.errors import ConfigError

_NONE = b"# none\n"  # asyncssh looks for the user's own file where it is given nothing


class HostKeys:
    """The ``known_hosts`` file. Thread-safe."""

    def __init__(self, file: Path, *, trust_first: bool) -> None:
        self._file, self._trust_first = file, trust_first
        self._lock = threading.Lock()

    def known(self) -> bytes:
        """The file's content, for asyncssh. Raises ``ConfigError`` where it cannot be read or understood."""
        with self._lock:
            try:
                content = self._file.read_bytes() if self._file.exists() else b""
                asyncssh.import_known_hosts((content or _NONE).decode())
            except (OSError, UnicodeDecodeError, ValueError) as error:
                raise ConfigError("cannot be used", where=str(self._file), fix=f"Repair it: {error}") from None
        return content or _NONE

    def client(self) -> _Client:
        """Decides about a key that the file does not hold."""
        return _Client(self)

    def has(self, host: str, address: str, port: int) -> bool:
        """Whether any key of the host is known."""
        found = asyncssh.import_known_hosts(self.known().decode()).match(host, address, port)
        return any(found[:3])

    def meet(self, host: str, address: str, port: int, key: asyncssh.SSHKey) -> bool:
        """A key that is not known: believed and remembered where that is allowed and the host has no other."""
        if not self._trust_first or self.has(host, address, port):
            return False
        name = host if port == 22 else f"[{host}]:{port}"
        with self._lock:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._file.open("ab") as file:
                file.write(f"{name} ".encode() + key.export_public_key("openssh").rstrip() + b"\n")
        return True


class _Client(asyncssh.SSHClient):
    """A connection's own word on the host's key."""

    def __init__(self, keys: HostKeys) -> None:
        self._keys = keys
        self.unknown = self.changed = False

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a key that is not in the file."""
        if self._keys.meet(host, addr, port, key):
            return True
        self.changed = self._keys.has(host, addr, port)
        self.unknown = not self.changed
        return False
