"""Events to be told of, and where messages arrive."""

from __future__ import annotations

import time

from weft.detect.notify.message import Message
from weft.model.events import Entity, Event, EventGroup, EventState, Severity

NOW = 1_780_000_000.0


def event(number: int = 1, severity: Severity = Severity.MAJOR, state: EventState = EventState.OPEN, **fields) -> Event:
    return Event(
        id=f"e{number}", detector="links", kind="link_down", group=EventGroup.LINK, severity=severity, state=state,
        title=f"Line {number} is down", text="It went down.", entity=Entity(kind="device", id="chi-border1"),
        started_s=NOW, detected_s=NOW, raised_s=NOW, seen_s=NOW, **fields,
    )  # fmt: skip


class Box:
    """A sender that keeps what it is given, and fails where told to."""

    def __init__(self, takes_each: bool = False) -> None:
        self.takes_each, self.got, self.errors = takes_each, [], []

    def send(self, message: Message) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.got.append(message)


def until(condition) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
