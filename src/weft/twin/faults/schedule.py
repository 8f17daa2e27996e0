"""What goes wrong by itself, and what is merely done, at Acme: a schedule that the seed and the clock decide.

Every half hour has one or two faults or decoys somewhere. Nothing here has state: those of any span can be asked for.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from weft.twin import organisation as org
from weft.twin.faults.model import Fault
from weft.twin.timeline import Timeline

SLOT_S = 1800.0
_KINDS = ("link_cut", "session_down", "brute_force", "config_commit", "cpu_overload", "port_scan")
_SHARES = (0.2, 0.16, 0.14, 0.22, 0.1, 0.18)
ENGINEERS = ("mchen", "akowalski", "jdoe", "psingh", "svc-automation")


def acme_timeline(seed: int) -> Timeline:
    """The timeline of an Acme where things go wrong by themselves."""
    return Timeline(seed, slots, SLOT_S)


@lru_cache(maxsize=4096)
def slots(seed: int, slot: int) -> tuple[Fault, ...]:
    """Faults that begin in a slot, in order of their start."""
    rng = np.random.default_rng([seed, slot % 2**32])
    found = []
    for number in range(1 + int(rng.random() < 0.4)):
        kind = _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))]
        start = slot * SLOT_S + float(rng.uniform(60, SLOT_S - 400))
        found.append(_fault(f"{kind}-{slot}-{number}", kind, start, rng))
    return tuple(sorted(found, key=lambda one: one.start_s))


def _of_role(*roles: str) -> list[org.Exporter]:
    return [device for device in org.DEVICES if device.role in roles]


def _fault(name: str, kind: str, start: float, rng: np.random.Generator) -> Fault:
    def one_of(devices: list[org.Exporter]) -> org.Exporter:
        return devices[int(rng.integers(len(devices)))]

    outsider = f"198.51.100.{int(rng.integers(1, 255))}"
    if kind == "link_cut":
        link = org.BACKBONE[int(rng.integers(len(org.BACKBONE)))]
        end = start + float(rng.uniform(40, 150))
        return Fault(name, kind, start, end, link.a, link.a_port, link.b, link.b_port)
    if kind == "session_down":
        device = one_of(_of_role("border"))
        return Fault(name, kind, start, start + float(rng.uniform(30, 200)), device.name, int(rng.integers(1, 4)))
    if kind == "config_commit":
        device = one_of(list(org.DEVICES))
        return Fault(name, kind, start, start, device.name, who=ENGINEERS[int(rng.integers(len(ENGINEERS)))])
    if kind == "cpu_overload":
        return Fault(name, kind, start, start + float(rng.uniform(200, 390)), one_of(_of_role("core")).name)
    device = one_of(_of_role("firewall") if kind == "port_scan" else _of_role("border", "firewall"))
    return Fault(name, kind, start, start + float(rng.uniform(20, 120)), device.name, who=outsider)
