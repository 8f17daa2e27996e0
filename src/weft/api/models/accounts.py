"""People, logins, API tokens and the audit log."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from weft.api.auth.identity import Role
from weft.api.auth.secrets import MINIMUM_PASSWORD
from weft.api.models.base import Answer


def _of_a_person(role: Role) -> Role:
    if role is Role.SENDER:
        raise ValueError("sender is a role of tokens; people look: viewer, operator or admin")
    return role


PersonRole = Annotated[Role, AfterValidator(_of_a_person)]


class Posted(BaseModel):
    """Base of what clients send: unknown keys are rejected."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Login(Posted):
    """Name and password."""

    username: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1000, repr=False)


class Me(Answer):
    """Who is logged in."""

    username: str
    role: Role
    via: Literal["session", "token"]
    csrf: str
    """To be sent as ``X-Weft-CSRF`` with every request that changes something; empty for token requests."""
    demo: bool
    version: str


class PasswordChange(Posted):
    """One's own new password."""

    current: str = Field(min_length=1, max_length=1000, repr=False)
    new: str = Field(min_length=MINIMUM_PASSWORD, max_length=1000, repr=False)


class NewUser(Posted):
    """A person to add."""

    username: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")
    password: str | None = Field(default=None, min_length=MINIMUM_PASSWORD, max_length=1000, repr=False)
    """None generates one, answered once."""
    role: PersonRole = Role.VIEWER


class UserChange(Posted):
    """What to change of a person; absent = as it is."""

    role: PersonRole | None = None
    password: str | None = Field(default=None, min_length=MINIMUM_PASSWORD, max_length=1000, repr=False)


class UserView(Answer):
    """A person."""

    id: int
    username: str
    role: Role
    created: float


class UserCreated(UserView):
    """A person just added."""

    password: str | None
    """The generated password, shown this once; None if one was given."""


class NewToken(Posted):
    """An API token to make."""

    name: str = Field(min_length=1, max_length=100)
    role: Role = Role.VIEWER
    """At most one's own; ``sender`` (push telemetry and changes, see nothing) is for operators and admins to give."""
    days: int | None = Field(default=None, ge=1, le=3660)
    """Days until it ends; None = never."""


class TokenView(Answer):
    """An API token; the secret itself is not kept."""

    id: int
    name: str
    owner: str
    role: Role
    created: float
    last_used: float | None
    expires: float | None


class TokenCreated(TokenView):
    """An API token just made."""

    token: str
    """The secret, shown this once."""


class AuditEntry(Answer):
    """Something that somebody did."""

    id: int
    time: float
    actor: str
    action: str
    target: str
    detail: dict[str, Any]
