"""The one composition root: which parts a Weft process is made of, wired by hand. Read it from top to bottom.

    store ─┬─ enricher ── collector ── (demo) ─┬─ detection    role `collect`: the upper half
    state ─┴─ questions ── api ────────────────┘               role `serve`: the lower half; role `up`: both

Parts are started in order and stopped in reverse, on SIGINT or SIGTERM. Must hold no logic of its own.
"""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

import pyarrow as pa
import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from weft.api.application import create_app
from weft.api.auth.accounts import LocalAccess
from weft.api.inventory import InventoryPages
from weft.api.knowledge import learn
from weft.api.network import NetworkPages
from weft.api.ports import ApiDependencies
from weft.api.server import ApiServer, Door
from weft.collect.business import BusinessSeries
from weft.collect.collector import Collector
from weft.collect.configs import ConfigCollector, ConfigHistory
from weft.collect.gnmi import GnmiSubscriber
from weft.collect.intake import TABLES, Intake
from weft.collect.inventory.report import InventoryMetrics
from weft.collect.inventory.sources import InventorySources
from weft.collect.push import Pushes
from weft.collect.routing.collector import RoutingCollector
from weft.collect.routing.rpki import Rpki
from weft.collect.snmp.poller import SnmpPoller
from weft.collect.snmp.traps import TrapListener
from weft.collect.synthetics import Synthetics
from weft.collect.syslog import SyslogServer
from weft.component import Component, Running
from weft.config import Settings
from weft.enrich.enricher import Enricher
from weft.errors import ConfigError
from weft.model.addresses import address_text
from weft.model.changes import CHANGES
from weft.model.dictionaries import EXPORTERS, INTERFACES
from weft.model.events import EVENTS
from weft.query.engine import QueryEngine
from weft.query.routing.questions import RoutingQuestions
from weft.store.inventory import Inventory
from weft.store.known import known
from weft.store.open import open_store
from weft.store.state import StateStore, open_state
from weft.store.state.leases import Lease
from weft.store.telemetry import TelemetryStore

if TYPE_CHECKING:
    from weft.api.event_pages import EventPages
    from weft.demo import Demo
    from weft.detect.backtest import History
    from weft.detect.whole import Detection
    from weft.network.snapshot import NetworkSource

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
    acme = _acme(settings) if demo else None
    if acme is not None:
        settings = acme.settings
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

    # Where things stay, and what the network is made of: before all that asks who sent something.
    store = open_store(settings.store)
    state = open_state(settings.store)
    follows = role is not Role.UP or settings.store.state_url is not None
    inventory = Inventory(settings.inventory, state, follows=follows)
    registry.register(InventoryMetrics(inventory))
    process.parts += [store, state, inventory]

    # Telemetry in: network → decode → enrich → store.
    questions = QueryEngine(store, settings.query, retention_days=settings.store.retention_days)
    enricher = collector = intake = pushes = None
    if collects:
        enricher = Enricher(settings.enrich, known=lambda: known(store))
        collector = Collector(
            settings.collect, store=store, enricher=enricher, state=state, registry=registry, data_dir=data_dir
        )
        intake = Intake(
            settings.collect, store=store, identity=inventory, registry=registry, data_dir=data_dir,
            retention_days=settings.store.retention_days,
        )  # fmt: skip
        pushes = Pushes(settings.push, intake, data_dir)
        _tie(inventory, enricher, intake)
        # What people wrote down comes before what is collected, so that its names hold from the first row on.
        written = InventorySources(settings.inventory, inventory, intake)
        process.parts += [enricher, intake, written, collector, pushes]
        if acme is not None:
            process.parts += [*acme.devices(intake, questions), *acme.business(pushes, questions)]
        syslog = SyslogServer(settings.syslog, intake, data_dir=data_dir)
        rpki = Rpki(settings.routing.rpki, intake)
        routing = RoutingCollector(
            settings.routing, intake, data_dir=data_dir, identity=inventory, payloads=rpki.payloads,
            lookups=enricher.routes, registry=registry,
        )  # fmt: skip
        process.parts += [syslog, rpki, routing, *_sources(settings, intake, inventory, enricher)]
        if acme is not None:
            process.parts += acme.routes(routing, rpki, intake, questions)
            process.parts += acme.traffic(collector, intake, syslog, questions)

    synthetics = Synthetics(settings.synthetics, state, store, intake, enricher, inventory.device_name)
    process.parts += [synthetics, *(acme.agents(synthetics, questions) if acme is not None else ())]
    detection = _detection(settings, role, store, state, inventory, collector, intake, registry)

    # Answers out.
    if serves:
        pages = InventoryPages(inventory)
        routes = RoutingQuestions(store, settings.query, checkpoint_s=settings.routing.checkpoint_hours * 3600)
        names = partial(known, store, (EXPORTERS, INTERFACES))
        dependencies = ApiDependencies(
            settings.api, data_dir, state=state, questions=questions, collector=collector, enricher=enricher,
            intake=intake, pushes=pushes, known=lambda: learn(names, questions.run), registry=registry,
            spool_capacity=settings.collect.spool_bytes, demo=demo, store=store,
            inventory=pages, networks=pages.network, configs=ConfigHistory(data_dir / "configs" / "devices"),
            synthetics=synthetics, routes=routes, scenario=acme.scenario if acme is not None else None,
            detection=partial(_event_pages, settings, detection, questions) if detection is not None else None,
            network=NetworkPages(partial(_network_source, pages, inventory, store, questions, routes)),
        )  # fmt: skip
        process.access = LocalAccess(state, data_dir)
        process.api = ApiServer(settings.api, create_app(dependencies), door)
        process.parts += [process.access, process.api]
    # Last: loading the detectors takes seconds of the processor, which nobody who opens a page should wait for.
    process.parts += detection.components if detection is not None else ()
    return process


