"""Templates of messages, mined as they come: Drain (He, Zhu, Zheng and Lyu, ICWS 2017), with bounded memory.

A tree of fixed depth leads by a message's number of words and its first words to a few templates; the most similar one
takes the message if enough words agree, and words that differ become
``<*>``, but never those that say opposites (up, down). Variable parts are masked before (see
``masking``), so that the first words are stable. Templates that were not met for longest give way.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from weft.decode.syslog.masking import WILDCARD

_MOST_WORDS = 64  # of a message; what follows is one wildcard
_LONGEST_TEMPLATE = 512
#: Words in which two messages must not differ to be the same: what they say is what matters.
_STATES = frozenset(
    [
        "up",
        "down",
        "on",
        "off",
        "ok",
        "good",
        "bad",
        "fail",
        "failed",
        "failure",
        "failing",
        "success",
        "successful",
        "succeeded",
        "active",
        "standby",
        "passive",
        "enabled",
        "disabled",
        "enable",
        "disable",
        "established",
        "idle",
        "full",
        "init",
        "loading",
        "lost",
        "restored",
        "cleared",
        "set",
        "raised",
        "added",
        "removed",
        "online",
        "offline",
        "opened",
        "closed",
        "accepted",
        "denied",
        "permitted",
        "permit",
        "deny",
        "allowed",
        "blocked",
        "rejected",
        "connected",
        "disconnected",
        "started",
        "stopped",
        "entered",
        "left",
        "joined",
        "invalid",
        "master",
        "backup",
        "forwarding",
        "discarding",
        "learning",
        "blocking",
        "reachable",
        "unreachable",
        "synchronized",
        "synchronised",
        "unsynchronized",
        "unsynchronised",
        "high",
        "low",
    ]
)


@dataclass(eq=False, slots=True)
class Template:
    """Words that messages have in common. ``text`` is what is shown."""

    number: int
    words: list[str]
    count: int = 0
    text: str = ""
    is_alive: bool = True

    def __post_init__(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Words changed."""
        self.text = " ".join(self.words)[:_LONGEST_TEMPLATE]


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    templates: list[Template] = field(default_factory=list)


class TemplateMiner:
    """Mines templates. The same messages in the same order give the same templates.

    ``most``: templates kept; ``depth``: words that lead through the tree; ``similarity``: share of words that must
    agree; ``children``: different words told apart at a node.
    """

    def __init__(self, *, most: int = 5000, depth: int = 2, similarity: float = 0.5, children: int = 64) -> None:
        self._most, self._depth, self._similarity, self._children = most, depth, similarity, children
        self._roots: dict[int, _Node] = {}
        self._templates: OrderedDict[int, Template] = OrderedDict()  # least recently met first
        self._next = 1

    def __len__(self) -> int:
        return len(self._templates)

    def mine(self, masked: str) -> Template:
        """The template of a masked message, which it may change."""
        words = masked.split(" ")
        if len(words) > _MOST_WORDS:
            words = [*words[: _MOST_WORDS - 1], WILDCARD]
        leaf = self._leaf(words)
        best, agreeing = None, -1.0
        for template in leaf.templates:
            if template.words == words:
                best, agreeing = template, 1.0
                break
            share, wildcards = _agreement(template.words, words)
            if share + wildcards / 1e6 > agreeing:
                best, agreeing = template, share + wildcards / 1e6
        if best is None or agreeing < self._similarity:
            best = self._add(leaf, words)
        elif best.words != words:
            merged = [a if a == b else WILDCARD for a, b in zip(best.words, words, strict=True)]
            if merged != best.words:
                best.words = merged
                best.refresh()
        self.met(best)
        return best

    def met(self, template: Template, count: int = 1) -> None:
        """The template's messages came again."""
        template.count += count
        if template.is_alive:
            self._templates.move_to_end(template.number)

    def templates(self) -> list[Template]:
        """All, least recently met first."""
        return list(self._templates.values())

    def state(self) -> list[list[object]]:
        """What a new miner needs to go on, as JSON can hold it."""
        return [[template.count, *template.words] for template in self._templates.values()]

    def restore(self, state: Iterable[Sequence[object]]) -> None:
        """Go on from ``state()`` of another miner. What is no state of one is left out."""
        for entry in state:
            if not isinstance(entry, list | tuple) or len(entry) < 2 or not isinstance(entry[0], int):
                continue
            words = [word for word in entry[1:] if isinstance(word, str)]
            if len(words) == len(entry) - 1 <= _MOST_WORDS:
                self._add(self._leaf(words), words).count = entry[0]

    def _leaf(self, words: Sequence[str]) -> _Node:
        node = self._roots.setdefault(len(words), _Node())
        for word in words[: self._depth]:
            key = WILDCARD if WILDCARD in word else word
            child = node.children.get(key)
            if child is None:
                if len(node.children) >= self._children:
                    key = WILDCARD
                child = node.children.setdefault(key, _Node())
            node = child
        return node

    def _add(self, leaf: _Node, words: list[str]) -> Template:
        template = Template(self._next, list(words))
        self._next += 1
        leaf.templates.append(template)
        self._templates[template.number] = template
        if len(self._templates) > self._most:
            self._forget()
        return template

    def _forget(self) -> None:
        """Drop the template not met for longest, and the branch of the tree that only it had."""
        _, oldest = self._templates.popitem(last=False)
        oldest.is_alive = False
        root = self._roots[len(oldest.words)]
        if not _remove(root, oldest):
            del self._roots[len(oldest.words)]


def _remove(node: _Node, template: Template) -> bool:
    """Take the template out of the tree below ``node``; whether anything is left there."""
    if template in node.templates:
        node.templates.remove(template)
        return bool(node.templates or node.children)
    for key, child in list(node.children.items()):
        if _holds(child, template):
            if not _remove(child, template):
                del node.children[key]
            break
    return bool(node.templates or node.children)


def _holds(node: _Node, template: Template) -> bool:
    return template in node.templates or any(_holds(child, template) for child in node.children.values())


def _agreement(template: Sequence[str], words: Sequence[str]) -> tuple[float, int]:
    """Share of words that agree (a wildcard agrees with nothing), and the number of wildcards.

    −1 where one says the opposite of the other.
    """
    same = wildcards = 0
    for a, b in zip(template, words, strict=True):
        if a == WILDCARD:
            wildcards += 1
        elif a == b:
            same += 1
        elif a.strip(".:!").lower() in _STATES and b.strip(".:!").lower() in _STATES:
            return -1.0, 0
    return same / len(template) if template else 1.0, wildcards
