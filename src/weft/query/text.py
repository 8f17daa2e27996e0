"""A view as text for a terminal: aligned columns, numbers with units, a sparkline per series.

Comes in: a ``ViewResult``. Goes out: lines. Control characters in names are made visible, never sent to the terminal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from weft.model.amounts import amount
from weft.model.views import Series, ViewColumn, ViewResult

_BARS = "▁▂▃▄▅▆▇█"
_GAP = "·"
_SPARK_WIDTH = 24
#: Units that say what is counted, which the heading says already.
_COUNTED = ("packets", "flows", "messages", "changes", "lines", "samples", "series", "prefixes", "sessions")


def sparkline(values: Sequence[float | None], width: int = _SPARK_WIDTH) -> str:
    """The course of a series in ``width`` characters; a dot where nothing is known."""
    if not values:
        return ""
    count = min(width, len(values))
    chunks = [values[i * len(values) // count : (i + 1) * len(values) // count] for i in range(count)]
    means = [_mean(chunk) for chunk in chunks]
    top = max((m for m in means if m is not None), default=0.0)
    return "".join(_GAP if m is None else _BARS[int(m / top * 7 + 0.5) if top > 0 else 0] for m in means)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(known) / len(known) if known else None


def visible(text: str) -> str:
    """``text`` with control and direction characters shown as escapes."""
    return "".join(c if unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode() for c in text)


def render(result: ViewResult) -> Iterator[str]:
    """The view, line by line."""
    series = {tuple(s.key): s for s in result.series}
    head = [visible(c.title) for c in result.columns]
    spark = bool(series) and result.grid is not None
    if spark:
        head.append("Course")
    body = []
    for i, row in enumerate(result.rows):
        cells = [_cell(result, c, v) for c, v in zip(result.columns, row, strict=True)]
        if spark:
            cells.append(sparkline(_series_of(result, series, i, row).values))
        body.append(cells)
    right = [c.kind == "measure" for c in result.columns] + [False] * spark
    yield from _aligned(head, body, right)


def _series_of(result: ViewResult, series: dict[tuple[str, ...], Series], index: int, row: Sequence[Any]) -> Series:
    if index == result.other:
        return next(s for s in result.series if s.other)
    width = sum(1 for c in result.columns if c.kind != "measure")
    return series[tuple(row[:width])]


def _cell(result: ViewResult, column: ViewColumn, value: Any) -> str:
    if column.kind == "measure":
        return amount(value, "" if column.unit in _COUNTED else column.unit)
    if value is None:
        return ""
    return visible(result.labels.get(column.name, {}).get(value, str(value)))


def _aligned(head: Sequence[str], body: Sequence[Sequence[str]], right: Sequence[bool]) -> Iterator[str]:
    widths = [max(_width(row[i]) for row in (head, *body)) for i in range(len(head))]
    for row in (head, ["─" * w for w in widths], *body):
        padded = []
        for text, width, to_right in zip(row, widths, right, strict=True):
            space = " " * (width - _width(text))
            padded.append(space + text if to_right else text + space)
        yield "  ".join(padded).rstrip()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def footer(result: ViewResult) -> Iterator[str]:
    """What the numbers rest on, in a few lines."""
    p, window = result.provenance, result.window
    resolution = f", {p.resolution_s} s" if p.resolution_s else ", raw rows"
    yield (
        f"{_time(window.since)} – {_time(window.until)} UTC · {p.table}{resolution} · "
        f"{amount(p.rows_read, '')} rows read in {p.elapsed_ms:.0f} ms"
    )
    if p.unsampled_share > 0:
        yield f"Sampling rate unknown for {p.unsampled_share:.1%} of the rows: counted as 1."
    if p.silent_exporters:
        shown = ", ".join(map(visible, p.silent_exporters[:5]))
        more = len(p.silent_exporters) - 5
        yield f"Silent in this window: {shown}{f' and {more} more' if more > 0 else ''}."
    yield from (f"{note[:1].upper()}{note[1:]}." for note in p.notes)


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%d %H:%M:%S}"
