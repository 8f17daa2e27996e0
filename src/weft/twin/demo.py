"""Live demo traffic: Acme's exporters send real datagrams over loopback to Weft's own listeners.

Before that the last hour is back-filled, the day before it meanwhile: the same datagrams, made for past times, go
through the same decoders and tables by ``Collector.ingest``. Nothing here writes to the store.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import structlog

from weft.decode.datagrams import DatagramBatch
from weft.twin import organisation as org
from weft.twin.cluster.layout import Node
from weft.twin.config import DemoConfig
from weft.twin.devices import DeviceTwin
from weft.twin.encode import Datagrams, Encoder, NetflowV5, concat
from weft.twin.encode_sflow import SflowAgent
from weft.twin.encode_templated import Templated
from weft.twin.player import Player
from weft.twin.senses import Span, spans
from weft.twin.timeline import Timeline
from weft.twin.traffic import ExporterTraffic

log = structlog.get_logger(__name__)

#: What is made at once: small enough that a chunk's columns fit beside everything else.
_CHUNK_S = 600
#: So much history is there when the demo says that it is ready; the rest comes in the background.
_AT_ONCE_S = 3600
#: The background leaves the processor to others for this share of the time that it took.
_REST = 0.3
#: The past is told by observation domains of its own: its sequence numbers run beside the live ones.
_PAST_DOMAIN = 100
_ANNOUNCE_S = 60
_CAUGHT_UP_S = 2.0
_WAIT_S = 10.0
_UPTIME_S = 41 * 86400  # the devices booted this long before the demo: their 32-bit uptime does not wrap for days


class Sink(Protocol):
    """The part of the collector that takes batches past the sockets."""

    def ingest(self, batch: DatagramBatch) -> None:
        """Decode, enrich and store; blocks while the store is behind."""

    def flush(self) -> None:
        """Return when what was ingested can be queried."""


@dataclass(slots=True)
class FlowDevice:
    """A device that exports flows: what it meters, as datagrams."""

    exporter: org.Exporter
    traffic: ExporterTraffic
    encoder: Encoder
    rng: np.random.Generator
    timeline: Timeline

    def datagrams(self, since_s: float, until_s: float, announce: bool) -> Datagrams:
        """What the device sends about flows that ended in that time; some never arrive.

        ``sent_ms`` is when the datagrams were really sent, whatever the device's clock says.
        """
        parts = []
        for span in spans(self.timeline, self.exporter.name, since_s, until_s):
            if not span.silent:
                parts.append(self._told(span, announce))
                announce = False
        data = concat(parts)
        arrives = self.rng.random(len(data)) >= self.exporter.loss
        data.start, data.length, data.sent_ms = data.start[arrives], data.length[arrives], data.sent_ms[arrives]
        return data

    def _told(self, span: Span, announce: bool) -> Datagrams:
        ahead_ms = round(span.ahead_s * 1000)
        records = self.traffic.generate(span.since_s, span.until_s)
        records.start_ms += ahead_ms
        records.end_ms += ahead_ms
        self.encoder.boot_ms += ahead_ms  # its uptime does not jump with its clock
        parts = [self.encoder.announce(int(span.since_s * 1000) + ahead_ms)] if announce else []
        data = concat([*parts, self.encoder.encode(records)])
        self.encoder.boot_ms -= ahead_ms
        data.sent_ms -= ahead_ms
        return data


def _encoder(
    exporter: org.Exporter, boot_ms: int, domain: int, config: DemoConfig, since_s: float, timeline: Timeline
) -> Encoder:
    if exporter.protocol == "netflow_v5":
        return NetflowV5(boot_ms, exporter.sampling_rate or 1, engine_id=domain)
    if exporter.protocol == "sflow":
        assert exporter.sampling_rate is not None
        if domain > _PAST_DOMAIN:  # counters of the past are in the history of the devices' metrics
            return SflowAgent(exporter.address, boot_ms, exporter.sampling_rate, {}, sub_agent=1)
        twin = DeviceTwin(exporter, config, since_s, timeline)

        def counters(at_s: float) -> dict[int, tuple[int, int]]:
            return {p.port.index: (p.in_octets, p.out_octets) for p in twin.state(at_s).ports}

        speeds = {p.index: p.speed_bps for p in exporter.ports}
        return SflowAgent(exporter.address, boot_ms, exporter.sampling_rate, speeds, counters)
    version = 9 if exporter.protocol == "netflow_v9" else 10
    names = {p.index: (p.name, p.description) for p in exporter.ports}
    return Templated(version, boot_ms, domain, exporter.sampling_rate, names)


def make_device(number: int, config: DemoConfig, timeline: Timeline, now_s: float, *, past: bool = False) -> FlowDevice:
    """One of Acme's exporters by its place in their list, booted long before ``now_s`` (UTC seconds).

    ``past``: it tells of what is over while another one tells of what is now.
    """
    exporter = org.EXPORTERS[number]
    since_s = now_s - config.backfill_hours * 3600
    boot_ms = int((since_s - _UPTIME_S) * 1000) + number * 977
    return FlowDevice(
        exporter, ExporterTraffic(exporter, config.records_per_s, timeline),
        _encoder(exporter, boot_ms, number + 1 + _PAST_DOMAIN * past, config, since_s, timeline),
        np.random.default_rng([config.seed, number]), timeline,
    )  # fmt: skip


def make_devices(config: DemoConfig, timeline: Timeline, now_s: float, *, past: bool = False) -> list[FlowDevice]:
    """All of Acme's exporters."""
    return [make_device(number, config, timeline, now_s, past=past) for number in range(len(org.EXPORTERS))]


