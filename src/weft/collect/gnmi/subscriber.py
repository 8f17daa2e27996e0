"""The component: a book and a session per target, one event loop for all, one thread that decodes."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import structlog

from weft.collect.gnmi.config import GnmiConfig, TargetConfig
from weft.collect.intake.book import SourceBook
from weft.collect.intake.intake import Intake
from weft.collect.ports import Facts
from weft.errors import ConfigError, Unavailable
from weft.model.addresses import NO_ADDRESS, packed
from weft.rulefile import read_folder

if TYPE_CHECKING:  # gRPC takes a third of a second and 20 MB to load: only where there are targets
    from weft.collect.gnmi.feed import Feed, Pump
    from weft.decode.gnmi.mapping import PathMapping

log = structlog.get_logger(__name__)

_START_S = 30.0


class GnmiSubscriber:
    """Subscribes to every target of the settings. Nothing is opened, loaded or started where there are none."""

    def __init__(self, config: GnmiConfig, intake: Intake, facts: Facts) -> None:
        self._config, self._intake, self._facts = config, intake, facts
        self._targets = config.resolved()
        self._books: list[SourceBook] = []
        self._pump: Pump | None = None
        self._mapping: PathMapping | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Read the mapping files, then connect in the background. Raises ``ConfigError`` for files that are wrong."""
        enabled = [target for target in self._targets if target.enabled]
        if not enabled:
            return
        from weft.collect.gnmi.feed import Pump
        from weft.collect.gnmi.requests import path_message, wanted
        from weft.decode.gnmi.mapping import PathMapping

        self._mapping = PathMapping.load(read_folder(self._config.mappings, "gnmi.mappings"))
        for target in enabled:  # mistakes in the settings are told at once, not by a target that is silent
            if not wanted(target):
                fix = "Give it `presets` or `subscriptions`."
                raise ConfigError("there is nothing to subscribe to", where=f"gnmi.targets: {target.address}", fix=fix)
            for one in wanted(target):
                path_message(one.path)
        self._pump = Pump(self._config.queue_bytes)
        self._pump.start()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(enabled, started), name="weft-gnmi", daemon=True)
        self._thread.start()
        if not started.wait(_START_S):
            self.stop()
            raise Unavailable("did not start", where="gnmi")

    def stop(self) -> None:
        """End every connection, decode what has come."""
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._pump is not None:
            self._pump.stop()
            self._pump = None
        for book in self._books:
            self._intake.close_source(book)
        self._books.clear()

    def _run(self, targets: list[TargetConfig], started: threading.Event) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._loop.set_exception_handler(_told)
            runner.run(self._main(targets, started))

    async def _main(self, targets: list[TargetConfig], started: threading.Event) -> None:
        from weft.collect.gnmi.requests import wanted
        from weft.collect.gnmi.session import Session, expected_s

        assert self._pump is not None
        self._stop = asyncio.Event()
        self._pump.join_loop(asyncio.get_running_loop())
        tasks = []
        for target in targets:
            expected = expected_s(target, wanted(target))
            book = self._intake.open_source("gnmi", target.name or target.host, target.address, expected_s=expected)
            self._books.append(book)
            if target.plaintext:
                book.note(tls="none")
            elif target.tls.skip_verify:
                book.note(tls="not verified")
            session = Session(target, book, self._pump, self._feeds(target, book, expected))
            tasks.append(asyncio.create_task(session.run(), name=f"gnmi {target.address}"))
        started.set()
        await self._stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _feeds(self, target: TargetConfig, book: SourceBook, expected: float) -> Any:
        """Makes the feed of a target once its address is known."""

        def feed_for(address: str) -> Feed:
            from weft.collect.gnmi.feed import Feed
            from weft.decode.gnmi.decoder import GnmiDecoder
            from weft.decode.gnmi.leaves import Limits

            assert self._mapping is not None
            decoder = GnmiDecoder(
                self._mapping, host=target.name or target.host, device=address or target.name or target.host,
                exporter=packed(address) if address else NO_ADDRESS, address=address, by_target=target.gateway,
                limits=Limits(names=self._config.max_names, series=self._config.max_series),
            )  # fmt: skip
            book.rename(exporter=address)
            scope = f"gnmi {address or target.name or target.host}"
            return Feed(decoder, book, self._intake, self._facts, scope=scope, expected_s=expected)

        return feed_for


def _told(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Every loop of the process is woken by gRPC for each event; one that then finds nothing raises this: no harm."""
    if not isinstance(context.get("exception"), BlockingIOError):
        loop.default_exception_handler(context)
