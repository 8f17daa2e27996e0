"""The training jobs of the cluster: who runs where from when to when, decided by seed and clock.

Tensor parallelism stays inside a host (NVLink); pipeline and data parallelism go over the rails: rings of all-reduce,
stages that hand on to the next, experts that exchange tokens. Sizes and rates are those of published runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.twin.cluster.layout import RAILS

Pattern = Literal["ring", "all_to_all"]
_H = 3600.0


@dataclass(frozen=True, slots=True)
class Track:
    """A part of the cluster that one job after another runs on."""

    id: str
    model: str
    hosts: tuple[int, ...]  # in the order of their ranks
    stages: int  # of the pipeline; hosts / stages replicas
    pattern: Pattern
    lasts_h: float
    compute_s: float  # of a step
    comm_octets: float  # that each card sends in a step
    overlap: float  # share of the computing time that can hide communication
    tokens: float  # of a step
    checkpoint_octets: float
    checkpoint_every_s: float


#: The first spans both units, so that its rings cross the spines; the others stay in one.
TRACKS = (
    Track("pretrain", "llama-70b", (0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23), 4, "ring", 26.0,
          6.2, 92e9, 0.30, 2_097_152, 1.12e12, 1800.0),
    Track("experts", "moe-8x22b", tuple(range(8, 16)), 1, "all_to_all", 11.0, 3.4, 58e9, 0.25, 786_432, 0.62e12,
          1500.0),
    Track("vision", "vit-22b", tuple(range(24, 28)), 1, "ring", 5.0, 1.9, 30e9, 0.30, 262_144, 0.24e12, 1200.0),
    Track("tuning", "llama-8b-sft", tuple(range(28, 32)), 1, "ring", 3.0, 0.84, 13e9, 0.30, 131_072, 0.1e12, 900.0),
)  # fmt: skip
#: Octets a second that each host reads of its dataset.
READ_OCTETS_S = 0.42e9


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a track."""

    name: str
    track: Track
    start_s: float
    end_s: float

    @property
    def gpus(self) -> int:
        """How many it has."""
        return len(self.track.hosts) * RAILS


class Flows(NamedTuple):
    """What a job's cards send at once, as arrays: from card to card, each a share of the sender's rate."""

    source: NDArray[np.int64]  # host × rails + rail
    target: NDArray[np.int64]
    weight: NDArray[np.float64]


def jobs(seed: int, since_s: float, until_s: float) -> Iterator[Job]:
    """Jobs that run at some time of a span, in the order of tracks."""
    for number, track in enumerate(TRACKS):
        length, shift = track.lasts_h * _H, _shift(seed, number) * track.lasts_h * _H
        for count in range(int((since_s - shift) // length), int((until_s - shift) // length) + 1):
            job = _job(seed, number, count)
            if job.start_s < until_s and job.end_s > since_s:
                yield job


@lru_cache(maxsize=64)
def _shift(seed: int, number: int) -> float:
    return float(np.random.default_rng([seed, 2560, number]).random())


@lru_cache(maxsize=4096)
def _job(seed: int, number: int, count: int) -> Job:
    """One after another on a track; between two there are minutes in which a job is set up, or nobody wants one."""
    track = TRACKS[number]
    length, shift = track.lasts_h * _H, _shift(seed, number) * track.lasts_h * _H
    rng = np.random.default_rng([seed, 2561, number, count % 2**32])
    start = count * length + shift + float(rng.uniform(120, 420))
    end = (count + 1) * length + shift - float(rng.exponential(240 + 0.05 * length))
    return Job(f"{track.model}-{count % 10_000}", track, round(start, 3), round(max(end, start + 0.4 * length), 3))


def checkpoints(job: Job, since_s: float, until_s: float) -> list[float]:
    """When a job begins to write checkpoints within a span."""
    every = job.track.checkpoint_every_s
    first = max(1, int(np.ceil((since_s - job.start_s) / every)))
    last = int(np.floor((min(until_s, job.end_s) - job.start_s) / every))
    return [job.start_s + number * every for number in range(first, last + 1)]


@lru_cache(maxsize=32)
def flows(track: Track, misplaced: bool = False) -> Flows:
    """What the cards of a job send while it communicates. ``misplaced``: ranks lie across the rails."""
    pairs: list[tuple[int, int, float]] = []
    hosts, replicas = track.hosts, len(track.hosts) // track.stages
    groups = [hosts[stage * replicas : (stage + 1) * replicas] for stage in range(track.stages)]
    for group in groups:
        if track.pattern == "ring":
            pairs += [(one, group[(at + 1) % len(group)], 0.8) for at, one in enumerate(group)]
        else:
            share = 0.88 / (len(group) - 1)
            pairs += [(one, other, share) for one in group for other in group if one != other]
    for near, far in pairwise(groups):
        pairs += [(one, other, 0.08) for one, other in zip(near, far, strict=True)]
    rail = np.arange(RAILS)
    turned = (rail + 3) % RAILS if misplaced else rail  # the next rank is on a rail of another leaf
    source = np.concatenate([one * RAILS + rail for one, _, _ in pairs])
    target = np.concatenate([other * RAILS + turned for _, other, _ in pairs])
    return Flows(source, target, np.repeat([weight for _, _, weight in pairs], RAILS))
