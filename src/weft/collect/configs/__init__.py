"""Configurations of devices: fetched over SSH or read from a directory, kept masked, and every difference a change.

Comes in: text that devices or other tools give. Goes out: versions on disk, rows of the ``changes`` table, facts for
the inventory. Must never write, log, compare or show a secret: texts are masked before anything else happens to them.
"""

from weft.collect.configs.collector import ConfigCollector
from weft.collect.configs.config import ConfigsConfig
from weft.collect.configs.history import ConfigHistory, Version

__all__ = ["ConfigCollector", "ConfigHistory", "ConfigsConfig", "Version"]
