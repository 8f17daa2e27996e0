"""Times, spans and amounts as people read them in the texts of findings."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def clock(at_s: float) -> str:
    """A moment, e.g. ``14:05:30 UTC``."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S UTC")


def moment(at_s: float) -> str:
    """A moment with its day, e.g. ``2026-03-05 14:05 UTC``."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def lasting(span_s: float) -> str:
    """A span, e.g. ``4 min``; each unit from two of it on: ``90 s``, ``2.5 h``, ``3 d``."""
    for size, unit in ((86_400.0, "d"), (3600.0, "h")):
        if span_s >= 2 * size:
            return f"{span_s / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{span_s / 60:.0f} min" if span_s >= 120 else f"{span_s:.0f} s"


def amount(value: float, unit: str = "") -> str:
    """A value with three digits and a decimal prefix, e.g. ``9.2 Gbit/s``; a dash where it is not known."""
    if not math.isfinite(value):
        return "–"
    scale, prefix = next(((size, name) for size, name in _PREFIXES if abs(value) >= size), (1.0, ""))
    return f"{value / scale:.3g} {prefix}{unit}".rstrip()
