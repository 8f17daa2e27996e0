"""The keeper thread: names into the store's dictionaries, decoder state into the state store.

Both may be slow or away; neither may hold up the telemetry.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from weft.errors import Unavailable, WeftError
from weft.model.dictionaries import DICTIONARIES, Attribute, Dictionary
from weft.model.exporters import InterfaceFact, StreamStatus
from weft.store.telemetry import TelemetryStore

log = structlog.get_logger(__name__)

_BY_NAME = {dictionary.name: dictionary for dictionary in DICTIONARIES}
#: Rows that wait for a store that is away; beyond it the oldest go (they are learned again).
_MOST_ROWS = 1_000_000
_AGAIN_S = 3600.0

Row = Mapping[str, Any]


class DecoderStateStore(Protocol):
    """What the collector needs of the state store."""

    def save_decoder_state(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Replace what was saved before."""

    def load_decoder_state(self) -> Sequence[Mapping[str, Any]]:
        """What was saved last; empty when nothing was."""


class Names(Protocol):
    """What the collector needs of the enricher here."""

    def dictionary_rows(self) -> Mapping[str, Sequence[Row]]:
        """Rows that changed since the last call, by dictionary."""

    def learn(self, facts: Iterable[InterfaceFact]) -> None:
        """Take interface names from options data."""

    def saw(self, exporters: Iterable[str]) -> None:
        """Take note of exporters that send."""

    def user_columns(self, dictionary: str) -> Mapping[str, str]:
        """Attributes of a dictionary that the user added: name → meaning."""


class Keeper:
    """Does the slow chores once a second in a thread of its own."""

    def __init__(self, store: TelemetryStore, names: Names, save_state: Callable[[], None], state_s: float) -> None:
        self._store, self._names, self._save_state, self._state_s = store, names, save_state, state_s
        self._waiting: dict[str, dict[tuple[Any, ...], Row]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._exporters: dict[str, float] = {}  # when it was told of them, monotonic
        self.errors = 0
        self.last_error = ""

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="weft-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Do everything once more, then end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def learned(self, facts: Iterable[InterfaceFact]) -> None:
        """Interface names from options data."""
        self._names.learn(facts)

    def seen(self, streams: Iterable[StreamStatus]) -> None:
        """Exporters that send; each new one gets a dictionary row, and that they still do is told again hourly."""
        now, now_ns = time.monotonic(), time.time_ns()
        due = {
            stream.exporter for stream in streams
            if stream.exporter not in self._exporters
            or (now - self._exporters[stream.exporter] >= _AGAIN_S and now_ns - stream.last_seen_ns < _AGAIN_S * 1e9)
        }  # fmt: skip
        if due:
            self._exporters.update(dict.fromkeys(due, now))
            self._names.saw(due)

    def _add(self, dictionary: Dictionary, rows: Iterable[Row]) -> None:
        key = (*(name for name, _ in dictionary.key), "valid_from")
        with self._lock:
            waiting = self._waiting.setdefault(dictionary.name, {})
            for row in rows:
                waiting[tuple(row.get(part) for part in key)] = row
            while len(waiting) > _MOST_ROWS:
                waiting.pop(next(iter(waiting)))

    def _run(self) -> None:
        saved = time.monotonic()
        while True:
            last = self._stopping.wait(1.0)
            self._safely(self._write_names)
            if last or time.monotonic() - saved >= self._state_s:
                self._safely(self._save_state)
                saved = time.monotonic()
            if last:
                return

    def _safely(self, chore: Callable[[], None]) -> None:
        try:
            chore()
        except Unavailable as error:  # kept, and tried again in a second
            self._failed(error.message)
        except WeftError as error:
            self._failed(error.message)
            log.error("chore_failed", error=error.message)
        except Exception as error:
            self._failed(str(error))
            log.exception("chore_failed")

    def _failed(self, message: str) -> None:
        self.errors += 1
        self.last_error = message

    def _write_names(self) -> None:
        for name, rows in self._names.dictionary_rows().items():
            self._add(_BY_NAME[name], rows)
        for name in list(self._waiting):
            with self._lock:
                rows_now, self._waiting[name] = self._waiting[name], {}
            if not rows_now:
                continue
            try:
                self._make_room(_BY_NAME[name])
                self._store.upsert_dictionary(_BY_NAME[name], list(rows_now.values()))
            except Unavailable:
                with self._lock:
                    self._waiting[name] = rows_now | self._waiting[name]
                raise

    def _make_room(self, dictionary: Dictionary) -> None:
        """See that the store has the user's own columns before rows with them come."""
        columns = self._names.user_columns(dictionary.name) if dictionary.extensible else {}
        if columns:
            self._store.ensure_dictionary_columns(dictionary, [Attribute(n, meaning) for n, meaning in columns.items()])
