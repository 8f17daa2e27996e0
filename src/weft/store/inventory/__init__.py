"""The inventory: what every source says of sites, devices, interfaces, links and who they belong to, merged into one.

Comes in: facts by source. Goes out: merged objects as of now or of any moment, who said what when, answers on which
device an address is. Kept in the state store. Must never drop one source's word for another's: both are kept.
"""

from weft.store.inventory.config import FactsConfig
from weft.store.inventory.inventory import Inventory
from weft.store.inventory.snapshot import Snapshot

__all__ = ["FactsConfig", "Inventory", "Snapshot"]
