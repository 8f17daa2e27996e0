"""Detectors of devices and their links, on metrics, logs and changes as they arrive.

Facts outrank statistics: a line that says it is down is down. What is measured is compared with the thing's own recent
past, and with its peers.
"""
