"""What the API keeps of people: the part of the state store that it uses, as a protocol, and the records in it.

Times are UTC seconds. Methods raise ``StoreUnavailable`` while the database is away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class User(Protocol):
    """A person."""

    id: int
    username: str
    password_hash: str
    role: str
    created: float


class Session(Protocol):
    """A login; ``digest`` is of its cookie."""

    digest: str
    user_id: int
    created: float
    used: float
    expires: float


class Token(Protocol):
    """An API token; ``digest`` is of its secret."""

    id: int
    user_id: int
    name: str
    role: str
    created: float
    used: float | None
    expires: float | None


class SavedView(Protocol):
    """A page state under a name."""

    id: int
    user_id: int
    name: str
    shared: bool
    state: dict[str, Any]
    created: float
    updated: float


class AuditRecord(Protocol):
    """Something that somebody did."""

    id: int
    time: float
    actor: str
    action: str
    target: str
    detail: dict[str, Any]


class State(Protocol):
    """The state store, as far as the API goes."""

    def users(self) -> Sequence[User]:
        """Everybody, by name."""

    def user(self, username: str) -> User | None:
        """The person of that name."""

    def user_by_id(self, user_id: int) -> User | None:
        """The person with that id."""

    def add_user(self, username: str, password_hash: str, role: str) -> User:
        """Add a person. Raises ``InvalidInput`` where the name is taken."""

    def change_user(self, user_id: int, *, role: str | None = None, password_hash: str | None = None) -> User | None:
        """Change what is given; None where there is no such person."""

    def delete_user(self, user_id: int) -> bool:
        """Remove a person with their sessions, tokens and views."""

    def add_session(self, digest: str, user_id: int, created: float, expires: float) -> None:
        """Remember a login."""

    def session(self, digest: str) -> Session | None:
        """The login with that cookie."""

    def touch_session(self, digest: str, used: float) -> None:
        """Remember that a login was used."""

    def delete_session(self, digest: str) -> None:
        """End a login."""

    def delete_sessions_of(self, user_id: int, keep: str = "") -> None:
        """End all logins of a person but ``keep``."""

    def add_token(self, user_id: int, name: str, digest: str, role: str, expires: float | None) -> Token:
        """Remember an API token."""

    def tokens(self, user_id: int | None = None) -> Sequence[Token]:
        """Tokens of a person, or all."""

    def token_by_digest(self, digest: str) -> Token | None:
        """The token with that secret."""

    def touch_token(self, token_id: int, used: float) -> None:
        """Remember that a token was used."""

    def delete_token(self, token_id: int) -> bool:
        """Revoke a token."""

    def views(self, user_id: int) -> Sequence[SavedView]:
        """Views of a person and those shared by others, by name."""

    def view(self, view_id: int) -> SavedView | None:
        """The view with that id."""

    def add_view(self, user_id: int, name: str, state: Mapping[str, Any], shared: bool) -> SavedView:
        """Save a view."""

    def change_view(self, view_id: int, name: str, state: Mapping[str, Any], shared: bool) -> SavedView | None:
        """Replace a view."""

    def delete_view(self, view_id: int) -> bool:
        """Delete a view."""

    def audit(self, actor: str, action: str, target: str = "", detail: Mapping[str, Any] | None = None) -> None:
        """Write to the audit log."""

    def audit_log(self, limit: int) -> Sequence[AuditRecord]:
        """What people did, newest first."""
