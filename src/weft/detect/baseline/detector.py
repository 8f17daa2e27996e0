"""A detector that needs a baseline and no more: it makes findings of what a baseline hits upon, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.detect.baseline import kernel, tail
from weft.detect.baseline.calendar import spoken
from weft.detect.baseline.model import Baseline
from weft.detect.baseline.tuning import Tuning
from weft.detect.detector import About, Finding, SeriesDetector, Watch
from weft.detect.frame import Frame, SeriesKey
from weft.detect.texts import amount, between, lasting, rarity
from weft.model.events import Entity, EventGroup, Evidence, Severity

#: What the hits of the kernel are called.
KINDS: Mapping[float, str] = {
    kernel.SPIKE: "spike",
    kernel.DROP: "drop",
    kernel.HIGH: "high",
    kernel.LOW: "low",
    kernel.SHIFT: "level_shift",
    kernel.FLATLINE: "flatline",
    kernel.MISSING: "missing",
}
MEANINGS: Mapping[str, str] = {
    "spike": "It rose within minutes to what it is not at this time.",
    "drop": "It fell within minutes to what it is not at this time.",
    "high": "It is higher than it is at this time, though it rose slowly.",
    "low": "It is lower than it is at this time, though it fell slowly.",
    "level_shift": "It has been off by some for long.",
    "flatline": "It stands still, which it never did as long.",
    "missing": "Values of it do not come any more.",
    "many": "Many series deviate in the same moment to the same side.",
}
#: So many series at once, and this share of those that came, are one event and not many.
_MANY, _SHARE = 12, 0.3
_CONFIDENCE = 0.9
#: In the names of business series of which more is worse.
_TROUBLE = ("ticket", "complaint", "error", "fail", "refus", "cancel", "refund", "abandon", "wait", "latency", "outage")


@dataclass(frozen=True, slots=True)
class Told:
    """How findings of a detector are worded. ``what``: what the values are, up to the name: *Traffic of*."""

    what: str
    group: EventGroup
    worst: Severity = Severity.MAJOR


class BaselineDetector(SeriesDetector):
    """Compares series with what they are at this time of the day and the week."""

    def __init__(self, about: About, watch: Watch, tuning: Tuning, told: Told) -> None:
        self.about = about
        self.watch = watch
        self.told = told
        self.tuning = tuning
        self.model = Baseline(tuning, watch.step_s, watch.most_series)
        self._missed = 0
        self._keys: Sequence[SeriesKey] = ()
        self._texts: list[str] = []

    def learn(self, frame: Frame) -> None:
        """History."""
        self.model.judge(self._names(frame), frame.times_s, np.ascontiguousarray(frame.values))

    def feed(self, frame: Frame) -> list[Finding]:
        """The next buckets."""
        judged = self.model.judge(self._names(frame), frame.times_s, np.ascontiguousarray(frame.values))
        hits = judged.hits
        self._missed += judged.missed
        if not len(hits):
            return []
        found: list[Finding] = []
        for column in np.unique(hits[:, 1]):
            found += self._at(frame, hits[hits[:, 1] == column], int(column))
        return found

    @property
    def left_out(self) -> int:
        """Series, each time that they found no room, and deviations beyond the most of a frame."""
        return self.model.state.dropped + self._missed

    def learning(self, now_s: float) -> int:
        """Series that are too new for anything to be found in them."""
        return sum(self.model.watched_s(key, now_s) < self.tuning.warm_s for key in self._texts)

    def save(self) -> bytes:
        """The state of all series."""
        return self.model.state.save()

    def load(self, state: bytes) -> None:
        """See ``SeriesDetector``."""
        self.model.state.load(state)

    def _names(self, frame: Frame) -> list[str]:
        """Texts of the keys, worked out once while they are the same objects."""
        if frame.keys is not self._keys:
            self._keys, self._texts = frame.keys, [key.text for key in frame.keys]
        return self._texts

    def _at(self, frame: Frame, hits: NDArray[np.float64], column: int) -> list[Finding]:
        """Findings of one bucket."""
        out: list[Finding] = []
        came = int(np.isfinite(frame.values[:, column]).sum())
        going = hits[:, 3] == kernel.GOES_ON
        for kinds in ((kernel.SPIKE, kernel.HIGH), (kernel.DROP, kernel.LOW), (kernel.MISSING,), (kernel.FLATLINE,)):
            these = going & np.isin(hits[:, 2], kinds)
            if these.sum() >= max(_MANY, _SHARE * (came if kinds != (kernel.MISSING,) else len(frame.keys))):
                if kinds != (kernel.MISSING,):  # that all fall silent is told of the source, not of each series
                    out.append(self._of_many(frame, hits[these], column))
                hits, going = hits[~these], going[~these]
        out += [self._one(frame, hit) for hit in hits]
        return out

    def _one(self, frame: Frame, hit: NDArray[np.float64]) -> Finding:
        key = frame.keys[int(hit[0])]
        at_s = float(frame.times_s[int(hit[1])])
        kind, ends = KINDS[float(hit[2])], float(hit[3])
        seen, expected, lower, upper = (float(value) if np.isfinite(value) else None for value in hit[4:8])
        upper = None if kind == "flatline" else upper
        score = float(hit[8])
        period = tail.period_s(score, frame.step_s) if score > 0 else None
        watched = self.model.watched_s(key.text, at_s)
        name = self._name(key)
        text = self._text(kind, at_s, frame.unit, hit, rarity(period, watched) if period else "")
        if ends == kernel.ABSORBED:
            text += f" It has lasted {lasting(at_s - float(hit[9]))} and is taken as the new normal."
        return Finding(
            kind=kind,
            entity=key.entity,
            at_s=at_s,
            title=f"{name}: {_TITLES[kind]}"[:200],
            text=text,
            severity=Severity.INFO if self._is_good_news(kind, key) else self._severity(kind, seen, expected, score),
            hold_s=max(300.0, 5.0 * frame.step_s),
            started_s=float(hit[9]),
            ends=ends != kernel.GOES_ON,
            seen=seen,
            expected=expected,
            lower=lower,
            upper=upper,
            unit=frame.unit,
            score=score,
            return_period_s=min(period, 10.0 * watched) if period else None,
            confidence=_CONFIDENCE,
            labels={name: value for name, value in key.labels.items() if name not in self.watch.entity_by},
            evidence=self._evidence(key, at_s, float(hit[9]), frame, hit),
        )

    def _name(self, key: SeriesKey) -> str:
        told = [value for name, value in key.labels.items() if name not in self.watch.entity_by and value]
        of = key.entity.title or key.entity.id
        return f"{self.told.what} {of}" + (f" ({', '.join(told)})" if told else "")

    def _text(self, kind: str, at_s: float, unit: str, hit: NDArray[np.float64], rare: str) -> str:
        if kind == "missing":
            return "Values came all the time; none has come since. Others of its kind still do."
        if kind == "flatline":
            since, longest = lasting(at_s - float(hit[9])), lasting(float(hit[7]) * self.watch.step_s)
            return (
                f"The value has been {amount(hit[4], unit)} for {since}, without the least change. Before, the longest "
                f"that it stood still was {longest}."
            )
        when = spoken(at_s, self.tuning.zone, self.tuning.holidays)
        text = (
            f"{when} normally {between(hit[6], hit[7], unit)}; now {amount(hit[4], unit)}"
            f" (expected {amount(hit[5], unit)})"
        )
        if rare:
            text += f", the like {rare}"
        lasted = at_s - float(hit[9])
        if lasted > 0:
            text += f", off for {lasting(lasted)}"
        return text + "."

    def _is_good_news(self, kind: str, key: SeriesKey) -> bool:
        """Whether more of a business series came than expected, and it is not one of trouble: orders, not tickets."""
        is_more = self.told.group is EventGroup.BUSINESS and kind in ("spike", "high")
        return is_more and not any(word in key.labels.get("series", key.entity.id).lower() for word in _TROUBLE)

    def _severity(self, kind: str, seen: float | None, expected: float | None, score: float) -> Severity:
        if kind == "level_shift":
            return Severity.INFO
        if kind in ("missing", "flatline") or seen is None or expected is None:
            return Severity.MINOR
        more, less = max(seen, expected), min(seen, expected)
        far = less <= 0 or more / max(less, 1e-300) >= 3.0 if self.tuning.values == "rate" else False
        return self.told.worst if far and score >= self.model.wanted else Severity.MINOR

    def _evidence(
        self, key: SeriesKey, at_s: float, since_s: float, frame: Frame, hit: NDArray[np.float64]
    ) -> list[Evidence]:
        out = [
            Evidence(
                kind="query",
                title="The series, the day before and after",
                query=self._query(key, float(since_s), at_s, frame.step_s),
            )
        ]
        watched = self.model.watched_s(key.text, at_s)
        if np.isfinite(hit[5]):
            out.append(
                Evidence(
                    kind="model",
                    title="What was expected",
                    text=f"{amount(hit[5], frame.unit)}, of {lasting(watched)} of watching; an event opens "
                    f"at a score of {self.model.wanted:.1f}, this one had {hit[8]:.1f}.",
                )
            )
        return out

    def _query(self, key: SeriesKey, since_s: float, at_s: float, step_s: int) -> dict[str, Any]:
        """What shows the series, from a day before it began to be off."""
        terms = [f'{name} = "{value}"' for name, value in key.labels.items() if '"' not in value]
        filters = " AND ".join([*([f"({self.watch.filter})"] if self.watch.filter else []), *terms])
        return {
            "dataset": self.watch.dataset,
            "measures": [self.watch.measure],
            "by": list(self.watch.by),
            "filter": filters[:4000],
            "since": str(int(since_s - 86400)),
            "until": str(int(at_s + 3600)),
            "every": step_s,
        }

    def _of_many(self, frame: Frame, hits: NDArray[np.float64], column: int) -> Finding:
        """One finding instead of one for each series: a holiday, or something that all of them share."""
        at_s = float(frame.times_s[column])
        worst = hits[np.argsort(-hits[:, 8])]
        entities = [frame.keys[int(hit[0])].entity for hit in worst[:20]]
        kind = KINDS[float(worst[0, 2])]
        side = {"spike": "higher", "high": "higher", "flatline": "still"}.get(kind, "lower")
        rows: list[list[str | float | int | None]] = [
            [frame.keys[int(hit[0])].entity.text, round(float(hit[4]), 3), round(float(hit[5]), 3)]
            for hit in worst[:20]
        ]
        return Finding(
            kind="many",
            entity=Entity(kind="network", id=self.about.name),
            at_s=at_s,
            title=f"{self.told.what} {len(hits)} series at once is {side} than at this time",
            text=f"{len(hits)} of {int(np.isfinite(frame.values[:, column]).sum())} series are {side} than normal on "
            f"{spoken(at_s, self.tuning.zone, self.tuning.holidays)}. That many at once have one cause, or it is an "
            "unusual day.",
            severity=Severity.MINOR,
            started_s=float(hits[:, 9].min()),
            hold_s=max(900.0, 5.0 * frame.step_s),
            score=float(worst[0, 8]),
            confidence=0.6,
            labels={"side": side},
            others=entities,
            evidence=[
                Evidence(kind="rows", title="Those furthest off", columns=["series", "seen", "expected"], rows=rows)
            ],
        )


_TITLES = {
    "spike": "far more than at this time",
    "drop": "far less than at this time",
    "high": "more than at this time",
    "low": "less than at this time",
    "level_shift": "another level for a while",
    "flatline": "stands still",
    "missing": "no values any more",
}
