"""Results that wait on disk."""

from __future__ import annotations

import asyncio

import pytest

from weft.collect.agent.buffer import DiskBuffer
from weft.collect.agent.outbox import Outbox
from weft.errors import Unavailable


def rows(first, count=3):
    return {"probes": [{"run": first + i, "error": "x" * 50} for i in range(count)], "hops": []}


def opened(path, most=1 << 20, age_s=1e6):
    one = DiskBuffer(path, most, age_s)
    one.open()
    return one


def drained(buffer):
    found = []
    while (first := buffer.first()) is not None:
        path, kept = first
        found += [row["run"] for row in kept["probes"]]
        buffer.forget(path)
    return found


def test_it_keeps_the_order_across_a_restart(tmp_path):
    one = opened(tmp_path)
    for first in (0, 10, 20):
        one.put(rows(first))
    again = opened(tmp_path)
    assert (again.runs, again.bytes) == (9, one.bytes)
    assert drained(again) == [0, 1, 2, 10, 11, 12, 20, 21, 22]
    assert (again.runs, again.bytes, list(tmp_path.iterdir())) == (0, 0, [])


def test_the_oldest_go_first_when_it_is_full(tmp_path):
    one = opened(tmp_path, most=1000)
    for first in range(0, 300, 3):
        one.put(rows(first))
    assert one.bytes <= 1000
    left = drained(one)
    assert left == list(range(300 - len(left), 300))
    assert one.dropped == {"the buffer was full": 300 - len(left)}


def test_what_is_too_old_is_dropped(tmp_path):
    opened(tmp_path).put(rows(0))
    one = opened(tmp_path, age_s=0)
    assert (drained(one), one.dropped) == ([], {"too old": 3})


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b\x08\x00junk", b"not gzip at all"])
def test_a_damaged_file_is_dropped_and_the_others_are_not(tmp_path, damage):
    one = opened(tmp_path)
    one.put(rows(0))
    one.put(rows(10))
    next(iter(sorted(tmp_path.iterdir()))).write_bytes(damage)
    again = opened(tmp_path)
    assert drained(again) == [10, 11, 12]
    assert again.dropped == {"a file was damaged": 3}


def test_half_a_file_and_strange_ones_are_passed_over(tmp_path):
    (tmp_path / "1-1.part").write_bytes(b"half")
    (tmp_path / "strange.json.gz").write_bytes(b"?")
    one = opened(tmp_path)
    assert one.first() is None
    assert [path.name for path in tmp_path.iterdir()] == ["strange.json.gz"]


def test_a_disk_that_cannot_be_written_to_is_counted(tmp_path):
    one = opened(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    one.put(rows(0))
    assert one.dropped == {"the disk cannot be written to": 3}


class Server:
    def __init__(self):
        self.away, self.reports = True, []

    async def results(self, rows, buffered, dropped):
        if self.away:
            raise Unavailable("away")
        self.reports.append(([row["run"] for row in rows["probes"]], buffered, dropped))
        return {}


def test_what_was_lost_is_told_once(tmp_path):
    server, buffer = Server(), opened(tmp_path, most=300)
    outbox = Outbox(server, buffer)
    for run in range(10):
        outbox.add({"run": run, "error": f"{run}" * 300}, [])
        with pytest.raises(Unavailable):
            asyncio.run(outbox.send())
    lost = buffer.dropped.total()
    assert lost > 0
    server.away = False
    asyncio.run(outbox.send())
    assert sum(dropped for _, _, dropped in server.reports) == lost
    assert [run for runs, _, _ in server.reports for run in runs] == list(range(lost, 10))
    assert outbox.waiting == 0


def test_the_hops_of_a_run_stay_with_it(tmp_path):
    server, buffer = Server(), opened(tmp_path)
    outbox = Outbox(server, buffer)
    for run in range(5):
        outbox.add({"run": run}, [{"run": run}] * 3840)
    outbox.keep()
    while (first := buffer.first()) is not None:
        path, kept = first
        assert {row["run"] for row in kept["hops"]} == {row["run"] for row in kept["probes"]}
        assert len(kept["hops"]) <= 8000
        buffer.forget(path)
