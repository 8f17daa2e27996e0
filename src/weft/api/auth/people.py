"""Managing people and their API tokens: what admins do, and what everybody does with their own."""

from __future__ import annotations

from typing import Any

from weft.api.auth.identity import Identity
from weft.api.models.accounts import (
    AuditEntry,
    NewToken,
    NewUser,
    TokenCreated,
    TokenView,
    UserChange,
    UserCreated,
    UserView,
)


class People:
    """People and tokens."""

    def __init__(self, state: Any) -> None:
        self._state = state

    def all(self) -> list[UserView]:
        """Everybody."""
        return []

    def add(self, who: Identity, new: NewUser) -> UserCreated:
        """Add a person."""
        raise LookupError

    def change(self, who: Identity, user_id: int, change: UserChange) -> UserView:
        """Change role or password."""
        raise LookupError

    def remove(self, who: Identity, user_id: int) -> None:
        """Remove a person."""

    def tokens(self, who: Identity) -> list[TokenView]:
        """One's own tokens, or all for an admin."""
        return []

    def add_token(self, who: Identity, new: NewToken) -> TokenCreated:
        """Make a token."""
        raise LookupError

    def remove_token(self, who: Identity, token_id: int) -> None:
        """Revoke a token."""

    def audit_log(self, limit: int) -> list[AuditEntry]:
        """What people did, newest first."""
        return []
