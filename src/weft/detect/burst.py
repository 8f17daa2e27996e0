"""Many measurements of one device leave their usual range in the same moment: something happened to the device.

One by one they are noise; together they are not. Of each measurement a level and a usual distance from it are followed
(clipped, so that what is odd is learned slowly); of each device the share is told of those beyond ``sigmas`` distances.
Needs no choice of measurements and no model of each: it says *that* and *where*, and lists which moved most.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.detect.context import Context
from weft.detect.detector import About, Finding, SeriesDetector, Watch
from weft.detect.frame import Frame, SeriesKey
from weft.errors import InvalidInput
from weft.model.events import Entity, EventGroup, Evidence, Severity

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
#: Accelerators, hosts and queues between them move as one whenever a job begins: detectors of fabrics look at those.
FILTER = " AND ".join(f'metric NOT LIKE "{of}_%"' for of in ("DCGM", "node", "train", "queue", "pfc", "ecn"))
WATCH = Watch("metrics", "avg", ("exporter", "metric", "interface"), "device", ("exporter",), filter=FILTER,
              most_series=50_000, history_s=2 * 3600)  # fmt: skip
ABOUT = About(
    "device_burst",
    "Many measurements of a device at once",
    EventGroup.DEVICE,
    "Many measurements of one device leave their usual range in the same moment.",
    {"burst": "Many measurements of the device left their usual range in the same moment."},
)
SETTINGS = {"sigmas": 8.0, "share": 0.3, "least": 8.0}
#: Samples that are learned from before anything is found, those that the memory reaches back, the clip of learning.
WARM, _MEMORY, _CLIP = 48, 60, 3.0
#: A usual distance is at least this share of the level: smaller ones are rounding.
_FLOOR = 0.01
_SHOWN, _FORGET_S, _VERSION = 10, 3 * 86_400, 1


class Levels:
    """Level and usual distance of many series, sample by sample; memory for ``most`` series at most."""

    def __init__(self, most: int = 50_000) -> None:
        self.most = most
        self.rows: dict[str, int] = {}
        self.level, self.usual = np.zeros(0), np.zeros(0)
        self.count, self.moved, self.last_s = np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0)

    def find(self, keys: Sequence[str]) -> I64:
        """Rows of series, -1 for those beyond the most that are held."""
        fresh = [key for key in dict.fromkeys(keys) if key not in self.rows][: max(0, self.most - len(self.rows))]
        for key in fresh:
            self.rows[key] = len(self.rows)
        if len(self.rows) > len(self.level):
            more = len(self.rows) - len(self.level)
            self.level, self.usual, self.last_s = (
                np.append(a, np.zeros(more)) for a in (self.level, self.usual, self.last_s)
            )
            self.count = np.append(self.count, np.zeros(more, np.int64))
            self.moved = np.append(self.moved, np.zeros(more, np.bool_))
        return np.fromiter((self.rows.get(key, -1) for key in keys), np.int64, len(keys))

    def far(self, rows: I64, values: F64) -> F64:
        """Distances from the level in usual ones; not a number where nothing came or too little is known."""
        known = np.isfinite(values) & (rows >= 0)
        at = np.where(known, rows, 0)
        out = np.full(len(values), np.nan)
        if len(self.level):
            told = np.abs(values - self.level[at]) / self._unit(at)
            ready = known & (self.count[at] >= WARM)
            out[ready] = told[ready]
        return out

    def learn(self, rows: I64, values: F64, at_s: float) -> None:
        """Take one sample of each in."""
        here = np.isfinite(values) & (rows >= 0)
        at, new = rows[here], values[here]
        begun = self.count[at] > 0
        self.moved[at] |= begun & (new != self.level[at])
        settled = self.count[at] >= WARM
        reach = _CLIP * self._unit(at)
        new = np.where(settled, np.clip(new, self.level[at] - reach, self.level[at] + reach), new)
        gain = 1.0 / (np.minimum(self.count[at], _MEMORY) + 1.0)
        away = np.abs(new - self.level[at])
        self.usual[at] = np.where(begun, self.usual[at] + gain * (1.25 * away - self.usual[at]), 0.0)
        self.level[at] += gain * (new - self.level[at])
        self.count[at] += 1
        self.last_s[at] = at_s

    def _unit(self, at: I64) -> F64:
        return np.asarray(np.maximum(self.usual[at], _FLOOR * np.abs(self.level[at]) + 1e-9), np.float64)

    def forget(self, before_s: float) -> None:
        """Drop series that were last seen before a time."""
        keep = self.last_s >= before_s
        if keep.all():
            return
        names = list(self.rows)
        self.rows = {names[row]: new for new, row in enumerate(np.flatnonzero(keep).tolist())}
        self._take({name: getattr(self, name)[keep] for name in _ARRAYS})

    def _take(self, arrays: dict[str, Any]) -> None:
        for name, array in arrays.items():
            setattr(self, name, array)

    def save(self) -> bytes:
        """All series. Who keeps it compresses it."""
        out = io.BytesIO()
        keys = np.frombuffer(json.dumps(list(self.rows)).encode(), np.uint8)
        np.savez(out, version=np.array(_VERSION), keys=keys, **{name: getattr(self, name) for name in _ARRAYS})
        return out.getvalue()

    def load(self, state: bytes) -> None:
        """Take over what was saved. Raises ``InvalidInput`` where it is not understood."""
        try:
            with np.load(io.BytesIO(state), allow_pickle=False) as told:
                if int(told["version"]) != _VERSION:
                    raise ValueError("another version")
                keys = [str(key) for key in json.loads(told["keys"].tobytes())][: self.most]
                arrays = {name: np.array(told[name][: len(keys)], getattr(self, name).dtype) for name in _ARRAYS}
            if any(array.shape != (len(keys),) for array in arrays.values()):
                raise ValueError("columns of different lengths")
        except Exception as error:
            raise InvalidInput(f"the state of device_burst is not understood: {error}", where="state") from error
        self.rows = {key: row for row, key in enumerate(keys)}
        self._take(arrays)


_ARRAYS = ("level", "usual", "count", "moved", "last_s")


@dataclass(slots=True)
class _Book:
    """What a frame's keys come to, worked out once while they are the same objects."""

    keys: Sequence[SeriesKey]
    rows: I64
    devices: list[Entity]
    owner: I64  # [S] place of the series' device


