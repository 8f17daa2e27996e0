"""All configured tables together: reading those that changed and answering what they say as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from weft.enrich.applications import ApplicationRule
from weft.enrich.config import EnrichConfig, InterfaceRule, MmdbFile, PrefixFile, TableFile
from weft.enrich.interfaces import DeviceTables, Rules
from weft.enrich.mmdb import load_mmdb
from weft.enrich.prefixes import PrefixTable, no_rows
from weft.enrich.report import Report
from weft.enrich.sources import Source, TableStatus
from weft.enrich.stated import Stated, beside, has_own, load_stated
from weft.enrich.tables import (
    Address,
    ExporterRow,
    InterfaceKey,
    InterfaceRow,
    load_applications,
    load_asns,
    load_exporters,
    load_interface_rules,
    load_interfaces,
    load_prefixes,
)

_EMPTY = PrefixTable((), (), no_rows(0), no_rows(0))
#: Things whose tables say nothing that Weft itself has a use for.
THINGS = ("site", "customer", "service", "provider", "job", "vlan")
_Asns = tuple[dict[int, str], list[Stated]]
_Exporters = tuple[dict[Address, ExporterRow], list[Stated]]
_Interfaces = tuple[dict[InterfaceKey, InterfaceRow], list[Stated]]
_Applications = tuple[list[ApplicationRule], list[Stated]]
BUILTIN = "built-in applications"
INVENTORY = "inventory"


class TableSet:
    """The files of an ``EnrichConfig``. Not for use by several threads at once; the enricher sees to that."""

    def __init__(self, config: EnrichConfig) -> None:
        self._own_rules = list(config.interface_rules)
        self.inventory = _EMPTY  # prefixes that the inventory knows
        self._prefixes = [self._prefix_source(file) for file in config.prefixes]
        self._prefixes += [self._mmdb_source(file) for file in config.mmdb]
        asns, exporters = beside("asn", _load_asns), beside("exporter", load_exporters)
        interfaces, applications = beside("interface", load_interfaces), beside("app", _load_applications)
        self._asns = [Source[_Asns]("asns", *_named(f), ({}, []), asns) for f in config.asns]
        self._exporters = [Source[_Exporters]("exporters", *_named(f), ({}, []), exporters) for f in config.exporters]
        self._interfaces = [
            Source[_Interfaces]("interfaces", *_named(f), ({}, []), interfaces) for f in config.interfaces
        ]
        self._rules = [
            Source[list[InterfaceRule]]("interface rules", *_named(f), [], load_interface_rules)
            for f in config.interface_rule_files
        ]
        self._applications = [
            Source[_Applications]("applications", *_named(f), ([], []), applications) for f in config.applications
        ]
        self._things = {kind: [_thing_source(kind, f) for f in getattr(config, f"{kind}s")] for kind in THINGS}
        self._builtin: list[Source[list[ApplicationRule]]] = []
        if config.builtin_applications:
            with as_file(files("weft.enrich").joinpath("data", "applications.csv")) as path:
                self._builtin = [Source("applications", path, BUILTIN, [], load_applications)]
                self._builtin[0].refresh()  # comes with the package and never changes

    @staticmethod
    def _prefix_source(file: PrefixFile) -> Source[PrefixTable]:
        load: Callable[[Path], Any] = lambda path: load_prefixes(path, file.priority)  # noqa: E731
        return Source("prefixes", file.path, file.name, _EMPTY, load, file.priority)

    @staticmethod
    def _mmdb_source(file: MmdbFile) -> Source[PrefixTable]:
        load: Callable[[Path], Any] = lambda path: load_mmdb(path, file.columns, file.priority)  # noqa: E731
        return Source("mmdb", file.path, file.name, _EMPTY, load, file.priority)

    def refresh(self) -> set[str]:
        """Read the files that changed; returns the kinds of those that have new content."""
        changed = set()
        for source in self._all():
            if source.refresh():
                changed.add(source.kind)
        return changed

    def _all(self) -> list[Source[Any]]:
        return [
            *self._prefixes, *self._asns, *self._exporters, *self._interfaces, *self._rules, *self._applications,
            *(source for each in self._things.values() for source in each),
        ]  # fmt: skip

    def status(self) -> list[TableStatus]:
        """Every table, in the order configured."""
        return [source.status() for source in (*self._all(), *self._builtin)]

    def prefix_tables(self, second: int | None = None) -> list[tuple[str, PrefixTable]]:
        """Name and content of prefix tables and databases, first one first, and what the inventory knows.

        With all their prefixes, or those that hold at a time.
        """
        tables = [(s.name, s.data if second is None else s.data.at(second)) for s in self._prefixes]
        return [*tables, (INVENTORY, self.inventory)] if len(self.inventory) else tables

    def as_names(self) -> dict[int, tuple[str, str]]:
        """AS number → name and the table that gave it; tables win over databases, earlier ones over later."""
        names: dict[int, tuple[str, str]] = {}
        for source in reversed(self._prefixes):
            names.update({number: (name, source.name) for number, name in source.data.names.items()})
        for table in reversed(self._asns):
            names.update({number: (name, table.name) for number, name in table.data[0].items()})
        return names

    def stated(self) -> dict[str, list[tuple[str, list[Stated]]]]:
        """What tables say by the kind of thing, first one first; not of kinds of which a table was never read."""
        beside_others: dict[str, list[Any]] = {
            "app": self._applications, "exporter": self._exporters, "interface": self._interfaces, "asn": self._asns,
        }  # fmt: skip
        out = {k: [(s.name, s.data) for s in each] for k, each in self._things.items() if _all_read(each)}
        return out | {k: [(s.name, s.data[1]) for s in each] for k, each in beside_others.items() if _all_read(each)}

    def application_rules(self) -> list[ApplicationRule]:
        """Rules in the order of increasing strength: built-in ones, then the tables, the first one last."""
        tables = [*(source.data for source in self._builtin), *(s.data[0] for s in reversed(self._applications))]
        return [rule for rules in tables for rule in rules]

    def device_tables(self) -> DeviceTables:
        """Exporters, interfaces and rules."""
        rules = [*self._own_rules, *(rule for source in self._rules for rule in source.data)]
        return DeviceTables(_first(self._exporters), _first(self._interfaces), Rules(rules))


def _named(file: TableFile) -> tuple[Path, str]:
    return file.path, file.name


def _thing_source(kind: str, file: TableFile) -> Source[list[Stated]]:
    load: Callable[[Path], Any] = lambda path: load_stated(path, kind)  # noqa: E731
    return Source(f"{kind}s", *_named(file), [], load)


def _load_asns(path: Path) -> tuple[dict[int, str], Report]:
    return load_asns(path, named=not has_own(path, "asn"))


def _load_applications(path: Path) -> tuple[list[ApplicationRule], Report]:
    return load_applications(path, ports=not has_own(path, "app"))


def _all_read(sources: list[Any]) -> bool:
    return bool(sources) and all(source.read for source in sources)


def _first(sources: list[Any]) -> Mapping[Any, Any]:
    """The rows of several tables by key; of equal keys the table listed first wins."""
    rows: dict[Any, Any] = {}
    for source in reversed(sources):
        rows.update(source.data[0])
    return rows
