"""Changes that others report."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from weft.api.models.accounts import Posted
from weft.api.models.base import Answer
from weft.collect.push import ChangeReport

Word = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)]


class NewChange(Posted):
    """A change: a configuration, deployment, ticket, maintenance window or inventory object."""

    title: str = Field(min_length=1, max_length=500)
    """The change in a line."""
    time: datetime | None = None
    """When it took effect: ISO 8601 (without an offset: UTC) or UTC seconds. None = now."""
    kind: Literal["config", "deployment", "ticket", "maintenance", "inventory", "other"] = "other"
    """What was changed."""
    device: Word = ""
    """Name or address of the device; empty = of none."""
    component: Word = ""
    """What part of it: section of a configuration, service, inventory object."""
    source: Word = "push"
    """Which system tells: github, netbox, servicenow …"""
    author: Word = ""
    """Who did it."""
    change_id: Word = ""
    """Names the change: a second report with the same name is the same change and is not taken again. Empty: one is
    made of all other fields."""
    reference: str = Field(default="", max_length=2000)
    """Link or number of the ticket, job or commit."""
    detail: str = Field(default="", max_length=200_000)
    """More, such as a diff. Must hold no secrets."""
    added: int = Field(default=0, ge=0, le=0xFFFFFFFF)
    """Lines that came."""
    removed: int = Field(default=0, ge=0, le=0xFFFFFFFF)
    """Lines that went."""

    def report(self) -> ChangeReport:
        """As the collector takes it."""
        time = self.time
        if time is not None and time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        try:
            address = str(ipaddress.ip_address(self.device))
        except ValueError:
            address = ""
        return ChangeReport(
            self.title, int(time.timestamp() * 1e9) if time else 0, self.kind, self.device, address,
            self.source or "push", self.author, self.component, self.change_id, self.reference, self.detail, self.added,
            self.removed,
        )  # fmt: skip


class ChangesTakenView(Answer):
    """What became of a report."""

    accepted: int
    """Changes that were new."""
    duplicates: int
    """Changes that had been told before."""
    change_ids: list[str]
    """The name of each, in the order they were sent."""
