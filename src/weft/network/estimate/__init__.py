"""Traffic-matrix estimation: what must flow between every two nodes, from what counters (and some flows) say.

Comes in: a topology, bit rates of links and of what enters and leaves at the nodes, flows where there are any, and
counters of the past. Goes out: demands with their expected error. Must never use the matrix it is asked for.
"""

from weft.network.estimate.estimator import Estimate, Estimates, Observed, estimate, estimate_series
from weft.network.estimate.fluctuation import learn
from weft.network.estimate.prior import Prior, from_flows

__all__ = ["Estimate", "Estimates", "Observed", "Prior", "estimate", "estimate_series", "from_flows", "learn"]
