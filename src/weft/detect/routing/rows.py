"""Rows of ``routes`` as columns that detectors can look through quickly, and who is still telling its whole table."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.detect.context import Names
from weft.model.addresses import NO_ADDRESS, address_text
from weft.model.events import Entity

ANNOUNCE, CHANGE, WITHDRAW, CHECKPOINT, PEER_UP, PEER_DOWN = 1, 2, 3, 4, 5, 6
PRE, POST, LOC = 1, 2, 3
#: Rows of a session at most so long after it came up, or after the last such row, are its table being told, s.
LOADING_S, QUIET_S = 300.0, 20.0
ALREADY_UP = "already up"
#: What the collector writes where not the session ended, but its own sight of it.
_UNSEEN = (
    "weft stopped", "weft ended", "exabgp ended", "the router ended the stream", "the connection was lost",
    "the router closed the connection", "the router is known by another address", "the session came up again",
    "peer is no longer monitored",
)  # fmt: skip
_OWN_SESSION = 3  # model.routes.ROUTE_SOURCES: the session is with Weft itself
_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


@dataclass(frozen=True, slots=True)
class Peer:
    """A BGP session of a router, whichever of its tables a row is of."""

    exporter: bytes
    peer: bytes
    vrf: str

    def entity(self, names: Names) -> Entity:
        """As events name it: ``peer:chi-border1|192.0.2.7``."""
        device = names.device(self.exporter)
        if self.peer == NO_ADDRESS:
            return Entity(kind="device", id=device)
        where = f"{device}|{address_text(self.peer)}"
        return Entity(kind="peer", id=(f"{where}|{self.vrf}" if self.vrf else where)[:400])

    def state(self) -> tuple[str, str, str]:
        """For ``restored``."""
        return self.exporter.hex(), self.peer.hex(), self.vrf

    @classmethod
    def restored(cls, exporter: str, peer: str, vrf: str) -> Peer:
        """Of a ``state``. Raises ``ValueError`` or ``TypeError``."""
        return cls(bytes.fromhex(exporter), bytes.fromhex(peer), str(vrf))


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows, in their order; arrays are parallel. ``prefix_id``: a hash of prefix, length and path identifier."""

    rows: pa.RecordBatch
    time_s: NDArray[np.float64]
    event: NDArray[np.uint8]
    rib: NDArray[np.uint8]
    source: NDArray[np.uint8]
    family: NDArray[np.uint8]
    prefix: NDArray[np.uint64]  # [n, 2], most significant first
    length: NDArray[np.uint8]
    origin_as: NDArray[np.uint32]
    peer_as: NDArray[np.uint32]
    rpki: NDArray[np.uint8]
    prefix_id: NDArray[np.uint64]
    session: NDArray[np.int64]  # position in ``sessions``
    sessions: list[tuple[Peer, int]]  # with the table's number (``model.routes.RIBS``)

    def __len__(self) -> int:
        return len(self.event)

    def path(self, i: int) -> str:
        """AS path of a row."""
        return str(self.rows.column("as_path")[i].as_py() or "")

    def prefix_octets(self, i: int) -> bytes:
        """Prefix of a row, 16 octets."""
        value = self.rows.column("prefix")[i].as_py()
        return bytes(value)

    def prefix_text(self, i: int) -> str:
        """Prefix of a row as people write it."""
        return f"{address_text(self.prefix_octets(i), '::')}/{int(self.length[i])}"


def paths_of(told: Block) -> tuple[NDArray[np.int64], list[str]]:
    """Code of each row's AS path, and the paths."""
    column: Any = told.rows.column("as_path")
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes: NDArray[np.int64] = column.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, [one or "" for one in column.dictionary.to_pylist()]


_last = threading.local()  # several detectors are fed the same rows one after another


def block(rows: pa.RecordBatch) -> Block:
    """Look at a batch of ``routes``."""
    kept: Block | None = getattr(_last, "block", None)
    if kept is None or kept.rows is not rows:
        kept = _last.block = _block(rows)
    return kept


