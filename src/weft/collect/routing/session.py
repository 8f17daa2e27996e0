"""BGP sessions in which routers send Weft their routes: ExaBGP speaks BGP, we read its messages. Announces nothing.

What a router sends is its Adj-RIB-Out towards Weft: the routes that it uses, as far as its policy lets them go out.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import structlog

from weft.collect.intake.book import SourceBook
from weft.collect.intake.identity import Identity
from weft.collect.loop import LoopThread
from weft.collect.routing.exabgp import Said, configuration, environment, lines_of, program_of, read_line
from weft.collect.routing.feed import Feed
from weft.collect.routing.rib import Session
from weft.collect.routing.rows import SessionKey
from weft.collect.routing.session_config import BgpConfig, BgpNeighborConfig
from weft.decode.bgp import decode_updates
from weft.decode.bgp.open import Open, decode_open
from weft.errors import InvalidInput
from weft.model.addresses import address_text, packed

log = structlog.get_logger(__name__)

_BGP, _OUT_POST = 3, 5  # model.routes.ROUTE_SOURCES, RIBS
_READ = 1 << 18
_HEADER = 19
_TICK_S = 5.0
_FIRST_PAUSE_S, _MOST_PAUSE_S = 1.0, 60.0
_SEND = 2  # RFC 7911 §4: the bit of a speaker that can send several paths


@dataclass(slots=True)
class _Neighbor:
    config: BgpNeighborConfig
    book: SourceBook
    open: Open | None = None
    session: Session | None = None

    @property
    def as4(self) -> bool:
        """Whether AS numbers take four octets: ExaBGP always offers it."""
        return self.open is None or self.open.as4

    @property
    def add_path(self) -> frozenset[tuple[int, int]]:
        """Families whose NLRI carry a path identifier."""
        if self.open is None or not self.config.add_path:
            return frozenset()
        return frozenset(family for family, can in self.open.add_path().items() if can & _SEND)


class BgpSessions:
    """Runs ExaBGP while there are neighbours to speak to, and feeds what they send."""

    def __init__(self, config: BgpConfig, feed: Feed, identity: Identity) -> None:
        self._config, self._feed, self._identity = config, feed, identity
        self._neighbors: dict[bytes, _Neighbor] = {}
        self._thread: LoopThread | None = None
        self._judge = False
        self._rest = b""

    def start(self) -> None:
        """Start ExaBGP. Raises ``ConfigError`` where it is missing or a setting cannot be used."""
        if not self._config.neighbors:
            return
        program, folder = program_of(self._config), Path(tempfile.mkdtemp(prefix="weft-bgp-"))
        try:
            file = folder / "exabgp.conf"
            file.touch(mode=0o600)
            file.write_text(configuration(self._config, folder / "socket"), encoding="utf-8")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        for neighbor in self._config.neighbors:
            address = str(neighbor.address)
            book = self._feed.intake.open_source("bgp", neighbor.name or address, address, exporter=address)
            if neighbor.password is None:
                book.note(authentication="none")
            self._neighbors[packed(address)] = _Neighbor(neighbor, book)
        self._thread = LoopThread("weft-bgp", lambda thread: self._main(thread, program, folder))
        self._thread.start()

    def stop(self) -> None:
        """End ExaBGP, and with it every session."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        for neighbor in self._neighbors.values():
            self._feed.intake.close_source(neighbor.book)
        self._neighbors.clear()

    def judge_again(self) -> None:
        """RPKI says something else now."""
        self._judge = True

    async def _main(self, thread: LoopThread, program: str, folder: Path) -> None:
        try:
            server = await asyncio.start_unix_server(self._relay, folder / "socket")
            thread.ready()
            async with server:
                running = asyncio.create_task(self._run(program, folder))
                chores = asyncio.create_task(self._chores())
                await thread.done.wait()
                for task in (running, chores):
                    task.cancel()
                await asyncio.gather(running, chores, return_exceptions=True)
            await asyncio.to_thread(self._all_down, "Weft ended the session")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def _run(self, program: str, folder: Path) -> None:
        """Keep ExaBGP running."""
        pause = _FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                reason = f"ExaBGP ended with status {await self._once(program, folder)}"
            except OSError as error:  # it was removed, or is being replaced
                reason = f"ExaBGP cannot be started: {error.strerror}"
            for neighbor in self._neighbors.values():
                neighbor.book.error("exabgp_ended", f"{reason}; starting it again", failing=True)
            pause = _FIRST_PAUSE_S if time.monotonic() - began > _MOST_PAUSE_S else min(pause * 2, _MOST_PAUSE_S)
            await asyncio.sleep(pause)

    async def _once(self, program: str, folder: Path) -> int:
        """Run ExaBGP until it ends; its status."""
        process = await asyncio.create_subprocess_exec(
            program, str(folder / "exabgp.conf"), env=environment(self._config), cwd=folder,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            return await process.wait()
        finally:
            await _end(process)

    async def _chores(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            try:
                await asyncio.to_thread(self._tick)
            except Exception:  # the next tick may do better
                log.exception("bgp_chores_failed")

    def _tick(self) -> None:
        if judge := self._judge:  # cleared only where it was seen: it may be set meanwhile
            self._judge = False
        self._feed.rib.sweep()
        for neighbor in self._neighbors.values():
            session = neighbor.session
            if session is None:
                continue
            if judge:
                self._feed.judge_again(session, neighbor.book)
                self._feed.flush()
            if self._feed.is_due(session):
                self._feed.checkpoint(session, neighbor.book)
            neighbor.book.note(routes=len(session.table))

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What ExaBGP hands on, until it ends."""
        self._rest = b""
        try:
            while data := await reader.read(_READ):
                lines, self._rest = lines_of(self._rest, data)
                await asyncio.to_thread(self._take, lines)
        finally:
            writer.close()
            await asyncio.to_thread(self._all_down, "ExaBGP ended")

    def _take(self, lines: list[bytes]) -> None:
        now_ns = time.time_ns()
        said = [one for line in lines if line and (one := read_line(line)) is not None]
        with self._feed.rib.lock:
            for (peer, kind), group in groupby(said, key=lambda one: (one.peer, one.kind)):
                neighbor, lines_of_it = self._neighbors.get(peer), list(group)
                if kind == "bad":
                    book = next(iter(self._neighbors.values())).book
                    book.error("not_understood", "lines of ExaBGP that cannot be read", count=len(lines_of_it))
                elif neighbor is not None:
                    self._said(neighbor, kind, lines_of_it, now_ns)
        self._feed.flush()

    def _said(self, neighbor: _Neighbor, kind: str, said: list[Said], now_ns: int) -> None:
        if kind == "open":
            try:
                neighbor.open = decode_open(said[-1].message)
            except InvalidInput as error:
                neighbor.book.error("bad_open", error.message)
        elif kind == "up":
            self._up(neighbor, now_ns)
        elif kind == "down":
            self._down(neighbor, said[-1].reason, now_ns)
        else:
            self._routes(neighbor, [one.message for one in said], now_ns)

    def _up(self, neighbor: _Neighbor, now_ns: int) -> None:
        exporter = self._identity.primary_address(packed(str(neighbor.config.address)))
        key = SessionKey(exporter, _BGP, _OUT_POST, packed(str(self._config.address)), self._config.local_as)
        neighbor.book.rename(exporter=address_text(exporter))
        bgp_id = neighbor.open.bgp_id if neighbor.open else 0
        neighbor.session = self._feed.up(
            key, neighbor.book, received_ns=now_ns, time_ns=now_ns, local_as=neighbor.config.asn, bgp_id=bgp_id
        )
        neighbor.book.note(state="up")
        neighbor.book.came()

    def _down(self, neighbor: _Neighbor, reason: str, now_ns: int) -> None:
        session, neighbor.session, neighbor.open = neighbor.session, None, None
        if session is not None:
            self._feed.down(session, neighbor.book, reason, received_ns=now_ns, time_ns=now_ns)
            neighbor.book.gap()
            neighbor.book.note(state="down", routes=0, last_end=reason)

    def _routes(self, neighbor: _Neighbor, messages: list[bytes], now_ns: int) -> None:
        session = neighbor.session
        if session is None or not self._feed.holds(session):
            neighbor.book.error("not_up", "routes of a session that is not up", count=len(messages))
            return
        ends = np.cumsum([len(message) for message in messages], dtype=np.int64)
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]]) + _HEADER
        routes, _ = decode_updates(
            np.frombuffer(b"".join(messages), np.uint8), starts, ends, as4=neighbor.as4, add_path=neighbor.add_path,
            paths=self._feed.rib.paths,
        )  # fmt: skip
        errors: Counter[str] = routes.errors
        for reason, count in errors.items():
            neighbor.book.error(reason, f"UPDATE: {reason.replace('_', ' ')}", count=count)
        self._feed.take(session, neighbor.book, routes, now_ns, received_ns=now_ns, messages=len(messages))

    def _all_down(self, reason: str) -> None:
        now_ns = time.time_ns()
        with self._feed.rib.lock:
            for neighbor in self._neighbors.values():
                self._down(neighbor, reason, now_ns)
        self._feed.flush()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask ExaBGP to close its sessions and end, then insist."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(3.0):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
