"""The poller: every device at its interval, each on its own, so that a dead or slow one delays nobody.

An event loop in a thread of its own. Only devices that answer a first question take one of the ``devices_at_once``
places; those that are away wait longer and longer between single questions, out of an allowance of their own.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from weft.collect.intake import SourceBook
from weft.collect.loop import LoopThread
from weft.collect.ports import Facts
from weft.collect.snmp.config import PROFILES, SnmpConfig, TargetConfig
from weft.collect.snmp.device import Device, Rows
from weft.collect.snmp.discovery import Found, Sweeper, identity, listed, prefixes, target_text
from weft.collect.snmp.errors import SnmpError
from weft.collect.snmp.session import Credential
from weft.collect.snmp.transport import Transport
from weft.decode.snmp.library import Library, load
from weft.errors import ConfigError
from weft.rulefile import read_folder

log = structlog.get_logger(__name__)

_FORGET_S = 24 * 3600.0  # a swept device that has been away for so long is forgotten until a sweep finds it again
_RESOLVE_S = 60.0  # how often names are resolved and the inventory is asked
_FIRST_PER_S = 200.0  # devices that are first polled in a second
_LEAST_DEADLINE_S = 60.0


class SnmpPoller:
    """Polls the devices of the settings. Nothing is opened where there are none."""

    def __init__(self, config: SnmpConfig, intake: Rows, facts: Facts) -> None:
        self._config, self._intake, self._facts = config, intake, facts
        self._library: Library | None = None
        self._credentials: dict[str, Credential] = {}
        self._running: LoopThread | None = None
        self._devices: dict[tuple[str, int], Device] = {}
        self._tasks: dict[tuple[str, int], asyncio.Task[None]] = {}

    def start(self) -> None:
        """Read profiles and credentials, and begin. Raises ``ConfigError``."""
        if not self._config.targets and not self._config.inventory:
            return
        self._library = load(read_folder(self._config.profiles_dir, PROFILES))
        for at, target in enumerate(self._config.targets):
            if target.profile and target.profile not in self._library.profiles:
                known = ", ".join(sorted(self._library.profiles))
                raise ConfigError(
                    f"no device profile {target.profile!r}", where=f"snmp.targets.{at}.profile", fix=f"Known: {known}."
                )
        self._credentials = {name: Credential.of(name, one) for name, one in self._config.credentials.items()}
        self._running = LoopThread("weft-snmp", self._main)
        self._running.start()

    def stop(self) -> None:
        """Let polls under way go, close the sockets."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    @property
    def devices(self) -> list[str]:
        """Addresses that are polled now."""
        return [host for host, _ in list(self._devices)]

    async def _main(self, running: LoopThread) -> None:
        assert self._library is not None
        self._transport = Transport()
        self._room = asyncio.Semaphore(self._config.devices_at_once)
        self._probes = asyncio.Semaphore(self._config.probes_at_once)
        self._sweeper = Sweeper(self._config, self._transport, self._library, self._probes)
        self._storing = ThreadPoolExecutor(1, thread_name_prefix="weft-snmp-store")
        running.ready()
        background = [asyncio.create_task(self._keep(self._list_targets()))]
        background += [asyncio.create_task(self._keep(self._sweep(one))) for one in prefixes(self._config)]
        try:
            await running.done.wait()
        finally:
            for task in (*background, *self._tasks.values()):
                task.cancel()
            await asyncio.gather(*background, *self._tasks.values(), return_exceptions=True)
            self._transport.close()
            await asyncio.sleep(0)  # closing sockets takes a turn of the loop
            await asyncio.get_running_loop().run_in_executor(None, self._storing.shutdown)

    async def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        """A background task whose failure is shown, not lost."""
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("snmp_task_failed")

    # --- which devices -----------------------------------------------------------------------------------------------

    async def _list_targets(self) -> None:
        """Add devices that are named, resolve names anew, follow the inventory."""
        book: SourceBook | None = None
        while True:
            found, unknown = await asyncio.to_thread(listed, self._config, self._facts)
            for one in found:
                self._add(one)
            if unknown:
                book = book or self._intake.open_source("snmp", "host names", "DNS", expected_s=_RESOLVE_S)
                names = ", ".join(unknown[:5])
                book.error("resolve", f"no address for {names}", count=len(unknown), failing=not found)
            elif book is not None:
                book.came()
            await asyncio.sleep(_RESOLVE_S)

    def _add(self, found: Found, device: Device | None = None) -> None:
        if found.endpoint in self._devices:
            return
        assert self._library is not None
        target = found.target
        interval_s = target.interval_s or self._config.interval_s
        device = Device(
            found.endpoint, self._usable(target), config=self._config, library=self._library,
            transport=self._transport, rows=self._intake, facts=self._facts, interval_s=interval_s,
            exporter=str(target.exporter or ""), profile=target.profile, swept=found.swept,
        )  # fmt: skip
        self._devices[found.endpoint] = device
        spread = min(interval_s, len(self._devices) / _FIRST_PER_S)
        task = asyncio.create_task(self._keep(self._poll_for_ever(device, random.uniform(0, spread))))  # noqa: S311
        self._tasks[found.endpoint] = task

    def _usable(self, target: TargetConfig) -> list[Credential]:
        names = target.credentials or tuple(self._credentials)
        return [self._credentials[name] for name in names]

    async def _sweep(self, target: TargetConfig) -> None:
        shown = target_text(target)
        book = self._intake.open_source("snmp", f"discovery of {shown}", shown, expected_s=self._config.discovery_s)
        while True:
            began = time.monotonic()
            found, wrong = await self._sweeper.sweep(target, self._usable(target), set(self._devices))
            seen = {identity(one.reader) for one in self._devices.values()} - {None}
            aliases = 0
            for one, reader in found:
                own = identity(reader)
                if own is not None and own in seen:
                    aliases += 1
                    continue
                seen.add(own)
                self._add(one)
            for reason, count in wrong.items():
                book.error(reason, f"{count} addresses answered with {reason}", count=count)
            book.came(lag_s=time.monotonic() - began)
            book.note(devices=len(self._devices), found=len(found) - aliases, other_addresses=aliases)
            await asyncio.sleep(self._config.discovery_s * random.uniform(0.95, 1.05))  # noqa: S311

    # --- one device --------------------------------------------------------------------------------------------------

    async def _poll_for_ever(self, device: Device, phase_s: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(phase_s)
        due = loop.time()
        spread_s = device.interval_s * random.uniform(0, 0.5)  # noqa: S311 — from the second poll on, not all at once
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            if device.away:
                async with self._probes:
                    back = await device.probe()
                if not back:
                    if device.swept and time.monotonic() - device.away_since > _FORGET_S:
                        self._forget(device)
                        return
                    due = loop.time() + device.wait_s()
                    continue
            await self._poll(device)
            if device.away:
                due = loop.time() + device.wait_s()
                continue
            due += device.interval_s - spread_s
            spread_s = 0.0
            late = loop.time() - due
            if late > 0:  # the poll took longer than the interval: what was missed is missed
                missed = int(late // device.interval_s) + 1
                device.book.gap(missed)
                due += missed * device.interval_s

    async def _poll(self, device: Device) -> None:
        limit_s = max(4 * device.interval_s, _LEAST_DEADLINE_S)
        try:
            async with asyncio.timeout(limit_s):
                reading = await device.read(self._room)
        except TimeoutError:
            device.failed(SnmpError("too_slow", f"a poll took longer than {limit_s:.0f} s", where=device.endpoint[0]))
            return
        if reading is not None:
            await asyncio.get_running_loop().run_in_executor(self._storing, device.store, reading)

    def _forget(self, device: Device) -> None:
        device.close()
        self._devices.pop(device.endpoint, None)
        self._tasks.pop(device.endpoint, None)
