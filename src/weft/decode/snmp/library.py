"""All profiles: those shipped with Weft and those of a directory of the user's, with inheritance worked out.

A file of the user's replaces a shipped profile of the same name, so that a vendor is added or mended without code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from weft.decode.snmp import ber
from weft.decode.snmp.profile import FactSpec, MatchSpec, Profile, TableSpec, TrapSpec
from weft.errors import ConfigError
from weft.rulefile import Text, checked

SHIPPED = Path(__file__).parent / "profiles"
#: What a device that no profile matches gets.
GENERIC = "generic"


@dataclass(frozen=True)
class DeviceProfile:
    """A profile with everything it inherits."""

    name: str
    title: str
    device: Mapping[str, FactSpec]
    scalars: Mapping[str, TableSpec]
    tables: Mapping[str, TableSpec]
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Library:
    """Every profile, and every rule for notifications by its OID."""

    profiles: Mapping[str, DeviceProfile]
    traps: Mapping[bytes, TrapSpec]
    matches: tuple[tuple[MatchSpec, str], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def match(self, sys_object_id: str, sys_descr: str) -> DeviceProfile:
        """The profile of a device that says this of itself: the most particular one, else the generic one."""
        best, rank = GENERIC, (-1, -1)
        for spec, name in self.matches:
            found = _rank(spec, sys_object_id, sys_descr)
            if found is not None and found >= rank:
                best, rank = name, found
        return self.profiles[best]


def _rank(spec: MatchSpec, sys_object_id: str, sys_descr: str) -> tuple[int, int] | None:
    arcs = 0
    if spec.sys_object_id is not None:
        if f"{sys_object_id}.".removeprefix(".").startswith(f"{spec.sys_object_id}.") is False:
            return None
        arcs = spec.sys_object_id.count(".") + 1
    if spec.sys_descr is not None and re.search(spec.sys_descr, sys_descr) is None:
        return None
    return arcs, int(spec.sys_descr is not None)


@lru_cache(maxsize=8)
def load(own: tuple[Text, ...] = ()) -> Library:
    """Shipped profiles, and a user's ``own`` on top. Raises ``ConfigError`` that names file, path and fix."""
    shipped = [(str(path), path.read_text(encoding="utf-8")) for path in sorted(SHIPPED.glob("*.yaml"))]
    named: dict[str, tuple[str, Profile]] = {}
    for text in (*shipped, *own):
        profile = checked(Profile, text, fix="See docs/snmp.md, “Adding a vendor”.")
        named[profile.profile] = text[0], profile
    resolved: dict[str, DeviceProfile] = {}
    for name in named:
        _resolve(name, named, resolved, ())
    matches = tuple((spec, profile.profile) for _, profile in named.values() for spec in profile.match)
    traps = {ber.oid(rule.oid): rule for _, profile in named.values() for rule in profile.traps}
    return Library(resolved, traps, matches, {name: where for name, (where, _) in named.items()})


def _resolve(
    name: str, named: Mapping[str, tuple[str, Profile]], resolved: dict[str, DeviceProfile], below: tuple[str, ...]
) -> DeviceProfile:
    if name in resolved:
        return resolved[name]
    path, profile = named[name]
    if name in below:
        chain = " → ".join((*below, name))
        raise ConfigError(f"extends itself: {chain}", where=f"{path}: extends", fix="Break the circle.")
    parents = []
    for parent in profile.extends:
        if parent not in named:
            known = ", ".join(sorted(named))
            raise ConfigError(f"no profile {parent!r}", where=f"{path}: extends", fix=f"Known: {known}.")
        parents.append(_resolve(parent, named, resolved, (*below, name)))
    device = {k: v for parent in parents for k, v in parent.device.items()} | dict(profile.device)
    lineage = tuple(dict.fromkeys(one for parent in parents for one in (*parent.parents, parent.name)))
    found = DeviceProfile(
        name, profile.title, device,
        _merged([parent.scalars for parent in parents], profile.scalars),
        _merged([parent.tables for parent in parents], profile.tables), lineage,
    )  # fmt: skip
    _check_joins(path, found)
    resolved[name] = found
    return found


def _merged(parents: Iterable[Mapping[str, TableSpec]], own: Mapping[str, TableSpec | None]) -> dict[str, TableSpec]:
    merged: dict[str, TableSpec | None] = {}
    for tables in parents:
        merged.update(tables)
    merged.update(own)
    return {name: table for name, table in merged.items() if table is not None}


def _check_joins(path: str, profile: DeviceProfile) -> None:
    for name, table in profile.tables.items():
        others = [*((join.table, f"join.{alias}") for alias, join in table.join.items())]
        for other, place in others:
            if other not in profile.tables:
                known = ", ".join(sorted(profile.tables))
                raise ConfigError(
                    f"no table {other!r}", where=f"{path}: tables.{name}.{place}",
                    fix=f"Extend the profile that has it; known: {known}.",
                )  # fmt: skip
