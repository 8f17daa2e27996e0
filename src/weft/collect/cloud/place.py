"""Ties rows of cloud flow logs to the inventory and says which of them count.

Adds what a record leaves unsaid: network, subnet and instance of its own side and of the other, AS and network of both
addresses, where leaving traffic goes. And it settles double counting: traffic between two interfaces that both log is
in two records, one as it left and one as it came. The one that left counts.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.collect.cloud.index import ATTRIBUTES, EMPTY, CloudIndex, Keys, address_keys, mixed, text_keys
from weft.decode.cloud.cells import Word
from weft.model.cloud import CLOUD_FLOWS, DESTINATIONS, PROVIDERS

_AT = {name: i for i, name in enumerate(CLOUD_FLOWS.schema.names)}
_UNKNOWN, _INGRESS, _EGRESS = 0, 1, 2
_GOES = {name: number for number, name in DESTINATIONS.items()}
_PEER = {"vpc": "peer_vpc", "subnet": "peer_subnet", "instance": "peer_instance", "region": "peer_region"}
_MOST_LOGGERS, _MOST_INTERFACES = 2_000_000, 500_000
_TRANSIT = "tgw-"


class Located(Protocol):
    """What enrichment knows of addresses."""

    def locate(self, addresses: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """AS and row of ``networks`` of each."""

    def network_values(self, attribute: str) -> dict[int, str]:
        """What rows of ``networks`` say of an attribute."""


class Placer:
    """Shared by all sources. Thread-safe."""

    def __init__(self, located: Located | None = None, loggers: list[int] | None = None) -> None:
        self._located = located
        self._index: CloudIndex = EMPTY
        self._loggers: set[int] = set(loggers or ())
        self._new: set[int] = set()
        self._own: dict[str, int] = {}  # interface → key of the address that all its records have
        self._lock = threading.Lock()

    def use(self, index: CloudIndex) -> None:
        """Take a new inventory."""
        self._index = index

    def new_loggers(self) -> list[int]:
        """Interfaces that were met for the first time since the last call, as numbers to be remembered."""
        with self._lock:
            new, self._new = self._new, set()
            return list(new)

    def place(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with what is known of their ends."""
        if not rows.num_rows:
            return rows
        with self._lock:
            return _Batch(rows, self._index).placed(self)

    def locate(self, addresses: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.uint32], dict[int, str]]:
        """AS and network of addresses, and the clouds that networks are of."""
        if self._located is None:
            nothing = np.zeros(len(addresses), np.uint32)
            return nothing, nothing, {}
        as_numbers, networks = self._located.locate(addresses)
        return as_numbers, networks, self._located.network_values("cloud")

    def own_address(self, interface: str, src: Keys, dst: Keys) -> int:
        """The key of an interface's own address by some of its records: the one that all have; 0 = cannot be told."""
        known = self._own.get(interface, 0)
        if known and ((src == known) | (dst == known)).all():
            return known
        both = [int(key) for key in (src[0], dst[0]) if key and ((src == key) | (dst == key)).all()]
        if len(both) != 1:
            return 0
        if len(self._own) >= _MOST_INTERFACES:
            self._own.clear()
        self._own[interface] = both[0]
        return both[0]

    def learn(self, keys: Keys) -> None:
        """Take note of ends that log."""
        fresh = set(np.unique(keys).tolist()) - self._loggers
        if len(self._loggers) + len(fresh) > _MOST_LOGGERS:
            self._loggers.clear()  # they are learned again from the next records
        self._loggers |= fresh
        # SQLite's numbers are signed.
        self._new |= {key - (1 << 64) if key >= 1 << 63 else key for key in fresh}

    def logs(self, keys: Keys) -> NDArray[np.bool_]:
        """Which ends are known to log."""
        found, inverse = np.unique(keys, return_inverse=True)
        known = self._loggers
        return np.array([key in known for key in found.tolist()], np.bool_)[inverse]


def unsigned(keys: list[int]) -> list[int]:
    """Keys as ``new_loggers`` gave them, as they are compared."""
    return [key + (1 << 64) if key < 0 else key for key in keys]


