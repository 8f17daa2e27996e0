"""What changes if: a network, changes to it, and the difference that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weft.network.apply import Applied, apply
from weft.network.changes import Change
from weft.network.difference import Difference
from weft.network.evaluate import Evaluation, evaluate
from weft.network.places import Places
from weft.network.state import Network

#: Utilisation from which a link counts as over, unless told otherwise.
THRESHOLD = 0.8


@dataclass(frozen=True)
class WhatIf:
    """The difference that changes make, and what happens on the way to it."""

    applied: Applied
    difference: Difference
    drained: Evaluation | None  # with maintenance: when traffic was led away and nothing is switched off yet

    @property
    def still_carried_bps(self) -> float:
        """What drained things still carry: it has no other way."""
        if self.drained is None:
            return 0.0
        arcs = np.array([arc for link in self.applied.down_links for arc in (2 * link, 2 * link + 1)], np.int64)
        return float(self.drained.load_bps[arcs].sum())


def what_if(
    network: Network,
    changes: Sequence[Change],
    threshold: float = THRESHOLD,
    *,
    places: Places | None = None,
    before: Evaluation | None = None,
) -> WhatIf:
    """Make the changes and compare. ``before``: the network's evaluation, if at hand. Raises ``InvalidInput``."""
    applied = apply(network, changes, places or Places(network))
    before = before or evaluate(network)
    after = evaluate(applied.network, before)
    drained = evaluate(applied.drained, before) if applied.drained is not None else None
    return WhatIf(applied, Difference(before, after, threshold, applied.failed_nodes), drained)
