"""A gRPC channel to a target, and the calls on it. Importing this loads gRPC."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import structlog

from weft.collect.gnmi.config import TargetConfig, TlsConfig
from weft.decode.gnmi.proto import pb
from weft.errors import ConfigError, Unavailable

log = structlog.get_logger(__name__)

_SERVICE = "/gnmi.gNMI/"
_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),  # pauses after failures are ours to choose
    ("grpc.enable_http_proxy", 0),  # devices are not reached through a proxy for the web
    ("grpc.keepalive_time_ms", 305_000),  # servers in Go end connections that probe more often than this
    ("grpc.keepalive_timeout_ms", 20_000),
)
_MOST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a target says of itself."""

    version: str = ""
    encodings: tuple[int, ...] = ()
    models: tuple[tuple[str, str, str], ...] = ()  # (name, organisation, version)


class GnmiClient:
    """One connection. Use from one event loop."""

    def __init__(self, target: TargetConfig, channel: Any) -> None:
        self._target, self._channel = target, channel
        self._secrets: tuple[str, ...] = ()

    @classmethod
    async def open(cls, target: TargetConfig) -> GnmiClient:
        """A channel; nothing is sent yet. Raises ``ConfigError`` for files, ``Unavailable`` where nobody answers."""
        if target.plaintext:
            return cls(target, grpc.aio.insecure_channel(target.address, options=_OPTIONS))
        tls, options = target.tls, list(_OPTIONS)
        roots, name = _read(tls.ca), tls.server_name
        if tls.skip_verify:
            log.warning("gnmi_certificate_not_verified", target=target.address)
            roots, shown = await asyncio.to_thread(_shown_certificate, target)
            name = name or shown
        if name:
            options.append(("grpc.ssl_target_name_override", name))
        credentials = grpc.ssl_channel_credentials(roots, _read(tls.key), _read(tls.cert))
        return cls(target, grpc.aio.secure_channel(target.address, credentials, options=options))

    async def close(self) -> None:
        """End the connection and every call on it."""
        await self._channel.close()

    def clean(self, text: str) -> str:
        """A message of the target's as it may be shown: short, on one line, without the password."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return " ".join(text.split())[:_MOST_TEXT]

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        found = []
        if self._target.username:
            found.append(("username", self._target.username))
        if self._target.password is not None:
            password = self._target.password.reveal()
            self._secrets = (password,) if password else ()
            found.append(("password", password))
        return tuple(found)

    async def capabilities(self) -> Capabilities:
        """What the target says of itself. Raises ``grpc.aio.AioRpcError``."""
        call = self._channel.unary_unary(
            _SERVICE + "Capabilities", pb.CapabilityRequest.SerializeToString, pb.CapabilityResponse.FromString
        )
        said = await call(pb.CapabilityRequest(), metadata=self._metadata(), timeout=self._target.timeout_s)
        models = tuple((one.name, one.organization, one.version) for one in said.supported_models)
        return Capabilities(said.gNMI_version, tuple(said.supported_encodings), models)

    async def get(self, request: Any) -> bytes:
        """Ask once; the GetResponse as it came. Raises ``grpc.aio.AioRpcError``."""
        call = self._channel.unary_unary(_SERVICE + "Get", pb.GetRequest.SerializeToString)
        answer: bytes = await call(request, metadata=self._metadata(), timeout=self._target.timeout_s)
        return answer

    async def set(self, request: Any) -> Any:
        """Change something; the SetResponse. Raises ``grpc.aio.AioRpcError``."""
        call = self._channel.unary_unary(_SERVICE + "Set", pb.SetRequest.SerializeToString, pb.SetResponse.FromString)
        return await call(request, metadata=self._metadata(), timeout=self._target.timeout_s)

    def subscribe(self) -> Any:
        """A call to write requests to and to read SubscribeResponses from, as they came."""
        call = self._channel.stream_stream(_SERVICE + "Subscribe", pb.SubscribeRequest.SerializeToString)
        return call(metadata=self._metadata())


def ended() -> Any:
    """What reading from a call gives when the target has ended it."""
    return grpc.aio.EOF


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror or error}", where=str(path), fix="Name a readable PEM file."
        ) from None


def _shown_certificate(target: TargetConfig) -> tuple[bytes, str]:
    """(the certificate that a target shows, PEM; a name that it is for). It then serves as its own authority."""
    import socket

    from cryptography import x509

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _own_certificate(context, target.tls)
    port = int(target.address.rpartition(":")[2])
    try:
        with (
            socket.create_connection((target.host, port), timeout=target.timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=target.tls.server_name or target.host) as secure,
        ):
            raw = secure.getpeercert(binary_form=True)
    except OSError as error:
        raise Unavailable(f"no TLS connection: {error}", where=target.address) from None
    if raw is None:
        raise Unavailable("shows no certificate", where=target.address)
    return ssl.DER_cert_to_PEM_cert(raw).encode(), _name_in(x509.load_der_x509_certificate(raw))


def _own_certificate(context: ssl.SSLContext, tls: TlsConfig) -> None:
    if tls.cert is None:
        return
    try:
        context.load_cert_chain(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"cannot be used: {error}", where=str(tls.cert), fix="See docs/gnmi.md.") from None


def _name_in(certificate: Any) -> str:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found: Sequence[Any] = names.get_values_for_type(x509.DNSName) or names.get_values_for_type(x509.IPAddress)
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(x509.oid.NameOID.COMMON_NAME)
        found = [one.value for one in common]
    return str(found[0]) if found else ""