class _Batch:
    """One batch on its way through."""

    def __init__(self, rows: pa.RecordBatch, index: CloudIndex) -> None:
        self._rows, self._index, self._count = rows, index, rows.num_rows
        self._new: dict[str, Any] = {}
        self._words: dict[str, Word] = {}
        self._src, self._dst = (_addresses(rows.column(f"{side}_addr")) for side in ("src", "dst"))
        self._direction = self._number("direction")

    def placed(self, placer: Placer) -> pa.RecordBatch:
        """All of it, in order."""
        src, dst = address_keys(self._src), address_keys(self._dst)
        own, direction = self._own_side(placer, src, dst)
        self._fill(own, {name: name for name in ATTRIBUTES})
        vpc = self._keys("vpc")
        peer_vpc = self._keys("peer_vpc")
        out = direction != _INGRESS
        other = np.where(out, dst, src)
        peer = self._index.at(other, np.where(peer_vpc != 0, peer_vpc, vpc))
        peer = np.where(other == np.where(out, src, dst), -1, peer)
        self._fill(peer, _PEER)
        self._sampling(own)
        clouds = self._locate(placer)
        self._destinations(own, peer, direction, clouds)
        self._counted(placer, peer, direction, src, dst, vpc)
        if direction is not self._direction:
            self._new["direction"] = pa.array(direction)
        return self._made()

    def _own_side(self, placer: Placer, src: Keys, dst: Keys) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """The interface that logged each row, and the direction, found out where the record does not say it."""
        word = self._word("interface_id")
        own = self._index.named(word.texts)[word.codes]
        direction, vpc = self._direction, self._keys("vpc")
        unsaid = (direction == _UNKNOWN) & ((src | dst) != 0)
        if unsaid.any():
            direction = direction.copy()
            has_src, has_dst = self._index.at(src, vpc), self._index.at(dst, vpc)
            by_index = np.where(
                (own >= 0) & (has_src == own), _EGRESS, np.where((own >= 0) & (has_dst == own), _INGRESS, 0)
            )
            direction[unsaid] = by_index[unsaid]
            unsaid &= direction == _UNKNOWN
            if unsaid.any() and not word.empty:
                _by_steadiness(placer, direction, np.flatnonzero(unsaid), word, src, dst)
        address = np.where(direction == _EGRESS, src, np.where(direction == _INGRESS, dst, np.uint64(0)))
        return np.where(own >= 0, own, self._index.at(address, vpc)), direction

    def _fill(self, numbers: NDArray[np.int64], columns: dict[str, str]) -> None:
        """Texts from the inventory where the record has none."""
        if self._index.is_empty or not (numbers >= 0).any():
            return
        for attribute, column in columns.items():
            word = self._word(column)
            if word.codes.all():
                continue
            self._words[column] = word.filled(Word((numbers + 1).astype(np.int32), self._index.values[attribute]))

    def _sampling(self, own: NDArray[np.int64]) -> None:
        rates = self._number("sampling_rate")
        found = np.where(rates == 0, self._index.sampling[own + 1], rates)
        if (found != rates).any():
            self._new["sampling_rate"] = pa.array(found.astype(np.uint32))

    def _locate(self, placer: Placer) -> NDArray[np.uint8]:
        """AS and network of both ends; returns the provider number of the destination's cloud."""
        number = {name: i for i, name in PROVIDERS.items()}
        clouds = np.zeros(self._count, np.uint8)
        for side, addresses in (("src", self._src), ("dst", self._dst)):
            as_numbers, networks, names = placer.locate(addresses)
            sent = self._number(f"{side}_as")
            self._new[f"{side}_as"] = pa.array(np.where(sent != 0, sent, as_numbers).astype(np.uint32))
            self._new[f"{side}_net"] = pa.array(networks.astype(np.uint32))
            if side == "dst" and names:
                found, inverse = np.unique(networks, return_inverse=True)
                other = [number.get(names[n].casefold(), 255) if n in names else 0 for n in found.tolist()]
                clouds = np.array(other, np.uint8)[inverse]
        return clouds

    def _destinations(
        self, own: NDArray[np.int64], peer: NDArray[np.int64], direction: NDArray[np.uint8], clouds: NDArray[np.uint8]
    ) -> None:  # fmt: skip
        """Where leaving traffic goes, the nearest first."""
        vpc, peer_vpc = self._keys("vpc"), self._keys("peer_vpc")
        region, peer_region = self._keys("region"), self._keys("peer_region")
        zone, peer_zone = self._keys("zone"), self._index.keys["zone"][peer + 1]
        private = _private(self._dst)
        inside = (peer >= 0) | (peer_vpc != 0)
        same_region = (region == peer_region) | (peer_region == 0)
        goes = np.full(self._count, _GOES["internet"], np.uint8)
        goes[(clouds != 0) & (clouds != self._number("provider"))] = _GOES["other_cloud"]
        goes[private] = _GOES["on_premises"] if not self._index.is_empty else _GOES["unknown"]
        if not self._index.is_empty:
            goes[private & (own < 0) & (vpc == 0)] = _GOES["unknown"]
        goes[inside] = _GOES["other_vpc"]
        goes[inside & (vpc == peer_vpc)] = _GOES["same_region"]
        goes[inside & (vpc == peer_vpc) & (zone == peer_zone) & (zone != 0)] = _GOES["same_zone"]
        goes[inside & ~same_region] = _GOES["other_region"]
        elsewhere = self._index.providers[peer + 1]
        goes[(elsewhere != 0) & (elsewhere != self._number("provider"))] = _GOES["other_cloud"]
        goes[(self._word("service").codes != 0) & ~inside] = _GOES["cloud_service"]
        goes[direction != _EGRESS] = _GOES["unknown"]
        goes[self._number("log_state") != 1] = _GOES["unknown"]
        self._new["destination"] = pa.array(goes)

    def _counted(
        self, placer: Placer, peer: NDArray[np.int64], direction: NDArray[np.uint8],
        src: Keys, dst: Keys, vpc: Keys,
    ) -> None:  # fmt: skip
        """Rows of traffic that the other end logs as it leaves do not count."""
        word = self._word("gateway")
        gateway = np.array([text.startswith(_TRANSIT) for text in word.texts], np.bool_)[word.codes]
        flow = (self._number("log_state") == 1) & (direction != _UNKNOWN)
        out = direction == _EGRESS
        mine, theirs = np.where(out, src, dst), np.where(out, dst, src)
        learn = flow & ~gateway
        if learn.any():
            placer.learn(np.concatenate([mixed(mine[learn] ^ mixed(vpc[learn])), _of_network(vpc[learn])]))
        peer_vpc = self._keys("peer_vpc")
        where = np.where(peer_vpc != 0, peer_vpc, vpc)
        twice = flow & ~out & ~gateway
        logged = self._index.logs[peer + 1]
        if twice.any():
            logged = logged | placer.logs(mixed(theirs ^ mixed(where)))
        twice &= logged
        if gateway.any():  # what a transit gateway sees, the networks on its sides see too; and it sees all twice
            ends = placer.logs(_of_network(vpc)) | placer.logs(_of_network(peer_vpc))
            twice |= gateway & (ends | (direction == _EGRESS))
        if twice.any():
            self._new["counted"] = pa.array((~twice).astype(np.uint8))

    def _made(self) -> pa.RecordBatch:
        columns = list(self._rows.columns)
        for name, word in self._words.items():
            columns[_AT[name]] = word.array()
        for name, column in self._new.items():
            columns[_AT[name]] = column
        return pa.RecordBatch.from_arrays(columns, schema=self._rows.schema)

    def _word(self, name: str) -> Word:
        if name not in self._words:
            column: Any = self._rows.column(name)
            texts, codes = column.dictionary.to_pylist(), column.indices.to_numpy(zero_copy_only=False)
            if texts and texts[0] != "":  # number 0 must be the empty text
                texts = ["", *texts]
                codes = codes + 1
            return Word(codes.astype(np.int32), texts or [""])
        return self._words[name]

    def _keys(self, name: str) -> Keys:
        word = self._word(name)
        return text_keys(word.texts)[word.codes]

    def _number(self, name: str) -> NDArray[Any]:
        return np.asarray(self._rows.column(name).to_numpy())


