"""Subscribes to devices by gNMI: what they stream becomes rows of the metrics table and facts of the inventory.

Comes in: the settings' targets. Goes out: rows through the intake, facts to the inventory, one book per target. gRPC is
loaded only where there are targets. Must never let one target hold up another, nor let a flood take the memory.
"""

import os

# Its C core would write to standard error of every handshake that fails; what matters comes as a status. Read when gRPC
# is loaded, wherever that is.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from weft.collect.gnmi.config import GnmiConfig
from weft.collect.gnmi.subscriber import GnmiSubscriber

__all__ = ["GnmiConfig", "GnmiSubscriber"]
