"""The scenario of a demo: trigger faults, end them, act, set the pace. Only a demo has one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from weft.api.auth.requests import Operator, Viewer
from weft.api.errors import RESPONSES, NotFound
from weft.api.models.twin import ActionView, FaultView, NewAction, NewFault, NewPace, TwinView
from weft.api.ports import Deps
from weft.api.twin import Scenario

router = APIRouter(prefix="/twin", tags=["twin"], responses=RESPONSES)


def _scenario_of(deps: Deps) -> Scenario:
    if deps.scenario is None:
        raise NotFound("this Weft watches a real network: there is no scenario", fix="Run `weft demo`.")
    return deps.scenario


TheScenario = Annotated[Scenario, Depends(_scenario_of)]
FaultId = Annotated[str, Path(min_length=1, max_length=100, description="Id of a fault.")]


@router.get("", operation_id="getTwin", summary="The demo's scenario")
def twin(_: Viewer, scenario: TheScenario) -> TwinView:
    """What can go wrong and where, what does and did with its ground truth, what was done about it."""
    return scenario.view()


@router.post("/faults", operation_id="triggerFault", summary="Trigger a fault", status_code=201)
def trigger(body: NewFault, who: Operator, scenario: TheScenario, deps: Deps) -> FaultView:
    """It begins now and lasts as its kind says, unless said otherwise."""
    fault = scenario.trigger(body)
    deps.state.audit(who.actor, "twin.trigger", fault.id, {"where": fault.where})
    return fault


@router.post("/faults/{fault}/end", operation_id="endFault", summary="End a fault")
def end(fault: FaultId, who: Operator, scenario: TheScenario, deps: Deps) -> FaultView:
    """As if it had been repaired this moment."""
    ended = scenario.end(fault)
    deps.state.audit(who.actor, "twin.end", fault)
    return ended


@router.put("/pace", operation_id="setPace", summary="How often things go wrong")
def pace(body: NewPace, who: Operator, scenario: TheScenario, deps: Deps) -> TwinView:
    """From now on; what has begun goes on."""
    view = scenario.set_pace(body.pace)
    deps.state.audit(who.actor, "twin.pace", str(body.pace))
    return view


@router.post("/reset", operation_id="resetTwin", summary="Mend everything")
def reset(who: Operator, scenario: TheScenario, deps: Deps) -> TwinView:
    """Every fault is over and everything that was done is undone. What was measured stays."""
    view = scenario.reset()
    deps.state.audit(who.actor, "twin.reset", "")
    return view


@router.post("/actions", operation_id="actOnTwin", summary="Act on the demo's network", status_code=201)
def act(body: NewAction, who: Operator, scenario: TheScenario, deps: Deps) -> ActionView:
    """Takes effect after as long as it does on a real network, and fails now and then."""
    action = scenario.act(body)
    deps.state.audit(who.actor, "twin.act", action.kind, dict(action.parameters))
    return action
