"""The inventory's place in the state store: writes what changed, reads what was, follows what other processes learn.

The state store may be away: what is to be written waits, and where too much waits it is found out again by comparing.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import structlog

from weft.errors import WeftError
from weft.model.inventory import InventoryObject, ObjectKind, key_of, key_text
from weft.store.inventory.fuse import Precedence
from weft.store.inventory.ledger import Ledger
from weft.store.inventory.merge import merge
from weft.store.inventory.snapshot import Snapshot
from weft.store.inventory.statements import Statement
from weft.store.state import StateStore
from weft.store.state.facts import FactChanges, FactStore, FactVersion

log = structlog.get_logger(__name__)

_MOST_UNWRITTEN = 500_000
_RETRY_S = 5.0
_TOUCH_S = 60.0  # how often it is written that sources were heard, where nothing else is
_MOMENTS = 4  # snapshots of the past that are remembered
_MOST_HISTORY = 1000


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A source's word on an object began, changed or ended."""

    at_s: float
    what: str  # stated, changed, withdrawn
    origin: str
    scope: str
    key: tuple[str, ...]
    attributes: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # name → before and after; None = none


class Keeping:
    """``changes`` collects what is to be written; all but ``at`` and ``history`` belong to the inventory's thread."""

    def __init__(self, state: StateStore, precedence: Precedence, follows_s: float) -> None:
        self._facts, self._precedence, self._follows_s = FactStore(state), precedence, follows_s
        self.changes = FactChanges()
        self.own: set[tuple[str, str]] = set()  # scopes that this process observes
        self.error = ""
        self._lost = False  # whether something that was to be written was given up
        self._mark = (0, 0)
        self._next_write = self._next_look = 0.0
        self._touched = time.monotonic()
        self._moments: OrderedDict[float, Snapshot] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def follows(self) -> bool:
        """Whether it looks for what others write."""
        return self._follows_s > 0

    @property
    def unwritten(self) -> int:
        """Versions that wait for the store."""
        return len(self.changes)

    def load(self, ledger: Ledger) -> None:
        """Read what is stored. Raises ``StoreUnavailable``."""
        self._mark = self._facts.mark()
        ledger.load(self._facts.current(), self._facts.scopes())

    def work(self, ledger: Ledger, lock: threading.Lock, now_s: float) -> bool:
        """Write what is due, look for what others wrote; True where the ledger has changed by it."""
        changed = False
        moment = time.monotonic()
        if moment < self._next_write:
            return False
        try:
            if self._follows_s and moment >= self._next_look:
                self._next_look = moment + self._follows_s
                changed = self._follow(ledger, lock)
            if self._lost:
                self._reconcile(ledger, lock, now_s)
            elif len(self.changes) or (self.changes and moment - self._touched >= _TOUCH_S):
                self._write()
            self.error = ""
        except WeftError as error:
            self._next_write = moment + _RETRY_S
            if self.error != error.message:
                log.warning("inventory_not_written", error=error.message)
            self.error = error.message
            if len(self.changes) > _MOST_UNWRITTEN:
                self.changes, self._lost = FactChanges(), True
        return changed

    def _write(self) -> None:
        writing, self.changes = self.changes, FactChanges()
        before = self._facts.mark() if self._follows_s else self._mark
        try:
            self._facts.write(writing)
        except BaseException:
            self.changes = writing  # nothing was added meanwhile: this is the only thread that adds
            raise
        self._touched = time.monotonic()
        if not self._follows_s:
            return
        after = self._facts.mark()
        own = (len(writing.new) + len(writing.past), len(writing.ended) + len(writing.past))
        if before == self._mark and (after[0] - before[0], after[1] - before[1]) == own:
            self._mark = after
        else:  # others wrote, too
            self._next_look = 0.0

    def _follow(self, ledger: Ledger, lock: threading.Lock) -> bool:
        mark = self._facts.mark()
        if mark == self._mark:
            return False
        versions, seen = list(self._facts.current()), self._facts.scopes()
        with lock:
            ledger.load(versions, seen, keep=self.own)
        self._mark = mark
        return True

    def _reconcile(self, ledger: Ledger, lock: threading.Lock, now_s: float) -> None:
        """Make the store say what the ledger says, whatever was missed."""
        with lock:
            held = ledger.versions()
        changes = FactChanges()
        for stored in self._facts.current():
            one = held.pop(stored.name, None)
            if one is None or one.attributes != stored.attributes:
                changes.end(stored.name, now_s)
            if one is not None and one.attributes != stored.attributes:
                one.valid_from = now_s
                changes.add(one)
        for one in held.values():
            changes.add(one)
        self._facts.write(changes)
        self.changes, self._lost = FactChanges(), False

    def forget(self, before_s: float) -> None:
        """Delete former values that are too old to be kept."""
        try:
            self._facts.forget(before_s)
        except WeftError as error:
            log.warning("inventory_history_not_cut", error=error.message)

    def at(self, moment: float) -> Snapshot:
        """The inventory as it was known at a moment. Raises ``StoreUnavailable``."""
        moment = self._facts.last_change(moment)  # between two changes it is the same
        with self._lock:  # one at a time: the next who asks probably asks for the same
            if moment in self._moments:
                self._moments.move_to_end(moment)
                return self._moments[moment]
            numbers = count(1)
            statements = (_statement(one, next(numbers)) for one in self._facts.at(moment))
            snapshot = Snapshot(merge(statements, self._precedence), moment)
            self._moments[moment] = snapshot
            while len(self._moments) > _MOMENTS:
                self._moments.popitem(last=False)
            return snapshot

    def history(self, kind: ObjectKind, key: tuple[str, ...], now: InventoryObject | None) -> list[HistoryEntry]:
        """What sources said of an object, newest first. Raises ``StoreUnavailable``."""
        facts = now.facts if now is not None else ()
        names = [(origin, scope, kind.value, key_text(one)) for origin, scope, one in facts]
        versions = self._facts.history(kind.value, {key_text(key)}, names, _MOST_HISTORY)
        return entries(versions)


def entries(versions: list[FactVersion]) -> list[HistoryEntry]:
    """What happened, newest first, by the versions that there were."""
    found: list[HistoryEntry] = []
    before: dict[tuple[str, ...], FactVersion] = {}
    for one in sorted(versions, key=lambda v: (v.valid_from, v.id)):
        last = before.get(one.name)
        goes_on = last is not None and last.valid_to == one.valid_from
        was = last.attributes if goes_on and last is not None else {}
        different = {
            name: (was.get(name), one.attributes.get(name))
            for name in sorted({*was, *one.attributes})
            if was.get(name) != one.attributes.get(name)
        }
        what = "changed" if goes_on else "stated"
        found.append(HistoryEntry(one.valid_from, what, one.origin, one.scope, key_of(one.key), different))
        before[one.name] = one
    starts = {(*one.name, one.valid_from) for one in versions}
    for one in versions:
        if one.valid_to is not None and (*one.name, one.valid_to) not in starts:
            gone = {name: (value, None) for name, value in sorted(one.attributes.items())}
            found.append(HistoryEntry(one.valid_to, "withdrawn", one.origin, one.scope, key_of(one.key), gone))
    return sorted(found, key=lambda entry: entry.at_s, reverse=True)


def _statement(one: FactVersion, number: int) -> Statement:
    return Statement(
        number, one.origin, one.scope, ObjectKind(one.kind), key_of(one.key), one.attributes, one.first_seen,
        one.valid_from,
    )  # fmt: skip
