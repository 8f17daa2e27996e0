"""Who is asking: the person or token behind a request, and what their role allows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What a person or token may do; each role may do what the ones before it may."""

    VIEWER = "viewer"  # look at everything but people, tokens of others and the audit log
    OPERATOR = "operator"  # change what all see: shared views, reference tables
    ADMIN = "admin"  # manage people, tokens and settings

    @property
    def rank(self) -> int:
        """Position in the order of rights."""
        return tuple(Role).index(self)

    def allows(self, needed: Role) -> bool:
        """Whether this role may do what ``needed`` may."""
        return self.rank >= needed.rank


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
