"""From the path of a leaf to what it becomes: metric, type, component, labels, or a fact.

Rules come from mapping files, a person's own before those of Weft; a leaf that no rule names keeps its path in snake
case as its name, so nothing is lost. Answers depend on the path alone: the caller keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from weft.decode.gnmi.paths import Element, bare, snake
from weft.decode.gnmi.rules import GroupRule, LeafRule, RuleFile, builtin_files, parse_rules
from weft.errors import ConfigError
from weft.rulefile import Text

_SEPARATOR = "\x1f"
_TOKEN = re.compile(r"\*\*|\*|<(\w+)(#?)>|[^*<]+")
_FIELD = re.compile(r"\{([^{}|]+)(?:\|(\w+))?\}")
#: Routing instances that a device has anyway; their name is no label.
_DEFAULT_INSTANCES = frozenset({"", "default", "DEFAULT", "global", "master", "*"})
#: Lists that say in which context a thing is, not which thing: list → key → label.
_CONTEXTS: Mapping[str, Mapping[str, str]] = {
    "network-instance": {"name": "vrf"}, "vrf": {"vrf-name": "vrf", "name": "vrf"},
    "protocol": {"identifier": "protocol", "name": "instance"}, "afi-safi": {"afi-safi-name": "afi_safi"},
}  # fmt: skip
#: Containers whose numbers only grow, and names within them that do not.
_COUNTING = frozenset({"counters", "statistics", "statistic", "stats", "generic-counters"})
_NOT_COUNTING = re.compile(
    r"rate|percent|utili[sz]ation|last|time|avg|average|instant|min|max|peak|watermark|occupancy|depth|interval|"
    r"bps$|pps$|speed|threshold|available|current|clear"
)
#: Names that list entries in JSON are told apart by, where no mapping file says it; the best first.
_KEY_NAMES = (
    "name", "index", "id", "identifier", "interface-name", "neighbor-address", "neighbor-id", "address", "ip", "prefix",
    "afi-safi-name", "key", "slot", "vrf-name", "queue", "queue-number", "lane-number", "seq", "sequence-id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Match:
    """What a leaf becomes. ``metric``, ``component`` and ``labels`` are filled in; ``record``/``key`` = of which thing.

    ``component_of``: name of a platform component that the inventory of the device may call an interface.
    ``missing``: a (list, key) that the rule needs and the path lacks.
    """

    metric: str = ""
    type: str = "gauge"
    component: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    labels_from: tuple[tuple[str, str], ...] = ()
    record: str = ""
    key: str = ""
    fact: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    scale: float = 1.0
    convert: str = ""
    component_of: str = ""
    missing: tuple[str, str] | None = None
    mapped: bool = True


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    needs: tuple[tuple[str, str], ...]
    group: GroupRule
    leaf: LeafRule
    values: Mapping[str, float]


@lru_cache(maxsize=4096)
def word(text: str) -> str:
    """A word of an enumeration as lists of values have it: without module prefix, upper case, ``_`` between words."""
    return re.sub(r"[\s-]+", "_", text.rpartition(":")[2].strip()).upper()


class PathMapping:
    """All rules. Immutable once made; shared by all targets."""

    def __init__(self, rule_files: Sequence[tuple[str, RuleFile]]) -> None:
        lists = {
            name: {word(text): number for text, number in numbers.items()}
            for _, one in reversed(rule_files)
            for name, numbers in one.values.items()
        }
        self._named: dict[str, list[_Rule]] = {}
        self._others: list[_Rule] = []
        self._list_keys: dict[str, list[tuple[str, ...]]] = {}
        for file, one in rule_files:
            for group in one.groups:
                self._add(file, group, lists)

    @classmethod
    def load(cls, own: Iterable[Text] = ()) -> PathMapping:
        """Weft's own files, after a user's. Raises ``ConfigError``."""
        added = [(name, parse_rules(name, text)) for name, text in own]
        return cls([*added, *_builtin()]) if added else _standard()

    def groups(self) -> list[tuple[str, str, LeafRule]]:
        """(group, pattern, leaf) of every rule, for tests and documentation."""
        rules = [rule for named in self._named.values() for rule in named] + self._others
        return [(rule.group.name, rule.pattern.pattern, rule.leaf) for rule in rules]

    def list_key(self, name: str, entry: Mapping[str, object]) -> tuple[str, ...]:
        """The members of a JSON list's entry that are its keys; none if it does not show."""
        for names in self._list_keys.get(_folded(name), ()):
            if all(key in entry for key in names):
                return names
        plain = [key for key, value in entry.items() if isinstance(value, str | int) and not isinstance(value, bool)]
        if len(plain) < len(entry) and 0 < len(plain) <= 4:  # as OpenConfig has it: keys beside config and state
            return tuple(sorted(plain))
        return next(((key,) for key in _KEY_NAMES if key in plain), tuple(plain[:1]))

    def resolve(self, elements: Sequence[Element]) -> Match:
        """What the leaf at ``elements`` becomes."""
        if not elements:
            return Match(metric="root", mapped=False)
        text = _SEPARATOR.join(name for name, _ in elements)
        for rule in (*self._named.get(_folded(elements[-1][0]), ()), *self._others):
            if found := rule.pattern.fullmatch(text):
                return _matched(rule, found.groupdict(), elements)
        return unmapped(elements)

    def _add(self, file: str, group: GroupRule, lists: Mapping[str, Mapping[str, float]]) -> None:
        for place in group.at:
            for tail, leaf in group.leaves.items():
                path = f"{place}/{tail}" if place else tail
                pattern, needs, last = _compiled(path)
                if isinstance(leaf.values, str) and leaf.values not in lists:
                    raise ConfigError(f"no list of values {leaf.values!r}", where=f"{file}: {group.name}: {tail}")
                values = lists[leaf.values] if isinstance(leaf.values, str) else leaf.values
                rule = _Rule(pattern, needs, group, leaf, {word(text): number for text, number in values.items()})
                if last is None:
                    self._others.append(rule)
                else:
                    self._named.setdefault(last, []).append(rule)
                for name, keys in _keys_of(path):
                    known = self._list_keys.setdefault(_folded(name), [])
                    if keys not in known:
                        known.append(keys)


