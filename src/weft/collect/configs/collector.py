"""Fetches and watches in a thread of its own: devices over SSH when due or asked for, directories now and then."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from weft.collect.configs.config import ConfigDirectory, ConfigsConfig
from weft.collect.configs.directory import Directory, Found
from weft.collect.configs.history import ConfigHistory
from weft.collect.configs.keeper import Came, Keeper
from weft.collect.configs.masking import Masker, masking_key
from weft.collect.configs.platforms import Platforms
from weft.collect.configs.targets import Target, targets_of
from weft.collect.intake import Intake, SourceBook
from weft.collect.ports import Facts
from weft.errors import Unavailable, WeftError
from weft.model.addresses import NO_ADDRESS, address_of_host

log = structlog.get_logger(__name__)

FOLDER = "configs"
_TARGETS_S = 60.0  # how often the inventory is asked for devices
_TICK_S = 1.0
_MOST_WAIT_S = 4 * 3600.0
_FIRST_SPREAD_S = 30.0  # devices are first fetched from over this time, not all at once
_STOP_S = 10.0


@dataclass(slots=True)
class _Job:
    """What is remembered of a device between fetches."""

    target: Target
    book: SourceBook
    due: float
    failures: int = 0
    author: str = ""
    running: bool = False
    asked: bool = field(default=False)


class ConfigCollector:
    """Collects configurations. Inert until started; does nothing where nothing is configured."""

    def __init__(self, config: ConfigsConfig, intake: Intake, facts: Facts, data_dir: Path) -> None:
        self._config, self._intake, self._facts = config, intake, facts
        self._folder = data_dir / FOLDER
        self.history = ConfigHistory(self._folder / "devices", keep=config.keep_versions)
        self._jobs: dict[str, _Job] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._wake: asyncio.Event | None = None
        self._stopping = False

    def start(self) -> None:
        """Read the platforms and the masking key, and begin. Raises ``ConfigError``."""
        if not self._config.wanted:
            return
        from weft.collect.configs.hostkeys import HostKeys  # brings SSH: 0.7 s of every other start

        self._platforms = Platforms(self._config.platforms)
        masker = Masker(masking_key(self._folder / "masking-key"))
        self._keeper = Keeper(self._intake, self._facts, self.history, masker)
        self._keys = HostKeys(
            self._config.known_hosts or self._folder / "known_hosts", trust_first=self._config.trust_first_use
        )
        self._keys.known()
        for device in self._config.devices:
            self._platforms.get(device.platform)
        self._stopping = False
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="weft-configs", daemon=True)
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Break off what is being fetched."""
        if self._thread is None or self._loop is None:
            return
        self._stopping = True
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._set)
        self._thread.join(_STOP_S)
        self._thread = self._loop = None

    def request(self, address: str, author: str = "") -> bool:
        """Fetch from a device soon: its log told of a commit (by ``author``). False where it is not one of ours."""
        loop = self._loop
        jobs = list(self._jobs.values())
        job = next((one for one in jobs if address in (one.target.address, one.target.name, *one.target.also)), None)
        if loop is None or job is None:
            return False

        def ask() -> None:
            job.asked, job.author = True, author or job.author
            job.due = min(job.due, time.monotonic() + self._config.settle_s) if job.failures == 0 else job.due
            self._set()

        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(ask)
        return True

    def _set(self) -> None:
        if self._wake is not None:
            self._wake.set()

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._main(ready))
        except Exception:
            log.exception("configs_stopped")
        finally:
            ready.set()

    async def _main(self, ready: threading.Event) -> None:
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        tasks = [asyncio.create_task(self._devices())]
        tasks += [asyncio.create_task(self._directory(one)) for one in self._config.directories]
        ready.set()
        while not self._stopping:
            await self._wait(_TICK_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for job in self._jobs.values():
            self._intake.close_source(job.book)
        self._jobs = {}

    async def _wait(self, seconds: float) -> None:
        assert self._wake is not None
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()

    async def _devices(self) -> None:
        """Start what is due, a few at a time: one that hangs holds only its own place."""
        room = asyncio.Semaphore(self._config.concurrency)
        looked = -_TARGETS_S
        async with asyncio.TaskGroup() as group:
            while True:
                now = time.monotonic()
                if now - looked >= _TARGETS_S:
                    self._renew()
                    looked = now
                for job in self._jobs.values():
                    if not job.running and job.due <= now:
                        job.running = True
                        group.create_task(self._fetch(job, room))
                due = min((job.due for job in self._jobs.values() if not job.running), default=now + _TICK_S)
                await asyncio.sleep(min(_TICK_S, max(0.05, due - now)))

    def _renew(self) -> None:
        """Take the devices as configured and as the inventory knows them now."""
        wanted = {one.address: one for one in targets_of(self._config, self._platforms, self._facts)}
        for address in self._jobs.keys() - wanted.keys():
            self._intake.close_source(self._jobs.pop(address).book)
        spread = min(_FIRST_SPREAD_S, 0.2 * len(wanted))
        for address, target in wanted.items():
            job = self._jobs.get(address)
            if job is None:
                where = f"ssh://{target.address}:{target.port}"
                book = self._intake.open_source(
                    "configs", target.name, where, exporter=_address(target.address), expected_s=target.every_s
                )
                first = time.monotonic() + random.uniform(0, spread)  # noqa: S311  # spreads load, keeps no secret
                self._jobs[address] = _Job(target, book, first)
            else:
                job.target = target

    async def _fetch(self, job: _Job, room: asyncio.Semaphore) -> None:
        from weft.collect.configs.session import FetchFailed, fetch

        target, author, wait_s = job.target, job.author, job.target.every_s
        try:
            async with room:
                job.asked, job.author = False, ""
                text = await fetch(target, self._keys)
            came = Came(target.name, text, target.platform, "ssh", time.time(), target.address, author)
            version = await asyncio.to_thread(self._keeper.take, came, job.book)
            if version is not None:
                log.info("config_kept", device=target.name, version=version.number)
            job.failures = 0
        except FetchFailed as failed:
            job.failures += 1
            job.book.error(failed.reason, str(failed), failing=True)
            job.book.gap()
        except WeftError as error:
            job.failures += 1
            job.book.error(error.code, error.message, failing=True)
        except Exception as error:  # one device must not stop the others
            job.failures += 1
            job.book.error("failed", type(error).__name__, failing=True)
            log.exception("config_failed", device=target.name)
        finally:
            job.running = False
            if job.failures:
                wait_s = min(_MOST_WAIT_S, max(30.0, min(wait_s, 60.0) * 2 ** min(job.failures - 1, 10)))
            elif job.asked:
                wait_s = self._config.settle_s
            job.due = time.monotonic() + wait_s

    async def _directory(self, config: ConfigDirectory) -> None:
        book = self._intake.open_source("configs", config.path.name, str(config.path), expected_s=config.every_s)
        directory = Directory(config, self._folder / "directories.json", self._config.most_bytes)
        try:
            while True:
                await asyncio.to_thread(self._look, config, directory, book)
                await asyncio.sleep(config.every_s)
        finally:
            self._intake.close_source(book)

    def _look(self, config: ConfigDirectory, directory: Directory, book: SourceBook) -> None:
        try:
            some = False
            for found in directory.new():
                some = True
                self._take(found, config, book)
                if self._stopping:
                    return
            if not some:
                book.came(0)
            for reason, count in directory.skipped.items():
                book.error(reason, f"files were left out: {reason}", count=count)
        except Unavailable as error:
            book.error(error.code, error.message, failing=True)
        except WeftError as error:
            book.error("git", error.message, failing=True)
        except Exception as error:
            book.error("failed", type(error).__name__, failing=True)
            log.exception("config_directory_failed", path=str(config.path))

    def _take(self, found: Found, config: ConfigDirectory, book: SourceBook) -> None:
        platform = self._platforms.get(config.platform) if config.platform else self._platforms.guess(found.text)
        self._keeper.take(Came(
            found.device, found.text, platform, "directory", found.time, author=found.author, reference=found.reference,
            title=found.title,
        ), book)  # fmt: skip


def _address(host: str) -> str:
    """The host where it is an address, empty where it is a name."""
    return host if address_of_host(host) != NO_ADDRESS else ""
