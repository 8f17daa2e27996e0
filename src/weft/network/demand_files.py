"""Traffic matrices in files: CSV, JSON, YAML, and SNDlib's XML (sndlib.zib.de). See docs/network-demands.md.

Comes in: a file whose rows name where traffic enters, where it wants to (a node, or a prefix group), and its rate. Goes
out: ``Demands``, and back. A file is checked like a setting: an error names the row. Must not guess names.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import yaml

from weft.errors import InvalidInput, LimitExceeded
from weft.network.demands import Demands, demands
from weft.network.rates import parse_rate
from weft.network.routing import Routing
from weft.network.topology import Topology

#: Of one file.
MOST_OCTETS, MOST_DEMANDS, MOST_CLASSES = 256 << 20, 2_000_000, 1000
_FIELDS = ("ingress", "egress", "group", "bps", "class")
_MOST_BPS = 1e18
#: Safe, and fast where the system has libyaml.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SNDLIB = "{http://sndlib.zib.de/network}"
_UNITS = {"BITPERSEC": 1.0, "KBITPERSEC": 1e3, "MBITPERSEC": 1e6, "GBITPERSEC": 1e9}


def read_demands(path: Path, topology: Topology, routing: Routing | None = None) -> Demands:
    """The demands of a file, by its suffix: ``.csv``, ``.xml`` (SNDlib), else JSON or YAML.

    Raises ``InvalidInput`` or ``LimitExceeded``.
    """
    try:
        if path.stat().st_size > MOST_OCTETS:
            raise LimitExceeded(f"is larger than {MOST_OCTETS >> 20} MiB", where=path.name)
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", where=str(path)) from error
    suffix = path.suffix.lower()
    if suffix == ".csv":
        rows: Iterable[Mapping[str, Any]] = _csv(text, path.name)
    elif text.lstrip().startswith("<"):
        rows = _sndlib(text, path.name)
    else:
        rows = _listed(text, suffix == ".json", path.name)
    return demands_of(rows, topology, routing, path.name)


def demands_of(
    rows: Iterable[Mapping[str, Any]], topology: Topology, routing: Routing | None = None, where: str = "demands"
) -> Demands:
    """Demands from rows of ``ingress``, ``egress`` or ``group``, ``bps`` (a number, or ``2.5G``) and perhaps ``class``.

    A ``group`` is a prefix group's name, or one of its prefixes. Raises ``InvalidInput`` or ``LimitExceeded``.
    """
    groups = _groups(routing)
    classes: dict[str, int] = {}
    columns: list[tuple[int, int, int, int, float]] = []
    for number, row in enumerate(rows):
        place = f"{where}: row {number + 1}"
        if number >= MOST_DEMANDS:
            raise LimitExceeded(f"holds more than {MOST_DEMANDS:,} demands", where=where)
        columns.append(_read(row, topology, groups, classes, place))
        if len(classes) > MOST_CLASSES:
            raise LimitExceeded(f"names more than {MOST_CLASSES} classes", where=where)
    ends = np.array([column[:4] for column in columns], np.int32).reshape(-1, 4)
    return demands(
        ends[:, 0], ends[:, 1], np.array([column[4] for column in columns], np.float64), group=ends[:, 2],
        traffic_class=ends[:, 3].astype(np.int16), classes=tuple(classes) or ("",),
    )  # fmt: skip


def write_demands(path: Path, asked: Demands, topology: Topology, routing: Routing | None = None) -> None:
    """Write demands as CSV, JSON or (without classes and groups) SNDlib's XML, by the suffix of ``path``."""
    rows = list(_told(asked, topology, routing))
    suffix = path.suffix.lower()
    if suffix == ".xml":
        path.write_text(_as_sndlib(rows), encoding="utf-8")
    elif suffix == ".json":
        kept = [{name: value for name, value in row.items() if value != ""} for row in rows]
        path.write_text(json.dumps({"demands": kept}, indent=1) + "\n", encoding="utf-8")
    elif suffix == ".csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, _FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(out.getvalue(), encoding="utf-8")
    else:
        raise InvalidInput(f"no format is known by {suffix!r}", where=path.name, fix="Use .csv, .json or .xml.")


# --- rows ------------------------------------------------------------------------------------------------------------


