"""Captured telemetry to batches of datagrams.

Comes in: a file: pcap, pcapng, plain flow messages or an IPFIX file (RFC 5655), also compressed with gzip. Goes out:
an iterator of ``DatagramBatch`` over a map of the file, and a tally of what was found and what was wrong. Must never
decode what is in the datagrams, hold a compressed file as a whole, or fail on a file that is merely cut short.
"""

from weft.decode.capture.reader import KNOWN_PORTS, CaptureFile, CaptureTally

__all__ = ["KNOWN_PORTS", "CaptureFile", "CaptureTally"]
