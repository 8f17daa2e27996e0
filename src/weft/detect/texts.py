"""Times, spans and amounts as people read them in the texts of findings."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from weft.model.amounts import amount, digits

__all__ = ["amount", "between", "clock", "digits", "lasting", "moment", "rarity"]


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


def between(lower: float, upper: float, unit: str = "") -> str:
    """From–to, with the unit once where it is the same for both, e.g. ``3.1–4 Gbit/s``."""
    low, high = amount(lower, unit), amount(upper, unit)
    if low.partition(" ")[2] == high.partition(" ")[2]:
        low = low.partition(" ")[0]
    return f"{low}–{high}"


def rarity(period_s: float, watched_s: float = math.inf) -> str:
    """How often the like comes: ``once in 40 d``; nothing is said beyond ten times what was watched."""
    if period_s > 10 * watched_s:
        return f"less than once in {lasting(10 * watched_s)}"
    return f"once in {lasting(period_s)}"
