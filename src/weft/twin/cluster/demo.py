"""The demo's AI cluster: SONiC switches that answer gNMI, and a Prometheus that writes what hosts and jobs tell.

Each switch is a gNMI target on a loopback address of its own. Comes in: the timeline. Goes out: history into the intake
and the push door, then streams and requests.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import structlog

from weft.collect.business import Value, ValuesTaken, value_of
from weft.collect.push import Sender, Written
from weft.errors import Unavailable
from weft.model.metrics import METRICS
from weft.model.tables import Table
from weft.twin.agents.gnmi import GnmiTarget
from weft.twin.cluster import hosts, switches
from weft.twin.cluster.layout import SITE, SWITCHES, Node
from weft.twin.cluster.twin import Cluster, Counters
from weft.twin.config import DemoConfig
from weft.twin.player import Player
from weft.twin.timeline import Timeline

log = structlog.get_logger(__name__)

_LEAST_GAP_S = 300.0
#: Seconds between values of the past, close by and long ago; and how long ago that is.
_CLOSE_STEP_S, _FAR_STEP_S, _CLOSE_S = 600.0, 3600.0, 3 * 3600.0
#: How often live hosts and jobs are scraped, and jobs in the past, s.
_HOSTS_S, _JOBS_S, _PAST_JOBS_S = 30, 15, 300.0
_CHUNK = 12
_NS = 1_000_000_000
_SENDER = Sender("dai-prometheus", "127.0.0.1")
_SCHEDULER = Sender("dai-slurm", "127.0.0.1")


class Intake(Protocol):
    """The part of the intake that takes history."""

    def put(self, table: Table, rows: pa.RecordBatch) -> None:
        """Take rows."""

    def flush(self) -> None:
        """Return when they can be queried."""


class Pushes(Protocol):
    """``weft.collect.push.Pushes``, as far as the cluster uses it."""

    def remote_write(self, sender: Sender, body: bytes, *, version: int = 1) -> Written:
        """Take a request of Prometheus."""

    def business(self, sender: Sender, values: Sequence[Value]) -> ValuesTaken:
        """Take values."""


def reserve_ports() -> dict[str, int]:
    """A free port for each switch; none where loopback has one address only."""
    found = {}
    for node in SWITCHES:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((node.address, 0))
            except OSError:  # macOS: 127.0.0.1 only
                continue
            found[node.name] = probe.getsockname()[1]
    return found


def targets(ports: Mapping[str, int]) -> list[dict[str, Any]]:
    """Entries of ``gnmi.targets``."""
    return [switches.target(node, ports[node.name]) for node in SWITCHES if node.name in ports]


def _since(config: DemoConfig, newest_s: float | None, now_s: float) -> float:
    return max(now_s - config.backfill_hours * 3600, newest_s or 0.0)


def _steps(since_s: float, until_s: float) -> list[tuple[float, float, float]]:
    """The past in parts: from, until, seconds between values."""
    close = max(since_s, until_s - _CLOSE_S)
    return [(since_s, close, _FAR_STEP_S), (close, until_s, _CLOSE_STEP_S)]


class DemoFabric:
    """The switches. Started before they are subscribed to."""

    def __init__(
        self, config: DemoConfig, timeline: Timeline, intake: Intake, ports: Mapping[str, int],
        *, newest_s: Callable[[], float | None],
    ) -> None:  # fmt: skip
        """Inert until started. ``newest_s``: UTC seconds of the newest metric stored, None when there is none."""
        self._config, self._cluster, self._intake = config, Cluster.of(timeline), intake
        self._timeline, self._ports, self._newest_s = timeline, ports, newest_s
        self._targets: list[GnmiTarget] = []

    def start(self) -> None:
        """Make what is missing of the history, then answer."""
        now = time.time()
        since = _since(self._config, self._newest_s(), now)
        counters = self._cluster.counters(now - self._config.backfill_hours * 3600)
        if now - since >= _LEAST_GAP_S:
            for first, last, step_s in _steps(since, now):
                for batch in switches.history(self._cluster, counters, first, last, step_s):
                    self._intake.put(METRICS, batch)
            self._intake.flush()
        for node in SWITCHES:
            if node.name in self._ports:
                self._answer(node, counters)

    def _answer(self, node: Node, counters: Counters) -> None:
        tree = switches.Tree(self._cluster, counters, node)
        target = GnmiTarget(lambda: tree, address=node.address, port=self._ports[node.name], models=("sonic-db",))
        try:
            target.start()
        except (OSError, Unavailable) as error:
            log.warning("demo_agent_failed", device=node.name, error=str(error))
            return
        self._targets.append(target)

    def stop(self) -> None:
        """Answer no more."""
        while self._targets:
            self._targets.pop().stop()


class DemoHosts(Player):
    """Writes what hosts, GPUs, cards and jobs tell, and the GPU-hours used. Started when pushes are taken."""

    def __init__(
        self, config: DemoConfig, timeline: Timeline, pushes: Pushes, *, newest_s: Callable[[], float | None]
    ) -> None:
        """Inert until started; ``newest_s``: UTC seconds of the newest metric stored before all history was made."""
        super().__init__("demo-cluster")
        self._config, self._cluster, self._pushes = config, Cluster.of(timeline), pushes
        self._timeline, self._newest_s = timeline, newest_s
        self._hours_s = 0

    def start(self) -> None:
        """Make what is missing of the history, then go on."""
        now = time.time()
        since = _since(self._config, self._newest_s(), now)
        counters = self._cluster.counters(now - self._config.backfill_hours * 3600)
        self._hours_s = int(since)
        if now - since >= _LEAST_GAP_S:
            for first, last, step_s in _steps(since, now):
                self._past(counters, first, last, step_s)
            self._hours(int(now))
        super().start()

    def _past(self, counters: Counters, since_s: float, until_s: float, step_s: float) -> None:
        for step, write in ((step_s, True), (_PAST_JOBS_S, False)):
            times = np.arange(since_s // step * step + step, until_s, step)
            for first in range(0, len(times), _CHUNK):
                part = times[first : first + _CHUNK]
                if write:
                    self._write(hosts.request(self._cluster, counters, part))
                else:
                    for body in hosts.job_requests(self._cluster, part):
                        self._write(body)

    def _run(self) -> None:
        counters = self._cluster.counters(time.time())
        told = -1
        while not self._stop.wait(1.0):
            now = int(time.time())
            if now // _JOBS_S == told:
                continue
            told = now // _JOBS_S
            moment = np.array([float(told * _JOBS_S)])
            for body in hosts.job_requests(self._cluster, moment):
                self._write(body)
            if told * _JOBS_S % _HOSTS_S == 0:
                self._write(hosts.request(self._cluster, counters, moment))
            self._hours(now)

    def _hours(self, now_s: int) -> None:
        values = hour_values(self._cluster.seed, self._hours_s, now_s)
        if values:
            self._hours_s = values[-1].time_ns // _NS
            try:
                self._pushes.business(_SCHEDULER, values)
            except Unavailable:
                return

    def _write(self, body: bytes) -> None:
        try:
            self._pushes.remote_write(_SENDER, body)
        except Unavailable:
            return


def hour_values(seed: int, since_s: int, until_s: int) -> list[Value]:
    """GPU-hours as values of a business series, every ten minutes."""
    return [
        value_of("gpu_hours", at_s * _NS, used, {"site": SITE, "job": job.name, "model": job.track.model}, "GPU h")
        for at_s, job, used in hosts.gpu_hours(seed, since_s, until_s)
    ]
