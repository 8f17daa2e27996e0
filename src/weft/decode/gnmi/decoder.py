"""Messages of one target to rows of the metrics table and facts; remembers paths, so that they are read only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.decode.gnmi import walk as w
from weft.decode.gnmi.leaves import Leaves, Limits, Made
from weft.decode.gnmi.mapping import PathMapping, unmapped
from weft.decode.gnmi.paths import Element, Path, full_path, wire_elements
from weft.decode.gnmi.proto import DecodeError, pb
from weft.decode.gnmi.slots import find, grow, insert, slots
from weft.decode.gnmi.times import Times, sane_times
from weft.decode.gnmi.tree import Node
from weft.decode.gnmi.values import Scalar, array_values, bytes_value, decoded, list_text
from weft.model.addresses import NO_ADDRESS
from weft.model.inventory import Fact

_ROWS = 1 << 14
_MOST_ROWS = 1 << 24
_SLOTS = 1 << 10
_HOUR_NS = 3600 * 1_000_000_000
_SLOW = -1
#: Numbers on the wire that need no second look where the path is known.
_PLAIN = np.zeros(256, np.bool_)
_PLAIN[[w.INT, w.UINT, w.BOOL, w.FLOAT, w.DOUBLE, w.DECIMAL, w.JSON_NUMBER]] = True
#: How the message ``Value`` of gNMI before 0.4 says what its bytes are (enumeration Encoding).
_OLD_ENCODINGS = {0: w.JSON, 1: w.BYTES, 3: w.ASCII, 4: w.JSON_IETF}


@dataclass(slots=True)
class Decoded:
    """What some messages said."""

    rows: pa.RecordBatch | None = None
    messages: int = 0
    updates: int = 0  # as sent; JSON may hold many values in one
    values: int = 0  # leaves
    deletes: int = 0
    withdrawn: int = 0  # leaves known so far that were deleted
    syncs: int = 0
    before_sync: int = 0  # messages ahead of the first sync_response; all where there is none
    duplicates: int = 0  # values that the target merged for want of time, as it says
    old: int = 0  # values whose stamp says when they changed, not when they were read
    newest_ns: int = 0  # the newest stamp by the target's clock; 0 = none was usable
    skipped: dict[str, int] = field(default_factory=dict)  # by reason
    facts_changed: bool = False

    def skip(self, reason: str, count: int = 1) -> None:
        """Count something that made no row, or was not as it should be."""
        self.skipped[reason] = self.skipped.get(reason, 0) + count


class GnmiDecoder:
    """One per target; not for several threads at once.

    ``host``, ``exporter``: what rows are kept under; with ``by_target`` instead the target that each message names (a
    gateway in front of several devices). ``device``, ``address``: key and address in the facts.
    """

    def __init__(
        self, mapping: PathMapping, *, host: str = "", exporter: bytes = NO_ADDRESS, device: str = "",
        address: str = "", by_target: bool = False, limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self._host, self._exporter, self._by_target = host, exporter, by_target
        self._device, self._address = device or host or address, address
        self._leaves = Leaves(mapping, limits or Limits())
        self._aliases: dict[str, list[Element]] = {}
        self._room = w.room(_ROWS)
        self._full, self._cleared_ns = False, 0
        self._forget()

    def _forget(self) -> None:
        """Drop what bytes of paths mean; the tree stays."""
        self._slots = slots(_SLOTS)
        self._nodes: list[Node] = []  # by number
        self._fast = np.full(_SLOTS, _SLOW, np.int32)  # series of nodes whose numbers are rows as they are

    def facts(self) -> tuple[list[Fact], list[Fact]]:
        """(what the device says of itself, what it says of its neighbours) so far."""
        own: list[Fact] = []
        neighbours: list[Fact] = []
        for host in self._leaves.hosts() if self._by_target else [self._host]:
            here = host == self._host
            said = self._leaves.records(host).facts(self._device if here else host, self._address if here else "")
            own += said[0]
            neighbours += said[1]
        return own, neighbours

    def decode(self, messages: Sequence[bytes], now_ns: int) -> Decoded:
        """SubscribeResponse (or GetResponse) messages in the order in which they came; ``now_ns``: when."""
        self._cleared_ns = self._cleared_ns or now_ns
        if self._full and now_ns - self._cleared_ns > _HOUR_NS:  # what came and went makes room for what is there now
            self._full, self._cleared_ns = False, now_ns
            self._leaves.clear()
            self._forget()
        out = Decoded(messages=len(messages), before_sync=len(messages))
        raw = b"".join(messages)
        starts = np.zeros(len(messages) + 1, np.int64)
        np.cumsum([len(message) for message in messages], out=starts[1:])
        data = np.frombuffer(raw, np.uint8)
        self._room.counts[:] = 0
        batches: list[pa.RecordBatch] = []
        first, alias_seen = 0, -1
        while first < len(messages):
            n, first, why = w.walk(data, starts, first, alias_seen, self._slots, self._room)
            if n:
                batches += self._entries(raw, n, now_ns, out)
            if why == w.ALIAS:
                self._alias(messages[first])
                alias_seen = first
            elif why == w.FULL and not n:
                first += self._make_room(out)
        counts = self._room.counts
        out.updates, out.duplicates = int(counts[w.UPDATES]), int(counts[w.DUPLICATES])
        for reason, count in (("malformed", int(counts[w.MALFORMED])), ("target_error", int(counts[w.ERRORS]))):
            if count:
                out.skip(reason, count)
        out.rows = _joined(batches)
        out.facts_changed = self._leaves.take_changed()
        return out

    def _make_room(self, out: Decoded) -> int:
        """Room for a message larger than any before; 1 if it is too large for any room."""
        if len(self._room.entry) >= _MOST_ROWS:
            out.skip("too_large")
            return 1
        self._room = w.room(4 * len(self._room.entry))._replace(counts=self._room.counts)
        return 0

    def _entries(self, raw: bytes, n: int, now_ns: int, out: Decoded) -> list[pa.RecordBatch]:
        """The first ``n`` entries of the room to rows."""
        room, leaves = self._room, self._leaves
        entry, kind = room.entry[:n], room.kind[:n]
        times = sane_times(room.stamp[:n], now_ns)
        _count_times(times, kind, out)
        self._learn(raw, np.flatnonzero((entry < 0) & (kind < w.DELETE)), out)
        plain = (entry >= 0) & _PLAIN[kind]
        slow = np.flatnonzero(~plain | (self._fast[np.where(plain, entry, 0)] < 0))
        made = Made()
        if len(slow):
            self._slowly(raw, n, slow, times.stamps, now_ns, made, out)
        if leaves.renamed:
            self._refresh(out)
        fast = np.ones(n, np.bool_)
        fast[slow] = False
        out.values += n - len(slow)
        boot = leaves.records(self._host).get("system", "system", "boot_time")
        boot_ns = boot if isinstance(boot, float) else 0.0
        known = leaves.series.batch(
            self._fast[entry[fast]], times.stamps[fast], room.value[:n][fast], None, now_ns=now_ns, boot_ns=boot_ns,
            exporter=self._exporter,
        )  # fmt: skip
        other = leaves.series.batch(
            *leaves.settle(made, out.skip), now_ns=now_ns, boot_ns=boot_ns, exporter=self._exporter
        )
        self._settled(entry[slow])
        return [batch for batch in (known, other) if batch is not None]

    def _settled(self, entries: NDArray[np.int32]) -> None:
        """From the next message on, plain numbers at these nodes are fast."""
        for number in np.unique(entries[entries >= 0]).tolist():
            node = self._nodes[number]
            if self._fast[number] < 0 and self._leaves.is_plain(node):
                self._fast[number] = node.series

    def _refresh(self, out: Decoded) -> None:
        """Some nodes have other series now."""
        self._leaves.renamed = False
        for number in np.flatnonzero(self._fast[: len(self._nodes)] >= 0).tolist():
            node = self._nodes[number]
            self._fast[number] = node.series if node.series >= 0 else self._leaves.number_series(node, out.skip)

    def _learn(self, raw: bytes, unknown: NDArray[np.intp], out: Decoded) -> None:
        """Find the node of each path that was not known by its bytes."""
        room = self._room
        for i in unknown.tolist():
            if room.kind[i] == w.NO_VALUE:
                continue
            number = find(self._slots, room.key[i])
            if number < 0:
                path = self._path(raw, i, out)
                node = self._leaves.tree.node(self._host_of(path), path.elements) if path else None
                if node is None or len(self._nodes) >= self._leaves.limits.paths:
                    if path is not None:
                        out.skip("too_many_paths")
                        self._full = True
                    continue
                number = self._remember(node, room.key[i])
            room.entry[i] = number

    def _remember(self, node: Node, key: np.uint64) -> int:
        number = len(self._nodes)
        self._nodes.append(node)
        if 2 * (number + 1) > len(self._slots.key):
            larger = slots(2 * len(self._slots.key))
            grow(self._slots, larger)
            self._slots = larger
        if number >= len(self._fast):
            self._fast = np.concatenate([self._fast, np.full(len(self._fast), _SLOW, np.int32)])
        self._fast[number] = node.series if self._leaves.is_plain(node) else _SLOW
        insert(self._slots, key, number)
        return number

    def _path(self, raw: bytes, i: int, out: Decoded) -> Path | None:
        """The path of entry ``i`` in full."""
        span = self._room.spans[i].tolist()
        try:
            prefix = pb.Path.FromString(raw[span[w.PREFIX_AT] : span[w.PREFIX_AT] + span[w.PREFIX_LEN]])
            path = pb.Path.FromString(raw[span[w.PATH_AT] : span[w.PATH_AT] + span[w.PATH_LEN]])
        except DecodeError:
            out.skip("malformed_path")
            return None
        alias = wire_elements(prefix)[:1]
        return full_path(prefix, path, self._aliases.get(alias[0][0]) if alias else None)

    def _host_of(self, path: Path | None) -> str:
        by_target = path is not None and self._by_target and path.target and not path.database
        return path.target if path is not None and by_target else self._host

    def _alias(self, message: bytes) -> None:
        """A target gives one of its prefixes a name (``use_aliases``, gNMI specification before 0.8)."""
        try:
            notification = pb.SubscribeResponse.FromString(message).update
        except DecodeError:
            return
        if len(self._aliases) < self._leaves.limits.names:
            self._aliases[notification.alias] = wire_elements(notification.prefix)
        self._forget()

    def _slowly(
        self, raw: bytes, n: int, slow: NDArray[np.intp], stamps: NDArray[np.int64], now_ns: int, made: Made,
        out: Decoded,
    ) -> None:  # fmt: skip
        """What needs more than a look-up, in the order in which it came."""
        room, leaves = self._room, self._leaves
        names: dict[tuple[int, int], str] | None = None
        columns = (slow, room.kind[slow], room.entry[slow], stamps[slow], room.spans[slow, w.VALUE_AT],
                   room.spans[slow, w.VALUE_LEN])  # fmt: skip
        for i, kind, number, stamp, at, size in zip(*(column.tolist() for column in columns), strict=True):
            if kind >= w.DELETE:
                self._event(raw, i, kind, stamp, made, out)
                continue
            if kind == w.NO_VALUE:
                out.skip("no_value")
            if number < 0 or kind == w.NO_VALUE:
                continue
            node = self._nodes[number]
            match = node.match or leaves.match(node)
            if match.missing is not None:
                names = self._names(raw, n) if names is None else names
                keyed = self._keyed(node, match.missing, names.get(_notification(room, i), ""))
                if keyed is None:
                    out.skip("too_many_paths")
                    continue
                node = keyed
            content = raw[at : at + size]
            if kind == w.STRING and (known := node.numbers.get(content)) is not None:
                made.add(node, stamp, known)
                out.values += 1
                continue
            self._value(node, kind, float(room.value[i]), content, stamp, now_ns, made, out)

    def _event(self, raw: bytes, i: int, kind: int, stamp: int, made: Made, out: Decoded) -> None:
        if kind == w.SYNC:
            out.syncs += 1
            out.before_sync = min(out.before_sync, int(self._room.spans[i, w.MESSAGE]))
            return
        path = self._path(raw, i, out)
        if path is None:
            return
        if not path.elements:
            out.skip("no_path") if kind == w.DELETE else None
            return
        host = self._host_of(path)
        gone = self._leaves.withdraw(host, path.elements)
        if kind == w.DELETE:
            out.deletes += 1
            out.withdrawn += gone
            self._leaves.deleted(host, path.elements, stamp, made, out.skip)

    def _names(self, raw: bytes, n: int) -> dict[tuple[int, int], str]:
        """What the leaf ``name`` says in each notification, for paths that lack the key (Ciena sends such)."""
        room = self._room
        found: dict[tuple[int, int], str] = {}
        for i in np.flatnonzero((room.kind[:n] == w.STRING) & (room.entry[:n] >= 0)).tolist():
            if self._nodes[room.entry[i]].element[0] == "name":
                span = room.spans[i].tolist()
                text = decoded(raw[span[w.VALUE_AT] : span[w.VALUE_AT] + span[w.VALUE_LEN]])
                found[_notification(room, i)] = text.strip().strip('"')
        return found

    def _keyed(self, node: Node, missing: tuple[str, str], name: str) -> Node | None:
        """The node with the key that its path lacks; where nothing says the key, a place that no rule knows."""
        if node.by_key is None:
            node.by_key = {}
        found = node.by_key.get(name)
        if found is None:
            key = (missing[1], name or "?")
            path = [(one, (key,) if one == missing[0] and not keys else keys) for one, keys in node.elements]
            found = self._leaves.tree.node(node.host, path)
            if found is None:
                return None
            if not name:
                found.match = unmapped(node.elements)
            node.by_key[name] = found
        return found

    def _value(
        self, node: Node, kind: int, number: float, content: bytes, stamp: int, now_ns: int, made: Made, out: Decoded
    ) -> None:
        """One value, whatever its form."""
        value: Scalar
        if kind in {w.JSON, w.JSON_IETF, w.JSON_NUMBER}:
            out.values += self._leaves.json(node, content, stamp, now_ns, made, out.skip)
            return
        if kind in {w.STRING, w.ASCII}:
            value = decoded(content)
            self._leaves.learn_word(node, value, content)
        elif kind == w.BYTES:
            value = bytes_value(content, self._leaves.match(node))
        elif kind in {w.ANY, w.PROTO_BYTES}:
            out.skip("proto_bytes")
            return
        elif kind in {w.LEAF_LIST, w.OLD_VALUE}:
            self._nested(node, kind, content, stamp, now_ns, made, out)
            return
        else:
            value = bool(number) if kind == w.BOOL else number
        out.values += 1
        self._leaves.leaf(node, value, stamp, now_ns, made, out.skip, loose=kind == w.ASCII)

    def _nested(self, node: Node, kind: int, content: bytes, stamp: int, now_ns: int, made: Made, out: Decoded) -> None:
        """A leaf-list, or the message ``Value`` of gNMI before 0.4."""
        try:
            if kind == w.LEAF_LIST:
                text = list_text(array_values(pb.ScalarArray.FromString(content)))
                out.values += 1
                self._leaves.leaf(node, text, stamp, now_ns, made, out.skip)
                return
            old = pb.Value.FromString(content)
        except DecodeError:
            out.skip("malformed")
            return
        if old.type in _OLD_ENCODINGS:
            self._value(node, _OLD_ENCODINGS[old.type], 0.0, old.value, stamp, now_ns, made, out)
        else:
            out.skip("proto_bytes")


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch | None:
    if len(batches) > 1:
        join: Any = pa.concat_batches  # type: ignore[attr-defined]  # its stubs do not know it
        return cast("pa.RecordBatch", join(batches))
    return batches[0] if batches else None


def _count_times(times: Times, kind: NDArray[np.uint8], out: Decoded) -> None:
    real = kind < w.SYNC
    for reason, where in (("stamp_zero", times.zero), ("stamp_unit", times.unit), ("stamp_future", times.future)):
        if count := int((where & real).sum()):
            out.skip(reason, count)
    out.old += int((times.old & real).sum())
    out.newest_ns = max(out.newest_ns, times.newest)


def _notification(room: w.Room, i: int) -> tuple[int, int]:
    return int(room.spans[i, w.MESSAGE]), int(room.spans[i, w.PREFIX_AT])
