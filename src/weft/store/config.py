"""Settings of the store (section ``store`` of ``weft.yaml``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from weft.component import Config

#: A row's end of life must still fit a 32-bit time, or it would lie in the past.
MOST_DAYS = 20_000


class StoreConfig(Config):
    """Where telemetry and state are kept, for how long, and how much of the machine that may take."""

    data_dir: Path | None = None
    """Directory of the embedded engine and the SQLite state; none = the top-level ``data_dir``. One process owns it."""
    url: str | None = None
    """HTTP(S) URL of a ClickHouse server, e.g. ``http://clickhouse:8123``; none = the embedded engine."""
    user: str = "default"
    """User name at the ClickHouse server."""
    password: SecretStr = SecretStr("")
    """Password at the ClickHouse server."""
    database: str = Field(default="weft", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Database that holds Weft's tables; made if missing."""
    cluster: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$")
    """Cluster to spread the tables over (``ReplicatedMergeTree`` behind ``Distributed``); only with ``url``."""
    state_url: SecretStr | None = None
    """SQLAlchemy URL of the state database (``postgresql+psycopg://…``); none = ``state.db`` in the data directory."""

    retention_days: dict[str, Annotated[int, Field(ge=1, le=MOST_DAYS)]] = Field(default_factory=dict)
    """Days to keep a table or rollup, by name (``flows: 15``); others keep their declared default."""
    partition: Literal["hour", "day"] = "hour"
    """Span of one partition of a raw table. Hours keep merges small; days suit a few flows per second."""
    largest_part_mb: int | None = Field(default=None, ge=8)
    """Largest part that merges of raw rows make, MiB; none = 32 embedded, 4096 on a server. Larger: fewer files, more
    CPU per row. Takes effect for tables made from then on."""

    readers: int = Field(default=4, ge=1, le=64)
    """Queries that run at the same time; more wait."""
    query_seconds: float = Field(default=30, gt=0)
    """Longest time a query may run unless it asks for less, seconds."""
    query_memory_mb: int = Field(default=1024, ge=64)
    """Most memory of one query unless it asks for less, MiB."""
    query_threads: int = Field(default=0, ge=0, le=64)
    """Threads of one query; 0 = one per core."""
    memory_mb: int = Field(default=4096, ge=512)
    """Most memory of the embedded engine in all, MiB."""
    cache_mb: int = Field(default=64, ge=8)
    """Memory of the embedded engine's index caches, MiB."""
    merge_threads: int = Field(default=1, ge=1, le=32)
    """Background merges of the embedded engine at the same time. More tidy up faster and leave less for queries."""
    connect_seconds: float = Field(default=10, gt=0)
    """How long to wait for a ClickHouse server to answer."""

    @field_validator("url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https:// (ClickHouse's HTTP port, usually 8123 or 8443)")
        return value
