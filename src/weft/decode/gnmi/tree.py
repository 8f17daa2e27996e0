"""The part of a target's tree that it has spoken of: what each place in it became, and what it said last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weft.decode.gnmi.mapping import Match
from weft.decode.gnmi.paths import Element


class Node:
    """One place in the tree. ``match`` is found when the first value comes."""

    __slots__ = (
        "by_key", "children", "element", "host", "match", "members", "numbers", "parent", "said", "said_ns",
        "series", "text_series",
    )  # fmt: skip

    def __init__(self, element: Element, parent: Node | None, host: str) -> None:
        self.element, self.parent, self.host = element, parent, host
        self.children: dict[Element, Node] = {}
        self.members: dict[str, Node] | None = None  # members of JSON objects, as they are spelled
        self.by_key: dict[str, Node] | None = None  # for a path without its key: the node by the key's value
        self.match: Match | None = None
        self.numbers: dict[bytes, float] = {}  # what the words that it has said stand for
        self.series = -1  # of its numbers; -1 = not known yet, -2 = none
        self.text_series = -1  # of its texts
        self.said: object = None  # the last text or attribute
        self.said_ns = 0

    @property
    def elements(self) -> tuple[Element, ...]:
        """The whole path."""
        found: list[Element] = []
        node: Node = self
        while node.parent is not None:
            found.append(node.element)
            node = node.parent
        return tuple(reversed(found))

    def below(self) -> Iterator[Node]:
        """This node and all below it."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            todo += node.children.values()


class Tree:
    """All nodes of a target, bounded."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._roots: dict[str, Node] = {}
        self.count = 0

    def node(self, host: str, elements: Sequence[Element]) -> Node | None:
        """The node of a path; none where there is no room for it."""
        root = self._roots.get(host)
        if root is None:
            root = self._roots[host] = Node(("", ()), None, host)
        node: Node | None = root
        for element in elements:
            if node is None:
                return None
            node = self.child(node, element)
        return node

    def child(self, node: Node, element: Element) -> Node | None:
        """The node below ``node``; none where there is no room for it."""
        found = node.children.get(element)
        if found is None:
            if self.count >= self._most:
                return None
            self.count += 1
            found = node.children[element] = Node(element, node, node.host)
        return found

    def matching(self, host: str, elements: Sequence[Element]) -> list[Node]:
        """Nodes of a path in which a key may be ``*`` or missing, and a name ``*``."""
        root = self._roots.get(host)
        found = [root] if root is not None else []
        for element in elements:
            found = [child for node in found for child in _chosen(node, element)]
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._roots.clear()
        self.count = 0


def _chosen(node: Node, element: Element) -> Iterator[Node]:
    exact = node.children.get(element)
    if exact is not None:
        yield exact
        return
    name, keys = element
    wanted = {key: value for key, value in keys if value != "*"}
    for (other, other_keys), child in node.children.items():
        if name in {other, "*", "..."} and wanted.items() <= dict(other_keys).items():
            yield child
