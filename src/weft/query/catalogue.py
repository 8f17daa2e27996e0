"""What can be asked: datasets with their dimensions and measures (which ``datasets.py`` derives from the declarations).

A *dimension* is something to group and filter by: a column (``src_as``), an attribute that a dictionary gives to a
column's ids (``src_site``, ``in_if_boundary``), or a small expression over columns (``dscp``). Names match whatever
their case, ``_`` and ``.``: ``SrcAS``, ``src_as`` and ``InIf.boundary``, ``in_if_boundary`` are the same.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from weft.errors import InvalidInput
from weft.model.dictionaries import Dictionary
from weft.model.tables import Kind, Table
from weft.query.measures import Measure

EQUALITY = ("=", "!=", "IN", "NOT IN")
ORDER = ("<", "<=", ">", ">=")
PATTERN = ("LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE", "MATCHES", "NOT MATCHES")
OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    Kind.TIMESTAMP: ORDER,
    Kind.ADDRESS: (*EQUALITY, "<<", "!<<"),
    Kind.ASN: (*EQUALITY, *ORDER),
    Kind.PORT: (*EQUALITY, *ORDER),
    Kind.PROTOCOL: (*EQUALITY, *ORDER),
    Kind.INTERFACE: EQUALITY,
    Kind.NETWORK: EQUALITY,
    Kind.ROUTE: EQUALITY,
    Kind.APPLICATION: (*EQUALITY, *PATTERN),
    Kind.ENUM: EQUALITY,
    Kind.MAC: EQUALITY,
    Kind.NUMBER: (*EQUALITY, *ORDER),
    Kind.TEXT: (*EQUALITY, *PATTERN),
}
FLAG_OPERATORS = ("HAS", "NOT HAS")
WORD_OPERATORS = ("~", "!~")


def fold(name: str) -> str:
    """How names are compared: without case, ``_`` and ``.``."""
    return name.replace("_", "").replace(".", "").lower()


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something to group and filter by.

    ``keys`` are the columns it is made of. With a ``dictionary`` it is ``attribute`` looked up by them, or by the value
    of ``via`` (the owner of the site of the source network); with an ``expression`` it is that SQL over them; otherwise
    it is the one column itself. ``wide`` says that it may have very many values; ``real`` that its numbers have
    fractions and signs. Either of ``groupable`` and ``filterable`` may be false.
    """

    name: str
    title: str
    kind: Kind
    meaning: str
    keys: tuple[str, ...]
    unit: str = ""
    dictionary: Dictionary | None = None
    attribute: str = ""
    expression: str = ""
    values: Mapping[int, str] = field(default_factory=dict)
    operators: tuple[str, ...] = ()
    wide: bool = False
    groupable: bool = True
    aliases: tuple[str, ...] = ()
    real: bool = False
    via: Dimension | None = None

    @property
    def dictionaries(self) -> tuple[Dictionary, ...]:
        """Every dictionary that is asked for its value."""
        own = () if self.dictionary is None else (self.dictionary,)
        return own if self.via is None else (*own, *self.via.dictionaries)

    @property
    def numeric(self) -> bool:
        """Whether the looked-up or stored value is a number (not an address or text)."""
        return self.kind not in (Kind.TEXT, Kind.ADDRESS, Kind.APPLICATION, Kind.INTERFACE)


@dataclass(frozen=True, slots=True)
class Either:
    """A shorthand of filters: true when either side matches (``AS = AS64501``: the source's or the destination's)."""

    name: str
    title: str
    sides: tuple[Dimension, Dimension]


@dataclass(frozen=True, slots=True)
class Family:
    """Dimensions that are named by who asks: ``prefix`` and a name (``label_queue``). ``make`` knows which exist."""

    prefix: str
    meaning: str
    make: Callable[[str], Dimension | None]


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows of a table make series, which are summed up each by itself before groups are made of them.

    ``identity`` are the columns that tell series apart, and ``told`` those that do so only for one source: others may
    word them differently. ``source`` is the column that tells sources of the same series apart, if any. ``partials``
    are what can be kept of a series, as SQL over its rows. ``rows`` makes a statement of the rows that count, where not
    all do, from the table and a condition; ``units`` one of the units that rows are in, where they say it themselves.
    """

    identity: tuple[str, ...]
    partials: Mapping[str, str]
    told: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    rows: Callable[[str, str], str] | None = None
    units: Callable[[str, str], str] | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A question to begin with."""

    title: str
    query: Mapping[str, Any]


