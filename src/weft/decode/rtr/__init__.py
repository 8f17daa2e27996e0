"""Validated RPKI payloads as they arrive: from a cache by RTR (RFC 6810, RFC 8210, version 2), or in a file.

Comes in: bytes. Goes out: ``Vrps`` (columns) and the other messages of the protocol. Must do no I/O and know no clock.
"""

from weft.decode.rtr.payloads import Vrp, Vrps

__all__ = ["Vrp", "Vrps"]
