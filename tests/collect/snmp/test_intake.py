"""From an agent to stored rows through the real intake: rates are true whatever the counters do."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from tests.collect.fakes import FakeStore
from tests.waiting import until

from weft.collect.config import CollectConfig
from weft.collect.intake import Intake
from weft.collect.ports import NoFacts
from weft.collect.snmp.config import SnmpConfig
from weft.collect.snmp.poller import SnmpPoller
from weft.twin.agents.snmp_mibs import AgentDevice, AgentInterface, Counters, mib_of, steady

from .kit import agents


def stored(store, metric):
    return [row for name, batch, _ in store.batches if name == "metrics" for row in batch.to_pylist()
            if row["metric"] == metric]  # fmt: skip


@contextmanager
def polled(mib, folder, **knobs):
    """(agent, store) of a device that is polled every second into a real intake."""
    store = FakeStore()
    intake = Intake(CollectConfig(batch_ms=50), store=store, data_dir=folder)
    with agents(mib, **knobs) as (agent,):
        config = SnmpConfig.model_validate(
            {"credentials": {"a": {"community": "public"}}, "interval_s": 1,
             "targets": [{"address": "127.0.0.1", "port": agent.port}]}
        )  # fmt: skip
        poller = SnmpPoller(config, intake, NoFacts())
        intake.start()
        poller.start()
        try:
            yield agent, store
        finally:
            poller.stop()
            intake.stop()


@pytest.mark.parametrize(
    "knobs", [{}, {"wide": False, "start": 2**32 - 2_500_000}, {"cache_s": 1.7}], ids=["steady", "wraps", "cached"]
)
def test_rates_are_true(tmp_path, knobs):
    """8 Mbit/s is 1 MB/s: over a wrap of 32 bits, and from an agent that answers from a cache."""
    counters = steady(8e6, 8e6, start=knobs.get("start", 0))
    port = AgentInterface(1, "eth0", counters=counters, wide=knobs.get("wide", True))
    mib = mib_of(AgentDevice("r1", interfaces=[port]))
    with polled(mib, tmp_path, cache_s=knobs.get("cache_s", 0.0)) as (_, store):
        rows = until(lambda: len(found := [r for r in stored(store, "in_octets") if r["interval_ms"]]) >= 4 and found)
    octets, seconds = (sum(row[name] for row in rows) for name in ("increase", "interval_ms"))
    assert octets / seconds * 1000 == pytest.approx(1e6, rel=0.25)
    rates = [row["increase"] / row["interval_ms"] * 1000 for row in rows]
    assert min(rates) > 0
    assert max(rates) < 3e6


def test_a_reboot_adds_nothing_that_was_not_there(tmp_path):
    """From three thousand million octets to a thousand: neither a wrap of 32 bits nor traffic."""
    began = {"octets": 3_000_000_000}
    port = AgentInterface(1, "eth0", counters=lambda now: Counters(began["octets"] + int(now * 1000 % 1e8)))
    with polled(mib_of(AgentDevice("r1", interfaces=[port])), tmp_path) as (agent, store):
        until(lambda: len(stored(store, "in_octets")) >= 2)
        began["octets"] = 1000
        agent.reboot()
        until(lambda: len([r for r in stored(store, "in_octets") if r["value"] < 1e9]) >= 2)
    assert max(row["increase"] for row in stored(store, "in_octets")) < 1e6
