"""Pure functions from what detection keeps to what pages show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import numpy as np

from weft.api.models.events import (
    BacktestReport,
    BacktestView,
    ChannelView,
    DetectorView,
    EventBand,
    EventChart,
    EventCounts,
    EventRow,
    Feedback,
    NewFeedback,
    PolicyPreview,
    PolicySpell,
    Verdict,
)
from weft.detect import memory as kept
from weft.detect.backtests import Backtest
from weft.detect.config import WEEKDAYS
from weft.detect.detector import About
from weft.detect.notify.channel import ChannelStatus
from weft.detect.notify.config import NotifyConfig
from weft.detect.policies.evaluate import MOST_SERIES, Judged, Spell
from weft.detect.policies.expression import UNKNOWN
from weft.detect.report import EngineStatus
from weft.detect.runs import DetectorStatus
from weft.errors import InvalidInput
from weft.model.amounts import amount
from weft.model.events import Event, EventGroup, EventState, Evidence, Severity
from weft.model.views import Window

_HOUR_S = 3600.0
_MOST_SPELLS = 200
_EVERY_DAY = list(range(7))
#: How feedback is called where it is said why an event is suppressed; and how ids of it look.
_VERDICTS = {"not_an_issue": "not an issue", "expected": "expected", "snooze": "not now"}
_ID_LENGTH, _ID_LETTERS = 32, set("0123456789abcdef")
_DAYS = tuple(day.capitalize() for day in WEEKDAYS)
#: Share of the history that a detector wants below which it is said to be learning still.
_KNOWS_ENOUGH = 1 / 14
#: Columns of evidence of what was expected, over time: a band to draw.
BAND_COLUMNS = ["time", "lower", "expected", "upper"]
_STATES: Mapping[str, Literal["learning", "watching", "failing"]] = {
    "learning": "learning", "ready": "watching", "failed": "failing",
}  # fmt: skip


def row(event: Event, kind_title: str, suppressed_why: str) -> EventRow:
    """An event in a list."""
    worded = {"kind_title", "suppressed_why"}
    fields = {name: getattr(event, name) for name in EventRow.model_fields if name not in worded}
    return EventRow(**fields, kind_title=kind_title, suppressed_why=suppressed_why)


def suppressed_why(event: Event, said: Mapping[str, kept.Feedback]) -> str:
    """Why an event is suppressed, or was as it ended."""
    if not event.suppressed_by:
        return ""
    one = said.get(event.suppressed_by)
    if one is None:
        # What people said has an id of its own making; the name of a maintenance is somebody's.
        gone = len(event.suppressed_by) == _ID_LENGTH and set(event.suppressed_by) <= _ID_LETTERS
        return "what somebody said, which is kept no longer" if gone else f"maintenance “{event.suppressed_by}”"
    told = feedback(one, 0)
    return f"“{_VERDICTS[one.verdict]}{_times(told)}”, said by {one.author or 'somebody'}"


def _times(one: Feedback) -> str:
    """When ``expected`` holds; empty = always."""
    day = f" on {_DAYS[one.weekday]}s" if one.weekday is not None else ""
    if one.from_minute is None or one.to_minute is None:
        return f"{day}, {one.time_zone}" if day else ""
    return f"{day} {_clock(one.from_minute)}–{_clock(one.to_minute)} {one.time_zone}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def counts(found: Mapping[str, Mapping[str, int]]) -> EventCounts:
    """How many there are of each sort, those of which there are none included."""
    return EventCounts(
        severities={one: found["severity"].get(one.value, 0) for one in Severity},
        groups={one: found["group"].get(one.value, 0) for one in EventGroup},
        states={one: found["state"].get(one.value, 0) for one in EventState},
    )


def chart(event: Event, now_s: float) -> EventChart | None:
    """The first question of its evidence, over a window that shows what was before and after."""
    asked = next((one.query for one in event.evidence if one.query is not None), None)
    if asked is None:
        return None
    end_s = event.ended_s if event.ended_s is not None else now_s
    around_s = max(_HOUR_S, 1.5 * (end_s - event.started_s))
    query: dict[str, Any] = {
        **asked, "view": "series", "since": str(int(event.started_s - around_s)),
        "until": str(int(min(now_s, end_s + around_s))), "points": 240,
    }  # fmt: skip
    return EventChart(query=query, unit=event.unit, band=_band(event, end_s))


def _band(event: Event, end_s: float) -> EventBand | None:
    model = next((one for one in event.evidence if one.columns == BAND_COLUMNS and len(one.rows) > 1), None)
    if model is not None:
        return _band_of(model)
    if event.lower is None or event.upper is None:
        return None
    step = max(1, int(end_s - event.started_s))
    return EventBand(
        start=int(event.started_s), step=step, lower=[event.lower] * 2, upper=[event.upper] * 2,
        expected=[event.expected] * 2,
    )  # fmt: skip


def _band_of(model: Evidence) -> EventBand | None:
    times = [value for value, *_ in model.rows if isinstance(value, int | float)]
    if len(times) != len(model.rows):
        return None
    columns = [
        [float(value) if isinstance(value, int | float) else None for value in column]
        for column in list(zip(*model.rows, strict=True))[1:]
    ]
    step = max(1, int(times[1] - times[0]))
    return EventBand(start=int(times[0]), step=step, lower=columns[0], expected=columns[1], upper=columns[2])


# Feedback.


def scope_of(event: Event, said: NewFeedback) -> dict[str, Any]:
    """What feedback holds for, as it is kept. Raises ``InvalidInput`` where it does not say when."""
    if said.verdict == "snooze" and said.for_s is None:
        raise InvalidInput("a snooze ends some time", where="for_s", fix="Say for how long.")
    scopes: dict[str, dict[str, Any]] = {
        "event": {"event": event.id},
        "series": {
            "detector": event.detector, "kind": event.kind, "entity": event.entity.text, "labels": event.labels,
        },
        "entity": {"entity": event.entity.text},
        "kind": {"detector": event.detector, "kind": event.kind},
    }  # fmt: skip
    scope = scopes[said.scope]
    if weekly := _weekly(said):
        scope["weekly"] = weekly
    return scope | {"of": said.scope}


def _weekly(said: NewFeedback) -> list[Any] | None:
    if (said.from_minute is None) != (said.to_minute is None):
        raise InvalidInput("both times are needed, or neither", where="from_minute")
    if said.verdict != "expected" or (said.weekday is None and said.from_minute is None):
        return None
    try:
        ZoneInfo(said.time_zone)
    except (KeyError, ValueError, OSError):
        raise InvalidInput(f"no time zone {said.time_zone!r}", where="time_zone", fix="E.g. Europe/Zurich.") from None
    days = _EVERY_DAY if said.weekday is None else [said.weekday]
    first, last = (
        (0, 1440) if said.from_minute is None or said.to_minute is None else (said.from_minute, said.to_minute)
    )
    if first == last:
        raise InvalidInput("begin and end are the same", where="to_minute")
    return [days, first, last, said.time_zone]


def feedback(one: kept.Feedback, suppressed: int) -> Feedback:
    """What somebody said, as pages show it."""
    scope = one.scope
    days, first, last, zone = scope.get("weekly") or [_EVERY_DAY, None, None, "UTC"]
    all_day = (first, last) == (0, 1440)
    return Feedback(
        id=one.id, event_id=one.event_id, verdict=cast("Verdict", one.verdict), scope=scope.get("of", "series"),
        scope_text=_scope_text(scope), note=one.note, author=one.author, created_s=one.created_s, until_s=one.until_s,
        weekday=days[0] if len(days) == 1 else None, from_minute=None if all_day else first,
        to_minute=None if all_day else last, time_zone=zone, withdrawn_s=one.withdrawn_s,
        withdrawn_by=one.withdrawn_by, suppressed=suppressed,
    )  # fmt: skip


def _scope_text(scope: Mapping[str, Any]) -> str:
    if "event" in scope:
        return "this event alone"
    kind = str(scope.get("kind", "")).replace("_", " ")
    entity = str(scope.get("entity", "")).partition(":")[2].replace("|", " ")
    labels = ", ".join(f"{name} {value}" for name, value in (scope.get("labels") or {}).items())
    where = f"at {entity}" if entity else "everywhere"
    return " ".join(filter(None, [kind or "everything", where, f"({labels})" if labels else ""]))


# Detectors.


def detectors(
    status: EngineStatus, abouts: Mapping[str, About], watched: Mapping[str, str], raised: Mapping[str, float],
    quiet: Mapping[str, float], now_s: float,
) -> list[DetectorView]:  # fmt: skip
    """Every detector; those that could not be made, too."""
    found = [_detector(one, abouts.get(one.name), watched, raised, quiet, now_s) for one in status.detectors]
    found += [
        DetectorView(
            name=name, title=name, group=EventGroup.TELEMETRY, description="", kinds={}, enabled=True, state="failing",
            watches="", series=0, learned=None, fed_s=None, lag_s=None, busy_s=0, findings=0, errors=1, events_day=0,
            suppressed_day=0, last_error=why, limits="",
        )
        for name, why in status.failed.items()
    ]  # fmt: skip
    return found


def _detector(
    one: DetectorStatus, about: About | None, watched: Mapping[str, str], raised: Mapping[str, float],
    quiet: Mapping[str, float], now_s: float,
) -> DetectorView:  # fmt: skip
    named = about.name if about is not None else one.name
    return DetectorView(
        name=one.name, title=one.title, group=one.group, description=about.description if about is not None else "",
        kinds=dict(about.kinds) if about is not None else {}, enabled=True,
        state="learning" if one.state == "ready" and one.learned < _KNOWS_ENOUGH else _STATES[one.state],
        watches=watched.get(one.name, ""), series=one.series, learned=one.learned if one.learned < 1 else None,
        fed_s=one.reached_s or None, lag_s=now_s - one.reached_s if one.reached_s else None, busy_s=one.busy_s,
        findings=one.findings, errors=one.errors, events_day=raised.get(named, 0.0),
        suppressed_day=quiet.get(named, 0.0), last_error=one.last_error, limits=_limits(one),
    )  # fmt: skip


def _limits(one: DetectorStatus) -> str:
    found = []
    if one.is_cut:
        found.append("there are more series than it watches, the smallest are left out")
    if one.left_out:
        found.append(f"times that a series or deviation found no room: {amount(one.left_out)}")
    if one.dropped:
        found.append(f"findings beyond the most of a time: {amount(one.dropped)}")
    return "; ".join(found)


def notes(status: EngineStatus) -> list[str]:
    """What was lost, refused, or is done by another process."""
    found = []
    if not status.leads:
        who = status.leader.partition("/")[0] or "another process"
        found.append(f"Series and policies are watched by {who}; this process stands by.")
    found += [
        f"Rows of {table} not looked at, for want of room (detect.queue_mb): {amount(count)}."
        for table, count in status.dropped.items()
    ]
    for count, what in (
        (status.flooded, "Findings not listed, their detectors having too many events open (detect.most_open)"),
        (status.lost, "Changes of events lost while a store was away"),
        (status.refused, "Events and their changes that a store refused"),
        (status.damaged, "Saved states that could not be read; their detectors learned anew"),
    ):
        if count:
            found.append(f"{what}: {amount(count)}.")
    return found


def backtest(one: Backtest) -> BacktestView:
    """A back-test, and how far it is."""
    return BacktestView(
        id=one.id, detectors=one.detectors, author=one.author, began_s=one.began_s, ended_s=one.ended_s,
        state=one.state, progress=min(1.0, max(0.0, one.progress)), error=one.error,
        report=None if one.report is None else BacktestReport.model_validate(one.report),
    )  # fmt: skip


# Policies and channels.


def preview(judged: Judged, found: Sequence[Spell], window: Window) -> PolicyPreview:
    """How often a policy would have fired."""
    days = max(window.until - window.since, 1) / 86_400
    known = judged.holds != UNKNOWN
    latest = sorted(found, key=lambda spell: -spell.fired_s)[:_MOST_SPELLS]
    return PolicyPreview(
        spells=[
            PolicySpell(
                series=_series_text(spell), started_s=spell.started_s, fired_s=spell.fired_s, ended_s=spell.ended_s,
                values=dict(spell.values),
            )
            for spell in latest
        ],
        total=len(found), series=len(judged.keys), fired_series=len({spell.key.text for spell in found}),
        per_day=len(found) / days, judged_share=float(np.mean(known)) if known.size else None,
        units=dict(judged.units), window=window, note=_note(judged, window),
    )  # fmt: skip


def _series_text(spell: Spell) -> str:
    return " ".join([spell.key.entity.title or spell.key.entity.id.replace("|", " "), *spell.key.labels.values()])


def _note(judged: Judged, window: Window) -> str:
    """What the figures leave out."""
    found = [f"There are more than {MOST_SERIES} series: the smallest are not judged."] if judged.is_cut else []
    known = (judged.holds != UNKNOWN).any(axis=0) if judged.holds.size else np.zeros(0, np.bool_)
    if not known.any():
        return " ".join(found)
    first_s = int(judged.times_s[int(np.argmax(known))])
    if first_s - window.since > 2 * judged.policy.step_s:
        zone = ZoneInfo("UTC")
        found.append(f"Nothing is known of before {datetime.fromtimestamp(first_s, zone):%Y-%m-%d %H:%M} UTC.")
    return " ".join(found)


def channels(config: NotifyConfig, statuses: Sequence[ChannelStatus]) -> list[ChannelView]:
    """Who is told, without addresses and keys."""
    by_name = {status.name: status for status in statuses}
    found = []
    for one in config.channels:
        status = by_name[one.name]
        way: Literal["apprise", "pagerduty", "webhook"] = (
            "webhook" if one.webhook else "pagerduty" if one.pagerduty else "apprise"
        )
        numbers = status.counts
        found.append(
            ChannelView(
                name=one.name, way=way, min_severity=one.min_severity, groups=one.groups, sent=numbers.sent,
                waiting=status.waiting, held=numbers.held, repeated=numbers.repeated, summed_up=numbers.summed_up,
                failed=numbers.failed, dropped=numbers.dropped, last_error=status.last_error,
                last_sent_s=status.last_sent_s,
            )
        )  # fmt: skip
    return found
