"""Rounds of many series brought together: by what is tested, by who tests, by the way between.

Each group keeps a sequential test (CUSUM of log-likelihoods, Page, 1954): a bad round speaks for trouble the more, the
rarer bad rounds of its series are, and as bad ones; a good one speaks against it. Its threshold follows from the false
alarms allowed.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from math import log10
from urllib.parse import urlsplit

from weft.detect.paths.series import DNS, HTTP, Round, Series

#: Share of rounds that are bad while something is wrong: half, as where one of two ways is.
_IN_TROUBLE = 0.5
_BAD_KEPT, _SEEN_KEPT = 256, 4096
_MOST_WEIGHT = 3.0  # one round, however odd, is no proof
LEAST_ROUNDS, LEAST_AGENTS = 2, 2
_PAIR_ROUNDS = 3
#: What is looked back at: this long, or so many rounds where they are rare. Nothing older is kept.
_LATELY_S, _LATELY_ROUNDS = 1800.0, 6.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What a group is about.

    ``sort``: service, target, resolver, name, pair; agent: it and the other agents; uplink: an agent and all else that
    it tests.
    """

    sort: str
    id: str


@dataclass(slots=True, eq=False)
class Group:
    """One subject: its rounds of late, and the test's state. ``since_s`` is 0 while nothing is wrong."""

    subject: Subject
    score: float = 0.0
    bad: deque[tuple[Series, Round, float]] = field(default_factory=lambda: deque(maxlen=_BAD_KEPT))
    seen: deque[tuple[float, str, str]] = field(default_factory=lambda: deque(maxlen=_SEEN_KEPT))  # time, agent, target
    since_s: float = 0.0
    kind: str = ""
    every_s: float = 60.0
    told_s: float = 0.0
    told_bad_s: float = 0.0
    settled_s: float = 0.0
    rounds_a_day: float = 1440.0
    last_s: float = 0.0
    lead: Group | None = None
    """The group whose event tells of this one, too: the same trouble, seen from another way."""
    joined: list[Group] = field(default_factory=list)

    def add(self, series: Series, said: Round, *, counts: bool) -> None:
        """One round. ``counts`` is false where another group has explained it."""
        if self.last_s:
            gap = min(max(said.at_s - self.last_s, 0.5), 86_400.0)
            self.rounds_a_day += (86_400.0 / gap - self.rounds_a_day) / 200
        self.last_s = max(self.last_s, said.at_s)
        self.every_s = max(series.every_s, 0.9 * self.every_s)
        self.seen.append((said.at_s, series.key.agent, _end(series)))
        while self.seen[0][0] < said.at_s - max(_LATELY_S, _LATELY_ROUNDS * self.every_s):
            self.seen.popleft()
        chance = series.chance
        if said.aspect:
            if counts:
                if self.bad and not self.since_s and said.at_s - self.bad[-1][1].at_s > self.span_s:
                    self.score = 0.0  # what was so long ago is something else
                    self.bad.clear()
                weight = min(_MOST_WEIGHT, log10(_IN_TROUBLE / series.chance_of(said)))
                self.score += weight
                self.bad.append((series, said, weight))
        else:
            self.score = max(0.0, self.score + log10((1 - _IN_TROUBLE) / (1 - chance)))
            if not self.score and not self.since_s:
                self.bad.clear()

    @property
    def span_s(self) -> float:
        """How long bad rounds are apart at most, to be of one trouble."""
        return max(600.0, 4 * self.every_s)

    def threshold(self, false_alarms: float) -> float:
        """Of the score: so that chance gets beyond it so often (events per 1000 groups and day)."""
        return log10(max(self.rounds_a_day, 24.0) * 1000.0 / max(false_alarms, 1e-3))

    def window(self, now_s: float) -> tuple[list[tuple[Series, Round, float]], list[tuple[float, str, str]]]:
        """(bad rounds, all rounds) since the first of those that make the score, and not long ago."""
        first = max(self.bad[0][1].at_s if self.bad else now_s, now_s - self.span_s)
        return [one for one in self.bad if one[1].at_s >= first], [one for one in self.seen if one[0] >= first]

    def share(self, now_s: float) -> float:
        """Of the rounds in the window, those that are bad."""
        bad, seen = self.window(now_s)
        return len(bad) / max(len(seen), 1)

    def members(self, now_s: float) -> int:
        """Series that it has lately."""
        return len({(agent, end) for at_s, agent, end in self.seen if at_s >= now_s - max(_LATELY_S, 3 * self.every_s)})

    def is_wrong(self, now_s: float, false_alarms: float) -> bool:
        """Whether it is beyond doubt: score, rounds, and more agents where there are more."""
        if self.score < self.threshold(false_alarms):
            return False
        bad, _ = self.window(now_s)
        if not bad or now_s - bad[-1][1].at_s > max(300.0, 2 * self.every_s):
            return False
        agents = {series.key.agent for series, _, _ in bad}
        if self.subject.sort == "pair":
            return len(bad) >= _PAIR_ROUNDS
        late = [one for one in self.seen if one[0] >= now_s - max(_LATELY_S, 3 * self.every_s)]
        if self.subject.sort in ("agent", "uplink"):
            others = _others(self.subject.id, bad)
            return others >= LEAST_AGENTS and others * 2 > _others_seen(self.subject.id, late)
        there = {agent for _, agent, _ in late}
        needed = min(LEAST_AGENTS, len(there))
        return len(agents) >= needed and len(bad) >= (LEAST_ROUNDS if needed > 1 else _PAIR_ROUNDS)

    def is_over(self, now_s: float) -> bool:
        """Whether nothing bad came for some rounds of each of those who test it."""
        last_s = self.bad[-1][1].at_s if self.bad else self.since_s
        good = sum(1 for at_s, _, _ in self.seen if at_s > last_s)
        there = len({(agent, target) for at_s, agent, target in self.seen if at_s > last_s - 4 * self.every_s})
        return now_s - last_s > max(180.0, 2.5 * self.every_s) and good >= min(2 * max(there, 1), 40)

    def forget(self) -> None:
        """It is over, or belongs to another."""
        self.score, self.since_s, self.kind, self.settled_s = 0.0, 0.0, "", 0.0
        self.bad.clear()
        if self.lead is not None:
            self.lead.joined.remove(self)
            self.lead = None

    def ends(self) -> frozenset[str]:
        """Agents and targets between which it is; empty where it is not about a way."""
        if self.subject.sort == "pair":
            return frozenset(self.subject.id.split("|", 1))
        return frozenset((self.subject.id,)) if self.subject.sort in ("agent", "uplink") else frozenset()

    def aspect(self) -> str:
        """What is bad of most of its bad rounds."""
        return Counter(said.aspect for _, said, _ in self.bad).most_common(1)[0][0] if self.bad else ""

    def join(self, lead: Group) -> None:
        """From now on the event of ``lead`` tells of it."""
        self.lead = lead
        lead.joined.append(self)

    def give(self, taken: set[tuple[int, float]]) -> None:
        """Rounds that another group explains count no more."""
        kept = [one for one in self.bad if (id(one[0]), one[1].at_s) not in taken]
        self.score = max(0.0, self.score - sum(one[2] for one in self.bad) + sum(one[2] for one in kept))
        self.bad = deque(kept, maxlen=_BAD_KEPT)


