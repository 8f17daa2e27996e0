"""Settings of the query layer."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from weft.component import Config


class QueryConfig(Config):
    """Bounds of one query, and how times are read and shown."""

    timeout_s: float = Field(default=30.0, gt=0, le=3600)
    """A query that takes longer is stopped and answered with advice, in seconds; ``store.query_seconds`` bounds it."""
    memory_mb: int = Field(default=1024, ge=50)
    """Memory that one query may use in the store, in MiB; ``store.query_memory_mb`` bounds it as well."""
    threads: int = Field(default=0, ge=0)
    """Threads that one query may use in the store; 0 = all."""
    max_groups: int = Field(default=1000, ge=10, le=10_000)
    """The largest ``top`` that is answered."""
    max_cells: int = Field(default=200_000, ge=1000)
    """Largest series result (groups × buckets)."""
    time_zone: str = "UTC"
    """Zone in which days begin for ``now-1d/d`` and for buckets of an hour or more, e.g. ``Europe/Paris``."""
    settle_s: int = Field(default=5, ge=0, le=600)
    """A last bucket that has lasted shorter than this is not drawn: its rows are still arriving (seconds)."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {name!r}; use a name such as Europe/Paris") from error
        return name
