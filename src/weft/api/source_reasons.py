"""What can be wrong with a source that is no flow exporter, how we know, and what to do about it.

Pure functions of its status: every sentence carries the figures it rests on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from weft.api.explanations import explain
from weft.api.models.base import Reason, Status
from weft.api.models.sources import IntakeView, SourceView
from weft.api.reasons import duration, number, share
from weft.model.sources import SourceStatus

SILENT_CRITICAL_S = 900.0
SKEW_WARNING_S = 60.0
COVERAGE_WARNING = 0.9
#: From so many sources of a kind with the same trouble on, Home says it once.
_MANY = 3
_NAMED = 3

STATUS: Mapping[str, Status] = {
    "ok": Status.OK, "starting": Status.UNKNOWN, "off": Status.UNKNOWN, "degraded": Status.WARNING,
    "silent": Status.WARNING, "failing": Status.CRITICAL,
}  # fmt: skip

#: What is missing while a source of the kind brings nothing; the general words for kinds that are not listed.
_MISSING: Mapping[str, str] = {
    "snmp": "Interface counters, device health and neighbours of the device are missing since then.",
    "gnmi": "What the device streams is missing since then.",
    "syslog": "What the device logs is missing since then.",
    "prometheus": "What this sender writes is missing since then.",
    "otlp": "What this sender writes is missing since then.",
    "configs": "Changes of its configuration are not noticed.",
    "inventory": "The inventory is as it was read last.",
    "rpki": "Routes are judged by its last payloads until those are out of date, then by other sources alone.",
    "bgp": "The router's routes are not known; its flows are not told their paths.",
    "business": "Its business series have no values since then.",
    "agent": "Its synthetic tests have no results since then; they come late if it only cannot reach this server.",
}
_MISSING_ANY = "What it tells is missing since then."
_CHECK: Mapping[str, str] = {
    "snmp": "Check that the device is up, its SNMP access list and the credentials.",
    "gnmi": "Check that the device is up, its gRPC port and the credentials.",
    "syslog": "Check that the device is up and still logs to this address and port, and the path between.",
    "trap": "Check that the device is up and still sends traps to this address and port.",
    "rpki": "Check that the cache is up and its address and port, or that something still writes the file.",
    "bgp": "Check that the router is up, its neighbour configuration towards Weft, and the key.",
    "agent": "Check that `weft agent` runs there and reaches this server.",
}
_CHECK_ANY = "Check that the sender is up and reaches this address, and the path between."


def source_reasons(one: SourceStatus, id: str, now: float) -> Iterator[Reason]:  # noqa: A002  # its name in the API
    """What is wrong with one source."""
    for reason in (*_of_state(one, now), *_of_quality(one)):
        yield reason.model_copy(update={"exporter": one.exporter or None, "source": id})


def _of_state(one: SourceStatus, now: float) -> Iterator[Reason]:
    seen = one.last_seen_ns / 1e9
    missing, check = _MISSING.get(one.kind, _MISSING_ANY), _CHECK.get(one.kind, _CHECK_ANY)
    if one.state == "failing":
        yield Reason(
            status=Status.CRITICAL, code="source_failing", title=f"{one.name}: every attempt fails: {one.last_error}",
            detail=missing, fix=_first_fix(one) or check, since=seen or None,
        )  # fmt: skip
    elif one.state == "silent":
        quiet = now - seen
        yield Reason(
            status=Status.CRITICAL if quiet > max(SILENT_CRITICAL_S, 10 * one.expected_s) else Status.WARNING,
            code="source_silent",
            title=f"{one.name}: nothing for {duration(quiet)}, expected every {duration(one.expected_s)}",
            detail=missing, fix=check, since=seen,
        )  # fmt: skip
    elif one.state == "degraded":
        yield Reason(
            status=Status.WARNING, code="source_errors",
            title=f"{one.name}: {number(sum(one.errors.values()))} errors since the start, the last "
            f"{duration(max(0.0, now - one.last_error_ns / 1e9))} ago: {one.last_error}",
            detail="What could be read was taken.", fix=_first_fix(one),
        )  # fmt: skip


def _of_quality(one: SourceStatus) -> Iterator[Reason]:
    heard = one.state in ("ok", "degraded")
    if heard and one.coverage is not None and one.coverage < COVERAGE_WARNING:
        yield Reason(
            status=Status.WARNING, code="source_coverage",
            title=f"{one.name}: {share(one.coverage)} of what was expected in the last hour came",
            detail="Charts of it have gaps; rates over whole windows stay right where counters are read again.",
            fix="Lengthen its interval, or look at its errors and at the path to it.",
        )  # fmt: skip
    if one.clock_skew_s is not None and abs(one.clock_skew_s) > SKEW_WARNING_S:
        ahead = "ahead" if one.clock_skew_s > 0 else "behind"
        yield Reason(
            status=Status.WARNING, code="source_clock",
            title=f"{one.name}: its clock is {duration(abs(one.clock_skew_s))} {ahead}",
            detail="The time of arrival is used where its own stamps cannot be right; order within seconds is lost.",
            fix="Configure NTP on the device.",
        )  # fmt: skip


def _first_fix(one: SourceStatus) -> str:
    """What to do about the most frequent error that something can be done about."""
    ordered = sorted(one.errors, key=lambda reason: -one.errors[reason])
    return next((fix for reason in ordered if (fix := explain(reason, one.kind).fix)), "")


def summed_up(views: Iterable[SourceView]) -> Iterator[Reason]:
    """The reasons of all sources for Home: the same trouble of many sources of a kind is one reason."""
    groups: dict[tuple[str, str], list[tuple[SourceView, Reason]]] = defaultdict(list)
    for view in views:
        for reason in view.reasons:
            groups[view.kind, reason.code].append((view, reason))
    for (kind, code), found in groups.items():
        if len(found) < _MANY:
            yield from (reason for _, reason in found)
            continue
        names = ", ".join(view.name for view, _ in found[:_NAMED])
        more = f" and {number(len(found) - _NAMED)} more" if len(found) > _NAMED else ""
        worst = max((reason for _, reason in found), key=lambda reason: reason.status.rank)
        yield Reason(
            status=worst.status, code=code,
            title=(
                f"{number(len(found))} {_TITLES.get(kind, kind)} sources {_SAME.get(code, 'need attention')}: "
                f"{names}{more}"
            ),
            detail=worst.detail, fix=worst.fix, source=f"{kind}:",
        )  # fmt: skip


_TITLES = {"snmp": "SNMP", "gnmi": "gNMI", "trap": "trap", "otlp": "OTLP", "prometheus": "Prometheus"}
_SAME = {
    "source_failing": "fail at every attempt", "source_silent": "are silent", "source_errors": "have errors",
    "source_coverage": "brought less than expected in the last hour", "source_clock": "have wrong clocks",
}  # fmt: skip


def intake_reasons(view: IntakeView, lost_rows: float) -> Iterator[Reason]:
    """What is wrong between the sources and the store; ``lost_rows`` is that of the last minutes."""
    if lost_rows:
        listed = ", ".join(f"{one.reason} {number(one.count)}" for one in view.lost_rows[:5])
        yield Reason(
            status=Status.CRITICAL, code="intake_rows_lost",
            title=f"{number(lost_rows)} rows of metrics, logs or changes were lost in the last minutes",
            detail=f"By reason, since the start: {listed}.",
            fix=next((one.fix for one in view.lost_rows if one.fix), "") or "See Weft's log.",
        )  # fmt: skip
