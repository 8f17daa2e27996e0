"""What only one of several processes may do at a time, agreed on in the state store.

No clocks are compared: who holds a lease counts on, and whoever wants it takes it once the count has stood still for
``patience_s`` by its own clock. A holder that cannot count on stops well before that.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from weft.store.state.models import LeaseRecord
from weft.store.state.store import StateStore

#: Share of the patience after which a holder that could not count on no longer counts on itself.
_TRUSTED = 0.6


class Lease:
    """One process's hold on a lease. ``renew`` from one thread, every few seconds; ``held`` from any."""

    def __init__(
        self, state: StateStore, name: str, holder: str, *, patience_s: float = 20.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """``holder`` must be of this process alone."""
        self._state, self._name, self._me = state, name, holder[:200]
        self.patience_s, self._clock = patience_s, clock
        self._until_s = float("-inf")
        self._seen: tuple[str, int] = ("", -1)
        self._seen_s = 0.0
        self.holder = ""
        """Who holds it, as far as is known."""

    @property
    def held(self) -> bool:
        """Whether it is this process's now."""
        return self._clock() < self._until_s

    def renew(self) -> bool:
        """Keep it, or take it where nobody does; whether it is held. Raises ``StoreUnavailable``."""
        began_s = self._clock()
        try:
            is_mine = self._renew(began_s)
        except IntegrityError:  # another was the first to write it
            is_mine = False
        self._until_s = began_s + _TRUSTED * self.patience_s if is_mine else float("-inf")
        return is_mine

    def release(self) -> None:
        """Leave it to others at once. Raises ``StoreUnavailable``."""
        self._until_s = float("-inf")
        with self._state.writing() as session:
            mine = (LeaseRecord.name == self._name) & (LeaseRecord.holder == self._me)
            session.execute(update(LeaseRecord).where(mine).values(holder=""))

    def _renew(self, now_s: float) -> bool:
        with self._state.writing() as session:
            record = session.get(LeaseRecord, self._name)
            if record is None:
                session.add(LeaseRecord(name=self._name, holder=self._me, beat=1))
                self.holder = self._me
                return True
            found = (record.holder, record.beat)
            if found != self._seen:
                self._seen, self._seen_s = found, now_s
            self.holder = record.holder
            if record.holder not in ("", self._me) and now_s - self._seen_s < self.patience_s:
                return False
            unchanged = (LeaseRecord.name == self._name) & (LeaseRecord.beat == record.beat)
            mine = unchanged & (LeaseRecord.holder == record.holder)
            done: Any = session.execute(
                update(LeaseRecord).where(mine).values(holder=self._me, beat=record.beat + 1),
                execution_options={"synchronize_session": False},
            )
            taken = bool(done.rowcount)
            self.holder = self._me if taken else self.holder
            return taken
