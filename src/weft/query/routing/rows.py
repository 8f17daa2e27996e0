"""Rows of the ``routes`` table as paths: the last word on each route as of a time, one bounded statement for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS, address_text, packed
from weft.model.routes import BGP_ORIGINS, CHECKPOINT_S, FAMILIES, RIBS, ROUTE_EVENTS, ROUTE_SOURCES, RPKI_STATES
from weft.query.answer.runner import Runner
from weft.query.compile.sql import Statement, literal, moment_us, select
from weft.query.routing.prefixes import Prefix, prefix_text

US = 1_000_000
#: How far back the last word on a standing route can lie: a checkpoint, and half as long again for one that is late.
REACH_US = CHECKPOINT_S * 3 // 2 * US
KEYS = ("exporter", "source", "rib", "peer", "vrf", "family", "prefix", "prefix_length", "nlri", "path_id")
VALUES = ("event", "peer_as", "origin_as", "neighbor_as", "as_path", "as_path_length", "next_hop", "bgp_origin",
          "local_pref", "med", "communities", "attributes", "rpki", "reason")  # fmt: skip
AT = "toUnixTimestamp64Micro(time) AS at"
#: The rows that tell of a session rather than of a route.
OF_SESSIONS = "prefix = toIPv6('::') AND prefix_length = 0 AND event IN (5, 6)"
#: Of several rows of one moment, the one that came last; an announcement is what a withdrawal beside it is followed by.
LAST_FIRST = ("time DESC", "time_received DESC", "event")
ANNOUNCE, CHANGE, WITHDRAW, CHECKPOINT, PEER_UP, PEER_DOWN = range(1, 7)

SessionKey = tuple[bytes, int, int, bytes, str]


@dataclass(frozen=True, slots=True)
class Session:
    """Who told of a route: router, how it was collected, table, neighbour (empty for Loc-RIB), VRF of the session."""

    exporter: str
    source: str
    rib: str
    peer: str
    peer_as: int
    vrf: str


@dataclass(frozen=True, slots=True)
class Path:
    """One route as one session tells of it. Times are UTC microseconds.

    ``at`` is when this was said last; ``since`` when the route became what it is, None where that is further back than
    was read. ``standing``: not withdrawn, and its session did not go away after it.
    """

    session: Session
    session_key: SessionKey
    family: str
    prefix: Prefix
    nlri: str
    path_id: int
    event: str
    at: int
    since: int | None
    standing: bool
    origin_as: int
    neighbor_as: int
    as_path: str
    as_path_length: int
    next_hop: str
    bgp_origin: str
    local_pref: int
    med: int
    communities: str
    attributes: str
    rpki: str
    gone: str = ""
    """Why it does not stand: ``withdrawn``, ``session down``, ``session restarted``."""

    @property
    def text(self) -> str:
        """The prefix, or the route in words."""
        return self.nlri or str(self.prefix)


@dataclass(frozen=True, slots=True)
class Only:
    """Which sessions are asked about, by the addresses of routers and of their neighbours; empty = all."""

    exporters: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    vrf: str | None = None
    rib: str = ""

    def where(self) -> str:
        """As SQL, with `` AND `` before each condition. Raises ``InvalidInput``."""
        out = ""
        for name, texts in (("exporter", self.exporters), ("peer", self.peers)):
            if texts:
                out += f" AND {name} IN {literal([_address(text, name) for text in texts])}"
        if self.vrf is not None:
            out += f" AND vrf = {literal(self.vrf)}"
        if self.rib:
            number = next((n for n, name in RIBS.items() if name == self.rib), None)
            if number is None:
                known = ", ".join(RIBS.values())
                raise InvalidInput(f"unknown table {self.rib[:40]!r}", where="rib", fix=f"one of {known}")
            out += f" AND rib = {number}"
        return out


def _address(text: str, where: str) -> bytes:
    try:
        return packed(text)
    except ValueError:
        raise InvalidInput(f"{text[:60]!r} is not an address", where=where) from None


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as of which is asked, and how far back the last word on a standing route can lie; UTC microseconds."""

    at: int
    reach: int = REACH_US

    @property
    def since(self) -> int:
        """From when on rows matter."""
        return max(self.at - self.reach, 0)

    def where(self) -> str:
        """The rows that can say what stood then, as SQL."""
        return f"time >= {moment_us(self.since)} AND time <= {moment_us(self.at)}"


