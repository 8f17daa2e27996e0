"""docs/twin-faults.md says of every kind what the catalogue says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from weft.twin.faults.begin import begin
from weft.twin.faults.catalogue import KINDS, truth_of
from weft.twin.faults.model import Fault, FaultGroup, FaultKind
from weft.twin.truth import fault_row

PAGE = Path(__file__).resolve().parents[2] / "docs" / "twin-faults.md"


def rows(group: FaultGroup) -> Iterator[str]:
    """The rows of a group's table: name, what it is, places, how long, where it shows, what to do."""
    for kind in KINDS.values():
        if kind.group is group:
            found = kind.places(7)
            played = [
                begin(kind, place, 0.0, kind.lasts_s[1], 1.0, np.random.default_rng(1), "one") for place in found
            ] or [Fault("one", kind.name, 0.0, 1.0, target="job")]
            truths = [truth_of(one) for one in played]
            shows = sorted({symptom.dataset for truth in truths for symptom in truth.symptoms})
            acts = sorted({truth.action.kind for truth in truths} - {"none"}) or ["wait"]
            yield (
                f"| `{kind.name}` | {kind.title}. {kind.description} | {len(found)} | {lasts(kind)} "
                f"| {', '.join(shows)} | {', '.join(acts)} |"
            )


def lasts(kind: FaultKind) -> str:
    first, last = (f"{seconds / 60:.3g}" for seconds in kind.lasts_s)
    return f"{first} min" if first == last else f"{first}–{last} min"


def test_the_page_has_every_kind_as_it_is() -> None:
    text = PAGE.read_text()
    wanted = [row for group in FaultGroup for row in rows(group)]
    missing = [row for row in wanted if row not in text]
    assert not missing, "docs/twin-faults.md lacks:\n" + "\n".join(missing)
    assert sum(line.startswith("| `") for line in text.splitlines()) == len(wanted)


def test_the_truth_shown_is_as_it_is_written() -> None:
    shown = json.loads(PAGE.read_text().split("```json\n")[1].split("```")[0])
    kind = KINDS[shown["kind"]]
    place = next(one for one in kind.places(7) if (one.device, one.port) == (shown["device"], shown["port"]))
    fault = begin(
        kind, place, shown["start"], shown["end"] - shown["start"], 1.0, np.random.default_rng(5), shown["id"]
    )
    assert fault_row(fault, kind) == shown
