"""Numbers with their units as people read them: in texts of events, in notifications, in a terminal. One way of it."""

from __future__ import annotations

import math

_PREFIXES = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
#: Units that take a prefix; of others (orders, ms, %) all digits are written.
_SCALED = frozenset(("", "bit/s", "bit", "B", "B/s", "packets", "packet/s", "flow/s"))
#: What three digits round up to the next prefix: 999.5 k is 1 M.
_ROUNDS_UP = 0.9995


def amount(value: float | None, unit: str = "") -> str:
    """A value with three digits and a decimal prefix, e.g. ``9.2 Gbit/s``; a dash where it is not known."""
    if value is None or not math.isfinite(value):
        return "–"
    prefixes = _PREFIXES if unit in _SCALED else ()
    scale, prefix = next(
        ((size, name) for size, name in prefixes if abs(value) >= _ROUNDS_UP * size), (1.0, "")
    )  # fmt: skip
    return f"{digits(value / scale)} {prefix}{unit}".rstrip()


def digits(value: float) -> str:
    """Three significant digits, and all of them before the point, e.g. ``0.042``, ``1310``."""
    if value == 0:
        return "0"
    places = 2 - math.floor(math.log10(abs(value)))
    told = f"{value:.{max(0, min(places, 9))}f}"
    return told.rstrip("0").rstrip(".") if "." in told else told
