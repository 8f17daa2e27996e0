"""What a device profile says: which OIDs of which devices are which metrics. One YAML file each, checked here.

A profile *extends* others: it has their tables, and replaces those that it names itself (``name: null`` drops one). The
base modules (``if-mib``, ``bgp4`` …) match no device; vendors' profiles extend them.
"""

from __future__ import annotations

import re
import string
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from weft.decode.snmp import ber, expression

#: Stands in expressions for the seconds since the device's agent started.
UPTIME = "uptime_s"
_NAME = r"^[a-z][a-z0-9_]*$"
#: How a column's octets are read: a number; text; a MAC address; an address by its length; dotted object identifier.
Reading = Literal["number", "text", "mac", "address", "oid"]
#: How one part of a row's index is read. ``string``, ``octets`` and ``address`` carry their length (``address`` also
#: its InetAddressType first), ``typed`` that type without a length, ``implied`` and ``rest`` take what is left.
Part = Literal["number", "string", "octets", "address", "typed", "ipv4", "ipv6", "implied", "rest"]


class Spec(BaseModel):
    """Base of the parts of a profile: unknown keys are rejected."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _oid(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("an object identifier as text, in quotes where YAML would read a number")
    try:
        return ber.oid_text(ber.oid(given))
    except ber.BerError as error:
        raise ValueError(error.what) from None


def _regex(given: Any) -> str:
    try:
        re.compile(given)
    except (re.error, TypeError) as error:
        raise ValueError(f"{given!r} is no regular expression: {error}") from None
    return str(given)


def _expression(given: Any) -> str:
    expression.parse(str(given))
    return str(given)


Oid = Annotated[str, BeforeValidator(_oid)]
Regex = Annotated[str, BeforeValidator(_regex)]
Formula = Annotated[str, BeforeValidator(_expression)]


class ColumnSpec(Spec):
    """A column of a table (or an instance, of scalars)."""

    oid: Oid
    read: Reading = "number"


def _column(given: Any) -> Any:
    return given if isinstance(given, dict | ColumnSpec) else {"oid": given}


def _text_column(given: Any) -> Any:
    given = _column(given)
    return {"read": "text", **given} if isinstance(given, dict) else given


def _template_names(template: str) -> set[str]:
    """Names in a template such as ``{entity.name|descr} {lane}``."""
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
        return {name for one in fields for name in one.split("|")}
    except ValueError as error:
        raise ValueError(f"{template!r} is no template: {error}") from None


class MetricSpec(Spec):
    """One metric made of a table's columns."""

    metric: str = Field(pattern=_NAME)
    type: Literal["counter", "gauge"] = "gauge"
    value: Formula | None = None  # a column or an expression of columns; the metric's own name where it is not given
    otherwise: Formula | None = Field(default=None, alias="else")  # where `value` has none, or is 0 and this is not
    scale: float = 1.0
    unit: str = ""
    map: dict[int, float] = Field(default_factory=dict)  # other numbers for the device's
    missing: tuple[float, ...] = ()  # numbers that mean "no value"
    where: dict[str, Regex] = Field(default_factory=dict)  # names, index parts or joined names → what they must hold
    valid: dict[str, tuple[float, ...]] = Field(default_factory=dict)  # columns → numbers that they must have
    component: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    lowest: float | None = None  # values below (above) are no measurement
    highest: float | None = None

    @property
    def source(self) -> str:
        """The expression of its value."""
        return self.value if self.value is not None else self.metric


class JoinSpec(Spec):
    """Another table's names for a row of this one.

    ``by`` is an index part or a name of this table that holds the other's index, or, with ``key``, the other's name
    so called.
    """

    table: str
    by: str
    key: str | None = None