def _block(rows: pa.RecordBatch) -> Block:
    prefix = _words(rows.column("prefix"))
    length, path_id = _numbers(rows, "prefix_length"), _numbers(rows, "path_id")
    prefix_id = mixed(prefix, length.astype(np.uint64) | path_id.astype(np.uint64) << np.uint64(8))
    rib = _numbers(rows, "rib").astype(np.uint8)
    session, sessions = _sessions(rows, rib)
    return Block(
        rows, rows.column("time").cast(pa.int64()).to_numpy(zero_copy_only=False) / 1e9,
        _numbers(rows, "event").astype(np.uint8), rib, _numbers(rows, "source").astype(np.uint8),
        _numbers(rows, "family").astype(np.uint8), prefix, length.astype(np.uint8),
        _numbers(rows, "origin_as").astype(np.uint32), _numbers(rows, "peer_as").astype(np.uint32),
        _numbers(rows, "rpki").astype(np.uint8), prefix_id, session, sessions,
    )  # fmt: skip


def is_unseen(source: int, reason: str) -> bool:
    """Whether a session's end is only the end of what is seen of it."""
    return source == _OWN_SESSION or reason.lower().startswith(_UNSEEN)


def _numbers(rows: pa.RecordBatch, name: str) -> NDArray[Any]:
    at = rows.schema.get_field_index(name)
    if at < 0:
        return np.zeros(rows.num_rows, np.uint32)
    return rows.column(at).to_numpy(zero_copy_only=False)


def _words(column: Any) -> NDArray[np.uint64]:
    """Addresses as pairs of numbers, [n, 2]."""
    data: Any = column.buffers()[1]  # its stubs know of no buffer protocol
    if data is None or not len(column):
        return np.zeros((0, 2), np.uint64)
    part = np.frombuffer(data, ">u8")[column.offset * 2 : (column.offset + len(column)) * 2]
    words: NDArray[np.uint64] = part.reshape(-1, 2).astype(np.uint64)
    return words


def mixed(words: NDArray[np.uint64], extra: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A 64-bit hash of each row; two of a million prefixes collide once in thirty million times."""
    found: NDArray[np.uint64] = (words[:, 0] ^ (words[:, 1] * _FIRST)) + extra * _SECOND
    found ^= found >> np.uint64(29)
    found *= _FIRST
    found ^= found >> np.uint64(32)
    return found


def _sessions(rows: pa.RecordBatch, rib: NDArray[np.uint8]) -> tuple[NDArray[np.int64], list[tuple[Peer, int]]]:
    vrf: Any = rows.column("vrf")
    if not pa.types.is_dictionary(vrf.type):
        vrf = vrf.dictionary_encode()
    codes = vrf.indices.to_numpy(zero_copy_only=False).astype(np.uint64)
    exporters, peers = _words(rows.column("exporter")), _words(rows.column("peer"))
    key = mixed(exporters, codes << np.uint64(8) | rib.astype(np.uint64)) ^ mixed(peers, codes) * _SECOND
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    names = vrf.dictionary.to_pylist()
    found = [
        (
            Peer(rows.column("exporter")[i].as_py(), rows.column("peer")[i].as_py(), str(names[int(codes[i])] or "")),
            int(rib[i]),
        )
        for i in first.tolist()
    ]
    return inverse.reshape(-1).astype(np.int64), found


class Loading:
    """Which sessions tell their whole table: after they came up, until they pause. Nothing is news meanwhile."""

    def __init__(self) -> None:
        self._until: dict[tuple[Peer, int], tuple[float, float]] = {}  # latest end, end if nothing more comes

    def rows(self, block: Block) -> NDArray[np.bool_]:
        """Which rows are parts of tables being told. Sessions that come up here begin to tell theirs."""
        found = np.zeros(len(block), bool)
        ups = np.flatnonzero(block.event == PEER_UP)
        for i in ups.tolist():
            at_s = float(block.time_s[i])
            self._until[block.sessions[int(block.session[i])]] = at_s + LOADING_S, at_s + QUIET_S
        for number, session in enumerate(block.sessions):
            known = self._until.get(session)
            if known is None:
                continue
            mine = np.flatnonzero(block.session == number)
            latest, quiet = known
            for i in mine.tolist() if len(mine) < 64 else (int(mine[0]), int(mine[-1])):
                at_s = float(block.time_s[i])
                if at_s > min(latest, quiet):
                    del self._until[session]
                    break
                quiet = at_s + QUIET_S
            else:
                self._until[session] = latest, quiet
            found[mine] = block.time_s[mine] <= min(latest, quiet)
        found |= block.event == CHECKPOINT
        return found

    def is_loading(self, session: tuple[Peer, int], now_s: float) -> bool:
        """Whether a session may still be telling its table."""
        known = self._until.get(session)
        if known is None:
            return False
        if now_s > min(known):
            del self._until[session]
            return False
        return True
