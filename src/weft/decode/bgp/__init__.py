"""BGP messages (RFC 4271 and its extensions): octets in, columns of routes out. Pure: no I/O, no clock.

``update`` turns UPDATE messages into ``Routes``, ``paths`` keeps each set of path attributes once, ``open`` reads what
two speakers agreed on, ``to_json`` writes any message for people. ``decode.bmp`` and ``decode.mrt`` stand on it.
"""

from weft.decode.bgp.paths import Paths
from weft.decode.bgp.routes import FAMILY_OF, Routes
from weft.decode.bgp.update import decode_update, decode_updates

__all__ = ["FAMILY_OF", "Paths", "Routes", "decode_update", "decode_updates"]