@dataclass(frozen=True)
class Dataset:
    """One table as the people who ask see it.

    ``default`` is what is measured unless asked otherwise; ``records`` the dimensions that a raw row shows; ``ties``
    the columns that put rows of one moment in a fixed order, so that records can be paged (none: they cannot).
    """

    table: Table
    dimensions: Mapping[str, Dimension]
    either: Mapping[str, Either]
    measures: Mapping[str, Measure]
    title: str = ""
    default: str = ""
    records: tuple[str, ...] = ()
    ties: tuple[str, ...] = ()
    families: tuple[Family, ...] = ()
    views: tuple[str, ...] = ("series", "table", "sankey", "records", "stat")
    examples: tuple[Example, ...] = ()
    shape: Shape | None = None

    @property
    def name(self) -> str:
        """What questions call it."""
        return self.table.name

    @cached_property
    def _folded(self) -> dict[str, str]:
        names = {fold(a): d.name for d in self.dimensions.values() for a in d.aliases}
        names |= {fold(n): n for n in self.either}
        return names | {fold(n): n for n in self.dimensions}

    def field(self, name: str) -> Dimension | Either | None:
        """The dimension or both-sides shorthand of that name, or None."""
        known = self._folded.get(fold(name))
        if known is None:
            return self._of_family(name)
        return self.dimensions.get(known) or self.either[known]

    def _of_family(self, name: str) -> Dimension | None:
        """``label_queue`` or ``label.queue``; what follows the prefix keeps its case and its signs."""
        for family in self.families:
            size = len(family.prefix)
            if name[:size].lower() == family.prefix and name[size : size + 1] in ("_", "."):
                return family.make(name[size + 1 :])
        return None

    def dimension(self, name: str, where: str = "by") -> Dimension:
        """The dimension to group by. Raises InvalidInput with the nearest names."""
        found = self.field(name)
        if isinstance(found, Dimension) and found.groupable:
            return found
        if isinstance(found, Either):
            sides = " or ".join(d.name for d in found.sides)
            raise InvalidInput(f"{name!r} means either side and can only filter", where=where, fix=f"group by {sides}")
        raise InvalidInput(f"unknown dimension {name!r}", where=where, fix=self._nearest(name, self.dimensions))

    def measure(self, name: str, where: str = "measures") -> Measure:
        """The measure of that name. Raises InvalidInput with the nearest names."""
        known = {fold(n): n for n in self.measures}
        if fold(name) in known:
            return self.measures[known[fold(name)]]
        raise InvalidInput(f"unknown measure {name!r}", where=where, fix=self._nearest(name, self.measures))

    def _nearest(self, name: str, known: Iterable[str]) -> str:
        return suggestion(name, known) or f"see {self.name} in GET /api/v1/catalogue or weft query --list"

    def tables_for(self, dimension: Dimension) -> tuple[str, ...]:
        """Which tables can answer it, the raw one first."""
        keep = [r.name for r in self.table.rollups if set(dimension.keys) <= set(r.dimensions)]
        return (self.table.name, *keep)


@dataclass(frozen=True)
class Catalogue:
    """All datasets by name."""

    datasets: Mapping[str, Dataset]

    def dataset(self, name: str) -> Dataset:
        """The dataset of that name. Raises InvalidInput."""
        try:
            return self.datasets[name]
        except KeyError:
            known = ", ".join(self.datasets)
            raise InvalidInput(f"unknown dataset {name!r}", where="dataset", fix=f"use one of: {known}") from None


def suggestion(name: str, known: Iterable[str]) -> str:
    """``did you mean src_as, dst_as?``, or nothing when no name is near."""
    folded = {fold(n): n for n in known}
    near = difflib.get_close_matches(fold(name), folded, n=3, cutoff=0.6)
    return f"did you mean {', '.join(folded[n] for n in near)}?" if near else ""


# --- names ----------------------------------------------------------------------------------------------------------

_WORDS = {
    "src": "source", "dst": "destination", "in": "input", "out": "output", "if": "interface", "addr": "address",
    "as": "AS", "app": "application", "tcp": "TCP", "tos": "ToS", "ttl": "TTL", "vlan": "VLAN", "mac": "MAC",
    "vrf": "VRF",
    "mpls": "MPLS", "icmp": "ICMP", "ipv6": "IPv6", "ip": "IP", "bps": "", "dscp": "DSCP", "port": "port", "id": "id",
}  # fmt: skip


def title_of(name: str) -> str:
    """``in_if_boundary`` → ``Input interface boundary``."""
    words = " ".join(filter(None, (_WORDS.get(w, w) for w in name.split("_"))))
    return words[:1].upper() + words[1:]
