"""Sessions that end: one, over and over, or all of a router at once. What only Weft lost sight of is none of it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.routing.rows import ALREADY_UP, LOC, PEER_DOWN, PEER_UP, Peer, block, is_unseen
from weft.detect.texts import clock, lasting
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS
from weft.model.events import Entity, EventGroup, Evidence, Severity

#: How long a session's end waits for those of its router's other sessions, s.
_GRACE_S = 3.0
#: So many ends within so long are a session that does not stay up.
_FLAPS, _FLAPS_WITHIN_S = 3, 1800.0
_HOLD_S = 7 * 86_400.0
_MOST_SESSIONS = 50_000
#: Words of NOTIFICATIONs by which people end sessions on purpose (RFC 4486 §4: Cease, subcodes 2 and 3).
_ON_PURPOSE = ("administrative", "de-configured", "maintenance")


@dataclass(slots=True)
class _Session:
    asn: int = 0
    up_s: float = 0.0
    down_s: float = 0.0  # 0 = up
    reason: str = ""
    ends: deque[float] = field(default_factory=lambda: deque(maxlen=16))
    raised: str = ""  # kind of the event that is open


class SessionDetector(RowsDetector):
    """Sessions that go down, do not stay up, or go down all at once."""

    about = About(
        "bgp_sessions", "BGP sessions", EventGroup.ROUTING,
        "A BGP session ended, or does not stay up, as the router told by BMP. That the router itself, or the stream, "
        "is not heard any more is another event.",
        {"session_down": "A BGP session ended.", "sessions_down": "All BGP sessions of a router ended at once.",
         "session_flap": "A BGP session ends over and over."},
    )  # fmt: skip
    tables = ("routes",)

    def __init__(self, context: Context) -> None:
        self._names = context.names
        self._sessions: dict[Peer, _Session] = {}
        self._waiting: dict[Peer, float] = {}

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:  # noqa: ARG002
        """Follow what rows of whole sessions say."""
        events = rows.column("event").to_numpy(zero_copy_only=False)
        chosen = np.flatnonzero(events >= PEER_UP)
        if not len(chosen):
            return []
        told = block(rows.take(pa.array(chosen, pa.int64())))
        reasons = told.rows.column("reason").to_pylist()
        blind = self._lost_from_view(told.rows, reasons)
        found: list[Finding] = []
        for i in range(len(told)):
            peer, rib = told.sessions[int(told.session[i])]
            at_s = float(told.time_s[i])
            if rib == LOC or peer.peer == NO_ADDRESS:
                continue
            if told.event[i] == PEER_UP:
                found += self._up(peer, int(told.peer_as[i]), at_s, str(reasons[i] or ""))
            elif told.event[i] == PEER_DOWN:
                reason = str(reasons[i] or "")
                if peer.exporter in blind or is_unseen(int(told.source[i]), reason):
                    self._forget(peer)
                else:
                    self._down(peer, int(told.peer_as[i]), at_s, reason)
        return found

    def tick(self, now_s: float) -> list[Finding]:
        """Raise what waited long enough for its like."""
        due = [peer for peer, at_s in self._waiting.items() if now_s >= at_s + _GRACE_S]
        found: list[Finding] = []
        for exporter in dict.fromkeys(peer.exporter for peer in due):
            mine = [peer for peer in self._waiting if peer.exporter == exporter]
            found += self._raise(exporter, mine)
            for peer in mine:
                del self._waiting[peer]
        return found

    @staticmethod
    def _lost_from_view(rows: pa.RecordBatch, reasons: list[Any]) -> set[bytes]:
        """Routers of which the stream ended: their own table (Loc-RIB) went away, too."""
        events, ribs = rows.column("event").to_pylist(), rows.column("rib").to_pylist()
        exporters = rows.column("exporter").to_pylist()
        return {
            exporters[i] or b"" for i in range(len(events)) if events[i] == PEER_DOWN and ribs[i] == LOC and reasons[i]
        }  # fmt: skip

    def _session(self, peer: Peer, asn: int) -> _Session | None:
        found = self._sessions.get(peer)
        if found is None and len(self._sessions) < _MOST_SESSIONS:
            found = self._sessions[peer] = _Session()
        if found is not None and asn:
            found.asn = asn
        return found

    def _up(self, peer: Peer, asn: int, at_s: float, reason: str) -> list[Finding]:
        session = self._session(peer, asn)
        if session is None:
            return []
        was_down, since_s = session.raised, session.down_s
        session.up_s, session.down_s = at_s, 0.0
        if reason == ALREADY_UP:
            session.ends.clear()
        if not was_down or was_down == "session_flap":
            return []  # of one that does not stay up the event ends by itself
        session.raised = ""
        if was_down == "sessions_down":
            return self._all_back(peer.exporter, at_s)
        text = f"It is up again after {lasting(at_s - since_s)}."
        return [self._ended(was_down, peer.entity(self._names), at_s, text)]

    def _all_back(self, exporter: bytes, at_s: float) -> list[Finding]:
        if any(one.raised == "sessions_down" for peer, one in self._sessions.items() if peer.exporter == exporter):
            return []
        device = Entity(kind="device", id=self._names.device(exporter))
        return [self._ended("sessions_down", device, at_s, "All sessions are up again.")]

    @staticmethod
    def _ended(kind: str, entity: Entity, at_s: float, text: str) -> Finding:
        return Finding(kind, entity, at_s, "Up again", text, Severity.INFO, ends=True)

    def _down(self, peer: Peer, asn: int, at_s: float, reason: str) -> None:
        session = self._session(peer, asn)
        if session is None or session.down_s:  # told of each of its tables
            return
        session.down_s, session.reason = at_s, reason
        session.ends.append(at_s)
        self._waiting[peer] = at_s

    def _forget(self, peer: Peer) -> None:
        self._waiting.pop(peer, None)
        session = self._sessions.get(peer)
        if session is not None and not session.raised:
            del self._sessions[peer]

    def _raise(self, exporter: bytes, peers: list[Peer]) -> list[Finding]:
        others = [
            one for peer, one in self._sessions.items()
            if peer.exporter == exporter and peer not in peers and not one.down_s
        ]  # fmt: skip
        if len(peers) > 1 and not others:
            return [self._all_down(exporter, peers)]
        return [self._one_down(peer, self._sessions[peer]) for peer in peers if peer in self._sessions]

    def _all_down(self, exporter: bytes, peers: list[Peer]) -> Finding:
        device, sessions = self._names.device(exporter), [self._sessions[peer] for peer in peers]
        for one in sessions:
            one.raised = "sessions_down"
        first = min(one.down_s for one in sessions)
        rows: list[list[str | float | int | None]] = [
            [peer.entity(self._names).id, one.asn, one.reason] for peer, one in zip(peers, sessions, strict=True)
        ]
        return Finding(
            "sessions_down", Entity(kind="device", id=device), first, f"All BGP sessions of {device} are down",
            f"All {len(peers)} BGP sessions of {device} ended within {lasting(_GRACE_S)}: the router or what connects "
            "it is at fault, not the neighbours.",
            Severity.CRITICAL, hold_s=_HOLD_S, unit="sessions", seen=0.0, expected=float(len(peers)),
            others=[peer.entity(self._names) for peer in peers[:50]],
            evidence=[Evidence(kind="rows", title="Sessions that ended", columns=["session", "AS", "reason"],
                               rows=rows[:50])],
        )  # fmt: skip

    def _one_down(self, peer: Peer, session: _Session) -> Finding:
        entity = peer.entity(self._names)
        at_s = session.down_s or session.ends[-1]
        recent = [end for end in session.ends if end > at_s - _FLAPS_WITHIN_S]
        reason = f" ({session.reason})" if session.reason else ""
        facts = [Evidence(kind="fact", title="Told by the router", text=session.reason or "no reason was given")]
        if len(recent) >= _FLAPS:
            session.raised = "session_flap"
            return Finding(
                "session_flap", entity, at_s, f"BGP session with AS {session.asn} does not stay up",
                f"The session with AS {session.asn} ended {len(recent)} times within {lasting(at_s - recent[0])}, last "
                f"at {clock(at_s)}{reason}.",
                Severity.MAJOR, hold_s=_FLAPS_WITHIN_S, started_s=recent[0], seen=float(len(recent)), expected=0.0,
                unit="ends", evidence=facts,
            )  # fmt: skip
        is_meant = any(word in session.reason.lower() for word in _ON_PURPOSE)
        lasted = f" It had been up for {lasting(at_s - session.up_s)}." if 0 < session.up_s < at_s else ""
        back = "" if session.down_s else " It came up again at once."
        finding = Finding(
            "session_down", entity, at_s, f"BGP session with AS {session.asn} is down",
            f"The session with AS {session.asn} ended at {clock(at_s)}{reason}.{lasted}{back}"
            + (" Somebody meant it to." if is_meant else ""),
            Severity.MINOR if is_meant else Severity.MAJOR, hold_s=_HOLD_S if session.down_s else 60.0, evidence=facts,
        )  # fmt: skip
        session.raised = "session_down" if session.down_s else ""
        return finding

    def save(self) -> bytes:
        """Sessions that were heard of."""
        state = [
            [*peer.state(), one.asn, one.up_s, one.down_s, one.reason, list(one.ends),
             one.raised]
            for peer, one in self._sessions.items()
        ]  # fmt: skip
        return json.dumps({"sessions": state}).encode()

    def load(self, state: bytes) -> None:
        """Go on where ``save`` was."""
        if not state:
            return
        try:
            told: Mapping[str, Any] = json.loads(state)
            self._sessions = dict(_read(told["sessions"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"is not understood: {error}", where="state of bgp_sessions") from error


def _read(rows: list[Any]) -> Iterator[tuple[Peer, _Session]]:
    for exporter, peer, vrf, asn, up_s, down_s, reason, ends, raised in rows[:_MOST_SESSIONS]:
        key = Peer.restored(exporter, peer, vrf)
        yield key, _Session(int(asn), float(up_s), float(down_s), str(reason), deque(ends, maxlen=16), str(raised))
