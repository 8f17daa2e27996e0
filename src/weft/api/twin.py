"""What the API may ask of a demo's scenario; the demo brings it along."""

from __future__ import annotations

from typing import Protocol

from weft.api.models.twin import ActionView, FaultView, NewAction, NewFault, TwinView


class Scenario(Protocol):
    """``weft.api.scenario.TwinScenario``, which only a demo loads."""

    def view(self) -> TwinView:
        """Everything, as of now."""

    def trigger(self, wanted: NewFault, /) -> FaultView:
        """Begin a fault. Raises ``InvalidInput``."""

    def end(self, fault: str, /) -> FaultView:
        """End a fault by its id. Raises ``NotFound``."""

    def set_pace(self, pace: float, /) -> TwinView:
        """How often faults come by themselves."""

    def reset(self) -> TwinView:
        """End every fault, undo every action."""

    def act(self, wanted: NewAction, /) -> ActionView:
        """Do something to the network. Raises ``InvalidInput``."""
