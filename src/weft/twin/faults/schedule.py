"""What goes wrong by itself, and what is merely done, at Acme: a schedule that the seed and the clock decide.

Every half hour has one or two faults or decoys somewhere, chosen by the weights of their kinds; every day has a hijack
and a leak at the same time. Nothing here has state: the faults of any span can be asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from weft.twin.faults import ai_kinds
from weft.twin.faults.begin import begin
from weft.twin.faults.catalogue import KINDS
from weft.twin.faults.model import Fault, FaultKind
from weft.twin.timeline import Timeline

SLOT_S = 1800.0
_SECOND = 0.35  # how often a half hour has a second fault
_CLUSTER = 0.15  # how often it has one in the AI cluster
_DAY_SLOTS = 48
#: What every day has: slot of the day (UTC), seconds into it, kind, place, how long, s.
_DAILY = (
    (10, 600.0, "bgp_hijack", "203.0.113.128/25", 540.0),
    (28, 1260.0, "bgp_leak", "Singtel", 1260.0),
)


def acme_timeline(seed: int) -> Timeline:
    """The timeline of an Acme where things go wrong by themselves."""
    return Timeline(seed, slots, SLOT_S)


@lru_cache(maxsize=4096)
def slots(seed: int, slot: int) -> tuple[Fault, ...]:
    """Faults that begin in a slot, in order of their start."""
    rng = np.random.default_rng([seed, slot % 2**32])
    kinds = [kind for kind in KINDS.values() if kind.weight > 0 and kind not in ai_kinds.KINDS and kind.places(seed)]
    ai = np.random.default_rng([seed, 256, slot % 2**32])
    found = [_drawn(kinds, seed, slot, rng, number) for number in range(1 + int(rng.random() < _SECOND))]
    for number, (of_day, after_s, name, where, lasts_s) in enumerate(_DAILY):
        if slot % _DAY_SLOTS == of_day:
            place = next(one for one in KINDS[name].places(seed) if one.id == where)
            start = slot * SLOT_S + after_s
            found.append(begin(KINDS[name], place, start, lasts_s, 0.8, rng, f"{name}-{slot}-d{number}"))
    if ai.random() < _CLUSTER:
        found.append(_drawn(ai_kinds.KINDS, seed, slot, ai, "c"))
    return tuple(sorted(found, key=lambda one: one.start_s))


def _drawn(kinds: Sequence[FaultKind], seed: int, slot: int, rng: np.random.Generator, number: object) -> Fault:
    """A fault of a kind that the dice choose by weight, somewhere and some time in a slot."""
    weights = np.array([kind.weight for kind in kinds])
    kind = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
    places = kind.places(seed)
    place = places[int(rng.integers(len(places)))]
    start, lasts = slot * SLOT_S + float(rng.uniform(0, SLOT_S)), float(rng.uniform(*kind.lasts_s))
    severity = float(rng.uniform(*kind.severity))
    return begin(kind, place, start, lasts, severity, rng, f"{kind.name}-{slot}-{number}")
