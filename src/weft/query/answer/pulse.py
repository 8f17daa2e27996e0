"""Who sent, and when: what tells a gap (nothing known) from a zero, and names the exporters that were silent.

Asked of the tiny rollup of exporters where it can answer, with that part of the filter that speaks of exporters only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from weft.query.answer.runner import Runner
from weft.query.compile.ask import Ask, sides
from weft.query.compile.source import Choice, Source
from weft.query.compile.sql import Statement, moment, select
from weft.query.compile.statements import Compiler, Window
from weft.query.filter.tree import And, Node, leaves
from weft.query.names import address_cell
from weft.query.times import Grid

_DAY = 86_400
_MINUTE = 60
MAX_RATES = 16


@dataclass
class Known:
    """For each bucket now and before: whether any exporter asked about was heard. And what else the rows say."""

    now: Sequence[bool]
    before: Sequence[bool]
    rates: list[int] = field(default_factory=list)
    unsampled_share: float = 0.0
    newest: int | None = None
    silent: list[str] = field(default_factory=list)
    several: bool = False
    """Whether more than one source tells of the same metrics of a device."""


def exporter_part(ask: Ask) -> Node | None:
    """The conjuncts of the filter that look at nothing but the exporter."""
    node = ask.filter
    items = node.items if isinstance(node, And) else (node,) if node is not None else ()
    kept = [item for item in items if _of_exporter(ask, item)]
    return And(tuple(kept)) if len(kept) > 1 else kept[0] if kept else None


def _of_exporter(ask: Ask, node: Node) -> bool:
    names = {name for leaf in leaves(node) for name in (leaf.field, getattr(leaf, "other", leaf.field))}
    return all(d.keys == ("exporter",) for name in names for d in sides(ask.dataset, name))


def take_pulse(ask: Ask, runner: Runner) -> Known:
    """Ask who sent in the window, in the one compared with, and in the day before the window's end."""
    if not {"exporter", "sampling_rate"} <= ask.dataset.table.by_name.keys():
        return _take_quietly(ask, runner)
    grid = ask.grid
    known = Known([False] * grid.count, [False] * grid.count)
    step = max(grid.step, _MINUTE)
    start = grid.start - grid.start % _MINUTE
    count = -(-(grid.end - start) // step)
    pulse = replace(
        ask,
        by=(),
        measures=(),
        filter=exporter_part(ask),
        grid=Grid(start, step, count, start + step * count),
        shift=0,
        slot=0,
    )
    known.now = _take(pulse, runner, known, grid)
    if ask.shift:
        earlier = grid.start - ask.shift
        start = earlier - earlier % _MINUTE
        shifted = replace(pulse, grid=Grid(start, step, count, start + step * count))
        known.before = _take(
            shifted, runner, None, Grid(earlier, grid.step, grid.count, earlier + grid.end - grid.start)
        )
    return known


def _take_quietly(ask: Ask, runner: Runner) -> Known:
    """For tables where silence is no gap: nothing was logged or changed; or each group tells its own (metrics)."""
    known = Known([True] * ask.grid.count, [True] * ask.grid.count)
    if "interval_ms" in ask.dataset.table.by_name:
        _who_was_polled(ask, runner, known)
        return known
    table = ask.dataset.table
    compiler = Compiler(replace(ask, filter=exporter_part(ask)), Choice(Source(table.name, 0)))
    where = compiler.condition(Window(ask.grid.start, ask.grid.end))
    newest = select([f"{table.time.name} AS newest"], table.name, where=where, order_by=["newest DESC"], limit=1)
    rows = runner.run(Statement(newest, compiler.parameters), shown=False).to_pylist()
    known.newest = _seconds(rows[0]["newest"]) if rows else None
    return known


def _who_was_polled(ask: Ask, runner: Runner, known: Known) -> None:
    """Devices are silent when they sent before, for as long again as the window (an hour to a day), but not in it."""
    grid, table = ask.grid, ask.dataset.table
    lookback = min(max(grid.seconds, 3600), _DAY)
    compiler = Compiler(ask, Choice(Source(table.name, 0)))
    where = compiler.condition(Window(min(grid.start - lookback, grid.start - ask.shift), grid.end))
    keys = ["exporter", "metric", "source"]
    sql = select([*keys, f"max({table.time.name}) AS newest"], table.name, where=where, group_by=keys)
    rows = runner.run(Statement(sql, compiler.parameters), shown=False).to_pylist()
    times: dict[bytes, int] = {}
    for row in rows:
        times[row["exporter"]] = max(times.get(row["exporter"], 0), _seconds(row["newest"]))
    known.newest = max((at for at in times.values() if at >= grid.start), default=None)
    known.silent = sorted(address_cell(e) for e, at in times.items() if at < grid.start)
    known.several = len({(row["exporter"], row["metric"]) for row in rows}) < len(rows)


def _take(ask: Ask, runner: Runner, known: Known | None, grid: Grid) -> list[bool]:
    own = ask.grid
    since = min(own.start, own.end - _DAY) if known else own.start
    compiler = runner.compiler(ask, bucketed=True, main=False)
    source, time = compiler.choice.base, ask.dataset.table.time.name
    window = f"{time} >= {moment(own.start)}"
    flows = f"sumIf(flows, {window})" if source.seconds else f"countIf({window})"
    bucket = f"intDiv(toUInt32({time}) - {own.start}, {own.step})"
    where = f"{time} >= {moment(since)} AND {time} < {moment(own.end)}"
    if condition := compiler.filter_condition:
        where += f"\n  AND {condition}"
    sql = select(
        [
            "exporter",
            "sampling_rate",
            f"{flows} AS rows",
            f"max({time}) AS newest",
            f"groupUniqArrayIf({bucket}, {window}) AS heard",
        ],
        source.name,
        where=where,
        group_by=["exporter", "sampling_rate"],
    )
    table = runner.run(Statement(sql, compiler.parameters), shown=False)
    heard: set[int] = {b for row in table.to_pylist() for b in row["heard"]}
    if known is not None:
        _facts(known, table.to_pylist())
        if source.seconds and known.newest:
            known.newest = _newest(compiler, runner, known.newest, min(known.newest + source.seconds, own.end))
    out = []
    for i in range(grid.count):
        first = (grid.start + i * grid.step - own.start) // own.step
        last = (grid.start + (i + 1) * grid.step - 1 - own.start) // own.step
        out.append(any(b in heard for b in range(first, last + 1)))
    return out


def _newest(compiler: Compiler, runner: Runner, since: int, until: int) -> int:
    """The newest raw row of a rollup's last bucket, to the second; the bucket's start if raw rows are gone."""
    table = compiler.ask.dataset.table
    raw = Compiler(compiler.ask, Choice(Source(table.name, 0)))
    sql = select([f"max({table.time.name}) AS newest"], table.name, where=raw.condition(Window(since, until)))
    rows = runner.run(Statement(sql, raw.parameters), shown=False).to_pylist()
    return max(since, _seconds(rows[0]["newest"])) if rows else since


def _facts(known: Known, rows: Sequence[dict[str, object]]) -> None:
    counts: dict[bytes, int] = {}
    rates: dict[int, int] = {}
    newest = 0
    for row in rows:
        exporter, rate, count = row["exporter"], row["sampling_rate"], row["rows"]
        assert isinstance(exporter, bytes)
        assert isinstance(rate, int)
        assert isinstance(count, int)
        counts[exporter] = counts.get(exporter, 0) + count
        if count:
            rates[rate] = rates.get(rate, 0) + count
            newest = max(newest, _seconds(row["newest"]))
    total = sum(rates.values())
    known.rates = sorted(rates, key=lambda r: -rates[r])[:MAX_RATES]
    known.rates = sorted(r for r in known.rates if r)
    known.unsampled_share = rates.get(0, 0) / total if total else 0.0
    known.newest = newest or None
    known.silent = sorted(address_cell(e) for e, n in counts.items() if not n)


def _seconds(value: object) -> int:
    return int(value.timestamp()) if hasattr(value, "timestamp") else int(value)  # type: ignore[call-overload]
