"""What became different between two inventories, as rows of the ``changes`` table. Must do no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from weft.model.addresses import NO_ADDRESS, packed
from weft.model.changes import CHANGE_KINDS, CHANGES
from weft.model.inventory import InventoryObject, ObjectKind
from weft.model.naming import interface_token
from weft.model.rows import batch_of
from weft.store.inventory.snapshot import Snapshot

#: Rows of one merge; what is more is told as a number.
MOST_ROWS = 500
_KIND = next(number for number, name in CHANGE_KINDS.items() if name == "inventory")
_MOST_DETAIL = 4000


@dataclass(frozen=True, slots=True)
class Change:
    """One object that came, went, was renamed or has other attributes."""

    what: str  # appeared, disappeared, renamed, changed
    kind: ObjectKind
    key: tuple[str, ...]
    origin: str
    title: str
    detail: str = ""
    device: str = ""
    exporter: bytes = NO_ADDRESS
    added: int = 0
    removed: int = 0

    @property
    def id(self) -> str:
        """The key as one text."""
        return " ".join(part for part in self.key if part)


def differences(before: Snapshot, after: Snapshot) -> Iterator[Change]:
    """What differs, devices first. The first inventory of all is no change."""
    if not any(before.merged.objects.values()):
        return
    renamed = _renamed(before, after)
    for kind in (ObjectKind.DEVICE, *(kind for kind in ObjectKind if kind is not ObjectKind.DEVICE)):
        old, new = before.merged.objects[kind], after.merged.objects[kind]
        moved = {_formerly(kind, key, renamed): key for key in new} if renamed else {}
        for key, one in new.items():
            last = old.get(key) or (old.get(_formerly(kind, key, renamed)) if renamed else None)
            if last is one:
                continue
            former = renamed.get(key[0]) if kind is ObjectKind.DEVICE else None
            if former is not None:
                yield _change("renamed", one, after, f"{former} is now called {key[0]}")
            if last is None:
                if kind is not ObjectKind.INTERFACE or _existed(before, after, key[0]):
                    yield _change("appeared", one, after, f"new {_title(one)}", added=1)
            elif detail := _attributes(last, one):
                origin = next((one.claims[name].origin for name, _ in detail if name in one.claims), one.origins[0])
                names = ", ".join(name for name, _ in detail)
                text = "\n".join(line for _, line in detail)
                yield _change("changed", one, after, f"{_title(one)}: {names}", text, origin=origin)
        for key, one in old.items():
            if key in new or key in moved:
                continue
            if kind is ObjectKind.INTERFACE and not _existed(after, before, key[0]):
                continue
            yield _change("disappeared", one, before, f"{_title(one)} is gone", removed=1)


def batch(changes: Sequence[Change], more: int, now_ns: int) -> pa.RecordBatch:
    """Rows for the changes, and one for the ``more`` that are not listed."""
    listed = list(changes)
    if more:
        text = f"{more} more objects of the inventory changed"
        listed.append(Change("changed", ObjectKind.DEVICE, ("",), listed[0].origin if listed else "", text))
    return batch_of(
        CHANGES, len(listed), time=now_ns, time_received=now_ns, kind=_KIND,
        exporter=[one.exporter for one in listed], host=[one.device for one in listed],
        source=[one.origin for one in listed], component=[f"{one.kind} {one.id}".strip() for one in listed],
        change_id=[f"{one.kind}:{one.id}:{one.what}:{now_ns // 1_000_000}" for one in listed],
        title=[one.title for one in listed], detail=[one.detail[:_MOST_DETAIL] for one in listed],
        added=[one.added for one in listed], removed=[one.removed for one in listed],
    )  # fmt: skip


def _renamed(before: Snapshot, after: Snapshot) -> dict[str, str]:
    """New name → former name of devices that are made of the same facts."""
    old, new = before.merged.objects[ObjectKind.DEVICE], after.merged.objects[ObjectKind.DEVICE]
    gone = {fact: key[0] for key, one in old.items() if key not in new for fact in one.facts}
    addresses = {address: key[0] for key, one in old.items() if key not in new for address in one.get("addresses", ())}
    found: dict[str, str] = {}
    if not gone:
        return found
    for key, one in new.items():
        if key in old:
            continue
        former = next((gone[fact] for fact in one.facts if fact in gone), None)
        former = former or next((addresses[a] for a in one.get("addresses", ()) if a in addresses), None)
        if former is not None and former not in found.values():
            found[key[0]] = former
    return found


def _formerly(kind: ObjectKind, key: tuple[str, ...], renamed: Mapping[str, str]) -> tuple[str, ...]:
    """The key that an object had while its devices had their former names."""
    parts = {ObjectKind.DEVICE: (0,), ObjectKind.INTERFACE: (0,), ObjectKind.LINK: (0, 2)}.get(kind, ())
    former = tuple(renamed.get(part, part) if at in parts else part for at, part in enumerate(key))
    if kind is ObjectKind.LINK and former != key:
        ends = sorted((former[:2], former[2:]), key=lambda end: (end[0].casefold(), interface_token(end[1])))
        return (*ends[0], *ends[1])
    return former


def _existed(one: Snapshot, other: Snapshot, device: str) -> bool:
    """Whether the device is in both: an interface that comes or goes with its device is no change of its own."""
    return one.get(ObjectKind.DEVICE, (device,)) is not None and other.get(ObjectKind.DEVICE, (device,)) is not None


def _attributes(last: InventoryObject, one: InventoryObject) -> list[tuple[str, str]]:
    if last.claims is one.claims:
        return []
    found = []
    for name in sorted({*last.claims, *one.claims}):
        was, now = last.get(name), one.get(name)
        if was not in (None, now):  # what was not known before did not change
            found.append((name, f"{name}: {_shown(was)} → {_shown(now)}"))
    return found


def _shown(value: Any) -> str:
    if value is None:
        return "(none)"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _title(one: InventoryObject) -> str:
    if one.kind is ObjectKind.LINK:
        return f"link {' '.join(filter(None, one.key[:2]))} – {' '.join(filter(None, one.key[2:]))}"
    return f"{one.kind} {' '.join(one.key)}"


def _change(
    what: str, one: InventoryObject, snapshot: Snapshot, title: str, detail: str = "", *, origin: str = "",
    added: int = 0, removed: int = 0,
) -> Change:  # fmt: skip
    name = one.key[0] if one.kind in {ObjectKind.DEVICE, ObjectKind.INTERFACE, ObjectKind.LINK} else ""
    device = snapshot.merged.objects[ObjectKind.DEVICE].get((name,)) if name else None
    addresses = device.get("addresses", ()) if device is not None else ()
    exporter = packed(addresses[0]) if addresses else NO_ADDRESS
    return Change(what, one.kind, one.key, origin or one.origins[0], title, detail, name, exporter, added, removed)
