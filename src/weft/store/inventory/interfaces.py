"""Which facts are about the same interface of one device: by name in full or abbreviated, then by ifIndex.

Must do no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from weft.model.inventory import InventoryObject, ObjectKind
from weft.model.naming import interface_token, mac_token
from weft.store.inventory.fuse import Fuser
from weft.store.inventory.statements import Statement


@dataclass(frozen=True, slots=True)
class Ports:
    """The interfaces of one device, and how to find one."""

    objects: tuple[InventoryObject, ...] = ()
    by_token: Mapping[str, InventoryObject] = field(default_factory=lambda: MappingProxyType({}))
    by_index: Mapping[int, InventoryObject] = field(default_factory=lambda: MappingProxyType({}))
    by_mac: Mapping[str, InventoryObject] = field(default_factory=lambda: MappingProxyType({}))

    def find(self, name: str) -> InventoryObject | None:
        """The interface of that name, in full or short, or with that hardware address."""
        return self.by_token.get(interface_token(name)) or self.by_mac.get(mac_token(name))


NO_PORTS = Ports()


def merge_interfaces(device: str, statements: Sequence[Statement], fuser: Fuser) -> Ports:
    """The interfaces of ``device`` that ``statements`` (best first) are about."""
    groups = _groups(statements)
    objects: list[InventoryObject] = []
    taken: set[str] = set()
    for members in groups:
        name = _name(members, fuser)
        if name in taken:  # two names of different things that look alike once abbreviated
            name = members[0].key[1]
        if name in taken:
            continue
        taken.add(name)
        objects.append(fuser.object(ObjectKind.INTERFACE, (device, name), members, name=name))
    return _ports(objects, groups)


def _groups(statements: Sequence[Statement]) -> list[list[Statement]]:
    """Facts by interface: those of one name are one, those of one ifIndex are where no source tells them apart."""
    by_token: dict[str, list[Statement]] = {}
    for one in statements:
        by_token.setdefault(_token(one), []).append(one)
    by_index: dict[int, list[str]] = {}
    for token, members in by_token.items():
        for index in {_index(member) for member in members} - {0}:
            by_index.setdefault(index, []).append(token)
    merged: dict[str, str] = {}
    for _, tokens in sorted(by_index.items()):
        if len(tokens) < 2:
            continue
        home = _home(merged, tokens[0])
        for token in tokens[1:]:
            other = _home(merged, token)
            if other != home and not _told_apart(by_token[home], by_token[other]):
                by_token[home] += by_token.pop(other)
                merged[other] = home
    order = {id(one): rank for rank, one in enumerate(statements)}
    for members in by_token.values():
        members.sort(key=lambda one: order[id(one)])
    return list(by_token.values())


def _home(merged: Mapping[str, str], token: str) -> str:
    while token in merged:
        token = merged[token]
    return token


def _token(one: Statement) -> str:
    name = one.attributes.get("name")
    return interface_token(name if isinstance(name, str) else one.key[1])


def _index(one: Statement) -> int:
    index = one.attributes.get("if_index", 0)
    return index if isinstance(index, int) else 0


def _told_apart(one: Sequence[Statement], other: Sequence[Statement]) -> bool:
    """Whether a source knows both: then it knows them as two."""
    return not {s.origin for s in one if _named(s)}.isdisjoint(s.origin for s in other if _named(s))


def _named(one: Statement) -> bool:
    return "name" in one.attributes


def _name(members: Sequence[Statement], fuser: Fuser) -> str:
    best = fuser.claims(ObjectKind.INTERFACE, members).get("name") if len(members) > 1 else None
    name = best.value if best is not None else members[0].attributes.get("name")
    if isinstance(name, str):
        return name
    named = next((one for one in members if _named(one)), members[0])
    return named.key[1]


def _ports(objects: Sequence[InventoryObject], groups: Sequence[Sequence[Statement]]) -> Ports:
    tokens: dict[str, InventoryObject] = {}
    indices: dict[int, InventoryObject] = {}
    macs: dict[str, InventoryObject] = {}
    # Names in force first, then every other spelling that a source uses.
    for one in objects:
        tokens.setdefault(interface_token(one.key[1]), one)
        index = one.get("if_index", 0)
        if isinstance(index, int) and index:
            indices.setdefault(index, one)
        if isinstance(one.get("mac"), str):
            macs.setdefault(mac_token(one.get("mac")), one)
    known = {source: one for one in objects for source in one.facts}
    for members in groups:
        for member in members:
            found = known.get(member.source)
            if found is None:
                continue
            for name in (member.key[1], member.attributes.get("name"), member.attributes.get("short_name")):
                if isinstance(name, str):
                    tokens.setdefault(interface_token(name), found)
            if _index(member):
                indices.setdefault(_index(member), found)
    return Ports(tuple(objects), tokens, indices, macs)
