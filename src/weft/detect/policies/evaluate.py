"""Whether a policy holds, series by series: live over the last minutes, and in the editor's preview over weeks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.detect.detector import Finding, Watch
from weft.detect.frame import Frame, SeriesKey
from weft.detect.policies.expression import FALSE, TRUE, UNKNOWN, Name, Not, Tree, names_in, parse, value_of
from weft.detect.policies.policy import Condition, Policy
from weft.detect.texts import amount, lasting
from weft.model.events import Entity, Evidence

_AGO_S = {"value": 0, "change_1d": 86_400, "change_7d": 7 * 86_400}
_OPS: Mapping[str, Callable[[NDArray[np.float64], float], NDArray[np.bool_]]] = {
    ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal,
}  # fmt: skip
#: Kinds of entities by how the dimension that names them ends; others are called as the dimension.
_ENTITIES = (
    ("exporter", "device"), ("exporter_name", "device"), ("interface", "interface"), ("in_if", "interface"),
    ("out_if", "interface"), ("site", "site"), ("_addr", "host"), ("_as", "asn"), ("prefix", "prefix"),
)  # fmt: skip
#: Series that one policy judges; the smallest beyond are left out.
MOST_SERIES = 5000
#: Gives the values of a watch from one time to another, UTC seconds, on a grid of its ``step_s``.
FrameOf = Callable[[Watch, int, int], Frame]


@dataclass(frozen=True, slots=True)
class Spell:
    """A time for which a policy fired for one series: from when it began to hold until it had ceased to."""

    key: SeriesKey
    started_s: int
    fired_s: int
    last_s: int  # the last bucket in which it held
    ended_s: int | None  # None = still on at the end of the window
    values: Mapping[str, float]  # of each condition that made it true, at its most


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy says of a window. ``holds``: int8 [S, T] of ``FALSE``, ``UNKNOWN``, ``TRUE``.

    ``is_cut``: there are more series than are judged; the smallest are left out.
    """

    policy: Policy
    keys: Sequence[SeriesKey]
    times_s: NDArray[np.int64]
    holds: NDArray[np.int8]
    values: Mapping[str, NDArray[np.float64]]
    units: Mapping[str, str]
    is_cut: bool = False


def watch_of(policy: Policy, condition: Condition) -> Watch:
    """What a condition looks at."""
    by = tuple(policy.by)
    kind = next((kind for name, kind in _ENTITIES if by and by[0].endswith(name)), by[0] if by else "policy")
    return Watch(
        condition.dataset, condition.measure, by, entity_kind=kind, entity_by=by[:1], filter=condition.filter,
        step_s=policy.step_s, history_s=0, most_series=MOST_SERIES,
    )  # fmt: skip


