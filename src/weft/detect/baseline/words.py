"""Numbers in the words of people: amounts with units, spans of time, how rare something is."""

from __future__ import annotations

import math

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
#: Units that are scaled by thousands; others are written as they are.
_SCALED = ("bit/s", "B/s", "packet/s", "flow/s", "B", "packets", "bytes")
_SHORT = {"bit/s": "b/s"}
_SPANS = ((86400.0 * 365, "year"), (86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))


def amount(value: float, unit: str) -> str:
    """A value with its unit: ``9.2 Gb/s``, ``47 %``, ``1 310 orders/min``."""
    if not math.isfinite(value):
        return "nothing"
    scale, letter = next(((s, c) for s, c in _STEPS if abs(value) >= s), (1.0, "")) if unit in _SCALED else (1.0, "")
    short = _SHORT.get(unit, unit)
    return f"{digits(value / scale)} {letter}{short}".strip()


def span(lower: float, upper: float, unit: str) -> str:
    """From–to, with the unit once where it is the same for both."""
    low, high = amount(lower, unit), amount(upper, unit)
    if low.partition(" ")[2] == high.partition(" ")[2]:
        low = low.partition(" ")[0]
    return f"{low}–{high}"


def digits(value: float) -> str:
    """Two significant digits, all of them where there are more before the point."""
    if value == 0:
        return "0"
    places = max(0, 1 - math.floor(math.log10(abs(value))))
    told = f"{value:.{min(places, 6)}f}"
    return told.rstrip("0").rstrip(".") if "." in told else told


def lasting(seconds: float) -> str:
    """A span of time in its largest unit: ``40 days``."""
    for length, name in _SPANS:
        if seconds >= 1.5 * length or (name == "second"):
            count = round(seconds / length)
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "0 seconds"


def rarity(period_s: float, watched_s: float = math.inf) -> str:
    """How often the like comes: ``once in 40 days``; nothing is said beyond ten times what was watched."""
    if period_s > 10 * watched_s:
        return f"less than once in {lasting(10 * watched_s)}"
    return f"once in {lasting(period_s)}"
