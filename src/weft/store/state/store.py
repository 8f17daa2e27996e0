"""The state store: small typed methods, one transaction each."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, delete, event, select, update
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session as Transaction
from sqlalchemy.orm import sessionmaker

from weft.errors import ConfigError, Failed, InvalidInput, StoreUnavailable
from weft.store.config import StoreConfig
from weft.store.state.migrate import migrate
from weft.store.state.models import AuditRecord, DecoderRecord, SavedView, Session, Setting, Token, User


def open_state(config: StoreConfig) -> StateStore:
    """The state store that ``config`` describes, not started."""
    if config.state_url is not None:
        return StateStore(config.state_url.get_secret_value())
    return StateStore(f"sqlite:///{(config.data_dir or Path('data')) / 'state.db'}")


class StateStore:
    """People, sessions, tokens, saved views, audit log, settings, decoder state. Thread-safe.

    Methods raise ``StoreUnavailable`` while the database is away. Returned rows are detached copies.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._make: sessionmaker[Transaction] | None = None
        # SQLite has one writer; waiting here is fairer and cheaper than its busy loop.
        self._writing: contextlib.AbstractContextManager[Any] = (
            threading.RLock() if url.startswith("sqlite") else contextlib.nullcontext()
        )

    def start(self) -> None:
        """Open the database and migrate it to this version."""
        if self._engine is not None:
            return
        engine = _engine(self._url)
        try:
            with engine.begin() as connection:
                migrate(connection)
        except OperationalError as error:
            engine.dispose()
            raise StoreUnavailable(_first_line(error), where="state store") from error
        except BaseException:
            engine.dispose()
            raise
        self._engine, self._make = engine, sessionmaker(engine, expire_on_commit=False)

    def stop(self) -> None:
        """Close the database; may be called twice."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = self._make = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A transaction that only reads. Raises ``StoreUnavailable`` while the database is away."""
        if self._make is None:
            raise StoreUnavailable("is not open", where="state store")
        try:
            with self._make() as session:
                yield session
        except OperationalError as error:
            raise StoreUnavailable(_first_line(error), where="state store") from error
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise Failed(_first_line(error), where="state store") from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that writes: kept whole, or not at all. Raises as ``reading``."""
        with self._writing, self.reading() as session, session.begin():
            yield session

    # People.

    def users(self) -> Sequence[User]:
        """Everybody, by name."""
        with self.reading() as session:
            return session.scalars(select(User).order_by(User.username)).all()

    def user(self, username: str) -> User | None:
        """The person of that name."""
        with self.reading() as session:
            return session.scalar(select(User).where(User.username == username))

    def user_by_id(self, user_id: int) -> User | None:
        """The person with that id."""
        with self.reading() as session:
            return session.get(User, user_id)

    def add_user(self, username: str, password_hash: str, role: str) -> User:
        """Add a person. Raises ``InvalidInput`` where the name is taken."""
        user = User(username=username, password_hash=password_hash, role=role, created=time.time())
        try:
            with self.writing() as session:
                session.add(user)
        except IntegrityError:
            raise InvalidInput(f"the name {username!r} is taken", where="username", fix="Choose another.") from None
        return user

    def change_user(self, user_id: int, *, role: str | None = None, password_hash: str | None = None) -> User | None:
        """Change what is given; None where there is no such person."""
        with self.writing() as session:
            user = session.get(User, user_id)
            if user is not None:
                user.role = role or user.role
                user.password_hash = password_hash or user.password_hash
            return user

    def delete_user(self, user_id: int) -> bool:
        """Remove a person with their sessions, tokens and views."""
        return self._delete(User, User.id == user_id)

    # Sessions.

    def add_session(self, digest: str, user_id: int, created: float, expires: float) -> None:
        """Remember a login; those that are over are forgotten."""
        with self.writing() as session:
            session.execute(delete(Session).where(Session.expires < created))
            session.add(Session(digest=digest, user_id=user_id, created=created, used=created, expires=expires))

    def session(self, digest: str) -> Session | None:
        """The login with that cookie."""
        with self.reading() as session:
            return session.get(Session, digest)

    def touch_session(self, digest: str, used: float) -> None:
        """Remember that a login was used."""
        with self.writing() as session:
            session.execute(update(Session).where(Session.digest == digest).values(used=used))

    def delete_session(self, digest: str) -> None:
        """End a login."""
        self._delete(Session, Session.digest == digest)

    def delete_sessions_of(self, user_id: int, keep: str = "") -> None:
        """End all logins of a person but ``keep``."""
        self._delete(Session, (Session.user_id == user_id) & (Session.digest != keep))

    # API tokens.

    def add_token(self, user_id: int, name: str, digest: str, role: str, expires: float | None) -> Token:
        """Remember an API token."""
        token = Token(user_id=user_id, name=name, digest=digest, role=role, created=time.time(), expires=expires)
        with self.writing() as session:
            session.add(token)
        return token

    def tokens(self, user_id: int | None = None) -> Sequence[Token]:
        """Tokens of a person, or all."""
        query = select(Token).order_by(Token.id)
        if user_id is not None:
            query = query.where(Token.user_id == user_id)
        with self.reading() as session:
            return session.scalars(query).all()

    def token_by_digest(self, digest: str) -> Token | None:
        """The token with that secret."""
        with self.reading() as session:
            return session.scalar(select(Token).where(Token.digest == digest))

    def touch_token(self, token_id: int, used: float) -> None:
        """Remember that a token was used."""
        with self.writing() as session:
            session.execute(update(Token).where(Token.id == token_id).values(used=used))

    def delete_token(self, token_id: int) -> bool:
        """Revoke a token."""
        return self._delete(Token, Token.id == token_id)

    # Saved views.

    def views(self, user_id: int) -> Sequence[SavedView]:
        """Views of a person and those shared by others, by name."""
        visible = (SavedView.user_id == user_id) | SavedView.shared
        with self.reading() as session:
            return session.scalars(select(SavedView).where(visible).order_by(SavedView.name, SavedView.id)).all()

    def view(self, view_id: int) -> SavedView | None:
        """The view with that id."""
        with self.reading() as session:
            return session.get(SavedView, view_id)

    def add_view(self, user_id: int, name: str, state: Mapping[str, Any], shared: bool) -> SavedView:
        """Save a view."""
        now = time.time()
        view = SavedView(user_id=user_id, name=name, shared=shared, state=dict(state), created=now, updated=now)
        with self.writing() as session:
            session.add(view)
        return view

    def change_view(self, view_id: int, name: str, state: Mapping[str, Any], shared: bool) -> SavedView | None:
        """Replace a view."""
        with self.writing() as session:
            view = session.get(SavedView, view_id)
            if view is not None:
                view.name, view.state, view.shared, view.updated = name, dict(state), shared, time.time()
            return view

    def delete_view(self, view_id: int) -> bool:
        """Delete a view."""
        return self._delete(SavedView, SavedView.id == view_id)

    # Audit log.

    def audit(self, actor: str, action: str, target: str = "", detail: Mapping[str, Any] | None = None) -> None:
        """Write to the audit log. Texts too long for it are cut: an entry must never fail."""
        record = AuditRecord(
            time=time.time(), actor=actor[:200], action=action[:100], target=target[:500], detail=dict(detail or {})
        )
        with self.writing() as session:
            session.add(record)

    def audit_log(self, limit: int) -> Sequence[AuditRecord]:
        """What people did, newest first."""
        with self.reading() as session:
            return session.scalars(select(AuditRecord).order_by(AuditRecord.id.desc()).limit(limit)).all()

    # Settings.

    def setting(self, key: str, default: Any = None) -> Any:
        """A named value."""
        with self.reading() as session:
            found = session.get(Setting, key)
            return default if found is None else found.value

    def set_setting(self, key: str, value: Any) -> None:
        """Remember a value that JSON can hold."""
        with self.writing() as session:
            session.merge(Setting(key=key, value=value, updated=time.time()))

    def settings_of(self, prefix: str, unused_s: float = 0.0) -> dict[str, Any]:
        """Values of names that begin like this; those that nobody wrote for ``unused_s`` are forgotten, where given."""
        named = Setting.key.startswith(prefix, autoescape=True)
        with self.writing() as session:
            if unused_s > 0:
                session.execute(delete(Setting).where(named, Setting.updated < time.time() - unused_s))
            return {one.key: one.value for one in session.scalars(select(Setting).where(named))}

    # Decoder state.

    def save_decoder_state(self, state: Sequence[Mapping[str, Any]], collector: str = "") -> None:
        """Replace what ``collector`` saved before."""
        with self.writing() as session:
            session.execute(delete(DecoderRecord).where(DecoderRecord.collector == collector))
            session.add_all(DecoderRecord(collector=collector, value=dict(value)) for value in state)

    def load_decoder_state(self, collector: str = "") -> list[dict[str, Any]]:
        """What ``collector`` saved last; empty when nothing was."""
        query = select(DecoderRecord).where(DecoderRecord.collector == collector).order_by(DecoderRecord.id)
        with self.reading() as session:
            return [record.value for record in session.scalars(query)]

    def _delete(self, table: type[Any], condition: Any) -> bool:
        with self.writing() as session:
            result: Any = session.execute(delete(table).where(condition))
            return bool(result.rowcount)


def _engine(url: str) -> Engine:
    try:
        if not url.startswith("sqlite"):
            return create_engine(url, pool_pre_ping=True)
        path = Path(url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # it holds password hashes
        engine = create_engine(url, connect_args={"timeout": 30})
    except (SQLAlchemyError, ImportError) as error:
        fix = "pip install 'weft[postgres]' brings the PostgreSQL driver." if isinstance(error, ImportError) else None
        raise ConfigError(_first_line(error), where="store.state_url", fix=fix) from error
    except OSError as error:
        raise StoreUnavailable(str(error), where="state store") from error
    event.listen(engine, "connect", _tune_sqlite)
    return engine


def _tune_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _first_line(error: BaseException) -> str:
    return str(error).split("\n")[0][:300]
