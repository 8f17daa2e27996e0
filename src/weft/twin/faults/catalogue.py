"""Every kind of fault and decoy that there is at Acme, by name."""

from __future__ import annotations

from collections.abc import Mapping

from weft.twin.faults import ai_kinds, attacks, benign_kinds, change_kinds, cloud, network_kinds
from weft.twin.faults.model import Fault, FaultGroup, FaultKind, Truth

_ORDER = list(FaultGroup)
#: In the order of their groups.
KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in sorted(
        (
            *network_kinds.KINDS,
            *change_kinds.KINDS,
            *attacks.KINDS,
            *cloud.KINDS,
            *benign_kinds.KINDS,
            *ai_kinds.KINDS,
        ),
        key=lambda kind: _ORDER.index(kind.group),
    )
}


def truth_of(fault: Fault) -> Truth:
    """What is true of a fault."""
    return KINDS[fault.kind].truth(fault)
