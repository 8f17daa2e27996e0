"""What can stand at the cursor of a filter that is being typed.

Comes in: the text (right up to the cursor, anything after it), the ``Dataset`` and a ``Values`` that knows names from
the store. Goes out: options that replace the characters ``from_``–``to``. Must never fail on half-written text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from weft.model.tables import Kind
from weft.query.catalogue import Dataset, Dimension, Either, fold
from weft.query.filter.parse import KEYWORDS
from weft.query.names import PROTOCOLS, TCP_FLAGS

MAX_OPTIONS = 25

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<string>\"(?:[^\"\\]|\\.)*(?:\"|$)|'(?:[^'\\]|\\.)*(?:'|$))|(?P<and>&&|\|\|)"
    r"|(?P<operator>!<<|<<|!=|!~|<=|>=|[<>=!~])|(?P<punct>[(),&|])|(?P<word>[^\s()=!<>,\"'&|~]+)",
    re.DOTALL,
)
_BARE = re.compile(r"[^\s()=!<>,\"'&|~\\]+")
_SPEEDS = tuple((f"{n}G", f"{n} Gbit/s") for n in (1, 10, 25, 40, 100, 400, 800))
_PORTS = (
    ("22", "ssh"), ("25", "smtp"), ("53", "dns"), ("80", "http"), ("123", "ntp"), ("161", "snmp"), ("179", "bgp"),
    ("443", "https"), ("853", "dns over tls"), ("1194", "openvpn"), ("3306", "mysql"), ("3389", "rdp"),
    ("4791", "roce"), ("5432", "postgresql"), ("8080", "http"), ("1024-65535", "unprivileged"),
)  # fmt: skip
_PREFIXES = (
    ("10.0.0.0/8", "private"), ("172.16.0.0/12", "private"), ("192.168.0.0/16", "private"), ("100.64.0.0/10", "shared"),
    ("fc00::/7", "unique local"), ("2000::/3", "global IPv6"), ("0.0.0.0/0", "all of IPv4"), ("::/0", "all of IPv6"),
)  # fmt: skip


class Values(Protocol):
    """Names known to the store."""

    def known(self, dimension: Dimension, prefix: str, limit: int) -> Iterable[tuple[str, str]]:
        """Values that contain ``prefix`` and what to say of each; empty when the store is away."""

    def names(self, family: str) -> Iterable[str]:
        """Names that dimensions of a family may have; empty when the store is away."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that can stand at the cursor. ``kind``: dimension, operator, value or keyword."""

    label: str
    insert: str
    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """Options to replace the characters ``from_``–``to`` with."""

    from_: int
    to: int
    options: list[Option]


@dataclass(slots=True)
class _Place:
    """Where the cursor is, grammatically. ``wants``: field, operator, value, list, opening, after-value, connective."""

    wants: str = "field"
    field: Dimension | Either | None = None
    operator: str = ""
    negated: bool = False
    depth: int = 0


def complete(text: str, cursor: int, dataset: Dataset, values: Values) -> Completion:
    """Options at ``cursor``."""
    cursor = max(0, min(cursor, len(text)))
    place = _Place()
    start = end = cursor
    typed = ""
    for match in _TOKEN.finditer(text):
        if match.start() >= cursor:
            break
        kind, token = match.lastgroup or "", match.group()
        # Operators touch the word before them, so only one that is expected here is completed.
        wanted = ("operator",) if place.wants == "operator" else ()
        if match.end() >= cursor and kind in ("word", "string", *wanted):
            start, end, typed = match.start(), match.end(), text[match.start() : cursor]
            break
        if kind != "space":
            _step(place, kind, token, dataset)
    options = list(_options(place, typed, dataset, values))[:MAX_OPTIONS]
    return Completion(start, end, options)


def _step(place: _Place, kind: str, text: str, dataset: Dataset) -> None:
    word = text.lower()
    match place.wants:
        case "field":
            if text == "(":
                place.depth += 1
            elif kind == "word" and word != "not":
                place.field, place.wants, place.negated = dataset.field(text), "operator", False
        case "operator":
            if word == "not":
                place.negated = True
            elif kind == "operator" or word in ("in", "like", "ilike", "has", "matches"):
                place.operator = f"NOT {word.upper()}" if place.negated else text.upper()
                place.wants = "opening" if word == "in" else "value"
            else:
                place.wants = "connective"
        case "opening":
            place.wants = "list" if text == "(" else "connective"
        case "value":
            place.wants = "list" if text == "(" else "connective"
        case "list":
            place.wants = "connective" if text == ")" else "after-value"
        case "after-value":
            place.wants = "list" if text == "," else "connective" if text == ")" else "after-value"
        case _:
            if text == ")":
                place.depth = max(0, place.depth - 1)
            elif kind == "and" or word in ("and", "or"):
                place.wants = "field"


def _options(place: _Place, typed: str, dataset: Dataset, values: Values) -> Iterator[Option]:
    match place.wants:
        case "field":
            yield from _fields(typed, dataset)
            yield from _families(typed, dataset, values)
        case "operator":
            yield from _operators(place, typed)
        case "opening":
            yield Option("(", "(", "keyword", "list of values")
        case "value" | "list":
            yield from _values(place, typed, dataset, values)
        case "after-value":
            yield from _keywords(typed, ((",", "another value"), (")", "end of the list")))
        case _:
            more = ((")", "close"),) if place.depth else ()
            yield from _keywords(typed, (("AND", "both"), ("OR", "either"), *more))


def _keywords(typed: str, words: Iterable[tuple[str, str]]) -> Iterator[Option]:
    for word, detail in words:
        if word.lower().startswith(typed.lower()):
            yield Option(word, word, "keyword", detail)


