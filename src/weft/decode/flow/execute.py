"""The kernel that decodes sets into rows: whole columns where records have a fixed length, else record by record."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.cells import Target, constant
from weft.decode.flow.columns import Matrices
from weft.decode.flow.counters import C_COLUMNS, C_RECORDS
from weft.decode.flow.fields import (
    FRAME_OPS,
    O_COLUMN,
    O_FIELD,
    O_IF_ZERO,
    O_LENGTH,
    O_OFFSET,
    O_OP,
    O_WIDTH,
    Clock,
    Source,
    apply,
    load_uint,
    put_frame,
)
from weft.decode.flow.finish import R_COLUMNS, Message, Sampling, finish
from weft.decode.flow.messages import (
    M_COUNT,
    M_DATAGRAM,
    M_DOMAIN,
    M_EXPORTED,
    M_KIND,
    M_RECEIVED,
    M_RECORDS,
    M_SAMPLING,
    M_SLOT,
    M_UPTIME,
)
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
from weft.decode.kernels import inlined, kernel
from weft.decode.memory import address_of, get8, get16
from weft.decode.packet.cells import Cells, cells_of

_COUNT_MISMATCH, _TOO_MANY = int(Reason.COUNT_MISMATCH), int(Reason.TOO_MANY_RECORDS)
_TRUNCATED = int(Reason.RECORD_TRUNCATED)
_MAX_PADDING = 3
_NO_STRIDE, _ONE = constant(0), constant(1)


@kernel
def most_rows(info: NDArray[np.int64], sets: NDArray[np.int64], programs: NDArray[np.int64], limit: int) -> int:
    """Upper bound of the rows that ``sets`` give, at most ``limit`` records (twice that many rows) per set."""
    total = 0
    for i in range(len(sets)):
        size = sets[i, S_END] - sets[i, S_AT]
        if sets[i, S_TEMPLATE] == WHOLE_V5:
            total += min(info[sets[i, S_MESSAGE], M_COUNT], size // RECORD_SIZE, limit)
        elif sets[i, S_TEMPLATE] >= 0:
            number = sets[i, S_PROGRAM]
            records = min(size // programs[number, P_SIZE], limit)
            total += 2 * records if programs[number, P_REVERSE_OPS] else records
    return total


@kernel
def _locate(at: int, end: int, lengths: NDArray[np.int64], first: int, n: int, places: NDArray[np.int64]) -> int:
    """Address and length of every field of the record at ``at``; returns where it ends, -1 if beyond ``end``."""
    for i in range(n):
        length = lengths[first + i]
        if length < 0:
            if at >= end:
                return -1
            length = get8(at)
            at += 1
            if length == 255:
                if at + 2 > end:
                    return -1
                length = get16(at)
                at += 2
        if at + length > end:
            return -1
        places[i, 0], places[i, 1] = at, length
        at += length
    return at


@inlined
def _is_padding(at: int, end: int) -> bool:
    if end - at > _MAX_PADDING:
        return False
    for i in range(at, end):
        if get8(i):
            return False
    return True


@kernel
def locate(
    data: NDArray[np.uint8], at: int, end: int, lengths: NDArray[np.int64], size: int, places: NDArray[np.int64]
) -> int:
    """Offsets and lengths of the fields of all records between ``at`` and ``end`` (as many as fit in ``places``).

    Returns how many records there are; -1 - that number when another one is broken off by the end.
    """
    base, count = address_of(data), 0
    found = np.zeros((len(lengths), 2), np.int64)
    while end - at >= size and not _is_padding(base + at, base + end):
        stop = _locate(base + at, base + end, lengths, 0, len(lengths), found)
        if stop < 0:
            return -1 - count
        if count < len(places):
            for i in range(len(lengths)):
                places[count, i, 0], places[count, i, 1] = found[i, 0] - base, found[i, 1]
        at = stop - base
        count += 1
    return count


@inlined
def _has_reverse(code: ProgramArrays, number: int, places: NDArray[np.int64]) -> bool:
    """The counters of the other direction are not all zero."""
    octets, packets = code.programs[number, P_REVERSE_BYTES], code.programs[number, P_REVERSE_PACKETS]
    if octets >= 0 and load_uint(places[octets, 0], places[octets, 1]):
        return True
    return packets >= 0 and load_uint(places[packets, 0], places[packets, 1]) != 0


@kernel
def _put_record(
    code: ProgramArrays, first_op: int, n_ops: int, places: NDArray[np.int64], t: Target, c: Cells, row: int,
    scratch: int, clock: Clock,
) -> None:  # fmt: skip
    """The fields of one located record."""
    ops = code.ops
    for k in range(first_op, first_op + n_ops):
        field, op = ops[k, O_FIELD], ops[k, O_OP]
        at, length = places[field, 0], places[field, 1]
        if op in FRAME_OPS:
            put_frame(t, c, op, at, length, row, scratch)
        else:
            source = Source(at, length, _NO_STRIDE)
            apply(t, op, ops[k, O_WIDTH], ops[k, O_COLUMN], ops[k, O_IF_ZERO], source, row, _ONE, scratch, clock)


@kernel
def _walk(
    at: int, end: int, number: int, code: ProgramArrays, t: Target, c: Cells, first: int, s: Sampling, m: Message,
    clock: Clock, scratch: int, places: NDArray[np.int64], limit: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Records one by one: variable lengths, two directions, sampled frames. Returns (records, rows, error or -1)."""
    p = code.programs
    records, r = 0, first
    while end - at >= p[number, P_SIZE] and not _is_padding(at, end):
        if records >= limit:
            return records, r - first, _TOO_MANY
        at = _locate(at, end, code.lengths, p[number, P_FIRST_FIELD], p[number, P_FIELDS], places)
        if at < 0:
            return records, r - first, _TRUNCATED
        records += 1
        _put_record(code, p[number, P_FIRST_OP], p[number, P_OPS], places, t, c, r, scratch, clock)
        finish(t, s, m, p[number, P_FLAGS], code.present[number, 0], scratch, r, _ONE)
        r += 1
        if p[number, P_REVERSE_OPS] and _has_reverse(code, number, places):
            first_op, ops = p[number, P_REVERSE_FIRST_OP], p[number, P_REVERSE_OPS]
            _put_record(code, first_op, ops, places, t, c, r, scratch, clock)
            finish(t, s, m, p[number, P_REVERSE_FLAGS], code.present[number, 1], scratch, r, _ONE)
            r += 1
    return records, r - first, -1


