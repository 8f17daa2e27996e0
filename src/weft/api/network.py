"""The network model as the API answers it."""

from __future__ import annotations

from typing import Literal

from weft.api.models.network import (
    DemandsView,
    FailuresView,
    NetworkLoadView,
    NetworkView,
    PathAsked,
    NetworkPathView,
    WhatIfAsked,
    WhatIfView,
)
from weft.errors import Unavailable

By = Literal["pair", "site", "ingress", "egress", "class"]
FailureKind = Literal["link", "node", "srlg"]


class NetworkPages:
    """Makes the answers."""

    def summary(self, at: str) -> NetworkView:
        """The model in short."""
        raise Unavailable("the network model is not there yet", where=at)

    def load(self, at: str, limit: int) -> NetworkLoadView:
        """Load of every link."""
        raise Unavailable("the network model is not there yet", where=f"{at} {limit}")

    def demands(self, at: str, by: By, limit: int) -> DemandsView:
        """The traffic matrix."""
        raise Unavailable("the network model is not there yet", where=f"{at} {by} {limit}")

    def failures(self, at: str, kind: FailureKind, threshold: float, limit: int) -> FailuresView:
        """Every single failure."""
        raise Unavailable("the network model is not there yet", where=f"{at} {kind} {threshold} {limit}")

    def path(self, asked: PathAsked) -> NetworkPathView:
        """Which way from A to B."""
        raise Unavailable("the network model is not there yet", where=asked.at)

    def what_if(self, asked: WhatIfAsked) -> WhatIfView:
        """What changes if."""
        raise Unavailable("the network model is not there yet", where=asked.at)
