"""Standing routes that RPKI calls invalid: the last word on each route whose state was ever told so of late."""

from __future__ import annotations

from weft.model.routes import RPKI_STATES
from weft.query.answer.runner import Runner
from weft.query.compile.sql import Statement, select
from weft.query.routing.lookup import MOST_ROWS
from weft.query.routing.prefixes import Prefix, exactly
from weft.query.routing.rows import Moment, Only, Path, last_words


def routes_judged(runner: Runner, moment: Moment, state: str, only: Only, *, most: int) -> tuple[list[Path], bool]:
    """Routes that stood and were judged so (``invalid``, ``valid`` …), in order, and whether there are more."""
    number = next(number for number, name in RPKI_STATES.items() if name == state)
    sql = select(
        ["DISTINCT prefix, prefix_length"], "routes",
        where=f"{moment.where()} AND rpki = {number} AND event IN (1, 2, 4){only.where()}",
        order_by=("prefix", "prefix_length"), limit=most + 1,
    )  # fmt: skip
    rows = runner.run(Statement(sql)).to_pylist()
    found = [Prefix(bytes(row["prefix"]), row["prefix_length"]) for row in rows[:most]]
    if not found:
        return [], False
    paths, cut = last_words(runner, moment, exactly(found), only, limit=max(MOST_ROWS, most * 50))
    judged = [path for path in paths if path.standing and path.rpki == state]
    judged.sort(key=lambda p: (p.prefix.first, p.prefix.length, p.session.exporter, p.session.peer, p.session.rib))
    return judged, cut or len(rows) > most
