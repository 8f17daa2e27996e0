"""What changes most: prefixes and origins that flap, with how often and by how many neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from weft.model.addresses import address_text
from weft.query.answer.runner import Runner
from weft.query.compile.sql import Statement, moment_us, select, subquery
from weft.query.routing.rows import Only, route_text

By = Literal["prefix", "peer", "origin"]
_GROUPS: dict[By, tuple[str, ...]] = {
    "prefix": ("prefix", "prefix_length", "family", "nlri"),
    "peer": ("exporter", "peer", "rib", "vrf"),
    "origin": ("origin_as",),
}


@dataclass(frozen=True, slots=True)
class Churn:
    """One line: what it is of, and how often it changed. Times are UTC microseconds.

    ``flaps``: how often routes both came and went, counted per session; a path that changes is no flap.
    """

    prefix: str
    exporter: str
    peer: str
    rib: int
    vrf: str
    origin_as: int
    announcements: int
    changes: int
    withdrawals: int
    flaps: int
    paths: int
    prefixes: int
    peers: int
    first: int
    last: int

    @property
    def updates(self) -> int:
        """Announcements, changes and withdrawals."""
        return self.announcements + self.changes + self.withdrawals


def churn(runner: Runner, since: int, until: int, by: By, only: Only, *, top: int) -> list[Churn]:
    """The ``top`` lines with the most updates."""
    keys = _GROUPS[by]
    each = select(
        [
            *keys, "cityHash64(exporter, source, rib, peer, vrf, prefix, prefix_length, nlri, path_id) AS route",
            "any(origin_as) AS an_origin", "countIf(event = 1) AS came", "countIf(event = 2) AS moved",
            "countIf(event = 3) AS went", "uniqState(as_path, communities) AS paths_of",
            "any(cityHash64(prefix, prefix_length, nlri)) AS what", "any(cityHash64(exporter, peer)) AS who",
            "min(time) AS begun", "max(time) AS done",
        ],
        "routes",
        where=f"time > {moment_us(since)} AND time <= {moment_us(until)} AND event IN (1, 2, 3){only.where()}",
        group_by=(*keys, "route"),
    )  # fmt: skip
    origin = [] if by == "origin" else ["any(an_origin) AS origin_as"]
    sql = select(
        [
            *keys, *origin, "sum(came) AS announced", "sum(moved) AS changed",
            "sum(went) AS withdrawn", "sum(least(came, went)) AS flaps", "uniqMerge(paths_of) AS paths",
            "uniq(what) AS prefixes", "uniq(who) AS peers", "toUnixTimestamp64Micro(min(begun)) AS first",
            "toUnixTimestamp64Micro(max(done)) AS last",
        ],
        subquery(each, "r"), group_by=keys, order_by=("announced + changed + withdrawn DESC", *keys), limit=top,
    )  # fmt: skip
    return [_churn(row) for row in runner.run(Statement(sql)).to_pylist()]


def _churn(row: dict[str, object]) -> Churn:
    def number(name: str) -> int:
        value = row.get(name, 0)
        return value if isinstance(value, int) else 0

    def address(name: str) -> str:
        value = row.get(name)
        return address_text(value) if isinstance(value, bytes) else ""

    return Churn(
        route_text(row) if "prefix" in row else "", address("exporter"), address("peer"), number("rib"),
        str(row.get("vrf", "")), number("origin_as"), number("announced"), number("changed"),
        number("withdrawn"), number("flaps"), number("paths"), number("prefixes"), number("peers"), number("first"),
        number("last"),
    )  # fmt: skip