def judge(policy: Policy, since_s: int, until_s: int, frame_of: FrameOf) -> Judged:
    """Whether the policy holds in each bucket of a window. Asks ``frame_of`` for each condition."""
    step = policy.step_s
    first = since_s // step * step
    times = np.arange(first, max(until_s // step * step, first), step, dtype=np.int64)
    now: dict[str, Frame] = {}
    for condition in policy.conditions:
        now[condition.name] = frame_of(watch_of(policy, condition), first, first + len(times) * step)
    keys = {key.text: key for frame in now.values() for key in frame.keys}
    rows = {text: row for row, text in enumerate(keys)}
    values, truths, units = {}, {}, {}
    for condition in policy.conditions:
        value = _laid(now[condition.name], rows, times)
        if condition.nothing_is_zero:
            value = np.where(np.isnan(value), 0.0, value)
        units[condition.name] = now[condition.name].unit
        if ago := _AGO_S[condition.against]:
            earlier = frame_of(watch_of(policy, condition), first - ago, first - ago + len(times) * step)
            before = _laid(earlier, rows, times - ago)  # nothing then is no measure of a change
            with np.errstate(divide="ignore", invalid="ignore"):
                value = np.where(before > 0, 100.0 * (value - before) / before, np.nan)
            units[condition.name] = "%"
        values[condition.name] = value
        met = np.where(_OPS[condition.op](value, condition.threshold), TRUE, FALSE)
        truths[condition.name] = np.where(np.isfinite(value), met, UNKNOWN).astype(np.int8)
    holds = value_of(parse(policy.expression), truths)
    is_cut = any(frame.is_cut for frame in now.values())
    return Judged(policy, list(keys.values()), times, holds, values, units, is_cut)


def spells(judged: Judged) -> list[Spell]:
    """When the policy fired, in order of time. What is unknown neither begins a spell nor ends one."""
    policy, step = judged.policy, judged.policy.step_s
    needed, calm = max(1, -(-policy.for_s // step)), max(1, -(-policy.clear_s // step))
    found = []
    for row in np.flatnonzero((judged.holds == TRUE).any(axis=1)):
        found += _spells_of(judged, int(row), needed, calm)
    return sorted(found, key=lambda spell: (spell.fired_s, spell.key.text))


def findings(judged: Judged) -> list[Finding]:
    """What is to be raised: of each spell its last bucket, and its end where it is over."""
    found = []
    for spell in spells(judged):
        finding = _finding(judged, spell)
        found.append(finding)
        if spell.ended_s is not None:
            found.append(_over(finding, spell))
    return found


def _laid(frame: Frame, rows: Mapping[str, int], times: NDArray[np.int64]) -> NDArray[np.float64]:
    """A frame's values over the rows and times of all conditions; not a number where it has none."""
    laid = np.full((len(rows), len(times)), np.nan)
    if not (frame.keys and len(frame.times_s) and len(times)):
        return laid
    at = np.searchsorted(times, frame.times_s)
    fits = (at < len(times)) & (times[np.minimum(at, len(times) - 1)] == frame.times_s)
    places = [(row, rows[key.text]) for row, key in enumerate(frame.keys) if key.text in rows]
    if places:
        source, target = np.array(places).T
        laid[np.ix_(target, at[fits])] = frame.values[np.ix_(source, np.flatnonzero(fits))]
    return laid


def _spells_of(judged: Judged, row: int, needed: int, calm: int) -> list[Spell]:
    found: list[Spell] = []
    step, times = judged.policy.step_s, judged.times_s
    begin = last = fired = None
    held = quiet = 0
    for column, value in enumerate(judged.holds[row]):
        if value == TRUE:
            if fired is None and held == 0:
                begin = column
            held, quiet, last = held + 1, 0, column
            if fired is None and held >= needed:
                fired = column
        elif value == FALSE:
            held, quiet = 0, quiet + 1
            if fired is not None and quiet >= calm:
                ended = int(times[last or 0]) + step
                found.append(_spell(judged, row, (begin or 0, fired, last or 0), ended))
                fired = None
    if fired is not None:
        found.append(_spell(judged, row, (begin or 0, fired, last or 0), None))
    return found


def _spell(judged: Judged, row: int, columns: tuple[int, int, int], ended_s: int | None) -> Spell:
    begin, fired, last = columns
    times, step = judged.times_s, judged.policy.step_s
    most: dict[str, float] = {}
    asserted = _asserted(parse(judged.policy.expression))
    for condition in judged.policy.conditions:
        part = judged.values[condition.name][row, begin : last + 1]
        part = part[np.isfinite(part)]
        if condition.name in asserted and len(part):
            most[condition.name] = float(part.max() if condition.op in (">", ">=") else part.min())
    return Spell(judged.keys[row], int(times[begin]), int(times[fired]) + step, int(times[last]), ended_s, most)


def _asserted(tree: Tree, positive: bool = True) -> set[str]:
    """Names whose truth speaks for the whole: those under no ``not``."""
    match tree:
        case Name(name):
            return {name} if positive else set()
        case Not(of):
            return _asserted(of, not positive)
        case _:
            return _asserted(tree.left, positive) | _asserted(tree.right, positive)


def _finding(judged: Judged, spell: Spell) -> Finding:
    policy = judged.policy
    told = [one for one in policy.conditions if one.name in spell.values]
    where = " ".join([spell.key.entity.id.replace("|", " "), *spell.key.labels.values()])
    entity = spell.key.entity if policy.by else Entity(kind="policy", id=policy.name)
    main = told[0] if told else None
    return Finding(
        kind="policy", entity=entity, at_s=float(spell.last_s), started_s=float(spell.started_s),
        title=(f"{policy.name}: {where}" if policy.by else policy.name)[:200],
        text=_why(judged, spell, told), severity=policy.severity, hold_s=float(policy.clear_s + policy.step_s),
        seen=spell.values[main.name] if main else None, expected=main.threshold if main else None,
        unit=judged.units[main.name] if main else "", labels={"policy": policy.name, **spell.key.labels},
        evidence=[
            Evidence(
                kind="query", title=f"{one.measure} of {one.dataset}",
                query={"dataset": one.dataset, "measures": [one.measure], "by": policy.by, "filter": one.filter,
                       "since": str(spell.started_s - 3600), "until": str(spell.last_s + 3600)},
            )
            for one in policy.conditions
        ],
    )  # fmt: skip


def _why(judged: Judged, spell: Spell, told: Sequence[Condition]) -> str:
    policy = judged.policy
    said = ", ".join(
        f"{one.measure} of {one.dataset} "
        + {"value": "", "change_1d": "against a day before ", "change_7d": "against a week before "}[one.against]
        + f"was {amount(spell.values[one.name], judged.units[one.name])} "
        + f"({one.op} {amount(one.threshold, judged.units[one.name])})"
        for one in told
    )
    unsaid = names_in(parse(policy.expression)) - {one.name for one in told}
    also = f"; {', '.join(sorted(unsaid))} did not hold" if unsaid else ""
    long = f" for {lasting(policy.for_s)}" if policy.for_s else ""
    words = (
        f"The policy “{policy.name}” held{long}: {said}{also}." if said else f"The policy “{policy.name}” held{long}."
    )
    return f"{words} {policy.description}".strip()[:2000]


def _over(finding: Finding, spell: Spell) -> Finding:
    return Finding(
        finding.kind, finding.entity, float(spell.ended_s or spell.last_s), finding.title, finding.text,
        finding.severity, hold_s=finding.hold_s, started_s=finding.started_s, ends=True, labels=finding.labels,
    )  # fmt: skip
