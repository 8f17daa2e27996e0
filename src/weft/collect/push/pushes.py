"""The entry points that the API's routes call: one per protocol. Safe to call from several threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from weft.collect.business.values import Recent, Value, ValuesTaken
from weft.collect.business.values import rows_of as business_rows
from weft.collect.gzipped import gunzip
from weft.collect.intake import Intake
from weft.collect.push.changes import ChangeReport, ChangesTaken, Remembered, rows_of
from weft.collect.push.config import PushConfig
from weft.collect.push.senders import Account, Room, Sender, Senders
from weft.decode.otlp import Exported, OtlpDecoder, decode_logs
from weft.decode.prometheus import RemoteWriteDecoder, read_rules
from weft.errors import InvalidInput, Unavailable
from weft.model.business import BUSINESS
from weft.model.changes import CHANGES
from weft.model.logs import LOGS
from weft.model.metrics import METRICS
from weft.model.tables import Table
from weft.rulefile import read_file

_REMEMBERED = "pushed-changes"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Written:
    """What was taken of a request: items that are kept or known to say nothing, and those refused, by reason."""

    items: int
    histograms: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def complaint(self) -> str:
        """What was wrong, in a line; empty where nothing was."""
        reasons = ", ".join(f"{reason}: {count}" for reason, count in sorted(self.refused.items()))
        return f"refused {sum(self.refused.values())} ({reasons})" if self.refused else ""


class Pushes:
    """Takes what is pushed. Inert until started; opens no socket of its own."""

    def __init__(self, config: PushConfig, intake: Intake, data_dir: Path | None = None) -> None:
        self.config = config
        self._intake = intake
        self._senders = Senders(intake, per_s=config.sender_values_per_s, expected_s=config.expected_s)
        self._room = Room(config.in_flight_bytes)
        self._remembered = Remembered(data_dir / _REMEMBERED if data_dir is not None else None)
        self._recent = Recent()
        self._prometheus: RemoteWriteDecoder | None = None
        self._otlp: OtlpDecoder | None = None

    def start(self) -> None:
        """Read the rules. Raises ``ConfigError``."""
        if not self.config.enabled:
            return
        rules = read_rules(read_file(path) for path in self.config.rules)
        self._remembered.load()
        self._otlp = OtlpDecoder(rules, resource_labels=self.config.resource_labels)
        self._prometheus = RemoteWriteDecoder(
            rules, most_series=self.config.most_series, most_bytes=self.config.max_decoded_bytes
        )

    def stop(self) -> None:
        """Take nothing more."""
        self._prometheus = self._otlp = None
        self._senders.close()

    def room(self, size: int) -> AbstractContextManager[None]:
        """Hold memory for a request of ``size`` bytes while it is received and read. Raises ``Unavailable``."""
        return self._room.taken(size)

    def remote_write(self, sender: Sender, body: bytes, *, version: int = 1) -> Written:
        """A request of Prometheus remote write 1 or 2. Raises ``InvalidInput``, ``Unavailable``, ``TooFast``."""
        decoder = self._ready(self._prometheus)
        account = self._senders.account("prometheus", sender)
        decoded = self._decoded(account, lambda: decoder.decode(body, time.time_ns(), version=version))
        self._senders.spend(account, decoded.samples + decoded.histograms)
        self._put(METRICS, decoded.rows, account)
        decoder.taken(decoded)
        skipped = dict(decoded.skipped)
        duplicates = skipped.pop("duplicate", 0)
        if duplicates:
            account.book.duplicate(duplicates)
        extra = {"native_histograms": decoded.histograms, "exemplars_left_out": decoded.exemplars}
        skipped |= {name: how_many for name, how_many in extra.items() if how_many}
        self._close(account, skipped, decoded.refused)
        return Written(
            decoded.samples - decoded.samples_refused, decoded.histograms - decoded.histograms_refused, decoded.refused
        )

    def otlp_metrics(self, sender: Sender, body: bytes, *, is_json: bool = False, gzipped: bool = False) -> Written:
        """An OTLP metrics export. Raises ``InvalidInput``, ``Unavailable``, ``TooFast``."""
        decoder = self._ready(self._otlp)

        def decode() -> Exported:
            return decoder.decode(self._plain(body, gzipped), time.time_ns(), is_json=is_json)

        return self._exported(METRICS, sender, decode)

    def otlp_logs(self, sender: Sender, body: bytes, *, is_json: bool = False, gzipped: bool = False) -> Written:
        """An OTLP logs export. Raises ``InvalidInput``, ``Unavailable``, ``TooFast``."""
        self._ready(self._otlp)

        def decode() -> Exported:
            return decode_logs(self._plain(body, gzipped), time.time_ns(), is_json=is_json)

        return self._exported(LOGS, sender, decode)

    def changes(self, sender: Sender, reports: Sequence[ChangeReport]) -> ChangesTaken:
        """Changes, each taken once. Raises ``Unavailable``, ``TooFast``."""
        self._ready(self._otlp)
        account = self._senders.account("changes", sender)
        self._senders.spend(account, len(reports))
        with self._remembered.lock:  # two reports of one change at the same time must not both be new
            new: dict[str, ChangeReport] = {}
            for one in reports:
                if not self._remembered.has(one.name):
                    new.setdefault(one.name, one)
            self._put(CHANGES, rows_of(list(new.values()), time.time_ns()), account)
            self._remembered.add(list(new))
        duplicates = len(reports) - len(new)
        if duplicates:
            account.book.duplicate(duplicates)
        return ChangesTaken(len(new), duplicates, tuple(one.name for one in reports))

    def business(self, sender: Sender, values: Sequence[Value]) -> ValuesTaken:
        """Values of business series, each taken once. Raises ``Unavailable``, ``TooFast``."""
        self._ready(self._otlp)
        account = self._senders.account("business", sender)
        self._senders.spend(account, len(values))
        with self._recent.lock:
            fresh = self._recent.fresh(values)
            self._put(BUSINESS, business_rows(fresh, "push", sender.token, time.time_ns()), account)
            self._recent.add(fresh)
        if len(fresh) < len(values):
            account.book.duplicate(len(values) - len(fresh))
        return ValuesTaken(len(fresh), len(values) - len(fresh))

    def _exported(self, table: Table, sender: Sender, decode: Callable[[], Exported]) -> Written:
        account = self._senders.account("otlp", sender)
        exported = self._decoded(account, decode)
        self._senders.spend(account, exported.items)
        self._put(table, exported.rows, account)
        self._close(account, exported.skipped, exported.refused)
        return Written(exported.items - sum(exported.refused.values()), refused=exported.refused)

    def _ready(self, decoder: _T | None) -> _T:
        if decoder is None:
            raise Unavailable("pushed telemetry is not taken here", where="push", fix="Set push.enabled: true.")
        return decoder

    def _decoded(self, account: Account, decode: Callable[[], _T]) -> _T:
        try:
            return decode()
        except InvalidInput as error:
            account.book.error("malformed", error.message)
            raise

    def _put(self, table: Table, rows: pa.RecordBatch, account: Account) -> None:
        self._intake.put(table, rows, account.book)

    def _close(self, account: Account, skipped: dict[str, int], refused: dict[str, int]) -> None:
        self._senders.note(account, skipped)
        for reason, how_many in refused.items():
            account.book.error(reason, f"values were refused: {reason}", count=how_many)

    def _plain(self, body: bytes, gzipped: bool) -> bytes:
        """The body without gzip, bounded."""
        return gunzip(body, self.config.max_decoded_bytes) if gzipped else body
