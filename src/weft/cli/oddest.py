"""``weft detect oddest``: where to look first in an answer of ``weft query``."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import IO, Any

import click
import numpy as np

from weft.errors import InvalidInput

#: Places told of each series.
_SHOWN = 3


@click.command("oddest")
@click.argument("answer", type=click.File("r"), default="-")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def oddest_command(answer: IO[str], as_json: bool) -> None:
    """Tell the oddest moments of each series of an answer, and where its level changed.

    \b
    weft query --by dst_site --view series --since now-7d --json | weft detect oddest

    All of the answer is in view: moments are ranked against what the series does before and after. ANSWER is a file,
    else what comes in.
    """  # noqa: D301  # \b keeps lines of examples apart
    try:
        told = json.load(answer)
        series, grid, unit = told["series"], told["grid"], str(told["unit"])
        found = [_look(one, grid) for one in series if not one.get("other")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput("is no series of `weft query --view series --json`", where="answer") from error
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found:
        click.echo(one["label"])
        for place in one["oddest"]:
            click.echo(f"    {place['at']}  {_amount(place['value'], unit)} (odd by {place['score']:.1f})")
        for change in one["changes"]:
            before, after = _amount(change["before"], unit), _amount(change["after"], unit)
            click.echo(f"    {change['at']}  another level: {before} before, {after} since")
        if not one["oddest"] and not one["changes"]:
            click.echo("    nothing")


def _look(series: dict[str, Any], grid: dict[str, Any]) -> dict[str, Any]:
    """What one series shows."""
    from weft.detect.backtest import iso
    from weft.detect.shape import changes as shape_changes
    from weft.detect.shape.period import filled
    from weft.detect.shape.whole import LEAST, whole_window

    values = np.array([np.nan if one is None else one for one in series["values"]], np.float64)
    if len(values) < LEAST or not np.isfinite(values).any():
        return {"label": series["label"], "oddest": [], "changes": []}
    at = [iso(grid["start"] + place * grid["step"]) for place in range(len(values))]
    whole = whole_window(values)
    few = values[-shape_changes.MOST :]
    edges = [one + len(values) - len(few) for one in shape_changes.changes(few)]
    ends = [len(values) - len(few), *edges, len(values)]
    bridged = filled(values)
    levels = [float(np.median(bridged[first:last])) for first, last in pairwise(ends)]
    return {
        "label": series["label"],
        "oddest": [{"at": at[p], "value": values[p], "score": round(float(whole.score[p]), 3)}
                   for p in whole.top(_SHOWN)],
        "changes": [{"at": at[p], "before": levels[n], "after": levels[n + 1]} for n, p in enumerate(edges)],
    }  # fmt: skip


def _amount(value: float, unit: str) -> str:
    from weft.model.amounts import amount

    return amount(value, unit)
