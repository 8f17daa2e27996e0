"""Inventory facts in the state store: each version with the time that it held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.orm import Session

from weft.store.state.models import FactRecord, ScopeRecord
from weft.store.state.store import StateStore

_AT_ONCE = 5000
_TERMS = 400  # of one condition: databases bound the parameters of a statement

#: What names a fact: origin, scope, kind, key as text.
FactName = tuple[str, str, str, str]


@dataclass(slots=True)
class FactVersion:
    """What a source said of an object from ``valid_from`` until ``valid_to`` (None: until now), UTC seconds."""

    origin: str
    scope: str
    kind: str
    key: str
    attributes: Mapping[str, Any]
    first_seen: float
    valid_from: float
    valid_to: float | None = None
    id: int = 0

    @property
    def name(self) -> FactName:
        """What names the fact."""
        return self.origin, self.scope, self.kind, self.key


class FactChanges:
    """What is to be written, in one transaction: versions rewritten, then those that end, then new ones.

    Several changes of one fact that were not written yet come out as one.
    """

    def __init__(self) -> None:
        self.ended: dict[FactName, float] = {}
        self.rewritten: dict[FactName, Mapping[str, Any]] = {}
        self.new: dict[FactName, FactVersion] = {}
        self.past: list[FactVersion] = []  # began and ended without being written
        self.seen: dict[tuple[str, str], float] = {}

    def __bool__(self) -> bool:
        return bool(self.ended or self.rewritten or self.new or self.past or self.seen)

    def __len__(self) -> int:
        return len(self.ended) + len(self.rewritten) + len(self.new) + len(self.past)

    def end(self, name: FactName, moment: float) -> None:
        """A version is over."""
        unwritten = self.new.pop(name, None)
        if unwritten is None:
            self.ended[name] = moment
        elif moment > unwritten.valid_from:
            unwritten.valid_to = moment
            self.past.append(unwritten)

    def rewrite(self, name: FactName, attributes: Mapping[str, Any]) -> None:
        """A version holds something else."""
        if name in self.new:
            self.new[name].attributes = attributes
        else:
            self.rewritten[name] = attributes

    def add(self, version: FactVersion) -> None:
        """A version begins; what held before must have ended."""
        self.new[version.name] = version


#: In the order of ``FactVersion``: a hundred thousand of them are read at a start, and plain rows cost a third of
#: mapped objects.
_COLUMNS = (
    FactRecord.origin, FactRecord.scope, FactRecord.kind, FactRecord.key, FactRecord.attributes, FactRecord.first_seen,
    FactRecord.valid_from, FactRecord.valid_to, FactRecord.id,
)  # fmt: skip


class FactStore:
    """Reads and writes versions of facts. Raises ``StoreUnavailable`` while the database is away."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    def current(self) -> Iterator[FactVersion]:
        """What all sources say now."""
        yield from self._versions(FactRecord.valid_to.is_(None))

    def at(self, moment: float) -> Iterator[FactVersion]:
        """What all sources said at a moment (UTC seconds)."""
        ended = or_(FactRecord.valid_to.is_(None), FactRecord.valid_to > moment)
        yield from self._versions((FactRecord.valid_from <= moment) & ended)

    def history(
        self, kind: str, keys: Iterable[str], names: Iterable[FactName] = (), most: int = 1000
    ) -> list[FactVersion]:
        """Versions of facts of ``kind`` with one of ``keys``, and of those with ``names``; newest first."""
        wanted: list[ColumnElement[bool]] = []
        folded = sorted(set(keys))[:_TERMS]
        if folded:
            wanted.append((FactRecord.kind == kind) & FactRecord.key.in_(folded))
        named = sorted(set(names))[: _TERMS // 4]
        if named:
            columns = tuple_(FactRecord.origin, FactRecord.scope, FactRecord.kind, FactRecord.key)
            wanted.append(columns.in_(named))
        if not wanted:
            return []
        query = select(FactRecord).where(or_(*wanted)).order_by(FactRecord.valid_from.desc(), FactRecord.id.desc())
        with self._state.reading() as session:
            return [_version(record) for record in session.scalars(query.limit(most))]

    def changed(self, since: float, until: float, most: int = 1000) -> list[FactVersion]:
        """Versions that began or ended in a time, newest first."""
        began = (FactRecord.valid_from >= since) & (FactRecord.valid_from < until)
        ended = (FactRecord.valid_to >= since) & (FactRecord.valid_to < until)
        query = select(FactRecord).where(or_(began, ended))
        query = query.order_by(func.coalesce(FactRecord.valid_to, FactRecord.valid_from).desc(), FactRecord.id.desc())
        with self._state.reading() as session:
            return [_version(record) for record in session.scalars(query.limit(most))]

    def scopes(self) -> dict[tuple[str, str], float]:
        """When each source was last heard about each part of the network."""
        with self._state.reading() as session:
            return {(one.origin, one.scope): one.seen for one in session.scalars(select(ScopeRecord))}

    def mark(self) -> tuple[int, int]:
        """Differs when what sources say now may differ."""
        query = select(func.coalesce(func.max(FactRecord.id), 0), func.count(FactRecord.valid_to))
        with self._state.reading() as session:
            newest, ended = session.execute(query).one()
            return int(newest), int(ended)

    def last_change(self, moment: float) -> float:
        """When what sources said changed last before a moment; 0 = never."""
        began = select(func.max(FactRecord.valid_from)).where(FactRecord.valid_from <= moment)
        ended = select(func.max(FactRecord.valid_to)).where(FactRecord.valid_to <= moment)
        with self._state.reading() as session:
            return max(session.scalar(began) or 0.0, session.scalar(ended) or 0.0)

    def write(self, changes: FactChanges) -> None:
        """Write all of it, or nothing."""
        with self._state.writing() as session:
            for name, attributes in changes.rewritten.items():
                session.execute(update(FactRecord).where(_is_current(name)).values(attributes=dict(attributes)))
            for name, moment in changes.ended.items():
                session.execute(update(FactRecord).where(_is_current(name)).values(valid_to=moment))
            new = [*changes.past, *changes.new.values()]
            for start in range(0, len(new), _AT_ONCE):
                session.execute(insert(FactRecord), [_row(one) for one in new[start : start + _AT_ONCE]])
            self._touch(session, changes.seen)

    def forget(self, before: float) -> int:
        """Delete versions that ended before a moment; returns how many."""
        with self._state.writing() as session:
            result: Any = session.execute(delete(FactRecord).where(FactRecord.valid_to < before))
            return int(result.rowcount)

    @staticmethod
    def _touch(session: Session, seen: Mapping[tuple[str, str], float]) -> None:
        for (origin, scope), moment in seen.items():
            known = (ScopeRecord.origin == origin) & (ScopeRecord.scope == scope)
            result: Any = session.execute(update(ScopeRecord).where(known).values(seen=moment))
            if not result.rowcount:
                session.execute(insert(ScopeRecord).values(origin=origin, scope=scope, seen=moment))

    def _versions(self, condition: ColumnElement[bool]) -> Iterator[FactVersion]:
        last = 0
        while True:  # in pages, each a transaction of its own: whoever reads slowly holds nothing
            page = select(*_COLUMNS).where(condition & (FactRecord.id > last)).order_by(FactRecord.id).limit(_AT_ONCE)
            with self._state.reading() as session:
                found: Sequence[FactVersion] = [FactVersion(*row) for row in session.execute(page)]
            yield from found
            if len(found) < _AT_ONCE:
                return
            last = found[-1].id


def _is_current(name: FactName) -> ColumnElement[bool]:
    origin, scope, kind, key = name
    return (
        (FactRecord.kind == kind) & (FactRecord.key == key) & (FactRecord.origin == origin)
        & (FactRecord.scope == scope) & FactRecord.valid_to.is_(None)
    )  # fmt: skip


def _row(one: FactVersion) -> dict[str, Any]:
    return {
        "origin": one.origin, "scope": one.scope, "kind": one.kind, "key": one.key, "attributes": dict(one.attributes),
        "first_seen": one.first_seen, "valid_from": one.valid_from, "valid_to": one.valid_to,
    }  # fmt: skip


def _version(record: FactRecord) -> FactVersion:
    return FactVersion(
        record.origin, record.scope, record.kind, record.key, record.attributes, record.first_seen, record.valid_from,
        record.valid_to, record.id,
    )  # fmt: skip
