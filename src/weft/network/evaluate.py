"""What a network carries and how well: loads, latency and loss of every line and of every demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.network.state import Network

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@dataclass(frozen=True)
class Evaluation:
    """A network under its demands.

    Loads are what is offered to a line: what was blackholed, limited or had no route before it is taken off, what an
    overfull line before it loses is not. ``bps = delivered + lost + blackholed + limited + unrouted`` for each demand.
    """

    network: Network
    load_bps: F64  # [arcs]
    utilisation: F64  # [arcs] load over capacity; above 1 where more is asked than fits
    queue_delay_s: F64  # [arcs] mean wait in front of the line
    delay_s: F64  # [arcs] propagation and wait
    loss: F64  # [arcs] share of what is offered that does not fit
    delivered_bps: F64  # [demands]
    lost_bps: F64  # [demands] in full queues
    blackholed_bps: F64  # [demands]
    limited_bps: F64  # [demands] by rate limits
    unrouted_bps: F64  # [demands] no route, or a forwarding loop
    demand_delay_s: F64  # [demands] one way, mean over the ways that its traffic takes; nan where nothing arrives
    demand_loss: F64  # [demands] share lost in full queues of what was forwarded
    reachable: NDArray[np.bool_]  # [demands] whether any of it has a way to its end
    exit_node: I32  # [demands] last node of ours (that most of it leaves from), -1 where none
    exit_link: I32  # [demands] line by which most of it leaves, -1 where it ends inside or nowhere
