"""Who is asking: the person or token behind a request, and what their role allows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What a person or token may do. From viewer to admin each may do what the ones before it may.

    A sender is none of them: it may push telemetry and changes and see nothing. It is for tokens, not for people.
    """

    SENDER = "sender"  # push telemetry and changes, nothing else
    VIEWER = "viewer"  # look at everything but people, tokens of others and the audit log
    OPERATOR = "operator"  # change what all see: shared views, reference tables
    ADMIN = "admin"  # manage people, tokens and settings

    @property
    def rank(self) -> int:
        """Position in the order of rights."""
        return tuple(Role).index(self)

    def allows(self, needed: Role) -> bool:
        """Whether this role may do what ``needed`` may. Who may only look may not push."""
        if needed is Role.SENDER:
            return self is Role.SENDER or self.allows(Role.OPERATOR)
        return self is not Role.SENDER and self.rank >= needed.rank

    def held_by(self, person: Role) -> Role | None:
        """What a token of this role may do while its person has the role ``person``; None = nothing at all."""
        if person.allows(self):
            return self
        return None if self is Role.SENDER else person


@dataclass(frozen=True, slots=True)
class Identity:
    """The person a request acts for. ``csrf`` is empty for token requests, which need none."""

    user_id: int
    username: str
    role: Role
    via: Literal["session", "token"]
    csrf: str = ""
    session_digest: str = ""
    token_name: str = ""

    @property
    def actor(self) -> str:
        """How the audit log names them."""
        return f"{self.username} (token {self.token_name})" if self.via == "token" else self.username
