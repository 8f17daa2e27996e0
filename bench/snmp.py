"""Polling: interface counters per CPU-second of one core, and what dead devices do to live ones.

    python -m bench.snmp [--devices 20] [--interfaces 1000] [--polls 3] [--live 40] [--dead 200]

Agents run in a process of their own, whose CPU is told apart. The poller is held to one core and ends in the real
intake (identity, increases, batches) with a store that throws away. The peer is pysnmp's GETBULK of the same columns.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from bench._measure import cpu

from weft.collect.config import CollectConfig
from weft.collect.intake import Intake, SourceBook
from weft.collect.ports import NoFacts
from weft.collect.snmp.config import SnmpConfig
from weft.collect.snmp.poller import SnmpPoller
from weft.model.tables import Table
from weft.twin.agents.snmp import Mib, SnmpAgent
from weft.twin.agents.snmp_mibs import AgentDevice, AgentInterface, mib_of, steady

_COLUMNS = tuple(f"1.3.6.1.2.1.31.1.1.1.{column}" for column in (6, 7, 10, 11))
_BAR_S = 60.0


def emit(case: str, value: float, unit: str, **more: Any) -> None:
    """One result line."""
    print(json.dumps({"bench": "snmp", "case": case, "value": round(value, 3), "unit": unit, **more}), flush=True)


# --- the agents' process ----------------------------------------------------------------------------------------------


def serve(devices: int, interfaces: int) -> None:
    """Run agents until standard input ends; tell their ports first, and the CPU they took last."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    agents = [SnmpAgent(_fixed(_mib(at, interfaces))) for at in range(devices)]
    for agent in agents:
        agent.start()
    print(json.dumps([agent.port for agent in agents]), flush=True)
    before = cpu()
    sys.stdin.read()
    print(json.dumps({"cpu_s": cpu() - before, "variables": sum(agent.counts.variables for agent in agents)}))


def _fixed(mib: Mib) -> Any:
    return lambda: mib


def _mib(at: int, interfaces: int) -> Mib:
    ports = [AgentInterface(i, f"et-{i}", counters=steady(8e9, 4e9)) for i in range(1, interfaces + 1)]
    return mib_of(AgentDevice(f"device{at}", interfaces=ports))


