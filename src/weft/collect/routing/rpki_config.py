"""Settings of RPKI validation (``routing.rpki`` in ``weft.yaml``)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator, model_validator

from weft.component import Config

#: IANA: rpki-rtr, and rpki-rtr-tls.
RTR_PORT, RTR_TLS_PORT = 323, 324


class RtrCacheConfig(Config):
    """A cache that tells validated payloads by the RPKI-to-Router protocol (RFC 8210)."""

    host: str = Field(min_length=1, max_length=253)
    """Name or address of the cache."""
    port: int = Field(default=RTR_PORT, ge=1, le=65535)
    """Its TCP port; 323 is RTR's own, 3323 and 8282 are common, 324 is that of RTR over TLS."""
    tls: bool = False
    """Speak TLS and verify the cache's certificate. Without it, reach the cache only over a network that you trust."""
    ca: Path | None = None
    """File with the certificates (PEM) that the cache's is signed by; none = those of well-known authorities."""
    cert: Path | None = None
    """File with Weft's own certificate (PEM), for caches that ask for one."""
    key: Path | None = None
    """File with the private key (PEM) of that certificate."""
    version: int = Field(default=2, ge=0, le=2)
    """Newest version of the protocol to speak; Weft steps down to what the cache knows by itself."""

    @field_validator("host")
    @classmethod
    def _plain(cls, host: str) -> str:
        if any(c in host for c in "/@[] "):
            raise ValueError("write a name or an address alone, the port apart")
        return host

    @model_validator(mode="after")
    def _pair(self) -> RtrCacheConfig:
        if (self.cert is None) != (self.key is None):
            raise ValueError("`cert` and `key` go together")
        return self

    @property
    def target(self) -> str:
        """Address and port as people write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class RpkiConfig(Config):
    """Where validated ROA payloads come from. Nothing is validated where neither caches nor files are named."""

    caches: tuple[RtrCacheConfig, ...] = ()
    """Caches, the preferred one first: the first that has payloads which are not out of date counts, the others stand
    by."""
    files: tuple[Path, ...] = ()
    """Files of payloads (JSON or CSV of rpki-client, Routinator, StayRTR's cache); theirs count besides a cache's."""
    reload_interval_s: float = Field(default=30.0, ge=1.0, le=86400.0)
    """How often to look whether a file changed (modification time, size, inode)."""
    file_expires_hours: float = Field(default=48.0, gt=0, le=24 * 366)
    """A file that was not written for this long is out of date, and no longer counts."""
    retry_s: float = Field(default=10.0, ge=0.05, le=7200.0)
    """First pause before a cache that cannot be reached is tried again, seconds; doubled with each further failure, up
    to what the cache recommends."""
    timeout_s: float = Field(default=30.0, ge=0.1, le=600.0)
    """Longest that connecting, or a silence within an answer, may take, seconds."""
    max_payloads: int = Field(default=5_000_000, ge=1)
    """Most payloads of one source; one that tells of more is not believed."""