def as_batch(parts: list[tuple[org.Exporter, Datagrams]]) -> DatagramBatch:
    """Datagrams of several devices as the collector would have received them, at their export time."""
    merged = concat([datagrams for _, datagrams in parts])
    source = np.zeros((len(merged), 16), np.uint8)
    row = 0
    for exporter, datagrams in parts:
        source[row : row + len(datagrams), 10:12] = 0xFF
        source[row : row + len(datagrams), 12:] = np.frombuffer(
            ipaddress.IPv4Address(exporter.address).packed, np.uint8
        )
        row += len(datagrams)
    port = np.full(len(merged), 50_000, np.uint16)
    return DatagramBatch(merged.data, merged.start, merged.length, source, port, merged.sent_ms * 1_000_000)


class Missing:
    """Spans of the past that are not told yet, in a file: a demo that was stopped before goes on with them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, since_s: float) -> list[tuple[float, float]]:
        """Spans (UTC seconds) in order, as far as they lie after ``since_s``."""
        try:
            spans_s = [(float(start), float(end)) for start, end in json.loads(self._path.read_bytes())]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            log.warning("demo_past_unknown", path=str(self._path), reason=str(error))
            return []
        return [(max(start, since_s), end) for start, end in spans_s if end > since_s]

    def write(self, spans_s: list[tuple[float, float]]) -> None:
        """Keep these."""
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(spans_s), encoding="utf-8")
        fresh.replace(self._path)


class DemoSource(Player):
    """The demo organisation: back-fills its history, then sends live."""

    def __init__(
        self,
        config: DemoConfig,
        timeline: Timeline,
        sink: Sink,
        *,
        targets: Callable[[], Mapping[str, tuple[str, int]]],
        newest_s: Callable[[], float | None],
        missing: Path,
    ) -> None:
        """Inert until started.

        ``targets``: ``netflow``, ``ipfix``, ``sflow`` → loopback address and port of a listener, asked for once it
        runs. ``newest_s``: UTC seconds of the newest flow stored, None when there is none. ``missing``: file that
        remembers what of the past is not told yet.
        """
        super().__init__("demo")
        self._config, self._timeline, self._sink = config, timeline, sink
        self._targets, self._newest_s, self._missing = targets, newest_s, Missing(missing)
        self._devices: list[FlowDevice] = []
        self._since_s = 0.0
        self._past: threading.Thread | None = None
        self.sent_datagrams = 0

    def start(self) -> None:
        """Back-fill what is missing of the last hour, then begin to send, and to fill what is older."""
        now = time.time()
        self._devices = make_devices(self._config, self._timeline, now)
        first, newest = now - self._config.backfill_hours * 3600, self._newest_s()
        oldest = max(first, newest or 0.0)
        self._since_s = since = max(oldest, now - _AT_ONCE_S)
        past = self._missing.read(first) if newest is not None else []
        if since - oldest > 2 * _ANNOUNCE_S:
            past.append((oldest, since))
        self._missing.write(past)  # before anything newer is stored, which would hide that it is missing
        if now - since > 2 * _ANNOUNCE_S:
            log.info("demo_backfill", hours=round((now - since) / 3600, 1))
            self._since_s = self._backfill(since)
        super().start()
        if past:
            self._past = threading.Thread(target=self._fill_past, args=(past,), name="demo-past", daemon=True)
            self._past.start()

    def stop(self) -> None:
        """Send no more; the rest of the past is told after the next start."""
        super().stop()
        if self._past is not None:
            self._past.join(_WAIT_S)
            self._past = None

    def _backfill(self, since_s: float) -> float:
        """Make the history to now, which goes on meanwhile; returns where it ends."""
        while time.time() - since_s > _CAUGHT_UP_S and not self._stop.is_set():
            until = min(since_s + _CHUNK_S, time.time())
            self._tell(self._devices, since_s, until)
            since_s = until
        self._sink.flush()
        return since_s

    def _tell(self, devices: list[FlowDevice], since_s: float, until_s: float) -> None:
        self._sink.ingest(as_batch([(d.exporter, d.datagrams(since_s, until_s, announce=True)) for d in devices]))

    def _fill_past(self, past: list[tuple[float, float]]) -> None:
        try:
            devices = make_devices(self._config, self._timeline, time.time(), past=True)
            while past and not self._stop.is_set():
                began, (since_s, end_s) = time.monotonic(), past[0]
                until = min(since_s + _CHUNK_S, end_s)
                self._tell(devices, since_s, until)
                past[:1] = [(until, end_s)] if until < end_s else []
                self._missing.write(past)
                self._stop.wait((time.monotonic() - began) * _REST)
            self._sink.flush()
        except Exception:
            log.exception("demo_part_failed", part="demo-past")
        else:
            log.info("demo_past_filled", missing_hours=round(sum(end - since for since, end in past) / 3600, 1))

    def _run(self) -> None:
        since_s = self._since_s
        sockets = {d.exporter.name: device_socket(d.exporter) for d in self._devices}
        targets = self._targets()
        announced = 0.0
        while not self._stop.wait(1.0):
            now = time.time()
            announce = now - announced >= _ANNOUNCE_S
            announced = now if announce else announced
            for device in self._devices:
                target = targets[
                    "netflow" if device.exporter.protocol.startswith("netflow") else device.exporter.protocol
                ]
                for payload in device.datagrams(since_s, now, announce).payloads():
                    try:
                        sockets[device.exporter.name].sendto(payload, target)
                        self.sent_datagrams += 1
                    except OSError as error:  # a full socket buffer or a listener that is gone: as on a real network
                        log.warning("demo_send_failed", exporter=device.exporter.name, error=str(error))
            since_s = now
        for sock in sockets.values():
            sock.close()


def device_socket(exporter: org.Exporter | Node) -> socket.socket:
    """A socket with the exporter's own loopback address where the system has them all (Linux), else the common one."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((exporter.address, 0))
    except OSError:
        sock.bind(("127.0.0.1", 0))
    return sock
