"""What many series of one entity show together: deviations too small each, and shares that shift.

Both make one number per entity and bucket, which goes through a baseline of its own: how series of an entity go
together, and how its mix changes from hour to hour anyway, is learned there rather than assumed.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC

import numpy as np
from numpy.typing import NDArray

from weft.detect.baseline import kernel, tail
from weft.detect.baseline.calendar import DAY_S, spoken
from weft.detect.baseline.model import Baseline
from weft.detect.baseline.tuning import Tuning
from weft.detect.context import Context
from weft.detect.detector import About, Finding, SeriesDetector, Watch
from weft.detect.frame import Frame
from weft.detect.texts import amount, rarity
from weft.errors import InvalidInput
from weft.model.events import Entity, EventGroup, Evidence, Severity

#: Fewer series than this are no group.
_FEWEST = 3
_SHOWN = 10


class GroupDetector(SeriesDetector):
    """One number per entity, from all of its series. ``least``: what that number must exceed its normal by."""

    kind: str
    least: float

    def __init__(self, context: Context) -> None:
        if context.config.settings:
            raise InvalidInput("there are none", where=f"detect.detectors.{self.about.name}.settings")
        wanted = context.config.false_alarms
        self.rate = context.false_alarms if wanted is None else wanted
        tuning = Tuning(least=self.least, values="level", down=False, false_alarms=self.rate)
        self.sums = Baseline(tuning, self.watch.step_s, max(64, self.watch.most_series // _FEWEST))

    @abstractmethod
    def number(self, frame: Frame, members: Mapping[Entity, list[int]]) -> NDArray[np.float64]:
        """What is watched [entities, T]."""

    @abstractmethod
    def parts(self, frame: Frame, members: list[int], column: int) -> list[tuple[float, str]]:
        """How much each series adds, with words for it."""

    def learn(self, frame: Frame) -> None:
        """History."""
        self._judge(frame)

    def feed(self, frame: Frame) -> list[Finding]:
        """The next buckets."""
        members, hits = self._judge(frame)
        entities = list(members)
        return [self._finding(frame, entities[int(hit[0])], members, hit) for hit in hits]

    def _judge(self, frame: Frame) -> tuple[dict[Entity, list[int]], NDArray[np.float64]]:
        groups: dict[Entity, list[int]] = {}
        for at, key in enumerate(frame.keys):
            groups.setdefault(key.entity, []).append(at)
        members = {entity: some for entity, some in groups.items() if len(some) >= _FEWEST}
        numbers = self.number(frame, members)
        judged = self.sums.judge([entity.text for entity in members], frame.times_s, numbers)
        return members, judged.hits

    def _finding(
        self, frame: Frame, entity: Entity, members: Mapping[Entity, list[int]], hit: NDArray[np.float64]
    ) -> Finding:
        column, at_s = int(hit[1]), float(frame.times_s[int(hit[1])])
        parts = sorted(self.parts(frame, members[entity], column), reverse=True)[:_SHOWN]
        name, score = entity.title or entity.id, float(hit[8])
        period, watched = tail.period_s(score, frame.step_s), self.sums.watched_s(entity.text, at_s)
        return Finding(
            kind=self.kind,
            entity=entity,
            at_s=at_s,
            title=f"{name}: {self.about.title.lower()}"[:200],
            text=f"{spoken(at_s, UTC)}: {self.about.description} Above all {'; '.join(text for _, text in parts[:3])}. "
            f"The like comes {rarity(period, watched)}."[:2000],
            severity=Severity.MINOR,
            hold_s=max(300.0, 5.0 * frame.step_s),
            started_s=float(hit[9]),
            ends=float(hit[3]) != kernel.GOES_ON,
            seen=float(hit[4]),
            expected=float(hit[5]),
            lower=float(hit[6]),
            upper=float(hit[7]),
            score=score,
            return_period_s=min(period, 10.0 * watched),
            confidence=0.8,
            evidence=[
                Evidence(kind="rows", title="What it is made of", columns=["part", "weight"],
                         rows=[[text, round(weight, 3)] for weight, text in parts]),
            ],
        )  # fmt: skip

    def save(self) -> bytes:
        """The baseline of the sums, and what a detector keeps besides."""
        sums, more = self.sums.state.save(), self.save_more()
        return len(sums).to_bytes(8, "big") + sums + more

    def load(self, state: bytes) -> None:
        """See ``SeriesDetector``."""
        length = int.from_bytes(state[:8], "big")
        self.sums.state.load(state[8 : 8 + length])
        self.load_more(state[8 + length :])

    @abstractmethod
    def save_more(self) -> bytes:
        """What ``load_more`` understands."""

    @abstractmethod
    def load_more(self, state: bytes) -> None:
        """Raises ``InvalidInput`` where it is not understood."""


class SiteTogether(GroupDetector):
    """Applications of a site that deviate a little each, all at once."""

    about = About(
        "site_together",
        "Many small deviations at once",
        EventGroup.TRAFFIC,
        "Traffic of many applications is a little unusual in the same minutes, though none is by itself.",
        {"together": "Many series of one site deviate at once, each by too little to be told."},
    )
    watch = Watch("flows", "bps", ("dst_site", "app"), "site", ("dst_site",),
                  filter='dst_site != "" AND app != ""', most_series=10_000)  # fmt: skip
    kind = "together"
    least = 1.0

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._series = Baseline(Tuning(least=1e6, false_alarms=self.rate), self.watch.step_s, self.watch.most_series)
        self._scores: NDArray[np.float32] = np.empty((0, 0), np.float32)

    def number(self, frame: Frame, members: Mapping[Entity, list[int]]) -> NDArray[np.float64]:
        """Mean of the scores of an entity's series, none counting for more than one that opens an event."""
        texts = [key.text for key in frame.keys]
        values = np.ascontiguousarray(frame.values)
        self._scores = self._series.judge(texts, frame.times_s, values, scores=True).scores
        capped = np.minimum(self._scores, self._series.wanted)
        out = np.full((len(members), len(frame.times_s)), np.nan)
        for at, some in enumerate(members.values()):
            told = capped[some].astype(np.float64)
            came = np.isfinite(told)
            enough = came.sum(0) >= _FEWEST
            sums = np.where(came, told, 0.0).sum(0) / np.maximum(1, came.sum(0))
            out[at, enough] = sums[enough]
        return out

    def parts(self, frame: Frame, members: list[int], column: int) -> list[tuple[float, str]]:
        """Scores of the series."""
        return [
            (float(self._scores[one, column]), f"{_labels(frame, one)} {_amount(frame, one, column)}")
            for one in members
            if np.isfinite(self._scores[one, column])
        ]

    def save_more(self) -> bytes:
        """The baselines of the series."""
        return self._series.state.save()

    def load_more(self, state: bytes) -> None:
        """See ``GroupDetector``."""
        self._series.state.load(state)