def _acme(settings: Settings) -> Demo:
    """The demo's organisation, whose data directory is marked as its own."""
    from weft.demo import Demo  # its simulated devices bring gRPC: 150 ms of every other start

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / DEMO_MARK).touch()
    return Demo(settings)


def _sources(settings: Settings, intake: Intake, inventory: Inventory, enricher: Enricher) -> list[Component]:
    """Everything that polls, subscribes or listens, flows apart. What is not configured opens nothing."""
    configs = ConfigCollector(settings.configs, intake, inventory, settings.data_dir)
    intake.watch(CHANGES, lambda rows: _fetch_after_commits(configs, rows))
    parts: list[Component] = [
        GnmiSubscriber(settings.gnmi, intake, inventory),
        SnmpPoller(settings.snmp, intake, inventory),
        TrapListener(settings.snmp, intake),
        BusinessSeries(settings.business, intake, settings.data_dir),
        configs,
    ]
    if settings.cloud.wanted:
        from weft.collect.cloud.collector import CloudCollector  # its decoders: 100 ms of every other start

        parts.append(CloudCollector(settings.cloud, intake, inventory, enricher, settings.data_dir))
    return parts


def _detection(
    settings: Settings, role: Role, store: TelemetryStore, state: StateStore, inventory: Inventory,
    collector: Collector | None, intake: Intake | None, registry: CollectorRegistry,
) -> Detection | None:  # fmt: skip
    """Detection: of rows where they arrive, of series where people ask; none where it is switched off."""
    if not settings.detect.enabled:
        return None
    from weft.detect.backtests import Backtests
    from weft.detect.engine import DetectEngine  # what it needs is of no use where nothing is looked for
    from weft.detect.leader import Leader, owner_of
    from weft.detect.memory import EventMemory
    from weft.detect.names import InventoryNames, facts
    from weft.detect.notify.dispatcher import Notifier
    from weft.detect.notify.marks import StateMarks
    from weft.detect.whole import whole

    config, places = settings.detect, InventoryNames(inventory)
    memory = EventMemory(state, most=config.most_events, keep_days=config.keep_days)
    # Its questions take one thread of the store each, so that those of people are not held up.
    bounds = settings.query.model_copy(update={"threads": 1, "timeout_s": 120.0, "memory_mb": 384})
    asks = QueryEngine(store, bounds, retention_days=settings.store.retention_days)
    write = partial(intake.put, EVENTS) if intake is not None else partial(store.insert, EVENTS)
    asked, owner = asks if role is not Role.COLLECT else None, owner_of(settings.data_dir, role.value)
    # Several that serve share a state store: one of them watches series, judges policies and tells people.
    shares = asked is not None and settings.store.state_url is not None
    leader = Leader(Lease(state, "detect", f"{owner}/{os.getpid()}-{secrets.token_hex(3)}")) if shares else None
    engine = DetectEngine(
        config, memory, places, write, questions=asked, rows=intake is not None, data_dir=settings.data_dir,
        owner=owner, facts=facts(inventory, config.threat_lists), registry=registry, leading=leader,
    )  # fmt: skip
    if intake is not None and collector is not None:
        collector.watch(engine.tap)
        for table in TABLES:
            intake.watch(table, partial(engine.tap, table))
    backtests = Backtests(partial(_history, settings, store, asks, inventory), config)
    notifier = Notifier(settings.notify, StateMarks(state, owner), registry=registry)
    return whole(engine, memory, state, notifier, asks=asked, names=places, backtests=backtests, leader=leader)


def _history(settings: Settings, store: TelemetryStore, asks: QueryEngine, inventory: Inventory) -> History:
    from weft.detect.storerows import history_of  # heavy, and rarely needed

    return history_of(store, asks, inventory, settings.detect.threat_lists)


def _event_pages(settings: Settings, detection: Detection, questions: QueryEngine) -> EventPages | None:
    from weft.api.event_pages import EventPages

    if detection.frames is None or detection.board is None:
        return None
    return EventPages(
        detection.engine, detection.memory, detection.book, detection.notifier, ask=questions.run,
        frame_of=detection.frames(), policy_errors=detection.board.errors, backtests=detection.backtests,
        notify=settings.notify, false_alarms=settings.detect.false_alarms,
    )  # fmt: skip


def _network_source(
    pages: InventoryPages, inventory: Inventory, store: TelemetryStore, questions: QueryEngine, routes: RoutingQuestions
) -> NetworkSource:
    from weft.api.network_states import network_source  # its kernels: a second of every other start

    return network_source(pages.network, inventory.snapshot, store, questions, routes)


def _fetch_after_commits(configs: ConfigCollector, rows: pa.RecordBatch) -> None:
    """A log that tells of a commit has the device's configuration fetched."""
    for row in rows.select(["exporter", "source", "author"]).to_pylist():
        if row["source"] == "syslog":
            configs.request(address_text(row["exporter"]), row["author"])


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


def _tie(inventory: Inventory, enricher: Enricher, intake: Intake) -> None:
    """The inventory names what is enriched and learns what enrichment knows; its changes are rows like others."""
    enricher.tell(inventory.observe)
    inventory.on_change(lambda snapshot: enricher.use_inventory(snapshot.known, snapshot.networks))
    inventory.tell_changes(lambda rows: intake.put(CHANGES, rows))
