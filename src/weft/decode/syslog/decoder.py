"""Messages as they came to rows of the ``logs`` table: header, stamp, rule, template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from weft.decode.syslog.clock import SenderClock, Tolerances, resolve
from weft.decode.syslog.drain import Template, TemplateMiner
from weft.decode.syslog.header import HeaderReader
from weft.decode.syslog.masking import masked, masked_hashes
from weft.decode.syslog.names import Header
from weft.decode.syslog.structured import clock_mark
from weft.decode.syslog.table import Found, RuleTable, joined
from weft.model.addresses import NO_ADDRESS
from weft.model.changes import CHANGE_KINDS, CHANGES
from weft.model.logs import LOGS
from weft.model.rows import batch_of

_CONFIG = next(number for number, name in CHANGE_KINDS.items() if name == "config")
_MOST_HASHES = 200_000
_MOST_HOSTS = 4096
_LONGEST_WORD = 255
_CONTROL = dict.fromkeys((*range(9), *range(11, 32), 127), " ")  # HT and LF stay


@dataclass(slots=True)
class Sender:
    """Who sends: its address (16 bytes), its clock; behind a relay every host has a clock of its own.

    A relay's rows have no address: the name that the message gives says which device it is of.
    """

    address: bytes = NO_ADDRESS
    clock: SenderClock = field(default_factory=SenderClock)
    is_relay: bool = False
    hosts: dict[str, SenderClock] = field(default_factory=dict)

    def clock_of(self, host: str) -> SenderClock:
        """The clock that a message's stamp was read from."""
        if not self.is_relay:
            return self.clock
        clock = self.hosts.get(host)
        if clock is None:
            if len(self.hosts) >= _MOST_HOSTS:
                self.hosts.clear()
            clock = self.hosts[host] = SenderClock(self.clock.zone, is_live=self.clock.is_live)
        return clock


@dataclass(slots=True)
class Decoded:
    """What a batch gave.

    ``messages`` and ``hosts``: for each row, the number of its message and the name that it gives; ``notes``: number of
    a message and what was odd about it.
    """

    logs: pa.RecordBatch
    changes: pa.RecordBatch | None
    messages: list[int]
    hosts: list[str]
    notes: list[tuple[int, str]]


