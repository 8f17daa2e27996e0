"""A network in a file: YAML or JSON of our own, or SNDlib's XML (sndlib.zib.de). See docs/network.md for the format.

Comes in: a path. Goes out: a ``Snapshot`` that is of no time. What a file says is checked like a setting: an error
names the place in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from xml.etree import ElementTree

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from weft.errors import InvalidInput, LimitExceeded
from weft.network.build import ASSUMED_BPS, METRIC_PER_S, MOST_LINKS, MOST_NODES, link_id, seconds_between
from weft.network.demand_files import MOST_DEMANDS, SNDLIB, demands_of, document, read_demands, sndlib_root
from weft.network.matrix import Matrix, no_matrix
from weft.network.places import Names
from weft.network.rates import Rate
from weft.network.routing import ExternalRoute, PrefixGroup, Routing
from weft.network.snapshot import Snapshot
from weft.network.state import Network
from weft.network.topology import Link, Node, NodeKind, Topology, topology

MOST_OCTETS = 64 << 20
Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeEntry(_Entry):
    """A node; what links name and nodes do not is a device of that name."""

    name: Name
    kind: NodeKind = NodeKind.DEVICE
    site: str = ""
    role: str = ""
    asn: int = Field(default=0, ge=0, lt=1 << 32)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    overloaded: bool = False


class LinkEntry(_Entry):
    """A link; without a delay it is that of the distance of its nodes, where these have coordinates."""

    a: Name
    b: Name
    id: str = Field(default="", max_length=300)
    capacity: Rate = ASSUMED_BPS
    delay_ms: float | None = Field(default=None, ge=0, le=60_000)
    metric: int | None = Field(default=None, ge=1, lt=1 << 24)
    metric_back: int | None = Field(default=None, ge=1, lt=1 << 24)
    kind: str = ""
    provider: str = ""
    circuit: str = ""
    srlg: list[str] = Field(default_factory=list, max_length=1000)
    up: bool = True


class GroupEntry(_Entry):
    """Prefixes outside that are routed alike."""

    name: Name
    prefixes: list[str] = Field(default_factory=list, max_length=100_000)


class RouteEntry(_Entry):
    """A route to a group: which border heard it over which link."""

    group: Name
    node: Name
    link: Name
    local_pref: int = Field(default=100, ge=0, lt=1 << 32)
    as_path_length: int = Field(default=1, ge=0, le=10_000)
    origin: Literal["igp", "egp", "incomplete"] = "igp"
    neighbor_as: int = Field(default=0, ge=0, lt=1 << 32)
    med: int = Field(default=0, ge=0, lt=1 << 32)


class NetworkFile(_Entry):
    """The whole file."""

    sites: dict[str, str] = Field(default_factory=dict, max_length=MOST_NODES)
    """Codes of sites with what people call them."""
    nodes: list[NodeEntry] = Field(default_factory=list, max_length=MOST_NODES)
    links: list[LinkEntry] = Field(min_length=1, max_length=MOST_LINKS)
    prefixes: list[GroupEntry] = Field(default_factory=list, max_length=1_000_000)
    routes: list[RouteEntry] = Field(default_factory=list, max_length=1_000_000)
    demands: list[dict[str, Any]] = Field(default_factory=list, max_length=MOST_DEMANDS)
    """Rows as ``weft.network.demand_files`` reads them."""


@dataclass(frozen=True)
class FileSource:
    """A snapshot that is the same at all times."""

    snapshot: Snapshot

    def at(self, at_s: float | None) -> Snapshot:  # noqa: ARG002 - it is of no time
        """The network of the file."""
        return self.snapshot


def read_source(topology_file: Path, demand_file: Path | None = None) -> FileSource:
    """A network from files. Raises ``InvalidInput``, ``LimitExceeded``."""
    text = _text(topology_file)
    where = topology_file.name
    is_xml = text.lstrip().startswith("<")
    described = _sndlib(text, where) if is_xml else _described(text, where)
    made = _topology(described, where)
    routing = _routing(described, made, where)
    of = demand_file or topology_file
    if demand_file is not None or is_xml:
        asked = read_demands(of, made, routing)
    else:
        asked = demands_of(described.demands, made, routing, where)
    told = len(asked) > 0
    matrix = Matrix(asked, "file", f"from {of.name}") if told else no_matrix("the file tells of no traffic")
    names = Names(sites=described.sites, providers={one.provider: 0 for one in described.links if one.provider})
    return FileSource(Snapshot(Network(made, routing, matrix.demands), names, 0.0, made.notes, matrix))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_OCTETS:
            raise LimitExceeded(f"is larger than {MOST_OCTETS >> 20} MiB", where=path.name)
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", where=str(path)) from error


def _described(text: str, where: str) -> NetworkFile:
    try:
        return NetworkFile.model_validate(document(text, where.lower().endswith(".json"), where))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"{place}: {first['msg']}".lstrip(": "), where=where, fix="See docs/network.md.") from None


def _topology(described: NetworkFile, where: str) -> Topology:
    entries = {one.name: one for one in described.nodes}
    if len(entries) != len(described.nodes):
        raise InvalidInput("holds a node twice", where=f"{where}: nodes")
    for link in described.links:
        for name in (link.a, link.b):
            entries.setdefault(name, NodeEntry(name=name))
    nodes = [Node(one.name, one.kind, one.site, one.role, one.asn) for one in entries.values()]
    at = {name: place for place, name in enumerate(entries)}
    delays = [_delay_s(link, entries) for link in described.links]
    forward = [link.metric or max(1, round(delay * METRIC_PER_S)) for link, delay in zip(described.links, delays,
                                                                                      strict=True)]  # fmt: skip
    made = topology(
        nodes, list(_links(described.links, at)), capacity_bps=[link.capacity for link in described.links],
        delay_s=delays, metric=forward,
    )  # fmt: skip
    metric = made.metric.copy()
    metric[1::2] = [link.metric_back or there for link, there in zip(described.links, forward, strict=True)]
    passes = [node.carries and not one.overloaded for node, one in zip(nodes, entries.values(), strict=True)]
    up = np.repeat([link.up for link in described.links], 2)
    return made.changed(metric=metric, transit=np.array(passes, np.bool_), up=up.astype(np.bool_))


def _links(entries: Sequence[LinkEntry], at: Mapping[str, int]) -> Iterator[Link]:
    """Links with an id each: the one they have, else ``a--b``, numbered from the second on."""
    taken: dict[str, int] = {}
    for one in entries:
        key = one.id or link_id(one.a, "", one.b)
        taken[key] = taken.get(key, 0) + 1
        if not one.id and taken[key] > 1:
            key = f"{key}:{taken[key]}"
        yield Link(
            key, at[one.a], at[one.b], kind=one.kind, provider=one.provider, circuit=one.circuit,
            srlgs=tuple(one.srlg),
        )  # fmt: skip


def _delay_s(link: LinkEntry, nodes: Mapping[str, NodeEntry]) -> float:
    if link.delay_ms is not None:
        return link.delay_ms / 1000
    a, b = nodes[link.a], nodes[link.b]
    if a.latitude is None or a.longitude is None or b.latitude is None or b.longitude is None:
        return 0.0
    return seconds_between((a.latitude, a.longitude), (b.latitude, b.longitude))


def _routing(described: NetworkFile, made: Topology, where: str) -> Routing:
    groups = tuple(PrefixGroup(one.name, tuple(one.prefixes)) for one in described.prefixes)
    numbers = {group.name: at for at, group in enumerate(groups)}
    routes = []
    for place, one in enumerate(described.routes):
        if one.group not in numbers:
            raise InvalidInput(f"there is no group {one.group!r} among prefixes", where=f"{where}: routes.{place}")
        routes.append(
            ExternalRoute(
                numbers[one.group], made.node(one.node, f"{where}: routes.{place}.node"),
                made.link(one.link, f"{where}: routes.{place}.link"), one.local_pref, one.as_path_length,
                ("igp", "egp", "incomplete").index(one.origin), one.neighbor_as, one.med,
            )
        )  # fmt: skip
    return Routing(groups, tuple(routes))


# --- SNDlib ----------------------------------------------------------------------------------------------------------


def _sndlib(text: str, where: str) -> NetworkFile:
    """SNDlib's network format 1.0: nodes with coordinates, links with modules of capacity."""
    root, unit = sndlib_root(text, where)
    nodes = [_sndlib_node(one, where) for one in root.iter(f"{SNDLIB}node")]
    links = [_sndlib_link(one, unit, where) for one in root.iter(f"{SNDLIB}link")]
    try:
        return NetworkFile.model_validate({"nodes": nodes, "links": links})
    except ValidationError as error:
        raise InvalidInput(str(error.errors()[0]["msg"]), where=where) from None


