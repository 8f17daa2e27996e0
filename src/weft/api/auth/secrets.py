"""Passwords, session cookies and API tokens: how they are made, hashed and compared."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import cache

TOKEN_PREFIX = "weft_"  # noqa: S105  # lets secret scanners recognise a leaked token
#: Without letters and digits that are easily confused, so that it can be typed from a terminal.
ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
PASSWORD_LENGTH = 16  # 16 × log2(55) ≈ 92 bits
MINIMUM_PASSWORD = 10


def new_password() -> str:
    """A random password, in groups of four."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))
    return "-".join(letters[i : i + 4] for i in range(0, PASSWORD_LENGTH, 4))


def new_token() -> str:
    """A random API token."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_session() -> str:
    """A random session cookie."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What the state store holds of a session cookie or API token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_of(session: str) -> str:
    """The CSRF value of a session: only who can read the login answer knows it, and nothing need be stored."""
    return hmac.new(session.encode(), b"weft csrf", hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


@cache
def _hasher():  # type: ignore[no-untyped-def]  # loaded when first used: not every command needs it
    from argon2 import PasswordHasher

    return PasswordHasher()


def hash_password(password: str) -> str:
    """An argon2id hash of ``password`` with its own salt and parameters."""
    return str(_hasher().hash(password))


def password_matches(stored: str | None, password: str) -> bool:
    """Whether ``password`` is the one hashed in ``stored``; takes as long for a name that does not exist (None)."""
    from argon2.exceptions import InvalidHashError, VerifyMismatchError

    try:
        return bool(_hasher().verify(stored or _nobody(), password)) and stored is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return hash_password(new_password())
