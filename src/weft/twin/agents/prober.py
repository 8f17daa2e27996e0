"""A simulated synthetics agent: carries out the tests it is told, as an agent on Acme's network would.

Comes in: tests and peers as ``weft agent`` gets them. Goes out: rows of ``probes`` and ``hops`` as it reports them. The
same run of the same test always gives the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from weft.model.synthetics import Limits, SyntheticTest
from weft.twin.probing import Way, Weather, agent_address, number_of, remote_address

Row = dict[str, Any]
#: Names that break on purpose: prefix of the name → what is wrong with it.
EXPIRES_DAYS = {"shop": 9.0}
_MOST_FLOWS = 16
_LARGEST = 9000  # octets of the segments that throughput is measured with


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of one run."""

    probe: Row
    hops: list[Row]


@dataclass(frozen=True, slots=True)
class _Aim:
    """What one series is aimed at."""

    target: str
    address: str
    ways: Callable[[float], list[Way]]
    target_agent: str = ""
    resolver: str = ""


class Prober:
    """The agent of one site; ``sites`` are the agents' names by site."""

    def __init__(self, name: str, site: str, sites: Mapping[str, str], weather: Weather, began_s: float) -> None:
        self.name = name
        self._site, self._weather, self._began_s = site, weather, began_s
        self._site_of = {agent: code for code, agent in sites.items()}

    def runs(
        self, test: SyntheticTest, peers: Sequence[str], since_s: float, until_s: float, every_s: float = 0.0
    ) -> Iterator[Run]:
        """Runs of a test that begin between two times (UTC seconds), each series at its own second."""
        every = max(test.every_s, every_s)
        for aim in self._aims(test, peers):
            offset = number_of(self.name, test.name, aim.target, aim.resolver) % 1000 / 1000 * every
            first = int(np.ceil((since_s - offset) / every))
            for k in range(first, int(np.ceil((until_s - offset) / every))):
                yield self._run(test, aim, k * every + offset)

    def _aims(self, test: SyntheticTest, peers: Sequence[str]) -> Iterator[_Aim]:
        if test.mesh:
            for peer in peers:
                site = self._site_of.get(peer)
                if site is not None:
                    address = agent_address(site)
                    yield _Aim(address, address, lambda at, site=site: self._weather.inside(self._site, site, at), peer)  # type: ignore[misc]
            return
        for target in test.targets:
            name = (urlsplit(target).hostname or target) if test.kind == "http" else target
            if test.kind == "dns":
                for resolver in test.resolvers or ["9.9.9.9"]:
                    yield _Aim(target, remote_address(resolver), self._out(resolver), resolver=resolver)
            else:
                yield _Aim(target, remote_address(name), self._out(name))

    def _out(self, name: str) -> Callable[[float], list[Way]]:
        return lambda at_s: self._weather.outside(self._site, name, at_s)

    def _run(self, test: SyntheticTest, aim: _Aim, at_s: float) -> Run:
        rng = np.random.default_rng([number_of(self.name, test.name, aim.target, aim.resolver), int(at_s * 1000)])
        ways = aim.ways(at_s)
        key = f"{self.name}\0{test.name}\0{aim.target}\0{aim.resolver}\0{at_s:.3f}"
        run = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
        probe: Row = {
            "time": int(at_s * 1e9), "test": test.name, "kind": test.kind, "target": aim.target, "address": aim.address,
            "target_agent": aim.target_agent, "resolver": aim.resolver, "source_address": agent_address(self._site),
            "run": run, "state": "ok",
        }  # fmt: skip
        hops: list[Row] = []
        port = int(at_s) if test.kind in ("tcp", "http", "dns") else 0  # each connection is another flow to routers
        way = ways[number_of(self.name, aim.address, port) % len(ways)]
        match test.kind:
            case "ping" | "tcp":
                self._ping(probe, test.count, way, rng)
            case "trace":
                hops = self._trace(probe, test, ways, rng)
            case "http":
                self._http(probe, way, rng, at_s)
            case "dns":
                self._dns(probe, way, rng, at_s)
            case "throughput":
                self._ping(probe, 20, way, rng)
                small = 0.02 if way.mtu < _LARGEST else 1.0  # large segments vanish until senders give up on them
                probe["throughput_bps"] = test.most_bps * float(
                    np.clip(small * rng.normal(0.96 - 8 * way.loss, 0.015), 0.01, 1)
                )
                probe["bytes"] = int(probe["throughput_bps"] * test.duration_s / 8)
        _judge(probe, test.limits)
        return Run(probe, hops)

    @staticmethod
    def _ping(probe: Row, count: int, way: Way, rng: np.random.Generator) -> None:
        came = int((rng.random(count) >= way.loss).sum())
        probe |= {"sent": count, "received": came}
        if not came:
            probe |= {"state": "failed", "error": "no answer"}
            return
        rtts = way.rtt_ms + rng.exponential(way.jitter_ms, came)
        probe |= {"rtt_min_ms": float(rtts.min()), "rtt_ms": float(rtts.mean()), "rtt_max_ms": float(rtts.max())}
        if came > 1:
            probe["jitter_ms"] = float(np.abs(np.diff(rtts)).mean())

    def _trace(self, probe: Row, test: SyntheticTest, ways: Sequence[Way], rng: np.random.Generator) -> list[Row]:
        flows = min(test.flows, _MOST_FLOWS)
        common = {name: probe[name] for name in ("time", "test", "target", "address", "run")}
        hops: list[Row] = []
        taken = set()
        reached = 0
        for flow in range(flows):
            way = ways[number_of(self.name, probe["target"], flow) % len(ways)]
            taken.add(way.hops)
            share = np.where(np.arange(len(way.hops)) >= way.lost_from, way.loss, 0.0)
            lost = rng.random(len(way.hops)) < share
            late = rng.exponential(way.jitter_ms, len(way.hops))
            for i, hop in enumerate(way.hops):
                row = common | {"flow_id": flow, "ttl": i + 1, "sent": 1, "received": 0}
                if hop and not lost[i]:
                    row |= {"hop": hop, "received": 1, "rtt_ms": 2 * way.after_ms[i] + float(late[i])}
                    if i == len(way.hops) - 1:
                        row["reached"] = "yes"
                        reached += 1
                hops.append(row)
        ends = [row["rtt_ms"] for row in hops if row.get("reached") == "yes"]
        path = hashlib.blake2b(repr(sorted(taken)).encode(), digest_size=8).digest()
        probe |= {
            "sent": flows, "received": reached, "hops": max(len(way) for way in taken), "branches": len(taken),
            "path": int.from_bytes(path, "big") >> 1 | 1,
        }  # fmt: skip
        if ends:
            probe |= {"rtt_ms": float(np.mean(ends)), "rtt_min_ms": min(ends), "rtt_max_ms": max(ends)}
        else:
            probe |= {"state": "failed", "error": "the target did not answer"}
        return hops

    def _http(self, probe: Row, way: Way, rng: np.random.Generator, at_s: float) -> None:
        url = urlsplit(probe["target"])
        name = (url.hostname or "").split(".")[0]
        server_ms = 18 + number_of(name) % 60
        slow = 1 + (rng.random() < way.loss * 4) * 8  # a lost segment costs a retransmission timeout
        phases = {
            "dns_ms": float(1.2 + rng.exponential(1.5)), "connect_ms": float(way.rtt_ms * slow + rng.exponential(0.4)),
            "first_byte_ms": float(way.rtt_ms + server_ms + rng.exponential(6)),
            "transfer_ms": float(way.rtt_ms * 0.4 + rng.exponential(3)),
        }  # fmt: skip
        if url.scheme == "https":
            phases["tls_ms"] = float(way.rtt_ms + 2.5 + rng.exponential(0.8))
            lasts = EXPIRES_DAYS.get(name, 30.0 + number_of(name) % 55)
            probe["certificate_days"] = max(0.1, lasts - (at_s - self._began_s) / 86400)
            probe["answer"] = "CN=Example Trust R3"
        size = 24_000 + number_of(probe["target"]) % 180_000
        probe |= phases | {"sent": 1, "received": 1, "rtt_ms": sum(phases.values()), "code": 200, "bytes": size}
        if rng.random() < 0.0006:
            probe |= {"state": "failed", "code": 503, "error": "status 503, expected 200 to 399"}
        elif rng.random() < self._weather.names("", url.hostname or "", at_s).share:
            self._no_http(probe, f"cannot resolve {url.hostname}")
        elif rng.random() < way.loss**3:
            self._no_http(probe, "no connection within the time limit")

    @staticmethod
    def _no_http(probe: Row, error: str) -> None:
        """Nothing came back."""
        for name in ("dns_ms", "connect_ms", "first_byte_ms", "transfer_ms", "tls_ms", "certificate_days", "answer",
                     "rtt_ms", "code", "bytes"):  # fmt: skip
            probe.pop(name, None)
        probe |= {"received": 0, "state": "failed", "error": error}

    def _dns(self, probe: Row, way: Way, rng: np.random.Generator, at_s: float) -> None:
        trouble = self._weather.names(probe["resolver"], probe["target"], at_s)
        fails = rng.random() < trouble.share
        if rng.random() < way.loss * way.loss or (fails and not trouble.code):
            probe |= {"sent": 1, "received": 0, "state": "failed", "error": "no answer"}
            return
        took = way.rtt_ms + float(rng.exponential(2.0)) + (600.0 if rng.random() < way.loss else 0.0)
        took += trouble.late_ms * float(rng.uniform(0.4, 1.6))
        if fails:
            probe |= {"sent": 1, "received": 1, "rtt_ms": took, "code": trouble.code, "state": "failed",
                      "error": "the name server failed (SERVFAIL)"}  # fmt: skip
            return
        probe |= {"sent": 1, "received": 1, "rtt_ms": took, "code": 0, "answer": remote_address(probe["target"])}


def _judge(probe: Row, limits: Limits) -> None:
    if probe["state"] != "ok":
        return
    loss = 100 * (probe["sent"] - probe["received"]) / probe["sent"] if probe["sent"] else 0.0
    for value, limit, name, unit in (
        (loss, limits.loss_percent, "loss", " %"), (probe.get("rtt_ms", 0), limits.rtt_ms, "round trip", " ms"),
        (probe.get("jitter_ms", 0), limits.jitter_ms, "jitter", " ms"),
    ):  # fmt: skip
        if limit and value > limit:
            probe |= {"state": "degraded", "error": f"{name} {value:.4g}{unit}, limit {limit:g}{unit}"}
    days = probe.get("certificate_days")
    if days is not None and days < limits.certificate_days:
        probe |= {
            "state": "degraded",
            "error": f"certificate expires in {days:.1f} days, limit {limits.certificate_days:g}",
        }
