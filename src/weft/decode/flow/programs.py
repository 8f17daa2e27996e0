"""Templates compiled to programs: which bytes of a record go where, as rows of numbers that one kernel runs.

Equal templates of different exporters share one program. A program never changes: a redefined template gets another
one, so sets that came before the redefinition keep theirs.

Rules for fields that feed the same column: ``elements`` lists them in order of preference. A field that occurs twice
feeds its column the first time only (RFC 7011 §8: the order counts, the outermost comes first); the others are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow import finish
from weft.decode.flow.columns import SLOTS
from weft.decode.flow.elements import (
    COLUMN_SOURCES,
    ICMP_COMBINED,
    ICMP_PARTS,
    ONE_WAY,
    RELATIVE,
    RESPONDER,
    REVERSE_PEN,
    SCRATCH_SOURCES,
    SECTIONS,
    SWAPPED,
    Op,
    Scratch,
    Source,
    When,
    is_known,
)
from weft.decode.flow.fields import O_COLUMNS, O_OP
from weft.decode.flow.messages import IPFIX
from weft.model.flows import PRESENT_BIT

VARIABLE = 65535

#: Columns of ``Programs.programs``.
(
    P_FIRST_OP,
    P_OPS,
    P_SIZE,  # bytes of a record; the least for templates with variable-length fields
    P_WALK,  # records must be taken one by one
    P_FIRST_FIELD,
    P_FIELDS,
    P_FLAGS,
    P_REVERSE_FIRST_OP,
    P_REVERSE_OPS,  # 0 = the template has no other direction
    P_REVERSE_FLAGS,
    P_REVERSE_BYTES,  # field of the reverse counter, -1 = none
    P_REVERSE_PACKETS,
    P_OPTIONS,  # an options template: its records are read by ``options``
) = range(13)
P_COLUMNS = 13


class Field(NamedTuple):
    """One field specifier of a template."""

    pen: int
    element: int
    length: int  # 65535 = variable


@dataclass(slots=True)
class _Direction:
    """Operations of one direction while they are put together."""

    ops: list[list[int]] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    flags: int = 0


#: Flags that a column's or scratch value's presence sets.
_COLUMN_FLAGS = {
    "time_start": finish.F_START,
    "time_end": finish.F_END,
    "direction": finish.F_DIRECTION,
    "icmp_type_code": finish.F_ICMP,
    "bytes": finish.F_BYTES,
    "packets": finish.F_PACKETS,
    "dst_port": finish.F_DST_PORT,
    "protocol": finish.F_PROTOCOL,
}
_SCRATCH_FLAGS = {
    Scratch.SAMPLER: finish.F_SAMPLER,
    Scratch.RATE: finish.F_RATE,
    Scratch.INTERVAL: finish.F_SPACING,
    Scratch.POPULATION: finish.F_POPULATION,
    Scratch.INIT_MS: finish.F_INIT,
    Scratch.DURATION_US: finish.F_DURATION_US,
    Scratch.DURATION_MS: finish.F_DURATION_MS,
    Scratch.RELATIVE_START: finish.F_RELATIVE_START,
    Scratch.RELATIVE_END: finish.F_RELATIVE_END,
}
_FIXED_LENGTHS = {Op.ADDR4: (4,), Op.ADDR6: (16,), Op.NTP_MICRO: (8,), Op.NTP_NANO: (8,)}


def unknown_fields(fields: tuple[Field, ...]) -> tuple[str, ...]:
    """``pen/id`` of the fields that no table of ours names."""
    return tuple(f"{f.pen}/{f.element}" for f in fields if not is_known(f.pen, f.element))


class _Compiler:
    """Turns the fields of one template into operations."""

    def __init__(self, kind: int, fields: tuple[Field, ...]) -> None:
        self._ipfix = kind == IPFIX
        self._fields = fields
        self._index: dict[tuple[int, int], int] = {}
        self._offsets: list[int] = []
        at = 0
        for i, f in enumerate(fields):
            self._offsets.append(at)
            at += 1 if f.length == VARIABLE else f.length
            if f.length:
                self._index.setdefault((f.pen, f.element), i)
        self.size = at
        self.walk = any(f.length == VARIABLE for f in fields)

    def forward(self) -> _Direction:
        """The record as it is."""
        out = _Direction()
        self._sections(out)
        self._scratch(out)
        for column, sources in COLUMN_SOURCES.items():
            self._column(out, column, sources)
        self._icmp(out, 0)
        if out.flags & finish.F_FRAME:
            out.columns |= {"bytes", "packets"}  # one packet, as long as 312 or the section says
        if out.flags & (finish.F_DURATION_MS | finish.F_DURATION_US) and out.columns & {"time_start", "time_end"}:
            out.columns |= {"time_start", "time_end"}
        return out

    def reverse(self) -> tuple[_Direction, dict[str, int]] | None:
        """The other direction, and the fields of its counters; None if the record has only one direction.

        Either the reverse elements of RFC 5103, or responder counters where no delta counter says otherwise.
        """
        reversed_by_pen = any(f.pen == REVERSE_PEN for f in self._fields)
        responder = (0, 232) in self._index and not {(0, 1), (0, 85)} & self._index.keys()
        responder |= (0, 299) in self._index and not {(0, 2), (0, 86)} & self._index.keys()
        if not (reversed_by_pen or responder):
            return None
        out, counters = _Direction(), dict[str, int]()
        self._scratch(out)
        for column, sources in COLUMN_SOURCES.items():
            if column in ("bytes", "packets"):
                other = [*(s.element for s in sources)] if reversed_by_pen else []
                found = [self._index.get((REVERSE_PEN, e)) for e in other] + [self._index.get((0, RESPONDER[column]))]
                first = next((i for i in found if i is not None), None)
                if first is not None:
                    counters[column] = first
                    self._emit(out, column, Source(0, Op.UINT), first, if_zero=False)
                continue
            back = tuple(Source(s.element, s.op, s.when, REVERSE_PEN) for s in sources if s.pen == 0)
            before = len(out.ops)
            self._column(out, column, back)
            if len(out.ops) == before and column not in ONE_WAY:
                self._column(out, column, COLUMN_SOURCES[SWAPPED.get(column, column)])
        self._icmp(out, REVERSE_PEN)
        return (out, counters) if counters else None

    def _column(self, out: _Direction, column: str, sources: tuple[Source, ...]) -> None:
        """Operations for one column from the sources that the template carries."""
        done = False
        for source in sources:
            index = self._index.get((source.pen, source.element))
            if index is None or (done and source.when is When.FIRST) or not self._fits(source.op, index):
                continue
            if self._ipfix and source.op is Op.UPTIME:
                self._emit_scratch(out, RELATIVE[source.element], index)
                out.columns.add(column)
                self._emit(out, column, Source(0, Op.ZERO), index, if_zero=False)
            else:
                self._emit(out, column, source, index, if_zero=done)
            done = True

    def _fits(self, op: Op, index: int) -> bool:
        length = self._fields[index].length
        if length == VARIABLE:
            return True
        return length in _FIXED_LENGTHS[op] if op in _FIXED_LENGTHS else length <= 8

    def _emit(self, out: _Direction, column: str, source: Source, index: int, *, if_zero: bool) -> None:
        place = SLOTS[column]
        out.ops.append([*self._where(index), int(source.op), place.width, place.column, int(if_zero), 0])
        out.columns.add(column)
        out.flags |= _COLUMN_FLAGS.get(column, 0)
        if source.op is Op.SEGMENT:
            out.columns.add("encapsulation")

    def _emit_scratch(self, out: _Direction, scratch: Scratch, index: int) -> None:
        out.ops.append([*self._where(index), int(Op.SCRATCH), 0, int(scratch), 0, 0])
        out.flags |= _SCRATCH_FLAGS.get(scratch, 0)

    def _where(self, index: int) -> list[int]:
        length = self._fields[index].length
        return [self._offsets[index], index, -1 if length == VARIABLE else length]

    def _scratch(self, out: _Direction) -> None:
        present = {}
        for scratch, elements in SCRATCH_SOURCES.items():
            found = [self._index[0, e] for e in elements if (0, e) in self._index]
            if found:
                present[scratch] = found[0]
        for first, second in ((Scratch.INTERVAL, Scratch.SPACE), (Scratch.SIZE, Scratch.POPULATION)):
            if first not in present or second not in present:
                present.pop(first, None)
                present.pop(second, None)
        for scratch, index in present.items():
            self._emit_scratch(out, scratch, index)

    def _icmp(self, out: _Direction, pen: int) -> None:
        combined = next((self._index[pen, e] for e in ICMP_COMBINED if (pen, e) in self._index), None)
        parts = [(s, self._index[pen, s.element]) for s in ICMP_PARTS if (pen, s.element) in self._index]
        if combined is not None:
            self._emit(out, "icmp_type_code", Source(0, Op.UINT), combined, if_zero=False)
            second = [self._index[pen, e] for e in ICMP_COMBINED if (pen, e) in self._index][1:]
            for index in second:
                self._emit(out, "icmp_type_code", Source(0, Op.UINT), index, if_zero=True)
        elif parts:
            self._emit(out, "icmp_type_code", Source(0, Op.ZERO), parts[0][1], if_zero=False)
            for source, index in parts:
                self._emit(out, "icmp_type_code", source, index, if_zero=False)

    def _sections(self, out: _Direction) -> None:
        """Sampled frames come first: what the template says itself then overrides what the frame says."""
        for source in SECTIONS:
            index = self._index.get((0, source.element))
            if index is not None:
                out.ops.append([*self._where(index), int(source.op), 0, 0, 0, 0])
                out.flags |= finish.F_FRAME
                self.walk = True
                return


class ProgramArrays(NamedTuple):
    """Programs as kernels see them."""

    programs: NDArray[np.int64]  # [n, P_COLUMNS]
    present: NDArray[np.int64]  # [n, 2] columns carried, forward and reverse
    ops: NDArray[np.int64]  # [n, O_COLUMNS]
    lengths: NDArray[np.int64]  # [n] field lengths in template order, -1 = variable


class ProgramTable:
    """All programs in use, deduplicated by layout."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, bool, tuple[Field, ...]], int] = {}
        self._rows: list[list[int]] = []
        self._present: list[list[int]] = []
        self._ops: list[list[int]] = []
        self._lengths: list[int] = []
        self._arrays: ProgramArrays | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, kind: int, fields: tuple[Field, ...], options: bool) -> int:
        """Index of the program for a layout, compiled if it is new."""
        key = (kind, options, fields)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self._rows)
            self._compile(kind, fields, options)
            self._arrays = None
        return found

    def arrays(self) -> ProgramArrays:
        """The programs for a kernel call."""
        if self._arrays is None:
            self._arrays = ProgramArrays(
                np.array(self._rows, np.int64).reshape(-1, P_COLUMNS),
                np.array(self._present, np.int64).reshape(-1, 2),
                np.array(self._ops, np.int64).reshape(-1, O_COLUMNS),
                np.array(self._lengths, np.int64),
            )
        return self._arrays

    def _compile(self, kind: int, fields: tuple[Field, ...], options: bool) -> None:
        compiler = _Compiler(kind, fields)
        forward = _Direction() if options else compiler.forward()
        other = None if options else compiler.reverse()
        reverse, counters = other or (_Direction(), {})
        row = [0] * P_COLUMNS
        row[P_FIRST_OP], row[P_OPS] = self._put(forward)
        row[P_REVERSE_FIRST_OP], row[P_REVERSE_OPS] = self._put(reverse)
        row[P_SIZE], row[P_WALK] = compiler.size, int(compiler.walk or other is not None)
        row[P_FIRST_FIELD], row[P_FIELDS] = len(self._lengths), len(fields)
        row[P_FLAGS], row[P_REVERSE_FLAGS] = forward.flags, reverse.flags
        row[P_REVERSE_BYTES] = counters.get("bytes", -1)
        row[P_REVERSE_PACKETS] = counters.get("packets", -1)
        row[P_OPTIONS] = int(options)
        self._lengths.extend(-1 if f.length == VARIABLE else f.length for f in fields)
        self._rows.append(row)
        self._present.append([_mask(forward.columns), _mask(reverse.columns)])

    def _put(self, direction: _Direction) -> tuple[int, int]:
        first = len(self._ops)
        self._ops.extend(_ordered(direction.ops))
        return first, len(direction.ops)


def _ordered(ops: list[list[int]]) -> Iterator[list[int]]:
    """Frames first, the rest in the order given."""
    yield from (op for op in ops if op[O_OP] in (Op.FRAME, Op.PACKET))
    yield from (op for op in ops if op[O_OP] not in (Op.FRAME, Op.PACKET))


def _mask(columns: set[str]) -> int:
    return sum(1 << PRESENT_BIT[name] for name in columns)
