"""What the network is asked to carry: a traffic matrix as columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput


@dataclass(frozen=True)
class Demands:
    """``n`` demands: traffic of a class that enters at a node and wants to another node or to a group of prefixes.

    ``group`` is a position in the routing's prefix groups, -1 where the demand ends at the node ``egress``; where it is
    not -1, ``egress`` is -1: routing chooses where it leaves.
    """

    ingress: NDArray[np.int32]  # [n] node
    egress: NDArray[np.int32]  # [n] node or -1
    group: NDArray[np.int32]  # [n] prefix group or -1
    traffic_class: NDArray[np.int16]  # [n] position in ``classes``
    bps: NDArray[np.float64]  # [n] >= 0
    classes: tuple[str, ...] = ("",)

    def __len__(self) -> int:
        return len(self.bps)

    def __post_init__(self) -> None:
        shape = self.bps.shape
        for name in ("ingress", "egress", "group", "traffic_class"):
            if getattr(self, name).shape != shape:
                raise InvalidInput(f"has another length than bps ({shape[0]})", where=name)
        if not np.isfinite(self.bps).all() or (self.bps < 0).any():
            raise InvalidInput("has a rate that is negative or no number", where="bps")

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Demands:
        """The demands at ``index`` (positions or a mask), in that order."""
        return replace(
            self, ingress=self.ingress[index], egress=self.egress[index], group=self.group[index],
            traffic_class=self.traffic_class[index], bps=self.bps[index],
        )  # fmt: skip


def no_demands() -> Demands:
    """Nothing to carry."""
    none = np.zeros(0, np.int32)
    return demands(none, none, np.zeros(0))


def demands(
    ingress: NDArray[np.int32], egress: NDArray[np.int32], bps: NDArray[np.float64], *,
    group: NDArray[np.int32] | None = None, traffic_class: NDArray[np.int16] | None = None,
    classes: tuple[str, ...] = ("",),
) -> Demands:  # fmt: skip
    """Demands between nodes; one class unless told otherwise."""
    count = len(bps)
    return Demands(
        np.asarray(ingress, np.int32), np.asarray(egress, np.int32),
        np.full(count, -1, np.int32) if group is None else np.asarray(group, np.int32),
        np.zeros(count, np.int16) if traffic_class is None else np.asarray(traffic_class, np.int16),
        np.asarray(bps, np.float64), classes,
    )  # fmt: skip
