"""Events, what people say of them, detectors, policies, channels of notifications."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from weft.api.auth.requests import Admin, Operator, Viewer
from weft.api.errors import RESPONSES, NotFound
from weft.api.events import Detection, EventFilter
from weft.api.models.events import (
    BacktestView,
    ChannelsView,
    DetectorsView,
    EventsView,
    EventView,
    Feedback,
    NewBacktest,
    NewFeedback,
    PoliciesView,
    PolicyPreview,
    PolicyRow,
)
from weft.api.models.questions import Done
from weft.api.ports import Deps
from weft.detect.policies.policy import Policy
from weft.errors import Unavailable
from weft.model.events import EventGroup, EventState, Severity

router = APIRouter(tags=["events"], responses=RESPONSES)

Since = Annotated[str, Query(max_length=64, description="now-6h, ISO 8601 or UTC seconds.")]
Until = Annotated[str, Query(max_length=64, description="The end of the range.")]
EventId = Annotated[str, Path(min_length=1, max_length=40, description="Id of an event.")]
Name = Annotated[str, Query(min_length=1, max_length=80)]


def _detection_of(deps: Deps) -> Detection:
    detection = deps.detection() if deps.detection is not None else None
    if detection is None:
        raise Unavailable(
            "detection does not run in this process",
            fix="Set detect.enabled, or ask the process that detects; right after a start it takes some seconds.",
        )
    return detection


TheDetection = Annotated[Detection, Depends(_detection_of)]


@router.get("/events", operation_id="listEvents", summary="Events")
def events(
    _: Viewer,
    detection: TheDetection,
    since: Since = "now-24h",
    until: Until = "now",
    state: Annotated[
        EventState | None,
        Query(description="Empty = all but those suppressed, now or when they ended; those are `suppressed`."),
    ] = None,
    group: Annotated[list[EventGroup] | None, Query(description="Only these families.")] = None,
    severity: Annotated[Severity, Query(description="This and worse.")] = Severity.INFO,
    kind: Annotated[str, Query(max_length=100)] = "",
    detector: Annotated[str, Query(max_length=100)] = "",
    entity: Annotated[str, Query(max_length=440, description="kind:id, e.g. device:chi-border1.")] = "",
    q: Annotated[str, Query(max_length=200, description="Words in title, text and entity.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    before: Annotated[str | None, Query(max_length=80, description="`next_before` of the answer before.")] = None,
) -> EventsView:
    """Those that were on in the window, newest first, and how many there are of each sort."""
    wanted = EventFilter(since, until, state, tuple(group or ()), severity, kind, detector, entity, q)
    return detection.events(wanted, limit=limit, before=before)


@router.get("/events/{event}", operation_id="getEvent", summary="An event")
def one_event(event: EventId, _: Viewer, detection: TheDetection) -> EventView:
    """What deviated, what was expected, what it rests on, the like in the past, what people said."""
    return detection.event(event)


@router.put("/events/{event}/acknowledgement", operation_id="acknowledgeEvent", summary="Take care of an event")
def acknowledge(event: EventId, who: Operator, detection: TheDetection, deps: Deps) -> EventView:
    """Others see that somebody does; the event goes on."""
    view = detection.acknowledge(event, who.username)
    deps.state.audit(who.actor, "event.acknowledge", event)
    return view


@router.delete("/events/{event}/acknowledgement", operation_id="unacknowledgeEvent", summary="Leave an event to others")
def unacknowledge(event: EventId, who: Operator, detection: TheDetection, deps: Deps) -> EventView:
    """Nobody takes care of it any more."""
    view = detection.acknowledge(event, who.username, undo=True)
    deps.state.audit(who.actor, "event.unacknowledge", event)
    return view


@router.post("/events/{event}/feedback", operation_id="addFeedback", summary="Say what an event is", status_code=201)
def say(event: EventId, body: NewFeedback, who: Operator, detection: TheDetection, deps: Deps) -> Feedback:
    """That it is not an issue, expected at such times, or not to be heard of now; of this one or of all the like."""
    feedback = detection.say(event, body, who.username)
    deps.state.audit(who.actor, "event.feedback", event, {"id": feedback.id, **body.model_dump(exclude_none=True)})
    return feedback


@router.get("/feedback", operation_id="listFeedback", summary="What was said of events")
def feedback(_: Viewer, detection: TheDetection) -> list[Feedback]:
    """All of it, newest first, with how many events it has kept quiet since."""
    return detection.feedback()


@router.delete("/feedback/{feedback}", operation_id="withdrawFeedback", summary="Withdraw what was said")
def withdraw(
    feedback: Annotated[str, Path(min_length=1, max_length=40)], who: Operator, detection: TheDetection, deps: Deps
) -> Feedback:
    """It holds no longer; that it was said stays on record."""
    withdrawn = detection.withdraw(feedback, who.username)
    deps.state.audit(who.actor, "event.feedback.withdraw", feedback, {"event": withdrawn.event_id})
    return withdrawn


@router.get("/detectors", operation_id="listDetectors", summary="Detectors")
def detectors(_: Viewer, detection: TheDetection) -> DetectorsView:
    """What each looks at, whether it knows enough yet, what it costs and how often it raises."""
    return detection.detectors()


BacktestId = Annotated[str, Path(min_length=1, max_length=40, description="Id of a back-test.")]


@router.post("/backtests", operation_id="startBacktest", summary="What would have been raised?", status_code=201)
def start_backtest(body: NewBacktest, who: Viewer, detection: TheDetection) -> BacktestView:
    """Replays stored telemetry through detectors that know nothing yet, as it would have been live; keeps no event.

    One runs at a time; ask for it again to see how far it is.
    """
    return detection.backtest(body, who.username)


@router.get("/backtests", operation_id="listBacktests", summary="Back-tests")
def backtests(_: Viewer, detection: TheDetection) -> list[BacktestView]:
    """The latest twenty, since the start of this process."""
    return detection.backtests()


@router.get("/backtests/{backtest}", operation_id="getBacktest", summary="A back-test")
def one_backtest(backtest: BacktestId, _: Viewer, detection: TheDetection) -> BacktestView:
    """How far it is; once it is done, how many events of each kind, on which days, with examples."""
    return detection.one_backtest(backtest)


@router.delete("/backtests/{backtest}", operation_id="dropBacktest", summary="Cancel or forget a back-test")
def drop_backtest(backtest: BacktestId, _: Viewer, detection: TheDetection) -> Done:
    """One that runs ends within a second or two."""
    if not detection.drop_backtest(backtest):
        raise NotFound("there is no such back-test")
    return Done()


@router.get("/policies", operation_id="listPolicies", summary="Policies")
def policies(_: Viewer, detection: TheDetection) -> PoliciesView:
    """What people want to be told of, and how often they were."""
    return detection.policies()


@router.post("/policies", operation_id="addPolicy", summary="Add a policy", status_code=201)
def add_policy(body: Policy, who: Operator, detection: TheDetection, deps: Deps) -> PolicyRow:
    """It is judged from now on."""
    row = detection.put_policy(body, who.username)
    deps.state.audit(who.actor, "policy.add", body.name)
    return row


# Names of policies hold whatever people like, slashes too: they travel as parameters.
@router.put("/policy", operation_id="changePolicy", summary="Change a policy")
def change_policy(name: Name, body: Policy, who: Operator, detection: TheDetection, deps: Deps) -> PolicyRow:
    """Replaces it; what it raised stays."""
    row = detection.put_policy(body, who.username, before=name)
    deps.state.audit(who.actor, "policy.change", body.name, {"before": name} if name != body.name else {})
    return row


@router.delete("/policy", operation_id="removePolicy", summary="Remove a policy")
def remove_policy(name: Name, who: Operator, detection: TheDetection, deps: Deps) -> Done:
    """It is judged no longer; what it raised stays."""
    if not detection.delete_policy(name):
        raise NotFound("there is no such policy")
    deps.state.audit(who.actor, "policy.remove", name)
    return Done()


@router.post("/policies/preview", operation_id="previewPolicy", summary="How often would it have fired?")
def preview(
    body: Policy, _: Viewer, detection: TheDetection, since: Since = "now-7d", until: Until = "now"
) -> PolicyPreview:
    """Judges stored telemetry by it, exactly as it would be judged live, and keeps nothing."""
    return detection.preview(body, since, until)


@router.get("/channels", operation_id="listChannels", summary="Channels of notifications")
def channels(_: Viewer, detection: TheDetection) -> ChannelsView:
    """Who is told of which events, and what became of it. Addresses and keys are never shown."""
    return detection.channels()


@router.post("/channels/test", operation_id="testChannel", summary="Send a test message")
def test_channel(name: Name, who: Admin, detection: TheDetection, deps: Deps) -> Done:
    """Now, whatever the channel wants to be told of."""
    deps.state.audit(who.actor, "channel.test", name)
    detection.test_channel(name)
    return Done()
