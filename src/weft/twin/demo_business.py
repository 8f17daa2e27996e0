"""The demo's business series, each through a door of its own: a shop's CSV export, the help desk's database, a push."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from weft.collect.business import Value, ValuesTaken, value_of
from weft.collect.push import Sender
from weft.errors import Unavailable
from weft.twin.business import sign_ins, sold, tickets
from weft.twin.config import DemoConfig
from weft.twin.player import Player
from weft.twin.timeline import Timeline

_S = 1_000_000_000
_HEADER = "time,site,product,orders,revenue\n"
_COLUMNS = "opened TEXT, site TEXT, service TEXT, hours INTEGER, PRIMARY KEY (opened, site, service)"
_BATCH = 5000


class Pushes(Protocol):
    """``weft.collect.push.Pushes``, as far as business series go."""

    def business(self, sender: Sender, values: Sequence[Value]) -> ValuesTaken:
        """Take values."""


def business_settings(directory: Path) -> dict[str, Any]:
    """The section ``business`` of the demo's settings."""
    shop = {
        "path": directory / "shop.csv", "name": "shop", "every_s": 5,
        "values": {"orders": "orders_per_minute", "revenue": "revenue_per_minute"},
        "units": {"orders": "orders/min", "revenue": "USD/min"},
    }  # fmt: skip
    opened = "SELECT opened AS time, 1 AS value, site, service FROM tickets WHERE opened >= :since"
    hours = "SELECT opened AS time, hours AS value, site, service FROM tickets WHERE opened >= :since"
    asked = {"bind": "text", "every_s": 20, "overlap_s": 600, "history_s": 40 * 3600}
    return {
        "files": [shop],
        "sql": [{
            "name": "helpdesk", "url": f"sqlite:///{directory / 'helpdesk.db'}",
            "queries": [
                {"series": "tickets", "unit": "tickets", "query": opened, **asked},
                {"series": "ticket_hours", "unit": "h", "query": hours, **asked},
            ],
        }],
    }  # fmt: skip


class DemoBusiness(Player):
    """Writes the shop's export and the help desk's database, and pushes sign-ins. Started before they are read."""

    def __init__(
        self,
        config: DemoConfig,
        timeline: Timeline,
        directory: Path,
        pushes: Pushes,
        *,
        newest_s: Callable[[], float | None],
    ) -> None:
        """Inert until started; ``newest_s``: UTC seconds of the newest value stored, None when there is none."""
        super().__init__("demo-business")
        self._config, self._timeline, self._directory = config, timeline, directory
        self._pushes, self._newest_s = pushes, newest_s
        self._until = 0

    def start(self) -> None:
        """Make what is missing of the history, then go on minute by minute."""
        now = int(time.time()) // 60 * 60
        self._directory.mkdir(parents=True, exist_ok=True)
        with closing(self._database()) as database, database:
            database.execute(f"CREATE TABLE IF NOT EXISTS tickets ({_COLUMNS})")
        since = int(max(now - self._config.backfill_hours * 3600, self._newest_s() or 0)) // 60 * 60
        self._write(since, now)
        super().start()

    def _run(self) -> None:
        while not self._stop.wait(1.0):
            now = int(time.time()) // 60 * 60
            if now > self._until:
                self._write(self._until, now)

    def _write(self, since_s: int, until_s: int) -> None:
        """Every whole minute of a span."""
        self._until = until_s
        minutes = range(since_s, until_s, 60)
        path = self._directory / "shop.csv"
        begun = path.exists()
        with path.open("a", encoding="utf-8") as file:
            if not begun:
                file.write(_HEADER)
            file.writelines(
                f"{one.time_s},{one.site},{one.product},{one.orders:g},{one.revenue:g}\n"
                for minute in minutes
                for one in sold(self._timeline, minute)
            )
        with closing(self._database()) as database, database:
            rows = list(tickets(self._timeline, since_s, until_s))
            database.executemany("INSERT OR IGNORE INTO tickets VALUES (?, ?, ?, ?)", rows)
        self._push(
            [
                value_of("sign_ins", minute * _S, count, {"site": site, "result": result}, "sign-ins/min")
                for minute in minutes
                for site, result, count in sign_ins(self._timeline, minute)
            ]
        )

    def _push(self, values: Sequence[Value]) -> None:
        sender = Sender("acme-identity", "127.0.0.1")
        for first in range(0, len(values), _BATCH):
            try:
                self._pushes.business(sender, values[first : first + _BATCH])
            except Unavailable:
                return

    def _database(self) -> sqlite3.Connection:
        return sqlite3.connect(self._directory / "helpdesk.db", timeout=5)
