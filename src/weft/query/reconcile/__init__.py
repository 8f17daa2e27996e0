"""Do flows and interface counters agree? Per interface and direction: both volumes, their ratio, and why it is off.

``evidence`` asks the store for what can be known of each side; ``judge`` weighs explanations against the numbers;
``report`` puts them together. Must never guess: a ratio that no evidence explains is called unexplained.
"""

from weft.query.reconcile.report import Reconciliation, reconcile
from weft.query.reconcile.types import Reason, Side, Verdict

__all__ = ["Reason", "Reconciliation", "Side", "Verdict", "reconcile"]
