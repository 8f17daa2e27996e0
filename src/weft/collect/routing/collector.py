"""Routing as a part of the process: the RIB, whoever feeds it, and what outlives a restart."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from weft.collect.intake.book import SourceBook
from weft.collect.intake.identity import Identity, Nobody
from weft.collect.routing.config import RoutingConfig
from weft.collect.routing.feed import Feed, RouteIntake
from weft.collect.routing.memory import STATE_FILE, SessionsFile
from weft.collect.routing.metrics import RoutingMetrics
from weft.collect.routing.rib import Rib
from weft.collect.routing.rows import PEER_DOWN, session_row
from weft.collect.routing.rpki import Payloads
from weft.collect.routing.session import BgpSessions
from weft.collect.routing.station import BmpStation
from weft.enrich.routing import RouteLookups
from weft.model.routes import ROUTES

_TICK_S = 5.0


class RoutingCollector:
    """Holds the routes of every router that tells of them. Nothing is opened where nothing is configured."""

    def __init__(
        self, config: RoutingConfig, intake: RouteIntake, *, data_dir: Path, identity: Identity | None = None,
        payloads: Payloads | None = None, lookups: RouteLookups | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:  # fmt: skip
        self._config, self._intake = config, intake
        self.rib = Rib(max_routes=config.max_routes, states=payloads.states if payloads is not None else None)
        self.feed = Feed(
            self.rib, intake, tolerance_s=config.clock_tolerance_seconds, checkpoint_s=config.checkpoint_hours * 3600
        )  # fmt: skip
        self.bmp = BmpStation(config.bmp, self.feed, identity if identity is not None else Nobody())
        self.bgp = BgpSessions(config.bgp, self.feed, identity if identity is not None else Nobody())
        if payloads is not None:
            payloads.on_change(self.bmp.judge_again)
            payloads.on_change(self.bgp.judge_again)
        if lookups is not None:
            lookups.use(self.rib)
        self._registry, self._metrics = registry, RoutingMetrics(self.rib, self.feed, lookups)
        self._file = SessionsFile(data_dir / STATE_FILE)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Close what an earlier process left open in the history, then listen. Raises ``Unavailable``."""
        self._close_left_over()
        if not self._config.bmp.listeners and not self._config.bgp.neighbors:
            return
        self.bmp.start()
        try:
            self.bgp.start()
        except BaseException:
            self.bmp.stop()
            raise
        if self._registry is not None:
            self._registry.register(self._metrics)
        self._ended.clear()
        self._thread = threading.Thread(target=self._remember, name="weft-routing", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End every session, in the history, too."""
        lost = self.feed.lost_rows
        self.feed.close()
        self.bgp.stop()
        self.bmp.stop()
        self.feed.flush()
        if self._thread is not None:
            self._ended.set()
            self._thread.join()
            self._thread = None
            if self._registry is not None:
                self._registry.unregister(self._metrics)
            if self.feed.lost_rows == lost:  # else the next start closes what could not be told
                self._file.keep(session.key for session in self.rib.sessions())

    def _remember(self) -> None:
        while not self._ended.wait(_TICK_S):
            self._file.keep(session.key for session in self.rib.sessions())

    def _close_left_over(self) -> None:
        alive_ns, keys = self._file.left_over()
        book = SourceBook("bmp", "earlier process")
        for key in keys:
            rows = session_row(key, PEER_DOWN, alive_ns, time.time_ns(), "Weft ended without closing it")
            self._intake.put(ROUTES, rows, book)
        if keys:
            self._file.keep([])
