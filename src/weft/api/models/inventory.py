"""The inventory: its objects, who says what of them, and what they were."""

from __future__ import annotations

from typing import Any

from weft.api.models.base import Answer


class OtherWord(Answer):
    """A source that says otherwise."""

    origin: str
    value: Any


class AttributeView(Answer):
    """One attribute of an object: the value in force and who says so."""

    name: str
    meaning: str
    """Empty where Weft gives it none: the source's own."""
    value: Any
    origin: str
    """The source whose word counts."""
    others: list[OtherWord]
    """Sources that say otherwise."""


class FactView(Answer):
    """What one source says of the object."""

    origin: str
    scope: str
    """What the source was speaking of: a file, an instance, the address of a device."""
    key: list[str]
    """What the source calls the object."""
    since: float
    """When it began to say so."""
    attributes: dict[str, Any]


class ConflictView(Answer):
    """Sources contradict each other, and both cannot be right."""

    kind: str
    what: str
    """``serial``, ``name`` or ``end`` of a link."""
    objects: list[str]
    """Ids of the objects that it is about."""
    text: str


class ObjectView(Answer):
    """An object in a list."""

    id: str
    """The key as one text, for addresses."""
    key: list[str]
    """A device's name; (device, interface); (device, interface, device, interface) of a link; other objects' name."""
    attributes: dict[str, Any]
    """Values in force."""
    origins: list[str]
    """Sources that know it, best first."""
    first_seen: float
    last_seen: float


class ObjectsView(Answer):
    """Objects of one kind."""

    kind: str
    objects: list[ObjectView]
    total: int
    """How many match."""
    at: float
    """The moment that this is as of."""


class ObjectDetail(Answer):
    """Everything about one object."""

    kind: str
    id: str
    key: list[str]
    attributes: list[AttributeView]
    origins: list[str]
    first_seen: float
    last_seen: float
    facts: list[FactView]
    """What each source says, best first; empty for a moment in the past."""
    conflicts: list[ConflictView]
    at: float


class AttributeChange(Answer):
    """An attribute that became different."""

    name: str
    before: Any = None
    """None = it was not stated."""
    after: Any = None
    """None = it is not stated any more."""


class HistoryEntryView(Answer):
    """A source began to say something of the object, said something else, or stopped."""

    time: float
    what: str
    """``stated``, ``changed`` or ``withdrawn``."""
    origin: str
    scope: str
    key: list[str]
    attributes: list[AttributeChange]


class HistoryView(Answer):
    """What sources said of an object, newest first."""

    kind: str
    id: str
    entries: list[HistoryEntryView]


class OriginView(Answer):
    """What one origin contributes."""

    origin: str
    facts: int
    """Facts in force."""
    refused: dict[str, int]
    """Facts that were not taken, by reason."""


class InventorySummary(Answer):
    """How much is known, from where, and what is contradictory."""

    counts: dict[str, int]
    """Objects by kind."""
    origins: list[OriginView]
    """By precedence."""
    conflicts: list[ConflictView]
    version: int
    """Grows with every change."""
    merge_s: float
    """How long the last merge took."""
    waiting: int
    """Facts that wait to be merged."""
    unwritten: int
    """Versions that wait for the state store."""
    store_error: str
    at: float
