"""The demo's synthetics: an agent at each site of Acme, its tests, and the hours before.

The agents are simulated, but register, ask for their tests and report through the same entry points as any: a test that
is defined in the demo's UI is carried out by them.
"""

from __future__ import annotations

import gzip
import json
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog

from weft.collect.synthetics import AgentNews, Synthetics
from weft.errors import WeftError
from weft.model.synthetics import SyntheticTest, runs_on
from weft.twin import organisation as org
from weft.twin.agents.prober import Prober, Run
from weft.twin.config import DemoConfig
from weft.twin.faults.places import agent_name
from weft.twin.player import Player
from weft.twin.probing import Weather, agent_address
from weft.twin.timeline import Timeline

log = structlog.get_logger(__name__)

_EVERY_S = 5.0
_CHUNK_S = 3600
_LEAST_GAP_S = 90.0
_ROWS = 20_000
#: Traces older than this are made this often only: seven of eight hop rows of the history would tell nothing new.
_SPARSE_AFTER_S, _SPARSE_S = 6 * 3600, 1800.0
_SAAS = {"microsoft": "Microsoft 365", "salesforce": "Salesforce", "zoom": "Zoom", "github": "GitHub"}


def synthetics_settings() -> dict[str, Any]:
    """Section ``synthetics`` of the demo."""
    return {"token": secrets.token_urlsafe(24), "ask_every_s": 15.0, "tests": list(synthetic_tests())}


def synthetic_tests() -> Iterator[dict[str, Any]]:
    """The tests of Acme's agents."""
    yield {"name": "Sites", "kind": "ping", "mesh": True, "limits": {"loss_percent": 15}}
    yield {"name": "Paths between sites", "kind": "trace", "mesh": True, "every_s": 600, "flows": 8}
    yield {"name": "Backbone throughput", "kind": "throughput", "mesh": True, "every_s": 1800, "most_bps": 200e6,
           "agents": ["ams-*", "fra-*", "lon-*", "nyc-*"]}  # fmt: skip
    for name, title in _SAAS.items():
        yield {"name": title, "kind": "http", "targets": [f"https://{name}.example.com/"], "every_s": 120,
               "limits": {"rtt_ms": 400}}  # fmt: skip
    yield {"name": "Paths to SaaS", "kind": "trace", "targets": [f"{name}.example.com" for name in list(_SAAS)[:3]],
           "protocol": "tcp", "every_s": 300, "flows": 8, "limits": {"loss_percent": 20}}  # fmt: skip
    yield {"name": "Acme shop", "kind": "http", "targets": ["https://shop.example.com/cart"], "every_s": 120,
           "expect_text": "cart"}  # fmt: skip
    yield {"name": "Resolvers", "kind": "dns", "targets": ["shop.example.com"], "resolvers": ["1.1.1.1", "9.9.9.9"],
           "every_s": 120, "limits": {"rtt_ms": 250}}  # fmt: skip
    yield {"name": "Order API", "kind": "tcp", "targets": ["orders.example.com"], "agents": ["chi-*", "fra-*", "sin-*"]}


class DemoAgents(Player):
    """Registers, makes what is missing of the history, then tests live; started when results are taken."""

    def __init__(
        self, config: DemoConfig, timeline: Timeline, synthetics: Synthetics, *, newest_s: Callable[[], float | None]
    ) -> None:
        """Inert until started. ``newest_s``: UTC seconds of the newest result stored, None when there is none."""
        super().__init__("demo-agents")
        self._config, self._timeline, self._synthetics, self._newest_s = config, timeline, synthetics, newest_s

    def _run(self) -> None:
        now = time.time()
        began = now - self._config.backfill_hours * 3600
        weather = Weather(self._timeline)
        sites = {site.code: agent_name(site.code) for site in org.AGENT_SITES}
        keys = {}
        for site, name in sites.items():
            news = AgentNews(
                name, "demo", "simulated", (agent_address(site),), ("ping", "tcp", "trace", "http", "dns", "throughput")
            )
            keys[site] = self._synthetics.register(news, "127.0.0.1")
        crew = [(Prober(name, site, sites, weather, began), keys[site]) for site, name in sites.items()]
        since = max(began, self._newest_s() or 0.0)
        while now - since > _LEAST_GAP_S and not self._stop.is_set():
            until = min(since + _CHUNK_S, now)
            self._between(crew, since, until, sparse=now - until > _SPARSE_AFTER_S)
            since, now = until, time.time()
        while not self._stop.wait(_EVERY_S):
            now = time.time()
            self._between(crew, since, now)
            since = now

    def _between(self, crew: list[tuple[Prober, str]], since_s: float, until_s: float, *, sparse: bool = False) -> None:
        for prober, key in crew:
            agent = self._synthetics.registry.of_key(key)
            if agent is None or self._stop.is_set():  # somebody removed the agent
                continue
            try:
                told = self._synthetics.assignment(agent)
                peers = [peer.agent for peer in told.peers]
                runs = [run for test in told.tests for run in _runs(prober, test, peers, since_s, until_s, sparse)]
                for part in _parts(runs):
                    self._synthetics.take(agent, part, gzipped=True)
            except WeftError as error:
                log.warning("demo_report_failed", agent=prober.name, reason=error.message)


def _runs(
    prober: Prober, test: SyntheticTest, peers: list[str], since_s: float, until_s: float, sparse: bool
) -> Iterator[Run]:
    matching = [peer for peer in peers if runs_on(test, peer)]
    return prober.runs(test, matching, since_s, until_s, _SPARSE_S if sparse and test.kind == "trace" else 0.0)


def _parts(runs: list[Run]) -> Iterator[bytes]:
    """Reports of a bounded number of rows."""
    probes: list[dict[str, Any]] = []
    hops: list[dict[str, Any]] = []
    for run in runs:
        probes.append(run.probe)
        hops += run.hops
        if len(probes) + len(hops) >= _ROWS:
            yield _report(probes, hops)
            probes, hops = [], []
    if probes:
        yield _report(probes, hops)


def _report(probes: list[dict[str, Any]], hops: list[dict[str, Any]]) -> bytes:
    body = {"sent_ns": time.time_ns(), "probes": probes, "hops": hops, "buffered": 0, "dropped": 0}
    return gzip.compress(json.dumps(body).encode(), 1)
