"""The scenario of a demo as the API shows it. Only a demo loads this: it brings the twin along."""

from __future__ import annotations

import math

from weft.api.errors import NotFound
from weft.api.models.twin import (
    ActionKindView,
    ActionState,
    ActionView,
    FaultKindView,
    FaultPlaceView,
    FaultState,
    FaultView,
    NewAction,
    NewFault,
    ParameterView,
    RightActionView,
    SymptomView,
    TwinView,
)
from weft.twin.actions import KINDS
from weft.twin.control import Control
from weft.twin.faults.model import Fault
from weft.twin.remedies import Action
from weft.twin.truth import where_of

#: How far back and ahead faults and actions are listed, and how many.
PAST_S, AHEAD_S = 6 * 3600.0, 1800.0
MOST_LISTED = 200


class TwinScenario:
    """Answers for the organisation that ``control`` runs."""

    def __init__(self, control: Control, organisation: str) -> None:
        self._control, self._organisation = control, organisation

    def view(self) -> TwinView:
        """Everything, as of now."""
        control, now = self._control, self._control.clock()
        faults = sorted(control.timeline.faults(now - PAST_S, now + AHEAD_S), key=lambda one: -one.start_s)
        actions = sorted(control.timeline.remedies.between(now - PAST_S, math.inf), key=lambda one: -one.asked_s)
        pace = control.pace
        return TwinView(
            organisation=self._organisation, seed=control.timeline.seed, now=now, scheduled=pace > 0, pace=pace,
            kinds=self._kinds(), action_kinds=_action_kinds(),
            faults=[self._fault(one, now) for one in faults[:MOST_LISTED]],
            actions=[_action(one, now) for one in actions[:MOST_LISTED]],
        )  # fmt: skip

    def trigger(self, wanted: NewFault) -> FaultView:
        """Begin a fault. Raises ``InvalidInput``."""
        made = self._control.trigger(wanted.kind, wanted.place, wanted.duration_s, wanted.severity)
        return self._fault(made, self._control.clock())

    def end(self, fault: str) -> FaultView:
        """End a fault by its id. Raises ``NotFound``."""
        if self._control.find(fault) is None:
            raise NotFound(f"there is no fault {fault[:60]!r}", where="fault")
        return self._fault(self._control.end(fault), self._control.clock())

    def set_pace(self, pace: float) -> TwinView:
        """How often faults come by themselves."""
        self._control.set_pace(pace)
        return self.view()

    def reset(self) -> TwinView:
        """End every fault, undo every action."""
        self._control.reset()
        return self.view()

    def act(self, wanted: NewAction) -> ActionView:
        """Do something to the network. Raises ``InvalidInput``."""
        return _action(self._control.act(wanted.kind, wanted.parameters), self._control.clock())

    def _kinds(self) -> list[FaultKindView]:
        seed = self._control.timeline.seed
        return [
            FaultKindView(
                name=kind.name, title=kind.title, group=kind.group.value, description=kind.description,
                default_duration_s=round(sum(kind.lasts_s) / 2),
                places=[FaultPlaceView(id=place.id, title=place.title) for place in kind.places(seed)],
            )
            for kind in self._control.kinds.values()
        ]  # fmt: skip

    def _fault(self, fault: Fault, now_s: float) -> FaultView:
        kind = self._control.kinds[fault.kind]
        truth = kind.truth(fault)
        state: FaultState = "planned" if now_s < fault.start_s else "active" if now_s < fault.end_s else "over"
        return FaultView(
            id=fault.id, kind=fault.kind, title=truth.title, group=kind.group.value, is_benign=truth.is_benign,
            triggered=fault.triggered, state=state, start=fault.start_s, end=fault.end_s,
            where=where_of(fault), text=truth.text, root_cause=truth.root_cause,
            cause_type=truth.cause_type, severity=fault.severity,
            symptoms=[
                SymptomView(dataset=one.dataset, entity=one.entity, text=one.text, after_s=one.after_s)
                for one in truth.symptoms
            ],
            action=RightActionView(
                kind=truth.action.kind, parameters=dict(truth.action.parameters), text=truth.action.text
            ),
        )  # fmt: skip


def _action_kinds() -> list[ActionKindView]:
    return [
        ActionKindView(
            name=kind.name, title=kind.title, description=kind.description, takes_s=list(kind.takes_s),
            parameters=[
                ParameterView(name=one.name, meaning=one.meaning, required=one.required) for one in kind.parameters
            ],
        )
        for kind in KINDS.values()
    ]  # fmt: skip


def _action(action: Action, now_s: float) -> ActionView:
    return ActionView(
        id=action.id, kind=action.kind, title=KINDS[action.kind].title, parameters=dict(action.parameters),
        state=_state(action, now_s), asked=action.asked_s, effective=action.start_s,
        until=None if math.isinf(action.end_s) else action.end_s,
        text=action.text, ended=list(action.ended),
    )  # fmt: skip


def _state(action: Action, now_s: float) -> ActionState:
    if now_s < action.start_s:
        return "undone" if action.end_s < action.start_s else "waiting"
    if not action.ok:
        return "failed"
    if action.end_s == action.start_s:
        return "done"
    return "active" if now_s < action.end_s else "undone"
