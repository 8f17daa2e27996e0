"""The one composition root: which parts a Weft process is made of, wired by hand. Read it from top to bottom.

    store ─┬─ enricher ── collector ── (demo)      role `collect`: this half
    state ─┴─ questions ── api                     role `serve`: this half; role `up`: both

Parts are started in order and stopped in reverse, on SIGINT or SIGTERM. Must hold no logic of its own.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from weft.api.application import create_app
from weft.api.auth.accounts import LocalAccess
from weft.api.inventory import InventoryPages
from weft.api.knowledge import learn
from weft.api.ports import ApiDependencies
from weft.api.server import ApiServer, Door
from weft.collect.collector import Collector
from weft.collect.gnmi import GnmiSubscriber
from weft.collect.intake import Intake
from weft.collect.snmp.poller import SnmpPoller
from weft.collect.snmp.traps import TrapListener
from weft.collect.inventory.config import InventoryConfig
from weft.collect.inventory.sources import InventorySources
from weft.collect.push import Pushes
from weft.component import Component, Running
from weft.config import Settings
from weft.enrich.enricher import Enricher
from weft.errors import ConfigError
from weft.model.changes import CHANGES
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.inventory import Inventory
from weft.store.known import known
from weft.store.open import open_store
from weft.store.state import open_state
from weft.twin.demo import DemoSource
from weft.twin.inventory import write_inventory
from weft.twin.reference import write_reference_tables

log = structlog.get_logger(__name__)

DEMO_MARK = "demo"  # file that marks a data directory as holding demo data


class Role(StrEnum):
    """What one process does."""

    UP = "up"
    COLLECT = "collect"
    SERVE = "serve"


@dataclass
class Process:
    """A wired process: its parts in the order of starting, and what to tell whoever started it."""

    parts: list[Component] = field(default_factory=list)
    api: ApiServer | None = None
    access: LocalAccess | None = None


def assemble(settings: Settings, role: Role = Role.UP, *, demo: bool = False) -> Process:
    """Wire the parts of a process. Inert: nothing is opened before ``Process.parts`` are started."""
    _check(settings, role, demo)
    data_dir = settings.data_dir
    collects, serves = role is not Role.SERVE, role is not Role.COLLECT
    process = Process()
    registry = CollectorRegistry()
    for collector_class in (ProcessCollector, PlatformCollector, GCCollector):
        collector_class(registry=registry)

    # The door first: a port that is taken shows before anything else is opened.
    door = Door(settings.api)
    if serves:
        process.parts.append(door)

    # Where things stay.
    store = open_store(settings.store)
    state = open_state(settings.store)
    process.parts += [store, state]

    # What the network is made of. Before all that asks who sent something.
    follows = role is not Role.UP or settings.store.state_url is not None
    inventory = Inventory(settings.inventory, state, follows=follows)
    process.parts.append(inventory)

    # Telemetry in: network → decode → enrich → store.
    enricher = collector = intake = pushes = None
    if collects:
        tables = with_demo_tables(settings, data_dir) if demo else settings.enrich
        enricher = Enricher(tables, known=lambda: known(store))
        collector = Collector(
            settings.collect, store=store, enricher=enricher, state=state, registry=registry, data_dir=data_dir
        )
        intake = Intake(settings.collect, store=store, identity=inventory, registry=registry, data_dir=data_dir)
        pushes = Pushes(settings.push, intake, data_dir)
        process.parts += [enricher, collector, intake, pushes]
        _tie(inventory, enricher, intake)
        known_files = with_demo_inventory(settings, data_dir) if demo else settings.inventory
        process.parts.append(InventorySources(known_files, inventory, intake))
        process.parts.append(GnmiSubscriber(settings.gnmi, intake, inventory))
        process.parts += [SnmpPoller(settings.snmp, intake, inventory), TrapListener(settings.snmp, intake)]

    # Answers out.
    questions = QueryEngine(store, settings.query, retention_days=settings.store.retention_days)
    if demo and collector is not None:
        process.parts.append(
            DemoSource(settings.demo, collector, targets=_targets(collector), newest_s=_newest(questions))
        )
    if serves:
        pages = InventoryPages(inventory)
        dependencies = ApiDependencies(
            settings.api, data_dir, state=state, questions=questions, collector=collector, enricher=enricher,
            intake=intake, pushes=pushes, known=lambda: learn(lambda: known(store), questions.run), registry=registry,
            spool_capacity=settings.collect.spool_bytes, demo=demo, store=store,
            inventory=pages, networks=pages.network,
        )  # fmt: skip
        process.access = LocalAccess(state, data_dir)
        process.api = ApiServer(settings.api, create_app(dependencies), door)
        process.parts += [process.access, process.api]
    return process


def run(process: Process, announce: Callable[[Process], None]) -> None:
    """Start the parts, tell that they are ready, and stay until SIGINT or SIGTERM; a second signal kills at once."""
    stop = threading.Event()

    def on_signal(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    running = Running(process.parts)
    running.start()
    try:
        if not stop.is_set():
            announce(process)
        stop.wait()
        log.info("stopping")
    finally:
        running.stop()


def _check(settings: Settings, role: Role, demo: bool) -> None:
    """Refuse what would go wrong later in a way that is harder to understand."""
    if role is not Role.UP and settings.store.url is None:
        raise ConfigError(
            f"`weft {role.value}` shares a store with other processes; the embedded one belongs to a single process",
            where="store.url", fix="Name a ClickHouse server, or run `weft up`.",
        )  # fmt: skip
    marked = (settings.data_dir / DEMO_MARK).exists()
    used = settings.data_dir.exists() and any(settings.data_dir.iterdir())
    if demo and used and not marked:
        raise ConfigError(
            "holds real telemetry; demo data would mix with it", where=f"data_dir {settings.data_dir}",
            fix="Give the demo a directory of its own: WEFT_DATA_DIR=demo-data ./dev demo",
        )  # fmt: skip
    if marked and not demo:
        raise ConfigError(
            "holds demo data; real telemetry would mix with it", where=f"data_dir {settings.data_dir}",
            fix="Choose another data_dir (WEFT_DATA_DIR), or delete this one.",
        )  # fmt: skip


def with_demo_tables(settings: Settings, data_dir: Path) -> Any:
    """The enrichment settings with the demo organisation's reference tables in front."""
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / DEMO_MARK).touch()
    tables = write_reference_tables(data_dir / "demo-tables")
    own = settings.enrich.model_dump(exclude_unset=True)
    for name in ("prefixes", "asns", "exporters", "interfaces"):
        own[name] = [getattr(tables, name), *own.get(name, [])]
    return type(settings.enrich).model_validate(own)


