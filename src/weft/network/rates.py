"""Rates as people write them: ``100G``, ``2.5Gbit/s``, ``800M``."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

_RATE = re.compile(r"(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\s*([kMGT]?)(?:bit/s|bps|b)?", re.IGNORECASE)
_FACTORS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}


def parse_rate(text: str) -> float | None:
    """Bit/s; None where it is no rate."""
    match = _RATE.fullmatch(text.strip())
    return float(match[1]) * _FACTORS[match[2].lower()] if match else None


def _rate(given: Any) -> Any:
    found = parse_rate(given) if isinstance(given, str) else None
    return given if found is None else found


#: A rate above zero, in bit/s or as people write it.
Rate = Annotated[float, BeforeValidator(_rate), Field(gt=0, le=1e18, allow_inf_nan=False)]
