"""Policies: expressions in three values, spells, what is said of them."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from pydantic import ValidationError

from weft.detect.frame import Frame, SeriesKey
from weft.detect.policies.evaluate import findings, judge, spells
from weft.detect.policies.expression import FALSE, TRUE, UNKNOWN, ExpressionError, names_in, parse, value_of
from weft.detect.policies.policy import Policy
from weft.model.events import Entity

T0 = 1_780_000_020 // 60 * 60
NAN = float("nan")


def truth(text: str, **values: int) -> int:
    return int(value_of(parse(text), {name: np.array([value], np.int8) for name, value in values.items()})[0])


def test_expressions_bind_as_everybody_expects() -> None:
    for a, b, c in itertools.product((FALSE, TRUE), repeat=3):
        as_python = {"a": a == TRUE, "b": b == TRUE, "c": c == TRUE}
        for text in ("a or b and c", "not a and b or c", "(a or b) and not c", "not (a and b) or c", "not not a"):
            assert (truth(text, a=a, b=b, c=c) == TRUE) is eval(text, {}, as_python)


def test_what_is_unknown_decides_nothing() -> None:
    assert truth("a and b", a=UNKNOWN, b=TRUE) == UNKNOWN
    assert truth("a and b", a=UNKNOWN, b=FALSE) == FALSE
    assert truth("a or b", a=UNKNOWN, b=TRUE) == TRUE
    assert truth("not a", a=UNKNOWN) == UNKNOWN


def test_names_and_signs() -> None:
    assert names_in(parse("!a && (b || a_1)")) == {"a", "b", "a_1"}


@pytest.mark.parametrize(
    "text",
    ["", "a and", "a b", "(a", "a)", "and a", "a + b", "a or or b", "(" * 50 + "a" + ")" * 50, "not " * 50 + "a"],
)
def test_what_is_not_understood_is_refused(text) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def test_any_text_is_understood_or_refused() -> None:
    rng = random.Random(5)
    for _ in range(2000):
        text = " ".join(
            rng.choice(["a", "b", "and", "or", "not", "(", ")", "!", "$"]) for _ in range(rng.randint(0, 12))
        )
        try:
            tree = parse(text)
        except ExpressionError:
            continue
        assert names_in(tree) <= {"a", "b"}


def policy(**fields) -> Policy:
    base = {"name": "Full", "by": ["site"], "conditions": [{"name": "a", "measure": "bps", "threshold": 10}]}
    return Policy.model_validate(base | fields)


def frames(**series: list[float]):
    """Frames by measure: ``bps_chi=[…]``; a minute each, from T0."""

    def frame_of(watch, since_s, until_s):
        times = np.arange(since_s, until_s, watch.step_s)
        keys, rows = [], []
        for name, values in series.items():
            measure, _, site = name.partition("_")
            if measure == watch.measure:
                known = {T0 + 60 * i: value for i, value in enumerate(values)}
                keys.append(SeriesKey(Entity(kind="site", id=site), {}))
                rows.append([known.get(int(at), NAN) for at in times])
        return Frame(keys, times, np.array(rows, float).reshape(len(keys), len(times)), watch.step_s, "bit/s")

    return frame_of


def fired(one: Policy, minutes: int, **series):
    found = spells(judge(one, T0, T0 + 60 * minutes, frames(**series)))
    return [
        (s.key.entity.id, (s.started_s - T0) // 60, (s.fired_s - T0) // 60, s.ended_s and (s.ended_s - T0) // 60)
        for s in found
    ]


def test_it_fires_once_it_has_held_and_ends_once_it_has_not() -> None:
    one = policy(for_s=180, clear_s=120)
    values = [1, 20, 20, 1, 20, 20, 20, 20, 1, 20, 1, 1, 1]
    assert fired(one, len(values), bps_chi=values) == [("chi", 4, 7, 10)]


def test_series_are_judged_apart_and_what_is_on_has_no_end() -> None:
    one = policy(clear_s=60)
    assert fired(one, 4, bps_chi=[1, 20, 20, 20], bps_lon=[20, 1, 1, 20]) == [
        ("lon", 0, 1, 1), ("chi", 1, 2, None), ("lon", 3, 4, None),
    ]  # fmt: skip


def test_what_is_missing_neither_begins_nor_ends_it() -> None:
    one = policy(conditions=[{"name": "a", "measure": "bps", "threshold": 10, "missing": "unknown"}], clear_s=60)
    assert fired(one, 6, bps_chi=[20, NAN, NAN, NAN, 20, 1]) == [("chi", 0, 1, 5)]
    assert fired(one, 3, bps_chi=[NAN, NAN, 1]) == []


def test_no_flows_are_zero_but_no_reading_is_not() -> None:
    few = {"name": "a", "measure": "bps", "op": "<", "threshold": 1}
    assert fired(policy(conditions=[few]), 3, bps_chi=[20, NAN, NAN]) == [("chi", 1, 2, None)]
    assert fired(policy(conditions=[few | {"dataset": "metrics"}]), 3, bps_chi=[20, NAN, NAN]) == []


def test_conditions_combine() -> None:
    one = policy(
        conditions=[
            {"name": "a", "measure": "bps", "threshold": 10},
            {"name": "b", "measure": "loss", "dataset": "probes", "threshold": 0.1},
        ],
        when="a and not b",
        clear_s=60,
    )
    assert fired(one, 3, bps_chi=[20, 20, 20], loss_chi=[0, 0.5, 0]) == [("chi", 0, 1, 1), ("chi", 2, 3, None)]
    assert fired(one, 3, bps_chi=[20, 20, 20], loss_lon=[0, 0, 0]) == []


def test_changes_against_the_day_before() -> None:
    one = policy(conditions=[{"name": "a", "measure": "bps", "against": "change_1d", "op": "<", "threshold": -50}])
    day = [100.0] * 1440
    values = [*day, 100.0, 40.0, 45.0]
    found = spells(judge(one, T0 + 86_400, T0 + 86_400 + 180, frames(bps_chi=values)))
    assert [(s.started_s - T0 - 86_400, s.values["a"]) for s in found] == [(60, -60.0)]
    assert fired(one, 3, bps_chi=[1, 1, 1]) == [], "nothing is known of the day before"


def test_findings_say_why() -> None:
    one = policy(for_s=60, clear_s=60, description="Call the provider.", severity="critical")
    raised, over = findings(judge(one, T0, T0 + 180, frames(bps_chi=[20, 30, 1])))
    assert raised.text == "The policy “Full” held for 60 s: bps of flows was 30 bit/s (> 10 bit/s). Call the provider."
    assert (raised.entity.text, raised.started_s, raised.severity, raised.title) == (
        "site:chi", T0, "critical", "Full: chi",
    )  # fmt: skip
    assert (over.ends, over.at_s, over.labels) == (True, T0 + 120, {"policy": "Full"})
    assert raised.evidence[0].query["measures"] == ["bps"]


@pytest.mark.parametrize(
    "fields",
    [
        {"when": "a and z"},
        {"when": "a and"},
        {"conditions": []},
        {"conditions": [{"name": "a", "measure": "bps", "threshold": 1}] * 2},
        {"conditions": [{"name": "a", "measure": "bps", "threshold": NAN}]},
        {"conditions": [{"name": "a", "measure": "bps; drop", "threshold": 1}]},
        {"by": ["a b"]},
        {"for_s": 1e9},
    ],
)
def test_what_is_unsound_is_refused(fields) -> None:
    with pytest.raises(ValidationError):
        policy(**fields)
