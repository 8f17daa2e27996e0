"""Questions to one agent: GET and GETBULK over v2c or v3, with retries; every failure has a reason.

v3's engine id, boots and time are learned from the agent and kept in step with it (RFC 3414 §2.3, §4).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from weft.collect.snmp.config import CredentialConfig
from weft.collect.snmp.errors import AuthError, SecurityError, SnmpError, Timeout, TooBig
from weft.collect.snmp.transport import Answer, Transport
from weft.decode.snmp import ber, v3

if TYPE_CHECKING:
    from weft.collect.snmp.usm import UsmUser

_USM_STATS: Final = ber.oid("1.3.6.1.6.3.15.1.1")
#: The last arc of a report's variable (RFC 3414 §5).
_UNSUPPORTED_LEVEL, _NOT_IN_WINDOW, _UNKNOWN_USER, _UNKNOWN_ENGINE, _WRONG_DIGEST, _DECRYPTION = 1, 2, 3, 4, 5, 6
_REPORTS: Final = {
    _UNSUPPORTED_LEVEL: ("the agent does not allow this user at this security level",
                         "Give or leave out auth_password and privacy_password as the device has it."),
    _UNKNOWN_USER: ("the agent knows no such user", "Check the user's name, on both sides."),
    _WRONG_DIGEST: ("the agent says that the digest is wrong", "Check auth and auth_password."),
    _DECRYPTION: ("the agent cannot decrypt", "Check privacy and privacy_password."),
}  # fmt: skip
_AUTHORIZATION_ERROR: Final = 16
_RENEWALS: Final = 3
_WINDOW_S: Final = 150
_MOST_GET: Final = 24


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential ready for use."""

    name: str
    level: str
    community: bytes = field(default=b"", repr=False)
    user: UsmUser | None = field(default=None, repr=False)

    @classmethod
    def of(cls, name: str, config: CredentialConfig) -> Credential:
        """Reveals the secret. Raises ``ConfigError``."""
        if config.community is not None:
            return cls(name, config.level, community=config.community.reveal().encode())
        from weft.collect.snmp.usm import UsmUser  # brings pysnmp along: half a second that v2c need not pay

        return cls(name, config.level, user=UsmUser(config))


@dataclass(slots=True)
class Reply:
    """An answered request."""

    pdu: ber.Pdu
    read_ns: int  # UTC ns when the agent read the values, as far as can be told: half a round trip before the answer
    octets: int
    rtt_s: float


@dataclass(slots=True)
class _Engine:
    """What is known of the agent's authoritative engine."""

    engine_id: bytes
    boots: int
    time: int
    learned: float  # monotonic

    def now(self) -> int:
        return self.time + int(time.monotonic() - self.learned)


