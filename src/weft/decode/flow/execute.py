"""The kernel that decodes sets into rows: whole columns where records have a fixed length, else record by record."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.columns import Matrices
from weft.decode.flow.counters import C_RECORDS
from weft.decode.flow.elements import Scratch
from weft.decode.flow.fields import O_FIELD, O_LENGTH, O_OFFSET, apply, load_uint
from weft.decode.flow.finish import Sampling, finish
from weft.decode.flow.messages import M_COUNT, M_EXPORTED, M_RECEIVED, M_RECORDS, M_SLOT
from weft.decode.flow.netflow5 import RECORD_SIZE, decode_v5
from weft.decode.flow.programs import (
    P_FIELDS,
    P_FIRST_FIELD,
    P_FIRST_OP,
    P_FLAGS,
    P_OPS,
    P_REVERSE_BYTES,
    P_REVERSE_FIRST_OP,
    P_REVERSE_FLAGS,
    P_REVERSE_OPS,
    P_REVERSE_PACKETS,
    P_SIZE,
    P_WALK,
    ProgramArrays,
)
from weft.decode.flow.reasons import Reason
from weft.decode.flow.sets import S_AT, S_END, S_MESSAGE, S_PROGRAM, S_TEMPLATE, WHOLE_V5
from weft.decode.kernels import be8, be16, kernel

SCRATCH_ROWS = len(Scratch)
_COUNT_MISMATCH, _TOO_MANY = int(Reason.COUNT_MISMATCH), int(Reason.TOO_MANY_RECORDS)
_TRUNCATED = int(Reason.RECORD_TRUNCATED)
_MAX_PADDING = 3


@kernel
def most_rows(info: NDArray[np.int64], sets: NDArray[np.int64], programs: NDArray[np.int64], limit: int) -> int:
    """Upper bound of the rows that ``sets`` give, at most ``limit`` records (twice that many rows) per set."""
    total = 0
    for i in range(len(sets)):
        size = sets[i, S_END] - sets[i, S_AT]
        if sets[i, S_TEMPLATE] == WHOLE_V5:
            total += min(info[sets[i, S_MESSAGE], M_COUNT], size // RECORD_SIZE, limit)
        elif sets[i, S_TEMPLATE] >= 0:
            program = programs[sets[i, S_PROGRAM]]
            records = min(size // program[P_SIZE], limit)
            total += 2 * records if program[P_REVERSE_OPS] else records
    return total


@kernel
def _locate(data: NDArray[np.uint8], at: int, end: int, lengths: NDArray[np.int64], places: NDArray[np.int64]) -> int:
    """Offset and length of every field of the record at ``at``; returns where it ends, -1 if beyond ``end``."""
    for i in range(len(lengths)):
        length = lengths[i]
        if length < 0:
            if at >= end:
                return -1
            length = be8(data, at)
            at += 1
            if length == 255:
                if at + 2 > end:
                    return -1
                length = be16(data, at)
                at += 2
        if at + length > end:
            return -1
        places[i, 0], places[i, 1] = at, length
        at += length
    return at


@kernel
def locate(
    data: NDArray[np.uint8], at: int, end: int, lengths: NDArray[np.int64], size: int, places: NDArray[np.int64]
) -> int:
    """Places of the fields of all records between ``at`` and ``end`` (as many as fit in ``places``).

    Returns how many records there are; -1 - that number when another one is broken off by the end.
    """
    count = 0
    spare = np.zeros((len(lengths), 2), np.int64)
    while end - at >= size and not _is_padding(data, at, end):
        at = _locate(data, at, end, lengths, places[count] if count < len(places) else spare)
        if at < 0:
            return -1 - count
        count += 1
    return count


@kernel
def _is_padding(data: NDArray[np.uint8], at: int, end: int) -> bool:
    if end - at > _MAX_PADDING:
        return False
    for i in range(at, end):
        if be8(data, i):
            return False
    return True


@kernel
def _has_reverse(data: NDArray[np.uint8], program: NDArray[np.int64], places: NDArray[np.int64]) -> bool:
    """The counters of the other direction are not all zero."""
    for field in (program[P_REVERSE_BYTES], program[P_REVERSE_PACKETS]):
        if field >= 0 and load_uint(data, places[field, 0], places[field, 1]) != np.uint64(0):
            return True
    return False


@kernel
def _walk(
    data: NDArray[np.uint8],
    head: NDArray[np.int64],
    exporter: NDArray[np.uint64],
    at: int,
    end: int,
    number: int,
    code: ProgramArrays,
    m: Matrices,
    first: int,
    s: Sampling,
    counters: NDArray[np.int64],
    errors: NDArray[np.int64],
    scratch: NDArray[np.uint64],
    places: NDArray[np.int64],
    limit: int,
) -> tuple[int, int]:
    """Records one by one: variable lengths, two directions, sampled frames. Returns (records, rows)."""
    program, slot = code.programs[number], head[M_SLOT]
    fields = code.lengths[program[P_FIRST_FIELD] : program[P_FIRST_FIELD] + program[P_FIELDS]]
    base = head[M_EXPORTED] or head[M_RECEIVED]
    records, r = 0, first
    while end - at >= program[P_SIZE] and not _is_padding(data, at, end):
        if records >= limit:
            errors[_TOO_MANY] += 1
            break
        stop = _locate(data, at, end, fields, places)
        if stop < 0:
            errors[_TRUNCATED] += 1
            break
        at = stop
        records += 1
        for k in range(program[P_FIRST_OP], program[P_FIRST_OP] + program[P_OPS]):
            op = code.ops[k]
            place = places[op[O_FIELD]]
            apply(data, m, op, place[0], place[1], 0, 1, r, scratch, head, base)
        finish(m, s, head, exporter, slot, counters, program[P_FLAGS], code.present[number, 0], scratch, r, 1)
        r += 1
        if program[P_REVERSE_OPS] and _has_reverse(data, program, places):
            for k in range(program[P_REVERSE_FIRST_OP], program[P_REVERSE_FIRST_OP] + program[P_REVERSE_OPS]):
                op = code.ops[k]
                place = places[op[O_FIELD]]
                apply(data, m, op, place[0], place[1], 0, 1, r, scratch, head, base)
            flags, present = program[P_REVERSE_FLAGS], code.present[number, 1]
            finish(m, s, head, exporter, slot, counters, flags, present, scratch, r, 1)
            r += 1
    return records, r - first


@kernel
def execute(
    data: NDArray[np.uint8],
    info: NDArray[np.int64],
    exporter: NDArray[np.uint64],
    sets: NDArray[np.int64],
    code: ProgramArrays,
    m: Matrices,
    first: int,
    s: Sampling,
    counters: NDArray[np.int64],
    errors: NDArray[np.int64],
    template_records: NDArray[np.int64],
    scratch: NDArray[np.uint64],
    places: NDArray[np.int64],
    limit: int,
) -> int:
    """Decode ``sets`` into rows from ``first`` on; returns how many rows. ``m`` must have room for ``most_rows``."""
    r, message, left = first, -1, 0
    for i in range(len(sets)):
        at, end, template = sets[i, S_AT], sets[i, S_END], sets[i, S_TEMPLATE]
        if template < 0 and template != WHOLE_V5:
            continue
        if sets[i, S_MESSAGE] != message:
            message, left = sets[i, S_MESSAGE], limit
        head = info[message]
        slot = head[M_SLOT]
        if template == WHOLE_V5:
            records = min(head[M_COUNT], (end - at) // RECORD_SIZE)
            if records < head[M_COUNT]:
                errors[slot, _COUNT_MISMATCH] += 1
            records = min(records, limit)
            if records:
                decode_v5(data, at, records, m, r, head, exporter[message], s, slot, counters[slot])
            rows = records
        elif code.programs[sets[i, S_PROGRAM], P_WALK]:
            records, rows = _walk(
                data, head, exporter[message], at, end, sets[i, S_PROGRAM], code, m, r, s, counters[slot], errors[slot],
                scratch, places, left,
            )  # fmt: skip
        else:
            program = code.programs[sets[i, S_PROGRAM]]
            size = program[P_SIZE]
            records = (end - at) // size
            if records > left:
                errors[slot, _TOO_MANY] += 1
                records = left
            rows = records
            if rows:
                base = head[M_EXPORTED] or head[M_RECEIVED]
                for k in range(program[P_FIRST_OP], program[P_FIRST_OP] + program[P_OPS]):
                    op = code.ops[k]
                    apply(data, m, op, at + op[O_OFFSET], op[O_LENGTH], size, rows, r, scratch, head, base)
                present = code.present[sets[i, S_PROGRAM], 0]
                finish(m, s, head, exporter[message], slot, counters[slot], program[P_FLAGS], present, scratch, r, rows)
        left -= records
        r += rows
        head[M_RECORDS] += records
        counters[slot, C_RECORDS] += rows
        if template >= 0:
            template_records[template] += records
    return r - first
