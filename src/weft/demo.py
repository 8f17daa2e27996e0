"""What makes a process a demo: settings that know Acme's files and devices, and the parts that play them.

Comes in: the settings of the person who started it. Goes out: the same with Acme's in front, and the parts to add. Must
hold no logic of the product: everything the demo shows comes in through the doors that real devices use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from ipaddress import IPv4Address
from typing import Any

from weft.api.scenario import TwinScenario
from weft.collect.business.config import BusinessConfig
from weft.collect.cloud.config import CloudConfig
from weft.collect.collector import Collector
from weft.collect.configs.config import ConfigDirectory, ConfigsConfig
from weft.collect.gnmi.config import GnmiConfig
from weft.collect.intake import Intake
from weft.collect.inventory.config import InventoryConfig
from weft.collect.push import Pushes
from weft.collect.routing.collector import RoutingCollector
from weft.collect.routing.config import RoutingConfig
from weft.collect.routing.rpki import Rpki
from weft.collect.snmp.config import SnmpConfig
from weft.collect.synthetics import Synthetics
from weft.collect.synthetics.config import SyntheticsConfig
from weft.collect.syslog import SyslogServer
from weft.collect.syslog.config import SyslogConfig, SyslogListenerConfig
from weft.component import Component
from weft.config import Settings
from weft.detect.config import DetectConfig
from weft.detect.context import DetectorConfig
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.twin.cluster.demo import DemoFabric, DemoHosts
from weft.twin.cluster.demo import reserve_ports as reserve_fabric_ports
from weft.twin.cluster.demo import targets as fabric_targets
from weft.twin.control import Control
from weft.twin.demo import DemoSource
from weft.twin.demo_business import DemoBusiness, business_settings
from weft.twin.demo_cloud import DemoCloud, cloud_settings
from weft.twin.demo_devices import AgentPorts, DemoDevices, gnmi_settings, reserve_ports, snmp_settings
from weft.twin.demo_logs import DemoConfigs, DemoLogs
from weft.twin.demo_routing import DemoRouting, routing_settings
from weft.twin.demo_synthetics import DemoAgents, synthetics_settings
from weft.twin.faults.attack_places import scanner_addresses
from weft.twin.faults.catalogue import KINDS
from weft.twin.faults.schedule import SLOT_S, slots
from weft.twin.inventory import write_inventory
from weft.twin.pace import PacedSchedule
from weft.twin.reference import write_reference_tables
from weft.twin.timeline import Timeline

_TABLES = (
    "prefixes", "asns", "exporters", "interfaces", "sites", "services", "customers", "providers", "applications",
)  # fmt: skip


class Demo:
    """Acme, wired to one process."""

    def __init__(self, settings: Settings) -> None:
        """Writes Acme's reference tables and inventory into the data directory and picks ports for its agents."""
        schedule = PacedSchedule(slots, SLOT_S, settings.demo.pace)
        self.timeline = Timeline(settings.demo.seed, schedule, SLOT_S)
        self.scenario = TwinScenario(Control(self.timeline, schedule, KINDS), "Acme")
        self._files = settings.data_dir / "demo-tables"
        self._files.mkdir(parents=True, exist_ok=True)
        self._configs = settings.data_dir / "demo-configs"
        self._business = settings.data_dir / "demo-business"
        self._cloud = settings.data_dir / "demo-cloud"
        self._ports: AgentPorts = reserve_ports()
        self._fabric_ports = reserve_fabric_ports()
        self._newest_metric: Callable[[], float | None] = lambda: None
        gnmi = gnmi_settings(self._ports)
        gnmi["targets"] += fabric_targets(self._fabric_ports)
        self.settings = settings.model_copy(
            update={
                "enrich": self._enrich(settings),
                "inventory": self._inventory(settings.inventory),
                "snmp": SnmpConfig.model_validate(snmp_settings(self._ports)),
                "gnmi": GnmiConfig.model_validate(gnmi),
                "syslog": SyslogConfig(listeners=(SyslogListenerConfig(port=0, address=IPv4Address("127.0.0.1")),)),
                "business": BusinessConfig.model_validate(business_settings(self._business)),
                "synthetics": SyntheticsConfig.model_validate(synthetics_settings()),
                "cloud": CloudConfig.model_validate(cloud_settings(self._cloud)),
                "routing": RoutingConfig.model_validate(routing_settings(self._files / "payloads.json")),
                "configs": ConfigsConfig(directories=(ConfigDirectory(path=self._configs, every_s=10),)),
                "detect": _knowing_scanners(settings.detect),
            }
        )

    def _enrich(self, settings: Settings) -> Any:
        tables = write_reference_tables(self._files)
        own = settings.enrich.model_dump(exclude_unset=True)
        for name in _TABLES:
            own[name] = [getattr(tables, name), *own.get(name, [])]
        return type(settings.enrich).model_validate(own)

    def _inventory(self, config: InventoryConfig) -> InventoryConfig:
        return config.model_copy(update={"files": [write_inventory(self._files / "inventory.yaml"), *config.files]})

    def devices(self, intake: Intake, questions: QueryEngine) -> list[Component]:
        """What is polled: to be started before the pollers are."""
        newest_s = self._newest_metric = cache(_newest(questions, "metrics"))  # as it was before anybody made history
        return [
            DemoDevices(self.settings.demo, self.timeline, intake, self._ports, newest_s=newest_s),
            DemoFabric(self.settings.demo, self.timeline, intake, self._fabric_ports, newest_s=newest_s),
            DemoConfigs(self.settings.demo, self.timeline, self._configs),
            DemoCloud(self.settings.demo, self.timeline, self._cloud),
        ]

    def business(self, pushes: Pushes, questions: QueryEngine) -> list[Component]:
        """What the network is for: to be started before its files and databases are read."""
        newest_s = _newest(questions, "business")
        return [
            DemoBusiness(self.settings.demo, self.timeline, self._business, pushes, newest_s=newest_s),
            DemoHosts(self.settings.demo, self.timeline, pushes, newest_s=self._newest_metric),
        ]

    def traffic(
        self, collector: Collector, intake: Intake, syslog: SyslogServer, questions: QueryEngine
    ) -> list[Component]:
        """What sends by itself: to be started last."""

        def log_port() -> int | None:
            return next(iter(syslog.ports["udp"]), None)

        targets = _targets(collector)
        return [
            DemoLogs(self.settings.demo, self.timeline, intake, port=log_port, newest_s=_newest(questions, "logs")),
            DemoSource(
                self.settings.demo, self.timeline, collector, targets=targets, newest_s=_newest(questions, "flows"),
                missing=self.settings.data_dir / "demo-missing.json",
            ),
        ]  # fmt: skip

    def routes(self, routing: RoutingCollector, rpki: Rpki, intake: Intake, questions: QueryEngine) -> list[Component]:
        """What routers say of their routes: to be started when they are listened to."""
        newest_s = _newest(questions, "routes")
        return [DemoRouting(self.settings.demo, self.timeline, intake, routing, rpki.payloads, newest_s=newest_s)]

    def agents(self, synthetics: Synthetics, questions: QueryEngine) -> list[Component]:
        """What tests the network: to be started when results are taken."""
        return [DemoAgents(self.settings.demo, self.timeline, synthetics, newest_s=_newest(questions, "probes"))]


