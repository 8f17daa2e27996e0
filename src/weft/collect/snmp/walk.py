"""Walking columns of tables with GETBULK, as many values an answer as the path and the agent bear.

How many is learned: from the octets of the answers, from answers that agents cut short, from tooBig and timeouts.
Several columns of a table go into one request, so that a row's values are of one moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from weft.collect.snmp.errors import SnmpError, Timeout, TooBig
from weft.collect.snmp.session import Reply, Session
from weft.decode.snmp import ber
from weft.decode.snmp.columns import ColumnData

_COLUMNS = 8  # of one request
_FIRST_VARIABLES = 32
_MOST_VARIABLES = 4000
_MOST_CELLS = 2_000_000  # of a column
_GROWTH = 1.5


class Pace:
    """How many variables to ask an agent for at once."""

    def __init__(self, octets: int) -> None:
        self._octets = octets
        self.variables = float(_FIRST_VARIABLES)
        self._ceiling = float(_MOST_VARIABLES)
        self.shrunk = 0

    def repetitions(self, columns: int, rows: int | None) -> int:
        """Max-repetitions for so many columns; ``rows`` are left, as far as known."""
        wanted = max(1, int(self.variables / columns))
        return wanted if rows is None else max(1, min(wanted, rows))

    def worked(self, asked: int, got: int, octets: int) -> None:
        """An answer came: towards as many as fill it, never beyond what failed of late."""
        self._ceiling = min(self._ceiling * 1.01, _MOST_VARIABLES)
        if not got or got * 2 < asked:
            if got:
                self.variables = max(1.0, float(got))  # the agent fills no more into an answer
            return
        fitting = self._octets * got / octets
        self.variables = max(1.0, min(fitting, self.variables * _GROWTH, self._ceiling))

    def failed(self) -> bool:
        """No answer, or one too big. Whether less can be asked for."""
        could = self.variables > 1
        self.variables = max(1.0, self.variables / 3)
        self._ceiling = max(1.0, self.variables * 2)
        self.shrunk += 1
        return could


@dataclass(slots=True)
class _Cursor:
    """Where the walk of one column is."""

    name: str
    prefix: bytes
    last: bytes
    data: ColumnData = field(default_factory=ColumnData)
    done: bool = False


async def walk(
    session: Session, pace: Pace, columns: Mapping[str, str], rows: int | None = None
) -> dict[str, ColumnData]:
    """Every cell of ``columns`` (name → OID); columns without any are left out. ``rows``: how many there were before.

    Raises ``SnmpError``.
    """
    cursors = [_Cursor(name, ber.oid(oid), ber.oid(oid)) for name, oid in columns.items()]
    groups = [cursors[at : at + _COLUMNS] for at in range(0, len(cursors), _COLUMNS)]
    await _together([_walk_group(session, pace, group, rows) for group in groups])
    return {one.name: one.data for one in cursors if one.data.keys}


async def _together(walks: Sequence[object]) -> None:
    """All of them; where one fails the others are not left behind."""
    tasks = [asyncio.ensure_future(one) for one in walks]  # type: ignore[call-overload]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _walk_group(session: Session, pace: Pace, group: list[_Cursor], rows: int | None) -> None:
    while active := [one for one in group if not one.done]:
        left = None if rows is None else max(1, rows + 1 - min(len(one.data.keys) for one in active))
        repetitions = pace.repetitions(len(active), left)
        reply = await _bulk(session, pace, active, repetitions)
        _take(active, reply, session.where)
        if len(active[0].data.keys) > _MOST_CELLS:
            raise SnmpError("too_many_rows", f"a table of more than {_MOST_CELLS} rows", where=session.where)


async def _bulk(session: Session, pace: Pace, active: list[_Cursor], repetitions: int) -> Reply:
    """One GETBULK; asks for less when an answer is too big or does not come."""
    names = [one.last for one in active]
    patience = session.retries
    while True:
        try:
            # With many repetitions a lost answer may have been too large for the path: do not insist, ask for less.
            reply = await session.ask(ber.GET_BULK, names, 0, repetitions, retries=0 if repetitions > 1 else patience)
        except (Timeout, TooBig) as error:
            if isinstance(error, Timeout):
                patience -= 1
            smaller = pace.failed()
            if (repetitions == 1 and not smaller) or (isinstance(error, Timeout) and patience < 0):
                raise
            repetitions = min(repetitions, pace.repetitions(len(active), None))
            continue
        if reply.pdu.error_status == ber.NO_SUCH_NAME:
            return Reply(ber.Pdu(ber.RESPONSE), reply.read_ns, reply.octets, reply.rtt_s)
        pace.worked(repetitions * len(active), len(reply.pdu.varbinds), reply.octets)
        return reply


def _take(active: list[_Cursor], reply: Reply, where: str) -> None:
    """Share the answer out: variable i belongs to column i modulo their number (RFC 3416 §4.2.3)."""
    binds, count = reply.pdu.varbinds, len(active)
    if not len(binds):
        for one in active:
            one.done = True
        return
    for at, cursor in enumerate(active):
        names, tags = binds.oids[at::count], binds.tags[at::count]
        if not names:
            continue  # cut short by the agent: asked again from where it is
        prefix = cursor.prefix
        good = 0
        for name, tag in zip(names, tags, strict=True):
            if not name.startswith(prefix) or tag == ber.END_OF_MIB_VIEW:
                cursor.done = True
                break
            good += 1
        if good:
            _advance(cursor, names[:good], where)
            data, length = cursor.data, len(prefix)
            data.keys += [name[length:] for name in names[:good]]
            data.values += binds.values[at::count][:good]
            data.tag = tags[good - 1]
            data.read.append((good, reply.read_ns))


def _advance(cursor: _Cursor, names: list[bytes], where: str) -> None:
    """Move on; names that do not grow would let the walk go round for ever."""
    last = names[-1]
    if last <= cursor.last and ber.unpack_oid(last) <= ber.unpack_oid(cursor.last):
        raise SnmpError(
            "loop", f"the agent does not move on after {ber.oid_text(cursor.last)}", where=where,
            fix="The table is broken in its software; leave it out with a profile of your own.",
        )  # fmt: skip
    cursor.last = last