def _by_steadiness(
    placer: Placer, direction: NDArray[np.uint8], unsaid: NDArray[np.int64], interface: Word, src: Keys, dst: Keys
) -> None:
    """Find directions by the address that is in every record of an interface: that is its own."""
    codes = interface.codes
    order = unsaid[np.argsort(codes[unsaid], kind="stable")]
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    for part in np.split(order, cuts):
        name = interface.texts[codes[part[0]]]
        own = placer.own_address(name, src[part], dst[part]) if name else 0
        if own:
            direction[part] = np.where(src[part] == own, _EGRESS, _INGRESS)


def _of_network(vpc: Keys) -> Keys:
    """The key under which it is noted that something in a network logs; 0 stays unknown."""
    keys = mixed(vpc ^ np.uint64(0x5851F42D4C957F2D))
    keys[vpc == 0] = 0
    return keys


def _addresses(column: Any) -> NDArray[np.uint8]:
    data = np.frombuffer(column.buffers()[1], np.uint8)
    return data[column.offset * 16 : (column.offset + len(column)) * 16].reshape(-1, 16)


def _private(addresses: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Addresses that are not of the Internet: RFC 1918, 6598, 3927, 4193, 4291 §2.5.6."""
    v4 = ~addresses[:, :10].any(axis=1) & (addresses[:, 10] == 255) & (addresses[:, 11] == 255)
    a, b = addresses[:, 12], addresses[:, 13]
    v4_private = (
        (a == 10) | ((a == 172) & (b & 0xF0 == 16)) | ((a == 192) & (b == 168)) | ((a == 100) & (b & 0xC0 == 64))
        | ((a == 169) & (b == 254))
    )  # fmt: skip
    v6_private = (addresses[:, 0] & 0xFE == 0xFC) | ((addresses[:, 0] == 0xFE) & (addresses[:, 1] & 0xC0 == 0x80))
    private: NDArray[np.bool_] = np.where(v4, v4_private, v6_private)
    return private
