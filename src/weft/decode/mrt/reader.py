"""Reading MRT: chunks of a file to blocks of routes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.paths import Paths
from weft.decode.bgp.routes import Routes
from weft.decode.bgp.sink import ROWS, Sink, clear
from weft.decode.bgp.update import AddPath, decode_updates, taken
from weft.decode.mrt.blocks import MrtBlock, SessionChange
from weft.decode.mrt.dump import E_PEER, E_TIME, walk_old, walk_v2
from weft.decode.mrt.generic import read_generic
from weft.decode.mrt.peers import Peers
from weft.decode.mrt.records import (
    BGP,
    BGP4MP,
    BGP4MP_ET,
    M_END,
    M_KIND,
    M_NEW,
    M_OLD,
    M_PEER_AS,
    M_START,
    R_SUBTYPE,
    R_TIME,
    R_TYPE,
    TABLE_DUMP,
    TABLE_DUMP_V2,
    cut,
    heads,
)  # fmt: skip
from weft.errors import InvalidInput

_RECORDS = 1 << 16  # cut at once
_IDS = frozenset({(1, 1), (2, 1), (1, 2), (2, 2), (1, 4), (2, 4), (1, 128), (2, 128)})
_SECOND = 1_000_000_000

# What a stretch of records is read as.
_SKIPPED, _MESSAGES, _OLD_TABLE, _PEERS, _TABLE, _GENERIC = range(6)


class MrtReader:
    """One MRT file (plain octets: the caller opens .gz, .bz2, .zst): ``errors`` says what could not be read."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.records = 0
        self.errors: Counter[str] = Counter()
        self._peers = Peers()
        self._collector = bytes(16)

    def blocks(self, chunks: Iterable[bytes]) -> Iterator[MrtBlock]:
        """Blocks in the order of the file. A file that ends inside a record is counted as ``truncated``.

        Records that were damaged as they were written are counted and read past. Raises ``InvalidInput`` where the
        file does not begin with an MRT record.
        """
        rest, near = b"", 0
        rows = np.empty((_RECORDS, 5), np.int64)
        for chunk, is_last in _with_end(chunks):
            octets = rest + chunk
            data = np.frombuffer(octets, np.uint8)
            at, count = 0, _RECORDS
            while count == _RECORDS:
                count, at, damaged, near = cut(data, at, is_last, near, rows)
                self.records += count
                if not self.records and damaged:
                    raise InvalidInput("not an MRT file")
                if damaged:
                    self.errors["damaged_record"] += damaged
                yield from self._records(octets, data, rows[:count])
            rest = octets[at:]
        if rest:
            self.errors["truncated"] += 1
        if not self.records and rest:
            raise InvalidInput("not an MRT file")

    def _records(self, octets: bytes, data: NDArray[np.uint8], rows: NDArray[np.int64]) -> Iterator[MrtBlock]:
        """Stretches of records that are read alike."""
        if not len(rows):
            return
        ways = _ways(rows)
        begins = np.flatnonzero(np.diff(ways, prepend=-1))
        for first, last in zip(begins.tolist(), [*begins[1:].tolist(), len(rows)], strict=True):
            part, way = rows[first:last], ways[first]
            if way == _MESSAGES:
                yield from self._messages(data, part)
            elif way == _OLD_TABLE:
                yield from self._old_table(data, part)
            elif way == _TABLE:
                yield from self._table(data, part)
            elif way in (_PEERS, _GENERIC):
                for start, end, _, subtype, time in part.tolist():
                    yield from self._other(octets[start:end], subtype, time)
            else:
                self.errors["unknown_type"] += len(part)

    def _other(self, body: bytes, subtype: int, time: int) -> Iterator[MrtBlock]:
        """A peer index, or a record of a family that is not plain."""
        try:
            if subtype == 1:
                self._peers = Peers.read(body)
                return
            routes, entries = read_generic(body, subtype == 12, self.paths, self.errors)
        except InvalidInput as error:
            self.errors[error.what] += 1
            return
        yield self._dumped(routes, entries, time, 1)

    def _table(self, data: NDArray[np.uint8], records: NDArray[np.int64]) -> Iterator[MrtBlock]:
        sink, entries = self.paths.sink, np.empty((ROWS, 2), np.int64)
        resume, bad = np.array([0, -1, 0]), np.zeros(2, np.int64)
        done, before = False, 0
        while not done:
            clear(sink)
            done = walk_v2(data, records, resume, sink, entries, bad)
            routes, number = self._taken(sink, bad, as4=True)
            yield self._dumped(routes, entries[number], int(records[before, R_TIME]), int(resume[0]) - before)
            before = min(int(resume[0]), len(records) - 1)

    def _dumped(self, routes: Routes, entries: NDArray[np.int64], time: int, records: int) -> MrtBlock:
        """A block of a table; rows of a peer that the index does not have are left out."""
        known = entries[:, E_PEER] < len(self._peers)
        if not known.all():
            self.errors["unknown_peer"] += int((~known).sum())
            routes, entries = routes.ordered(np.flatnonzero(known)), entries[known]
        number = entries[:, E_PEER]
        return MrtBlock(
            routes, entries[:, E_TIME] * _SECOND, self._peers.address[number], self._peers.asn[number], True, time,
            self._peers.collector, self._peers.view, records=records,
        )  # fmt: skip

    def _old_table(self, data: NDArray[np.uint8], records: NDArray[np.int64]) -> Iterator[MrtBlock]:
        sink, entries, peers = self.paths.sink, np.empty((ROWS, 2), np.int64), np.empty((ROWS, 16), np.uint8)
        bad, resume = np.zeros(2, np.int64), np.array([0, -1])
        done, first = False, 0
        while not done:
            clear(sink)
            done = walk_old(data, records, resume, sink, entries, peers, bad)
            routes, number = self._taken(sink, bad, as4=False)
            yield MrtBlock(
                routes, entries[number, E_TIME] * _SECOND, peers[number], entries[number, E_PEER].astype(np.uint32),
                True, int(records[first, R_TIME]), self._collector, records=int(resume[0]) - first,
            )  # fmt: skip
            first = min(int(resume[0]), len(records) - 1)

    def _taken(self, sink: Sink, bad: NDArray[np.int64], *, as4: bool) -> tuple[Routes, NDArray[np.int32]]:
        """What a walk over a table gave; entries whose attributes are malformed are left out and counted."""
        routes, number = taken(sink, as4, self.paths)
        self._count(routes.errors)
        self._count({"record_length": int(bad[0]), "attribute_length": int(bad[1])})
        bad[:] = 0
        if routes.withdrawn.any():
            kept = np.flatnonzero(~routes.withdrawn)
            return routes.ordered(kept), number[kept]
        return routes, number

    def _count(self, reasons: dict[str, int]) -> None:
        self.errors.update({reason: count for reason, count in reasons.items() if count})

    def _messages(self, data: NDArray[np.uint8], records: NDArray[np.int64]) -> Iterator[MrtBlock]:
        found = np.empty((len(records), 6), np.int64)
        addresses = np.empty((len(records), 32), np.uint8)
        heads(data, records, found, addresses)
        if damaged := int((found[:, M_KIND] < 0).sum()):
            self.errors["record_length"] += damaged
        if not any(self._collector):
            known = np.flatnonzero(addresses[:, 16:].any(axis=1))
            self._collector = addresses[known[0], 16:].tobytes() if len(known) else self._collector
        changes = np.flatnonzero(found[:, M_KIND] == 0).tolist()
        first = 0
        while first < len(records):
            here: list[SessionChange] = []
            while changes and changes[0] == first:
                here.append(_change(records[first], found[first], addresses[first]))
                changes.pop(0)
                first += 1
            last = changes[0] if changes else len(records)
            yield self._updates(data, records[first:last], found[first:last], addresses[first:last], here)
            first = last

    def _updates(
        self,
        data: NDArray[np.uint8],
        records: NDArray[np.int64],
        found: NDArray[np.int64],
        addresses: NDArray[np.uint8],
        changes: list[SessionChange],
    ) -> MrtBlock:
        """Messages between two state changes, decoded by what their sessions agreed on, in their order again."""
        updates = np.flatnonzero(found[:, M_KIND] == 2)
        forms = records[updates, R_SUBTYPE] + (records[updates, R_TYPE] == BGP) * 256
        parts, numbers = [], []
        for form in np.unique(forms).tolist():
            these = updates[forms == form]
            routes, number = decode_updates(
                data, found[these, M_START], found[these, M_END], as4=form in (4, 7, 9, 11),
                add_path=_IDS if 8 <= form <= 11 else AddPath(), paths=self.paths,
            )  # fmt: skip
            parts.append(routes)
            numbers.append(these[number])
        routes = Routes.concat(parts)
        self._count(routes.errors)
        number = np.concatenate(numbers) if numbers else np.zeros(0, np.int64)
        if len(parts) > 1:
            order = np.argsort(number, kind="stable")
            routes, number = routes.ordered(order), number[order]
        return MrtBlock(
            routes, records[number, R_TIME], addresses[number, :16], found[number, M_PEER_AS].astype(np.uint32), False,
            collector=self._collector, changes=changes, records=len(records) + len(changes),
        )  # fmt: skip


