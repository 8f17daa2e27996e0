"""The server's side of synthetic tests: which agents there are, what each is to test, and what they measured.

Comes in: registrations, questions for tests, and results, from the API's routes; definitions from settings and from
people. Goes out: rows of ``probes`` and ``hops`` to the intake. Must never test anything itself: agents do.
"""

from weft.collect.synthetics.config import SyntheticsConfig
from weft.collect.synthetics.definitions import DefinedTest
from weft.collect.synthetics.registry import Agent, AgentNews
from weft.collect.synthetics.results import Taken
from weft.collect.synthetics.server import Assignment, Peer, Synthetics

__all__ = ["Agent", "AgentNews", "Assignment", "DefinedTest", "Peer", "Synthetics", "SyntheticsConfig", "Taken"]
