"""One test of one agent at one target: what each round says, beside what is usual of this series."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import comb, sqrt
from typing import Any

from weft.detect.paths.levels import Level

PING, TCP, TRACE, HTTP, DNS, THROUGHPUT = 1, 2, 3, 4, 5, 6
OK, DEGRADED, FAILED, ERROR = 1, 2, 3, 4
#: Parts of an HTTP transaction, with what people call them.
PHASES = {"dns_ms": "name lookup", "connect_ms": "TCP handshake", "tls_ms": "TLS handshake",
          "first_byte_ms": "the server's answer", "transfer_ms": "transfer"}  # fmt: skip
_RARE = 0.005  # chance of so much loss, with nothing wrong, that makes a round bad
_FLOOR_LOSS = 0.005
_MOST_BINOMIAL = 200
_SUCCESSES = 5  # a test that never worked cannot fail
#: Share of rounds that are bad by themselves: where it begins, and the bounds that are believed.
_FIRST_SHARE, _LEAST_SHARE, _MOST_SHARE, _MEMORY = 0.003, 0.003, 0.3, 1 / 300
_RECENT = 16
#: What a round was is learned so much later: by then it is known whether it was part of an event. So many wait at most.
_LATER_S, _MOST_WAITING = 1800.0, 128
_SIZES = 32  # sizes of bad rounds that came to nothing, kept


@dataclass(frozen=True, slots=True)
class Key:
    """Names a series."""

    test: str
    kind: int
    agent: str
    target: str
    resolver: str = ""
    target_agent: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a rise must be at least."""

    rise_ms: float = 5.0
    rise: float = 0.25


@dataclass(frozen=True, slots=True)
class Round:
    """One run. ``aspect`` is what is bad of it, empty for nothing: fail, name, loss, slow, jitter, throughput."""

    at_s: float
    aspect: str = ""
    value: float = 0.0
    expected: float = 0.0
    bound: float = 0.0
    note: str = ""

    @property
    def size(self) -> float:
        """How far beyond what is usual, in times of what is allowed; 0 where it has no size."""
        if self.aspect not in ("slow", "jitter") or self.bound <= self.expected:
            return 0.0
        return (self.value - self.expected) / (self.bound - self.expected)