def _knowing_scanners(config: DetectConfig) -> DetectConfig:
    """Settings that name Acme's own scanners, as its operators would."""
    own = config.detectors.get("port_scan", DetectorConfig())
    approved = [*scanner_addresses(), *own.settings.get("approved", [])]
    known = own.model_copy(update={"settings": {**own.settings, "approved": approved}})
    return config.model_copy(update={"detectors": {**config.detectors, "port_scan": known}})


def _targets(collector: Collector) -> Callable[[], Mapping[str, tuple[str, int]]]:
    """Listeners for the demo's datagrams; any of them understands every protocol."""

    def targets() -> Mapping[str, tuple[str, int]]:
        ports = collector.ports
        return {kind: ("127.0.0.1", ports[i % len(ports)]) for i, kind in enumerate(("netflow", "ipfix", "sflow"))}

    return targets


def _newest(questions: QueryEngine, dataset: str) -> Callable[[], float | None]:
    """When the newest stored row of a dataset was received, as far as the last days know."""
    measures = {
        "flows": ["bps"],
        "metrics": ["samples"],
        "logs": ["messages"],
        "probes": ["runs"],
        "business": ["values"],
        "routes": ["updates"],
    }[dataset]

    def newest() -> float | None:
        query = Query(dataset=dataset, view="stat", measures=measures, since="now-2d")
        return questions.run(query).provenance.newest

    return newest
