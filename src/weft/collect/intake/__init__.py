"""Where the rows of every source but flows come together: identity, counters, quality, batches, the store.

Comes in: batches of ``metrics``, ``logs`` and ``changes`` from pollers, subscriptions, listeners and pushes. Goes out:
the same rows, tied to the inventory and with increases, to the store (or the spool while that is away), and the state
of each source. Must never parse a protocol.
"""

from weft.collect.intake.book import SourceBook
from weft.collect.intake.identity import Identity, Nobody
from weft.collect.intake.intake import TABLES, Intake

__all__ = ["TABLES", "Identity", "Intake", "Nobody", "SourceBook"]