def _groups(routing: Routing | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for at, group in enumerate(routing.groups if routing else ()):
        for name in (group.name, *group.prefixes):
            found.setdefault(name, at)
    return found


def _read(
    row: Mapping[str, Any], topology: Topology, groups: Mapping[str, int], classes: dict[str, int], place: str
) -> tuple[int, int, int, int, float]:
    if not isinstance(row, Mapping) or (unknown := {str(name) for name in row} - set(_FIELDS)):
        said = f"has unknown fields {', '.join(sorted(unknown)[:4])}" if isinstance(row, Mapping) else "is no object"
        raise InvalidInput(said, where=place, fix=f"Use {', '.join(_FIELDS)}.")
    ingress, egress, name, kind = (_text(row.get(field), f"{place}.{field}") for field in (*_FIELDS[:3], "class"))
    if bool(egress) == bool(name):
        raise InvalidInput("ends at a node (egress) or at a prefix group (group): name one of them", where=place)
    if name and name not in groups:
        raise InvalidInput(f"there is no prefix group {name[:80]!r}", where=f"{place}.group")
    return (
        topology.node(ingress, f"{place}.ingress"), topology.node(egress, f"{place}.egress") if egress else -1,
        groups[name] if name else -1, classes.setdefault(kind, len(classes)), _bps(row.get("bps"), f"{place}.bps"),
    )  # fmt: skip


def _text(value: Any, place: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int) or len(str(value)) > 300:
        raise InvalidInput("is no name", where=place)
    return str(value).strip()


def _bps(value: Any, place: str) -> float:
    rate = parse_rate(value) if isinstance(value, str) else value
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 <= rate <= _MOST_BPS:
        raise InvalidInput(f"{str(value)[:40]!r} is no rate in bit/s", where=place, fix="Write 2500000000 or 2.5G.")
    return float(rate)


def _told(asked: Demands, topology: Topology, routing: Routing | None) -> Iterator[dict[str, Any]]:
    groups = routing.groups if routing else ()
    for at in range(len(asked)):
        egress, group = int(asked.egress[at]), int(asked.group[at])
        if group >= len(groups):
            raise InvalidInput("ends at a prefix group that the routing does not have", where=f"demands[{at}]")
        yield {
            "ingress": topology.nodes[asked.ingress[at]].name,
            "egress": topology.nodes[egress].name if group < 0 else "",
            "group": groups[group].name if group >= 0 else "", "bps": float(asked.bps[at]),
            "class": asked.classes[asked.traffic_class[at]],
        }  # fmt: skip


# --- formats ---------------------------------------------------------------------------------------------------------


def _csv(text: str, where: str) -> Iterator[dict[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        if not {"ingress", "bps"} <= set(reader.fieldnames):
            raise InvalidInput("has no header with ingress, egress and bps", where=where, fix="See network-demands.md.")
        for number, row in enumerate(reader):
            if None in row:
                raise InvalidInput("has more fields than the header", where=f"{where}: row {number + 1}")
            yield row
    except csv.Error as error:
        raise InvalidInput(f"is no CSV: {error}", where=where) from None


def document(text: str, is_json: bool, where: str) -> Any:
    """What JSON or YAML says. Raises ``InvalidInput``."""
    try:
        return json.loads(text) if is_json else yaml.load(text, _LOADER)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise InvalidInput(f"is no YAML: {error}".splitlines()[0], where=where) from None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"is no {'JSON' if is_json else 'YAML'}: {error}", where=where) from None


def _listed(text: str, is_json: bool, where: str) -> Sequence[Mapping[str, Any]]:
    found = document(text, is_json, where)
    rows = found.get("demands") if isinstance(found, Mapping) else found
    if not isinstance(rows, list):
        raise InvalidInput("is no list of demands", where=where, fix="See docs/network-demands.md.")
    return rows


def _sndlib(text: str, where: str) -> Iterator[dict[str, Any]]:
    """SNDlib's network format 1.0, the demands of it; a file may hold the topology as well."""
    root, unit = sndlib_root(text, where)
    for one in root.iter(f"{SNDLIB}demand"):
        source, target, value = (one.findtext(f"{SNDLIB}{tag}") or "" for tag in ("source", "target", "demandValue"))
        try:
            rate: Any = float(value) * unit
        except ValueError:
            rate = value
        yield {"ingress": source, "egress": target, "bps": rate}


def sndlib_root(text: str, where: str) -> tuple[ElementTree.Element, float]:
    """A file in SNDlib's network format 1.0, and what its numbers are of, bit/s. Raises ``InvalidInput``."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InvalidInput("declares entities, which a network has no use for", where=where)
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without entities there is nothing to expand
    except ElementTree.ParseError as error:
        raise InvalidInput(f"is no XML: {error}", where=where) from None
    if root.tag != f"{SNDLIB}network":
        raise InvalidInput("is no network in SNDlib's format", where=where)
    return root, _UNITS.get((root.findtext(f"{SNDLIB}meta/{SNDLIB}unit") or "").strip(), 1e6)


def _as_sndlib(rows: Iterable[Mapping[str, Any]]) -> str:
    root = ElementTree.Element("network", {"xmlns": SNDLIB.strip("{}"), "version": "1.0"})
    ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "unit").text = "MBITPERSEC"
    listed = ElementTree.SubElement(root, "demands")
    for number, row in enumerate(rows):
        if row["group"] or row["class"]:
            raise InvalidInput(
                "SNDlib's format knows neither classes nor prefix groups", where=f"demands[{number}]",
                fix="Write .csv or .json.",
            )  # fmt: skip
        one = ElementTree.SubElement(listed, "demand", {"id": f"D{number}"})
        for tag, value in (("source", row["ingress"]), ("target", row["egress"]), ("demandValue", row["bps"] / 1e6)):
            ElementTree.SubElement(one, tag).text = str(value)
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
