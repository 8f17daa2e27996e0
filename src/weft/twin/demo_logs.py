"""The demo's log messages: the hours before through the decoder, then live datagrams; and its configurations.

Configurations are dropped into a directory as another tool would: a git repository with a commit for every commit that
the logs tell of, where git is installed, plain files otherwise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import structlog

from weft.decode.syslog import Sender, SenderClock, SyslogDecoder, rule_table
from weft.model.addresses import packed
from weft.model.changes import CHANGES
from weft.model.logs import LOG_SOURCES, LOGS
from weft.twin import organisation as org
from weft.twin.cluster.layout import Node
from weft.twin.cluster.logs import TALKING
from weft.twin.config import DemoConfig
from weft.twin.configs import Commit, commits, write_configs
from weft.twin.demo import device_socket
from weft.twin.demo_devices import Intake
from weft.twin.messages import Message, messages
from weft.twin.player import Player
from weft.twin.senses import clocks
from weft.twin.timeline import Timeline

log = structlog.get_logger(__name__)

_UDP = next(number for number, name in LOG_SOURCES.items() if name == "udp")
_LEAST_GAP_S = 120.0
_TALKING: tuple[org.Exporter | Node, ...] = (*org.DEVICES, *TALKING)
_BATCH = 5000
_GIT_S = 20


def wires(said: Sequence[Message], timeline: Timeline) -> list[bytes]:
    """The datagrams of messages in order of time, stamped by their devices' clocks, which may be off."""
    if not said:
        return []
    ahead_s = clocks(timeline, said[0].time_s, said[-1].time_s + 1.0)
    found = []
    for one in said:
        off_s = ahead_s(one.device, one.time_s)
        found.append(replace(one, time_s=one.time_s + off_s).wire if off_s else one.wire)
    return found


class DemoLogs(Player):
    """Started when the log receiver runs."""

    def __init__(
        self,
        config: DemoConfig,
        timeline: Timeline,
        intake: Intake,
        *,
        port: Callable[[], int | None],
        newest_s: Callable[[], float | None],
    ) -> None:
        """Inert until started.

        ``port``: UDP port of a log listener on loopback, None where there is none. ``newest_s``: UTC seconds of the
        newest message stored, None when there is none.
        """
        super().__init__("demo-logs")
        self._config, self._timeline, self._intake = config, timeline, intake
        self._port, self._newest_s = port, newest_s
        self._since_s = 0.0

    def start(self) -> None:
        """Make what is missing of the history, then log live."""
        now = time.time()
        since = max(now - self._config.backfill_hours * 3600, self._newest_s() or 0.0)
        if now - since >= _LEAST_GAP_S:
            self._backfill(since, now)
        self._since_s = now
        super().start()

    def _backfill(self, since_s: float, until_s: float) -> None:
        decoder = SyslogDecoder(rule_table())
        senders = {d.name: Sender(packed(d.address), SenderClock(is_live=False)) for d in _TALKING}
        past = messages(self._timeline, since_s, until_s)
        for first in range(0, len(past), _BATCH):
            part = past[first : first + _BATCH]
            decoded = decoder.decode(
                wires(part, self._timeline), [int(one.time_s * 1e9) for one in part],
                [senders[one.device] for one in part], _UDP,
            )  # fmt: skip
            self._intake.put(LOGS, decoded.logs)
            if decoded.changes is not None:
                self._intake.put(CHANGES, decoded.changes)
        self._intake.flush()

    def _run(self) -> None:
        since_s = self._since_s
        port = self._port()
        if port is None:
            return
        sockets = {device.name: device_socket(device) for device in _TALKING}
        while not self._stop.wait(1.0):
            now = time.time()
            said = messages(self._timeline, since_s, now)
            for message, wire in zip(said, wires(said, self._timeline), strict=True):
                try:
                    sockets[message.device].sendto(wire, ("127.0.0.1", port))
                except OSError as error:
                    log.warning("demo_send_failed", exporter=message.device, error=str(error))
            since_s = now
        for one in sockets.values():
            one.close()


class DemoConfigs(Player):
    """Keeps the directory of configurations up to date."""

    def __init__(self, config: DemoConfig, timeline: Timeline, directory: Path) -> None:
        super().__init__("demo-configs")
        self._config, self._timeline, self._directory = config, timeline, directory

    def start(self) -> None:
        """Write the history of the day, then go on with it."""
        now = time.time()
        since = now - self._config.backfill_hours * 3600
        if not self._directory.exists():
            self._directory.mkdir(parents=True)
            self._git("init", "-q")
            self._write(since, "svc-backup", "Configurations of all devices")
            for one in commits(self._timeline, since, now):
                self._commit(one.at_s + 1, one)
        super().start()

    def _run(self) -> None:
        seen = time.time()
        while not self._stop.wait(5.0):
            now = time.time()
            for one in commits(self._timeline, seen, now):
                self._commit(now, one)
            seen = now

    def _commit(self, at_s: float, one: Commit) -> None:
        self._write(at_s, one.who, one.title, one.device)

    def _write(self, at_s: float, author: str, subject: str, device_name: str = "") -> None:
        if write_configs(self._directory, self._timeline, at_s, device_name):
            self._git("add", "-A")
            stamp = datetime.fromtimestamp(at_s, UTC).isoformat()
            self._git("commit", "-q", "-m", subject, author=author, stamp=stamp)

    def _git(self, *arguments: str, author: str = "svc-backup", stamp: str = "") -> None:
        """One git command in the directory; nothing where git is not installed."""
        program = shutil.which("git")
        if program is None:
            return
        who = {"NAME": author, "EMAIL": f"{author}@acme.example", **({"DATE": stamp} if stamp else {})}
        own = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in who.items()}
        own |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | own
        done = subprocess.run(
            [program, *arguments],
            cwd=self._directory,
            env=environment,
            capture_output=True,
            timeout=_GIT_S,
            check=False,
        )
        if done.returncode:
            log.warning("demo_git_failed", command=arguments[0], error=done.stderr.decode("utf-8", "replace")[:200])
