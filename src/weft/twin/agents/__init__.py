"""Simulated agents of devices: what a poller, a subscriber or a collector talks to in place of a router."""