class Session:
    """One agent, asked with one credential. Belongs to the transport's event loop."""

    def __init__(
        self, transport: Transport, endpoint: tuple[str, int], credential: Credential,
        *, timeout_s: float = 2.0, retries: int = 2, requests: int = 2,
    ) -> None:  # fmt: skip
        self._transport, self.endpoint, self.credential = transport, endpoint, credential
        self.timeout_s, self.retries = timeout_s, retries
        self._room = asyncio.Semaphore(requests)
        self._engine: _Engine | None = None
        self._discovering = asyncio.Lock()
        self._trusted = False  # an answer to this user was good
        self.requests = 0
        self.retried = 0

    @property
    def where(self) -> str:
        """The agent, as errors name it."""
        host, port = self.endpoint
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def boots(self) -> int:
        """How often the agent's engine started, as SNMPv3 says; 0 = not known."""
        return self._engine.boots if self._engine else 0

    async def get(self, names: list[bytes], *, retries: int | None = None) -> ber.Varbinds:
        """Values of instances; those that the agent does not have are none. Raises ``SnmpError``."""
        found = ber.Varbinds()
        size = _MOST_GET
        at = 0
        while at < len(names):
            part = names[at : at + size]
            try:
                reply = await self.ask(ber.GET, part, retries=retries)
            except TooBig:
                if size == 1:
                    raise
                size = max(1, len(part) // 2)
                continue
            got = reply.pdu.varbinds
            if reply.pdu.error_status == ber.NO_SUCH_NAME or len(got) != len(part):
                if len(part) > 1:  # an agent of the old kind: one unknown name spoils all
                    size = 1
                    continue
                got = ber.Varbinds([part[0]], [ber.NO_SUCH_OBJECT], [None])
            for name, tag, value in zip(part, got.tags, got.values, strict=True):
                found.add(name, tag, value)
            at += len(part)
        return found

    async def ask(
        self, kind: int, names: list[bytes], first: int = 0, second: int = 0, *, retries: int | None = None
    ) -> Reply:
        """One request and its answer. Raises ``SnmpError``; ``noSuchName`` is left to the caller."""
        async with self._room:
            self.requests += 1
            if self.credential.user is None:
                reply = await self._ask_v2c(kind, names, first, second, retries)
            else:
                reply = await self._ask_v3(self.credential.user, kind, names, first, second, retries)
        status = reply.pdu.error_status
        if reply.pdu.kind != ber.RESPONSE:
            raise SnmpError("decode", "the agent answered with something that is no response", where=self.where)
        if status == ber.TOO_BIG:
            raise TooBig(self.where)
        if status == _AUTHORIZATION_ERROR:
            raise AuthError("the agent does not allow this", self.where, "Check the view that the device allows.")
        if status not in (0, ber.NO_SUCH_NAME):
            named = ber.ERROR_STATUS.get(status, str(status))
            raise SnmpError(named, f"the agent answered {named}", where=self.where)
        return reply

    async def _ask_v2c(self, kind: int, names: list[bytes], first: int, second: int, retries: int | None) -> Reply:
        community = self.credential.community

        def make(request_id: int) -> bytes:
            pdu = ber.request(kind, request_id, names, first, second)
            return ber.encode_message(ber.VERSION_2C, community, pdu)

        answer = await self._exchange(make, retries)
        message = answer.message
        if not isinstance(message, ber.Message):
            raise SnmpError("decode", "the agent answered in another version", where=self.where)
        return _reply(message.pdu, answer)

    async def _exchange(self, make: Callable[[int], bytes], retries: int | None) -> Answer:
        """Send until an answer comes; that to any of the copies counts. Raises ``Timeout``, ``SnmpError``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        attempts = 1 + (self.retries if retries is None else retries)
        ids: list[int] = []
        try:
            for attempt in range(attempts):
                request_id = self._transport.new_id()
                ids.append(request_id)
                self.retried += attempt > 0
                try:
                    await self._transport.send(make(request_id), request_id, self.endpoint, future)
                except OSError as error:
                    reason = error.strerror or "the network refused"
                    raise SnmpError("unreachable", reason, where=self.where) from None
                done, _ = await asyncio.wait([future], timeout=self.timeout_s)
                if done:
                    return future.result()
            raise Timeout(self.where, attempts * self.timeout_s)
        finally:
            for one in ids:
                self._transport.forget(one)

    # --- SNMPv3 ------------------------------------------------------------------------------------------------------

    async def _ask_v3(
        self, user: UsmUser, kind: int, names: list[bytes], first: int, second: int, retries: int | None
    ) -> Reply:
        for _ in range(_RENEWALS):
            engine = await self._known_engine(retries)

            def make(request_id: int, engine: _Engine = engine) -> bytes:
                scoped = v3.encode_scoped(
                    engine.engine_id, user.context, ber.request(kind, request_id, names, first, second)
                )
                return user.seal(_message(request_id, engine.engine_id, engine.boots, engine.now()), scoped)

            try:
                answer = await self._exchange(make, retries)
            except Timeout:
                if self._trusted or not user.flags & v3.PRIVACY:
                    raise
                what = "the agent is there, but answers nothing to this user"
                raise AuthError(what, self.where, "Check privacy and privacy_password.") from None
            pdu = self._opened(user, engine, answer)
            if pdu is not None:
                self._trusted = True
                return _reply(pdu, answer)
        raise AuthError("the agent's clock or engine id will not settle", self.where, "Look at its SNMPv3 engine.")

    async def _known_engine(self, retries: int | None) -> _Engine:
        async with self._discovering:
            if self._engine is None:
                answer = await self._exchange(_discovery, retries)
                message = answer.message
                if not isinstance(message, v3.MessageV3) or not message.engine_id:
                    raise SnmpError("decode", "the agent does not say its engine id", where=self.where)
                self._learn(message)
            assert self._engine is not None
            return self._engine

    def _learn(self, message: v3.MessageV3) -> None:
        self._engine = _Engine(message.engine_id, message.boots, message.time, time.monotonic())

    def _opened(self, user: UsmUser, engine: _Engine, answer: Answer) -> ber.Pdu | None:
        """The PDU of an answer; none where the request must be made anew. Raises ``SnmpError``."""
        message = answer.message
        if not isinstance(message, v3.MessageV3):
            raise SnmpError("decode", "the agent answered in another version", where=self.where)
        try:
            pdu = user.unseal(answer.data, message).pdu
        except SecurityError as error:
            what = f"an answer that is not this user's ({error.args[0]})"
            raise AuthError(what, self.where, "Check the passwords; someone else may be answering.") from None
        except ber.BerError as error:
            raise SnmpError("decode", f"the answer cannot be read: {error.what}", where=self.where) from None
        authentic = bool(message.flags & v3.AUTH)
        if pdu.kind == ber.REPORT:
            self._reported(message, pdu, authentic)
            return None
        if message.flags & user.flags != user.flags or message.engine_id != engine.engine_id:
            raise AuthError(
                "an answer below the level that was asked for", self.where, "Someone else may be answering."
            )
        if message.boots < engine.boots or (message.boots == engine.boots and message.time + _WINDOW_S < engine.now()):
            raise AuthError("an answer of long ago", self.where, "Someone may be replaying answers.")
        if (message.boots, message.time) > (engine.boots, engine.now()):
            self._learn(message)
        return pdu

    def _reported(self, message: v3.MessageV3, pdu: ber.Pdu, authentic: bool) -> None:
        name = pdu.varbinds.oids[0] if pdu.varbinds.oids else b""
        kind = name[len(_USM_STATS)] if name.startswith(_USM_STATS) and len(name) > len(_USM_STATS) else 0
        if kind == _NOT_IN_WINDOW and (authentic or self._engine is None or self._engine.boots == 0):
            self._learn(message)
        elif kind == _UNKNOWN_ENGINE:
            self._engine = None
        else:
            what, fix = _REPORTS.get(kind, (f"the agent reports {ber.oid_text(name)}", "Look at its SNMPv3 settings."))
            raise AuthError(what, self.where, fix)


def _message(request_id: int, engine_id: bytes, boots: int, seconds: int) -> v3.MessageV3:
    return v3.MessageV3(request_id, v3.REPORTABLE, engine_id, boots, seconds, b"", b"", 0, b"", b"")


def _discovery(request_id: int) -> bytes:
    """A request that asks an engine who it is (RFC 3414 §4)."""
    message = _message(request_id, b"", 0, 0)
    message.payload = v3.encode_scoped(b"", b"", ber.request(ber.GET, request_id, []))
    return v3.encode(message)[0]


def _reply(pdu: ber.Pdu, answer: Answer) -> Reply:
    return Reply(pdu, answer.received_ns - int(answer.rtt_s * 5e8), len(answer.data), answer.rtt_s)
