"""Cells of reference tables as values. Each parser says in its error what to write instead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from weft.errors import InvalidInput

#: Later than any time that is stored, UTC seconds.
FOREVER = 0xFFFFFFFF
_MOST_TEXT = 256
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def clean_text(text: str) -> str:
    """``text`` on one line, without spaces around it.

    Raises:
        InvalidInput: it is longer than 256 characters.
    """
    text = text.strip()
    if len(text) > _MOST_TEXT:
        raise InvalidInput(f"'{text[:20]}…' is longer than {_MOST_TEXT} characters", fix="Shorten it")
    return text if text.isprintable() else " ".join("".join(c if c.isprintable() else " " for c in text).split())


def parse_asn(text: str) -> int:
    """``64500``, ``AS64500`` or ``1.10`` (asdot).

    Raises:
        InvalidInput: it is not an AS number.
    """
    digits = text[2:] if text[:2].upper() == "AS" else text
    high, dot, low = digits.partition(".")
    if high.isascii() and high.isdigit() and (not dot or (low.isascii() and low.isdigit())):
        number = int(high) if not dot else int(high) << 16 | int(low)
        if number < 0xFFFFFFFF and (not dot or (int(high) < 65536 and int(low) < 65536)):
            return number
    raise InvalidInput(f"'{text}' is not an AS number", fix="Write a number such as 64500 or AS64500")


def parse_index(text: str) -> int:
    """An ifIndex.

    Raises:
        InvalidInput: it is not a number from 1 to 2³² - 1.
    """
    if text.isascii() and text.isdigit() and 0 < int(text) < 1 << 32:
        return int(text)
    raise InvalidInput(f"'{text}' is not an interface index", fix="Write the ifIndex that the device uses")


def parse_speed(text: str) -> int:
    """Bits per second: ``10G``, ``2.5 Gbit/s``, ``1000000000``; empty = 0, unknown.

    Raises:
        InvalidInput: it is not a speed.
    """
    word = text.strip().lower()
    for suffix in ("bit/s", "bits/s", "bps", "b/s", "b"):
        word = word.removesuffix(suffix)
    word = word.strip()
    unit = word[-1:] if word[-1:].isalpha() else ""
    number = word.removesuffix(unit).strip()
    if not word and not text.strip():
        return 0
    if unit in _UNITS and number.replace(".", "", 1).isdigit() and number.isascii():
        bits = round(float(number) * _UNITS[unit])
        if bits < 1 << 63:
            return bits
    raise InvalidInput(f"'{text}' is not a speed", fix="Write 10G, 100M or the number of bits per second")


def one_of(text: str, choices: tuple[str, ...]) -> str:
    """``text`` in lower case, which must be empty or one of ``choices``.

    Raises:
        InvalidInput: it is something else.
    """
    word = text.strip().lower()
    if word and word not in choices:
        raise InvalidInput(f"'{text}' is not allowed", fix=f"Write {' or '.join(choices)}, or leave it empty")
    return word


class Period(NamedTuple):
    """When a row holds: UTC seconds, ``until`` excluded."""

    since: int = 0
    until: int = FOREVER

    @property
    def dated(self) -> bool:
        """Whether it says anything."""
        return self != Period()

    def next_change(self, now_s: float) -> float:
        """When the row begins or ends to hold next, after ``now_s``; infinity = never."""
        return min((float(t) for t in self if now_s < t < FOREVER), default=float("inf"))


def parse_period(valid_from: str, valid_to: str) -> Period:
    """Two cells; an empty one is no bound. Without an offset times are UTC; a last *day* is included.

    Raises:
        InvalidInput: a cell is no time, or the end is not after the beginning.
    """
    since = _moment(valid_from) if valid_from.strip() else 0
    until = FOREVER
    if text := valid_to.strip():
        until = _moment(text) + (86_400 if _is_day(text) else 0)
    if until <= since:
        raise InvalidInput(f"'{valid_to.strip()}' is not after '{valid_from.strip()}'", fix="Swap or correct them")
    return Period(since, until)


def _is_day(text: str) -> bool:
    return len(text) <= len("2026-03-31")


def _moment(text: str) -> int:
    text = text.strip()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"'{text}' is not a time", fix="Write 2026-03-31 or 2026-03-31T14:00:00+01:00") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    seconds = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    if not 0 <= seconds < FOREVER - 86_400:
        raise InvalidInput(f"'{text}' is out of range", fix="Write a time from 1970 to 2106, or leave the cell empty")
    return int(seconds)
