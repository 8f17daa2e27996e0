"""What policy does to a neighbour's routes: those before it and not after it, and those that it changes.

Attributes are compared as numbers first, for the whole table; only the routes that are shown are then read in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from weft.errors import InvalidInput
from weft.model.routes import RIBS
from weft.query.answer.runner import Runner
from weft.query.compile.sql import Statement, literal, moment_us, select, subquery
from weft.query.routing.lookup import MOST_ROWS
from weft.query.routing.prefixes import Prefix, exactly
from weft.query.routing.rows import AT, OF_SESSIONS, PEER_DOWN, WITHDRAW, Moment, Only, Path, last_words
from weft.query.routing.sessions import EVENT, WORD
from weft.query.routing.timeline import differences

Side = Literal["in", "out"]
#: Tables before and after policy, by direction.
_RIBS: dict[Side, tuple[int, int]] = {"in": (1, 2), "out": (4, 5)}
_COMPARED = ("as_path", "next_hop", "local_pref", "med", "bgp_origin", "communities")
#: Each compared attribute as 40 bits of its hash, all in one number.
_BITS = 40
_ATTRIBUTES = " + ".join(
    f"bitShiftLeft(toUInt256(bitAnd(cityHash64({name}), {(1 << _BITS) - 1})), {i * _BITS})"
    for i, name in enumerate(_COMPARED)
)
_VERDICTS = {
    "rejected": "stood AND NOT stands", "added": "stands AND NOT stood", "changed": "stood AND stands AND was != is",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Treated:
    """One route that policy rejects (``after`` None), adds (``before`` None) or changes."""

    prefix: str
    verdict: str
    before: Path | None
    after: Path | None
    changed: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PolicyView:
    """What policy does: counts over the whole table, and the first ``routes`` that it treats.

    ``told``: whether the routes of this neighbour are known both before and after policy.
    """

    before: int
    after: int
    rejected: int
    added: int
    changed: int
    by_attribute: dict[str, int]
    routes: tuple[Treated, ...]
    truncated: bool

    @property
    def told(self) -> bool:
        """Whether both sides are known."""
        return self.before > 0 and self.after > 0


def policy(runner: Runner, moment: Moment, only: Only, side: Side, verdict: str = "", *, most: int = 100) -> PolicyView:
    """Compare the tables of one neighbour of one router. ``verdict``: show only what is so treated; empty = all."""
    if not (only.exporters and only.peers):
        raise InvalidInput("needs a router and a neighbour of it", where="exporter, peer")
    if verdict and verdict not in _VERDICTS:
        raise InvalidInput(f"unknown verdict {verdict[:40]!r}", where="verdict", fix=f"one of {', '.join(_VERDICTS)}")
    only = Only(only.exporters, only.peers, only.vrf)
    pairs = subquery(_pairs(moment, only, side, _ends(runner, moment, only)), "p")
    differ = [
        f"countIf(stood AND stands AND bitAnd(bitShiftRight(bitXor(was, is), {i * _BITS}), {(1 << _BITS) - 1}) != 0) "
        f"AS differ_{name}"
        for i, name in enumerate(_COMPARED)
    ]
    counted = [f"countIf({condition}) AS {name}" for name, condition in _VERDICTS.items()]
    sql = select(["countIf(stood) AS before", "countIf(stands) AS after", *counted, *differ], pairs)
    row = runner.run(Statement(sql)).to_pylist()[0]
    routes, cut = (
        _shown(runner, moment, only, pairs, side, verdict, most) if row["before"] and row["after"] else ([], False)
    )
    return PolicyView(
        row["before"], row["after"], row["rejected"], row["added"], row["changed"],
        {name: row[f"differ_{name}"] for name in _COMPARED if row[f"differ_{name}"]}, tuple(routes), cut,
    )  # fmt: skip


def _ends(runner: Runner, moment: Moment, only: Only) -> str:
    """What the ends and new beginnings of its sessions took away, as conditions on the rows that are left."""
    sql = select(
        ["source", "rib", "vrf", "event", AT], "routes", where=f"{moment.where()} AND {OF_SESSIONS}{only.where()}",
        order_by=("time DESC", "time_received DESC"),
    ) + "\nLIMIT 1 BY source, rib, vrf\nLIMIT 1000"  # fmt: skip
    out = ""
    for row in runner.run(Statement(sql)).to_pylist():
        before = "<=" if row["event"] == PEER_DOWN else "<"
        out += (
            f" AND NOT (source = {row['source']} AND rib = {row['rib']} AND vrf = {literal(row['vrf'])} "
            f"AND time {before} {moment_us(row['at'])})"
        )
    return out


def _pairs(moment: Moment, only: Only, side: Side, ends: str) -> str:
    """Every route with whether it stood before policy and stands after it, and its attributes there, as numbers."""
    pre, post = _RIBS[side]
    inner = select(
        [
            "cityHash64(vrf, source, family, prefix, prefix_length, nlri, path_id) AS route", "any(prefix) AS first",
            "any(prefix_length) AS length",
            *(f"max(if(rib = {rib}, {WORD}, 0)) AS word_{rib}" for rib in (pre, post)),
            *(f"argMaxIf({_ATTRIBUTES}, {WORD}, rib = {rib}) AS attributes_{rib}" for rib in (pre, post)),
        ],
        "routes",
        where=f"{moment.where()} AND family != 0 AND rib IN ({pre}, {post}){only.where()}{ends}", group_by=["route"],
    )  # fmt: skip
    stands = [f"word_{rib} != 0 AND {EVENT.replace('word', f'word_{rib}')} != {WITHDRAW}" for rib in (pre, post)]
    return select(
        ["first", "length", f"{stands[0]} AS stood", f"{stands[1]} AS stands", f"attributes_{pre} AS was",
         f"attributes_{post} AS is"],
        subquery(inner, "r"),
    )  # fmt: skip


def _shown(
    runner: Runner, moment: Moment, only: Only, pairs: str, side: Side, verdict: str, most: int
) -> tuple[list[Treated], bool]:
    """The first routes of the verdict in full."""
    wanted = _VERDICTS[verdict] if verdict else " OR ".join(f"({one})" for one in _VERDICTS.values())
    sql = select(
        ["DISTINCT first", "length"], pairs, where=wanted, order_by=("first", "length"), limit=most + 1
    )  # fmt: skip
    rows = runner.run(Statement(sql)).to_pylist()
    found = [Prefix(bytes(row["first"]), row["length"]) for row in rows[:most]]
    if not found:
        return [], False
    paths, cut = last_words(runner, moment, exactly(found), only, limit=max(MOST_ROWS, most * 50))
    names = [RIBS[rib] for rib in _RIBS[side]]
    by_route: dict[tuple[object, ...], dict[str, Path]] = {}
    for path in paths:
        if path.standing and path.session.rib in names:
            key = (path.prefix.first, path.prefix.length, path.family, path.session.vrf, path.nlri, path.path_id)
            by_route.setdefault(key, {})[path.session.rib] = path
    treated = [_treated(sides.get(names[0]), sides.get(names[1])) for _, sides in sorted(by_route.items())]
    return [one for one in treated if one.verdict and (not verdict or one.verdict == verdict)], cut or len(rows) > most


def _treated(before: Path | None, after: Path | None) -> Treated:
    either = before or after
    assert either is not None
    changed = {name: pair for name, pair in differences(before, after).items() if name in _COMPARED}
    verdict = "rejected" if after is None else "added" if before is None else "changed" if changed else ""
    return Treated(either.text, verdict, before, after, changed)
