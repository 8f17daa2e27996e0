"""One score per point of a finished window, of three views of it: single points, whole periods, shapes.

Each view is put in its own usual distances above its median, so that they can be added: a lone spike stands out in the
first, a shifted hour in the second, an odd course in the third. Settings were fixed on series that are not scored
(docs/benchmarks-detect.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weft.detect.shape.period import filled, period
from weft.detect.shape.residual import box, level_residual, season_residual, step_residual
from weft.detect.shape.subspace import subspace_score
from weft.errors import InvalidInput

F64 = NDArray[np.float64]
#: Fewest points that say anything, most that are taken at once, window where nothing repeats.
LEAST, MOST, _NO_PERIOD = 16, 500_000, 64
_SHORTEST, _LONGEST = 8, 512


@dataclass(frozen=True, slots=True)
class Whole:
    """``score``: [points] how odd, 0 for what is usual; ``parts``: the views that it is made of.

    ``period``: points, 0 where nothing repeats; ``window``: points that shapes were compared over.
    """

    score: F64
    parts: dict[str, F64]
    period: int
    window: int

    def top(self, count: int, apart: int | None = None) -> list[int]:
        """Places of the oddest points, most odd first, none within ``apart`` (a window) of a higher one."""
        left, found = self.score.copy(), []
        for _ in range(count):
            at = int(np.argmax(left))
            if not left[at] > 0.0:
                break
            found.append(at)
            reach = self.window if apart is None else apart
            left[max(at - reach, 0) : at + reach + 1] = 0.0
        return found


def standing_out(values: F64) -> F64:
    """How far above their median, in steps from there to the upper quartile (or half that to the ninth tenth)."""
    middle, upper, high = np.quantile(values, [0.5, 0.75, 0.9])
    scale = max(upper - middle, (high - middle) / 2.0, 1e-9 * (abs(middle) + 1.0))
    return np.asarray(np.maximum((values - middle) / scale, 0.0), np.float64)


def whole_window(values: ArrayLike) -> Whole:
    """Analyse one series on a regular grid; gaps (not a number) are bridged and score nothing by themselves.

    Raises ``InvalidInput`` for fewer than 16 or more than 500 000 points, or none that is a number.
    """
    raw = np.asarray(values, np.float64)
    known = np.isfinite(raw)
    if raw.ndim != 1 or not LEAST <= len(raw) <= MOST or not known.any():
        raise InvalidInput(f"wants {LEAST} to {MOST} points of one series, got {raw.shape}", where="whole_window")
    data = filled(np.where(known, raw, np.nan))
    if data.max() == data.min():
        nothing = np.zeros(len(data))
        return Whole(nothing, {"points": nothing, "periods": nothing, "shapes": nothing}, 0, min(_NO_PERIOD, len(data)))
    repeats = period(data)
    window = repeats if _SHORTEST <= repeats <= min(len(data) // 4, _LONGEST) else _NO_PERIOD
    window = max(2, min(window, len(data) // 8))
    season = np.abs(season_residual(data, repeats) if repeats else level_residual(data))
    parts = {
        "points": np.sqrt(standing_out(season) * standing_out(np.abs(step_residual(data)))),
        "periods": standing_out(box(season, window)),
        "shapes": standing_out(subspace_score(data, max(2, min(_SHORTEST, window), window // 2))),
    }
    summed = parts["points"] + parts["periods"] + parts["shapes"]
    # what lies around an odd point is worth a look too
    return Whole(np.where(known, summed + box(summed, window), 0.0), parts, repeats, window)
