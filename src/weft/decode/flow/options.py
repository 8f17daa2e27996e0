"""Options data: sampling rates by scope, interface names, the time an exporter was initialised.

Rare and small, so records are read one by one; what a kernel could look up later goes into ``SamplingState``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from weft.decode.flow.execute import locate
from weft.decode.flow.messages import V9
from weft.decode.flow.programs import VARIABLE
from weft.decode.flow.sampling import DOMAIN, INTERFACE, SAMPLER, Fact
from weft.decode.flow.templates import Template

_SAMPLERS = (302, 48)
_RATES = (50, 34)
_SPACING = (305, 306)
_POPULATION = (309, 310)
_INTERFACES = (10, 14)
_V9_SCOPE_INTERFACE = 2
_NAME, _DESCRIPTION = 82, 83
_INIT_MS = 160
_NUMBERS = frozenset({*_SAMPLERS, *_RATES, *_SPACING, *_POPULATION, *_INTERFACES, _INIT_MS})
_TEXTS = frozenset({_NAME, _DESCRIPTION})
_MAX_RATE = 0xFFFFFFFF
_MAX_TEXT = 255


@dataclass(slots=True)
class Learned:
    """What one options data set says."""

    facts: list[Fact] = field(default_factory=list)
    init_ms: int = 0
    interfaces: dict[int, tuple[str, str]] = field(default_factory=dict)  # ifIndex → name, description


def record_places(
    template: Template, data: NDArray[np.uint8], at: int, end: int, most: int
) -> tuple[NDArray[np.int64], int]:
    """Offset and length of every field of the first ``most`` records; ``locate``'s count of all."""
    lengths = np.array([-1 if f.length == VARIABLE else f.length for f in template.fields], np.int64)
    places = np.zeros((min(most, (end - at) // template.size), len(lengths), 2), np.int64)
    count = locate(data, at, end, lengths, template.size, places)
    return places[: count if count >= 0 else -1 - count], count


def is_telling(template: Template) -> bool:
    """Whether any field of an options template is of use here."""
    return any(f.pen == 0 and f.element in _NUMBERS | _TEXTS for f in template.fields)


def read_options(template: Template, data: NDArray[np.uint8], places: NDArray[np.int64]) -> Learned:
    """What the records at ``places`` say."""
    learned = Learned()
    wanted = []
    for i, f in enumerate(template.fields):
        element = f.element
        if template.kind == V9 and i < template.scopes:
            element = _INTERFACES[0] if element == _V9_SCOPE_INTERFACE else 0
        if f.pen == 0 and element in _NUMBERS | _TEXTS:
            wanted.append((i, element))
    for record in places:
        values: dict[int, int] = {}
        texts: dict[int, str] = {}
        for i, element in wanted:
            at, length = int(record[i, 0]), int(record[i, 1])
            raw = data[at : at + length].tobytes()
            if element in _TEXTS:
                texts.setdefault(element, _text(raw))
            elif 0 < length <= 8:
                values.setdefault(element, int.from_bytes(raw))
        _interpret(values, texts, learned)
    return learned


def _interpret(values: dict[int, int], texts: dict[int, str], learned: Learned) -> None:
    interface = next((values[e] for e in _INTERFACES if values.get(e)), 0)
    if texts and interface:
        learned.interfaces[interface & _MAX_RATE] = (texts.get(_NAME, ""), texts.get(_DESCRIPTION, ""))
    learned.init_ms = values.get(_INIT_MS, 0) or learned.init_ms
    rate = _rate(values)
    if not rate:
        return
    sampler = next((values[e] for e in _SAMPLERS if e in values), None)
    if sampler is not None:
        learned.facts.append(Fact(SAMPLER, sampler, rate))
    elif interface:
        learned.facts.append(Fact(INTERFACE, interface, rate))
    else:
        learned.facts.append(Fact(DOMAIN, 0, rate))


def _rate(values: dict[int, int]) -> int:
    """One in how many; 0 when the record states none."""
    interval, space = (values.get(e, 0) for e in _SPACING)
    size, population = (values.get(e, 0) for e in _POPULATION)
    rate = next((values[e] for e in _RATES if values.get(e)), 0)
    if not rate and interval and 306 in values:
        rate = (interval + space) // interval
    if not rate and size:
        rate = population // size
    return min(rate, _MAX_RATE)


def _text(raw: bytes) -> str:
    return raw[:_MAX_TEXT].split(b"\0", 1)[0].decode("utf-8", "replace").strip()
