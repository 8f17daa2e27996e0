"""What happened lately: a short memory of counters, for sparklines and for "is it still going on?"."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from weft.api.models.base import Sparkline

STEP_S = 10.0
SAMPLES = 90  # 15 minutes
LATELY_S = 300.0  # what verdicts call "the last minutes"


class History:
    """Samples of counters that only grow, every ``STEP_S`` seconds. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._samples: deque[tuple[float, dict[str, float]]] = deque(maxlen=SAMPLES + 1)

    def sample(self, counters: Mapping[str, float]) -> None:
        """Remember the counters of now."""
        with self._lock:
            self._samples.append((self._clock(), dict(counters)))

    def rates(self, name: str, unit: str) -> Sparkline:
        """Per-second rate of one counter between consecutive samples; a counter that went back is a gap."""
        with self._lock:
            samples = list(self._samples)
        values: list[float | None] = []
        for (t0, before), (t1, after) in itertools.pairwise(samples):
            if name not in after or t1 <= t0:
                values.append(None)
            else:
                grown = after[name] - before.get(name, 0.0)
                values.append(grown / (t1 - t0) if grown >= 0 and (name in before or grown == 0) else None)
        start = samples[0][0] if samples else self._clock()
        step = (samples[-1][0] - start) / (len(samples) - 1) if len(samples) > 1 else STEP_S
        return Sparkline(start=start, step=step, unit=unit, values=values)

    def grown(self, name: str, seconds: float) -> float:
        """How much a counter grew over about the last ``seconds``."""
        with self._lock:
            samples = list(self._samples)
        if not samples:
            return 0.0
        oldest = self._clock() - seconds
        before = next((sample for when, sample in samples if when >= oldest), samples[-1][1])
        return max(0.0, samples[-1][1].get(name, 0.0) - before.get(name, 0.0))
