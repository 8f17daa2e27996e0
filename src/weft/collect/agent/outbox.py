"""Results on their way to the server: gathered in memory, sent in order, kept on disk while they cannot be."""

from __future__ import annotations

from collections import Counter
from typing import Any

import structlog

from weft.collect.agent.buffer import DiskBuffer, Rows
from weft.collect.agent.server import Server
from weft.errors import InvalidInput

log = structlog.get_logger(__name__)

_MOST_RUNS, _MOST_HOPS = 500, 8000  # of one report


class Outbox:
    """Takes rows of runs and sends them. What the server is not reached for goes to disk."""

    def __init__(self, server: Server, buffer: DiskBuffer) -> None:
        self._server, self._buffer = server, buffer
        self._rows: Rows = {"probes": [], "hops": []}
        self._unreported = 0  # runs lost that the server was not told of
        self._counted = 0
        self.refused: Counter[str] = Counter()
        self.sent = 0

    @property
    def waiting(self) -> int:
        """Runs that are not sent yet."""
        return len(self._rows["probes"]) + self._buffer.runs

    def add(self, probe: dict[str, Any], hops: list[dict[str, Any]]) -> None:
        """A run's rows; they stay together."""
        rows = self._rows
        if rows["probes"] and (len(rows["probes"]) >= _MOST_RUNS or len(rows["hops"]) + len(hops) > _MOST_HOPS):
            self.keep()
            rows = self._rows
        rows["probes"].append(probe)
        rows["hops"] += hops

    def keep(self) -> None:
        """Put what is in memory on disk."""
        rows, self._rows = self._rows, {"probes": [], "hops": []}
        self._buffer.put(rows)

    async def send(self) -> None:
        """Send all there is, oldest first. Raises what the server's refusal says; nothing is lost then."""
        try:
            while (found := self._buffer.first()) is not None:
                path, rows = found
                await self._deliver(rows)
                self._buffer.forget(path)
        except BaseException:
            self.keep()
            raise
        rows, self._rows = self._rows, {"probes": [], "hops": []}
        if not rows["probes"]:
            return
        try:
            await self._deliver(rows)
        except BaseException:
            self._buffer.put(rows)
            raise

    async def _deliver(self, rows: Rows) -> None:
        lost = self._lost()
        try:
            refused = await self._server.results(rows, self.waiting, lost)
        except InvalidInput as error:  # it will never be taken
            self.refused["the report was refused"] += len(rows["probes"])
            log.warning("results_refused", runs=len(rows["probes"]), reason=error.message)
            return
        self._unreported -= lost
        self.sent += len(rows["probes"])
        self.refused.update(refused)
        if refused:
            log.warning("rows_refused", reasons=refused)

    def _lost(self) -> int:
        """Runs that were dropped since the server was last told."""
        total = self._buffer.dropped.total()
        self._unreported += total - self._counted
        self._counted = total
        return self._unreported