class Agents:
    """The agents' process."""

    def __init__(self, devices: int, interfaces: int) -> None:
        command = [sys.executable, "-m", "bench.snmp", "--serve", str(devices), str(interfaces)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.ports: list[int] = json.loads(self._process.stdout.readline())

    def stop(self) -> Mapping[str, float]:
        """What they took."""
        out, _ = self._process.communicate("")
        found: Mapping[str, float] = json.loads(out)
        return found


# --- the poller -------------------------------------------------------------------------------------------------------


class NullStore:
    """Takes batches and forgets them."""

    def insert(self, table: Table, batch: pa.RecordBatch, token: str | None = None) -> None:
        """Forget."""

    def upsert_dictionary(self, _: Any, __: Sequence[Mapping[str, Any]]) -> None:
        """Forget."""


class Watched:
    """The intake, with a note of when each device's rows came."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.came: dict[str, list[tuple[float, int, float]]] = {}  # endpoint → (when, rows, seconds that the poll took)

    def put(self, table: Table, rows: pa.RecordBatch, book: SourceBook | None = None, *, messages: int = 1) -> None:
        """Pass on."""
        self._intake.put(table, rows, book, messages=messages)
        assert book is not None
        stamps = rows.column("time").cast(pa.int64()).to_numpy(zero_copy_only=False)
        spread = (int(stamps.max()) - int(stamps.min())) / 1e9
        self.came.setdefault(book.status().target, []).append((time.monotonic(), rows.num_rows, spread))

    def open_source(self, kind: str, name: str, target: str = "", **more: Any) -> SourceBook:
        """Pass on."""
        return self._intake.open_source(kind, name, target, **more)

    def close_source(self, book: SourceBook) -> None:
        """Pass on."""
        self._intake.close_source(book)


def _settings(ports: Iterable[int], interval_s: float, **more: Any) -> SnmpConfig:
    targets = [{"address": "127.0.0.1", "port": port} for port in ports]
    return SnmpConfig.model_validate(
        {"credentials": {"lab": {"community": "public"}}, "targets": targets, "interval_s": interval_s, **more}
    )


def _run(settings: SnmpConfig, polls: int, ports: Sequence[int], longest_s: float) -> tuple[Watched, float, float]:
    """Poll until every agent was polled so often; (what came, wall seconds, CPU seconds)."""
    with tempfile.TemporaryDirectory() as folder:
        intake = Intake(CollectConfig(), store=NullStore(), data_dir=Path(folder))  # type: ignore[arg-type]
        watched = Watched(intake)
        intake.start()
        poller = SnmpPoller(settings, watched, NoFacts())
        began, before = time.monotonic(), cpu()
        poller.start()
        wanted = {f"127.0.0.1:{port}" for port in ports}
        while time.monotonic() - began < longest_s:
            if all(len(watched.came.get(one, ())) >= polls for one in wanted):
                break
            time.sleep(0.05)
        wall, used = time.monotonic() - began, cpu() - before
        poller.stop()
        intake.stop()
    return watched, wall, used


def bench_counters(devices: int, interfaces: int, polls: int) -> None:
    """Every counter of devices × interfaces, polled over and over: CPU and wall seconds of one poll of all."""
    agents = Agents(devices, interfaces)
    interval_s = 15.0
    # the first poll reads names as well: what the later ones take is the difference of two runs
    first, _, first_cpu = _run(_settings(agents.ports, interval_s), 1, agents.ports, 300)
    again, _, again_cpu = _run(_settings(agents.ports, interval_s), 1 + polls, agents.ports, 600)
    took = agents.stop()
    values = sum(rows for came in again.came.values() for _, rows, _ in came[-1:])
    per_poll = (again_cpu - first_cpu) / polls
    emit(f"{devices * interfaces} interfaces, one poll", per_poll, "CPU-s", values=values,
         us_per_value=round(per_poll / values * 1e6, 2), wall_s=round(_wall(again), 3), bar_s=_BAR_S)  # fmt: skip
    emit("20 000 interface counters, one poll", per_poll * 20_000 / values, "CPU-s", bar_s=_BAR_S)
    spreads = [spread for came in again.came.values() for _, _, spread in came[1:]]
    emit("one device's poll, first value to last", statistics.median(spreads), "s", slowest=round(max(spreads), 3),
         interfaces=interfaces)  # fmt: skip
    emit("first poll, with names", first_cpu, "CPU-s", values=sum(r for c in first.came.values() for _, r, _ in c))
    emit("agents (another process)", took["cpu_s"], "CPU-s", variables=took["variables"],
         us_per_variable=round(took["cpu_s"] / took["variables"] * 1e6, 2))  # fmt: skip


def _wall(watched: Watched) -> float:
    """Seconds that the slowest device's poll took while all the others were polled beside it."""
    return max(spread for came in watched.came.values() for _, _, spread in came[1:])


def bench_dead(live: int, dead: int) -> None:
    """Polls of live devices with and without dead ones beside them."""
    agents = Agents(live, 50)
    silent = [_closed_port() for _ in range(dead)]
    for case, ports in (("alone", agents.ports), (f"beside {dead} dead devices", [*silent, *agents.ports])):
        watched, _, _ = _run(_settings(ports, 2.0), 6, agents.ports, 60)
        gaps, spreads = [], []
        for came in watched.came.values():
            gaps += [later[0] - earlier[0] for earlier, later in itertools.pairwise(came[1:])]
            spreads += [spread for _, _, spread in came[1:]]
        late = sorted(max(0.0, gap - 2.0) for gap in gaps)
        emit(f"{live} live devices {case}: polls later than due", late[int(len(late) * 0.99)], "s (99th percentile)",
             worst=round(late[-1], 3), poll_s=round(statistics.median(spreads), 4), polls=len(gaps))  # fmt: skip
    agents.stop()


def _closed_port() -> int:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def bench_peer(interfaces: int) -> None:
    """pysnmp's GETBULK of four columns of one device, and ours."""
    from pysnmp.hlapi.v3arch import asyncio as peer

    agents = Agents(1, interfaces)

    async def theirs() -> int:
        engine = peer.SnmpEngine()
        target = await peer.UdpTransportTarget.create(("127.0.0.1", agents.ports[0]))
        count = 0
        names = list(_COLUMNS)
        while names[0].startswith(_COLUMNS[0]):
            binds = [peer.ObjectType(peer.ObjectIdentity(name)) for name in names]
            _, _, _, got = await peer.bulk_cmd(
                engine, peer.CommunityData("public"), target, peer.ContextData(), 0, 14, *binds, lookupMib=False
            )
            count += len(got)
            names = [str(one[0]) for one in got[-4:]]
        return count

    async def ours() -> int:
        from weft.collect.snmp.session import Credential, Session
        from weft.collect.snmp.transport import Transport
        from weft.collect.snmp.walk import Pace, walk

        transport = Transport()
        session = Session(transport, ("127.0.0.1", agents.ports[0]), Credential("lab", "v2c", b"public"))
        found = await walk(session, Pace(1400), {str(at): oid for at, oid in enumerate(_COLUMNS)})
        transport.close()
        return sum(len(one.keys) for one in found.values())

    costs = []
    for work in (theirs, ours):
        before = cpu()
        count = asyncio.run(work())
        costs.append((cpu() - before) / count * 1e6)
    agents.stop()
    emit("a variable by GETBULK, v2c", costs[1], "CPU-µs", peer="pysnmp", peer_value=round(costs[0], 2),
         ratio=round(costs[0] / costs[1], 1))  # fmt: skip


def main() -> None:
    """All cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=20)
    parser.add_argument("--interfaces", type=int, default=1000)
    parser.add_argument("--polls", type=int, default=3)
    parser.add_argument("--live", type=int, default=40)
    parser.add_argument("--dead", type=int, default=200)
    parser.add_argument("--serve", nargs=2, type=int, metavar=("DEVICES", "INTERFACES"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(*given.serve)
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    bench_peer(given.interfaces)
    bench_counters(given.devices, given.interfaces, given.polls)
    bench_dead(given.live, given.dead)


if __name__ == "__main__":
    main()
