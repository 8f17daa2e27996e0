"""Agents, and a poller of them: what SNMP's tests run against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.collect.intake.fakes import FakeFacts, FakeIntake

from weft.collect.snmp.config import SnmpConfig
from weft.collect.snmp.poller import SnmpPoller
from weft.twin.agents.snmp import Mib, SnmpAgent
from weft.twin.agents.snmp_mibs import AgentDevice, AgentInterface, mib_of, steady


@contextmanager
def agents(*mibs: Mib | Callable[[], Any], community: str = "public", **knobs: Any) -> Iterator[list[SnmpAgent]]:
    """Running agents on 127.0.0.1."""
    made = [SnmpAgent(mib if callable(mib) else (lambda mib=mib: mib), community) for mib in mibs]
    try:
        for one in made:
            for name, value in knobs.items():
                setattr(one, name, value)
            one.start()
        yield made
    finally:
        for one in made:
            one.stop()


@contextmanager
def polling(config: dict[str, Any], ports: Sequence[int] = ()) -> Iterator[tuple[SnmpPoller, FakeIntake, FakeFacts]]:
    """A running poller of agents at ``ports``."""
    targets = [{"address": "127.0.0.1", "port": port} for port in ports]
    settings = SnmpConfig.model_validate(
        {"credentials": {"lab": {"community": "public"}}, "targets": targets, "interval_s": 1, "timeout_s": 0.3,
         "retries": 1, **config}
    )  # fmt: skip
    rows, facts = FakeIntake(), FakeFacts()
    poller = SnmpPoller(settings, rows, facts)
    poller.start()
    try:
        yield poller, rows, facts
    finally:
        poller.stop()


def device(name: str = "r1", interfaces: int = 2, bps: float = 8e6, **more: Any) -> AgentDevice:
    """A small device with steady traffic."""
    counters = steady(bps, bps / 2)
    ports = [AgentInterface(i, f"eth{i}", counters=counters) for i in range(1, interfaces + 1)]
    return AgentDevice(name, interfaces=ports, **more)


def small_mib(**more: Any) -> Mib:
    return mib_of(device(**more))