@cache
def _builtin() -> tuple[tuple[str, RuleFile], ...]:
    return tuple((name, parse_rules(name, text)) for name, text in builtin_files())


@cache
def _standard() -> PathMapping:
    return PathMapping(_builtin())


def _folded(name: str) -> str:
    return name.replace("_", "-")


def _keys_of(path: str) -> list[tuple[str, tuple[str, ...]]]:
    found = []
    for part in path.split("/"):
        name, _, keys = part.partition("[")
        if keys:
            found.append((name, tuple(re.findall(r"[^\[\]]+", keys))))
    return found


def _compiled(path: str) -> tuple[re.Pattern[str], tuple[tuple[str, str], ...], str | None]:
    """(pattern over the names of the elements, keys needed, the last name where it is written out)."""
    needs, pattern, last = [], "", None
    parts = path.split("/")
    for i, part in enumerate(parts):
        name, _, keys = part.partition("[")
        name = name if set("*<") & set(name) else bare(name)
        needs += [(name, key) for key in re.findall(r"[^\[\]]+", keys)]
        if name == "**":
            pattern += f"(?:[^{_SEPARATOR}]+{_SEPARATOR})*"
            continue
        pattern += "".join(_piece(token) for token in _TOKEN.finditer(name))
        if i < len(parts) - 1:
            pattern += _SEPARATOR
        elif not set("*<") & set(name):
            last = _folded(name)
    return re.compile(pattern), tuple(needs), last


def _piece(token: re.Match[str]) -> str:
    if token[1]:
        return rf"(?P<{token[1]}>\d+)" if token[2] else f"(?P<{token[1]}>[^{_SEPARATOR}]+?)"
    return f"[^{_SEPARATOR}]+" if token[0] == "*" else re.sub(r"\\?-|_", "[-_]", re.escape(token[0]))


def _variables(captured: Mapping[str, str], elements: Sequence[Element]) -> dict[str, str]:
    """What texts of a rule may name: parts of names, keys as ``key`` and ``list.key``, and the leaf's name."""
    known: dict[str, str] = {}
    for name, keys in elements:
        for key, value in keys:
            known[_folded(key)] = known[f"{_folded(name)}.{_folded(key)}"] = value.strip('"')
    known["leaf"] = snake(elements[-1][0])
    return {**known, **captured}


def _vrf(text: str) -> str:
    return "" if text in _DEFAULT_INSTANCES else text


_FILTERS: Mapping[str, Callable[[str], str]] = {
    "snake": lambda text: snake(text.rpartition(":")[2]), "vrf": _vrf, "port": lambda text: text,
    "cpu": lambda text: "" if text.upper() in {"ALL", "*", ""} else text if not text.isdigit() else f"cpu{text}",
}  # fmt: skip


def _fill(template: str, known: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        text = known.get(_folded(found[1])) or known.get(found[1], "")
        return _FILTERS[found[2]](text) if found[2] else text

    return _FIELD.sub(value, template)


def _matched(rule: _Rule, captured: dict[str, str], elements: Sequence[Element]) -> Match:
    known = _variables(captured, elements)
    missing = next((need for need in rule.needs if f"{_folded(need[0])}.{_folded(need[1])}" not in known), None)
    group, leaf = rule.group, rule.leaf
    template = group.component if leaf.component is None else leaf.component
    labels = {name: _fill(text, known) for name, text in {**group.labels, **leaf.labels}.items()}
    return Match(
        metric=snake(_fill(leaf.metric, known)), type=leaf.type, component=_fill(template, known),
        labels=tuple(sorted((name, text) for name, text in labels.items() if text)),
        labels_from=tuple(sorted(group.labels_from.items())), record=group.record, key=_fill(group.key, known),
        fact=leaf.fact, values=rule.values, scale=leaf.scale, convert=leaf.convert,
        component_of=_fill(template, known) if "|port}" in template else "", missing=missing,
    )  # fmt: skip


def identity_of(elements: Sequence[Element]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """(component, labels) of a path that no rule names: its first key, and the others as labels."""
    component, labels = "", {}
    names = [key for name, keys in elements if name not in _CONTEXTS for key, _ in keys]
    for name, keys in elements:
        context = _CONTEXTS.get(name)
        for key, value in keys:
            if context is not None:
                labels[context.get(key, f"{snake(name)}_{snake(key)}")] = "" if _vrf(value) == "" else value
            elif not component:
                component = value
            else:
                labels[snake(key) if names.count(key) == 1 else f"{snake(name)}_{snake(key)}"] = value
    return component, tuple(sorted((name, value) for name, value in labels.items() if value))


def unmapped(elements: Sequence[Element]) -> Match:
    """A leaf that no rule names: its path in snake case; a counter where its container says so."""
    component, labels = identity_of(elements)
    names = [name for name, _ in elements]
    counting = any(name in _COUNTING for name in names[:-1]) and not _NOT_COUNTING.search(names[-1].lower())
    return Match(
        metric="_".join(filter(None, map(snake, names))) or "unnamed", type="counter" if counting else "gauge",
        component=component, labels=labels, mapped=False,
    )  # fmt: skip