class MixShift(GroupDetector):
    """Shares of applications in a site's traffic that are not what they are at this hour."""

    about = About(
        "application_mix",
        "Another mix of applications",
        EventGroup.TRAFFIC,
        "The shares of applications in the traffic are not what they are at this hour.",
        {"mix_shift": "The shares of applications shifted."},
    )
    watch = Watch("flows", "bps", ("dst_site", "app"), "site", ("dst_site",), step_s=300,
                  filter='dst_site != "" AND app != ""', most_series=10_000)  # fmt: skip
    kind = "mix_shift"
    least = 0.15
    #: Gain per bucket of what is usual at an hour: about a week of days.
    _GAIN = 1.0 / 84.0

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._usual: dict[str, list[float]] = {}  # series → share at each hour of the day; less than zero = never seen
        self._pulls: dict[int, list[tuple[float, str]]] = {}

    def number(self, frame: Frame, members: Mapping[Entity, list[int]]) -> NDArray[np.float64]:
        """Jensen–Shannon distance (0 to 1) of an entity's shares from those that are usual at this hour."""
        out = np.full((len(members), len(frame.times_s)), np.nan)
        for at, some in enumerate(members.values()):
            texts = [frame.keys[one].text for one in some]
            known = [self._known(text) for text in texts]
            for column, at_s in enumerate(frame.times_s.tolist()):
                values = np.nan_to_num(frame.values[some, column])
                total = float(values.sum())
                if total > 0:
                    out[at, column] = self._step(known, values / total, at_s % DAY_S // 3600)
        return out

    def _known(self, text: str) -> list[float]:
        if text not in self._usual and len(self._usual) >= 2 * self.watch.most_series:
            return [-1.0] * 24  # there is no room: nothing is known of it, and nothing is kept
        return self._usual.setdefault(text, [-1.0] * 24)

    def _step(self, known: Sequence[list[float]], shares: NDArray[np.float64], hour: int) -> float:
        usual = np.array([one[hour] for one in known])
        if (usual < 0).all():
            for one, share in zip(known, shares.tolist(), strict=True):
                one[hour] = share
            return float("nan")
        usual = np.maximum(usual, 0.0)
        for one, was, share in zip(known, usual.tolist(), shares.tolist(), strict=True):
            one[hour] = was + self._GAIN * (share - was)
        whole = usual.sum()
        return distance(shares, usual / whole) if whole > 0 else float("nan")

    def parts(self, frame: Frame, members: list[int], column: int) -> list[tuple[float, str]]:
        """How far shares are from what is usual."""
        hour = int(frame.times_s[column]) % DAY_S // 3600
        values = np.nan_to_num(frame.values[members, column])
        total = max(float(values.sum()), 1e-300)
        out = []
        for one, value in zip(members, values.tolist(), strict=True):
            usual, share = max(0.0, self._known(frame.keys[one].text)[hour]), value / total
            told = f"{_labels(frame, one)} {100 * share:.0f} % instead of {100 * usual:.0f} %"
            out.append((abs(share - usual), told))
        return out

    def save_more(self) -> bytes:
        """Usual shares."""
        return json.dumps(self._usual).encode()

    def load_more(self, state: bytes) -> None:
        """See ``GroupDetector``."""
        try:
            told = {str(text): [float(share) for share in shares] for text, shares in json.loads(state).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidInput(f"usual shares are not understood: {error}", where="state") from error
        if any(len(shares) != 24 for shares in told.values()):
            raise InvalidInput("usual shares are not those of 24 hours", where="state")
        self._usual = told


def distance(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Jensen–Shannon distance of two distributions, base 2: 0 where they are the same, 1 where they share nothing."""
    middle = 0.5 * (one + two)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(one > 0, one * np.log2(one / middle), 0.0) + np.where(
            two > 0, two * np.log2(two / middle), 0.0
        )
    return float(np.sqrt(max(0.0, 0.5 * parts.sum())))


def _labels(frame: Frame, one: int) -> str:
    return " ".join(value for value in frame.keys[one].labels.values() if value) or "unknown"


def _amount(frame: Frame, one: int, column: int) -> str:
    return amount(float(frame.values[one, column]), frame.unit)
