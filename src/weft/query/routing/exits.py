"""Routes to the outside in short: what each border hears of each origin AS from each neighbour, as of a time.

A full table has a million prefixes and a few ten thousand origins: a model of a whole network wants the latter.
Prefixes of one origin that a neighbour tells differently are counted by what most of them say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from weft.model.addresses import address_text
from weft.query.answer.runner import Runner
from weft.query.compile.sql import Statement, select, subquery
from weft.query.routing.prefixes import prefix_text
from weft.query.routing.rows import LAST_FIRST, OF_SESSIONS, PEER_DOWN, WITHDRAW, Moment

#: Origins times neighbours that are taken in; a dozen full tables have fewer.
MOST_EXITS = 2_000_000
#: Prefixes of an origin that are named.
NAMED = 8
_SESSION = ("exporter", "source", "rib", "peer", "vrf")
_SAID = ("peer_as", "origin_as", "neighbor_as", "as_path_length", "bgp_origin", "local_pref", "med")
_ROUTE = ("family", "prefix", "prefix_length", "path_id")
#: What is said last stands: by time, then as in ``LAST_FIRST``, of which this is the reverse.
_ORDER = "tuple(time, time_received, -toInt16(event))"
assert LAST_FIRST == ("time DESC", "time_received DESC", "event")


@dataclass(frozen=True, slots=True)
class Exit:
    """What most of an origin's prefixes say at one border and neighbour. ``bgp_origin``: 0 IGP, 1 EGP, 2 incomplete."""

    exporter: str
    is_post_policy: bool
    peer: str
    peer_as: int
    origin_as: int
    is_default: bool  # the default route, which is of no origin
    prefixes: int  # how many the origin has here
    named: tuple[str, ...]  # some of them, shortest first
    neighbor_as: int
    as_path_length: int
    bgp_origin: int
    local_pref: int  # 0 = not sent
    med: int


def exits(runner: Runner, moment: Moment) -> list[Exit]:
    """Routes as they stood then, IPv4 and IPv6 unicast outside VRFs, as routers themselves told them."""
    rows = runner.run(Statement(_sql(moment)), rows=MOST_EXITS).to_pylist()
    return [
        Exit(
            address_text(row["exporter"]), row["rib"] == 2, address_text(row["peer"]), row["peer_as"],
            row["origin_as"], bool(row["is_default"]), row["prefixes"], tuple(_texts(row["named"])),
            row["neighbor_as"], row["as_path_length"], row["bgp_origin"] if row["bgp_origin"] < 3 else 2,
            row["local_pref"], row["med"],
        )
        for row in rows
    ]  # fmt: skip


def _texts(named: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for one in named:
        length, first = one.values()
        yield prefix_text(bytes(first), length)


def _sql(moment: Moment) -> str:
    only = "rib IN (1, 2) AND source != 2 AND vrf = ''"
    told = ", ".join(("event", *_SAID))
    last = select(
        [*_SESSION, *_ROUTE, f"argMax(tuple({told}), {_ORDER}) AS said", "max(time) AS last"], "routes",
        where=f"{moment.where()} AND family IN (1, 2) AND nlri = '' AND {only}", group_by=(*_SESSION, *_ROUTE),
    )  # fmt: skip
    ends = select(
        [*_SESSION, "max(time) AS ended", f"argMax(event, tuple(time, time_received)) = {PEER_DOWN} AS down"],
        "routes", where=f"{OF_SESSIONS} AND {moment.where()} AND {only}", group_by=_SESSION,
    )  # fmt: skip
    said = [f"said.{at} AS {name}" for at, name in enumerate(_SAID, 2)]
    standing = (
        select(["exporter", "rib", "peer", "family", "prefix", "prefix_length", *said], subquery(last, "r"))
        + f"\nLEFT JOIN {subquery(ends, 'e')} USING ({', '.join(_SESSION)})\n"
        f"WHERE said.1 != {WITHDRAW} AND (last > ended OR (last = ended AND NOT down))"
    )
    of = ("exporter", "rib", "peer", "peer_as", "origin_as", "is_default")
    ways = ("neighbor_as", "as_path_length", "bgp_origin", "local_pref", "med")
    counted = select(
        [*of[:-1], "prefix_length = 0 AS is_default", *ways, "count() AS n",
         f"arraySlice(arraySort(groupUniqArray(64)(tuple(prefix_length, prefix))), 1, {NAMED}) AS some"],
        subquery(standing, "s"), group_by=(*of, *ways),
    )  # fmt: skip
    commonest = f"argMax(tuple({', '.join(ways)}), tuple(n, -as_path_length, neighbor_as)) AS way"
    grouped = select(
        [*of, "sum(n) AS prefixes", commonest,
         f"arraySlice(arraySort(arrayDistinct(arrayFlatten(groupArray(4)(some)))), 1, {NAMED}) AS named"],
        subquery(counted, "c"), group_by=of,
    )  # fmt: skip
    picked = [f"way.{at} AS {name}" for at, name in enumerate(ways, 1)]
    return select([*of, "prefixes", "named", *picked], subquery(grouped, "g"), order_by=of)
