"""Times in words, as texts of findings have them."""

from __future__ import annotations

import numpy as np


def span(seconds: float) -> str:
    """A length of time: ``45 s``, ``12 min``, ``3 h``."""
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.0f} s"


def clock(at_s: float) -> str:
    """A time of day: ``14:05:00 UTC``."""
    return str(np.datetime64(int(at_s), "s"))[11:] + " UTC"
