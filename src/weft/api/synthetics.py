"""Synthetic tests for people: agents, the list of tests with how each is now, and the pages of one test."""

from __future__ import annotations

import time

from weft.api.models.agents import AgentView
from weft.collect.synthetics import Synthetics
from weft.collect.synthetics.definitions import runs_on

#: An agent is live while it was heard within this many times the interval that it asks at.
_PATIENCE = 4


def live(synthetics: Synthetics) -> list[AgentView]:
    """Every agent, by name."""
    now, patience_s = time.time(), max(60.0, _PATIENCE * synthetics.config.ask_every_s)
    tests = [one.test for one in synthetics.definitions.all().values() if one.test.enabled]
    registry = synthetics.registry
    return [
        AgentView(
            name=one.name, version=one.news.version, platform=one.news.platform, addresses=list(one.addresses),
            capabilities=list(one.news.capabilities), registered=one.registered, seen=registry.seen(one),
            live=now - registry.seen(one) < patience_s, tests=sum(runs_on(test, one.name) for test in tests),
        )
        for one in registry.all().values()
    ]  # fmt: skip
