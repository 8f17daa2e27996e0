"""Logs and routes of a scenario: what devices say in words and by BMP, through the decoders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from weft.collect.intake.book import SourceBook
from weft.collect.routing.bmp import Router
from weft.collect.routing.feed import Feed
from weft.collect.routing.rib import Rib
from weft.collect.routing.rpki import Payloads
from weft.decode.bmp import BmpStream
from weft.decode.rtr.files import read_vrps
from weft.decode.syslog import Sender, SenderClock, SyslogDecoder, rule_table
from weft.model.addresses import packed
from weft.model.changes import CHANGES
from weft.model.logs import LOG_SOURCES, LOGS
from weft.model.tables import Table
from weft.twin import organisation as org
from weft.twin.cluster.layout import Node
from weft.twin.cluster.logs import TALKING
from weft.twin.demo_logs import wires
from weft.twin.demo_routing import told_by
from weft.twin.messages import Message, messages
from weft.twin.routing import borders, route_changes
from weft.twin.run.jobs import Job, Rows, Stage
from weft.twin.run.telemetry import chunks

_UDP = next(number for number, name in LOG_SOURCES.items() if name == "udp")
_LOGS_S, _ROUTES_S = 3600.0, 3600.0


def log_messages(stage: Stage) -> Iterator[tuple[list[Message], list[bytes]]]:
    """Everything that devices log, in order, with the datagrams that carry it."""
    for since_s, until_s in chunks(stage.since_s, stage.until_s, _LOGS_S):
        said = messages(stage.timeline, since_s, until_s)
        yield said, wires(said, stage.timeline)


def log_rows(stage: Stage, _: Job) -> Rows:
    """Rows of ``logs`` and ``changes``."""
    decoder = SyslogDecoder(rule_table())
    talking: tuple[org.Exporter | Node, ...] = (*org.DEVICES, *TALKING)
    senders = {d.name: Sender(packed(d.address), SenderClock(is_live=False)) for d in talking}
    for said, wire in log_messages(stage):
        decoded = decoder.decode(
            wire, [int(one.time_s * 1e9) for one in said], [senders[one.device] for one in said], _UDP
        )
        yield LOGS, decoded.logs
        if decoded.changes is not None:
            yield CHANGES, decoded.changes


@dataclass
class _Kept:
    """Stands where the intake does: keeps what routes become until it is fetched."""

    rows: list[tuple[Table, pa.RecordBatch]] = field(default_factory=list)

    def put(self, table: Table, rows: pa.RecordBatch, book: SourceBook | None = None, *, messages: int = 1) -> None:
        del book, messages
        self.rows.append((table, rows))

    def open_source(
        self, kind: str, name: str, target: str = "", *, exporter: str = "", expected_s: float = 0.0
    ) -> SourceBook:
        return SourceBook(kind, name, target, exporter=exporter, expected_s=expected_s)

    def close_source(self, book: SourceBook) -> None:
        del book

    def take(self) -> Rows:
        rows, self.rows = self.rows, []
        yield from rows


def route_octets(stage: Stage, job: Job) -> Iterator[tuple[float, bytes]]:
    """A border's BMP stream with the times at which its octets come."""
    changes = (
        one
        for since_s, until_s in chunks(stage.since_s, stage.until_s, _ROUTES_S)
        for one in route_changes(stage.timeline, since_s, until_s)
    )
    return told_by(borders()[job.number], stage.scenario.seed, changes, stage.since_s)


def route_rows(stage: Stage, job: Job) -> Rows:
    """Rows of ``routes`` that a border's BMP stream becomes, judged by the validated payloads of the folder."""
    device, kept = borders()[job.number], _Kept()
    payloads = Payloads()
    payloads.replace(read_vrps((stage.folder / "reference" / "payloads.json").read_bytes()).vrps)
    rib = Rib(states=payloads.states)
    router = Router(
        BmpStream(rib.paths), Feed(rib, kept, is_history=True), kept.open_source("bmp", device.name),
        packed(device.address), max_peers=64, exporter_of=lambda address, _name, _router_id: address,
    )  # fmt: skip
    for at_s, octets in route_octets(stage, job):
        router.take(octets, int(at_s * 1e9))
        yield from kept.take()
