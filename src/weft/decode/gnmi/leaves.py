"""What a value at a place in the tree becomes: a number, a text, a fact of a record; and what a deletion takes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from weft.decode.gnmi.jsontree import JsonTree
from weft.decode.gnmi.mapping import Match, PathMapping, identity_of, word
from weft.decode.gnmi.paths import Element, path_text
from weft.decode.gnmi.records import Records, Value
from weft.decode.gnmi.series import SeriesBook
from weft.decode.gnmi.tree import Node, Tree
from weft.decode.gnmi.values import Scalar, absent, number_of, shown

_HOUR_NS = 3600 * 1_000_000_000
_MOST_WORDS = 16
_NAMING = frozenset({"transceiver", "hardware_port", "parent"})

Skip = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one target may make Weft remember."""

    names: int = 2000  # names of metrics that no mapping file knows
    series: int = 200_000
    paths: int = 400_000
    records: int = 50_000


class Made:
    """Rows in the making, one by one. Their series are settled at the end, when every label is known."""

    def __init__(self) -> None:  # lists side by side: a hundred thousand tuples would keep the garbage collector busy
        self.nodes: list[Node] = []
        self.stamps: list[int] = []
        self.values: list[float] = []
        self.texts: list[str] = []
        self.series: list[int] = []

    def add(self, node: Node, stamp: int, value: float, text: str = "", series: int = -1) -> None:
        """One row; ``series`` -1 = the node's, as it is in the end."""
        self.nodes.append(node)
        self.stamps.append(stamp)
        self.values.append(value)
        self.texts.append(text)
        self.series.append(series)


