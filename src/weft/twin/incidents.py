"""What goes wrong, and what is merely done, at Acme: a schedule that the seed and the clock decide.

Counters, states and logs look into it, so that they tell the same story, live and in history. Every half hour has one
or two incidents somewhere. Nothing here has state: the incidents of any span can be asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from weft.twin import organisation as org

SLOT_S = 1800
Kind = Literal["link_down", "bgp_down", "login_failures", "config_commit", "hot", "denied"]
_KINDS: tuple[Kind, ...] = ("link_down", "bgp_down", "login_failures", "config_commit", "hot", "denied")
_SHARES = (0.2, 0.16, 0.14, 0.22, 0.1, 0.18)
ENGINEERS = ("mchen", "akowalski", "jdoe", "psingh", "svc-automation")


@dataclass(frozen=True, slots=True)
class Incident:
    """What happens at ``device`` (for a line, at ``other`` too) from ``start_s`` to ``end_s``, UTC seconds."""

    kind: Kind
    start_s: float
    end_s: float
    device: str
    port: int = 0
    other: str = ""
    other_port: int = 0
    who: str = ""  # engineer, or the address that tries


def _of_role(*roles: str) -> list[org.Exporter]:
    return [device for device in org.DEVICES if device.role in roles]


@lru_cache(maxsize=256)
def _slot(seed: int, slot: int) -> tuple[Incident, ...]:
    rng = np.random.default_rng([seed, slot])
    found = []
    for _ in range(1 + int(rng.random() < 0.4)):
        kind = _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))]
        start = slot * SLOT_S + float(rng.uniform(60, SLOT_S - 400))
        found.append(_incident(kind, start, rng))
    return tuple(sorted(found, key=lambda one: one.start_s))


def _incident(kind: Kind, start: float, rng: np.random.Generator) -> Incident:
    def one_of(devices: list[org.Exporter]) -> org.Exporter:
        return devices[int(rng.integers(len(devices)))]

    outsider = f"198.51.100.{int(rng.integers(1, 255))}"
    if kind == "link_down":
        link = org.BACKBONE[int(rng.integers(len(org.BACKBONE)))]
        end = start + float(rng.uniform(40, 150))
        return Incident(kind, start, end, link.a, link.a_port, link.b, link.b_port)
    if kind == "bgp_down":
        device = one_of(_of_role("border"))
        return Incident(kind, start, start + float(rng.uniform(30, 200)), device.name, int(rng.integers(1, 4)))
    if kind == "config_commit":
        device = one_of(list(org.DEVICES))
        return Incident(kind, start, start, device.name, who=ENGINEERS[int(rng.integers(len(ENGINEERS)))])
    if kind == "hot":
        return Incident(kind, start, start + float(rng.uniform(200, 390)), one_of(_of_role("core")).name)
    device = one_of(_of_role("firewall") if kind == "denied" else _of_role("border", "firewall"))
    return Incident(kind, start, start + float(rng.uniform(20, 120)), device.name, who=outsider)


def incidents(seed: int, since_s: float, until_s: float) -> Iterator[Incident]:
    """Incidents that touch the span from ``since_s`` to ``until_s``, in order of their start."""
    for slot in range(int(since_s // SLOT_S) - 1, int(until_s // SLOT_S) + 1):
        for one in _slot(seed, slot):
            if one.end_s >= since_s and one.start_s < until_s:
                yield one
