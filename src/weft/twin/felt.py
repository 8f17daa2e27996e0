"""Where a fault is felt besides: ports that carry more or less than they would without it, sites that sell so.

Part of the ground truth: a line's traffic is felt on the lines that take it over, a withdrawn transit at the ports of
others, a flood on its whole way in. Comes in: a timeline and a fault. Goes out: symptoms. Nothing here has state.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.attacks.floods import attack_bps_of
from weft.twin.attacks.strands import attack_of, split_target
from weft.twin.business import PRODUCTS
from weft.twin.cluster.troubles import KINDS as OF_CLUSTER
from weft.twin.demand import BLOCK_S
from weft.twin.events import Events
from weft.twin.faults.impact import orders_kept
from weft.twin.faults.model import Fault, Symptom
from weft.twin.faults.places import interface_entity
from weft.twin.graph import ports
from weft.twin.segments import Block, make_block
from weft.twin.timeline import Timeline
from weft.twin.world import World

#: What shows on a port: this much more or less, bit/s and as a ratio, for so many seconds.
LEAST_BPS, RATIO, LASTS_S = 10e6, 1.3, 120.0
_STEP_S = 30.0
#: Share of a site's orders that is missed, or comes on top, where it shows.
_SOLD = 0.3
#: Vector of a reflected flood → application that Weft knows its port as; from where on that shows, bit/s.
_APPLICATIONS = {"dns": "dns", "ntp": "ntp", "cldap": "ldap", "memcached": "memcached", "ssdp": "upnp-ssdp"}
_CROWDED_BPS = 1e9


def moved(world: World, fault: Fault) -> tuple[Symptom, ...]:
    """Interfaces whose traffic a fault changes by much, as symptoms, in order of how soon it shows."""
    if fault.kind in OF_CLUSTER:  # a fabric of its own
        return ()
    timeline = world.timeline.without(fault.id)
    more = np.zeros((len(ports()), 2), np.int64)  # [rows, more/less] steps in which it is
    first = np.full((len(ports()), 2), np.inf)
    for number in range(int(fault.start_s // BLOCK_S), int(fault.end_s // BLOCK_S) + 1):
        since, until = max(fault.start_s, number * BLOCK_S), min(fault.end_s, (number + 1) * BLOCK_S)
        times = np.arange(since + _STEP_S / 2, until, _STEP_S)
        if not len(times):
            continue
        events = Events.of(world.timeline, number * BLOCK_S, (number + 1) * BLOCK_S)
        rest = replace(events, faults=tuple(one for one in events.faults if one.id != fault.id))
        without, _ = make_block(number, rest, world.demand, world.ways_in, timeline)
        sides = _sides(world.block(number), without, times)
        more += sides.sum(axis=1)
        first = np.minimum(first, np.where(sides, times[:, None], np.inf).min(axis=1))
    return _symptoms(fault, more, first)


def _sides(real: Block, without: Block, times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a port carries much more, or much less, than it would: ``[rows, times, 2]``."""
    rows = slice(None)
    seen, else_ = real.bps(rows, times), without.bps(rows, times)
    up = (seen - else_ >= LEAST_BPS) & (seen >= RATIO * else_)
    down = (else_ - seen >= LEAST_BPS) & (else_ >= RATIO * seen)
    return np.stack([up, down], axis=-1)


def _symptoms(fault: Fault, steps: NDArray[np.int64], first: NDArray[np.float64]) -> tuple[Symptom, ...]:
    lasts = steps * _STEP_S >= min(LASTS_S, fault.end_s - fault.start_s - _STEP_S)
    found: dict[tuple[str, str], float] = {}
    for (device, index), number in ports().number.items():
        for side, said in enumerate(("carries more", "carries less")):
            rows = [row for row in (2 * number, 2 * number + 1) if lasts[row, side] and steps[row, side]]
            if rows:
                entity = interface_entity(device, index)
                found[entity, said] = min(float(first[row, side]) for row in rows) - fault.start_s
    listed = sorted(found.items(), key=lambda one: (one[1], one[0]))
    return tuple(Symptom("metrics", entity, said, after_s) for (entity, said), after_s in listed)


def sold(fault: Fault) -> tuple[Symptom, ...]:
    """Sites that a fault makes sell much less or more, as symptoms."""
    found = []
    times = np.arange(fault.start_s + _STEP_S / 2, fault.end_s, 2 * _STEP_S)
    for site in org.SITES:
        kept = np.array([[orders_kept(fault, site.code, product, at) for product in PRODUCTS] for at in times.tolist()])
        for off, said in ((kept <= 1 - _SOLD, "fewer orders"), (kept >= 1 + _SOLD, "more orders")):
            if off.any():
                after_s = float(times[off.any(axis=1)][0]) - fault.start_s
                found.append(Symptom("business", f"site:{site.code}", said, after_s + _STEP_S))
    return tuple(found)


def crowded(fault: Fault) -> tuple[Symptom, ...]:
    """The application as which a reflected flood counts: it carries many times what it ever does."""
    if fault.kind != "ddos_udp_amplification" or attack_bps_of(attack_of(fault)) < _CROWDED_BPS:
        return ()
    name = _APPLICATIONS[split_target(attack_of(fault))[0]]
    return (Symptom("flows", f"application:{name}", "far more than ever", 2 * _STEP_S),)


def felt(timeline: Timeline, fault: Fault) -> tuple[Symptom, ...]:
    """All of it, in the world of a timeline."""
    return (*moved(World.of(timeline), fault), *sold(fault), *crowded(fault))
