"""What the pages and commands of the inventory show."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from weft.api.errors import NotFound
from weft.api.models.inventory import (
    AttributeChange,
    AttributeView,
    ConflictView,
    FactView,
    HistoryEntryView,
    HistoryView,
    InventorySummary,
    ObjectDetail,
    ObjectsView,
    ObjectView,
    OriginView,
    OtherWord,
)
from weft.api.topology_network import Network, network_of
from weft.model.inventory import ATTRIBUTES, ORIGINS, Conflict, InventoryObject, ObjectKind, key_of, key_text
from weft.query.times import parse_time
from weft.store.inventory.inventory import InventoryCounters
from weft.store.inventory.keeping import HistoryEntry
from weft.store.inventory.snapshot import Snapshot

#: A moment so close to now is now: the page was just loaded.
_NOW_S = 2.0
_MOST_NETWORKS = 4


class Knows(Protocol):
    """``weft.store.inventory.Inventory``, as far as people ask about it."""

    @property
    def version(self) -> int:
        """Grows with every change."""

    def snapshot(self, at: float | None = None) -> Snapshot:
        """The inventory now or at a moment."""

    def history(self, kind: ObjectKind, key: Sequence[str]) -> list[HistoryEntry]:
        """What sources said of an object."""

    def last_seen(self, one: InventoryObject) -> float:
        """When a source last stated it."""

    def words(self, one: InventoryObject) -> list[tuple[str, str, tuple[str, ...], dict[str, object], float]]:
        """What each source says of it."""

    def counters(self) -> InventoryCounters:
        """What it did and holds."""


class InventoryPages:
    """Lists, single objects, their history, and the network for the pages of topology and devices."""

    def __init__(self, inventory: Knows) -> None:
        self._inventory = inventory
        self._networks: dict[int, tuple[Snapshot, Network]] = {}
        self._lock = threading.Lock()

    def network(self, at: float | None) -> Network:
        """The network as it was known at a time (UTC seconds; None = now). Made once for every snapshot."""
        snapshot = self._inventory.snapshot(at)
        with self._lock:
            made = self._networks.get(id(snapshot))
            if made is None:
                made = (snapshot, network_of(one for kind in ObjectKind for one in snapshot.objects(kind)))
                while len(self._networks) >= _MOST_NETWORKS:
                    self._networks.pop(next(iter(self._networks)))
                self._networks[id(snapshot)] = made
            return made[1]

    def summary(self) -> InventorySummary:
        """How much is known, from where."""
        snapshot, counters = self._inventory.snapshot(), self._inventory.counters()
        origins = dict.fromkeys([*ORIGINS, *counters.held, *(origin for origin, _ in counters.refused)])
        return InventorySummary(
            counts={kind.value: len(snapshot.objects(kind)) for kind in ObjectKind},
            origins=[
                OriginView(
                    origin=origin, facts=counters.held.get(origin, 0),
                    refused={reason: n for (one, reason), n in counters.refused.items() if one == origin},
                )
                for origin in origins if origin
            ],
            conflicts=[_conflict(one) for one in snapshot.conflicts], version=self._inventory.version,
            merge_s=counters.merge_s, waiting=counters.waiting, unwritten=counters.unwritten,
            store_error=counters.store_error, at=time.time(),
        )  # fmt: skip

    def objects(
        self, kind: ObjectKind, *, search: str = "", at: str = "", offset: int = 0, limit: int = 100,
        **wanted: str,
    ) -> ObjectsView:  # fmt: skip
        """Objects whose key or texts hold ``search`` and that have the ``wanted`` attributes (empty = any)."""
        snapshot, moment = self._at(at)
        words = search.casefold().split()
        asked = {name: value.casefold() for name, value in wanted.items() if value}
        devices = _of_devices(snapshot, asked) if kind is ObjectKind.INTERFACE and asked else None
        found = [one for one in snapshot.objects(kind) if _matches(one, words, asked, devices)]
        found.sort(key=lambda one: [part.casefold() for part in one.key])
        page = found[offset : offset + limit]
        return ObjectsView(kind=kind, objects=[self._object(one, at) for one in page], total=len(found), at=moment)

    def object(self, kind: ObjectKind, name: str, at: str = "") -> ObjectDetail:
        """Everything about one object. Raises ``NotFound``."""
        snapshot, moment = self._at(at)
        one = _found(snapshot, kind, name)
        words = [] if at else self._inventory.words(one)
        return ObjectDetail(
            kind=kind, id=one.id, key=list(one.key), attributes=_attributes(one), origins=list(one.origins),
            first_seen=one.first_seen_s, last_seen=one.last_seen_s if at else self._inventory.last_seen(one),
            facts=[
                FactView(origin=origin, scope=scope, key=list(key), since=since_s, attributes=attributes)
                for origin, scope, key, attributes, since_s in words
            ],
            conflicts=[_conflict(c) for c in snapshot.conflicts if one.key in c.keys], at=moment,
        )  # fmt: skip

    def history(self, kind: ObjectKind, name: str) -> HistoryView:
        """What sources said of an object, also of one that is gone. Raises ``NotFound``."""
        one = self._inventory.snapshot().find(kind, name)
        key = one.key if one is not None else key_of(name)
        entries = self._inventory.history(kind, key)
        if one is None and not entries:
            raise _unknown(kind, name)
        return HistoryView(kind=kind, id=key_text(key), entries=[_entry(entry) for entry in entries])

    def _at(self, at: str) -> tuple[Snapshot, float]:
        now = time.time()
        if not at:
            return self._inventory.snapshot(), now
        moment = float(parse_time(at, now, "at"))
        if moment >= now - _NOW_S:
            return self._inventory.snapshot(), now
        return self._inventory.snapshot(moment), moment

    def _object(self, one: InventoryObject, at: str) -> ObjectView:
        return ObjectView(
            id=one.id, key=list(one.key), attributes={name: claim.value for name, claim in one.claims.items()},
            origins=list(one.origins), first_seen=one.first_seen_s,
            last_seen=one.last_seen_s if at else self._inventory.last_seen(one),
        )  # fmt: skip


def _found(snapshot: Snapshot, kind: ObjectKind, name: str) -> InventoryObject:
    one = snapshot.find(kind, name)
    if one is None:
        raise _unknown(kind, name)
    return one


def _unknown(kind: ObjectKind, name: str) -> NotFound:
    return NotFound(f"no {kind} {name!r} is known", where="key", fix=f"GET /api/v1/inventory/{kind} lists them")


def _attributes(one: InventoryObject) -> list[AttributeView]:
    """Attributes in the order in which they are declared, own ones of sources last."""
    meanings = ATTRIBUTES[one.kind]
    names = [*(name for name in meanings if name in one.claims), *sorted(set(one.claims) - set(meanings))]
    return [
        AttributeView(
            name=name, meaning=meanings.get(name, ""), value=one.claims[name].value, origin=one.claims[name].origin,
            others=[OtherWord(origin=origin, value=value) for origin, value in one.claims[name].others.items()],
        )
        for name in names
    ]  # fmt: skip


def _of_devices(snapshot: Snapshot, asked: Mapping[str, str]) -> set[str]:
    """Devices that have the site or role asked for: their interfaces are meant, too."""
    own = {name: value for name, value in asked.items() if name in {"site", "role"}}
    return {one.key[0] for one in snapshot.objects(ObjectKind.DEVICE) if own and _has(one, own)}


def _matches(one: InventoryObject, words: Sequence[str], asked: Mapping[str, str], devices: set[str] | None) -> bool:
    if devices is not None:
        asked_here = {name: value for name, value in asked.items() if name not in {"site", "role"}}
        if len(asked_here) < len(asked) and one.key[0] not in devices:
            return False
        asked = asked_here
    if not _has(one, asked):
        return False
    return all(any(word in text for text in _texts(one)) for word in words)


def _has(one: InventoryObject, asked: Mapping[str, str]) -> bool:
    for name, value in asked.items():
        if name == "origin":
            if value not in one.origins:
                return False
            continue
        own = one.get("tags" if name == "tag" else name)
        texts = own if isinstance(own, list) else [own]
        if value not in {str(text).casefold() for text in texts}:
            return False
    return True


def _texts(one: InventoryObject) -> Iterable[str]:
    yield from (part.casefold() for part in one.key)
    for claim in one.claims.values():
        for value in claim.value if isinstance(claim.value, list) else (claim.value,):
            if isinstance(value, str):
                yield value.casefold()


def _conflict(one: Conflict) -> ConflictView:
    return ConflictView(kind=one.kind, what=one.what, objects=[key_text(key) for key in one.keys], text=one.text)


def _entry(entry: HistoryEntry) -> HistoryEntryView:
    changes: list[tuple[str, tuple[Any, Any]]] = sorted(entry.attributes.items())
    return HistoryEntryView(
        time=entry.at_s, what=entry.what, origin=entry.origin, scope=entry.scope, key=list(entry.key),
        attributes=[AttributeChange(name=name, before=before, after=after) for name, (before, after) in changes],
    )  # fmt: skip
