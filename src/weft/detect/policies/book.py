"""Where policies are kept: one document in the state store, read by all processes that share it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from weft.detect.policies.policy import Policy
from weft.errors import InvalidInput, LimitExceeded

log = structlog.get_logger(__name__)

_KEY = "detect.policies"
MOST_POLICIES = 500


class Settings(Protocol):
    """``weft.store.state.StateStore``, as far as policies need it."""

    def setting(self, key: str, default: Any = None) -> Any:
        """What was remembered under a key."""

    def set_setting(self, key: str, value: Any) -> None:
        """Remember a value that JSON can hold."""


class Kept(BaseModel):
    """A policy, who wrote it and when (UTC seconds)."""

    model_config = ConfigDict(frozen=True)

    policy: Policy
    author: str
    updated_s: float


class PolicyBook:
    """Policies by name. Thread-safe; raises ``StoreUnavailable`` while the state store is away."""

    def __init__(self, state: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._state, self._clock = state, clock
        self._writing = threading.Lock()

    def all(self) -> list[Kept]:
        """Every policy, by name. What cannot be understood (an older or newer Weft wrote it) is left out and logged."""
        found = []
        for raw in self._state.setting(_KEY, []):
            try:
                found.append(Kept.model_validate(raw))
            except ValidationError as error:
                name = raw.get("policy", {}).get("name", "") if isinstance(raw, dict) else ""
                log.warning("policy_not_understood", policy=str(name)[:80], errors=error.error_count())
        return sorted(found, key=lambda kept: kept.policy.name.casefold())

    def put(self, policy: Policy, author: str, *, before: str | None = None) -> Kept:
        """Add a policy, or put it in the place of the one called ``before``. Raises ``InvalidInput``."""
        kept = Kept(policy=policy, author=author[:200], updated_s=self._clock())
        with self._writing:
            known = {one.policy.name: one for one in self.all()}
            if before is not None and known.pop(before, None) is None:
                raise InvalidInput(f"there is no policy {before!r}", where="name")
            if policy.name in known:
                raise InvalidInput(f"the name {policy.name!r} is taken", where="name", fix="Choose another.")
            if len(known) >= MOST_POLICIES:
                raise LimitExceeded(f"there are {MOST_POLICIES} policies", where="policies", fix="Remove some.")
            self._write([*known.values(), kept])
        return kept

    def delete(self, name: str) -> bool:
        """Remove one; whether there was one."""
        with self._writing:
            known = self.all()
            rest = [one for one in known if one.policy.name != name]
            if len(rest) < len(known):
                self._write(rest)
        return len(rest) < len(known)

    def _write(self, kept: list[Kept]) -> None:
        self._state.set_setting(_KEY, [one.model_dump(mode="json") for one in kept])
