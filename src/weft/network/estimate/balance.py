"""The matrix nearest to a prior, by relative entropy, that puts the measured loads on the links."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.network.estimate.equations import Equations

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
#: Relative error of a counter's rate: clocks of pollers and devices differ, and reads are not all at one time.
NOISE = 0.005
#: Sweeps over all equations at most, and the change of any equation's multiplier at which it is settled.
_SWEEPS, _SETTLED = 400, 1e-4


def balance(prior: F64, equations: Equations, measured: F64, noise: float) -> F64:
    """Rates [times, k] >= 0 of least relative entropy to ``prior`` [times, k] that put ``measured`` on the counters.

    Maximum entropy estimation after Zhang et al. (SIGCOMM 2003), solved in the dual by cyclic scaling of one equation
    after the other (multiplicative algebraic reconstruction), so that no rate becomes negative. ``noise`` is the
    relative error of a measurement ([times, counters]): equations that contradict each other are met only that closely.
    """
    rates = np.array(prior, np.float64, order="C")
    if not rates.size:
        return rates
    _sweep(
        equations.start, equations.members, equations.share, np.ascontiguousarray(measured, np.float64), rates,
        noise, _SWEEPS, _SETTLED,
    )  # fmt: skip
    return rates


@kernel
def _sweep(
    first: I64, members: I64, share: F64, measured: F64, rates: F64, noise: float, sweeps: int, settled: float
) -> None:
    """Coordinate ascent: for each equation in turn a Newton step towards the multiplier at which it holds.

    The step is on logarithms, for a load falls exponentially with its multiplier: exact where all shares are one.
    """
    multiplier = np.zeros(len(first) - 1)
    for time in range(len(rates)):
        x = rates[time]
        unit = max(x.mean(), 1e-12)  # what one count is worth: the variance of a rate is this times the rate
        multiplier[:] = 0.0
        for _ in range(sweeps):
            moved = 0.0
            for row in range(len(multiplier)):
                load, slope = 0.0, 0.0
                for at in range(first[row], first[row + 1]):
                    part = share[at] * x[members[at]]
                    load += part
                    slope += share[at] * part
                if load <= 1e-12 * unit:
                    continue
                slack = (noise * measured[time, row]) ** 2 / unit
                wanted = max(measured[time, row] + slack * multiplier[row], 1e-9 * load)
                step = np.log(load / wanted) / (slope / load + slack / wanted)
                step = min(max(step, -20.0), 20.0)
                multiplier[row] += step
                moved = max(moved, abs(step))
                whole = np.exp(-step)
                for at in range(first[row], first[row + 1]):
                    x[members[at]] *= whole if share[at] == 1.0 else np.exp(-share[at] * step)
            if moved < settled:
                break
