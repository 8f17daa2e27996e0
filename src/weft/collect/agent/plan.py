"""From what the server tells to series: each test with one target (and resolver), as this agent runs it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from weft.collect.agent.dns import system_resolvers
from weft.model.synthetics import MESHES, Name, SyntheticTest, runs_on

MOST_TESTS = 20_000
_MOST_PEERS = 20_000


class Peer(BaseModel):
    """Another agent."""

    model_config = ConfigDict(frozen=True)

    agent: Name
    addresses: list[str] = Field(default_factory=list, max_length=64)
    port: int = Field(default=0, ge=0, le=65535)
    """Where it answers throughput tests; 0 = it does not."""

    def address(self, family: str) -> str:
        """The first of its addresses of a family; empty = it has none."""
        wanted = {"ipv4": (False,), "ipv6": (True,)}.get(family, (False, True))
        return next((one for one in self.addresses if (":" in one) in wanted), "")


class Assignment(BaseModel):
    """What the server tells an agent to do. Tests that are not understood are left out, and counted."""

    revision: str = Field(default="", max_length=200)
    every_s: float = Field(default=30.0, ge=1, le=3600)
    tests: list[Any] = Field(default_factory=list, max_length=MOST_TESTS)
    peers: list[Peer] = Field(default_factory=list, max_length=_MOST_PEERS)


@dataclass(frozen=True)
class Series:
    """One thing that is measured again and again."""

    test: SyntheticTest
    target: str
    peer: Peer | None = None
    resolver: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from the others."""
        return self.test.name, self.target, self.resolver


@dataclass(frozen=True)
class Plan:
    """All series of an agent, and what was left out, by reason."""

    series: tuple[Series, ...] = ()
    left_out: Counter[str] | None = None


_TEST: TypeAdapter[SyntheticTest] = TypeAdapter(SyntheticTest)


def plan_of(told: Assignment, me: str, kinds: Collection[str], most: int) -> Plan:
    """The series that agent ``me``, which can do ``kinds``, has to run: at most ``most``."""
    found: dict[tuple[str, str, str], Series] = {}
    left_out: Counter[str] = Counter()
    for raw in told.tests:
        test = _test(raw)
        if test is None:
            left_out["test not understood"] += 1
            continue
        if not test.enabled or not runs_on(test, me):
            continue
        if test.kind not in kinds:
            left_out[f"{test.kind} is not allowed or not possible here"] += 1
            continue
        for series in _series(test, told.peers, me):
            if len(found) >= most:
                left_out["more series than agent.most_tests"] += 1
            else:
                found.setdefault(series.key, series)
    return Plan(tuple(found.values()), left_out)


def _test(raw: Any) -> SyntheticTest | None:
    """A test, passing over fields that this version does not know."""
    if not isinstance(raw, dict):
        return None
    try:
        return _TEST.validate_python({key: raw[key] for key in raw.keys() & SyntheticTest.model_fields.keys()})
    except ValidationError:
        return None


def _series(test: SyntheticTest, peers: Sequence[Peer], me: str) -> list[Series]:
    others = {peer.agent: peer for peer in peers if peer.agent != me}
    if test.mesh:
        if test.kind not in MESHES:
            return []
        return [Series(test, name, peer) for name, peer in others.items() if runs_on(test, name)]
    if test.kind == "dns":
        resolvers = test.resolvers or system_resolvers() or ["127.0.0.1"]
        return [Series(test, target, None, resolver) for target in test.targets for resolver in resolvers]
    return [Series(test, target, others.get(target)) for target in test.targets if target != me]


def offset_s(me: str, key: tuple[str, str, str], every_s: float) -> float:
    """When within its interval a series is due: always the same, and spread over the interval by chance."""
    digest = hashlib.blake2b("\0".join((me, *key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * every_s
