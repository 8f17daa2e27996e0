"""The demo's devices: SNMP agents and gNMI targets on loopback, and what they would have told in the hours before.

Borders and firewalls answer SNMP, cores stream by gNMI, each on its own loopback address: the one it sends flows from.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
import structlog

from weft.errors import Unavailable
from weft.model.metrics import METRICS
from weft.model.tables import Table
from weft.twin import organisation as org
from weft.twin.agents.gnmi import Faults, GnmiTarget
from weft.twin.agents.snmp import SnmpAgent
from weft.twin.answers import Glance, mib
from weft.twin.config import DemoConfig
from weft.twin.devices import DeviceTwin, is_streaming
from weft.twin.gnmi_tree import tree
from weft.twin.history import history
from weft.twin.senses import clocks
from weft.twin.timeline import Timeline

log = structlog.get_logger(__name__)

COMMUNITY = "acme-demo"
_LEAST_GAP_S = 120.0
#: History is told in small steps for so long back.
_CLOSE_S = 6 * 3600.0
#: How often devices are polled, by role: what goes wrong on the backbone is to be seen at once.
_POLLED_S = {"border": 5, "firewall": 15}
_STREAMED_S = 5
_MERGED = 24  # batches of history handed over at once


class Intake(Protocol):
    """The part of the intake that takes history."""

    def put(self, table: Table, rows: pa.RecordBatch) -> None:
        """Take rows."""

    def flush(self) -> None:
        """Return when they can be queried."""


@dataclass(frozen=True)
class AgentPorts:
    """The port of each device's agent, by device name."""

    snmp: Mapping[str, int] = field(default_factory=dict)
    gnmi: Mapping[str, int] = field(default_factory=dict)


def reserve_ports() -> AgentPorts:
    """Free ports for every device's agent, for the pollers' settings; none where loopback has one address only."""
    snmp: dict[str, int] = {}
    gnmi: dict[str, int] = {}
    for device in org.DEVICES:
        kind = socket.SOCK_STREAM if is_streaming(device) else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((device.address, 0))
            except OSError:  # macOS: 127.0.0.1 only
                continue
            (gnmi if is_streaming(device) else snmp)[device.name] = probe.getsockname()[1]
    return AgentPorts(snmp, gnmi)


def snmp_settings(ports: AgentPorts) -> dict[str, Any]:
    """Section ``snmp`` for the demo's agents."""
    targets = [
        {"address": device.address, "port": ports.snmp[device.name], "interval_s": _POLLED_S[device.role]}
        for device in org.DEVICES
        if device.name in ports.snmp
    ]
    return {"credentials": {"demo": {"community": COMMUNITY}}, "targets": targets}


def gnmi_settings(ports: AgentPorts) -> dict[str, Any]:
    """Section ``gnmi`` for the demo's targets."""
    targets = [
        {"address": f"{device.address}:{ports.gnmi[device.name]}", "name": device.name}
        for device in org.DEVICES
        if device.name in ports.gnmi
    ]
    presets = ["interfaces", "platform", "lldp", "optics", "queues"]
    return {"defaults": {"plaintext": True, "presets": presets, "interval_s": _STREAMED_S}, "targets": targets}


class DemoDevices:
    """Starts before the pollers do; stops after them."""

    def __init__(
        self,
        config: DemoConfig,
        timeline: Timeline,
        intake: Intake,
        ports: AgentPorts,
        *,
        newest_s: Callable[[], float | None],
    ) -> None:
        """Inert until started. ``newest_s``: UTC seconds of the newest metric stored, None when there is none."""
        self._config, self._timeline, self._intake = config, timeline, intake
        self._ports, self._newest_s = ports, newest_s
        self._agents: list[SnmpAgent | GnmiTarget] = []

    def start(self) -> None:
        """Make what is missing of the history, then answer."""
        now = time.time()
        since = now - self._config.backfill_hours * 3600
        twins = [DeviceTwin(device, self._config, since, self._timeline) for device in org.DEVICES]
        self._backfill(twins, now)
        for twin in twins:
            agent = self._agent(twin)
            if agent is None:
                continue
            try:
                agent.start()
            except (OSError, Unavailable) as error:
                log.warning("demo_agent_failed", device=twin.device.name, error=str(error))
                continue
            self._agents.append(agent)

    def stop(self) -> None:
        """Answer no more."""
        while self._agents:
            self._agents.pop().stop()

    def _agent(self, twin: DeviceTwin) -> SnmpAgent | GnmiTarget | None:
        device = twin.device
        if device.name in self._ports.gnmi:
            glance, faults = Glance(twin), Faults(stamp=lambda ns: ns + self._ahead_ns(device.name, ns))
            port = self._ports.gnmi[device.name]
            return GnmiTarget(lambda: tree(glance), address=device.address, port=port, faults=faults)
        if device.name in self._ports.snmp:
            variables = mib(twin)
            port = self._ports.snmp[device.name]
            return SnmpAgent(lambda: variables, COMMUNITY, device.address, port, twin.booted_s)
        return None

    def _ahead_ns(self, device: str, at_ns: int) -> int:
        """How far a device's clock is ahead."""
        at_s = at_ns / 1e9
        return int(clocks(self._timeline, at_s, at_s + 1e-3)(device, at_s) * 1e9)

    def _backfill(self, twins: list[DeviceTwin], now_s: float) -> None:
        since = max(now_s - self._config.backfill_hours * 3600, self._newest_s() or 0.0)
        if now_s - since < _LEAST_GAP_S:
            return
        waiting: list[pa.RecordBatch] = []
        for twin in twins:
            for batch in history(twin, since, now_s, now_s - _CLOSE_S):
                waiting.append(batch)
                if len(waiting) >= _MERGED:
                    self._put(waiting)
            self._put(waiting)
        self._intake.flush()

    def _put(self, waiting: list[pa.RecordBatch]) -> None:
        if waiting:
            table = pa.Table.from_batches(waiting).unify_dictionaries().combine_chunks()
            self._intake.put(METRICS, table.to_batches()[0])
            waiting.clear()
