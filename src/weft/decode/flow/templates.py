"""Templates of all streams: announced, refreshed, redefined, expired; what each is compiled to and how much it is used.

The key is (stream, template id): a stream is one exporter, protocol and observation domain, whatever its UDP source
port (RFC 7011 §8: ids are unique per domain; exporters change their port).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.hashing import IntMap
from weft.decode.flow.limits import DecodeLimits
from weft.decode.flow.messages import IPFIX, V9
from weft.decode.flow.programs import VARIABLE, Field, ProgramTable, unknown_fields
from weft.decode.flow.reasons import Reason
from weft.decode.flow.sets import FIRST_DATA_ID, digest, template_key


@dataclass(frozen=True, slots=True)
class Template:
    """One template or options template as announced."""

    slot: int
    kind: int  # flow type: v9 or IPFIX
    number: int
    fields: tuple[Field, ...]  # scope fields first
    scopes: int = 0  # how many of them are scope fields
    options: bool = False

    @property
    def size(self) -> int:
        """Bytes of a record; the least if it has variable-length fields."""
        return sum(1 if f.length == VARIABLE else f.length for f in self.fields)


class TemplateTable:
    """Live templates in arrays for kernels and objects for Python, by index."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self.index = IntMap(4096)
        self.programs = ProgramTable()
        self.templates: list[Template | None] = []
        self._free: list[int] = []
        self._per_stream: Counter[int] = Counter()
        self.program = np.zeros(256, np.int64)
        self.digests = np.zeros(256, np.uint64)
        self.seen = np.zeros(256, np.int64)
        self.records = np.zeros(256, np.int64)
        self.is_options = np.zeros(256, np.bool_)

    def index_of(self, slot: int, number: int) -> int:
        """Index of the template of a stream by its id, or -1."""
        return self.index.get(int(template_key(slot, number)))

    def find(self, slot: int, number: int) -> Template | None:
        """The template of a stream by its id."""
        index = self.index_of(slot, number)
        return self.templates[index] if index >= 0 else None

    def count(self, slot: int) -> int:
        """Live templates of a stream."""
        return self._per_stream[slot]

    def live(self) -> list[tuple[int, Template]]:
        """All templates with their indices."""
        return [(i, t) for i, t in enumerate(self.templates) if t is not None]

    def define(self, template: Template, fingerprint: int, now_ns: int) -> tuple[int, int] | Reason:
        """Add or replace a template at once (RFC 7011 §8.4): (its index, the index it replaces or -1), or why not.

        A replaced template keeps its index until it is dropped, for sets already bound to it.
        """
        key = int(template_key(template.slot, template.number))
        before = self.index.get(key)
        known = self.templates[before] if before >= 0 else None
        if known == template:
            self.digests[before], self.seen[before] = fingerprint, max(int(self.seen[before]), now_ns)
            return before, -1
        too_many = self._per_stream[template.slot] >= self._limits.max_templates_per_stream
        if known is None and (too_many or len(self.templates) - len(self._free) >= self._limits.max_templates):
            return Reason.TOO_MANY_TEMPLATES
        index = self._new_index()
        self.index.put(key, index)
        self._per_stream[template.slot] += 1
        self.templates[index] = template
        self.program[index] = self.programs.add(template.kind, template.fields, template.options)
        self.digests[index] = fingerprint
        self.seen[index] = now_ns
        self.is_options[index] = template.options
        return index, before

    def unknown(self, index: int) -> dict[str, int]:
        """Unknown fields of a template → records that carried them."""
        template = self.templates[index]
        count = int(self.records[index])
        if template is None or not count:
            return {}
        return dict.fromkeys(unknown_fields(template.fields), count)

    def drop(self, doomed: NDArray[np.int64]) -> None:
        """Forget templates by index."""
        for index in doomed:
            template = self.templates[index]
            if template is not None:
                self._per_stream[template.slot] -= 1
                self.templates[index] = None
                self._free.append(int(index))
                self.seen[index] = self.records[index] = 0
        gone = (self.index.entries[:, 0] != 0) & np.isin(self.index.entries[:, 1], doomed)
        if gone.any():
            self.index.keep(~gone)

    def expired(self, now_ns: int) -> NDArray[np.int64]:
        """Indices of templates not announced within their lifetime."""
        oldest = now_ns - int(self._limits.template_seconds * 1e9)
        return np.array([i for i, _ in self.live() if 0 < self.seen[i] < oldest], np.int64)

    def of_streams(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Indices of the templates of some streams."""
        wanted = {int(slot) for slot in slots}
        return np.array([i for i, t in self.live() if t.slot in wanted], np.int64)

    def compact(self) -> None:
        """Drop programs that no template uses any more, once they are the larger part. Not while sets are bound."""
        live = self.live()
        if len(self.programs) <= 2 * len(live) + 1024:
            return
        self.programs = ProgramTable()
        for index, template in live:
            self.program[index] = self.programs.add(template.kind, template.fields, template.options)

    def _new_index(self) -> int:
        if self._free:
            return self._free.pop()
        index = len(self.templates)
        self.templates.append(None)
        if index == len(self.program):
            for name in ("program", "digests", "seen", "records", "is_options"):
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.zeros_like(old)]))
        return index


@dataclass(slots=True)
class Parsed:
    """One template record: the template, or why it is none; the withdrawal of one has neither."""

    template: Template | None
    fingerprint: int
    end: int
    reason: Reason | None = None


def parse_templates(
    data: NDArray[np.uint8], at: int, end: int, slot: int, kind: int, options: bool, max_fields: int
) -> list[Parsed]:
    """Every template record of a set. A bad one does not keep those after it from being read where its end is known."""
    found: list[Parsed] = []
    body = data[at:end].tobytes()
    position = 0
    while len(body) - position >= 4 and any(body[position : position + 4]):
        parsed = _parse_one(body, position, slot, kind, options, max_fields)
        if parsed.template is not None:
            parsed.fingerprint = int(digest(data, at + position, at + parsed.end))
        found.append(parsed)
        if parsed.end <= position:
            break
        position = parsed.end
    return found


def _u16(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 2])


def _parse_one(body: bytes, at: int, slot: int, kind: int, options: bool, max_fields: int) -> Parsed:
    number, count = _u16(body, at), _u16(body, at + 2)
    if kind == IPFIX and count == 0:
        return Parsed(None, 0, at + 4, Reason.WITHDRAWAL_IGNORED)
    head = 6 if options else 4
    if len(body) - at < head:
        return Parsed(None, 0, -1, Reason.TEMPLATE_TRUNCATED)
    scopes = octets = 0
    if options and kind == V9:  # here both are lengths in bytes, not counts of fields
        octets = count + _u16(body, at + 4)
        scopes, count = count // 4, octets // 4
    elif options:
        scopes = _u16(body, at + 4)
    fields, position = _parse_fields(body, at + head, count, kind)
    if fields is None:
        return Parsed(None, 0, -1, Reason.TEMPLATE_TRUNCATED)
    if options and kind == V9:
        position = min(at + head + octets, len(body))
    template = Template(slot, kind, number, fields, scopes, options)
    reason = None
    if number < FIRST_DATA_ID:
        reason = Reason.TEMPLATE_BAD_ID
    elif len(fields) > max_fields:
        reason = Reason.TEMPLATE_TOO_LARGE
    elif template.size == 0 or scopes > len(fields):
        reason = Reason.TEMPLATE_EMPTY
    return Parsed(template if reason is None else None, 0, position, reason)


def _parse_fields(body: bytes, at: int, count: int, kind: int) -> tuple[tuple[Field, ...] | None, int]:
    fields = []
    for _ in range(count):
        if at + 4 > len(body):
            return None, at
        element, length = _u16(body, at), _u16(body, at + 2)
        at += 4
        pen = 0
        if kind == IPFIX and element & 0x8000:
            if at + 4 > len(body):
                return None, at
            element, pen = element & 0x7FFF, int.from_bytes(body[at : at + 4])
            at += 4
        fields.append(Field(pen, element, length))
    return tuple(fields), at
