"""The streams a decoder has seen: one row of counters per (UDP source, exporter, protocol, observation domain).

All numbers live in arrays that kernels index by *slot*, the row of a stream. Slot 0 is the overflow stream: datagrams
of streams beyond the limits are counted there, so that a flood of made-up sources cannot take memory.
"""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from weft.decode.datagrams import DatagramBatch
from weft.decode.flow.counters import (
    C_AGENT_DROPS,
    C_COLUMNS,
    C_DATAGRAMS,
    C_EXPIRED,
    C_FIRST_SEEN,
    C_LAST_SEEN,
    C_LOST,
    C_OCTETS,
    C_RATE,
    C_RATE_SOURCE,
    C_RECORDS,
    C_REORDERED,
    C_REPLAYED,
    C_RESTARTS,
    C_TEMPLATE_CHANGES,
    C_UNSAMPLED,
    S_COLUMNS,
)
from weft.decode.flow.headers import StreamKeys, find_stream, identify
from weft.decode.flow.limits import DecodeLimits
from weft.decode.flow.messages import IPFIX, V5, Messages, new_messages
from weft.decode.flow.reasons import REASON_COUNT, REASON_NAMES
from weft.model.addresses import address_text
from weft.model.exporters import StreamStatus

OVERFLOW = 0
_LOST_UNITS = {V5: "flows", IPFIX: "records"}
_IDLE_NS = 60 * 10**9


class StreamTable:
    """Bounded table of streams; kernels find and add rows, Python reads them."""

    def __init__(self, limits: DecodeLimits) -> None:
        self.limits = limits
        rows = limits.max_streams + 1
        self.counters = np.zeros((rows, C_COLUMNS), np.int64)
        self.errors = np.zeros((rows, REASON_COUNT), np.int64)
        self.sequence = np.zeros((rows, S_COLUMNS), np.int64)
        self.keys = StreamKeys.new(limits.max_streams, limits.max_streams_per_source, secrets.randbits(63))
        self.unknown_fields: dict[int, dict[str, int]] = {}  # slot → "pen/id" → records
        self._evicted_ns = 0

    def identify(self, batch: DatagramBatch) -> Messages:
        """Read the header of every datagram, find or add its stream and count it there."""
        messages = new_messages(batch)
        identify(
            messages.data,
            np.ascontiguousarray(batch.start, np.int64),
            np.ascontiguousarray(batch.length, np.int32),
            np.ascontiguousarray(batch.source, np.uint8).reshape(-1, 16),
            np.ascontiguousarray(batch.received_ns, np.int64),
            messages.info,
            messages.exporter,
            self.keys,
            self.counters,
            self.errors,
        )
        return messages

    def open(self, exporter: bytes, kind: int, domain: int) -> int:
        """The slot of a stream whose UDP source is the exporter itself, added if it is new."""
        words = np.frombuffer(exporter, np.uint64)
        key = np.array([*words, *words, kind << 32 | domain], np.uint64)
        return int(find_stream(self.keys, key))

    def slots(self) -> NDArray[np.int64]:
        """Slots in use, the overflow stream only if it counted something."""
        used = np.flatnonzero(self.keys.used)
        return used if self.counters[OVERFLOW, C_DATAGRAMS] else used[used != OVERFLOW]

    def exporter(self, slot: int) -> bytes:
        """16-byte address of a stream's exporter."""
        return self.keys.words[slot, 2:4].tobytes()

    def kind(self, slot: int) -> int:
        """Flow type of a stream, 0 for datagrams of no known protocol."""
        return int(self.keys.words[slot, 4]) >> 32

    def domain(self, slot: int) -> int:
        """Observation domain of a stream."""
        return int(self.keys.words[slot, 4]) & 0xFFFFFFFF

    def status(self, slot: int) -> StreamStatus:
        """What ``FlowDecoder.streams`` says of one stream, without what templates and held data know."""
        row = [int(value) for value in self.counters[slot]]
        errors = self.errors[slot]
        kind = self.kind(slot)
        return StreamStatus(
            exporter=address_text(self.exporter(slot), "::"),
            source=address_text(self.keys.words[slot, 0:2].tobytes(), "::"),
            flow_type=kind,
            observation_domain=self.domain(slot),
            datagrams=row[C_DATAGRAMS],
            octets=row[C_OCTETS],
            records=row[C_RECORDS],
            template_changes=row[C_TEMPLATE_CHANGES],
            sampling_rate=row[C_RATE],
            sampling_source=row[C_RATE_SOURCE],
            unsampled_records=row[C_UNSAMPLED],
            lost=row[C_LOST],
            lost_unit=_LOST_UNITS.get(kind, "datagrams"),
            agent_drops=row[C_AGENT_DROPS],
            reordered=row[C_REORDERED],
            restarts=row[C_RESTARTS],
            replayed=row[C_REPLAYED],
            expired=row[C_EXPIRED],
            errors={REASON_NAMES[int(i)]: int(errors[i]) for i in np.flatnonzero(errors)},
            unknown_fields=dict(self.unknown_fields.get(slot, {})),
            first_seen_ns=row[C_FIRST_SEEN],
            last_seen_ns=row[C_LAST_SEEN],
        )

    def make_room(self, batch: DatagramBatch) -> NDArray[np.int64]:
        """When the table is full, forget streams that never gave a record and fell silent; at most once a second.

        Returns the slots that were released: whoever keeps something by slot must drop it.
        """
        if not self.keys.full() or len(batch) == 0:
            return np.zeros(0, np.int64)
        now = int(batch.received_ns[-1])
        if now < self._evicted_ns + 10**9:
            return np.zeros(0, np.int64)
        self._evicted_ns = now
        silent = (self.counters[:, C_RECORDS] == 0) & (self.counters[:, C_LAST_SEEN] < now - _IDLE_NS)
        silent &= self.keys.used
        silent[OVERFLOW] = False
        released = np.flatnonzero(silent)
        for slot in released:
            self.unknown_fields.pop(int(slot), None)
        self.keys.release(silent)
        for table in (self.counters, self.errors, self.sequence):
            table[silent] = 0
        return released
