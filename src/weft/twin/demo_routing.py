"""Acme's routes in the demo: the hours before through the decoder, then live BMP from every border router."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import structlog

from weft.collect.intake import Intake
from weft.collect.routing.bmp import Router
from weft.collect.routing.collector import RoutingCollector
from weft.collect.routing.feed import Feed
from weft.collect.routing.rib import Rib
from weft.collect.routing.rpki import Payloads
from weft.decode.bmp import BmpStream
from weft.model.addresses import packed
from weft.twin import organisation as org
from weft.twin.agents.bmp import BmpRouter
from weft.twin.config import DemoConfig
from weft.twin.player import Player
from weft.twin.routing import RouteChange, borders, route_changes, write_payloads
from weft.twin.timeline import Timeline

log = structlog.get_logger(__name__)

_STATISTICS_S = 60.0
_PIECE = 1 << 18
_PAYLOADS_S = 20  # how long the history waits for the payloads that its routes are judged by


def routing_settings(payloads: Path) -> dict[str, Any]:
    """The section ``routing`` of the demo's settings; writes the validated payloads."""
    return {
        "bmp": {"listeners": [{"port": 0, "address": "127.0.0.1"}]},
        "rpki": {"files": [str(write_payloads(payloads))]},
    }


class DemoRouting(Player):
    """Makes the history at the first start, then speaks, both in the background. Started when the BMP listener runs."""

    def __init__(
        self,
        config: DemoConfig,
        timeline: Timeline,
        intake: Intake,
        routing: RoutingCollector,
        payloads: Payloads,
        *,
        newest_s: Callable[[], float | None],
    ) -> None:
        """Inert until started. ``newest_s``: UTC seconds of the newest route stored, None when there is none."""
        super().__init__("demo-routing")
        self._config, self._timeline, self._intake, self._routing = config, timeline, intake, routing
        self._payloads, self._newest_s = payloads, newest_s

    def _run(self) -> None:
        now = time.time()
        since = now - self._config.backfill_hours * 3600
        if (self._newest_s() or 0.0) < since and self._config.backfill_hours:
            self._backfill(since, now)
        ports = self._routing.bmp.ports
        if ports and not self._stop.is_set():
            lines = [_Line(device, self._config.seed, ports[0]) for device in borders()]
            self._speak(lines)

    def _backfill(self, since_s: float, until_s: float) -> None:
        """What the routers would have told, as if it came when it happened."""
        for _ in range(_PAYLOADS_S):
            if self._payloads.known or self._stop.wait(1.0):
                break
        rib = Rib(states=self._payloads.states)
        feed = Feed(rib, self._intake)
        changes = list(route_changes(self._timeline, since_s, until_s))
        for device in borders():
            book = self._intake.open_source("bmp", f"{device.name} (history)")
            address = packed(device.address)
            router = Router(
                BmpStream(rib.paths), feed, book, address, max_peers=64,
                exporter_of=lambda address, _name, _router_id: address,
            )  # fmt: skip
            for at_s, octets in told_by(device, self._config.seed, changes, since_s):
                if self._stop.is_set():
                    break
                router.take(octets, int(at_s * 1e9))
            self._intake.close_source(book)
        self._intake.flush()

    def _speak(self, lines: list[_Line]) -> None:
        seen = time.time()
        reported = 0.0
        while not self._stop.wait(1.0):
            now = time.time()
            changes = list(route_changes(self._timeline, seen, now))
            is_due = now - reported >= _STATISTICS_S
            for line in lines:
                try:
                    line.say(changes, now, with_counters=is_due)
                except OSError as error:
                    log.warning("demo_send_failed", exporter=line.name, error=str(error))
                    line.hang_up()
            reported = now if is_due else reported
            seen = now
        for line in lines:
            line.hang_up()


def told_by(
    device: org.Exporter, seed: int, changes: Iterable[RouteChange], since_s: float
) -> Iterator[tuple[float, bytes]]:
    """A router's stream with the times at which its octets came."""
    router = BmpRouter(device, seed)
    for piece in _pieces(router.begin(since_s)):
        yield since_s, piece
    for one in changes:
        if one.device == device.name:
            yield one.at_s, b"".join(router.change(one))


def _pieces(messages: Iterator[bytes]) -> Iterator[bytes]:
    """Messages as a socket would hand them over."""
    piece = bytearray()
    for one in messages:
        piece += one
        if len(piece) >= _PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


class _Line:
    """One router's connection, made anew where it broke."""

    def __init__(self, device: org.Exporter, seed: int, port: int) -> None:
        self.name = device.name
        self._router = BmpRouter(device, seed)
        self._address, self._port = device.address, port
        self._socket: socket.socket | None = None

    def say(self, changes: list[RouteChange], now_s: float, *, with_counters: bool) -> None:
        """Send what happened; everything, where the connection is new. Raises ``OSError``."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), 10, (self._address, 0))
            for octets in _pieces(self._router.begin(now_s)):
                self._socket.sendall(octets)
            return
        messages = [octets for one in changes if one.device == self.name for octets in self._router.change(one)]
        if with_counters:
            messages += self._router.counters(now_s)
        if messages:
            self._socket.sendall(b"".join(messages))

    def hang_up(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