class Leaves:
    """The tree, the records and the series of one target."""

    def __init__(self, mapping: PathMapping, limits: Limits) -> None:
        self._mapping, self.limits = mapping, limits
        self._records: dict[str, Records] = {}  # by host: a gateway speaks for several devices
        self.renamed = False  # some node has another series than before
        self.clear()

    def clear(self) -> None:
        """Forget all but the records."""
        self.tree = Tree(self.limits.paths)
        self.series = SeriesBook(self.limits.series, self.limits.names)
        for host, records in self._records.items():
            for interface in records.interfaces():
                self.series.set_index(host, interface, records.index_of(interface))
        self._json = JsonTree(self.tree, self._mapping)
        self._dependent: dict[tuple[str, str, str], list[Node]] = {}  # by the record that their labels rest on
        self._ports: list[Node] = []  # nodes whose component may be another name of an interface

    def records(self, host: str) -> Records:
        """What is known of a device beside its numbers."""
        found = self._records.get(host)
        if found is None:
            found = self._records[host] = Records(self.limits.records)
        return found

    def hosts(self) -> list[str]:
        """Devices of which something is known."""
        return list(self._records)

    def take_changed(self) -> bool:
        """Whether any record is another one than at the last call."""
        changed = [records for records in self._records.values() if records.changed]
        for records in changed:
            records.changed = False
        return bool(changed)

    def match(self, node: Node) -> Match:
        """What the node becomes."""
        match = node.match
        if match is None:
            match = node.match = self._mapping.resolve(node.elements)
            if match.labels_from:
                self._dependent.setdefault((node.host, match.record, match.key), []).append(node)
            if match.component_of:
                self._ports.append(node)
        return match

    def is_plain(self, node: Node) -> bool:
        """Whether numbers at the node are rows as they are."""
        match = node.match
        return (
            node.series >= 0 and match is not None and match.missing is None
            and not match.fact and not match.values and match.type != "text"
        )  # fmt: skip

    def json(self, node: Node, content: bytes, stamp: int, now_ns: int, made: Made, skip: Skip) -> int:
        """A JSON text; returns how many leaves it has."""
        leaves = self._json.leaves(node, content)
        if leaves is None:
            skip("bad_json")
            return 0
        for leaf, value in leaves:
            self.leaf(leaf, value, stamp, now_ns, made, skip, loose=True)
        if refused := self._json.take_refused():
            skip("too_many_paths", refused)
        return len(leaves)

    def leaf(
        self, node: Node, value: Scalar, stamp: int, now_ns: int, made: Made, skip: Skip, *, loose: bool = False
    ) -> None:
        """One leaf. ``loose``: a text that looks like a number is one."""
        match = node.match or self.match(node)
        number = number_of(value, match, loose=loose) if match.metric or match.values else None
        if match.fact:
            self._fact(node, match, value, number)
        if not match.metric:
            return
        if number is not None and match.type != "text":
            made.add(node, stamp, number)
            return
        if match.mapped and match.type != "text" and absent(value):
            skip("not_there")
            return
        if match.values:
            skip("unknown_word")
        text = shown(value)
        if node.said == text and now_ns - node.said_ns < _HOUR_NS:
            return
        if node.text_series < 0:
            plain = match.type == "text" or not match.mapped
            found = self.series.number(
                match if plain else replace(match, metric=f"{match.metric}_text"), node.host, as_text=True
            )
            if isinstance(found, str):
                skip(found)
                return
            node.text_series = found
        node.said, node.said_ns = text, now_ns
        made.add(node, stamp, 0.0, text, node.text_series)

    def learn_word(self, node: Node, value: str, content: bytes) -> None:
        """Remember the number that a word stands for, where that is all there is to it."""
        match = node.match or self.match(node)
        if match.values and not match.fact and len(node.numbers) < _MOST_WORDS:
            number = match.values.get(word(value))
            if number is not None:
                node.numbers[content] = number

    def _fact(self, node: Node, match: Match, value: Scalar, number: float | None) -> None:
        said: Value = value
        if number is not None and match.type != "text":
            said = number * match.scale
        if not self.records(node.host).set(match.record, match.key, match.fact, said):
            return
        if match.record == "interface" and match.fact == "if_index":
            self.series.set_index(node.host, match.key, self.records(node.host).index_of(match.key))
        if match.record in {"interface", "component"} and match.fact in _NAMING:
            self._rename(self._ports)
        self._rename(self._dependent.get((node.host, match.record, match.key), ()))

    def _rename(self, nodes: Sequence[Node]) -> None:
        """Labels or components of these rest on what has just changed: their next rows are of other series."""
        for node in nodes:
            if node.series >= 0:
                node.series = -1
                self.renamed = True

    def settle(
        self, made: Made, skip: Skip
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float64], list[str]]:
        """(series, stamps, values, texts) of the rows made; series -1 where there is no room for one."""
        series = [
            number if number >= 0 else node.series if node.series >= 0 else self.number_series(node, skip)
            for node, number in zip(made.nodes, made.series, strict=True)
        ]
        stamps, values = np.array(made.stamps, np.int64), np.array(made.values, np.float64)
        return np.array(series, np.int32), stamps, values, made.texts

    def number_series(self, node: Node, skip: Skip) -> int:
        """The series of a node's numbers; -1 where there is no room for it."""
        found = self.series.number(self._rendered(self.match(node), self.records(node.host)), node.host, as_text=False)
        if isinstance(found, str):
            skip(found)
            return -1
        node.series = found
        return found

    def _rendered(self, match: Match, records: Records) -> Match:
        """The match with what other leaves say put in."""
        if not match.labels_from and not match.component_of:
            return match
        labels = dict(match.labels)
        for label, attribute in match.labels_from:
            value = records.get(match.record, match.key, attribute)
            if value is not None:
                labels[label] = shown(value)
        component = records.port_of(match.component_of) if match.component_of else match.component
        return replace(match, component=component, labels=tuple(sorted(labels.items())))

    def withdraw(self, host: str, elements: Sequence[Element]) -> int:
        """A part of the tree is gone; returns how many leaves had said something."""
        gone = 0
        for top in self.tree.matching(host, elements):
            for node in top.below():
                match = node.match
                if match is None:
                    continue
                gone += 1
                if match.fact:
                    self.records(host).drop(match.record, match.key, match.fact)
                node.said, node.said_ns = None, 0
        return gone

    def deleted(self, host: str, elements: Sequence[Element], stamp: int, made: Made, skip: Skip) -> None:
        """A row that says so: metric ``deleted``, with the path as its text."""
        node = self.tree.node(host, elements)
        if node is None:
            skip("too_many_paths")
            return
        component, labels = identity_of(elements)
        found = self.series.number(Match("deleted", "text", component, labels), host, as_text=True)
        if isinstance(found, str):
            skip(found)
        else:
            made.add(node, stamp, 0.0, path_text(elements), found)
