"""Settings of the API and the web UI (section ``api`` of ``weft.yaml``)."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from weft.component import Config


class ApiConfig(Config):
    """Where the API and the web UI answer, to whom, and how people log in."""

    host: str = "127.0.0.1"
    """Address to listen on. The default answers only this machine; before opening it (``0.0.0.0``, ``::``) set
    ``tls_certificate`` and ``tls_key``, or put a proxy that speaks TLS in front and set ``trusted_proxies``."""
    port: int = Field(default=8080, ge=0, le=65535)
    """TCP port; 0 takes a free one. ``WEFT_PORT`` overrides it."""
    tls_certificate: Path | None = None
    """PEM file with the certificate and its chain; with ``tls_key`` the API speaks HTTPS only."""
    tls_key: Path | None = None
    """PEM file with the private key of ``tls_certificate``."""
    allowed_hosts: list[str] = Field(default_factory=list)
    """Names that browsers may use for this server, such as ``weft.example.net``; ``*`` allows any. Localhost, the
    machine's name and literal addresses are always allowed. Keeps a foreign page from reaching Weft through a name
    that it controls (DNS rebinding)."""
    trusted_proxies: list[str] = Field(default_factory=list)
    """Addresses or networks of reverse proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""
    session_hours: float = Field(default=12.0, gt=0, le=24 * 366)
    """A login ends after this many hours without use."""
    session_max_days: float = Field(default=30.0, gt=0, le=366)
    """A login ends after this many days in any case."""
    login_attempts: int = Field(default=10, ge=1, le=1000)
    """Failed logins allowed per minute for one name and for one client address; more are refused for a while."""
    max_body_bytes: int = Field(default=1_000_000, ge=1000, le=1_000_000_000)
    """Largest request body, bytes."""
    live_clients: int = Field(default=256, ge=1, le=10_000)
    """Most live connections (browser tabs) at a time."""
    loopback_metrics: bool = True
    """Whether ``GET /metrics`` answers clients on this machine without a token; others always need one."""

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, values: list[str]) -> list[str]:
        for value in values:
            ipaddress.ip_network(value, strict=False)
        return values

    @model_validator(mode="after")
    def _tls_pair(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together: set both or neither")
        return self

    @property
    def tls(self) -> bool:
        """Whether the API itself speaks HTTPS."""
        return self.tls_certificate is not None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the API."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
