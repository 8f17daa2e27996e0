"""The server's side of TLS (RFC 5425): its certificate, read again when the file changes."""

from __future__ import annotations

import contextlib
import ssl
import time
from pathlib import Path

import structlog

from weft.collect.syslog.config import SyslogListenerConfig
from weft.errors import ConfigError

log = structlog.get_logger(__name__)

_LOOK_S = 30.0


class TlsContext:
    """A context for new connections."""

    def __init__(self, settings: SyslogListenerConfig) -> None:
        self._settings = settings
        self._context: ssl.SSLContext | None = None
        self._stamps: tuple[float, ...] = ()
        self._looked = 0.0

    def load(self) -> None:
        """Read the files. Raises ``ConfigError``."""
        settings = self._settings
        assert settings.certificate is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        name, path = "certificate", settings.certificate
        try:
            context.load_cert_chain(settings.certificate, settings.key)
            if settings.client_ca is not None:
                name, path = "client_ca", settings.client_ca
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(settings.client_ca)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "not PEM"
            raise ConfigError(
                f"{path} cannot be used: {reason}", where=f"syslog.listeners: {name}",
                fix="Name readable PEM files of a certificate and its key.",
            ) from None  # fmt: skip
        self._context, self._stamps, self._looked = context, self._files(), time.monotonic()

    def context(self) -> ssl.SSLContext:
        """The context now; a renewed certificate counts from the next connection on."""
        now = time.monotonic()
        if now - self._looked > _LOOK_S:
            self._looked = now
            if self._files() != self._stamps:
                try:
                    self.load()
                except ConfigError as error:
                    log.warning("syslog_certificate_not_renewed", reason=error.message)
        assert self._context is not None
        return self._context

    def _files(self) -> tuple[float, ...]:
        stamps = []
        for path in (self._settings.certificate, self._settings.key, self._settings.client_ca):
            if path is not None:
                with contextlib.suppress(OSError):
                    stamps.append(Path(path).stat().st_mtime)
        return tuple(stamps)
