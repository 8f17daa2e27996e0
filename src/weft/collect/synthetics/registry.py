"""Which agents there are: each has a name, a key that it proves itself with, and what it says of itself."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from weft.errors import Unavailable
from weft.store.state.models import AgentRecord
from weft.store.state.synthetics import SyntheticsStore

KEY_PREFIX = "weft_agent_"
_FRESH_S = 5.0
_MISS_S = 1.0  # unknown keys make us look into the state store this often at most
_TOUCH_S = 60.0  # when an agent was heard is written this often at most


@dataclass(frozen=True, slots=True)
class AgentNews:
    """What an agent says of itself when it registers."""

    name: str
    version: str = ""
    platform: str = ""
    addresses: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    port: int = 0
    """Where it answers throughput and TCP tests of its peers; 0 = it does not."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent: ``news`` of itself, and the address it ``came_from``.

    ``registered`` and ``seen`` (last) are UTC seconds.
    """

    news: AgentNews
    came_from: str
    registered: float
    seen: float
    digest: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return self.news.name

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it can be reached, as it says itself, else where it came from."""
        return self.news.addresses or ((self.came_from,) if self.came_from else ())


def key_digest(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


class Registry:
    """Agents by name and by key. Thread-safe."""

    def __init__(self, store: SyntheticsStore, most: int) -> None:
        self._store, self._most = store, most
        self._lock = threading.Lock()
        self._agents: Mapping[str, Agent] = {}
        self._by_digest: Mapping[str, Agent] = {}
        self._heard: dict[str, float] = {}
        self._written: dict[str, float] = {}
        self._read_at = 0.0

    def all(self) -> Mapping[str, Agent]:
        """Every agent by name."""
        return self._fresh(_FRESH_S)

    def _fresh(self, age_s: float) -> Mapping[str, Agent]:
        with self._lock:
            if not self._read_at or time.monotonic() - self._read_at > age_s:
                agents = [_agent(record) for record in self._store.agents()]
                self._agents = {one.name: one for one in agents}
                self._by_digest = {one.digest: one for one in agents}
                self._read_at = time.monotonic()
            return self._agents

    def register(self, news: AgentNews, came_from: str) -> str:
        """Add an agent, or take one anew; returns its key, which is not kept. An older key is worth nothing now.

        Raises ``Unavailable`` where there are too many.
        """
        known = self._fresh(0)
        if news.name not in known and len(known) >= self._most:
            raise Unavailable(
                f"there are {len(known)} agents already",
                where="synthetics.most_agents",
                fix="Remove those that are gone.",
            )
        key = KEY_PREFIX + secrets.token_urlsafe(32)
        self._store.put_agent(news.name, key_digest(key), asdict(news) | {"came_from": came_from})
        self._forget()
        return key

    def of_key(self, key: str) -> Agent | None:
        """The agent with that key; None where it is not (or no longer) known."""
        if not key.startswith(KEY_PREFIX) or len(key) > 200:
            return None
        digest = key_digest(key)
        self._fresh(_FRESH_S)
        found = self._by_digest.get(digest)
        if found is None:
            self._fresh(_MISS_S)
            found = self._by_digest.get(digest)
        return found

    def saw(self, agent: Agent) -> None:
        """The agent was heard just now."""
        now = time.time()
        self._heard[agent.name] = now
        if now - self._written.get(agent.name, agent.seen) > _TOUCH_S:
            self._written[agent.name] = now
            self._store.touch_agent(agent.name, now)

    def seen(self, agent: Agent) -> float:
        """When the agent was heard last, UTC seconds."""
        return max(agent.seen, self._heard.get(agent.name, 0.0))

    def delete(self, name: str) -> bool:
        """Forget an agent; it may register again with a token."""
        deleted = self._store.delete_agent(name)
        self._heard.pop(name, None)
        self._written.pop(name, None)
        self._forget()
        return deleted

    def _forget(self) -> None:
        with self._lock:
            self._read_at = 0.0


def _agent(record: AgentRecord) -> Agent:
    detail: Mapping[str, Any] = record.detail
    news = AgentNews(
        record.name, str(detail.get("version", "")), str(detail.get("platform", "")),
        tuple(detail.get("addresses", ())), tuple(detail.get("capabilities", ())), int(detail.get("port", 0)),
    )  # fmt: skip
    return Agent(news, str(detail.get("came_from", "")), record.registered, record.seen, record.digest)