class TableSpec(Spec):
    """A table of a device, or a group of scalars (no ``index``)."""

    title: str = ""
    replaces: tuple[str, ...] = ()  # tables that are left alone where the device has this one
    index: tuple[str, ...] = ()
    columns: dict[str, Annotated[ColumnSpec, BeforeValidator(_column)]] = Field(default_factory=dict)
    names: dict[str, Annotated[ColumnSpec, BeforeValidator(_text_column)]] = Field(default_factory=dict)
    join: dict[str, JoinSpec] = Field(default_factory=dict)
    component: str = ""
    if_index: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    metrics: tuple[MetricSpec, ...] = ()

    @cached_property
    def parts(self) -> tuple[tuple[str, Part], ...]:
        """Index parts: name and how it is read."""
        return tuple((name, kind or "number") for name, _, kind in (part.partition(":") for part in self.index))  # type: ignore[misc]

    @field_validator("index")
    @classmethod
    def _parts(cls, index: tuple[str, ...]) -> tuple[str, ...]:
        known = set(Part.__args__)  # type: ignore[attr-defined]
        for part in index:
            name, _, kind = part.partition(":")
            if not re.match(_NAME, name) or (kind or "number") not in known:
                raise ValueError(
                    f"index part {part!r}: write name or name:kind, with a kind of {', '.join(sorted(known))}"
                )
        return index

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> TableSpec:
        names = {*self.names, *(name for name, _ in self.parts)}
        if overlap := set(self.columns) & names:
            raise ValueError(f"{sorted(overlap)} stand both in columns and in names or index")
        for join in self.join.values():
            _require({join.by}, names, "join by")
        joined = set(self.join)
        if self.if_index is not None and self.if_index.partition(".")[0] not in names | joined:
            raise ValueError(f"if_index: no name or index part {self.if_index!r}")
        self._templates(self.component, self.labels, set(), names, joined)
        for metric in self.metrics:
            self._metric(metric, names, joined)
        return self

    def _metric(self, metric: MetricSpec, names: set[str], joined: set[str]) -> None:
        numbers = {*self.columns, *names, UPTIME}
        for formula in (metric.source, metric.otherwise):
            if formula is not None:
                _require(expression.parse(formula).names, numbers, f"metric {metric.metric}")
        _require(set(metric.valid), set(self.columns), f"metric {metric.metric}, valid")
        tested = {name for key in metric.where for name in key.split("|")}
        _require({name for name in tested if name.partition(".")[0] not in joined}, names, "where")
        groups = {group for regex in metric.where.values() for group in re.compile(regex).groupindex}
        self._templates(metric.component or "", metric.labels, groups, names, joined)

    @staticmethod
    def _templates(component: str, labels: dict[str, str], groups: set[str], names: set[str], joined: set[str]) -> None:
        for template in (component, *labels.values()):
            used = {name for name in _template_names(template) if name.partition(".")[0] not in joined}
            _require(used, names | groups, f"template {template!r}")


def _require(used: set[str] | frozenset[str], known: set[str], where: str) -> None:
    if missing := set(used) - known:
        raise ValueError(f"{where}: nothing is called {', '.join(sorted(missing))}; known: {', '.join(sorted(known))}")


class MatchSpec(Spec):
    """Which devices: the longest ``sys_object_id`` wins, then one with a ``sys_descr`` that is found."""

    sys_object_id: Oid | None = None
    sys_descr: Regex | None = None

    @model_validator(mode="after")
    def _something(self) -> MatchSpec:
        if self.sys_object_id is None and self.sys_descr is None:
            raise ValueError("a match needs sys_object_id, sys_descr or both")
        return self


class FactSpec(Spec):
    """Where a fact of the device is: a constant, a group of a regular expression on sysDescr, or an OID's value."""

    text: str | None = None
    descr: Regex | None = None
    oid: Oid | None = None


def _fact(given: Any) -> Any:
    return {"text": given} if isinstance(given, str) else given


class TrapSpec(Spec):
    """What a notification means. ``component`` and ``fields`` name varbinds by the names in ``varbinds``."""

    oid: Oid  # snmpTrapOID; of SNMPv1 as RFC 3584 §3.1 makes it
    event: str = Field(default="", pattern=r"^[A-Z0-9_]*$")
    name: str = ""  # as the MIB calls it
    severity: int = Field(default=5, ge=0, le=7)
    varbinds: dict[str, Oid] = Field(default_factory=dict)  # name → column (an instance's index follows it)
    index: str | None = None  # the varbind whose index is `{index}` (an ifIndex, a peer's address …)
    if_index: str | None = None  # name of the varbind with the ifIndex, or "index"
    component: str = ""
    fields: dict[str, str] = Field(default_factory=dict)  # OpenConfig path → template
    message: str = ""
    values: dict[str, dict[str, str]] = Field(default_factory=dict)  # words for numbers, by varbind's name
    events: dict[str, dict[str, str]] = Field(default_factory=dict)  # varbind's name → its word → another event

    @model_validator(mode="after")
    def _names(self) -> TrapSpec:
        known = {*self.varbinds, "index"}
        for template in (self.component, self.message, *self.fields, *self.fields.values()):
            _require(_template_names(template), {*known, "component"}, f"template {template!r}")
        for name in (self.index, self.if_index, *self.values, *self.events):
            if name is not None:
                _require({name}, known, "varbinds")
        return self


class Profile(Spec):
    """One profile, as a file holds it."""

    profile: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    extends: tuple[str, ...] = ()
    match: tuple[MatchSpec, ...] = ()
    device: dict[
        Literal["vendor", "os", "os_version", "model", "serial"], Annotated[FactSpec, BeforeValidator(_fact)]
    ] = Field(default_factory=dict)
    scalars: dict[str, TableSpec | None] = Field(default_factory=dict)
    tables: dict[str, TableSpec | None] = Field(default_factory=dict)
    traps: tuple[TrapSpec, ...] = ()

    @model_validator(mode="after")
    def _shapes(self) -> Profile:
        for name, table in self.scalars.items():
            if table is not None and (table.index or table.names or table.join):
                raise ValueError(f"scalars.{name}: scalars have columns only; use tables")
        for name, table in self.tables.items():
            if table is not None and not table.index:
                raise ValueError(f"tables.{name}: says no index, such as [if_index]")
        return self