def _fields(typed: str, dataset: Dataset) -> Iterator[Option]:
    wanted = fold(typed)
    found: list[tuple[int, int, Option]] = []
    entries = [(d.name, d.title, d.aliases) for d in dataset.dimensions.values() if d.operators]
    entries += [(e.name, e.title, ()) for e in dataset.either.values()]
    for i, (name, title, aliases) in enumerate(entries):
        names = [fold(n) for n in (name, *aliases)]
        if any(n.startswith(wanted) for n in names):
            rank = 0 if fold(name).startswith(wanted) else 1
        elif any(wanted in n for n in names) or typed.lower() in title.lower():
            rank = 2
        else:
            continue
        found.append((rank, i, Option(name, name, "dimension", title)))
    yield from (option for _, _, option in sorted(found, key=lambda f: f[:2]))
    if typed:
        yield from _keywords(typed, (("NOT", "the opposite"),))


def _families(typed: str, dataset: Dataset, values: Values) -> Iterator[Option]:
    """``label_queue`` once ``label`` is being typed."""
    for family in dataset.families:
        size = len(family.prefix)
        if len(typed) > 2 and family.prefix.startswith(typed[:size].lower()):
            rest = typed[size + 1 :]
            for name in values.names(family.prefix):
                if name.lower().startswith(rest.lower()):
                    full = f"{family.prefix}_{name}"
                    yield Option(full, full, "dimension", family.meaning)


def _operators(place: _Place, typed: str) -> Iterator[Option]:
    if place.field is None:
        return
    dimension = place.field.sides[0] if isinstance(place.field, Either) else place.field
    for operator in dimension.operators:
        shown = operator
        if place.negated:
            if not operator.startswith("NOT "):
                continue
            shown = operator.removeprefix("NOT ")
        if shown.lower().startswith(typed.lower()):
            insert = f"{shown} (" if shown.endswith("IN") else shown
            yield Option(shown, insert, "operator", _MEANINGS.get(operator, ""))


_MEANINGS = {
    "=": "equal", "!=": "not equal", "IN": "one of", "NOT IN": "none of", "<": "less", "<=": "at most", ">": "more",
    ">=": "at least", "LIKE": "pattern: % any text, _ any character", "ILIKE": "pattern, case ignored",
    "NOT LIKE": "not that pattern", "NOT ILIKE": "not that pattern, case ignored", "<<": "inside a prefix",
    "~": "has all these words, in any order", "!~": "lacks one of these words",
    "MATCHES": "regular expression (RE2)", "NOT MATCHES": "not that regular expression",
    "!<<": "outside a prefix", "HAS": "has all of these flags", "NOT HAS": "lacks one of these flags",
}  # fmt: skip


def _values(place: _Place, typed: str, dataset: Dataset, values: Values) -> Iterator[Option]:
    if place.field is None:
        return
    dimension = place.field.sides[0] if isinstance(place.field, Either) else place.field
    prefix = _unquoted(typed)
    seen = set()
    for value, detail in _candidates(dimension, place.operator, prefix, values):
        if value in seen:
            continue
        seen.add(value)
        if dimension.kind is Kind.ASN:
            yield Option(f"{value} {detail}".rstrip(), value, "value")
        else:
            yield Option(value, quoted(value, dataset), "value", detail)
    if typed and typed[0] not in "'\"" and place.wants == "value" and place.operator in ("=", "!="):
        for other in dataset.dimensions.values():
            comparable = other.kind is dimension.kind and other.name != dimension.name
            if comparable and fold(other.name).startswith(fold(typed)):
                yield Option(other.name, other.name, "dimension", f"compare with {other.title}")


def _candidates(dimension: Dimension, operator: str, prefix: str, values: Values) -> Iterator[tuple[str, str]]:
    """Fixed values that contain ``prefix``, those that begin with it first; then what the store knows."""
    fixed = list(_fixed(dimension, operator))
    low = prefix.lower()
    yield from (c for c in fixed if c[0].lower().startswith(low))
    yield from (c for c in fixed if not c[0].lower().startswith(low) and low in f"{c[0]} {c[1]}".lower())
    if operator not in ("<<", "!<<"):
        yield from values.known(dimension, prefix, MAX_OPTIONS)


def _fixed(dimension: Dimension, operator: str) -> Iterator[tuple[str, str]]:
    kind = dimension.kind
    if operator in ("<<", "!<<"):
        yield from _PREFIXES
    elif kind is Kind.PROTOCOL:
        common = ("tcp", "udp", "icmp", "icmpv6", "gre", "esp")
        numbers = {name: number for number, name in PROTOCOLS.items()}
        yield from ((n, f"protocol {numbers[n]}") for n in common)
        yield from ((n, f"protocol {i}") for i, n in PROTOCOLS.items() if n not in common)
    elif kind is Kind.ENUM:
        yield from ((name, "") for name in dimension.values.values())
    elif kind is Kind.PORT:
        yield from _PORTS
    elif dimension.name == "tcp_flags":
        yield from ((name, "") for name in (*TCP_FLAGS, "syn+ack", "fin+ack", "rst+ack"))
    elif dimension.unit == "bit/s":
        yield from _SPEEDS


def _unquoted(typed: str) -> str:
    return re.sub(r"\\(.)", r"\1", typed[1:].rstrip(typed[0])) if typed[:1] in ("'", '"') else typed


def quoted(value: str, dataset: Dataset) -> str:
    """A value as the filter wants it: bare where that reads back as the value."""
    clash = value.lower() in KEYWORDS or isinstance(dataset.field(value), Dimension)
    return value if _BARE.fullmatch(value) and not clash else json.dumps(value, ensure_ascii=False)
