"""Dimensions that reference tables make: ``src_as_customer``, ``in_if_contract``, ``exporter_site_owner``.

Wherever a row holds the key of a table (an AS, an interface, the name of a site …) each of the table's columns is a
dimension there, named after both. A column that is a key itself leads on to its own table: the tier of the customer of
the source AS is ``src_as_customer_tier``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from weft.model.dictionaries import REFERENCES, Attribute
from weft.model.tables import Kind
from weft.query.catalogue import OPERATORS, Dimension, title_of

#: How many tables are gone through for one dimension.
_DEEPEST = 2
#: Keys that are texts, and the names of columns, attributes and labels that hold them.
_NAMED = {"app": "app", "application": "app"} | {
    kind: kind for kind in ("site", "service", "customer", "provider", "job")
}
#: Keys that are numbers, as a label may hold them.
_NUMBERS = {"asn": "toUInt32OrZero(replaceRegexpOne({}, '^(?i)as', ''))", "vlan": "toUInt32OrZero({})"}

Extra = Mapping[str, Sequence[Attribute]]


def with_references(
    dimensions: Mapping[str, Dimension], extra: Extra, labels: Iterable[Dimension] = ()
) -> dict[str, Dimension]:
    """``dimensions``, each followed by what reference tables say of it, then what they say of values of ``labels``.

    What has a name already keeps it.
    """
    if not any(extra.get(dictionary.name) for dictionary in REFERENCES.values()):
        return dict(dimensions)
    out: dict[str, Dimension] = {}
    for name, dimension in dimensions.items():
        out[name] = dimension
        for made in _made(dimension, extra):
            if made.name not in dimensions:
                out.setdefault(made.name, made)
    for label in labels:
        for made in _made(label, extra):
            out.setdefault(made.name, made)
    return out


def label_names() -> tuple[str, ...]:
    """Labels whose values are keys of reference tables."""
    return (*_NAMED, *_NUMBERS)


def _made(base: Dimension, extra: Extra, seen: tuple[str, ...] = ()) -> Iterator[Dimension]:
    kind = _kind(base)
    if not kind or kind in seen or len(seen) >= _DEEPEST:
        return
    dictionary = REFERENCES[kind]
    stem = "if" if base.name == "interface" else base.name
    direct = base.dictionary is None and not base.expression and kind in ("asn", "exporter", "interface", "vlan")
    for attribute in extra.get(dictionary.name, ()):
        name = f"{stem}_{attribute.name}"
        meaning = f"{attribute.meaning or 'From a reference table.'} ({base.meaning.rstrip('.')}.)"
        made = Dimension(
            name, title_of(name), Kind.TEXT, meaning, base.keys, operators=OPERATORS[Kind.TEXT], wide=base.wide,
            dictionary=dictionary, attribute=attribute.name, via=None if direct else _as_key(base, kind),
        )  # fmt: skip
        yield made
        yield from _made(made, extra, (*seen, kind))


def _as_key(base: Dimension, kind: str) -> Dimension:
    """A label's text as the number that is the key."""
    if kind in _NUMBERS and base.expression:
        return replace(base, expression=_NUMBERS[kind].format(base.expression))
    return base


def _kind(base: Dimension) -> str:
    """Which tables its values are keys of; empty = none."""
    if base.dictionary is None and not base.expression:
        if base.name == "exporter":
            return "exporter"
        if base.kind is Kind.ASN:
            return "asn"
        if base.kind is Kind.INTERFACE:
            return "interface"
        if base.kind is Kind.NUMBER and base.name.endswith("vlan"):
            return "vlan"
    if base.kind is Kind.APPLICATION:
        return "app"
    if base.kind is not Kind.TEXT:
        return ""
    own = base.attribute or base.name.removeprefix("label_")
    return _NAMED.get(own, own if base.name == f"label_{own}" and own in _NUMBERS else "")
