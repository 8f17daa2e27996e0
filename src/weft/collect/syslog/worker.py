"""The thread that decodes what waits and hands the rows to the intake."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import structlog

from weft.collect.intake.book import SourceBook
from weft.collect.syslog.queue import Batch, MessageQueue
from weft.decode.syslog import Decoded, SyslogDecoder
from weft.errors import Unavailable
from weft.model.changes import CHANGES
from weft.model.logs import LOGS
from weft.model.tables import Table

log = structlog.get_logger(__name__)

_WAIT_S = 0.5
_STATE = 1  # version of the file


class Rows(Protocol):
    """The part of the intake that takes rows."""

    def put(self, table: Table, rows: pa.RecordBatch, book: SourceBook | None = None, *, messages: int = 1) -> None:
        """Take rows of ``table``. Raises ``Unavailable``."""


class Worker:
    """Decodes until stopped; then what still waits."""

    def __init__(
        self, decoder: SyslogDecoder, queue: MessageQueue, intake: Rows, state: Path | None, state_s: float
    ) -> None:
        self._decoder, self._queue, self._intake = decoder, queue, intake
        self._state, self._state_s = state, state_s
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Go on from the templates of the last run."""
        if self._state is not None:
            self._decoder.miner.restore(load_state(self._state))
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="weft-syslog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Decode what waits, save templates."""
        self._stopping.set()
        self._queue.close()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._save()

    def _run(self) -> None:
        saved = time.monotonic()
        while True:
            batch = self._queue.take(_WAIT_S)
            if batch is not None:
                try:
                    self._decode(batch)
                except Exception:  # a defect of ours must not end logging for good; what it cost is counted
                    log.exception("syslog_decode_failed", messages=len(batch.messages))
                    for account, number in Counter(batch.accounts).items():
                        account.book.error("defect", "could not be decoded", count=number)
                finally:
                    self._queue.done(batch)
            elif self._stopping.is_set():
                return
            if time.monotonic() - saved > self._state_s:
                saved = time.monotonic()
                self._save()

    def _decode(self, batch: Batch) -> None:
        senders = [account.sender for account in batch.accounts]
        decoded = self._decoder.decode(batch.messages, batch.received_ns, senders, batch.source)
        for number, reason in decoded.notes:
            batch.accounts[number].book.error(reason)
        if not decoded.messages:
            return
        try:
            self._intake.put(LOGS, decoded.logs)
        except Unavailable:
            for account, number in Counter(batch.accounts[one] for one in decoded.messages).items():
                account.book.error("refused", "the store is too slow", count=number)
            return
        self._account(batch, decoded)
        if decoded.changes is not None:
            with contextlib.suppress(Unavailable):  # counted by the intake; the messages themselves are stored
                self._intake.put(CHANGES, decoded.changes)

    @staticmethod
    def _account(batch: Batch, decoded: Decoded) -> None:
        """Enter what came into the senders' books."""
        accounts = [batch.accounts[number] for number in decoded.messages]
        newest = dict(zip(accounts, zip(decoded.messages, decoded.hosts, strict=True), strict=True))
        now_ns = time.time_ns()
        for account, number in Counter(accounts).items():
            message, host = newest[account]
            lag_s = max(0.0, (now_ns - batch.received_ns[message]) / 1e9)
            account.book.came(number, messages=number, lag_s=lag_s)
            offset = account.sender.clock.offset_s
            if offset is not None:
                account.book.skew(offset)
            if host and host != account.host and not account.sender.is_relay and not account.is_shared:
                account.host = host
                account.book.rename(host)

    def _save(self) -> None:
        if self._state is not None:
            save_state(self._state, self._decoder.miner.state())


def load_state(path: Path) -> list[list[object]]:
    """Saved templates; none where there are none, or the file is damaged."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        log.warning("syslog_templates_unreadable", path=str(path))
        return []
    if not isinstance(document, dict) or document.get("version") != _STATE:
        return []
    templates = document.get("templates")
    return templates if isinstance(templates, list) else []


def save_state(path: Path, templates: list[list[object]]) -> None:
    """Write templates, replacing the file at once."""
    beside = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({"version": _STATE, "templates": templates}), encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        log.warning("syslog_templates_not_saved", path=str(path), reason=error.strerror)
