"""Synthetics agents: how they register, what they are told, what they report."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, IPvAnyAddress, StringConstraints

from weft.api.models.accounts import Posted
from weft.api.models.base import Answer
from weft.collect.synthetics import AgentNews
from weft.model.synthetics import Name, SyntheticTest

Word = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class Registration(Posted):
    """An agent introduces itself."""

    token: str = Field(min_length=1, max_length=400, repr=False)
    """``synthetics.token`` of the settings, or an API token of the role sender."""
    name: Name
    """What people call it; one agent per name."""
    version: Word = ""
    """Its version."""
    platform: Word = ""
    """Its system."""
    addresses: list[IPvAnyAddress] = Field(default_factory=list, max_length=32)
    """Where its peers reach it, the best first; none = where it comes from."""
    capabilities: list[Word] = Field(default_factory=list, max_length=50)
    """Kinds of tests that it can run here."""
    port: int = Field(default=0, ge=0, le=65535)
    """Where it answers its peers' tests; 0 = it does not."""

    def news(self) -> AgentNews:
        """As the registry takes it."""
        addresses = tuple(str(one) for one in self.addresses)
        return AgentNews(self.name, self.version, self.platform, addresses, tuple(self.capabilities), self.port)


class Registered(Answer):
    """The agent is known from now on."""

    agent: str
    """Its name."""
    key: str
    """What it proves itself with (``Authorization: Bearer``). Told once; an earlier key is worth nothing now."""


class AgentPeer(Answer):
    """The other end of a mesh."""

    agent: str
    addresses: list[str]
    port: int
    """Where it answers; 0 = it does not."""


class AssignmentView(Answer):
    """What an agent is to do. Peers of a test with ``mesh`` are those whose name its ``agents`` match."""

    revision: str
    every_s: float
    """How often to ask again, seconds."""
    tests: list[SyntheticTest]
    peers: list[AgentPeer]


class ResultsTaken(Answer):
    """What became of a report."""

    stored: int
    """Rows that are kept."""
    duplicates: int
    """Rows of runs that had been told before."""
    refused: dict[str, int]
    """Rows that were not understood, by reason. Sending them again does not help."""


class AgentView(Answer):
    """An agent as people see it."""

    name: str
    version: str
    platform: str
    addresses: list[str]
    capabilities: list[str]
    registered: float
    seen: float
    """When it was heard last."""
    live: bool
    """Whether it was heard lately."""
    tests: int
    """Tests that it runs."""
