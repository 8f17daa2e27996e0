"""Numbers as people say them."""

from __future__ import annotations


def rate_text(bps: float) -> str:
    """Bit/s: ``7.8 Gbit/s``."""
    for size, unit in ((1e12, "Tbit/s"), (1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")):
        if bps >= size:
            return f"{bps / size:.3g} {unit}"
    return f"{bps:.0f} bit/s"


def span_text(seconds: float) -> str:
    """A time: ``2.5 h``."""
    for size, unit in ((86400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"


def count_text(count: float) -> str:
    """A count: ``12,400``."""
    return f"{count:,.0f}"
