"""gNMI paths: as text, as protobuf messages, and as the plain elements that the rest of this package works on.

An element is ``(name, ((key, value), …))`` with the keys sorted. The prefixes of YANG modules
(``openconfig-if:counters``) are dropped: devices disagree on where to put them. Names in SONiC's databases are taken as
they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from weft.errors import InvalidInput

Element = tuple[str, tuple[tuple[str, str], ...]]

#: SONiC's databases, which stand in a path's target or first element; ``OTHERS`` is what it serves beside them.
SONIC_DATABASES = frozenset(
    {"APPL_DB", "ASIC_DB", "COUNTERS_DB", "CONFIG_DB", "STATE_DB", "FLEX_COUNTER_DB", "GB_COUNTERS_DB", "OTHERS"}
)
_PREFIXED = re.compile(r"[A-Za-z_][\w.-]*:([A-Za-z_][\w.-]*)")
_HEXADECIMAL = re.compile(r"[0-9A-Fa-f:]+")
_ORIGIN = re.compile(r"([A-Za-z][\w.-]*):(?=/|$)")
_NAMESPACE = re.compile(r"asic\d+|localhost|dpu\d+")
_MOST_ELEMENTS = 128


@dataclass(frozen=True, slots=True)
class Path:
    """A path in full. ``database``: that of SONiC which it is in, else empty."""

    elements: tuple[Element, ...] = ()
    origin: str = ""
    target: str = ""
    database: str = ""


def parse_path(text: str) -> Path:
    r"""``origin:/a/b[key=value]/c`` as a path; ``]`` and ``\`` within a value are written ``\]`` and ``\\``.

    Raises ``InvalidInput`` for brackets that do not match.
    """
    rest, origin = text.strip(), ""
    if match := _ORIGIN.match(rest):
        origin, rest = match[1], rest[match.end() :]
    elements: list[Element] = []
    for part in _split(rest, text):
        name, bracket, keys = part.partition("[")
        elements.append((name, _keys(bracket + keys, text)))
    return Path(tuple(elements), origin)


def _split(rest: str, text: str) -> Iterable[str]:
    """The parts between slashes that are not within brackets."""
    part, depth, escaped = "", 0, False
    for char in rest:
        if escaped or char == "\\":
            escaped = not escaped
        elif char == "[" and not depth:
            depth = 1
        elif char == "]" and depth:
            depth = 0
        elif char == "/" and not depth:
            if part:
                yield part
            part = ""
            continue
        part += char
    if depth:
        raise InvalidInput("a bracket is not closed", where=text, fix="Write keys as /interface[name=eth0]/state.")
    if part:
        yield part


_KEY = re.compile(r"\[\s*([^=\]]+?)\s*=((?:\\.|[^\\\]])*)\]")


def _keys(text: str, path: str) -> tuple[tuple[str, str], ...]:
    keys = {name: re.sub(r"\\(.)", r"\1", value) for name, value in _KEY.findall(text)}
    if _KEY.sub("", text):
        raise InvalidInput("cannot be read", where=f"{path}: {text}", fix="Write keys as [name=value].")
    return tuple(sorted(keys.items()))


def path_text(elements: Iterable[Element], origin: str = "") -> str:
    """The text that ``parse_path`` reads."""
    parts = []
    for name, keys in elements:
        shown = (f"[{key}={value.replace(chr(92), chr(92) * 2).replace(']', chr(92) + ']')}]" for key, value in keys)
        parts.append(f"/{name}{''.join(shown)}")
    return (f"{origin}:" if origin else "") + ("".join(parts) or "/")


def bare(name: str) -> str:
    """A name without the prefix of its YANG module; hardware and IPv6 addresses stay whole."""
    if ":" not in name:
        return name
    match = _PREFIXED.fullmatch(name)
    return match[1] if match and not _HEXADECIMAL.fullmatch(name) else name


def wire_elements(message: Any) -> list[Element]:
    """Elements of a ``gnmi.Path`` message as sent, prefixes and all.

    Junos sends elements that have keys and no name; the keys belong to the element before.
    """
    found: list[Element] = []
    for one in message.elem:
        keys = tuple(sorted(one.key.items()))
        if one.name or not found:
            found.append((one.name, keys))
        else:
            name, others = found[-1]
            found[-1] = (name, tuple(sorted({**dict(others), **dict(keys)}.items())))
    if not message.elem:  # as before gNMI 0.4: plain strings
        found += [element for text in message.element for element in parse_path(text).elements]
    return [element for element in found[:_MOST_ELEMENTS] if element[0] or element[1]]


def full_path(prefix: Any, path: Any, expand: Sequence[Element] | None = None) -> Path:
    """Prefix and path messages joined, names without prefixes; ``expand`` stands for a prefix that is an alias."""
    origin = path.origin or prefix.origin
    target = prefix.target or path.target
    head = list(expand) if expand is not None else wire_elements(prefix)
    elements = head + wire_elements(path)
    database = target if target in SONIC_DATABASES else ""
    if not database and elements and elements[0][0] in SONIC_DATABASES:
        database = elements[0][0]
    if database:
        while elements and (elements[0][0] == database or _NAMESPACE.fullmatch(elements[0][0])):
            elements = elements[1:]
        return Path(((database, ()), *elements), origin, target, database)
    return Path(tuple((bare(name), keys) for name, keys in elements), origin, target)


def snake(name: str) -> str:
    """A name as metrics are called: lower case, words joined by ``_``."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