class SyslogDecoder:
    """Decodes batches. Not for several threads at once."""

    def __init__(
        self, rules: RuleTable, miner: TemplateMiner | None = None, tolerances: Tolerances | None = None
    ) -> None:
        self._rules = rules
        self._tolerances = tolerances or Tolerances()
        self._headers = HeaderReader()
        self.miner = miner if miner is not None else TemplateMiner()
        self._templates: dict[int, Template] = {}

    def decode(
        self, messages: Sequence[bytes], received_ns: Sequence[int], senders: Sequence[Sender], source: int
    ) -> Decoded:
        """Rows of the messages that say anything. ``source``: how they came (``model.logs.LOG_SOURCES``)."""
        rows = _Rows()
        for number, message in enumerate(messages):
            text = _text(number, message, rows.notes)
            if text:
                self._row(rows, number, text, received_ns[number], senders[number])
        return Decoded(rows.logs(source, self._mine(rows.texts)), rows.changes(), rows.numbers, rows.hosts, rows.notes)

    def read(self, text: str, received_ns: int) -> tuple[Header, Found | None]:
        """How one message is understood, for explaining it."""
        header = self._headers.read(text, received_ns // 1_000_000_000)
        return header, self._rules.match(header.program, header.message_id, text, header.at)

    def template(self, text: str) -> str:
        """The template of one text, mined now."""
        return self.miner.mine(masked(text.encode("utf-8", "replace"))).text

    def _row(self, rows: _Rows, number: int, text: str, received_ns: int, sender: Sender) -> None:
        header = self._headers.read(text, received_ns // 1_000_000_000)
        program, message_id, at = header.program, header.message_id, header.at
        found = self._rules.match(program, message_id, text, at)
        data = header.data
        mark = header.mark if data is None else clock_mark(data) or header.mark
        clock = sender.clock if not sender.is_relay else sender.clock_of(header.host)
        time_ns, device_ns, worth = resolve(header.stamp, mark, received_ns, clock, self._tolerances)
        process, severity = header.process_id, header.severity
        message = text[at:] if at else text
        event = component = fields = ""
        if found is not None:
            rule = found.rule
            event, component = rule.event, found.component
            if rule.fields or data:
                read: dict[str, Any] = found.fields()
                if data:
                    read["sd"] = data
                fields = orjson.dumps(read).decode()
            if rule.severity is not None:
                severity = rule.severity
            if rule.process:
                process = found.process
            if rule.change is not None:
                rows.change(found, header, time_ns, received_ns, sender, message)
        elif data:
            fields = orjson.dumps({"sd": data}).decode()
        if not message and data:
            message = text[text.find("[") :]  # a message that is nothing but structured data
        host = header.host
        if len(text) > _LONGEST_WORD:
            host, program, process, message_id, component = (
                word[:_LONGEST_WORD] for word in (host, program, process, message_id, component)
            )
        rows.add((
            number, time_ns, received_ns, device_ns, worth, NO_ADDRESS if sender.is_relay else sender.address, host,
            header.facility, severity, program, process, message_id, event, component, fields, message,
        ))  # fmt: skip

    def _mine(self, texts: list[str]) -> list[str]:
        """The template of every text; equal masked texts are looked up, not mined."""
        if not texts:
            return []
        encoded = [text.encode() for text in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        end = np.cumsum(lengths)
        data = np.frombuffer(b"".join(encoded) or b"\0", np.uint8)
        keys = masked_hashes(data, end - lengths, end).tolist()
        known, miner, out = self._templates, self.miner, []
        for number, key in enumerate(keys):
            template = known.get(key)
            if template is None or not template.is_alive:
                if len(known) >= _MOST_HASHES:
                    known.clear()
                template = known[key] = miner.mine(masked(encoded[number]))
            else:
                miner.met(template)
            out.append(template.text)
        return out


def readable(message: bytes) -> str:
    """A message as text without control characters."""
    return _text(0, message, [])


def _text(number: int, message: bytes, notes: list[tuple[int, str]]) -> str:
    """A message as text without control characters; what is not UTF-8 is read as Latin-1 and noted."""
    try:
        text = message.decode()
    except UnicodeDecodeError:
        notes.append((number, "not_utf8"))
        text = message.decode("latin-1")
    if not text.isprintable():
        text = text.translate(_CONTROL).rstrip()
    if not text:
        notes.append((number, "empty"))
    return text


#: A row but for its template: number of its message, then columns of ``logs``.
_Row = tuple[int, int, int, int, int, bytes, str, int, int, str, str, str, str, str, str, str]
_COLUMNS = (
    "time", "time_received", "time_device", "clock", "exporter", "host", "facility", "severity", "program",
    "process_id", "message_id", "event", "component", "fields", "message",
)  # fmt: skip


class _Rows:
    """Rows of one batch."""

    def __init__(self) -> None:
        self.notes: list[tuple[int, str]] = []
        self._rows: list[_Row] = []
        self.add = self._rows.append
        self._changes: list[tuple[int, int, bytes, str, str, str, str]] = []

    @property
    def numbers(self) -> list[int]:
        """Of each row, the number of its message."""
        return [row[0] for row in self._rows]

    @property
    def hosts(self) -> list[str]:
        """Of each row, the name that its message gives."""
        return [row[6] for row in self._rows]

    @property
    def texts(self) -> list[str]:
        """Of each row, the text of its message."""
        return [row[-1] for row in self._rows]

    def change(
        self, found: Found, header: Header, time_ns: int, received_ns: int, sender: Sender, message: str
    ) -> None:
        """A message that tells of a change of configuration."""
        change = found.rule.change
        assert change is not None
        address = NO_ADDRESS if sender.is_relay else sender.address
        title = joined(change.title, found.match) or found.rule.event.lower().replace("_", " ")
        author = joined(change.author, found.match)
        self._changes.append((time_ns, received_ns, address, header.host, author, title[:512], message))

    def logs(self, source: int, templates: list[str]) -> pa.RecordBatch:
        """Rows of ``logs``."""
        columns: dict[str, Any] = dict(zip(("", *_COLUMNS), zip(*self._rows, strict=True), strict=False))
        columns.pop("", None)
        for name in ("time", "time_received", "time_device"):
            columns[name] = np.array(columns.get(name, ()), np.int64)
        return batch_of(LOGS, len(self._rows), source=source, template=templates, **columns)

    def changes(self) -> pa.RecordBatch | None:
        """Rows of ``changes``, where there are any."""
        if not self._changes:
            return None
        time, received, exporter, host, author, title, detail = map(list, zip(*self._changes, strict=True))
        identity = [f"syslog:{h or e.hex()}:{t}:{x}" for h, e, t, x in zip(host, exporter, time, title, strict=True)]
        return batch_of(
            CHANGES, len(time), time=np.array(time, np.int64), time_received=np.array(received, np.int64),
            exporter=exporter, host=host, kind=_CONFIG, source="syslog", author=author, change_id=identity,
            title=title, detail=detail,
        )  # fmt: skip
