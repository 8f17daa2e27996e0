"""The table of rules: from a message's program, id and text to what happened.

Rules are chosen by message id and program first, which is remembered; of those left, each has a word that its text must
hold, so few regular expressions are tried on a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

Value = str | int | float | bool | None
#: A group by its number, and what to do with its text.
Group = tuple[int, Callable[[str], Value] | None]
#: Texts and groups, one after the other.
Parts = tuple[str | Group, ...]

_LONGEST_TEXT = 4096
_MOST_REMEMBERED = 8192
_SEVERITY = re.compile(r"-+[0-7]-|/[0-7]/")


def plain_id(message_id: str) -> str:
    """A message id without its severity: ``LINK-3-UPDOWN`` and ``LINK-5-UPDOWN`` are ``LINK-UPDOWN``."""
    return _SEVERITY.sub(lambda found: found[0][0], message_id, count=1)


@dataclass(frozen=True, slots=True)
class Change:
    """What a rule says of a change of configuration: groups of its author and its title's parts."""

    author: Parts
    title: Parts


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, compiled. ``fields``: names and values; ``words``: each text that matches holds one of them."""

    name: str  # file and event, for people
    event: str
    os: str
    ids: tuple[str, ...]
    programs: tuple[str, ...]
    pattern: re.Pattern[str] | None
    anywhere: bool
    words: tuple[str, ...]
    component: Parts
    process: Parts
    fields: tuple[tuple[Parts, Value | Group], ...]
    severity: int | None
    change: Change | None
    rank: int = 0

    def takes(self, program: str, message_id: str) -> bool:
        """Whether the rule is for such messages at all."""
        if self.ids and not any(fnmatchcase(message_id, one) for one in self.ids):
            return False
        return not self.programs or any(fnmatchcase(program, one) for one in self.programs)


@dataclass(slots=True)
class Found:
    """What a rule read."""

    rule: Rule
    match: re.Match[str] | None

    @property
    def component(self) -> str:
        """What part of the device it is about."""
        return joined(self.rule.component, self.match)

    @property
    def process(self) -> str:
        """Process that it is about, where the text names one."""
        return joined(self.rule.process, self.match)

    def fields(self) -> dict[str, Value]:
        """Names (OpenConfig paths; keys in brackets) and values."""
        out: dict[str, Value] = {}
        match = self.match
        for path, value in self.rule.fields:
            if type(value) is tuple:
                text = match[value[0]] if match is not None else None
                if text is not None:
                    out[joined(path, match)] = value[1](text) if value[1] is not None else text
            else:
                out[joined(path, match)] = value  # type: ignore[assignment]
        return out


def joined(parts: Parts, match: re.Match[str] | None) -> str:
    """Texts and groups one after the other; a group that is not there is empty."""
    out = ""
    for part in parts:
        if isinstance(part, str):
            out += part
        elif match is not None:
            text = match[part[0]]
            if text:
                out += text if part[1] is None else str(part[1](text))
    return out


#: A rule as it is tried: a text that a message must hold (or one of the others), what finds it, and the rule.
_Try = tuple[str, tuple[str, ...], Callable[[str, int, int], re.Match[str] | None] | None, Rule]


def _try(rule: Rule) -> _Try:
    find = None if rule.pattern is None else rule.pattern.search if rule.anywhere else rule.pattern.match
    return rule.words[0], rule.words[1:], find, rule


@dataclass
class RuleTable:
    """Rules in the order in which they are tried."""

    rules: Sequence[Rule]
    _remembered: dict[tuple[str, str], tuple[_Try, ...]] = field(default_factory=dict)

    def match(self, program: str, message_id: str, text: str, at: int) -> Found | None:
        """The first rule that takes the message whose text begins at ``at``."""
        rules = self._remembered.get((program, message_id))
        if rules is None:
            rules = self._candidates(program, message_id)
        if not rules:
            return None
        for word, others, find, rule in rules:
            if word in text or (others and any(other in text for other in others)):
                if find is None:
                    return Found(rule, None)
                match = find(text, at, at + _LONGEST_TEXT)
                if match is not None:
                    return Found(rule, match)
        return None

    def _candidates(self, program: str, message_id: str) -> tuple[_Try, ...]:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        plain, last = plain_id(message_id), program.rpartition("#")[2]
        taken = tuple(_try(rule) for rule in self.rules if rule.takes(last, plain))
        self._remembered[program, message_id] = taken
        return taken

    def events(self) -> Mapping[str, Sequence[Rule]]:
        """Rules by the event that they tell."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            found.setdefault(rule.event, []).append(rule)
        return found


def nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as a tree: ``interfaces/interface[Gi0/1]/state/oper_status`` → ``{"interfaces": {"interface": …}}``."""
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        *path, last = _steps(name)
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node[last] = value
    return tree


_STEP = re.compile(r"\[((?:[^\]\\]|\\.)*)\]|([^/\[\]]+)")


def _steps(name: str) -> list[str]:
    steps = [found[2] if found[2] is not None else re.sub(r"\\(.)", r"\1", found[1]) for found in _STEP.finditer(name)]
    return steps or [name]


def key(text: str) -> str:
    """A key as it stands between brackets."""
    return text.replace("\\", "\\\\").replace("]", "\\]") if "]" in text or "\\" in text else text
