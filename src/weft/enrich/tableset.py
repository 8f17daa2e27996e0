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
from weft.enrich.sources import Source, TableStatus
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
BUILTIN = "built-in applications"
INVENTORY = "inventory"


class TableSet:
    """The files of an ``EnrichConfig``. Not for use by several threads at once; the enricher sees to that."""

    def __init__(self, config: EnrichConfig) -> None:
        self._own_rules = list(config.interface_rules)
        self.inventory = _EMPTY  # prefixes that the inventory knows
        self._prefixes = [self._prefix_source(file) for file in config.prefixes]
        self._prefixes += [self._mmdb_source(file) for file in config.mmdb]
        self._asns = [Source[dict[int, str]]("asns", *_named(f), {}, load_asns) for f in config.asns]
        self._exporters = [
            Source[dict[Address, ExporterRow]]("exporters", *_named(f), {}, load_exporters) for f in config.exporters
        ]
        self._interfaces = [
            Source[dict[InterfaceKey, InterfaceRow]]("interfaces", *_named(f), {}, load_interfaces)
            for f in config.interfaces
        ]
        self._rules = [
            Source[list[InterfaceRule]]("interface rules", *_named(f), [], load_interface_rules)
            for f in config.interface_rule_files
        ]
        self._applications = [
            Source[list[ApplicationRule]]("applications", *_named(f), [], load_applications)
            for f in config.applications
        ]
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
        ]  # fmt: skip

    def status(self) -> list[TableStatus]:
        """Every table, in the order configured."""
        return [source.status() for source in (*self._all(), *self._builtin)]

    def prefix_tables(self) -> list[tuple[str, PrefixTable]]:
        """Name and content of prefix tables and databases, first one first, and what the inventory knows."""
        tables = [(source.name, source.data) for source in self._prefixes]
        return [*tables, (INVENTORY, self.inventory)] if len(self.inventory) else tables

    def as_names(self) -> dict[int, tuple[str, str]]:
        """AS number → name and the table that gave it; tables win over databases, earlier ones over later."""
        names: dict[int, tuple[str, str]] = {}
        for source in reversed(self._prefixes):
            names.update({number: (name, source.name) for number, name in source.data.names.items()})
        for table in reversed(self._asns):
            names.update({number: (name, table.name) for number, name in table.data.items()})
        return names

    def application_rules(self) -> list[ApplicationRule]:
        """Rules in the order of increasing strength: built-in ones, then the tables, the first one last."""
        return [rule for source in (*self._builtin, *reversed(self._applications)) for rule in source.data]

    def device_tables(self) -> DeviceTables:
        """Exporters, interfaces and rules."""
        rules = [*self._own_rules, *(rule for source in self._rules for rule in source.data)]
        return DeviceTables(_first(self._exporters), _first(self._interfaces), Rules(rules))


def _named(file: TableFile) -> tuple[Path, str]:
    return file.path, file.name


def _first(sources: list[Any]) -> Mapping[Any, Any]:
    """The rows of several tables by key; of equal keys the table listed first wins."""
    rows: dict[Any, Any] = {}
    for source in reversed(sources):
        rows.update(source.data)
    return rows
