"""What the API needs from the packages below, and how a request reaches it.

The protocols are narrow on purpose: they are the whole of what the API may ask of the rest, and tests stand in for any.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol

from fastapi import Depends
from prometheus_client import CollectorRegistry
from starlette.requests import HTTPConnection

from weft.api.auth.people import People
from weft.api.config import ApiConfig
from weft.api.devices_pages import DevicePages
from weft.api.devices_readings import Store
from weft.api.events import Detection
from weft.api.inventory import InventoryPages
from weft.api.network import NetworkPages
from weft.api.routing import RoutingPages
from weft.api.source_views import Intaking
from weft.api.sources import Knowledge
from weft.api.status import Collecting, StatusBoard
from weft.api.topology import Topology
from weft.api.topology_network import Network
from weft.api.twin import Scenario
from weft.collect.configs import ConfigHistory
from weft.collect.push import Pushes
from weft.collect.synthetics import Synthetics
from weft.errors import Unavailable
from weft.model.views import ViewResult
from weft.query.catalogue import Catalogue
from weft.query.model import Query
from weft.query.reconcile import Reconciliation
from weft.query.routing.questions import RoutingQuestions
from weft.store.state import StateStore


class Questions(Protocol):
    """``weft.query.QueryEngine``."""

    def run(self, query: Query) -> ViewResult:
        """Answer a question."""

    def catalogue(self) -> Catalogue:
        """What can be asked."""

    def complete(self, filter_text: str, cursor: int, dataset: str = "flows") -> Any:
        """What can stand at the cursor."""

    def check(self, filter_text: str, dataset: str = "flows") -> Any:
        """Whether a filter is understood."""

    def facets(self, query: Query, by: Sequence[str]) -> Any:
        """The most frequent values of several dimensions."""

    def reconcile(
        self, since: str, until: str, *, device: str = "", losses: Mapping[str, float] | None = None
    ) -> Reconciliation:
        """Flows against interface counters."""

    def export(self, query: Query, format: str) -> Iterator[bytes] | bytes:  # noqa: A002
        """The answer as a file."""


class Tables(Protocol):
    """``weft.enrich.Enricher``, as far as people ask about it."""

    def tables(self) -> Any:
        """The reference tables and how they are."""

    def references(self) -> Mapping[str, Any]:
        """Rows of reference tables, by kind and table."""

    def explain(self, address: str) -> Any:
        """Which table fills which column for an address."""

    def reload(self) -> bool:
        """Read tables that changed."""


@dataclass(frozen=True)
class ApiDependencies:
    """All that the API stands on. A process that only serves has no ``collector``, ``enricher`` and ``intake``."""

    config: ApiConfig
    data_dir: Path
    state: StateStore
    questions: Questions
    collector: Collecting | None = None
    enricher: Tables | None = None
    intake: Intaking | None = None
    pushes: Pushes | None = None
    configs: ConfigHistory | None = None
    synthetics: Synthetics | None = None
    known: Callable[[], Knowledge] = Knowledge
    networks: Callable[[float | None], Network] = lambda _: Network()
    """The network as the inventory knew it at a time (UTC seconds; None = now)."""
    inventory: InventoryPages | None = None
    store: Store | None = None
    routes: RoutingQuestions | None = None
    network: NetworkPages | None = None
    detection: Callable[[], Detection | None] | None = None
    """Gives None until detection is there: it is loaded after the start."""
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    spool_capacity: int = 0
    demo: bool = False
    scenario: Scenario | None = None
    started: float = field(default_factory=time.time)


def deps_of(connection: HTTPConnection) -> ApiDependencies:
    """What the application that a request reached stands on."""
    deps: ApiDependencies = connection.app.state.deps
    return deps


def people_of(connection: HTTPConnection) -> People:
    """People and tokens of the application that a request reached."""
    return People(deps_of(connection).state)


def _board_of(connection: HTTPConnection) -> StatusBoard:
    board: StatusBoard = connection.app.state.board
    return board


def _enricher_of(connection: HTTPConnection) -> Tables:
    enricher = deps_of(connection).enricher
    if enricher is None:
        raise Unavailable("this process does not enrich", fix="Ask the process that collects (weft up, weft collect).")
    return enricher


def _pages_of(connection: HTTPConnection) -> DevicePages:
    pages: DevicePages = connection.app.state.devices
    return pages


def _topology_of(connection: HTTPConnection) -> Topology:
    topology: Topology = connection.app.state.topology
    return topology


def _inventory_of(connection: HTTPConnection) -> InventoryPages:
    inventory = deps_of(connection).inventory
    if inventory is None:
        raise Unavailable("this process has no inventory")
    return inventory


def _routing_of(connection: HTTPConnection) -> RoutingPages:
    deps = deps_of(connection)
    if deps.routes is None:
        raise Unavailable("this process has no telemetry store")
    return RoutingPages(deps.routes, deps.networks)


def _network_of(connection: HTTPConnection) -> NetworkPages:
    network = deps_of(connection).network
    if network is None:
        raise Unavailable("this process has no network model")
    return network


Deps = Annotated[ApiDependencies, Depends(deps_of)]
Board = Annotated[StatusBoard, Depends(_board_of)]
TheDevices = Annotated[DevicePages, Depends(_pages_of)]
TheTopology = Annotated[Topology, Depends(_topology_of)]
TheRouting = Annotated[RoutingPages, Depends(_routing_of)]
TheNetwork = Annotated[NetworkPages, Depends(_network_of)]
TheInventory = Annotated[InventoryPages, Depends(_inventory_of)]
TheEnricher = Annotated[Tables, Depends(_enricher_of)]
