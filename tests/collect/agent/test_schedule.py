"""When series are due, by a clock that the test turns."""

from __future__ import annotations

import asyncio
from collections import Counter

from collect.agent.kit import a_test
from weft.collect.agent.plan import Series
from weft.collect.agent.schedule import Schedule


def series(count, every_s=60.0, name="p"):
    return [Series(a_test("ping", name=name, every_s=every_s), f"192.0.2.{i}") for i in range(count)]


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


def driven(steps, given, step_s=1.0, most=1000, run=None, jump=None):
    """Runs of each series after so many steps of the clock, and the schedule."""
    clock, runs = Clock(), Counter()

    async def count(one):
        runs[one.key] += 1
        if run is not None:
            await run()

    async def main():
        schedule = Schedule("a", count, most, clock)
        schedule.set(given)
        for step in range(steps):
            clock.now += (jump or {}).get(step, step_s)
            schedule._start_due()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        done = asyncio.Event()
        done.set()
        await schedule.work(done)
        return schedule

    return runs, asyncio.run(main())


def test_each_runs_once_an_interval():
    runs, schedule = driven(600, series(50))
    assert set(runs.values()) <= {9, 10, 11}
    assert len(runs) == 50
    assert schedule.skipped == {}


def test_they_do_not_all_run_at_once():
    at_once = Counter()
    clock = Clock()

    async def main():
        async def run(_):
            at_once[clock.now] += 1

        schedule = Schedule("a", run, 1000, clock)
        schedule.set(series(600))
        for _ in range(60):
            clock.now += 1
            schedule._start_due()
            await asyncio.sleep(0)

    asyncio.run(main())
    assert max(at_once.values()) < 30  # ten a second by the mean


def test_a_run_that_takes_long_is_not_begun_twice():
    async def forever():
        await asyncio.sleep(3600)

    runs, schedule = driven(200, series(2, every_s=10), run=forever)
    assert set(runs.values()) == {1}
    assert schedule.skipped["the run before was still under way"] >= 30


def test_there_is_a_bound_to_runs_at_once():
    async def forever():
        await asyncio.sleep(3600)

    runs, schedule = driven(70, series(20), most=5, run=forever)
    assert sum(runs.values()) == 5
    assert schedule.skipped["too many runs at once"] >= 15


def test_no_burst_follows_a_pause():
    runs, schedule = driven(120, series(10), jump={30: 3600.0})
    assert max(runs.values()) <= 4
    assert schedule.skipped["the agent was asleep"] >= 10 * 50


def test_a_clock_set_back_stops_nothing():
    runs, _ = driven(300, series(5), jump={100: -86_400.0})
    assert min(runs.values()) >= 4


def test_what_stays_keeps_its_times_and_what_goes_is_ended():
    ended = []

    async def main():
        clock = Clock()

        async def run(one):
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append(one.target)

        schedule = Schedule("a", run, 100, clock)
        both = series(2)
        schedule.set(both)
        due = {one.key: at for _, _, at, one in schedule._heap}
        schedule.set(both[:1])
        assert {one.key: at for _, _, at, one in schedule._heap} == {both[0].key: due[both[0].key]}
        for _ in range(70):
            clock.now += 1
            schedule._start_due()
            await asyncio.sleep(0)
        assert schedule.running == 1
        schedule.set([])
        await asyncio.sleep(0.01)
        assert schedule.running == 0

    asyncio.run(main())
    assert ended == ["192.0.2.0"]
