"""Who entered the top: keys that were never among the largest, and are now, with a share that counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from weft.detect.context import Context
from weft.detect.detector import About, Finding, SeriesDetector, Watch
from weft.detect.frame import Frame, SeriesKey
from weft.detect.texts import amount, lasting
from weft.errors import InvalidInput
from weft.model.events import EventGroup, Evidence, Severity

#: Days that are remembered, with less and less weight.
_MEMORY_S = 7 * 86400.0
_SETTINGS = {"top": 10, "share": 0.1, "least": 50e6, "warm_s": 3 * 86400}


@dataclass(slots=True)
class _Known:
    usual: float  # share of the time among the top, with less weight the longer ago
    at_s: float  # when that was worked out
    run: int = 0  # buckets in a row among the top with a share that counts
    since_s: float = 0.0


class TopChurn(SeriesDetector):
    """Networks that are among the largest destinations of traffic and never were."""

    about = About(
        "top_churn",
        "New among the largest",
        EventGroup.TRAFFIC,
        "Networks (AS) that traffic goes to: who is among the largest now and was not in the last week.",
        {"new_top": "One that was never among the largest is now."},
    )
    watch = Watch(
        "flows", "bps", ("dst_as",), "asn", ("dst_as",), filter="dst_as != 0", step_s=300, most_series=20_000,
        history_s=7 * 86400,
    )  # fmt: skip

    def __init__(self, context: Context) -> None:
        settings: Mapping[str, object] = {**_SETTINGS, **context.config.settings}
        if settings.keys() - _SETTINGS.keys():
            raise InvalidInput("no such setting", where="detect.detectors.top_churn.settings", fix=", ".join(_SETTINGS))
        try:
            self.top, self.warm_s = int(str(settings["top"])), float(str(settings["warm_s"]))
            self.share, self.least = float(str(settings["share"])), float(str(settings["least"]))
        except ValueError as error:
            raise InvalidInput(str(error), where="detect.detectors.top_churn.settings") from error
        self._known: dict[str, _Known] = {}
        self._began_s = 0.0

    def learn(self, frame: Frame) -> None:
        """History."""
        self._take(frame)

    def feed(self, frame: Frame) -> list[Finding]:
        """The next buckets."""
        return self._take(frame)

    def _take(self, frame: Frame) -> list[Finding]:
        found: list[Finding] = []
        for column, at_s in enumerate(frame.times_s.astype(np.float64).tolist()):
            values = np.nan_to_num(frame.values[:, column])
            total = float(values.sum())
            self._began_s = self._began_s or at_s
            if total <= 0:
                continue
            order = np.argsort(-values, kind="stable")[: self.top]
            top = [one for one in order.tolist() if values[one] > 0]
            gone = {frame.keys[one].text for one in top}
            for text, known in self._known.items():
                if text not in gone:
                    known.run = 0
            for rank, one in enumerate(top, 1):
                key, value = frame.keys[one], float(values[one])
                if self._entered(key.text, at_s, frame.step_s, value, total):
                    found.append(self._finding(key, at_s, frame, rank, value, total))
            self._forget()
        return found

    def _entered(self, text: str, at_s: float, step_s: int, value: float, total: float) -> bool:
        """Whether one that is among the top is news; the second bucket in a row tells it, once an hour at most."""
        known = self._known.setdefault(text, _Known(0.0, at_s))
        usual = known.usual * 2.0 ** (-max(0.0, at_s - known.at_s) / _MEMORY_S)
        counts = value >= self.least and value >= self.share * total
        if counts and known.run == 0:
            known.since_s = at_s
        known.run = known.run + 1 if counts else 0
        known.usual, known.at_s = usual + step_s / _MEMORY_S, at_s
        lately = min(at_s - known.since_s + step_s, 3600.0) / _MEMORY_S
        warm = at_s - self._began_s >= self.warm_s
        return warm and known.run >= 2 and known.since_s > at_s - 3600.0 and usual <= lately + 0.002

    def _forget(self) -> None:
        if len(self._known) > 4 * self.watch.most_series:
            old = sorted(self._known, key=lambda text: (self._known[text].at_s, self._known[text].usual))
            for text in old[: len(old) // 2]:
                del self._known[text]

    def _finding(self, key: SeriesKey, at_s: float, frame: Frame, rank: int, value: float, total: float) -> Finding:
        name = key.entity.title or key.entity.id
        known = self._known[key.text]
        watched = lasting(min(at_s - self._began_s, _MEMORY_S))
        return Finding(
            kind="new_top",
            entity=key.entity,
            at_s=at_s,
            title=f"{name} is new among the {self.top} largest destinations"[:200],
            text=f"{amount(value, frame.unit)} go to {name}: number {rank}, {100 * value / total:.0f} % of all. In the "
            f"last {watched} it was never among the {self.top} largest.",
            severity=Severity.INFO,
            hold_s=3600.0,
            started_s=known.since_s,
            seen=value,
            unit=frame.unit,
            confidence=0.8,
            evidence=[
                Evidence(kind="query", title="The largest", query={
                    "dataset": self.watch.dataset, "measures": [self.watch.measure], "by": list(self.watch.by),
                    "since": str(int(at_s - 86400)), "until": str(int(at_s + frame.step_s)), "top": self.top,
                }),
            ],
        )  # fmt: skip

    def save(self) -> bytes:
        """Who was among the top, and how often."""
        kept = {text: [known.usual, known.at_s, known.run, known.since_s] for text, known in self._known.items()}
        return json.dumps({"began": self._began_s, "known": kept}).encode()

    def load(self, state: bytes) -> None:
        """See ``SeriesDetector``."""
        try:
            told = json.loads(state)
            known = {
                str(text): _Known(float(one[0]), float(one[1]), int(one[2]), float(one[3]))
                for text, one in told["known"].items()
            }
            self._began_s = float(told["began"])
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise InvalidInput(f"the state of the largest is not understood: {error}", where="state") from error
        self._known = dict(list(known.items())[: 4 * self.watch.most_series])
