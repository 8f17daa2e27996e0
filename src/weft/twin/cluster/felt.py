"""Which jobs feel a fault: those whose steps take longer by the fabric's own reckoning, on whose hosts it is or not."""

from __future__ import annotations

from functools import lru_cache

from weft.twin.cluster.fabric import flowing
from weft.twin.cluster.jobs import TRACKS, Job, Track
from weft.twin.cluster.troubles import Trouble, trouble
from weft.twin.faults.model import Fault

#: Times the usual from where on a step takes longer for all to see.
_LONGER = 1.06
_JOBS = tuple(Job(track.id, track, 0.0, float("inf")) for track in TRACKS)


@lru_cache(maxsize=1024)
def felt_by(fault: Fault) -> tuple[Track, ...]:
    """The jobs that are slower because of a fault of the cluster alone."""
    now = flowing(_JOBS, frozenset(), trouble((fault,), (), fault.start_s))
    return tuple(
        pace.job.track for pace, usual in zip(now.paces, _usual(), strict=True) if pace.step_s > _LONGER * usual
    )


@lru_cache(maxsize=1)
def _usual() -> tuple[float, ...]:
    return tuple(pace.step_s for pace in flowing(_JOBS, frozenset(), Trouble()).paces)
