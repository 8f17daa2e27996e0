"""The tables of the state store. Times are UTC seconds."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, MetaData, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: Names by rule, so that a migration can drop a constraint on every database.
_NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


_BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER key


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {dict[str, Any]: JSON}  # noqa: RUF012  # read by SQLAlchemy when the class is made


class User(Base):
    """A person. ``password_hash`` is made by the API (argon2)."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(String(300))
    role: Mapped[str] = mapped_column(String(20))
    created: Mapped[float]


class Session(Base):
    """A login; ``digest`` is of its cookie."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(String(100), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created: Mapped[float]
    used: Mapped[float]
    expires: Mapped[float]


class Token(Base):
    """An API token; ``digest`` is of its secret."""

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(20))
    created: Mapped[float]
    used: Mapped[float | None]
    expires: Mapped[float | None]


class SavedView(Base):
    """A page state under a name."""

    __tablename__ = "views"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    shared: Mapped[bool]
    state: Mapped[dict[str, Any]]
    created: Mapped[float]
    updated: Mapped[float]


class AuditRecord(Base):
    """Something that somebody did. Only ever appended to."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_time", "time"),)

    id: Mapped[int] = mapped_column(_BIG, primary_key=True)
    time: Mapped[float]
    actor: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(100))
    target: Mapped[str] = mapped_column(String(500))
    detail: Mapped[dict[str, Any]]


class Setting(Base):
    """A named value: a person's preference, a collector's checkpoint."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    updated: Mapped[float]


class DecoderRecord(Base):
    """One template or sampling rate that a decoder must know again after a restart."""

    __tablename__ = "decoder_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    collector: Mapped[str] = mapped_column(String(200), index=True)
    value: Mapped[dict[str, Any]]


class FactRecord(Base):
    """One version of what a source said of an inventory object; ``valid_to`` is empty while it says so."""

    __tablename__ = "inventory_facts"
    __table_args__ = (
        Index("ix_inventory_facts_valid_to", "valid_to"),
        Index("ix_inventory_facts_kind_key", "kind", "key"),
        Index("ix_inventory_facts_valid_from", "valid_from"),
    )

    id: Mapped[int] = mapped_column(_BIG, primary_key=True)
    origin: Mapped[str] = mapped_column(String(32))
    scope: Mapped[str] = mapped_column(String(400))
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(900))
    attributes: Mapped[dict[str, Any]]
    first_seen: Mapped[float]
    valid_from: Mapped[float]
    valid_to: Mapped[float | None]


class ScopeRecord(Base):
    """When a source was last heard about a part of the network."""

    __tablename__ = "inventory_scopes"

    origin: Mapped[str] = mapped_column(String(32), primary_key=True)
    scope: Mapped[str] = mapped_column(String(400), primary_key=True)
    seen: Mapped[float]


class AgentRecord(Base):
    """A synthetics agent that registered; ``digest`` is of its key, ``detail`` what it says of itself."""

    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("digest"),)

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    digest: Mapped[str] = mapped_column(String(100))
    detail: Mapped[dict[str, Any]]
    registered: Mapped[float]
    seen: Mapped[float]


class SyntheticTestRecord(Base):
    """A synthetic test that people defined in the UI or by the API."""

    __tablename__ = "synthetic_tests"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    definition: Mapped[dict[str, Any]]
    author: Mapped[str] = mapped_column(String(200))
    created: Mapped[float]
    updated: Mapped[float]


class EventRecord(Base):
    """An event as it is now. ``body`` is the whole of it; the columns are what it is found by."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_started", "started", "id"),
        Index("ix_events_state", "state", "started"),
        Index("ix_events_entity", "entity_kind", "entity"),
        Index("ix_events_owner", "owner", "state"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(100))
    """Which process keeps it up to date."""
    detector: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(100))
    event_group: Mapped[str] = mapped_column(String(20))
    severity: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    entity_kind: Mapped[str] = mapped_column(String(40))
    entity: Mapped[str] = mapped_column(String(400))
    title: Mapped[str] = mapped_column(String(200))
    started: Mapped[float]
    ended: Mapped[float | None]
    updated: Mapped[float]
    suppressed: Mapped[bool] = mapped_column(default=False)
    """Whether it is no trouble, or was not when it ended."""
    body: Mapped[dict[str, Any]]


class FeedbackRecord(Base):
    """What somebody said of events. Never changed but to be withdrawn, so that it can be told who said what when."""

    __tablename__ = "event_feedback"
    __table_args__ = (Index("ix_event_feedback_event", "event_id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(40))
    verdict: Mapped[str] = mapped_column(String(20))
    scope: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(String(2000))
    author: Mapped[str] = mapped_column(String(200))
    created: Mapped[float]
    until: Mapped[float | None]
    withdrawn: Mapped[float | None]
    withdrawn_by: Mapped[str] = mapped_column(String(200))


class LeaseRecord(Base):
    """Who does what only one process may do at a time. ``beat`` goes on for as long as it does."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    holder: Mapped[str] = mapped_column(String(200))
    beat: Mapped[int] = mapped_column(BigInteger)
