"""Hosts of an AI cluster that hold all others up: slow GPUs, cards and stores, and the jobs that feel it.

In a synchronous job all wait for the slowest. So what counts is not how a GPU does by itself but whether it lags behind
its peers: those of the same host, the cards of the same cluster, the stores of the same system.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from weft.detect.context import Context
from weft.detect.detector import About, Finding
from weft.detect.devices.board import Round
from weft.detect.devices.columns import F64, I64
from weft.detect.devices.rounds import ENOUGH, RoundsDetector, chart, device_entity, interface_entity
from weft.detect.lines import Port, nobody
from weft.detect.texts import amount
from weft.model.events import Entity, EventGroup, Severity

_CLOCK, _CARD, _STORE = "DCGM_FI_DEV_SM_CLOCK", "node_infiniband_rate_bytes_per_second", "storage_write_latency_seconds"
_STEP, _COMM, _EXPOSED = "train_step_seconds", "train_comm_seconds", "train_exposed_comm_ratio"
#: Share of the clock of its peers from where on a GPU is slow; of its usual rate, a card; times the usual and that of
#: its peers, a store; times the usual, the step and the communication of a job.
_SLOW_GPU, _SLOW_CARD, _SLOW_STORE, _SLOW_STEP, _SLOW_COMM = 0.96, 0.8, 3.0, 1.15, 1.35
#: Readings of a job that confirm that it is slow: a checkpoint takes some. A store that is slower by less than that
#: much, times the usual and that of its peers, is so for some readings on end.
_STEPS = 4
_SLOWER_STORE, _WRITES = 1.25, 5
_HOLD_S = 420.0
_MODEL = re.compile(r'(?:^|,)(?:model|job_name)="([^"]{1,100})"')


class FabricHostsDetector(RoundsDetector):
    """GPUs, cards and stores against their peers, jobs against their past."""

    about = About(
        "fabric_hosts",
        "Stragglers of a cluster",
        EventGroup.FABRIC,
        "GPUs, network cards and stores that lag behind their peers, and jobs that are slower than they were.",
        {
            "gpu_straggler": "A GPU runs at a lower clock than the others of its host.",
            "slow_nic": "A network card runs at a fraction of the rate that it had.",
            "storage_slow": "A store answers far more slowly than it did, and than the others.",
            "job_slow": "Steps of a job, or its communication, take longer than they did.",
        },
    )
    metrics = (_CLOCK, _CARD, _STORE, _STEP, _COMM, _EXPOSED)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._neighbour: Callable[[str, str], Port | None] = context.facts.get("neighbour", nobody)

    def look(self, new: Round) -> list[Finding]:
        """GPUs, cards, stores and jobs of a round."""
        found: list[Finding] = []
        for metric, (at, values) in self.by_metric(new).items():
            if metric == _CLOCK:
                found += self._gpus(new.at_s, at, values)
            elif metric == _CARD:
                found += self._cards(new.at_s, at, values)
            elif metric == _STORE:
                found += self._stores(new.at_s, at, values)
            else:
                found += self._jobs(metric, new.at_s, at, values)
        return found

    def _gpus(self, at_s: float, at: I64, values: F64) -> list[Finding]:
        hosts: dict[str, list[int]] = defaultdict(list)
        for place, number in enumerate(at):
            hosts[self.board.series[number].device].append(place)
        found = []
        for host, places in hosts.items():
            peers = float(np.median(values[places]))
            for place in places:
                series, value = self.board.series[at[place]], float(values[place])
                lags = len(places) >= 3 and value < self.setting("gpu_clock_share", _SLOW_GPU) * peers
                text = (
                    f"{series.component} runs at {value:.0f} MHz, {100 * (1 - value / max(peers, 1.0)):.0f} % slower "
                    f"than the {len(places) - 1} other GPUs of {host} ({peers:.0f} MHz): its job waits for it at each "
                    f"step."
                )
                found += self._judge(
                    "gpu_straggler", int(at[place]), at_s, lags, device_entity(host), text, (value, peers, "MHz"), 2
                )
        self.board.learn(at, values)
        return found

    def _cards(self, at_s: float, at: I64, values: F64) -> list[Finding]:
        level = self.board.level(at)
        peers = float(np.median(values)) if len(values) >= 4 else 0.0
        found = []
        lags = (level.count >= 3) & (values < _SLOW_CARD * np.maximum(level.middle, 1.0))
        lags |= values < _SLOW_CARD * peers
        for place in range(len(at)):
            series, value = self.board.series[at[place]], float(values[place])
            usual = max(float(np.nan_to_num(level.middle[place])), peers)
            card = series.component.partition("/")[0]
            far = self._neighbour(series.device, card)
            text = (
                f"{card} runs at {amount(8 * value, 'bit/s')}, {100 * value / max(usual, 1.0):.0f} % of the "
                f"{amount(8 * usual, 'bit/s')} that it had and its peers have."
            ) + (f" It is at {' '.join(far).strip()}, which it slows down." if far is not None else "")
            told = self._judge(
                "slow_nic", int(at[place]), at_s, bool(lags[place]), interface_entity(series.device, card), text,
                (8 * value, 8 * usual, "bit/s"), 1,
            )  # fmt: skip
            others = (interface_entity(*far),) if far is not None and far[1] else ()
            found += [replace(one, others=others) for one in told]
        self.board.learn(at, values, lags)
        return found

    def _stores(self, at_s: float, at: I64, values: F64) -> list[Finding]:
        level = self.board.level(at)
        found = []
        known = level.count >= ENOUGH
        slow = known & (values > _SLOW_STORE * level.middle + 6 * level.scale)
        slower = known & (values > np.maximum(_SLOWER_STORE * level.middle, level.middle + 2 * level.scale))
        for place in range(len(at)):
            series, value = self.board.series[at[place]], float(values[place])
            others = np.delete(values, place)
            peers = float(np.median(others)) if len(others) else 0.0
            by_far = bool(slow[place]) and value > 2 * peers
            lags = by_far or (bool(slower[place]) and value > _SLOWER_STORE * peers)
            text = f"A write takes {1e3 * value:.1f} ms, usually {1e3 * float(level.middle[place]):.1f} ms" + (
                f"; {1e3 * peers:.1f} ms at the {len(others)} other stores." if len(others) else "."
            )
            found += self._judge(
                "storage_slow", int(at[place]), at_s, lags, device_entity(series.device), text,
                (value, float(level.middle[place]), "s"), 2 if by_far else _WRITES,
            )  # fmt: skip
        self.board.learn(at, values, slower)
        return found

    def _jobs(self, metric: str, at_s: float, at: I64, values: F64) -> list[Finding]:
        level = self.board.level(at)
        times = _SLOW_STEP if metric == _STEP else _SLOW_COMM
        limit = np.maximum(times * level.middle, level.middle + 6 * level.scale)
        if metric == _EXPOSED:
            limit = np.maximum(limit, level.middle + 0.03)
        slow = (level.count >= ENOUGH) & (values > limit)
        found = []
        for place in range(len(at)):
            series, value = self.board.series[at[place]], float(values[place])
            told = _MODEL.search(series.labels)
            entity = Entity(kind="job", id=told.group(1) if told else series.device)
            what, unit = {
                _STEP: ("A step takes", "s"), _COMM: ("Communication takes", "s"),
                _EXPOSED: ("Communication that is not hidden takes a share of", ""),
            }[metric]  # fmt: skip
            usual = float(level.middle[place])
            text = (
                f"{what} {value:.3g} {unit}".rstrip() + f", {value / max(usual, 1e-9):.1f} times the usual {usual:.3g}."
            )
            found += self._judge(
                "job_slow", int(at[place]), at_s, bool(slow[place]), entity, text, (value, usual, unit), _STEPS
            )
        self.board.learn(at, values, slow)
        return found

    def _judge(
        self, kind: str, number: int, at_s: float, deviates: bool, entity: Entity, text: str,
        values: tuple[float, float, str], need: int,
    ) -> list[Finding]:  # fmt: skip
        """A finding where a series deviates often enough, or an end where it no longer does."""
        series = self.board.series[number]
        since_s = self.streaks.hit((kind, number), at_s, need) if deviates else self.streaks.miss((kind, number))
        if since_s is None:
            return []
        seen, expected, unit = values
        if not deviates:
            text = "As usual again."
            if kind == "job_slow" and self._still_slow(entity):
                return []
        labels = {"part": series.component} if kind == "gpu_straggler" else {}
        return [Finding(
            kind, entity, at_s, f"{entity.id.replace('|', ' ')}: {kind.replace('_', ' ')}"[:200], text,
            Severity.MINOR if kind == "job_slow" else Severity.MAJOR, _HOLD_S, started_s=since_s, ends=not deviates,
            seen=seen, expected=expected, unit=unit, labels=labels, confidence=0.9,
            evidence=(chart(series.device, [series.metric], series.component),),
        )]  # fmt: skip

    def _still_slow(self, entity: Entity) -> bool:
        """Whether another metric of the same job still says so."""
        return any(
            self.streaks.is_open(("job_slow", number))
            for number, one in enumerate(self.board.series)
            if one.metric in (_STEP, _COMM, _EXPOSED) and f'"{entity.id}"' in one.labels
        )
