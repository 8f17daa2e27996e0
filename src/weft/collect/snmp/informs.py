"""SNMPv3 notifications: whose they are, whether they are fresh, and answering informs as their authoritative engine.

For a trap the sender's engine is authoritative, and its clock is learned from its own messages; for an inform it is
ours, and senders learn ours from reports (RFC 3414 §3.2, §4). Replays are refused.
"""

from __future__ import annotations

import hashlib
import socket
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from weft.collect.snmp.errors import SecurityError
from weft.decode.snmp import ber, v3

if TYPE_CHECKING:
    from weft.collect.snmp.usm import UsmUser

_STATS: Final = "1.3.6.1.6.3.15.1.1"
#: usmStats… by the reason that a message is refused for; each is reported with how often it happened.
_REPORTS: Final = {
    "unsupported_level": 1, "not_in_time": 2, "unknown_user": 3, "unknown_engine": 4, "wrong_digest": 5,
    "decryption": 6,
}  # fmt: skip
_WINDOW_S: Final = 150
_MOST_ENGINES: Final = 4096
_EPOCH_S: Final = 1_704_067_200  # 2024: engineBoots counts minutes since, so that it grows over restarts by itself


@dataclass(slots=True)
class _Clock:
    boots: int
    time: int
    learned: float

    def now(self) -> float:
        return self.time + time.monotonic() - self.learned


@dataclass(frozen=True, slots=True)
class Opened:
    """A notification that its user sent."""

    pdu: ber.Pdu
    scoped: v3.ScopedPdu
    user: UsmUser
    message: v3.MessageV3


class Engine:
    """Our engine, and what is known of the senders'. Not for several threads."""

    def __init__(self, users: Sequence[UsmUser], engine_id: str = "") -> None:
        self._users = {user.name: user for user in users}
        made = hashlib.sha256(socket.gethostname().encode()).digest()[:8]
        self.engine_id = bytes.fromhex(engine_id) if engine_id else b"\x80\x00\x00\x00\x05" + made
        self._boots = int((time.time() - _EPOCH_S) // 60)
        self._began = time.monotonic()
        self._clocks: OrderedDict[bytes, _Clock] = OrderedDict()
        self._stats = dict.fromkeys(_REPORTS, 0)

    def _time(self) -> int:
        return int(time.monotonic() - self._began)

    def open(self, data: bytes) -> Opened:
        """Take a notification apart. Raises ``BerError``; ``SecurityError`` with (reason, report to send or none)."""
        message = v3.decode(data)
        ours = not message.engine_id or message.engine_id == self.engine_id
        if ours and not message.engine_id:
            raise self._refused("unknown_engine", message)
        user = self._users.get(message.user)
        if user is None:
            raise self._refused("unknown_user", message)
        if message.flags & (v3.AUTH | v3.PRIVACY) != user.flags:
            raise self._refused("unsupported_level", message)
        try:
            scoped = user.unseal(data, message)
        except SecurityError as error:
            raise self._refused(error.args[0], message) from None
        if scoped.pdu.kind == ber.INFORM and not ours:
            raise self._refused("unknown_engine", message)
        if user.flags & v3.AUTH:
            self._check_time(message, user, ours=ours)
        return Opened(scoped.pdu, scoped, user, message)

    def _check_time(self, message: v3.MessageV3, user: UsmUser, *, ours: bool) -> None:
        if ours:
            if message.boots != self._boots or abs(message.time - self._time()) > _WINDOW_S:
                raise self._refused("not_in_time", message, user)
            return
        known = self._clocks.get(message.engine_id)
        stale = known is not None and (
            message.boots < known.boots or (message.boots == known.boots and message.time + _WINDOW_S < known.now())
        )
        if stale:
            raise SecurityError("not_in_time", None)
        if known is None or (message.boots, message.time) > (known.boots, known.time):
            self._clocks[message.engine_id] = _Clock(message.boots, message.time, time.monotonic())
            self._clocks.move_to_end(message.engine_id)
            while len(self._clocks) > _MOST_ENGINES:
                self._clocks.popitem(last=False)

    def _refused(self, reason: str, message: v3.MessageV3, user: UsmUser | None = None) -> SecurityError:
        """The error, with the report that tells the sender why, where it asks for one."""
        if reason not in _REPORTS:
            return SecurityError(reason, None)
        self._stats[reason] += 1
        if not message.flags & v3.REPORTABLE:
            return SecurityError(reason, None)
        binds = ber.Varbinds()
        binds.add(ber.oid(f"{_STATS}.{_REPORTS[reason]}.0"), ber.COUNTER32, self._stats[reason] & 0xFFFFFFFF)
        pdu = ber.encode_pdu(ber.Pdu(ber.REPORT, 0, varbinds=binds))
        scoped = v3.encode_scoped(self.engine_id, b"", pdu)
        answer = self._message(message.message_id)
        if user is not None:  # a clock is only believed in a report that is authenticated
            return SecurityError(reason, user.seal(answer, scoped))
        answer.user, answer.payload = message.user, scoped
        return SecurityError(reason, v3.encode(answer)[0])

    def _message(self, message_id: int) -> v3.MessageV3:
        return v3.MessageV3(message_id, 0, self.engine_id, self._boots, self._time(), b"", b"", 0, b"", b"")

    def acknowledge(self, opened: Opened) -> bytes:
        """The response to an inform (RFC 3416 §4.2.7)."""
        pdu = ber.encode_pdu(ber.Pdu(ber.RESPONSE, opened.pdu.request_id, varbinds=opened.pdu.varbinds))
        scoped = v3.encode_scoped(opened.scoped.context_engine, opened.scoped.context, pdu)
        return opened.user.seal(self._message(opened.message.message_id), scoped)
