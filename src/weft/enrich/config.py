"""Settings of enrichment: which tables, in which order, and how interfaces are classified."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from weft.component import Config

ASOrigin = Literal["flow", "flow-except-private", "routing", "table"]


def _path_or_mapping(value: Any) -> Any:
    """``networks.csv`` is short for ``{path: networks.csv}``."""
    return {"path": value} if isinstance(value, str | Path) else value


class TableFile(Config):
    """A reference table: a CSV or YAML file with named columns. A plain path is short for ``{path: …}``."""

    path: Path
    """File to read; ``.csv``, ``.tsv``, ``.yaml`` or ``.yml``."""
    name: str = ""
    """What the table is called where Weft shows which table filled a column; empty = the file's name."""


class PrefixFile(TableFile):
    """A table of prefixes: ``prefix``, ``asn, site, service, customer, cloud, region, country``, own columns.

    Here as in every table, ``valid_from`` and ``valid_to`` say when a row holds.
    """

    priority: int = Field(default=100, ge=-1000, le=1000)
    """Tables of a higher priority win for an attribute whatever the prefix length; among tables of one priority the
    most specific prefix wins, then the table listed first."""


class MmdbFile(Config):
    """A MaxMind-format database (``.mmdb``). A plain path is short for ``{path: …}``."""

    path: Path
    """File to read."""
    name: str = ""
    """What the table is called; empty = the file's name."""
    priority: int = Field(default=0, ge=-1000, le=1000)
    """As for prefix tables; the default lets every CSV or YAML table win over every database."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Attribute → path of a field in the database's records, e.g. ``{country: country.iso_code}``; parts of a list are
    numbered (``subdivisions.0.iso_code``). Empty = ``asn`` and ``country`` from the field names in common use."""


class InterfaceRule(Config):
    """Fills boundary, provider and connectivity of interfaces whose texts match.

    Patterns are Python regular expressions, found anywhere in the text, ignoring case; all patterns given must match.
    """

    exporter: str = ""
    """Pattern for the exporter's name or address."""
    name: str = ""
    """Pattern for the interface's name."""
    description: str = ""
    """Pattern for the interface's description."""
    boundary: Literal["", "external", "internal"] = ""
    """What to set; empty leaves it to later rules."""
    provider: str = ""
    """What to set; ``\\1`` or ``\\g<word>`` stand for groups of the description's (else the name's) pattern."""
    connectivity: str = ""
    """What to set, in lower case; groups as for ``provider``."""

    @field_validator("exporter", "name", "description")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return pattern


Tables = list[Annotated[TableFile, BeforeValidator(_path_or_mapping)]]


class EnrichConfig(Config):
    """What Weft knows about addresses, ports, exporters and interfaces, and which source wins."""

    prefixes: list[Annotated[PrefixFile, BeforeValidator(_path_or_mapping)]] = Field(default_factory=list)
    """Prefix tables, first one first."""
    mmdb: list[Annotated[MmdbFile, BeforeValidator(_path_or_mapping)]] = Field(default_factory=list)
    """MaxMind-format databases, first one first."""
    asns: Tables = Field(default_factory=list)
    """AS tables: ``asn, name``, own columns. Names in a table win over names in a database."""
    exporters: Tables = Field(default_factory=list)
    """Exporter tables: ``address, name, site, role``, own columns."""
    interfaces: Tables = Field(default_factory=list)
    """Interface tables: ``exporter, if_index, name, description, speed, boundary, provider, connectivity``, own
    columns."""
    applications: Tables = Field(default_factory=list)
    """Application tables: ``name, category, protocol, ports``, own columns; their rows win over the built-in ones. A
    table with neither ``protocol`` nor ``ports`` tells more of applications that are known."""
    sites: Tables = Field(default_factory=list)
    """Site tables: ``site``, own columns such as ``owner``, ``tier``."""
    vlans: Tables = Field(default_factory=list)
    """VLAN tables: ``vlan``, own columns."""
    services: Tables = Field(default_factory=list)
    """Service tables: ``service``, own columns."""
    customers: Tables = Field(default_factory=list)
    """Customer tables: ``customer``, own columns such as ``tier``, ``contract``, ``sla``, ``revenue``."""
    providers: Tables = Field(default_factory=list)
    """Provider tables: ``provider``, own columns."""
    jobs: Tables = Field(default_factory=list)
    """Job tables: ``job``, own columns."""
    builtin_applications: bool = True
    """Name well-known ports from the table that comes with Weft."""
    interface_rules: list[InterfaceRule] = Field(default_factory=list)
    """Rules tried in order; the first one that sets an attribute wins. A table's own value wins over every rule."""
    interface_rule_files: Tables = Field(default_factory=list)
    """Files of such rules, with the same names as columns; tried after the rules above, reloaded when they change."""
    as_from: list[ASOrigin] = Field(default=["flow", "routing", "table"], min_length=1, max_length=4)
    """Where ``src_as`` and ``dst_as`` come from; the first origin that knows an AS wins. ``flow`` is what the exporter
    sent, ``flow-except-private`` the same without private-use, reserved and AS_TRANS numbers, ``routing`` the origin AS
    of the exporter's own BGP route (docs/rpki.md), ``table`` the prefix tables and databases."""
    routes_memory: int = Field(default=1 << 30, ge=1 << 20)
    """Memory for lookup tables of exporters' BGP routes, bytes: a full table takes some 110 MB. Flows of exporters
    whose tables do not fit keep what they brought."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Own columns of tables: name → meaning. Columns found in a table need not be declared; declaring one gives
    it a meaning and keeps it known while no table fills it."""
    reload_interval_s: float = Field(default=30.0, ge=1.0, le=86400.0)
    """How often to look whether a table changed (modification time, size, inode)."""

    @field_validator("columns")
    @classmethod
    def _column_names(cls, columns: dict[str, str]) -> dict[str, str]:
        for name in columns:
            problem = column_problem(name)
            if problem:
                raise ValueError(problem)
        return columns


#: Would collide with a dimension once ``src_`` or ``dst_`` is put in front, or with a column of the dictionary itself.
RESERVED_COLUMNS = frozenset(
    {"id", "prefix", "asn", "as", "addr", "net", "port", "mask", "vlan", "mac", "valid_from", "valid_to", "updated"}
)


def column_problem(name: str) -> str | None:
    """Why ``name`` cannot be a column of the networks dictionary, or None."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        return f"column '{name}': a name is a lower-case letter, then up to 39 letters, digits or underscores"
    if name in RESERVED_COLUMNS:
        return f"column '{name}': this name is taken, choose another"
    return None