def with_demo_inventory(settings: Settings, data_dir: Path) -> InventoryConfig:
    """The inventory's settings with the demo organisation's file in front."""
    files = [write_inventory(data_dir / "demo-tables" / "inventory.yaml"), *settings.inventory.files]
    return settings.inventory.model_copy(update={"files": files})


def _tie(inventory: Inventory, enricher: Enricher, intake: Intake) -> None:
    """The inventory names what is enriched and learns what enrichment knows; its changes are rows like others."""
    enricher.tell(inventory.observe)
    inventory.on_change(lambda snapshot: enricher.use_inventory(snapshot.known, snapshot.networks))
    inventory.tell_changes(lambda rows: intake.put(CHANGES, rows))


def _targets(collector: Collector) -> Callable[[], Mapping[str, tuple[str, int]]]:
    """Listeners for the demo's datagrams; any of them understands every protocol."""

    def targets() -> Mapping[str, tuple[str, int]]:
        ports = collector.ports
        return {kind: ("127.0.0.1", ports[i % len(ports)]) for i, kind in enumerate(("netflow", "ipfix", "sflow"))}

    return targets


def _newest(questions: QueryEngine) -> Callable[[], float | None]:
    """When the newest stored flow was received, as far as the last days know."""

    def newest() -> float | None:
        return questions.run(Query(view="stat", since="now-2d")).provenance.newest

    return newest
