"""BGP Monitoring Protocol, version 3 (RFC 7854, 8671, 9069): a router's stream to messages and columns of routes."""

from weft.decode.bmp.messages import (
    BmpMessage,
    Initiation,
    Mirroring,
    Monitoring,
    PeerDown,
    PeerKey,
    PeerUp,
    Statistics,
    Termination,
)  # fmt: skip
from weft.decode.bmp.stream import BmpStream

__all__ = [
    "BmpMessage", "BmpStream", "Initiation", "Mirroring", "Monitoring", "PeerDown", "PeerKey", "PeerUp", "Statistics",
    "Termination",
]  # fmt: skip
