"""What every source says now, in memory: tells what a new word of a source changes, so that only that is written.

Must do no I/O; the clock is passed in.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from sys import intern
from typing import Any

from weft.errors import InvalidInput
from weft.model.inventory import MANUAL_ORIGINS, Fact, ObjectKind, key_of, key_text
from weft.store.inventory.statements import Statement, clean
from weft.store.state.facts import FactChanges, FactVersion

#: More versions of one fact than this in a day are one version that is rewritten: a source passes on something that
#: changes with every look.
MOST_VERSIONS_A_DAY = 24
_DAY_S = 86_400.0
_KINDS = frozenset(kind.value for kind in ObjectKind)

_Name = tuple[ObjectKind, tuple[str, ...]]
Scope = tuple[str, str]


@dataclass(slots=True)
class _Held:
    statement: Statement
    since_s: float
    seen_s: float
    day_s: float = 0.0  # when counting its versions began
    versions: int = 0


@dataclass(slots=True)
class _Scope:
    facts: dict[_Name, _Held] = field(default_factory=dict)
    seen_s: float = 0.0


class Ledger:
    """The facts in force. Not for several threads at once."""

    def __init__(self, most: int, most_per_scope: int) -> None:
        self._most, self._most_per_scope = most, most_per_scope
        self._scopes: dict[Scope, _Scope] = {}
        self._numbers = count(1)
        self._held: Counter[str] = Counter()  # by origin
        self.refused: Counter[tuple[str, str]] = Counter()  # (origin, reason) → facts

    def load(self, versions: Iterable[FactVersion], seen: Mapping[Scope, float], keep: Iterable[Scope] = ()) -> None:
        """Take over what is stored, but for the scopes in ``keep``."""
        kept = {scope: self._scopes[scope] for scope in keep if scope in self._scopes}
        self._scopes = dict(kept)
        for one in versions:
            if one.kind not in _KINDS or (one.origin, one.scope) in kept:
                continue
            scope = self._scopes.setdefault((one.origin, one.scope), _Scope())
            scope.seen_s = max(scope.seen_s, seen.get((one.origin, one.scope), one.valid_from))
            statement = self._statement(one)
            scope.facts[statement.kind, statement.key] = _Held(statement, one.valid_from, scope.seen_s)
        self._held = Counter()
        for (origin, _), scope in self._scopes.items():
            self._held[origin] += len(scope.facts)

    def _statement(self, one: FactVersion) -> Statement:
        kind, key = ObjectKind(one.kind), key_of(one.key)
        attributes = {intern(name): value for name, value in one.attributes.items()}
        return Statement(
            next(self._numbers), one.origin, one.scope, kind, key, attributes, one.first_seen, one.valid_from
        )

    def take(
        self, origin: str, scope: str, facts: Sequence[Fact], *, complete: bool, now_s: float, changes: FactChanges
    ) -> bool:
        """Take what a source says now; what that changes is added to ``changes``. True where anything did."""
        held = self._scopes.setdefault((origin, scope), _Scope())
        held.seen_s = now_s
        changes.seen[origin, scope] = now_s
        said: set[_Name] = set()
        changed = False
        for fact in facts:
            try:
                one = clean(fact)
            except (InvalidInput, ValueError, TypeError, AttributeError):
                self.refused[origin, "bad_key"] += 1
                continue
            name = (one.kind, one.key)
            if name in said:
                self.refused[origin, "said_twice"] += 1
                continue
            said.add(name)
            changed |= self._put(origin, scope, held, one, now_s, changes)
        if complete:
            for name in [name for name in held.facts if name not in said]:
                self._withdraw(origin, scope, held, name, now_s, changes)
                changed = True
        if not held.facts:
            del self._scopes[origin, scope]
        return changed

    def _put(self, origin: str, scope: str, held: _Scope, fact: Fact, now_s: float, changes: FactChanges) -> bool:
        name = (fact.kind, fact.key)
        last = held.facts.get(name)
        if last is None:
            if self._held[origin] >= self._most or len(held.facts) >= self._most_per_scope:
                self.refused[origin, "too_many"] += 1
                return False
            self._held[origin] += 1
            held.facts[name] = self._new(origin, scope, fact, now_s, now_s, changes)
            return True
        last.seen_s = now_s
        if last.statement.attributes == fact.attributes:
            return False
        key = key_text(fact.key)
        first_s = last.statement.first_s
        if now_s - last.day_s >= _DAY_S:
            last.day_s, last.versions = now_s, 0
        last.versions += 1
        if last.versions > MOST_VERSIONS_A_DAY or last.since_s >= now_s:
            statement = self._made(origin, scope, fact, first_s, now_s)
            last.statement = statement
            changes.rewrite((origin, scope, fact.kind.value, key), fact.attributes)
            self.refused[origin, "too_many_versions"] += last.versions > MOST_VERSIONS_A_DAY
            return True
        changes.end((origin, scope, fact.kind.value, key), now_s)
        new = self._new(origin, scope, fact, first_s, now_s, changes)
        new.day_s, new.versions = last.day_s, last.versions
        held.facts[name] = new
        return True

    def _new(self, origin: str, scope: str, fact: Fact, first_s: float, now_s: float, changes: FactChanges) -> _Held:
        version = FactVersion(origin, scope, fact.kind.value, key_text(fact.key), fact.attributes, first_s, now_s)
        changes.add(version)
        return _Held(self._made(origin, scope, fact, first_s, now_s), now_s, now_s)

    def _made(self, origin: str, scope: str, fact: Fact, first_s: float, now_s: float) -> Statement:
        return Statement(next(self._numbers), origin, scope, fact.kind, fact.key, fact.attributes, first_s, now_s)

    def _withdraw(self, origin: str, scope: str, held: _Scope, name: _Name, now_s: float, changes: FactChanges) -> None:
        del held.facts[name]
        self._held[origin] -= 1
        changes.end((origin, scope, name[0].value, key_text(name[1])), now_s)

    def expire(self, before_s: float, now_s: float, changes: FactChanges) -> bool:
        """Withdraw what was discovered and not seen since ``before_s``. True where anything was."""
        changed = False
        for (origin, scope), held in list(self._scopes.items()):
            if origin in MANUAL_ORIGINS:
                continue
            for name in [name for name, one in held.facts.items() if one.seen_s < before_s]:
                self._withdraw(origin, scope, held, name, now_s, changes)
                changed = True
            if not held.facts:
                del self._scopes[origin, scope]
        return changed

    def statements(self) -> Iterator[Statement]:
        """Everything that is said now."""
        for scope in self._scopes.values():
            for held in scope.facts.values():
                yield held.statement

    def versions(self) -> dict[tuple[str, str, str, str], FactVersion]:
        """The same as it should be stored."""
        found = {}
        for held in (held for scope in self._scopes.values() for held in scope.facts.values()):
            s = held.statement
            one = FactVersion(s.origin, s.scope, s.kind.value, key_text(s.key), s.attributes, s.first_s, held.since_s)
            found[one.name] = one
        return found

    def scopes(self, origin: str) -> list[str]:
        """What a source speaks about."""
        return [scope for one, scope in self._scopes if one == origin]

    def seen(self, facts: Iterable[tuple[str, str, tuple[str, ...]]], kind: ObjectKind) -> float:
        """When a source last stated one of these; 0 = never."""
        latest = 0.0
        for origin, scope, key in facts:
            held = self._scopes.get((origin, scope))
            one = held.facts.get((kind, key)) if held is not None else None
            if one is not None:
                latest = max(latest, one.seen_s)
        return latest

    def attributes(self, kind: ObjectKind, source: tuple[str, str, tuple[str, ...]]) -> tuple[Mapping[str, Any], float]:
        """What a source says in one fact, and since when; nothing where it does not."""
        held = self._scopes.get(source[:2])
        one = held.facts.get((kind, source[2])) if held is not None else None
        return (one.statement.attributes, one.since_s) if one is not None else ({}, 0.0)

    def counts(self) -> dict[str, int]:
        """Facts held, by origin."""
        totals: dict[str, int] = defaultdict(int)
        for (origin, _), scope in self._scopes.items():
            totals[origin] += len(scope.facts)
        return dict(totals)
