"""Accounts: first start, login and logout, who a cookie or token stands for."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from weft.api.auth import secrets
from weft.api.auth.identity import Identity, Role
from weft.api.auth.limiter import LoginLimiter
from weft.api.config import ApiConfig
from weft.api.errors import NotLoggedIn
from weft.errors import WeftError
from weft.store.state import StateStore, User

ADMIN = "admin"
PASSWORD_FILE = "initial-admin-password"  # noqa: S105  # a file's name
TOKEN_FILE = "local-token"  # noqa: S105
LOCAL_TOKEN = "commands on this machine"  # noqa: S105
TOUCH_S = 60.0  # sessions and tokens record their use at most this often: reading must not mean writing


class Accounts:
    """Logs people in and tells who a request acts for. Safe to call from several threads."""

    def __init__(self, config: ApiConfig, state: StateStore, clock: Callable[[], float] = time.time) -> None:
        self._config, self._state, self._clock = config, state, clock
        self._limiter = LoginLimiter(config.login_attempts)

    def login(self, username: str, password: str, client: str) -> tuple[str, Identity]:
        """A new session's cookie and whom it stands for. Raises ``NotLoggedIn`` or ``TooManyAttempts``."""
        user = self.check_password(username, password, client)
        cookie, now = secrets.new_session(), self._clock()
        self._state.add_session(secrets.digest(cookie), user.id, now, now + self._config.session_max_days * 86400)
        self._state.audit(user.username, "login", client)
        return cookie, self._person(user, cookie)

    def check_password(self, username: str, password: str, client: str) -> User:
        """The person of that name, if the password is theirs. Raises ``NotLoggedIn`` or ``TooManyAttempts``."""
        self._limiter.check(username, client)
        user = self._state.user(username)
        if not secrets.password_matches(user.password_hash if user else None, password) or user is None:
            self._limiter.failed(username, client)
            self._state.audit(username[:100], "login.failed", client)
            raise NotLoggedIn("wrong name or password")
        self._limiter.succeeded(username, client)
        return user

    def logout(self, identity: Identity) -> None:
        """End the session."""
        if identity.session_digest:
            self._state.delete_session(identity.session_digest)
            self._state.audit(identity.username, "logout")

    def change_password(self, who: Identity, current: str, new: str, client: str, data_dir: Path) -> None:
        """Change one's own password; ends one's other sessions and removes the file with the generated one."""
        user = self.check_password(who.username, current, client)
        self._state.change_user(user.id, password_hash=secrets.hash_password(new))
        self._state.delete_sessions_of(user.id, keep=who.session_digest)
        self._state.audit(who.actor, "password", who.username)
        if user.username == ADMIN:
            (data_dir / PASSWORD_FILE).unlink(missing_ok=True)

    def of_session(self, cookie: str) -> Identity | None:
        """Whom a session cookie stands for; None if it is unknown or over."""
        session = self._state.session(secrets.digest(cookie))
        if session is None:
            return None
        now = self._clock()
        idle = now - session.used
        if now >= session.expires or idle > self._config.session_hours * 3600:
            self._state.delete_session(session.digest)
            return None
        if idle > TOUCH_S:
            self._state.touch_session(session.digest, now)
        user = self._state.user_by_id(session.user_id)
        return self._person(user, cookie) if user else None

    def of_token(self, token: str) -> Identity | None:
        """Whom an API token stands for; None if it is unknown, over, or its person is gone."""
        if not token.startswith(secrets.TOKEN_PREFIX):
            return None
        found = self._state.token_by_digest(secrets.digest(token))
        now = self._clock()
        if found is None or (found.expires is not None and now >= found.expires):
            return None
        user = self._state.user_by_id(found.user_id)
        role = Role(found.role).held_by(Role(user.role)) if user else None  # never more than its person may now
        if user is None or role is None:
            return None
        if now - (found.used or 0) > TOUCH_S:
            self._state.touch_token(found.id, now)
        return Identity(user.id, user.username, role, "token", token_name=found.name)

    @staticmethod
    def _person(user: User, cookie: str) -> Identity:
        return Identity(
            user.id, user.username, Role(user.role), "session",
            csrf=secrets.csrf_of(cookie), session_digest=secrets.digest(cookie),
        )  # fmt: skip


class LocalAccess:
    """Makes sure that the owner of this machine can get in: a part of the process, started after the state store.

    At the very first start it adds the person ``admin`` with a generated password, kept in a private file until it is
    changed. While Weft runs, a second private file holds a read-only API token for the commands on this machine.
    """

    def __init__(self, state: StateStore, data_dir: Path) -> None:
        self._state, self._data_dir = state, data_dir
        self.username = ADMIN
        self.password: str | None = None

    @property
    def file(self) -> Path | None:
        """Where the generated password stands until it is changed; None once it is gone."""
        file = self._data_dir / PASSWORD_FILE
        return file if file.exists() else None

    def start(self) -> None:
        """Add what is missing."""
        if not self._state.users():
            password = secrets.new_password()
            write_private(self._data_dir / PASSWORD_FILE, password + "\n")
            self._state.add_user(ADMIN, secrets.hash_password(password), Role.ADMIN.value)
            self._state.audit("weft", "user.add", ADMIN, {"role": Role.ADMIN.value, "why": "first start"})
            self.password = password
        self._forget_token()
        owner = next((user for user in self._state.users() if user.role == Role.ADMIN.value), None)
        if owner is not None:
            token = secrets.new_token()
            self._state.add_token(owner.id, LOCAL_TOKEN, secrets.digest(token), Role.VIEWER.value, None)
            write_private(self._data_dir / TOKEN_FILE, token + "\n")

    def stop(self) -> None:
        """Take the commands' token away."""
        with contextlib.suppress(WeftError):
            self._forget_token()

    def _forget_token(self) -> None:
        (self._data_dir / TOKEN_FILE).unlink(missing_ok=True)
        for token in self._state.tokens():
            if token.name == LOCAL_TOKEN:
                self._state.delete_token(token.id)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whatever the umask and whoever made it before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
