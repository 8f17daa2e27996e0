"""A run's rows come whatever happens; traces to one target wait for each other."""

from __future__ import annotations

import asyncio

from collect.agent.kit import a_test, once
from weft.collect.agent import http
from weft.collect.agent.trace import Tracer


def test_a_defect_of_ours_is_a_run_that_was_not_done(monkeypatch):
    class Odd(Exception):
        pass

    async def broken(*_):
        raise Odd

    monkeypatch.setattr(http.HttpTester, "run", broken)
    probe, hops = once("http", "https://127.0.0.1/")
    assert (probe["state"], probe["error"], hops) == ("error", "the agent failed: Odd", [])


def test_traces_of_one_target_never_overlap(monkeypatch):
    under_way, most = 0, 0

    async def slow(*_):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1

    async def run():
        tracer, test = Tracer(), a_test("trace")
        monkeypatch.setattr(tracer, "_trace", slow)

        async def again():
            for _ in range(3):
                await tracer.trace(test, "192.0.2.1", 0)

        await asyncio.gather(*(again() for _ in range(3)))
        return len(tracer._locks)

    assert (asyncio.run(run()), most) == (0, 1)