def last_words(runner: Runner, moment: Moment, where: str, only: Only, *, limit: int) -> tuple[list[Path], bool]:
    """The last word on each route that ``where`` finds, and whether there were more than ``limit`` rows.

    The ends and beginnings of sessions come in the same statement: it is one scan of a few marks of the primary key.
    """
    sql = select(
        [*KEYS, *VALUES, AT, "event = 4 AS kept"],
        "routes",
        where=f"{moment.where()} AND (({where}) OR ({OF_SESSIONS})){only.where()}",
        order_by=LAST_FIRST,
    ) + f"\nLIMIT 1 BY {', '.join(KEYS)}, kept\nLIMIT {limit + 1}"  # fmt: skip
    rows = runner.run(Statement(sql)).to_pylist()
    return paths_of(rows[:limit]), len(rows) > limit


def paths_of(rows: Iterable[Mapping[str, Any]]) -> list[Path]:
    """Paths from rows, the newest first: those of one route joined, ended where their session ended."""
    ends: dict[SessionKey, tuple[int, int]] = {}
    routes: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["event"] in (PEER_UP, PEER_DOWN):
            key = session_key(row)
            ends[key] = max(ends.get(key, (0, 0)), (row["at"], row["event"]))
        elif row["family"]:
            routes.setdefault(tuple(row[name] for name in KEYS), []).append(row)
    return [ended(_joined(said), ends.get(session_key(said[0]))) for said in routes.values()]


def session_key(row: Mapping[str, Any]) -> SessionKey:
    """What a row's session is told apart by."""
    return row["exporter"], row["source"], row["rib"], row["peer"], row["vrf"]


def _joined(said: list[Mapping[str, Any]]) -> Path:
    """A route from its last change and its last checkpoint."""
    newest = max(said, key=lambda row: row["at"])
    changed = max((row["at"] for row in said if row["event"] != CHECKPOINT), default=None)
    if newest["event"] == CHECKPOINT and any(row["event"] == WITHDRAW for row in said):
        changed = None
    return path_of(newest, changed)


def path_of(row: Mapping[str, Any], since: int | None) -> Path:
    """One row as a path."""
    standing = row["event"] != WITHDRAW
    return Path(
        Session(
            address_text(row["exporter"]), ROUTE_SOURCES.get(row["source"], ""), RIBS.get(row["rib"], ""),
            address_text(row["peer"]), row["peer_as"], row["vrf"],
        ),
        session_key(row),
        FAMILIES.get(row["family"], "other"), Prefix(bytes(row["prefix"]), row["prefix_length"]), row["nlri"],
        row["path_id"], ROUTE_EVENTS.get(row["event"], ""), row["at"], since, standing, row["origin_as"],
        row["neighbor_as"], row["as_path"], row["as_path_length"], address_text(row["next_hop"]),
        BGP_ORIGINS.get(row["bgp_origin"], "none"), row["local_pref"], row["med"], row["communities"],
        row["attributes"], RPKI_STATES.get(row["rpki"], "unchecked"), "" if standing else "withdrawn",
    )  # fmt: skip


def ended(path: Path, end: tuple[int, int] | None) -> Path:
    """The path, no longer standing where its session went away or began anew after it was told of.

    ``end``: when that was last, and which of the two; None where it was not read.
    """
    if end is None or not path.standing:
        return path
    at, event = end
    if path.at > at or (path.at == at and event == PEER_UP):
        return path
    gone = "session down" if event == PEER_DOWN else "session restarted"
    return replace(path, standing=False, gone=gone, since=at)


def route_text(row: Mapping[str, Any]) -> str:
    """The prefix of a row, or its words."""
    if row["nlri"]:
        return str(row["nlri"])
    whole = row["prefix"] == NO_ADDRESS and not row["family"]
    return "" if whole else prefix_text(row["prefix"], row["prefix_length"])
