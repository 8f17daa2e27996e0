"""A server's side of synthetics on a state store of its own, and reports as agents make them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from tests.collect.intake.fakes import FakeIntake

from weft.collect.synthetics import Agent, AgentNews, Synthetics, SyntheticsConfig
from weft.model.addresses import address_text
from weft.store.state import StateStore

SECOND = 1_000_000_000


class Places:
    """Addresses of 203.0.113.0/24 are AS64500 and in network 7."""

    def locate(self, addresses: Any) -> tuple[Any, Any]:
        ours = np.array([address_text(one.tobytes()).startswith("203.0.113.") for one in addresses], bool)
        return np.where(ours, 64500, 0).astype(np.uint32), np.where(ours, 7, 0).astype(np.uint32)


def device_of(address: bytes) -> str:
    return "r1" if address_text(address) == "203.0.113.1" else ""


def opened(directory: Path, intake: FakeIntake | None = None, **settings: Any) -> Synthetics:
    """Started, on the state store in ``directory``."""
    state = StateStore(f"sqlite:///{directory / 'state.db'}")
    state.start()
    config = SyntheticsConfig.model_validate(
        {"tests": [{"name": "web", "kind": "ping", "targets": ["a.example"]}]} | settings
    )
    made = Synthetics(config, state, intake=intake, places=Places(), device_of=device_of)  # type: ignore[arg-type]
    made.start()
    return made


def registered(synthetics: Synthetics, name: str = "ams", **news: Any) -> Agent:
    """An agent that has just registered."""
    key = synthetics.register(AgentNews(name, **news), "198.51.100.7")
    agent = synthetics.registry.of_key(key)
    assert agent is not None
    return agent


def probe(run: int, **more: Any) -> dict[str, Any]:
    """A row of ``probes``, a second old."""
    return {
        "time": time.time_ns() - SECOND, "test": "web", "kind": "ping", "target": "a.example", "address": "203.0.113.9",
        "run": run, "state": "ok", "sent": 5, "received": 5, "rtt_ms": 12.5,
    } | more  # fmt: skip


def hop(run: int, ttl: int, address: str = "", **more: Any) -> dict[str, Any]:
    """A row of ``hops``, a second old."""
    return {
        "time": time.time_ns() - SECOND, "test": "web", "run": run, "flow_id": 0, "ttl": ttl, "hop": address, "sent": 1,
        "received": int(bool(address)), "rtt_ms": float(ttl),
    } | more  # fmt: skip


def report(*probes: dict[str, Any], hops: Any = (), **more: Any) -> bytes:
    """Body of a report."""
    body = {"sent_ns": time.time_ns(), "probes": list(probes), "hops": list(hops), "buffered": 0, "dropped": 0} | more
    return json.dumps(body).encode()
