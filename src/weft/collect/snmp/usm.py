"""SNMPv3's user-based security (RFC 3414): keys and ciphers by pysnmp, the message by ``weft.decode.snmp.v3``.

Keys are made from passwords once for each user, and localised once for each engine. Digests are compared in constant
time. What fails says so by the word it is counted under; nothing secret is ever in it.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

import pysnmp.proto.secmod.rfc3414.service  # noqa: F401 — first of all: the ciphers need it, and it needs them
from pyasn1.type import univ
from pysnmp.proto.error import StatusInformation
from pysnmp.proto.secmod.eso.priv import aes192, aes256
from pysnmp.proto.secmod.rfc3414 import localkey
from pysnmp.proto.secmod.rfc3414.auth import hmacmd5, hmacsha
from pysnmp.proto.secmod.rfc3414.priv import des
from pysnmp.proto.secmod.rfc3826.priv import aes
from pysnmp.proto.secmod.rfc7860.auth import hmacsha2

from weft.collect.snmp.config import CredentialConfig
from weft.collect.snmp.errors import SecurityError
from weft.decode.snmp import v3
from weft.errors import ConfigError

#: name → (hash, octets of the digest, pysnmp's id of the protocol); RFC 3414, RFC 7860.
_AUTH: Final[dict[str, tuple[Any, int, tuple[int, ...]]]] = {
    "md5": (hashlib.md5, 12, hmacmd5.HmacMd5.SERVICE_ID),
    "sha": (hashlib.sha1, 12, hmacsha.HmacSha.SERVICE_ID),
    "sha224": (hashlib.sha224, 16, hmacsha2.HmacSha2.SHA224_SERVICE_ID),
    "sha256": (hashlib.sha256, 24, hmacsha2.HmacSha2.SHA256_SERVICE_ID),
    "sha384": (hashlib.sha384, 32, hmacsha2.HmacSha2.SAH384_SERVICE_ID),
    "sha512": (hashlib.sha512, 48, hmacsha2.HmacSha2.SHA512_SERVICE_ID),
}
#: One of each: they count their salts, which must never repeat under one key.
_PRIVACY: Final[dict[str, Any]] = {
    "des": des.Des(), "aes": aes.Aes(), "aes192": aes192.AesBlumenthal192(), "aes256": aes256.AesBlumenthal256(),
    "aes192c": aes192.Aes192(), "aes256c": aes256.Aes256(),
}  # fmt: skip
_SALTS = threading.Lock()
_LEAST_PASSWORD = 8
_MOST_ENGINES = 4096


@dataclass(frozen=True, slots=True)
class Keys:
    """A user's keys, localised to an engine."""

    auth: bytes = field(repr=False)
    privacy: bytes = field(repr=False)


class UsmUser:
    """A user: makes and checks messages. Thread-safe."""

    def __init__(self, credential: CredentialConfig) -> None:
        self.name = credential.user.encode()
        self.context = credential.context.encode()
        self.flags = 0
        self._auth = _AUTH[credential.auth]
        self._privacy = _PRIVACY[credential.privacy]
        self._engines: OrderedDict[bytes, Keys] = OrderedDict()
        self._lock = threading.Lock()
        auth = privacy = b""
        if credential.auth_password is not None:
            self.flags |= v3.AUTH
            auth = self._master(credential.auth_password.reveal())
        if credential.privacy_password is not None:
            self.flags |= v3.PRIVACY
            privacy = self._master(credential.privacy_password.reveal())
        self._masters = Keys(auth, privacy)

    def _master(self, password: str) -> bytes:
        if len(password) < _LEAST_PASSWORD:
            raise ConfigError(
                f"a password of user {self.name.decode()} is shorter than {_LEAST_PASSWORD} characters",
                where="snmp.credentials", fix="RFC 3414 asks for 8; devices refuse shorter ones.",
            )  # fmt: skip
        made: bytes = localkey.hash_passphrase(password.encode(), self._auth[0]).asOctets()
        return made

    def keys(self, engine_id: bytes) -> Keys:
        """The keys for an engine; as many as matter are remembered."""
        with self._lock:
            found = self._engines.get(engine_id)
            if found is not None:
                self._engines.move_to_end(engine_id)
                return found
        engine = univ.OctetString(engine_id)
        auth = privacy = b""
        if self.flags & v3.AUTH:
            auth = localkey.localize_key(self._masters.auth, engine, self._auth[0]).asOctets()
        if self.flags & v3.PRIVACY:
            privacy = self._privacy.localize_key(self._auth[2], self._masters.privacy, engine).asOctets()
        made = Keys(auth, privacy)
        with self._lock:
            self._engines[engine_id] = made
            while len(self._engines) > _MOST_ENGINES:
                self._engines.popitem(last=False)
        return made

    def seal(self, message: v3.MessageV3, scoped: bytes) -> bytes:
        """The message with ``scoped`` in it, encrypted and authenticated as the user's level asks."""
        keys = self.keys(message.engine_id) if self.flags else Keys(b"", b"")
        message.flags |= self.flags
        message.payload, message.user = scoped, self.name
        if self.flags & v3.PRIVACY:
            with _SALTS:
                cipher, salt = self._privacy.encrypt_data(
                    univ.OctetString(keys.privacy), (message.boots, message.time, None), scoped
                )
            message.payload, message.salt = cipher.asOctets(), salt.asOctets()
        length = self._auth[1] if self.flags & v3.AUTH else 0
        message.digest = bytes(length)
        whole, at = v3.encode(message)
        return whole[:at] + self._digest(keys, whole) + whole[at + length :] if length else whole

    def unseal(self, whole: bytes, message: v3.MessageV3) -> v3.ScopedPdu:
        """Check and decrypt a message of this user. Raises ``SecurityError``, ``BerError``."""
        keys = self.keys(message.engine_id) if self.flags else Keys(b"", b"")
        if message.flags & v3.AUTH:
            self._check(whole, message, keys)
        if not message.flags & v3.PRIVACY:
            return v3.decode_scoped(message.payload)
        if not self.flags & v3.PRIVACY or not message.flags & v3.AUTH:
            raise SecurityError("unsupported_level")
        try:
            plain = self._privacy.decrypt_data(
                univ.OctetString(keys.privacy), (message.boots, message.time, univ.OctetString(message.salt)),
                univ.OctetString(message.payload),
            )  # fmt: skip
        except StatusInformation:
            raise SecurityError("decryption") from None
        return v3.decode_scoped(bytes(plain))

    def _check(self, whole: bytes, message: v3.MessageV3, keys: Keys) -> None:
        length = self._auth[1]
        if not self.flags & v3.AUTH or len(message.digest) != length:
            raise SecurityError("wrong_digest")
        at = message.digest_at
        blank = whole[:at] + bytes(length) + whole[at + length :]
        if not hmac.compare_digest(self._digest(keys, blank), message.digest):
            raise SecurityError("wrong_digest")

    def _digest(self, keys: Keys, whole: bytes) -> bytes:
        return hmac.new(keys.auth, whole, self._auth[0]).digest()[: self._auth[1]]
