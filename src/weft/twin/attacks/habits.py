"""Machines that call home as regularly as malware does: updaters, mail, monitoring. Always there, and harmless.

They are why evenly spaced small connections tell nothing by themselves: some are more regular than any beacon.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from weft.twin import organisation as org
from weft.twin.attacks.addresses import entries, host, number
from weft.twin.attacks.probes import constant, ticks
from weft.twin.attacks.sights import from_inside, where_is
from weft.twin.attacks.strands import TCP, WHOLE, Attack, Flows, Strand, both_ways, dice, flows, split_target

_PER_SITE = 5
_SERVICES = ("Microsoft", "Apple", "Google", "Slack", "GitHub")
_EVERY_S = (60.0, 300.0, 300.0, 600.0, 900.0)


@cache
def habits_of(device: str) -> tuple[Attack, ...]:
    """The habits of machines behind a firewall; other devices see too little of them to tell."""
    site = org.BY_CODE[org.BY_NAME[device].site]
    if all(
        sight.device.role != "firewall" or sight.device.name != device for sight in from_inside(site.code, "people")
    ):
        return ()
    return tuple(
        Attack("habit", f"{site.code}-{i}", 60.0 * i, device, f"{_SERVICES[i]}@{host(site.users, 311 + 173 * i)}")
        for i in range(_PER_SITE)
    )


def habit(attack: Attack) -> tuple[Strand, ...]:
    """Calls from one machine to one service, nearly to the second."""
    service, source = split_target(attack)
    lasting = dice(attack, "habit")
    every, jitter = float(lasting.choice(_EVERY_S)), float(lasting.choice([0.0, 0.01, 0.1]))
    prefix = next(remote.prefix for remote in org.REMOTES if remote.name == service)
    to = number(host(prefix, int(lasting.integers(50, 90))))
    asked_octets, answered_octets = float(lasting.uniform(90, 160)), float(lasting.uniform(110, 400))
    asked, answered = int(lasting.integers(5, 11)), int(lasting.integers(4, 12))
    way = float(entries(np.array([to], np.uint32))[0])

    none = flows(0, start_s=0.0, end_s=0.0, src=0, dst=0, dst_port=0, src_port=0, protocol=TCP, tcp_flags=0,
                 packets=0, packet_octets=0.0, inward=False, entry=way)  # fmt: skip

    def calls(rng: np.random.Generator, since_s: float, until_s: float) -> Flows:
        _, at = ticks(attack, rng, 1 / every, since_s, until_s, jitter)
        n = len(at)
        if not n:  # most minutes
            return none
        both = flows(n, start_s=at, end_s=at + rng.uniform(0.1, 0.6, n), src=number(source), dst=to, dst_port=443,
                     src_port=rng.integers(49152, 65535, n), protocol=TCP, tcp_flags=WHOLE, packets=asked,
                     packet_octets=asked_octets, inward=False, entry=way)  # fmt: skip
        return both_ways(both, answered, answered_octets)

    there, back = asked * asked_octets * 8 / every, answered * answered_octets * 8 / every
    sights = from_inside(*where_is(source))
    return (Strand(sights, constant(attack, back), constant(attack, there), calls, entry=way),)
