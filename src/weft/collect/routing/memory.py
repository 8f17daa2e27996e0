"""Which sessions are up, kept on disk: a process that ends without a word must not leave routes standing for ever."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

import structlog

from weft.collect.routing.rows import SessionKey

log = structlog.get_logger(__name__)

STATE_FILE = "routing-sessions.json"
_TOUCH_S = 30.0


class SessionsFile:
    """The sessions that are up; the file's own time tells when that was last so."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: list[SessionKey] | None = None
        self._touched = 0.0

    def left_over(self) -> tuple[int, list[SessionKey]]:
        """When the process before this one was last alive, UTC nanoseconds, and the sessions it had not closed."""
        try:
            entries = json.loads(self._path.read_text(encoding="utf-8"))
            alive_ns = self._path.stat().st_mtime_ns
            return alive_ns, [_key(entry) for entry in entries]
        except FileNotFoundError:
            return 0, []
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.warning("routing_sessions_unreadable", path=str(self._path), reason=str(error))
            return 0, []

    def keep(self, keys: Iterable[SessionKey]) -> None:
        """These are up now. Written where they are others than before; cheap to call often."""
        current = sorted(keys, key=lambda key: (key.exporter, key.peer, key.rib, key.vrf))
        now = time.monotonic()
        try:
            if current != self._written:
                temporary = self._path.with_suffix(".tmp")
                temporary.write_text(json.dumps([_entry(key) for key in current]), encoding="utf-8")
                temporary.replace(self._path)
            elif now - self._touched >= _TOUCH_S:
                os.utime(self._path)
            else:
                return
        except OSError as error:
            log.warning("routing_sessions_not_kept", path=str(self._path), reason=error.strerror)
            return
        self._written, self._touched = current, now


def _entry(key: SessionKey) -> list[str | int]:
    exporter, peer = (base64.b64encode(one).decode() for one in (key.exporter, key.peer))
    return [exporter, key.source, key.rib, peer, key.peer_as, key.vrf]


def _key(entry: list[str | int]) -> SessionKey:
    exporter, source, rib, peer, peer_as, vrf = entry
    addresses = [base64.b64decode(str(one)) for one in (exporter, peer)]
    if any(len(one) != 16 for one in addresses):
        raise ValueError("an address has 16 octets")
    return SessionKey(addresses[0], int(source), int(rib), addresses[1], int(peer_as), str(vrf))
