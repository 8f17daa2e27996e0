"""Prometheus remote write to rows of the ``metrics`` table.

Comes in: the body of a request, ``prometheus.WriteRequest`` (remote write 1.0) or ``io.prometheus.write.v2.Request``
(2.0), snappy-compressed. Goes out: a RecordBatch, what was left out and why. Must never trust a length in the body, do
I/O or look at the clock.
"""

from weft.decode.prometheus.decoder import Decoded, RemoteWriteDecoder
from weft.decode.prometheus.rules import Rules, read_rules

__all__ = ["Decoded", "RemoteWriteDecoder", "Rules", "read_rules"]
