"""Values that are not plain numbers on the wire: texts, lists, JSON leaves, words that stand for numbers."""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from typing import Any

from weft.decode.gnmi.mapping import Match, word

#: A text that is a number as devices write them; not 0123, which is a code.
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
_ABSENT = frozenset({"", "N/A", "NA", "NONE", "NULL", "-", "NAN", "NOT APPLICABLE"})
_MOST_TEXT = 4096
Scalar = str | float | bool


def number_of(value: Scalar, match: Match, *, loose: bool) -> float | None:
    """The number that a value is or stands for; none if it is a text.

    ``loose``: texts that look like a number are one (JSON has 64-bit numbers as text); else only where the leaf is
    known to be a number.
    """
    if match.values:
        text = word(_plain(value)) if not isinstance(value, float) else ""
        if text in match.values:
            return match.values[text]
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        if match.convert == "float32" and (packed := _float32(value)) is not None:
            return packed
        if not (loose or match.mapped) or match.type == "text":
            return None
        if value.isdecimal() and value.isascii() and (value[0] != "0" or len(value) == 1):
            return float(value) if len(value) < 300 else None
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return None
        value = float(text)
    return value if math.isfinite(value) else None


def absent(value: Scalar) -> bool:
    """Whether a text says that there is no value."""
    return isinstance(value, str) and value.strip().upper() in _ABSENT


def _plain(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _float32(text: str) -> float | None:
    """OpenConfig's ieeefloat32: four bytes, most significant first, in base64 where it comes as JSON (RFC 7951)."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return float(struct.unpack(">f", raw)[0]) if len(raw) == 4 else None


def bytes_value(raw: bytes, match: Match) -> Scalar:
    """A value of bytes: four of them are a number where the leaf is one (ieeefloat32), else hexadecimal text."""
    if len(raw) == 4 and match.mapped and match.metric and match.type == "gauge":
        return float(struct.unpack(">f", raw)[0])
    return raw[: _MOST_TEXT // 2].hex()


def decoded(raw: bytes) -> str:
    """Text as sent, bounded; what is not UTF-8 is replaced."""
    return raw[:_MOST_TEXT].decode("utf-8", "replace").replace("\0", "")


def list_text(values: list[Any]) -> str:
    """A leaf-list as one text, in its order."""
    return ",".join(shown(value) for value in values)[:_MOST_TEXT]


def shown(value: Any) -> str:
    """A value as text: numbers without a needless fraction."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**64:
        return str(int(value))
    return str(value)[:_MOST_TEXT]


def array_values(message: Any) -> list[Any]:
    """The values of a ``ScalarArray`` message."""
    found: list[Any] = []
    for one in message.element:
        kind = one.WhichOneof("value")
        if kind == "decimal_val":
            found.append(one.decimal_val.digits / 10.0 ** min(one.decimal_val.precision, 300))
        elif kind == "leaflist_val":
            found += array_values(one.leaflist_val)
        elif kind == "bytes_val":
            found.append(one.bytes_val.hex())
        elif kind not in {None, "any_val", "proto_bytes"}:
            value = getattr(one, kind)
            found.append(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)
    return found
