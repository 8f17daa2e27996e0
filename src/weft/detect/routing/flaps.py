"""Prefixes that come and go over and over: route flap damping's figure of merit, against what a prefix always does."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.routing.own import OwnSpace, OwnSpaceNow
from weft.detect.routing.rows import ANNOUNCE, LOC, POST, WITHDRAW, Loading, block
from weft.detect.texts import clock
from weft.errors import InvalidInput
from weft.model.events import Entity, EventGroup, Severity

#: RFC 2439 §4.2, with the threshold that RFC 7196 §5 asks for at least: penalties, half-life, when it is too much.
_OF_WITHDRAW, _OF_CHANGE, _HALF_LIFE_S, _TOO_MUCH = 1000.0, 500.0, 900.0, 6000.0
#: A prefix that always flaps is no news: it must be so many times what it was over a day.
_LONG_S, _TIMES, _LONG_ENOUGH_S = 86_400.0, 4.0, 6 * 3600.0
_MOST = 100_000
_AGAIN_S = 300.0


@dataclass(slots=True)
class _Merit:
    """Of one prefix over one session: penalty lately and over a day, as of ``at_s``."""

    first_s: float
    at_s: float
    now: float = 0.0
    long: float = 0.0
    changes: int = 0
    told_s: float = 0.0

    def add(self, penalty: float, at_s: float) -> None:
        """A change."""
        passed = max(at_s - self.at_s, 0.0)
        self.now = self.now * exp(-log(2) * passed / _HALF_LIFE_S) + penalty
        self.long = self.long * exp(-log(2) * passed / _LONG_S) + penalty
        self.at_s = max(at_s, self.at_s)
        self.changes += 1
        if self.now < _OF_WITHDRAW + 1:
            self.changes, self.first_s = 1, at_s

    def usual(self, watched_s: float) -> float:
        """What the penalty would be if the day's changes came evenly; of a day that was watched only in part, so."""
        seen = 1 - exp(-log(2) * watched_s / _LONG_S)
        return max(self.long - self.now, 0.0) * _HALF_LIFE_S / _LONG_S / max(seen, 1e-3)


class FlapDetector(RowsDetector):
    """One's own prefixes, and others that are in use, that flap."""

    about = About(
        "bgp_flaps", "BGP route flaps", EventGroup.ROUTING,
        "A prefix comes and goes over one session until damping (RFC 2439, RFC 7196) would suppress it, and does not "
        "always do so.",
        {"route_flap": "A prefix flaps."},
    )  # fmt: skip
    tables = ("routes",)

    def __init__(self, context: Context) -> None:
        self._names = context.names
        self._merits: OrderedDict[tuple[bytes, bytes, int], _Merit] = OrderedDict()
        self._loading = Loading()
        self._own, self._space = OwnSpaceNow(context.networks), OwnSpace(())
        self._began_s = 0.0

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:  # noqa: ARG002
        """Count changes."""
        told = block(rows)
        if not len(told):
            return []
        now_s = float(told.time_s[-1])
        self._began_s = self._began_s or now_s
        self._space = self._own.at(now_s)
        chosen = (told.event <= WITHDRAW) & ~self._loading.rows(told) & (told.rib != LOC) & (told.rib != POST)
        found = []
        for i in np.flatnonzero(chosen).tolist():
            peer, _ = told.sessions[int(told.session[i])]
            key = peer.exporter, peer.peer, int(told.prefix_id[i])
            at_s = float(told.time_s[i])
            merit = self._merits.get(key)
            if merit is None:
                merit = self._merits[key] = _Merit(at_s, at_s)
                if len(self._merits) > _MOST:
                    self._merits.popitem(last=False)
            kind = int(told.event[i])
            merit.add(_OF_WITHDRAW if kind == WITHDRAW else 0.0 if kind == ANNOUNCE else _OF_CHANGE, at_s)
            if merit.now < _TOO_MUCH or at_s - merit.told_s < _AGAIN_S or at_s - self._began_s < _LONG_ENOUGH_S:
                continue
            usual = merit.usual(at_s - self._began_s)
            if merit.now < _TIMES * usual:
                continue
            merit.told_s = at_s
            is_own = bool(self._space.meets(told)[i])
            entity = peer.entity(self._names)
            prefix = told.prefix_text(i)
            found.append(Finding(
                "route_flap", Entity(kind="prefix", id=prefix), at_s, f"{prefix} flaps",
                f"{prefix} changed {merit.changes} times since {clock(merit.first_s)} over the session {entity.id}: "
                f"penalty {merit.now:,.0f}, of which {_TOO_MUCH:,.0f} are too much (RFC 7196); usually "
                f"{usual:,.0f}.",
                Severity.MAJOR if is_own else Severity.INFO, hold_s=2 * _HALF_LIFE_S, started_s=merit.first_s,
                seen=merit.now, expected=usual, upper=_TOO_MUCH, others=[entity],
            ))  # fmt: skip
        return found

    def tick(self, now_s: float) -> list[Finding]:  # noqa: ARG002
        """Nothing is due by itself: events end after two half-lives of quiet."""
        return []

    def save(self) -> bytes:
        """Penalties that still count."""
        kept = [
            [exporter.hex(), peer.hex(), prefix, one.first_s, one.at_s, one.now, one.long, one.changes]
            for (exporter, peer, prefix), one in self._merits.items() if one.long >= 2 * _OF_WITHDRAW
        ]  # fmt: skip
        return json.dumps({"began": self._began_s, "merits": kept}).encode()

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was."""
        if not state:
            return
        try:
            told: Mapping[str, Any] = json.loads(state)
            began_s = float(told["began"])
            merits = OrderedDict(
                ((bytes.fromhex(e), bytes.fromhex(p), int(x)), _Merit(float(f), float(a), float(n), float(g), int(c)))
                for e, p, x, f, a, n, g, c in told["merits"][:_MOST]
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"is not understood: {error}", where="state of bgp_flaps") from error
        self._began_s, self._merits = began_s, merits
