"""Settings of notifications."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from weft.component import Config
from weft.model.events import EventGroup, Severity
from weft.secret import Secret

#: How the address of a webhook begins.
WEB_ADDRESS = re.compile(r"https?://[^/]")
ChannelName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")]


class ChannelConfig(Config):
    """One way of telling people, and what they want to be told of. Exactly one of the first three says how."""

    name: ChannelName
    """What it is called on the Events page and in counters."""
    apprise: Secret | None = None
    """Address of a service in the notation of Apprise: ``slack://…``, ``mailto://…``, ``msteams://…`` and a hundred
    others. It holds credentials: give it as ``{file: PATH}`` or ``{env: NAME}``."""
    pagerduty: Secret | None = None
    """Integration key of a PagerDuty service (Events API v2). An event opens one incident there and resolves it."""
    webhook: Secret | None = None
    """Each change is posted here as JSON: the event as the API gives it. Where the address holds a key, give it as
    ``{file: PATH}`` or ``{env: NAME}``."""
    token: Secret | None = None
    """Sent to the webhook as ``Authorization: Bearer``."""
    signing_key: Secret | None = None
    """Signs what is posted: ``X-Weft-Signature: sha256=`` and the HMAC-SHA256 of the body in hexadecimal."""
    min_severity: Severity = Severity.MAJOR
    """Tell of this and worse."""
    groups: list[EventGroup] = Field(default_factory=list, max_length=20)
    """Tell only of these families; empty = all."""
    kinds: list[str] = Field(default_factory=list, max_length=100)
    """Tell only of these kinds; empty = all."""
    hold_s: float = Field(default=30, ge=0, le=3600)
    """Wait this long: an event that is over by then is not told of. Those of severity critical are told at once."""
    closed: bool = True
    """Tell of the end, too, to whoever was told of the beginning."""
    most_per_hour: int = Field(default=30, ge=1, le=1000)
    """Beyond it, one message sums up what else there was when the hour is over; what is critical has as much room
    again. PagerDuty and webhooks get each."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.apprise, self.pagerduty, self.webhook)) != 1:
            raise ValueError(f"channel {self.name!r} needs exactly one of apprise, pagerduty and webhook")
        written = self.webhook.value if self.webhook is not None else None
        if written is not None and not WEB_ADDRESS.match(written.get_secret_value()):
            raise ValueError(f"channel {self.name!r}: a webhook is an address like https://hooks.example.net/weft")
        if self.webhook is None and (self.token or self.signing_key):
            raise ValueError(f"channel {self.name!r}: token and signing_key are for webhooks")
        return self


class NotifyConfig(Config):
    """Who is told of events, by what."""

    channels: list[ChannelConfig] = Field(default_factory=list, max_length=50)
    """Ways of telling people."""
    public_url: str = Field(default="", max_length=500, pattern=r"^(https?://.*[^/])?$")
    """Where people reach Weft, without a slash at the end, e.g. ``https://weft.example.net``; messages link there."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [one.name for one in self.channels]
        if len(set(names)) < len(names):
            raise ValueError("two channels have the same name")
        return self
