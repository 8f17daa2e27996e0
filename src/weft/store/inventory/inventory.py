"""The inventory as a component: takes facts at once, merges and writes them in a thread of its own.

Everything is answered from one merged snapshot in memory that is swapped whole: whoever asks never waits for a merge.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import structlog

from weft.errors import WeftError
from weft.model.addresses import address_text
from weft.model.inventory import Conflict, Fact, InventoryObject, KnownDevice, ObjectKind
from weft.store.inventory.changes import MOST_ROWS, Change, batch, differences
from weft.store.inventory.config import FactsConfig
from weft.store.inventory.fuse import Precedence
from weft.store.inventory.keeping import HistoryEntry, Keeping
from weft.store.inventory.ledger import Ledger
from weft.store.inventory.merge import Remembered, merge
from weft.store.inventory.snapshot import EMPTY, Snapshot
from weft.store.inventory.strangers import Strangers
from weft.store.state import StateStore

log = structlog.get_logger(__name__)

_MOST_WAITING = 1_000_000  # facts that wait to be merged
_PAUSE = 4.0  # a merge is followed by a pause of this many times its duration …
_LEAST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0  # … within these bounds
_TICK_S = 1.0
_EXPIRE_S = 600.0
_OVERHEARD = "syslog"  # origin of devices that nothing but their telemetry tells of


@dataclass(frozen=True, slots=True)
class InventoryCounters:
    """What the inventory did since its start, and what it holds."""

    observations: int
    facts: int  # stated by sources, repeated ones included
    changed: int  # observations that changed something
    merges: int
    merge_s: float  # how long the last one took
    waiting: int  # facts not merged yet
    held: dict[str, int]  # facts in force, by origin
    refused: dict[tuple[str, str], int]  # (origin, reason) → facts
    unwritten: int  # versions that wait for the state store
    store_error: str


@dataclass(slots=True)
class _Observation:
    facts: tuple[Fact, ...]
    complete: bool
    at_s: float


class Inventory:
    """Implements ``Facts`` and ``Identity`` for the sources, and answers for people.

    With ``follows`` it takes in what other processes write to the same state database.
    """

    def __init__(self, config: FactsConfig, state: StateStore, *, follows: bool = False) -> None:
        self._config = config
        self._precedence = Precedence(config.precedence, config.attribute_precedence)
        self._ledger = Ledger(config.max_facts, config.max_facts_per_scope)
        self._ledger_lock = threading.Lock()
        self._keeping = Keeping(state, self._precedence, follows_s=config.follow_seconds if follows else 0.0)
        self._strangers = Strangers()
        self._remembered = Remembered()
        self._snapshot = EMPTY
        self._version = 0
        self._inbox: OrderedDict[tuple[str, str], list[_Observation]] = OrderedDict()
        self._waiting = 0
        self._counts: Counter[str] = Counter()
        self._refused: Counter[tuple[str, str]] = Counter()
        self._merge_s = 0.0
        self._changed = threading.Condition()
        self._busy = False
        self._stale = False
        self._running = False
        self._thread: threading.Thread | None = None
        self._listeners: list[Callable[[Snapshot], None]] = []
        self._sink: Callable[[pa.RecordBatch], None] | None = None

    # A component.

    def start(self) -> None:
        """Read what is stored, so that names are known before the first telemetry comes."""
        if self._thread is not None:
            return
        self._keeping.load(self._ledger)
        self._strangers.remember(self._ledger.scopes(_OVERHEARD))
        self._publish(tell=False)
        self._running = True
        self._thread = threading.Thread(target=self._run, name="weft-inventory", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take in and write what is waiting."""
        with self._changed:
            self._running = False
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def on_change(self, listener: Callable[[Snapshot], None]) -> None:
        """Call ``listener`` with every new snapshot, in the inventory's thread; at once with the one in force."""
        self._listeners.append(listener)
        if self._version:
            listener(self._snapshot)

    def tell_changes(self, sink: Callable[[pa.RecordBatch], None]) -> None:
        """Hand rows of the ``changes`` table to ``sink`` whenever the inventory changes."""
        self._sink = sink

    # What sources tell.

    def observe(self, origin: str, scope: str, facts: Sequence[Fact], /, *, complete: bool = True) -> None:
        """Take what ``origin`` says about ``scope``; see ``weft.collect.ports.Facts``."""
        observation = _Observation(tuple(facts), complete, time.time())
        name = (origin[:32], scope[:400])
        with self._changed:
            before = self._inbox.pop(name, [])
            if complete:  # what it said before and we did not come to yet does not matter any more
                self._waiting -= sum(len(one.facts) for one in before)
                before = []
            if self._waiting + len(facts) > _MOST_WAITING:
                self._refused[origin, "inbox_full"] += len(facts)
                if before:
                    self._inbox[name] = before
                return
            self._waiting += len(facts)
            self._inbox[name] = [*before, observation]
            self._counts["observations"] += 1
            self._counts["facts"] += len(facts)
            self._changed.notify_all()

    @property
    def shared(self) -> bool:
        """Whether other processes write to it, too."""
        return self._keeping.follows

    def scopes(self, origin: str) -> list[str]:
        """What ``origin`` speaks about now, as far as taken in."""
        with self._ledger_lock:
            return self._ledger.scopes(origin)

    # What everybody asks.

    def objects(self, kind: ObjectKind, /) -> Sequence[InventoryObject]:
        """Every object of a kind as merged now."""
        return self._snapshot.objects(kind)

    def snapshot(self, at: float | None = None) -> Snapshot:
        """The inventory now, or as it was known at a moment (UTC seconds). Raises ``StoreUnavailable``."""
        return self._snapshot if at is None else self._keeping.at(at)

    @property
    def conflicts(self) -> Sequence[Conflict]:
        """What sources contradict each other in."""
        return self._snapshot.conflicts

    @property
    def known(self) -> dict[str, KnownDevice]:
        """What dictionaries say of the device at each address."""
        return self._snapshot.known

    @property
    def version(self) -> int:
        """Grows with every new snapshot."""
        return self._version

    def address_of(self, host: str, /) -> bytes:
        """The address that the telemetry of ``host`` is kept under; all zero = not known."""
        return self._snapshot.address_of(host)

    def primary_address(self, address: bytes, /) -> bytes:
        """The address that telemetry from ``address`` is kept under; itself where nobody knows it."""
        snapshot = self._snapshot
        self._strangers.met(address, snapshot.knows_address(address))
        return snapshot.primary_address(address)

    def device_name(self, address: bytes, /) -> str:
        """Name of the device that has the address; empty where nobody knows it."""
        known = self._snapshot.known.get(address_text(address))
        return known.name if known is not None else ""

    def if_index_of(self, exporter: bytes, name: str, /) -> int:
        """The ifIndex of an interface by its name; 0 = not known."""
        found = self._snapshot.interface(exporter, name)
        index = found.get("if_index", 0) if found is not None else 0
        return index if isinstance(index, int) else 0

    def interface_name(self, exporter: bytes, if_index: int, /) -> str:
        """Name of an interface; empty = not known."""
        return self._snapshot.interface_name(exporter, if_index)

    # For people.

    def history(self, kind: ObjectKind, key: Sequence[str]) -> list[HistoryEntry]:
        """What sources said of an object and when, newest first. Raises ``StoreUnavailable``."""
        return self._keeping.history(kind, tuple(key), self._snapshot.get(kind, key))

    def last_seen(self, one: InventoryObject) -> float:
        """When a source last stated the object, UTC seconds."""
        with self._ledger_lock:
            return self._ledger.seen(one.facts, one.kind) or one.last_seen_s

    def words(self, one: InventoryObject) -> list[tuple[str, str, tuple[str, ...], dict[str, object], float]]:
        """What each source says of the object now: origin, scope, its key, attributes, since when."""
        found = []
        with self._ledger_lock:
            for origin, scope, key in one.facts:
                attributes, since_s = self._ledger.attributes(one.kind, (origin, scope, key))
                if since_s:
                    found.append((origin, scope, key, dict(attributes), since_s))
        return found

    def counters(self) -> InventoryCounters:
        """What it did and holds."""
        with self._ledger_lock:
            held, refused = self._ledger.counts(), self._ledger.refused + self._refused
        counts = self._counts
        return InventoryCounters(
            counts["observations"], counts["facts"], counts["changed"], counts["merges"], self._merge_s,
            max(0, self._waiting), held, dict(refused), self._keeping.unwritten, self._keeping.error,
        )  # fmt: skip

    def flush(self, timeout_s: float = 30.0) -> bool:
        """Wait until everything told so far is merged and written; False when that takes longer."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._inbox and not self._busy and not self._stale and not self._keeping.unwritten,
                timeout_s,
            )

    # Its thread.

    def _run(self) -> None:
        due, expired = 0.0, time.monotonic()
        while True:
            with self._changed:
                if not self._inbox and self._running and not self._stale:
                    self._changed.wait(_TICK_S)
                running, inbox = self._running, self._inbox
                self._inbox, self._waiting, self._busy = OrderedDict(), 0, True
            try:
                self._take(inbox)
                if time.monotonic() - expired > _EXPIRE_S:
                    expired = time.monotonic()
                    self._expire()
                self._stale |= self._keeping.work(self._ledger, self._ledger_lock, time.time())
                if self._stale and (time.monotonic() >= due or not running):
                    self._publish()
                    due = time.monotonic() + min(_LONGEST_PAUSE_S, max(_LEAST_PAUSE_S, _PAUSE * self._merge_s))
            except Exception:
                log.exception("inventory_failed")
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                if self._stale and self._running and (left := due - time.monotonic()) > 0:
                    self._changed.wait(min(left, _TICK_S))
            if not running:
                return

    def _take(self, inbox: OrderedDict[tuple[str, str], list[_Observation]]) -> None:
        for address in self._strangers.due(self._snapshot.knows_address):
            fact = Fact(ObjectKind.DEVICE, (address,), {"addresses": [address]})
            inbox.setdefault((_OVERHEARD, address), []).append(_Observation((fact,), True, time.time()))
        for (origin, scope), observations in inbox.items():
            for one in observations:
                with self._ledger_lock:
                    changed = self._ledger.take(
                        origin, scope, one.facts, complete=one.complete, now_s=one.at_s, changes=self._keeping.changes
                    )
                self._counts["changed"] += changed
                self._stale |= changed
            self._keeping.own.add((origin, scope))

    def _expire(self) -> None:
        now = time.time()
        with self._ledger_lock:
            self._stale |= self._ledger.expire(now - self._config.expire_days * 86_400, now, self._keeping.changes)
        self._keeping.forget(now - self._config.history_days * 86_400)

    def _publish(self, *, tell: bool = True) -> None:
        began = time.monotonic()
        with self._ledger_lock:
            statements = list(self._ledger.statements())
        before, now = self._snapshot, time.time()
        snapshot = Snapshot(merge(statements, self._precedence, self._remembered), now, before)
        self._snapshot, self._stale = snapshot, False
        self._version += 1
        self._counts["merges"] += 1
        self._merge_s = time.monotonic() - began
        for listener in self._listeners:
            try:
                listener(snapshot)
            except Exception:
                log.exception("inventory_listener_failed")
        if tell:
            self._tell(before, snapshot)

    def _tell(self, before: Snapshot, after: Snapshot) -> None:
        if self._sink is None:
            return
        found: list[Change] = []
        more = 0
        for change in differences(before, after):
            if len(found) < MOST_ROWS:
                found.append(change)
            else:
                more += 1
        if not found:
            return
        try:
            self._sink(batch(found, more, time.time_ns()))
        except WeftError as error:
            self._refused["", "changes_not_told"] += len(found) + more
            log.warning("inventory_changes_not_told", error=error.message)