def _sndlib_node(one: ElementTree.Element, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": one.get("id") or ""}
    x, y = (one.findtext(f"{SNDLIB}coordinates/{SNDLIB}{axis}") for axis in "xy")
    if x is not None and y is not None:
        longitude, latitude = _number(x, where), _number(y, where)
        if abs(longitude) <= 180 and abs(latitude) <= 90:  # others are places on a drawing
            found |= {"longitude": longitude, "latitude": latitude}
    return found


def _sndlib_link(one: ElementTree.Element, unit: float, where: str) -> dict[str, Any]:
    """The installed capacity, else the largest that can be installed."""
    sizes = [_number(each.text or "", where) for each in one.iter(f"{SNDLIB}capacity")]
    installed = one.findtext(f"{SNDLIB}preInstalledModule/{SNDLIB}capacity")
    size = _number(installed, where) if installed is not None else max(sizes, default=0.0)
    found: dict[str, Any] = {
        "id": one.get("id") or "", "a": (one.findtext(f"{SNDLIB}source") or "").strip(),
        "b": (one.findtext(f"{SNDLIB}target") or "").strip(),
    }  # fmt: skip
    return found | ({"capacity": size * unit} if size > 0 else {})


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput(f"{text[:40]!r} is no number", where=where)
    return value
