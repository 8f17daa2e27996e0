"""Managing people and their API tokens: what admins do, and what everybody does with their own."""

from __future__ import annotations

import time

from weft.api.auth import secrets
from weft.api.auth.identity import Identity, Role
from weft.api.errors import NotFound
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
from weft.errors import InvalidInput, NotAllowed
from weft.store.state import StateStore, Token, User


class People:
    """People and tokens. Who may call what is the routes' business, but for what depends on whose it is."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    def all(self) -> list[UserView]:
        """Everybody."""
        return [_user_view(user) for user in self._state.users()]

    def add(self, actor: str, new: NewUser) -> UserCreated:
        """Add a person; without a password one is generated and answered."""
        password = new.password or secrets.new_password()
        if self._state.user(new.username) is not None:
            raise InvalidInput("this name is taken", where="username", fix="Choose another.")
        user = self._state.add_user(new.username, secrets.hash_password(password), new.role.value)
        self._state.audit(actor, "user.add", new.username, {"role": new.role.value})
        return UserCreated(**_user_view(user).model_dump(), password=None if new.password else password)

    def change(self, actor: str, user_id: int, change: UserChange) -> UserView:
        """Change role or password. A new password ends the person's sessions."""
        user = self._person(user_id)
        if change.role is not None and change.role is not Role.ADMIN:
            self._keep_an_admin(user)
        changed = self._state.change_user(
            user_id,
            role=change.role.value if change.role else None,
            password_hash=secrets.hash_password(change.password) if change.password else None,
        )
        if change.password:
            self._state.delete_sessions_of(user_id)
        what = {"role": change.role.value if change.role else None, "password": bool(change.password)}
        self._state.audit(actor, "user.change", user.username, what)
        return _user_view(changed or user)

    def remove(self, actor: str, user_id: int) -> None:
        """Remove a person with all that is theirs."""
        user = self._person(user_id)
        self._keep_an_admin(user)
        self._state.delete_user(user_id)
        self._state.audit(actor, "user.remove", user.username)

    def tokens(self, who: Identity) -> list[TokenView]:
        """One's own tokens, or all for an admin."""
        names = {user.id: user.username for user in self._state.users()}
        mine = None if who.role is Role.ADMIN else who.user_id
        return [_token_view(token, names.get(token.user_id, "")) for token in self._state.tokens(mine)]

    def add_token(self, who: Identity, new: NewToken) -> TokenCreated:
        """Make a token; its secret is answered here and never again."""
        if not who.role.allows(new.role):
            raise NotAllowed(
                f"you are {who.role.value} and cannot give a token the role {new.role.value}", where="role"
            )
        secret = secrets.new_token()
        expires = time.time() + new.days * 86400 if new.days else None
        token = self._state.add_token(who.user_id, new.name, secrets.digest(secret), new.role.value, expires)
        self._state.audit(who.actor, "token.add", new.name, {"role": new.role.value, "days": new.days})
        return TokenCreated(**_token_view(token, who.username).model_dump(), token=secret)

    def remove_token(self, who: Identity, token_id: int) -> None:
        """Revoke one's own token; an admin, anybody's."""
        mine = None if who.role is Role.ADMIN else who.user_id
        token = next((one for one in self._state.tokens(mine) if one.id == token_id), None)
        if token is None:
            raise NotFound("there is no such token")
        self._state.delete_token(token_id)
        self._state.audit(who.actor, "token.remove", token.name)

    def audit_log(self, limit: int) -> list[AuditEntry]:
        """What people did, newest first."""
        return [
            AuditEntry(
                id=entry.id, time=entry.time, actor=entry.actor, action=entry.action, target=entry.target,
                detail=dict(entry.detail),
            )
            for entry in self._state.audit_log(limit)
        ]  # fmt: skip

    def _person(self, user_id: int) -> User:
        user = self._state.user_by_id(user_id)
        if user is None:
            raise NotFound("there is no such person")
        return user

    def _keep_an_admin(self, user: User) -> None:
        admins = [one.id for one in self._state.users() if one.role == Role.ADMIN.value]
        if admins == [user.id]:
            raise InvalidInput("the last admin stays", where=user.username, fix="Make somebody else an admin first.")


def _user_view(user: User) -> UserView:
    return UserView(id=user.id, username=user.username, role=Role(user.role), created=user.created)


def _token_view(token: Token, owner: str) -> TokenView:
    return TokenView(
        id=token.id, name=token.name, owner=owner, role=Role(token.role), created=token.created,
        last_used=token.used, expires=token.expires,
    )  # fmt: skip
