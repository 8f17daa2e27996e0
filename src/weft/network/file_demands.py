"""The traffic of a network in a file: a list in YAML or JSON, CSV with a header, the demands of SNDlib's XML."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import Annotated
from xml.etree import ElementTree

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from weft.errors import InvalidInput, LimitExceeded
from weft.network.demands import Demands, demands
from weft.network.rates import Rate
from weft.network.routing import Routing
from weft.network.topology import Topology

MOST_DEMANDS = 2_000_000
SNDLIB = "{http://sndlib.zib.de/network}"
_UNITS = {"KBITPERSEC": 1e3, "MBITPERSEC": 1e6, "GBITPERSEC": 1e9, "BITPERSEC": 1.0}
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class DemandEntry(BaseModel):
    """Traffic from a node to a node or to a group of prefixes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    source: Annotated[_Name, Field(alias="from")]
    to: _Name
    bps: Rate
    traffic_class: str = Field(default="", alias="class", max_length=100)


_LIST: TypeAdapter[list[DemandEntry]] = TypeAdapter(list[DemandEntry])


def read_list(text: str, where: str) -> list[DemandEntry]:
    """Entries of a file: SNDlib XML, CSV (``from,to,bps[,class]``), else YAML or JSON. Raises ``InvalidInput``."""
    if text.lstrip().startswith("<"):
        return sndlib_demands(sndlib_root(text, where), where)
    if text.lstrip().lower().startswith("from,"):
        rows = list(csv.DictReader(text.splitlines()))
        return _checked([{name: value for name, value in row.items() if value} for row in rows], where)
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"is no YAML: {error}".splitlines()[0], where=where) from None
    return _checked(found.get("demands", found) if isinstance(found, dict) else found, where)


def _checked(found: object, where: str) -> list[DemandEntry]:
    try:
        entries = _LIST.validate_python(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"{place}: {first['msg']}".lstrip(": "), where=where, fix="See docs/network.md.") from None
    if len(entries) > MOST_DEMANDS:
        raise LimitExceeded(f"has more than {MOST_DEMANDS:,} demands", where=where)
    return entries


def demands_of(entries: Sequence[DemandEntry], topology: Topology, routing: Routing, where: str) -> Demands:
    """Entries as columns. Raises ``InvalidInput`` where one names what is not in the network."""
    groups = {group.name: at for at, group in enumerate(routing.groups)}
    classes = tuple(dict.fromkeys(one.traffic_class for one in entries)) or ("",)
    number = {name: at for at, name in enumerate(classes)}
    ends = [
        (-1, groups[one.to]) if one.to in groups else (topology.node(one.to, f"{where}: demands.{at}.to"), -1)
        for at, one in enumerate(entries)
    ]
    return demands(
        np.array([topology.node(one.source, f"{where}: demands.{at}.from") for at, one in enumerate(entries)],
                 np.int32),
        np.array([node for node, _ in ends], np.int32), np.array([one.bps for one in entries], np.float64),
        group=np.array([group for _, group in ends], np.int32),
        traffic_class=np.array([number[one.traffic_class] for one in entries], np.int16), classes=classes,
    )  # fmt: skip


# --- SNDlib ----------------------------------------------------------------------------------------------------------


def sndlib_root(text: str, where: str) -> ElementTree.Element:
    """The root of a network in SNDlib's XML. Raises ``InvalidInput``."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InvalidInput("declares entities, which a network has no use for", where=where)
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without entities there is nothing to expand
    except ElementTree.ParseError as error:
        raise InvalidInput(f"is no XML: {error}", where=where) from None
    if root.tag != f"{SNDLIB}network":
        raise InvalidInput("is no network in SNDlib's format", where=where)
    return root


def sndlib_unit(root: ElementTree.Element) -> float:
    """Bit/s of its unit; Mbit/s where it says none, as most of the library has it."""
    return _UNITS.get((root.findtext(f"{SNDLIB}meta/{SNDLIB}unit") or "").strip(), 1e6)


def sndlib_demands(root: ElementTree.Element, where: str) -> list[DemandEntry]:
    """Its demands; those of no traffic are left out."""
    return _checked(list(_sndlib_rows(root, sndlib_unit(root))), where)


def _sndlib_rows(root: ElementTree.Element, unit: float) -> Iterable[dict[str, object]]:
    for one in root.iter(f"{SNDLIB}demand"):
        value = one.findtext(f"{SNDLIB}demandValue") or ""
        try:
            bps: object = float(value) * unit
        except ValueError:
            bps = value
        if bps != 0.0:
            yield {
                "from": (one.findtext(f"{SNDLIB}source") or "").strip(),
                "to": (one.findtext(f"{SNDLIB}target") or "").strip(), "bps": bps,
            }  # fmt: skip
