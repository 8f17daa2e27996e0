"""From an agent to stored rows through the real intake: rates are true whatever the counters do."""

from __future__ import annotations

import numpy as np
import pytest
from tests.collect.fakes import FakeStore

from weft.collect.config import CollectConfig
from weft.collect.intake import Intake
from weft.collect.ports import NoFacts
from weft.collect.snmp.config import SnmpConfig
from weft.collect.snmp.poller import SnmpPoller
from weft.twin.agents.snmp_mibs import AgentDevice, AgentInterface, mib_of, steady

from .kit import agents, until


def stored(store, metric):
    return [row for name, batch, _ in store.batches if name == "metrics" for row in batch.to_pylist()
            if row["metric"] == metric]  # fmt: skip


@pytest.mark.parametrize(
    "knobs", [{}, {"wide": False, "start": 2**32 - 2_500_000}, {"cache_s": 1.7}], ids=["steady", "wraps", "cached"]
)
def test_rates_are_true(tmp_path, knobs):
    """8 Mbit/s is 1 MB/s: over a wrap of 32 bits, and from an agent that answers from a cache."""
    counters = steady(8e6, 8e6, start=knobs.get("start", 0))
    mib = mib_of(
        AgentDevice("r1", interfaces=[AgentInterface(1, "eth0", counters=counters, wide=knobs.get("wide", True))])
    )
    store = FakeStore()
    intake = Intake(CollectConfig(batch_ms=50), store=store, data_dir=tmp_path)
    with agents(mib, cache_s=knobs.get("cache_s", 0.0)) as (agent,):
        config = SnmpConfig.model_validate(
            {"credentials": {"a": {"community": "public"}}, "interval_s": 1,
             "targets": [{"address": "127.0.0.1", "port": agent.port}]}
        )  # fmt: skip
        poller = SnmpPoller(config, intake, NoFacts())
        intake.start()
        poller.start()
        try:
            rows = until(
                lambda: len(found := [r for r in stored(store, "in_octets") if r["interval_ms"]]) >= 4 and found
            )
        finally:
            poller.stop()
            intake.stop()
    rates = np.array([row["increase"] / row["interval_ms"] * 1000 for row in rows])
    assert np.sum([r["increase"] for r in rows]) / np.sum([r["interval_ms"] for r in rows]) * 1000 == pytest.approx(
        1e6, rel=0.25
    )
    assert (rates > 0).all()
    assert rates.max() < 3e6
