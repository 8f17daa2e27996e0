"""Short ways to say what sources say."""

from __future__ import annotations

from itertools import count
from typing import Any

from weft.model.inventory import Fact, ObjectKind
from weft.store.inventory.merge import Merged, merge
from weft.store.inventory.statements import Statement, clean

_numbers = count(1)


def says(origin: str, kind: ObjectKind, *key: str, scope: str = "s", **attributes: Any) -> Statement:
    fact = clean(Fact(kind, key, attributes))
    return Statement(next(_numbers), origin, scope, fact.kind, fact.key, fact.attributes, 100.0, 200.0)


def device(origin: str, *key: str, **more: Any) -> Statement:
    return says(origin, ObjectKind.DEVICE, *key, **more)


def port(origin: str, *key: str, **more: Any) -> Statement:
    return says(origin, ObjectKind.INTERFACE, *key, **more)


def link(origin: str, *key: str, **more: Any) -> Statement:
    return says(origin, ObjectKind.LINK, *key, **more)


def keys(merged: Merged, kind: ObjectKind) -> list[tuple[str, ...]]:
    return sorted(merged.objects[kind])


def devices(*statements: Statement) -> list[tuple[str, ...]]:
    return keys(merge(statements), ObjectKind.DEVICE)
