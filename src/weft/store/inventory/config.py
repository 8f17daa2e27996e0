"""Settings of what is kept of the inventory; those of its sources are added by ``collect``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from weft.component import Config
from weft.model.inventory import ORIGINS

_Origin = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class FactsConfig(Config):
    """Whose word counts, and how long it is kept."""

    precedence: list[_Origin] = Field(default=list(ORIGINS), min_length=1)
    """Sources, best first: of several values of an attribute the first source's is in force, the others are shown
    beside it. Sources that are not listed follow in the order of the default."""
    attribute_precedence: dict[str, list[_Origin]] = Field(default_factory=dict)
    """Other orders for single attributes, e.g. ``{os_version: [snmp, gnmi]}``: sources listed come first."""
    expire_days: float = Field(default=30.0, ge=0.01, le=3650)
    """What was discovered and is not seen for so long is withdrawn. What people wrote down (``file``, ``netbox``,
    ``tables``) never expires."""
    history_days: float = Field(default=730.0, ge=1, le=36500)
    """How long former values are kept."""
    max_facts: int = Field(default=500_000, ge=1000, le=10_000_000)
    """Most facts (one source's word on one object) held of one origin; more are refused and counted."""
    max_facts_per_scope: int = Field(default=200_000, ge=100, le=10_000_000)
    """Most facts of one origin about one device, file or instance."""
    follow_seconds: float = Field(default=15.0, ge=1, le=3600)
    """How often a process that shares its state database looks for what the others learned."""

    @field_validator("precedence")
    @classmethod
    def _once(cls, order: list[str]) -> list[str]:
        if len(set(order)) != len(order):
            raise ValueError("a source is listed twice")
        return order
