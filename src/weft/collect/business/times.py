"""Times as CSV files, databases and people write them, to UTC nanoseconds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from weft.errors import InvalidInput

_SECOND = 1_000_000_000
#: Whole numbers up to each are seconds, milliseconds, microseconds, nanoseconds (all reach beyond the year 5000).
_SCALES = ((10**11, _SECOND), (10**14, 10**6), (10**17, 10**3), (1 << 63, 1))


@lru_cache(maxsize=16)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def time_ns_of(given: Any, zone: str = "UTC") -> int:
    """``given``: a time, a day, a number or text of either. Raises ``InvalidInput``."""
    if isinstance(given, datetime):
        return _of_datetime(given, zone)
    if isinstance(given, date):
        return _of_datetime(datetime(given.year, given.month, given.day), zone)
    try:
        if isinstance(given, int | float) or (isinstance(given, str) and _is_number(given)):
            return _of_number(Decimal(str(given).strip()))
        return _of_datetime(datetime.fromisoformat(str(given).strip()), zone)
    except (ValueError, OverflowError, ArithmeticError):
        text = str(given)[:40]
        raise InvalidInput(
            f"'{text}' is not a time", fix="Write 2026-03-31T14:00:00+01:00, or seconds since 1970"
        ) from None


def _is_number(text: str) -> bool:
    body = text.strip().removeprefix("-")
    # Eight digits are a day without dashes.
    return body.replace(".", "", 1).isdigit() and body.isascii() and len(body) != len("20260331")


def _of_number(number: Decimal) -> int:
    for most, scale in _SCALES:
        if abs(number) < most:
            return int(number * scale)
    raise ValueError(number)


def _of_datetime(at: datetime, zone: str) -> int:
    at = at if at.tzinfo else at.replace(tzinfo=_zone(zone))
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds * 1000
