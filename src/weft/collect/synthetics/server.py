"""The entry points that the API's routes call. Safe to call from several threads."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.collect.intake import Intake
from weft.collect.synthetics.config import SyntheticsConfig
from weft.collect.synthetics.definitions import Definitions
from weft.collect.synthetics.registry import Agent, AgentNews, Registry
from weft.collect.synthetics.results import Places, Results, Taken
from weft.collect.synthetics.stored import stored_runs
from weft.errors import ConfigError, Unavailable
from weft.model.synthetics import SyntheticTest, runs_on
from weft.store.state import StateStore
from weft.store.state.synthetics import SyntheticsStore
from weft.store.telemetry import TelemetryStore

_LEAST_TOKEN = 16
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a mesh."""

    agent: str
    addresses: tuple[str, ...]
    port: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an agent is to do. ``revision`` differs when anything else does."""

    revision: str
    every_s: float
    tests: tuple[SyntheticTest, ...]
    peers: tuple[Peer, ...]


class _Nowhere:
    def locate(self, addresses: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Nothing is known."""
        nothing = np.zeros(len(addresses), np.uint32)
        return nothing, nothing


class Synthetics:
    """Agents, their tests and their results. Inert until started; opens no socket of its own.

    A process that only serves has no ``intake``: it manages tests and agents and takes no results.
    """

    def __init__(
        self,
        config: SyntheticsConfig,
        state: StateStore,
        store: TelemetryStore | None = None,
        intake: Intake | None = None,
        places: Places | None = None,
        device_of: Callable[[bytes], str] = lambda _: "",
    ) -> None:
        """Inert until started.

        ``store`` tells which runs are stored, ``places`` what addresses are, ``device_of`` whose device has one.
        """
        self.config = config
        kept = SyntheticsStore(state)
        self.definitions = Definitions(config.tests, kept, config.most_tests)
        self.registry = Registry(kept, config.most_agents)
        self._results: Results | None = None
        if intake is not None:

            def stored(agent: str, table: str, since_ns: int, until_ns: int) -> Collection[int]:
                return stored_runs(store, agent, table, since_ns, until_ns) if store is not None else ()

            self._results = Results(config, intake, places or _Nowhere(), device_of, stored)

    def start(self) -> None:
        """Look at the settings; show every agent that is registered. Raises ``ConfigError``."""
        if not self.config.enabled:
            return
        token = self.config.token
        if token is not None and len(token.reveal()) < _LEAST_TOKEN:
            raise ConfigError(
                "is too short to keep others out", where="synthetics.token",
                fix=f"Use {_LEAST_TOKEN} characters or more, for example from `openssl rand -hex 16`.",
            )  # fmt: skip
        self.definitions.start()
        if self._results is not None:
            for agent in self.registry.all().values():
                self._results.account(agent)

    def stop(self) -> None:
        """Take nothing more."""
        if self._results is not None:
            self._results.close()

    def token_matches(self, token: str) -> bool:
        """Whether it is the token of the settings."""
        own = self.config.token
        return own is not None and hmac.compare_digest(own.reveal().encode(), token.encode())

    def register(self, news: AgentNews, came_from: str) -> str:
        """Add an agent (again) and return its key. Who asks has shown a token. Raises ``Unavailable``."""
        self._enabled()
        key = self.registry.register(news, came_from)
        if self._results is not None:
            self._results.forget(news.name)  # its version and address may be others
            self._results.account(self.registry.all()[news.name])
        return key

    def assignment(self, agent: Agent) -> Assignment:
        """What the agent is to test, and who is at the other end of its meshes."""
        self._enabled()
        self._heard(agent)
        defined = [one for one in self.definitions.all().values() if one.test.enabled and runs_on(one.test, agent.name)]
        tests = tuple(self.definitions.told(one) for one in defined)
        meshes = [one for one in tests if one.mesh]
        oldest = time.time() - self.config.gone_after_days * _DAY
        peers = tuple(
            Peer(other.name, other.addresses, other.news.port)
            for other in self.registry.all().values()
            if other.name != agent.name and self.registry.seen(other) > oldest
            and any(runs_on(mesh, other.name) for mesh in meshes)
        )  # fmt: skip
        content = [[one.model_dump() for one in tests], [[p.agent, p.addresses, p.port] for p in peers]]
        digest = hashlib.sha256(json.dumps([*content, self.config.ask_every_s], sort_keys=True).encode())
        return Assignment(digest.hexdigest()[:24], self.config.ask_every_s, tests, peers)

    def take(self, agent: Agent, body: bytes, *, gzipped: bool = False) -> Taken:
        """A report of results. Raises ``InvalidInput``, ``Unavailable``."""
        self._enabled()
        if self._results is None:
            raise Unavailable(
                "this process does not collect", fix="Report to the one that does (weft up, weft collect)."
            )
        taken = self._results.take(agent, body, frozenset(self.definitions.all()), gzipped=gzipped)
        self.registry.saw(agent)
        return taken

    def forget(self, name: str) -> bool:
        """Remove an agent: its key is worth nothing from now on."""
        deleted = self.registry.delete(name)
        if self._results is not None:
            self._results.forget(name)
        return deleted

    def _heard(self, agent: Agent) -> None:
        self.registry.saw(agent)
        if self._results is not None:
            self._results.account(agent).book.came()

    def _enabled(self) -> None:
        if not self.config.enabled:
            raise Unavailable("agents are not served here", where="synthetics", fix="Set synthetics.enabled: true.")
