"""The log receiver as a part of the process: listeners, accounts, queue and decoder, wired."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import structlog

from weft.collect.intake.book import SourceBook
from weft.collect.syslog.config import SyslogConfig, SyslogListenerConfig
from weft.collect.syslog.queue import MessageQueue
from weft.collect.syslog.senders import Books, Senders
from weft.collect.syslog.tcp import StreamListener, StreamServer
from weft.collect.syslog.udp import UdpListener
from weft.collect.syslog.worker import Rows, Worker
from weft.decode.syslog import RuleTable, SyslogDecoder, TemplateMiner, Tolerances, rule_table
from weft.errors import ConfigError, InvalidInput, Unavailable
from weft.rulefile import read_folder

log = structlog.get_logger(__name__)

STATE_FILE = "syslog-templates.json"


class SyslogIntake(Books, Rows, Protocol):
    """What the receiver needs of the intake."""


def read_rule_files(folder: Path | None) -> RuleTable:
    """The rules, own ones first. Raises ``ConfigError`` that names the file and the rule."""
    own = read_folder(folder, "syslog.rules")
    try:
        return rule_table(own)
    except InvalidInput as error:
        raise ConfigError(error.what, where=error.where, fix=error.fix) from error


class SyslogServer:
    """Receives, decodes and hands over log messages. ``data_dir``: where templates are kept over restarts."""

    def __init__(self, config: SyslogConfig, intake: SyslogIntake, *, data_dir: Path | None = None) -> None:
        self._config, self._intake = config, intake
        self._state = data_dir / STATE_FILE if data_dir is not None else None
        self._udp: list[UdpListener] = []
        self._streams: StreamServer | None = None
        self._worker: Worker | None = None
        self._senders: Senders | None = None
        self._books: list[SourceBook] = []
        self.ports: dict[str, list[int]] = {"udp": [], "tcp": [], "tls": []}

    def start(self) -> None:
        """Open the listeners. Raises ``ConfigError`` and ``Unavailable``; then nothing is left open."""
        config = self._config
        if not config.listeners:
            return
        rules = read_rule_files(config.rules)
        queue = MessageQueue(config.queue_bytes)
        self._senders = Senders(config, self._intake)
        streams: list[StreamListener] = []
        try:
            self._open(queue, streams)
        except BaseException:
            for listener in streams:
                listener.close()
            self.stop()
            raise
        tolerances = Tolerances(config.clock_tolerance_seconds, config.clock_late_seconds)
        miner = TemplateMiner(most=config.max_templates, similarity=config.template_similarity)
        decoder = SyslogDecoder(rules, miner, tolerances)
        self._worker = Worker(decoder, queue, self._intake, self._state, config.state_seconds)
        self._worker.start()
        self._streams = StreamServer(streams, config, self._senders, queue)
        self._streams.start()
        for udp in self._udp:
            udp.start()

    def stop(self) -> None:
        """Close the listeners, decode what waits, save the templates."""
        for udp in self._udp:
            udp.stop()
        if self._streams is not None:
            self._streams.stop()
        if self._worker is not None:
            self._worker.stop()
        if self._senders is not None:
            self._senders.close()
        for book in self._books:
            self._intake.close_source(book)
        self._udp, self._books = [], []
        self._streams = self._worker = self._senders = None

    def _open(self, queue: MessageQueue, streams: list[StreamListener]) -> None:
        assert self._senders is not None
        is_default = "listeners" not in self._config.model_fields_set
        for settings in self._config.listeners:
            name = f"{settings.protocol} {settings.address or '*'}:{settings.port}"
            book = self._intake.open_source("syslog", f"listener {name}", name)
            self._books.append(book)
            try:
                self.ports[settings.protocol].append(self._listen(settings, queue, streams, book))
            except Unavailable as error:
                if not is_default:
                    raise
                book.error("not_listening", error.what, failing=True)
                log.warning("syslog_not_listening", reason=error.message)
                continue
            book.came(messages=0)

    def _listen(
        self, settings: SyslogListenerConfig, queue: MessageQueue, streams: list[StreamListener], book: SourceBook
    ) -> int:
        assert self._senders is not None
        if settings.protocol == "udp":
            udp = UdpListener(settings, self._config, self._senders, queue, book)
            udp.open()
            self._udp.append(udp)
            return udp.port
        stream = StreamListener(settings, book)
        stream.open()
        streams.append(stream)
        return stream.port
