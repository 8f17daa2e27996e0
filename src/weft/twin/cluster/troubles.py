"""What the faults of the cluster do, in the terms of its fabric: a ``Trouble`` that says what is not as it should be.

Comes in: the faults and actions of a moment. Goes out: arcs that are gone or slow, switches that mark nothing, GPUs
that lag. How much of it there is grows with ``severity``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from weft.twin.cluster import layout
from weft.twin.faults.model import Fault
from weft.twin.remedies import Action

COLLISION, INCAST, STORM, ECN = "ai_elephant_collision", "ai_microburst_incast", "ai_pfc_storm", "ai_ecn_misconfig"
OPTIC, NIC, GPU, PATHS = "ai_lossy_optic", "ai_slow_nic", "ai_gpu_straggler", "ai_path_asymmetry"
MISPLACED, STORAGE, BURST = "ai_rail_misplacement", "ai_storage_stall", "ai_checkpoint_burst"
KINDS = frozenset({COLLISION, INCAST, STORM, ECN, OPTIC, NIC, GPU, PATHS, MISPLACED, STORAGE, BURST})


@dataclass(frozen=True)
class Trouble:
    """What is wrong at a moment. Equal troubles make equal rates."""

    faults: tuple[Fault, ...] = ()
    down: frozenset[int] = frozenset()  # rows of ports that are down
    shut: frozenset[int] = frozenset()  # of them those that somebody switched off

    def of(self, kind: str) -> list[Fault]:
        """The faults of a kind."""
        return [one for one in self.faults if one.kind == kind]


def trouble(faults: Iterable[Fault], actions: Iterable[Action], at_s: float) -> Trouble:
    """What is wrong at a moment."""
    on = tuple(one for one in faults if one.kind in KINDS and one.start_s <= at_s < one.end_s)
    shut: set[int] = set()
    down: set[int] = set()
    for action in actions:
        node = layout.BY_NAME.get(action.text_of("device"))
        if node is None or not action.holds(at_s):
            continue
        if action.kind == "shut":
            shut |= set(_rows(node, action.text_of("interface")))
    for one in on:
        if one.kind == PATHS:
            down |= set(lost_uplinks(one))
    down |= shut
    return Trouble(on, frozenset(down | {far_row(at) for at in down}), frozenset(shut))


def lost_uplinks(fault: Fault) -> list[int]:
    """Rows of a leaf's ports that are down while its ways are not equal: of the eight to one spine."""
    count = max(1, round(1 + 6 * fault.severity))
    first = layout.row(fault.device, fault.port)
    return [first + number for number in range(min(count, layout.PARALLEL))]


def crowded(fault: Fault) -> int:
    """Onto how many of a leaf's 32 uplinks colliding flows fall."""
    return max(3, round(26 - 23 * fault.severity))


def lost_packets(fault: Fault) -> float:
    """Share of packets that a bad optic loses."""
    return float(10 ** (-6.3 + 3.3 * fault.severity))


def far_row(row: int) -> int:
    """The row of the other end of a line; its own where that is elsewhere."""
    found = _FAR.get((int(layout.ARC_OUT[row]), int(layout.ARC_IN[row])))
    return row if found is None else found


_FAR = {
    (int(layout.ARC_IN[at]), int(layout.ARC_OUT[at])): at
    for at in range(layout.ROWS) if layout.ARC_IN[at] < layout.ALL_ARCS
}  # fmt: skip


def _rows(node: layout.Node, interface: str) -> list[int]:
    return [layout.row(node.name, one.index) for one in node.ports if interface in (one.name, str(one.index))]