class BurstDetector(SeriesDetector):
    """Finds samples in which many measurements of a device are far from their level."""

    def __init__(self, context: Context) -> None:
        self.about, self.watch = ABOUT, WATCH
        told = dict(context.config.settings)
        unknown = told.keys() - SETTINGS.keys()
        if unknown:
            raise InvalidInput(
                f"{', '.join(sorted(unknown))}: no such setting", where="detect.detectors.device_burst.settings",
                fix=", ".join(SETTINGS),
            )  # fmt: skip
        try:
            self.sigmas, self.share, self.least = (float(told.get(name, value)) for name, value in SETTINGS.items())
        except (TypeError, ValueError) as error:
            raise InvalidInput(str(error), where="detect.detectors.device_burst.settings") from error
        self.levels = Levels(WATCH.most_series)
        self._book: _Book | None = None
        self._swept_s = 0.0

    def learn(self, frame: Frame) -> None:
        """See ``SeriesDetector``."""
        book = self._known(frame)
        for column, at_s in enumerate(frame.times_s):
            self.levels.learn(book.rows, frame.values[:, column], float(at_s))

    def feed(self, frame: Frame) -> list[Finding]:
        """See ``SeriesDetector``."""
        book = self._known(frame)
        found: list[Finding] = []
        for column, at_s in enumerate(frame.times_s):
            values = frame.values[:, column]
            found += self._judge(book, values, float(at_s), frame.step_s)
            self.levels.learn(book.rows, values, float(at_s))
        return found

    def save(self) -> bytes:
        """See ``SeriesDetector``."""
        return self.levels.save()

    def load(self, state: bytes) -> None:
        """See ``SeriesDetector``."""
        self.levels.load(state)
        self._book = None

    def shares(self, frame: Frame, column: int) -> dict[str, tuple[int, int]]:
        """By device: measurements that are far off in a column, and those that ever move."""
        book = self._known(frame)
        far, moving = self._far(book, frame.values[:, column])
        count = len(book.devices)
        hot = np.bincount(book.owner[far > self.sigmas], minlength=count)
        live = np.bincount(book.owner[moving], minlength=count)
        return {one.id: (int(h), int(n)) for one, h, n in zip(book.devices, hot, live, strict=True)}

    def _known(self, frame: Frame) -> _Book:
        if len(frame.times_s) and frame.times_s[-1] - self._swept_s > 3600:
            self._swept_s = float(frame.times_s[-1])
            self.levels.forget(self._swept_s - _FORGET_S)
            self._book = None
        if self._book is None or self._book.keys is not frame.keys:
            places: dict[str, int] = {}
            devices: list[Entity] = []
            owner = np.zeros(len(frame.keys), np.int64)
            for at, key in enumerate(frame.keys):
                place = places.setdefault(key.entity.text, len(devices))
                if place == len(devices):
                    devices.append(key.entity)
                owner[at] = place
            rows = self.levels.find([key.text for key in frame.keys])
            self._book = _Book(frame.keys, rows, devices, owner)
        return self._book

    def _far(self, book: _Book, values: F64) -> tuple[F64, NDArray[np.bool_]]:
        """(distance of each series, 0 where it is not known; which of them ever move, this sample included)."""
        far = np.nan_to_num(self.levels.far(book.rows, values), nan=0.0)
        moving = (book.rows >= 0) & (far > 0)
        moving |= (book.rows >= 0) & self.levels.moved[np.maximum(book.rows, 0)] if len(self.levels.moved) else False
        return far, moving

    def _judge(self, book: _Book, values: F64, at_s: float, step_s: int) -> list[Finding]:
        far, moving = self._far(book, values)
        hot = far > self.sigmas
        if hot.sum() < self.least:
            return []
        count = len(book.devices)
        many = np.bincount(book.owner[hot], minlength=count)
        live = np.bincount(book.owner[moving], minlength=count)
        bursts = np.flatnonzero((many >= self.least) & (many >= self.share * live))
        return [self._finding(book, place, values, far, int(many[place]), int(live[place]), at_s, step_s)
                for place in bursts.tolist()]  # fmt: skip

    def _finding(
        self, book: _Book, place: int, values: F64, far: F64, many: int, live: int, at_s: float, step_s: int
    ) -> Finding:
        device = book.devices[place]
        mine = np.flatnonzero((book.owner == place) & (far > self.sigmas))
        worst = mine[np.argsort(-far[mine], kind="stable")][:_SHOWN]
        rows: list[list[str | float | int | None]] = []
        for at in worst.tolist():
            row = int(book.rows[at])
            told = ", ".join(v for v in book.keys[at].labels.values() if v)
            rows.append([told, float(values[at]), float(self.levels.level[row]), round(float(min(far[at], 1e6)), 1)])
        first = rows[0]
        share = many / max(live, 1)
        name = device.title or device.id
        samples = int(self.levels.count[book.rows[mine]].max())
        return Finding(
            "burst",
            device,
            at_s,
            f"{many} measurements of {name} moved at once",
            f"{many} of {live} measurements of {name} that ever move ({share:.0%}) are more than {self.sigmas:g} times "
            f"as far from their level as usual, in the same sample; {self.share:.0%} would do. Farthest: {first[0]} is "
            f"{first[1]:.6g}, usually {first[2]:.6g}. Learned from {samples} samples.",
            Severity.MAJOR if share >= 0.6 else Severity.MINOR,
            hold_s=max(60.0, 5.0 * step_s),
            seen=share,
            expected=0.0,
            upper=self.share,
            score=min(12.0, float(np.log10(samples + 1.0)) * share / self.share),
            confidence=float(min(0.99, 0.6 + share)),
            evidence=[Evidence(kind="rows", title="Measurements that moved most", rows=rows,
                               columns=["measurement", "seen", "usual", "times the usual distance"])],
        )  # fmt: skip
