"""Which runs were stored already: an agent sends again what it was not answered for, and each counts once."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from weft.errors import WeftError

log = structlog.get_logger(__name__)

#: Runs that are remembered of one agent and table: twenty minutes of a thousand tests a minute. Reports are sent again
#: within a minute of one another, and there may be a thousand agents.
MOST_REMEMBERED = 20_000
_SLACK_NS = 60 * 1_000_000_000  # a run told again may have its time corrected by a little more or less

#: Runs of an agent in a table between two times (UTC nanoseconds) that are stored.
Stored = Callable[[str, str, int, int], Collection[int]]


class KnownRuns:
    """Runs of one agent by table. The last are kept in memory; older ones are looked up in what is stored.

    Not thread-safe: whoever takes an agent's results holds its lock.
    """

    def __init__(self, agent: str, stored: Stored, most: int = MOST_REMEMBERED) -> None:
        self._agent, self._stored, self._most = agent, stored, most
        # What began before this may have been stored without our knowing: by the process before this one.
        self._since_ns = dict.fromkeys(("probes", "hops"), time.time_ns())
        self._runs: Mapping[str, OrderedDict[int, int]] = {"probes": OrderedDict(), "hops": OrderedDict()}

    def new(self, table: str, runs: Sequence[int], times: Sequence[int]) -> list[int]:
        """Positions of the rows whose run is not stored yet; the hops of one run come together."""
        known: Collection[int] = self._runs[table]
        old = [i for i, at in enumerate(times) if at <= self._since_ns[table] and runs[i] not in known]
        before: Collection[int] = ()
        if old:
            first, last = min(times[i] for i in old), max(times[i] for i in old)
            try:
                before = self._stored(self._agent, table, first - _SLACK_NS, last + _SLACK_NS)
            except WeftError as error:  # better twice than not at all
                log.warning("stored_runs_not_known", agent=self._agent, reason=error.message)
        new = [i for i, run in enumerate(runs) if run not in known and run not in before]
        if table != "probes":
            return new
        once: dict[int, int] = {}
        for i in new:
            once.setdefault(runs[i], i)
        return list(once.values())

    def add(self, table: str, runs: Sequence[int], times: Sequence[int]) -> None:
        """Remember runs that are stored now."""
        known = self._runs[table]
        for run, at in zip(runs, times, strict=True):
            known[run] = at
        while len(known) > self._most:
            _, at = known.popitem(last=False)
            self._since_ns[table] = max(self._since_ns[table], at)
