"""Settings of business series (section ``business`` of ``weft.yaml``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator, model_validator

from weft.component import Config
from weft.secret import Secret

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]


def _path_or_mapping(value: Any) -> Any:
    return {"path": value} if isinstance(value, str | Path) else value


class _Timed(Config):
    time: str = "time"
    """Column with the time: ISO 8601, or UTC seconds, milliseconds, microseconds or nanoseconds since 1970."""
    time_zone: str = "UTC"
    """Zone of times that do not say it, e.g. ``Europe/Zurich``."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError):
            raise ValueError("not a time zone: write it like Europe/Zurich") from None
        return zone


class BusinessFiles(_Timed):
    """CSV files with a first line of names. A plain path is short for ``{path: …}``."""

    path: Path
    """A file, or a directory of ``*.csv``, ``*.tsv``. What is appended is read on; a file that changed otherwise is
    read again."""
    name: str = Field(default="", max_length=100)
    """What it is called on the Sources page; empty = the path's last part."""
    series: str = Field(default="", max_length=100)
    """Name of the series; empty = the column ``series`` says it, or the names of ``values``."""
    value: str = "value"
    """Column with the value."""
    values: dict[str, Name] = Field(default_factory=dict, max_length=100)
    """Instead of ``value``: columns and the series that each is."""
    unit: str = Field(default="", max_length=40)
    """Unit of all values; empty = the column ``unit`` says it, where there is one."""
    units: dict[str, Annotated[str, Field(max_length=40)]] = Field(default_factory=dict, max_length=100)
    """Units of single columns of ``values``, by column."""
    labels: list[str] | None = Field(default=None, max_length=20)
    """Columns that become labels; none = all others."""
    every_s: float = Field(default=30.0, ge=0.5, le=86_400)
    """How often to look for what is new."""


class _Asked(Config):
    series: Name
    """Name of the series."""
    query: str = Field(min_length=1, max_length=20_000)
    """What to ask."""
    unit: str = Field(default="", max_length=40)
    """Unit of the values."""
    history_s: float = Field(default=86_400, ge=0, le=730 * 86_400)
    """How far back the first time is asked."""


class PrometheusQuery(_Asked):
    """One PromQL expression. Labels of its result become labels; ``__name__`` is left out."""

    step_s: float = Field(default=60.0, ge=1, le=86_400)
    """Resolution, and how often to ask."""
    labels: list[str] | None = Field(default=None, max_length=20)
    """Labels to keep; none = all."""


class BusinessPrometheus(Config):
    """A server with Prometheus' query API: Prometheus, Thanos, Mimir, VictoriaMetrics."""

    name: Name
    """What it is called on the Sources page."""
    url: str
    """Where it is, e.g. ``https://prometheus.example.com``; a path before ``/api/v1`` is kept."""
    user: str = ""
    """User of HTTP basic authentication."""
    password: Secret | None = None
    """Its password."""
    token: Secret | None = None
    """Bearer token."""
    headers: dict[str, str] = Field(default_factory=dict, max_length=20)
    """Further headers, e.g. ``X-Scope-OrgID``. Not for secrets."""
    verify_tls: bool = True
    """Whether the certificate must be valid."""
    ca_file: Path | None = None
    """Certificates of the authority that signed its own, in PEM; none = the system's."""
    timeout_s: float = Field(default=30.0, ge=1, le=600)
    """How long to wait for an answer."""
    queries: tuple[PrometheusQuery, ...] = Field(min_length=1, max_length=200)
    """What to ask."""

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("not a URL: write it like https://prometheus.example.com")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "holds more than scheme, host, port and path; user and password have settings of their own"
            )
        return url.rstrip("/").removesuffix("/api/v1")


class SqlQuery(_Asked, _Timed):
    """One SELECT. ``:since`` and ``:until`` in it are the times between which rows are asked for (UTC)."""

    value: str = "value"
    """Column with the value."""
    labels: list[str] | None = Field(default=None, max_length=20)
    """Columns that become labels; none = all others."""
    every_s: float = Field(default=300.0, ge=1, le=7 * 86_400)
    """How often to ask."""
    overlap_s: float = Field(default=3600.0, ge=0, le=366 * 86_400)
    """How far behind the newest row is asked again, for rows that were written late or corrected."""
    bind: Literal["datetime", "text", "seconds"] = "datetime"
    """What ``:since`` and ``:until`` are: times, ISO 8601 text (SQLite), or seconds since 1970."""


class BusinessSql(Config):
    """A database that SQLAlchemy can reach. Use a login that may only read."""

    name: Name
    """What it is called on the Sources page."""
    url: Secret
    """Where it is, e.g. ``postgresql+psycopg://reader:…@db.example.com/shop``. Holds the password: prefer ``file`` or
    ``env``. SQLite and PostgreSQL work as they are; others need their driver installed."""
    timeout_s: float = Field(default=60.0, ge=1, le=3600)
    """How long a query may take: PostgreSQL and SQLite are told to stop; of others the login may have a limit."""
    most_rows: int = Field(default=200_000, ge=1, le=10_000_000)
    """Most rows of one answer that are read."""
    queries: tuple[SqlQuery, ...] = Field(min_length=1, max_length=200)
    """What to ask."""


class BusinessConfig(Config):
    """Business series: orders, sign-ins, tickets, GPU-hours. Pushing needs no settings: docs/business.md."""

    files: tuple[Annotated[BusinessFiles, BeforeValidator(_path_or_mapping)], ...] = Field(default=(), max_length=100)
    """CSV files and directories of them."""
    prometheus: tuple[BusinessPrometheus, ...] = Field(default=(), max_length=50)
    """Prometheus servers and what to ask them."""
    sql: tuple[BusinessSql, ...] = Field(default=(), max_length=50)
    """Databases and what to ask them."""

    @model_validator(mode="after")
    def _names(self) -> BusinessConfig:
        for each in (self.prometheus, self.sql):
            names = [one.name for one in each]
            if len(set(names)) != len(names):
                raise ValueError("two sources have the same name")
        return self
