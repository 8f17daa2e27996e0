"""Events against the truth, on cases whose answer is plain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from weft.detect.scoring.matching import Verdict, match
from weft.detect.scoring.score import score, wilson
from weft.detect.scoring.truth import Fault, fault_of, read_truth, related
from weft.errors import InvalidInput
from weft.model.events import Entity, Event, EventGroup, EventState, Severity

LINE = {
    "type": "fault", "id": "cut", "kind": "link_cut", "group": "link", "start": 1000.0, "end": 1600.0, "severity": 0.9,
    "is_benign": False, "root_cause": "interface:a|e1", "title": "Line cut",
    "symptoms": [
        {"dataset": "metrics", "entity": "interface:b|e2", "after_s": 0.0},
        {"dataset": "business", "entity": "site:chi", "after_s": 60.0},
    ],
}  # fmt: skip


def fault(**changes: object) -> Fault:
    return fault_of({**LINE, **changes})


def event(entity: str, at_s: float, kind: str = "link_down", **changes: object) -> Event:
    told = {
        "id": f"{entity}-{at_s}-{kind}", "detector": "links", "kind": kind, "group": EventGroup.LINK,
        "severity": Severity.MAJOR, "state": EventState.OPEN, "title": "t", "text": "t", "entity": Entity.parse(entity),
        "started_s": at_s, "detected_s": at_s, "raised_s": at_s + 5, "seen_s": at_s, **changes,
    }  # fmt: skip
    return Event.model_validate(told)


def verdicts(*events: Event, faults: list[Fault] | None = None) -> list[Verdict]:
    return [one.verdict for one in match(events, faults or [fault()])]


@pytest.mark.parametrize(
    ("one", "other", "is_related"),
    [
        ("device:a", "device:a", True),
        ("device:a", "exporter:a", True),
        ("device:a", "interface:a|e1", True),
        ("interface:a|e1", "interface:a|e2", False),
        ("interface:a|e1", "peer:a|192.0.2.1", False),
        ("host:192.0.2.7", "prefix:192.0.2.0/24", True),
        ("prefix:192.0.2.0/25", "prefix:192.0.2.0/24", True),
        ("host:192.0.2.7", "prefix:0.0.0.0/0", False),
        ("host:2001:db8::1", "prefix:192.0.2.0/24", False),
        ("host:nobody", "prefix:192.0.2.0/24", False),
        ("target:shop.example.com", "test:dns|chi-agent1|shop.example.com", True),
        ("site:chi", 'business:orders|product="app",site="chi"', True),
        ("device:a", "link:a|e1--b|e2", True),
        ("interface:b|e2", "link:a|e1--b|e2", True),
        ("interface:b|e3", "link:a|e1--b|e2", False),
    ],
)
def test_entities_that_have_to_do_with_each_other(one: str, other: str, is_related: bool) -> None:
    assert related(Entity.parse(one), Entity.parse(other)) is is_related
    assert related(Entity.parse(other), Entity.parse(one)) is is_related


def test_an_event_counts_in_the_time_of_the_fault_and_at_its_entities_only() -> None:
    assert verdicts(event("interface:a|e1", 1010.0)) == [Verdict.TRUE]
    assert verdicts(event("device:b", 1890.0)) == [Verdict.TRUE]
    assert verdicts(event("interface:a|e1", 930.0)) == [Verdict.FALSE], "more than a sample before it began"
    assert verdicts(event("interface:a|e1", 1901.0)) == [Verdict.FALSE], "after the grace"
    assert verdicts(event("interface:c|e1", 1010.0)) == [Verdict.FALSE]


def test_duplicates_are_noise_while_other_ends_are_not() -> None:
    found = verdicts(event("interface:a|e1", 1010.0), event("interface:b|e2", 1020.0), event("interface:a|e1", 1300.0))
    assert found == [Verdict.TRUE, Verdict.TRUE, Verdict.DUPLICATE]


def test_of_a_decoy_information_is_no_alarm() -> None:
    decoy = [fault(is_benign=True, kind="maintenance")]
    assert verdicts(event("interface:a|e1", 1010.0), faults=decoy) == [Verdict.DECOY]
    assert verdicts(event("interface:a|e1", 1010.0, severity=Severity.INFO), faults=decoy) == [Verdict.TOLD]
    assert verdicts(event("interface:a|e1", 1010.0), faults=[fault(), *decoy]) == [Verdict.TRUE]


def test_the_fault_that_the_kind_speaks_of_is_preferred() -> None:
    faults = [fault(id="cpu", kind="cpu_overload", root_cause="device:a", symptoms=[]), fault()]
    (found,) = match([event("device:a", 1010.0, others=[Entity.parse("interface:a|e1")])], faults)
    assert found.fault is not None
    assert (found.fault.id, found.named, found.exact) == ("cut", True, True)


def test_shares_counts_and_delays() -> None:
    faults = [fault(), fault(id="cut2", start=5000.0, end=5600.0), fault(id="early", start=10.0, end=950.0)]
    events = [event("interface:a|e1", 1130.0), event("interface:z|e1", 3000.0), event("interface:a|e1", 930.0)]
    told = score(events, faults, 500.0, 86_900.0, series=2000.0).document()
    assert (told["events"], told["true"], told["false"]) == (3, 2, 1)
    assert told["precision"] == pytest.approx(2 / 3, abs=1e-3)
    assert (told["faults"], told["found"], told["recall"]) == (2, 1, 0.5), "what began before is not asked for"
    assert told["false_per_1000_series_days"] == pytest.approx(0.5)
    (cut,) = (one for one in told["classes"] if one["kind"] == "link_cut")
    assert (cut["delay_s"], cut["samples"], cut["alarm_s"]) == (130.0, 3.0, 135.0)
    assert cut["missed"] == ["cut2"]
    assert cut["precision"] == pytest.approx(2 / 3, abs=1e-3)
    (flap,) = (one for one in told["classes"] if one["kind"] == "link_flap")
    assert (flap["claimed"], flap["precision"], flap["recall"]) == (1, 0.0, None), "the false one spoke of it, too"


def test_nothing_is_no_success() -> None:
    told = score([], [fault()], 0.0, 86_400.0).document()
    assert (told["precision"], told["recall"], told["false_per_1000_series_days"]) == (None, 0.0, None)
    assert wilson(9, 9)[0] == pytest.approx(0.7009, abs=1e-3)


def test_a_truth_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text(json.dumps(LINE) + "\n" + json.dumps({"type": "action", "id": "x"}) + "\n", encoding="utf-8")
    assert [one.id for one in read_truth(path)] == ["cut"]
    path.write_text(json.dumps(LINE) + "\n{]\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="line 2"):
        read_truth(path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_truth(tmp_path / "none.jsonl")
