"""Clocks of exporters to UTC nanoseconds. 0 stands for a time that cannot be used."""

from __future__ import annotations

from weft.decode.flow.elements import Op
from weft.decode.kernels import inlined, kernel

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
_NTP_UNIX = 2_208_988_800  # seconds from 1900 to 1970
_MASK32 = 0xFFFFFFFF
_ERA = 1 << 32
_HALF = 1 << 31
_LAST_SECOND = 9_000_000_000  # what still fits int64 nanoseconds
_YEAR = 366 * 86400

_SECONDS, _MILLISECONDS = int(Op.SECONDS), int(Op.MILLISECONDS)
_NTP_MICRO, _NTP_NANO, _DELTA_MICRO = int(Op.NTP_MICRO), int(Op.NTP_NANO), int(Op.DELTA_MICRO)


@inlined
def uptime_age_ms(uptime: int, then: int) -> int:
    """How long before ``uptime`` (ms, 32 bits, wraps after 49.7 days) ``then`` was; never negative.

    An exporter that stamps the header before its records sends times slightly ahead of it: those count as "now".
    """
    age = (uptime - then) & _MASK32
    return age if age < _HALF else 0


@inlined
def relative_ns(exported: int, init_ms: int, value: int) -> int:
    """IPFIX flowStart/EndSysUpTime: ms after ``init_ms``, taken modulo 2^32 to be nearest the export time."""
    exact = init_ms + value
    if exported == 0:
        return exact * MILLISECOND
    now = exported // MILLISECOND
    ahead = (exact - now) & _MASK32
    return (now + (ahead if ahead < _HALF else ahead - _ERA)) * MILLISECOND


@kernel
def ntp_ns(value: int, exported: int, micro: bool) -> int:
    """NTP timestamp of RFC 7011 §6.1.9 and §6.1.10: seconds since 1900 and a binary fraction.

    Eras begin in 1900 and 2036: values in the lower half of the range belong to the second one. Some exporters send
    plain micro- or nanoseconds since 1970 instead; they are recognised by fitting the export time where NTP does not.
    """
    seconds, fraction = (value >> 32) & _MASK32, value & _MASK32
    if seconds < _HALF:
        seconds += _ERA
    seconds -= _NTP_UNIX
    now = exported // SECOND
    if value > 0 and exported and abs(seconds - now) > _YEAR:
        per_second = 1_000_000 if micro else SECOND
        if abs(value // per_second - now) < _YEAR:
            return value * (SECOND // per_second)
    return seconds * SECOND + (fraction * SECOND + _HALF >> 32)


@inlined
def milliseconds_ns(value: int) -> int:
    """Milliseconds since 1970; 0 beyond what int64 nanoseconds hold."""
    return value * MILLISECOND if 0 <= value < _LAST_SECOND * 1000 else 0


@inlined
def absolute_ns(op: int, value: int, exported: int) -> int:
    """A wire time of encoding ``op``; 0 where it is unset or beyond what int64 nanoseconds hold."""
    if op in (_NTP_MICRO, _NTP_NANO):
        return ntp_ns(value, exported, op == _NTP_MICRO) if value else 0
    if op == _SECONDS:
        return value * SECOND if 0 <= value < _LAST_SECOND else 0
    if op == _MILLISECONDS:
        return milliseconds_ns(value)
    if op == _DELTA_MICRO and 0 <= value < exported // 1000:
        return exported - value * 1000
    return 0
