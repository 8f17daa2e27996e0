"""Settings of detection (section ``detect`` of ``weft.yaml``)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from weft.component import Config
from weft.detect.context import DetectorConfig

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Minute = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class MaintenanceConfig(Config):
    """A time in which events about some things are no trouble: they are listed as suppressed."""

    name: str = Field(min_length=1, max_length=80)
    """What it is called where an event says why it was suppressed."""
    entities: list[str] = Field(min_length=1, max_length=1000)
    """What is worked on: ``device:chi-border1`` (its interfaces and sessions with it), ``site:chi``, ``prefix:…``;
    ``*`` at the end stands for anything (``device:chi-*``), and ``*`` alone for everything."""
    kinds: list[str] = Field(default_factory=list, max_length=100)
    """Only events of these kinds; empty = all."""
    since: str = ""
    """Begin, ISO 8601 with a time zone (``2026-11-24T22:00:00Z``)."""
    until: str = ""
    """End, likewise."""
    weekdays: list[Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]] = Field(
        default_factory=list, max_length=7
    )
    """Instead of ``since`` and ``until``: every week on these days, ``begin`` to ``end``."""
    begin: Minute = "00:00"
    """On those days: from this time on …"""
    end: Minute = "00:00"
    """… to this one, on the next day where it is not later than ``begin``."""
    time_zone: str = "UTC"
    """Of ``begin`` and ``end``, e.g. ``America/Chicago``."""

    @field_validator("since", "until", mode="before")
    @classmethod
    def _moment(cls, value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else value  # YAML reads times by itself

    @field_validator("begin", "end", mode="before")
    @classmethod
    def _minutes(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1440:
            return f"{value // 60:02}:{value % 60:02}"  # YAML reads 22:00 as a number to the base of 60
        return value

    @field_validator("time_zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone != "UTC" and zone not in available_timezones():
            raise ValueError(f"no time zone {zone!r}")
        return zone

    @model_validator(mode="after")
    def _when(self) -> Self:
        if bool(self.weekdays) == bool(self.since or self.until):
            raise ValueError(f"maintenance {self.name!r} needs either weekdays, or since and until")
        if not self.weekdays and not (self.since and self.until):
            raise ValueError(f"maintenance {self.name!r} needs both since and until")
        return self


class DetectConfig(Config):
    """What is looked for, and how many false alarms that may cost."""

    enabled: bool = True
    """Look for what is wrong at all."""
    false_alarms: float = Field(default=1.0, gt=0, le=1000)
    """Events per 1000 series and day that may be false. Lower: quieter, and small deviations go unseen."""
    detectors: dict[str, DetectorConfig] = Field(default_factory=dict)
    """Settings of single detectors, by name (``weft detect list``)."""
    threat_lists: list[Path] = Field(default_factory=list, max_length=100)
    """Files of addresses, prefixes and domains that are bad, one a line; read again when they change."""
    maintenance: list[MaintenanceConfig] = Field(default_factory=list, max_length=1000)
    """Announced work: what it touches, and when."""
    late_minutes: float = Field(default=60, ge=1, le=1440)
    """Telemetry that arrives later than this raises no events."""
    reopen_minutes: float = Field(default=10, ge=0, le=1440)
    """Found again so soon after its end, an event is the same one, opened again."""
    most_open: int = Field(default=500, ge=10, le=10_000)
    """Events that one detector may have open; what is beyond is one event that says so."""
    keep_days: float = Field(default=730, ge=1, le=3650)
    """How long events that are over are kept in the state store."""
    most_events: int = Field(default=200_000, ge=1000, le=5_000_000)
    """Most events kept there; the oldest go first."""
    queue_mb: int = Field(default=64, ge=8, le=4096)
    """Rows that wait to be looked at, MiB; more are not looked at (they are stored all the same) and counted."""
    state_mb: int = Field(default=1024, ge=16, le=16384)
    """Most that one detector may remember across a restart, MiB."""
    save_minutes: float = Field(default=5, ge=0.1, le=1440)
    """How often what detectors learned is saved."""
    learn_share: float = Field(default=0.5, gt=0, le=1)
    """Share of one processor that learning from history may take."""
