"""Weft: self-hosted network intelligence, from a router's datagram to an answer on the screen.

Telemetry is *collected, decoded, enriched, stored, queried*; each verb is one package and data moves through them in
that order, never back. ``app.py`` wires them together.
"""

__version__ = "0.1.0"