@kernel
def _whole_set(
    at: int, n: int, number: int, code: ProgramArrays, t: Target, first: int, s: Sampling, m: Message, clock: Clock,
    scratch: int,
) -> None:  # fmt: skip
    """Column by column: ``n`` records of a fixed length."""
    size, ops = code.programs[number, P_SIZE], code.ops
    first_op = code.programs[number, P_FIRST_OP]
    for k in range(first_op, first_op + code.programs[number, P_OPS]):
        source = Source(at + ops[k, O_OFFSET], ops[k, O_LENGTH], size)
        column = ops[k, O_COLUMN]
        apply(t, ops[k, O_OP], ops[k, O_WIDTH], column, ops[k, O_IF_ZERO], source, first, n, scratch, clock)
    finish(t, s, m, code.programs[number, P_FLAGS], code.present[number, 0], scratch, first, n)


@kernel
def execute(
    data: NDArray[np.uint8],
    info: NDArray[np.int64],
    exporter: NDArray[np.uint64],
    sets: NDArray[np.int64],
    code: ProgramArrays,
    matrices: Matrices,
    first: int,
    s: Sampling,
    counters: NDArray[np.int64],
    errors: NDArray[np.int64],
    template_records: NDArray[np.int64],
    scratch_space: NDArray[np.int64],
    places: NDArray[np.int64],
    limit: int,
) -> int:
    """Decode ``sets`` into rows from ``first`` on; returns how many rows. There must be room for ``most_rows``."""
    base, scratch, table = address_of(data), address_of(scratch_space), address_of(counters)
    t, c = Target(address_of(matrices.origins), address_of(matrices.valid)), cells_of(matrices)
    r, message, left = first, -1, 0
    m = Message(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    clock = Clock(0, 0, 0)
    for i in range(len(sets)):
        template = sets[i, S_TEMPLATE]
        if template < 0 and template != WHOLE_V5:
            continue
        if sets[i, S_MESSAGE] != message:
            message, left = sets[i, S_MESSAGE], limit
            slot, exported, received = info[message, M_SLOT], info[message, M_EXPORTED], info[message, M_RECEIVED]
            m = Message(
                info[message, M_KIND], slot, received, exported, info[message, M_UPTIME], info[message, M_DOMAIN],
                info[message, M_DATAGRAM], int(np.int64(exporter[message, 0])), int(np.int64(exporter[message, 1])),
                table + 8 * C_COLUMNS * slot, s.streams + 8 * R_COLUMNS * slot,
            )  # fmt: skip
            clock = Clock(exported, info[message, M_UPTIME], exported or received)
        at, size, number, error = base + sets[i, S_AT], sets[i, S_END] - sets[i, S_AT], sets[i, S_PROGRAM], -1
        if template == WHOLE_V5:
            records = rows = min(info[message, M_COUNT], size // RECORD_SIZE, limit)
            if records < info[message, M_COUNT]:
                error = _COUNT_MISMATCH
            if rows:
                decode_v5(at, rows, t, r, m, info[message, M_SAMPLING])
        elif code.programs[number, P_WALK]:
            records, rows, error = _walk(at, at + size, number, code, t, c, r, s, m, clock, scratch, places, left)
        else:
            records = rows = min(size // code.programs[number, P_SIZE], left)
            if rows < size // code.programs[number, P_SIZE]:
                error = _TOO_MANY
            if rows:
                _whole_set(at, rows, number, code, t, r, s, m, clock, scratch)
        if error >= 0:
            errors[m.slot, error] += 1
        left -= records
        r += rows
        info[message, M_RECORDS] += records
        counters[m.slot, C_RECORDS] += rows
        if template >= 0:
            template_records[template] += records
    return r - first