def _end(series: Series) -> str:
    """What a series is aimed at, as far as its agent tells it apart."""
    return f"{series.key.target}|{series.key.resolver}" if series.key.resolver else series.key.target


def _others(agent: str, bad: list[tuple[Series, Round, float]]) -> int:
    """Ends, other than an agent, of bad rounds."""
    return len({_end(series) if series.key.agent == agent else series.key.agent for series, _, _ in bad})


def _others_seen(agent: str, seen: list[tuple[float, str, str]]) -> int:
    return len({target if who == agent else who for _, who, target in seen})


def host_of(target: str) -> str:
    """Host of a target: a URL, a name, an address with or without a port."""
    if "://" in target:
        return urlsplit(target).hostname or target
    return target


def subjects_of(series: Series, services: dict[str, str]) -> list[Subject]:
    """Groups that a series belongs to. ``services``: host → the HTTP test that names its service."""
    key = series.key
    if key.kind == DNS:
        return [Subject("resolver", key.resolver or "default"), Subject("name", host_of(key.target)),
                Subject("uplink", key.agent)]  # fmt: skip
    if key.target_agent:
        one, other = sorted((key.agent, key.target_agent))
        return [Subject("pair", f"{one}|{other}"), Subject("agent", key.agent), Subject("agent", key.target_agent)]
    host = host_of(key.target)
    service = key.test if key.kind == HTTP else services.get(host, "")
    what = Subject("service", service) if service else Subject("target", host)
    return [what, Subject("uplink", key.agent), Subject("pair", f"{key.agent}|{host}")]
