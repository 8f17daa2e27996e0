"""Time stamps of log messages: how they are written, and what second they mean.

A stamp is read as civil time; its zone, where it names one, is kept beside it. A missing year is the last one that does
not put the stamp more than a week after its arrival. Nothing here knows the sender: what a stamp without a zone means
is decided in ``clock``.
"""

from __future__ import annotations

import re
from datetime import date

#: Minutes east of UTC, or a zone's abbreviation, or None where the stamp names none.
Zone = int | str | None

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
MONTHS = {name: number for number, name in enumerate(_MONTHS.split(), 1)}
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY = 86_400
_MOST_CACHED = 20_000
_MOST_AHEAD_S = 7 * _DAY
_NANO = (0, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)

#: Minutes east of UTC that an abbreviation may mean, the usual one first.
ZONES: dict[str, tuple[int, ...]] = {
    "UTC": (0,), "GMT": (0,), "UCT": (0,), "Z": (0,), "WET": (0,), "WEST": (60,), "WEDT": (60,), "BST": (60, 360),
    "IST": (330, 120, 60), "CET": (60,), "MEZ": (60,), "CEST": (120,), "MEST": (120,), "MESZ": (120,), "MET": (60,),
    "CEDT": (120,), "SAST": (120,), "EET": (120,), "EEST": (180,), "EEDT": (180,), "MSK": (180,), "TRT": (180,),
    "AST": (-240, 180), "ADT": (-180, 240), "IDT": (180,), "IRST": (210,), "IRDT": (270,), "GST": (240,),
    "AFT": (270,), "PKT": (300,), "UZT": (300,), "NPT": (345,), "WIB": (420,), "ICT": (420,), "HKT": (480,),
    "SGT": (480,), "MYT": (480,), "PHT": (480,), "AWST": (480,), "CST": (-360, 480, -300), "JST": (540,),
    "KST": (540,), "ACST": (570,), "ACDT": (630,), "AEST": (600,), "AEDT": (660,), "NZST": (720,), "NZDT": (780,),
    "EST": (-300, 600), "EDT": (-240, 660), "ET": (-300, -240), "CDT": (-300, -240), "CT": (-360, -300),
    "MST": (-420,), "MDT": (-360,), "MT": (-420, -360), "PST": (-480, 480), "PDT": (-420,), "PT": (-480, -420),
    "AKST": (-540,), "AKDT": (-480,), "HST": (-600,), "HAST": (-600,), "HADT": (-540,), "HDT": (-540,),
    "NST": (-210,), "NDT": (-150,), "BRT": (-180,), "BRST": (-120,), "ART": (-180,), "CLT": (-240,), "CLST": (-180,),
    "COT": (-300,), "PET": (-300,), "VET": (-240,), "WAT": (60,), "CAT": (120,), "EAT": (180,),
}  # fmt: skip

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"\d{1,2}:\d\d:\d\d"
_OFFSET = r"[+-]\d\d:?\d\d"
#: ``Mar  1 18:46:11``, ``Mar 01 2024 18:46:11.123``, ``Mar 1 18:46:11:123 2024``, ``Mar 1 2024 02:17:31 PM.282``.
BSD = re.compile(
    rf"({_MONTH}) +(\d{{1,2}})(?: (\d{{4}}))? ({_CLOCK})(?:[.,:](\d{{1,9}}))?(?: ([AP]M)(?:\.(\d{{1,9}}))?)?"
    rf"(?: ((?:19|20)\d\d)(?= |:[ %]|:?$))?({_OFFSET})?",
    re.ASCII,
)
#: ``2024 Mar  1 18:46:11.123``.
YEAR_FIRST = re.compile(rf"((?:19|20)\d\d) ({_MONTH}) +(\d{{1,2}}) ({_CLOCK})(?:[.,](\d{{1,9}}))?", re.ASCII)
#: RFC 3339 and its kin: ``2024-03-01T18:46:11.123456+01:00``, ``2024-3-1 18:46:11,123``, ``2024/03/01 18:46:11``.
ISO = re.compile(
    rf"(\d{{4}})[-/](\d{{1,2}}|{_MONTH})[-/] ?(\d{{1,2}})[T ]+({_CLOCK})(?:[.,](\d{{1,9}})(?:\.\d+)?)?"
    rf"(Z|{_OFFSET}|[+-]\d\d(?!\d))?(?:Z(?= ))?",
    re.ASCII,
)
#: ``01/03/2024:18:46:11``: day or month first, the year last.
YEAR_LAST = re.compile(rf"(\d{{2}})/(\d{{2}})/(\d{{4}})[: ]({_CLOCK})(?:[.,](\d{{1,9}}))?", re.ASCII)
EPOCH = re.compile(r"(\d{9,10})\.(\d{1,9}) ", re.ASCII)
WEEKDAY = re.compile(rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? ({_MONTH}) +(\d{{1,2}}) ({_CLOCK}) ((?:19|20)\d\d)", re.ASCII)
UPTIME = re.compile(r"(?:\d+:\d\d:\d\d|(?:\d+[ywdhm]){1,3}|\d+ \d+)(?:\.\d+)?(?=: )", re.ASCII)
_NAMES = "|".join(sorted((name for name in ZONES if len(name) > 2), key=len, reverse=True))
ZONE_NAME = re.compile(rf" ?({_NAMES}|(?:ET|CT|MT|PT|Z)(?= ?:)|{_OFFSET})(?=[ :]|$)", re.ASCII)


class Stamp:
    """A stamp as read. ``seconds`` since 1970 as if it were UTC; ``digits`` of its fraction tell its resolution."""

    __slots__ = ("digits", "nanos", "seconds", "zone")

    def __init__(self, seconds: int, nanos: int = 0, digits: int = 0, zone: Zone = None) -> None:
        self.seconds, self.nanos, self.digits, self.zone = seconds, nanos, digits, zone


class StampReader:
    """Reads stamps; remembers the second that a text means, as the same second comes many times."""

    def __init__(self) -> None:
        self._seconds: dict[str, int | None] = {}
        self._day = 0

    def seconds(self, written: str, now_s: int) -> int | None:
        """The second that a whole stamp without fraction and zone means."""
        seconds = self._cached(written, now_s)
        if seconds is None:
            read = self.any(written, 0, now_s)
            seconds = read[0].seconds if read is not None else None
        return seconds

    def bsd(self, text: str, at: int, now_s: int) -> tuple[Stamp, int] | None:
        """A stamp with a month's name at ``at``, and where it ends. ``now_s``: arrival, UTC seconds."""
        found = BSD.match(text, at)
        if found is None:
            return None
        month, day, year, clock, fraction, half, late_fraction, late_year, offset = found.groups()
        key = found[0] if year or late_year or half else text[at : found.end(4)]
        seconds = self._cached(key, now_s)
        if seconds is None:
            seconds = civil(_int(year or late_year), MONTHS[month], int(day), clock, now_s, half)
            self._keep(key, seconds)
        if seconds is None:
            return None
        digits = fraction or late_fraction or ""
        return Stamp(seconds, nanos(digits), len(digits), minutes_east(offset)), found.end()

    def year_first(self, text: str, at: int, now_s: int) -> tuple[Stamp, int] | None:
        """``2024 Mar  1 18:46:11``."""
        found = YEAR_FIRST.match(text, at)
        if found is None:
            return None
        year, month, day, clock, fraction = found.groups()
        seconds = civil(int(year), MONTHS[month], int(day), clock, now_s)
        return None if seconds is None else (Stamp(seconds, nanos(fraction), len(fraction or "")), found.end())

    def iso(self, text: str, at: int, now_s: int) -> tuple[Stamp, int] | None:
        """RFC 3339 and its looser kin."""
        found = ISO.match(text, at)
        if found is None:
            return None
        year, month, day, clock, fraction, offset = found.groups()
        key = text[at : found.end(4)]
        seconds = self._cached(key, now_s)
        if seconds is None:
            seconds = civil(int(year), MONTHS.get(month) or int(month), int(day), clock, now_s)
            self._keep(key, seconds)
        if seconds is None:
            return None
        return Stamp(seconds, nanos(fraction), len(fraction or ""), minutes_east(offset)), found.end()

    def year_last(self, text: str, at: int, now_s: int) -> tuple[Stamp, int] | None:
        """``dd/mm/yyyy`` or ``mm/dd/yyyy``, whichever is closer to the arrival."""
        found = YEAR_LAST.match(text, at)
        if found is None:
            return None
        one, other, year, clock, fraction = found.groups()
        readings = (civil(int(year), int(m), int(d), clock, now_s) for m, d in ((one, other), (other, one)))
        known = [seconds for seconds in readings if seconds is not None]
        if not known:
            return None
        seconds = min(known, key=lambda s: abs(s - now_s))
        return Stamp(seconds, nanos(fraction), len(fraction or "")), found.end()

    def weekday(self, text: str, at: int, now_s: int) -> tuple[Stamp, int] | None:
        """``Mon May 04 12:59:59 2020``."""
        found = WEEKDAY.match(text, at)
        if found is None:
            return None
        seconds = civil(int(found[4]), MONTHS[found[1]], int(found[2]), found[3], now_s)
        return None if seconds is None else (Stamp(seconds), found.end())

    def any(self, text: str, at: int, now_s: int) -> tuple[Stamp, int] | None:
        """Whichever of the written forms is at ``at``."""
        head = text[at : at + 1]
        if head.isdigit():
            return self.iso(text, at, now_s) or self.year_first(text, at, now_s) or self.year_last(text, at, now_s)
        return self.bsd(text, at, now_s) or self.weekday(text, at, now_s)

    def _cached(self, key: str, now_s: int) -> int | None:
        day = now_s // _DAY
        if day != self._day or len(self._seconds) > _MOST_CACHED:
            self._seconds.clear()
            self._day = day
        return self._seconds.get(key)

    def _keep(self, key: str, seconds: int | None) -> None:
        if seconds is not None:
            self._seconds[key] = seconds


def civil(year: int | None, month: int, day: int, clock: str, now_s: int, half: str | None = None) -> int | None:
    """Seconds since 1970 of a civil time read as UTC; None where there is no such day or time.

    A leap second is the second before it.
    """
    hour, minute, second = (int(part) for part in clock.split(":"))
    if hour > 23 or minute > 59 or second > 60:
        return None
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0) if hour <= 12 else hour
    within = hour * 3600 + minute * 60 + min(second, 59)
    if year is not None:
        days = _days(year, month, day)
        return None if days is None else days * _DAY + within
    this = date.fromordinal(_EPOCH_DAY + now_s // _DAY).year
    candidates = (_days(one, month, day) for one in (this, this - 1, this + 1))
    known = [days * _DAY + within for days in candidates if days is not None]
    past = [seconds for seconds in known if seconds <= now_s + _MOST_AHEAD_S]
    return max(past) if past else min(known, default=None)


def _days(year: int, month: int, day: int) -> int | None:
    try:
        return date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None


def nanos(fraction: str | None) -> int:
    """Digits after the point to nanoseconds."""
    return int(fraction) * (_NANO[len(fraction)] if len(fraction) < 10 else 1) if fraction else 0


def _int(text: str | None) -> int | None:
    return int(text) if text else None


def minutes_east(text: str | None) -> int | None:
    """Of UTC: ``Z``, ``+01:00``, ``+0100`` or ``+01`` to minutes."""
    if not text:
        return None
    if text == "Z" or text == "+00:00":
        return 0
    minutes = int(text[1:3]) * 60 + (int(text[-2:]) if len(text) > 3 else 0)
    return -minutes if text[0] == "-" else minutes


def zone_at(text: str, at: int) -> tuple[Zone, int]:
    """A zone's name or offset at ``at`` (after an optional blank), and where it ends."""
    found = ZONE_NAME.match(text, at)
    if found is None:
        return None, at
    name = found[1]
    return (minutes_east(name) if name[0] in "+-" else name), found.end()
