"""Agents and synthetic tests in the state store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select, update

from weft.store.state.models import AgentRecord, SyntheticTestRecord
from weft.store.state.store import StateStore


class SyntheticsStore:
    """Reads and writes them. Raises ``StoreUnavailable`` while the database is away."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    # Agents.

    def agents(self) -> Sequence[AgentRecord]:
        """Every agent, by name."""
        with self._state.reading() as session:
            return session.scalars(select(AgentRecord).order_by(AgentRecord.name)).all()

    def put_agent(self, name: str, digest: str, detail: Mapping[str, Any]) -> AgentRecord:
        """Add an agent, or give one that is known a new key."""
        now = time.time()
        with self._state.writing() as session:
            record = session.get(AgentRecord, name)
            if record is None:
                record = AgentRecord(name=name, digest=digest, detail=dict(detail), registered=now, seen=now)
                session.add(record)
            else:
                record.digest, record.detail, record.seen = digest, dict(detail), now
        return record

    def touch_agent(self, name: str, seen: float) -> None:
        """Remember when an agent was heard."""
        with self._state.writing() as session:
            session.execute(update(AgentRecord).where(AgentRecord.name == name).values(seen=seen))

    def delete_agent(self, name: str) -> bool:
        """Forget an agent; its key is worth nothing from now on."""
        with self._state.writing() as session:
            result: Any = session.execute(delete(AgentRecord).where(AgentRecord.name == name))
            return bool(result.rowcount)

    # Tests.

    def tests(self) -> Sequence[SyntheticTestRecord]:
        """Every test that people defined, by name."""
        with self._state.reading() as session:
            return session.scalars(select(SyntheticTestRecord).order_by(SyntheticTestRecord.name)).all()

    def put_test(self, name: str, definition: Mapping[str, Any], author: str, before: str = "") -> SyntheticTestRecord:
        """Add a test, or replace the one of that name; ``before`` is the name it had, where it is renamed."""
        now = time.time()
        with self._state.writing() as session:
            created = now
            if before and before != name:
                old = session.get(SyntheticTestRecord, before)
                if old is not None:
                    created = old.created
                    session.delete(old)
                    session.flush()
            record = session.get(SyntheticTestRecord, name)
            if record is None:
                record = SyntheticTestRecord(
                    name=name, definition=dict(definition), author=author[:200], created=created, updated=now
                )
                session.add(record)
            else:
                record.definition, record.author, record.updated = dict(definition), author[:200], now
        return record

    def delete_test(self, name: str) -> bool:
        """Forget a test; what it measured stays."""
        with self._state.writing() as session:
            result: Any = session.execute(delete(SyntheticTestRecord).where(SyntheticTestRecord.name == name))
            return bool(result.rowcount)
