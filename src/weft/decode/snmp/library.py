"""All profiles: those shipped with Weft and those of a directory of the user's, with inheritance worked out.

A file of the user's replaces a shipped profile of the same name, so that a vendor is added or mended without code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from weft.decode.snmp import ber
from weft.decode.snmp.profile import FactSpec, MatchSpec, Profile, TableSpec, TrapSpec
from weft.errors import ConfigError

SHIPPED = Path(__file__).parent / "profiles"
#: What a device that no profile matches gets.
GENERIC = "generic"
_MOST_FILE = 1 << 20
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    files: Mapping[str, Path] = field(default_factory=dict)

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
def load(directory: Path | None = None) -> Library:
    """Shipped profiles, and those of ``directory`` on top. Raises ``ConfigError`` that names file, path and fix."""
    files = {path: _read(path) for path in sorted(SHIPPED.glob("*.yaml"))}
    if directory is not None:
        if not directory.is_dir():
            raise ConfigError("is no directory", where=f"snmp.profiles_dir {directory}", fix="Make it, or unset it.")
        files |= {path: _read(path) for path in sorted((*directory.glob("*.yaml"), *directory.glob("*.yml")))}
    named: dict[str, tuple[Path, Profile]] = {profile.profile: (path, profile) for path, profile in files.items()}
    resolved: dict[str, DeviceProfile] = {}
    for name in named:
        _resolve(name, named, resolved, ())
    matches = tuple((spec, profile.profile) for _, profile in named.values() for spec in profile.match)
    traps = {ber.oid(rule.oid): rule for _, profile in named.values() for rule in profile.traps}
    return Library(resolved, traps, matches, {name: path for name, (path, _) in named.items()})


def _read(path: Path) -> Profile:
    try:
        if path.stat().st_size > _MOST_FILE:
            raise ConfigError("is too large for a profile", where=str(path), fix="Split it.")
        values = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 — it is a safe loader
        return Profile.model_validate(values)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", where=str(path), fix="Make it a readable text file.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        fix = "Check indentation, quotes and colons."
        raise ConfigError(f"is not YAML: {getattr(error, 'problem', error)}", where=where, fix=fix) from None
    except ValidationError as error:
        raise _explain(path, error) from None


def _explain(path: Path, error: ValidationError) -> ConfigError:
    """The first problem with its place in the file; the others follow. Keys that do not exist come first."""
    problems = []
    details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
    for detail in details:
        place = ".".join(str(part) for part in detail["loc"]) or "profile"
        unknown = detail["type"] == "extra_forbidden"
        problems.append((place, "there is no such key" if unknown else detail["msg"].removeprefix("Value error, ")))
    place, text = problems[0]
    more = "".join(f"\n  also {where}: {what}" for where, what in problems[1:6])
    return ConfigError(text, where=f"{path}: {place}", fix=f"See docs/snmp.md, “Adding a vendor”.{more}")


def _resolve(
    name: str, named: Mapping[str, tuple[Path, Profile]], resolved: dict[str, DeviceProfile], below: tuple[str, ...]
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


def _check_joins(path: Path, profile: DeviceProfile) -> None:
    for name, table in profile.tables.items():
        others = [*((join.table, f"join.{alias}") for alias, join in table.join.items())]
        for other, place in others:
            if other not in profile.tables:
                known = ", ".join(sorted(profile.tables))
                raise ConfigError(
                    f"no table {other!r}", where=f"{path}: tables.{name}.{place}",
                    fix=f"Extend the profile that has it; known: {known}.",
                )  # fmt: skip
