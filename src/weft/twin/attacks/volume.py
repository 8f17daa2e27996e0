"""Bit/s that attacks and decoys add to the ports of a device: what counters count and lines carry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.twin.attacks.plans import has_traffic, plan
from weft.twin.attacks.strands import attack_of
from weft.twin.timeline import Timeline

#: Bit/s received and sent by a port, each of the shape of the times asked for.
Both = tuple[NDArray[np.float64], NDArray[np.float64]]


def attack_bps(device: str, timeline: Timeline, times: NDArray[np.float64]) -> dict[int, Both]:
    """What each port (by ifIndex) of a device receives and sends of attacks, bit/s at ``times`` (UTC, ascending).

    Ports without any are left out.
    """
    found: dict[int, Both] = {}
    if not len(times):
        return found
    for fault in timeline.faults(float(times[0]), float(times[-1]) + 1e-3):
        if not has_traffic(fault):
            continue
        lasts = (times >= fault.start_s) & (times < fault.end_s)
        for strand in plan(attack_of(fault)):
            for sight in strand.sights:
                if sight.device.name != device:
                    continue
                share = sight.high - sight.low if strand.entry is None else sight.low <= strand.entry < sight.high
                if not share:
                    continue
                inward, outward = strand.inward(times) * lasts * share, strand.outward(times) * lasts * share
                for port, received, sent in ((sight.outer, inward, outward), (sight.inner, outward, inward)):
                    if port:
                        before = found.get(port, (np.zeros(len(times)), np.zeros(len(times))))
                        found[port] = (before[0] + received, before[1] + sent)
    return found
