"""What one source says of one object, cleaned and bounded: devices may say anything, and sources pass it on.

Comes in: facts. Goes out: statements with canonical keys and plain JSON values. Must do no I/O and know no clock.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weft.errors import InvalidInput
from weft.model.inventory import Fact, ObjectKind
from weft.model.naming import address_token, unnamed_interface

MOST_ATTRIBUTES = 64
MOST_ITEMS = 4096
MOST_TEXT = 2048
MOST_KEY_PART = 200
MOST_KEY = 700  # UTF-8 bytes of all parts
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LARGEST = 2**63 - 1
_PARTS = {ObjectKind.INTERFACE: 2, ObjectKind.LINK: 4}
_NUMBERS = {"if_index", "speed_bps", "capacity_bps", "commit_bps", "mtu", "asn", "vlan"}
#: Where a link's two ends may be left unsaid in the key because attributes hold them.
LINK_ENDS = ("a_device", "a_interface", "b_device", "b_interface")


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A fact as one source states it.

    ``number`` is its own as long as nothing of it changes; 0 where the source only speaks of the object elsewhere.
    """

    number: int
    origin: str
    scope: str
    kind: ObjectKind
    key: tuple[str, ...]
    attributes: Mapping[str, Any]
    first_s: float  # when the source began to state the object, UTC seconds
    seen_s: float = 0.0  # when it last did

    @property
    def source(self) -> tuple[str, str, tuple[str, ...]]:
        """What names it among the facts of its kind."""
        return self.origin, self.scope, self.key


def clean(fact: Fact) -> Fact:
    """The fact with a canonical key and plain values. Raises ``InvalidInput`` where its key names nothing."""
    attributes = clean_attributes(fact.attributes)
    kind = ObjectKind(fact.kind)
    if kind is ObjectKind.DEVICE and "addresses" in attributes:
        bare = (address_token(str(text)) for text in attributes["addresses"])
        attributes["addresses"] = list(dict.fromkeys(text for text in bare if text))
    key = _key(kind, tuple(fact.key), attributes)
    name = name_in(kind, key)
    if name:
        attributes.setdefault("name", name)
    return Fact(kind, key, attributes)


def name_in(kind: ObjectKind, key: tuple[str, ...]) -> str:
    """The name that the key of a device or interface holds; empty where it is an address or a number."""
    if kind is ObjectKind.DEVICE:
        return "" if address_token(key[0]) else key[0]
    if kind is ObjectKind.INTERFACE:
        return "" if key[1].startswith(unnamed_interface("")) else key[1]
    return ""


def clean_attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with values that JSON can hold; empty ones and those that cannot be kept are left out."""
    kept: dict[str, Any] = {}
    for name, value in given.items():
        if len(kept) >= MOST_ATTRIBUTES:
            break
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            continue
        plain = _number(value) if name in _NUMBERS else _value(value)
        if name == "addresses" and isinstance(plain, list):
            plain = _addresses(plain)
        if plain is None or plain == "" or plain == []:
            continue
        kept[name] = plain
    return kept


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value) if -_LARGEST <= value <= _LARGEST else None
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, bytes | bytearray):
        return clean_text(bytes(value[:MOST_TEXT]).decode("utf-8", "replace"))
    if isinstance(value, Sequence | set | frozenset):
        items = [_value(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)[:MOST_ITEMS]]
        return list(dict.fromkeys(item for item in items if isinstance(item, str | int | float) and item != ""))
    return clean_text(str(value))


def _number(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number <= _LARGEST else None


def _addresses(texts: Sequence[Any]) -> list[str]:
    """Addresses in their usual spelling; a prefix length that was given stays."""
    found = []
    for text in texts:
        bare = address_token(str(text))
        if bare:
            length = str(text).partition("/")[2]
            found.append(f"{bare}/{int(length)}" if length.isdecimal() and int(length) <= 128 else bare)
    return list(dict.fromkeys(found))


def clean_text(text: str, most: int = MOST_TEXT) -> str:
    """Text without control characters, white space at its ends, or what is beyond the bound."""
    return _CONTROL.sub("", text[: most * 2]).strip()[:most]


def _key(kind: ObjectKind, given: tuple[Any, ...], attributes: Mapping[str, Any]) -> tuple[str, ...]:
    parts = tuple(clean_text(str(part), MOST_KEY_PART + 1) for part in given)
    if kind is ObjectKind.LINK and len(parts) != len(LINK_ENDS):
        parts = tuple(str(attributes.get(name, "")) for name in LINK_ENDS)
    if len(parts) != _PARTS.get(kind, 1):
        raise InvalidInput(f"a key of {len(parts)} parts", where=f"fact about a {kind}")
    required = (parts[0], parts[2]) if kind is ObjectKind.LINK else parts
    if not all(required):
        raise InvalidInput("its key is empty", where=f"fact about a {kind}")
    if any(len(part) > MOST_KEY_PART for part in parts) or sum(len(part.encode()) for part in parts) > MOST_KEY:
        raise InvalidInput("its key is too long", where=f"fact about a {kind}")
    if kind is ObjectKind.PREFIX:
        try:
            return (str(ipaddress.ip_network(parts[0], strict=False)),)
        except ValueError:
            raise InvalidInput(f"{parts[0]!r} is not a prefix", where="fact about a prefix") from None
    if kind is ObjectKind.DEVICE:
        return (address_token(parts[0]) or parts[0],)
    return parts
