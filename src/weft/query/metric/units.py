"""Units of series that say themselves what they are in."""

from __future__ import annotations

from dataclasses import replace

from weft.query.answer.body import whole
from weft.query.answer.runner import Runner
from weft.query.compile.ask import Ask
from weft.query.compile.source import Choice, Source
from weft.query.compile.sql import Statement
from weft.query.compile.statements import Compiler
from weft.query.metric.measures import MetricMeasure


def in_their_unit(ask: Ask, runner: Runner) -> Ask:
    """With the measures in the unit that the rows name, where all of them name the same."""
    shape, table = ask.dataset.shape, ask.dataset.table.name
    if shape is None or shape.units is None or ask.query.view == "records":
        return ask
    compiler = Compiler(ask, Choice(Source(table, 0)))
    statement = Statement(shape.units(table, compiler.condition(whole(ask))), compiler.parameters)
    units = runner.run(statement, shown=False)["unit"].to_pylist()
    if len(units) != 1:
        if len(units) > 1 and not {d.name for d in ask.by} & {"series", "unit"}:
            runner.note("values in different units together: name one series, or group by series")
        return ask
    named = (replace(m, unit=str(units[0])) if isinstance(m, MetricMeasure) and m.of else m for m in ask.measures)
    return replace(ask, measures=tuple(named))
