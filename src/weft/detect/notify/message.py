"""What people are told of an event: a line for the lock screen, a few for the one who opens it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from weft.detect.texts import amount, lasting, moment
from weft.model.events import Event, Severity

#: As in the ``events`` table; a channel is told of ``opened`` and ``worse`` alike as of an event that is on.
Change = Literal["opened", "worse", "closed"]
_MARKS = {Severity.INFO: "INFO", Severity.MINOR: "MINOR", Severity.MAJOR: "MAJOR", Severity.CRITICAL: "CRITICAL"}
_MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Message:
    """A message. ``event``: the one that it is of; none of a summary of several."""

    title: str
    body: str
    severity: Severity
    change: Change
    event: Event | None = None
    link: str = ""


def message_of(event: Event, change: Change, public_url: str = "") -> Message:
    """The message about one change of an event."""
    link = f"{public_url}/events/e/{quote(event.id)}" if public_url else ""
    over = change == "closed"
    where = event.entity.title or event.entity.id
    title = f"{'OVER' if over else _MARKS[event.severity]}: {event.title}"
    lines = [event.text, f"Where: {where}", f"Since: {moment(event.started_s)}"]
    if over and event.ended_s is not None:
        lines.append(f"Until: {moment(event.ended_s)}, {lasting(event.ended_s - event.started_s)}")
    if event.seen is not None and event.expected is not None:
        usual = amount(event.expected, event.unit)
        if event.lower is not None and event.upper is not None:
            usual = f"{amount(event.lower, event.unit)} to {amount(event.upper, event.unit)}"
        lines.append(f"Seen {amount(event.seen, event.unit)}, expected {usual}")
    if link:
        lines.append(link)
    return Message(title[:200], "\n".join(line for line in lines if line), event.severity, change, event, link)


def summary_of(events: Sequence[Event], public_url: str = "") -> Message:
    """One message about events that were not told one by one, worst first."""
    worst = sorted(events, key=lambda event: (-event.severity.rank, event.started_s))
    lines = [f"{_MARKS[one.severity]}: {one.title} ({moment(one.started_s)})" for one in worst[:_MOST_LISTED]]
    if len(worst) > _MOST_LISTED:
        lines.append(f"and {len(worst) - _MOST_LISTED} more")
    link = f"{public_url}/events" if public_url else ""
    many = f"{len(worst)} more event{'s' if len(worst) > 1 else ''} than this channel takes in an hour"
    return Message(many, "\n".join([*lines, *filter(None, [link])]), worst[0].severity, "opened", None, link)