@dataclass(slots=True)
class Series:
    """What is known of it."""

    key: Key
    address: bytes = b""
    source: bytes = b""
    rtt: Level = field(default_factory=Level)
    jitter: Level | None = None
    throughput: Level | None = None
    phases: dict[str, Level] = field(default_factory=dict)
    successes: int = 0
    loss: float = 0.0
    share: float = _FIRST_SHARE  # of its rounds that are bad with nothing wrong
    every_s: float = 60.0
    last_s: float = 0.0
    recent: list[tuple[float, Mapping[str, float]]] = field(default_factory=list)  # of late bad rounds: their numbers
    sizes: deque[float] = field(default_factory=lambda: deque(maxlen=_SIZES))
    waiting: deque[Round] = field(default_factory=lambda: deque(maxlen=_MOST_WAITING))

    @property
    def chance(self) -> float:
        """That a round is bad with nothing wrong, as far as it may be believed."""
        return min(_MOST_SHARE, max(_LEAST_SHARE, self.share))

    def chance_of(self, said: Round) -> float:
        """That one is so bad with nothing wrong: by the sizes of those that came to nothing, as far as there are.

        Its rank among them is made evidence by the calibrator 1 / (2 √p) (Vovk and Wang, 2021), so that the weights of
        rounds still add up to no more than chance allows.
        """
        if not said.size or not self.sizes:
            return self.chance
        rank = (1 + sum(one >= said.size for one in self.sizes)) / (1 + len(self.sizes))
        return min(_MOST_SHARE, self.chance * 2 * sqrt(rank))

    def judge(self, row: Mapping[str, Any], at_s: float, limits: Limits) -> Round | None:
        """What a run says; None where nothing was learned of the target."""
        if self.last_s and at_s > self.last_s:
            self.every_s += (min(at_s - self.last_s, 7200.0) - self.every_s) / 8
        self.last_s = max(self.last_s, at_s)
        failed = _failure(row)
        if failed is None:
            return None
        if failed:
            aspect = "name" if "resolve" in failed.lower() else "fail"
            if self.successes < _SUCCESSES:
                return None
            return Round(at_s, aspect, 1.0, 0.0, 0.0, failed)
        self.successes += 1
        return self._loss(row, at_s) or self._slow(row, at_s, limits) or Round(at_s)

    def _loss(self, row: Mapping[str, Any], at_s: float) -> Round | None:
        sent, received = int(row["sent"]), min(int(row["received"]), int(row["sent"]))
        if sent < 2 or self.key.kind == THROUGHPUT:
            return None
        lost = sent - received
        if lost >= 2 and _tail(lost, sent, max(self.loss, _FLOOR_LOSS)) < _RARE:
            return Round(at_s, "loss", lost / sent, self.loss, 0.0)
        return None

    def _slow(self, row: Mapping[str, Any], at_s: float, limits: Limits) -> Round | None:
        rtt = float(row["rtt_ms"])
        if rtt > 0 and self.rtt.is_known:
            bound = self.rtt.upper(at_s, limits.rise_ms, limits.rise)
            if rtt > bound:
                return Round(at_s, "slow", rtt, self.rtt.middle, bound)
        jitter = float(row["jitter_ms"])
        if self.jitter is not None and self.jitter.is_known and jitter > 0:
            bound = self.jitter.upper(at_s, 2 * limits.rise_ms, 2.0, 8.0)
            if jitter > bound:
                return Round(at_s, "jitter", jitter, self.jitter.middle, bound)
        rate = float(row["throughput_bps"])
        if self.throughput is not None and self.throughput.is_known and rate > 0:
            bound = min(0.7 * self.throughput.middle, self.throughput.middle - 6 * self.throughput.spread)
            if rate < bound:
                return Round(at_s, "throughput", rate, self.throughput.middle, bound)
        return None

    def learn(self, row: Mapping[str, Any], said: Round, *, in_event: bool) -> None:
        """Take a round into what is usual, unless it is bad; how often it is bad follows half an hour later."""
        if not in_event:
            if len(self.waiting) == _MOST_WAITING:
                self._count(self.waiting.popleft())
            self.waiting.append(said)
        while self.waiting and self.waiting[0].at_s < said.at_s - _LATER_S:
            self._count(self.waiting.popleft())
        if said.aspect:
            numbers = {name: float(row[name]) for name in ("rtt_ms", *PHASES) if float(row[name]) > 0}
            self.recent = [*self.recent[-_RECENT + 1 :], (said.at_s, numbers)]
            return
        sent = int(row["sent"])
        if sent > 1:
            self.loss += ((sent - min(int(row["received"]), sent)) / sent - self.loss) / 100
        for name, level in self._levels(row):
            value = float(row[name])
            if value > 0:
                level.add(value, said.at_s)

    def _count(self, said: Round) -> None:
        """A round that came to nothing."""
        self.share += (float(bool(said.aspect)) - self.share) * _MEMORY
        if said.size:
            self.sizes.append(round(said.size, 2))

    def explained(self, since_s: float) -> None:
        """Rounds since then are part of an event: they say nothing of how often one is bad by itself."""
        self.waiting = deque((one for one in self.waiting if one.at_s < since_s), _MOST_WAITING)

    def _levels(self, row: Mapping[str, Any]) -> list[tuple[str, Level]]:
        found = [("rtt_ms", self.rtt)]
        if self.key.kind == HTTP:
            found += [(name, self.phases.setdefault(name, Level())) for name in PHASES if float(row[name]) > 0]
        if self.key.kind in (PING, TCP):
            self.jitter = self.jitter or Level()
            found.append(("jitter_ms", self.jitter))
        if self.key.kind == THROUGHPUT:
            self.throughput = self.throughput or Level()
            found.append(("throughput_bps", self.throughput))
        return found

    def settle(self) -> None:
        """It has been like this for hours: that is its level now."""
        values = [numbers["rtt_ms"] for _, numbers in self.recent if "rtt_ms" in numbers]
        if len(values) >= _RECENT // 2:
            self.rtt.replace(values)
        for name, level in self.phases.items():
            late = [numbers[name] for _, numbers in self.recent if name in numbers]
            if len(late) >= _RECENT // 2:
                level.replace(late)

    def slower_phases(self, since_s: float) -> list[tuple[str, float]]:
        """By how many ms each part of a transaction is longer than usual, those that matter, most first."""
        found = []
        for name, level in self.phases.items():
            late = sorted(numbers[name] for at_s, numbers in self.recent if at_s >= since_s and name in numbers)
            if late and level.is_known:
                found.append((name, late[len(late) // 2] - level.middle))
        return sorted(((name, rise) for name, rise in found if rise > 1.0), key=lambda one: -one[1])

    def state(self) -> list[Any]:
        """For ``restored``."""
        one = self.key
        levels = {name: level.state() for name, level in self.phases.items()}
        return [
            [one.test, one.kind, one.agent, one.target, one.resolver, one.target_agent], self.rtt.state(),
            self.jitter.state() if self.jitter else None, self.throughput.state() if self.throughput else None, levels,
            self.successes, self.loss, self.share, self.every_s, self.last_s, list(self.sizes),
        ]  # fmt: skip

    @classmethod
    def restored(cls, state: Sequence[Any]) -> Series:
        """Go on where ``state`` was. Raises ``ValueError`` or ``TypeError``."""
        key, rtt, jitter, throughput, levels, successes, loss, share, every_s, last_s, *more = state
        sizes = more[0] if more else ()  # states of before have none
        test, kind, agent, target, resolver, target_agent = key
        return cls(
            Key(str(test), int(kind), str(agent), str(target), str(resolver), str(target_agent)),
            rtt=Level.restored(rtt), jitter=Level.restored(jitter) if jitter else None,
            throughput=Level.restored(throughput) if throughput else None,
            phases={name: Level.restored(level) for name, level in levels.items() if name in PHASES},
            successes=int(successes), loss=float(loss), share=float(share), every_s=float(every_s),
            last_s=float(last_s), sizes=deque(map(float, sizes), _SIZES),
        )  # fmt: skip


def _failure(row: Mapping[str, Any]) -> str | None:
    """Why a run failed, empty where it did not; None where the agent could not carry it out."""
    error = str(row["error"] or "")
    if row["state"] == ERROR:
        return error if row["kind"] == HTTP and "resolve" in error.lower() else None
    if row["state"] == FAILED:
        return error or "no answer"
    return ""


def _tail(lost: int, sent: int, chance: float) -> float:
    """Chance of so many or more lost of so many sent, each for itself."""
    if sent > _MOST_BINOMIAL:  # as good as Poisson's, bounded by Chernoff
        ratio = lost / (sent * chance)
        return 1.0 if ratio <= 1 else float((2.718281828 ** (ratio - 1) / ratio**ratio) ** (sent * chance))
    below = sum(comb(sent, k) * chance**k * (1 - chance) ** (sent - k) for k in range(lost))
    return max(0.0, 1.0 - below)