def _with_end(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The chunks, and whether each is the last."""
    before: bytes | None = None
    for chunk in chunks:
        if before is not None:
            yield before, False
        before = chunk
    yield before or b"", True


def _ways(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """How each record is read."""
    kind, subtype = rows[:, R_TYPE], rows[:, R_SUBTYPE]
    is_message = ((kind == BGP4MP) | (kind == BGP4MP_ET)) & (subtype <= 11) & (subtype != 2) & (subtype != 3)
    is_message |= (kind == BGP) & (subtype >= 1) & (subtype <= 7)
    is_plain = ((subtype >= 2) & (subtype <= 5)) | ((subtype >= 8) & (subtype <= 11))
    is_v2 = kind == TABLE_DUMP_V2
    return np.select(
        [is_message, (kind == TABLE_DUMP) & (subtype >= 1) & (subtype <= 2), is_v2 & is_plain, is_v2 & (subtype == 1),
         is_v2 & ((subtype == 6) | (subtype == 12))],
        [_MESSAGES, _OLD_TABLE, _TABLE, _PEERS, _GENERIC], _SKIPPED,
    )  # fmt: skip


def _change(record: NDArray[np.int64], found: NDArray[np.int64], addresses: NDArray[np.uint8]) -> SessionChange:
    return SessionChange(
        int(record[R_TIME]), addresses[:16].tobytes(), int(found[M_PEER_AS]), int(found[M_OLD]), int(found[M_NEW])
    )
