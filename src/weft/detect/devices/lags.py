"""Members of a link aggregate that do not share its load: one that is overloaded, or one that carries nothing.

Which interfaces belong together the inventory knows (fact ``aggregates``); without it nothing is watched. A spread that
is usual for an aggregate, because few large flows make it up, is no event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from weft.detect.context import Context
from weft.detect.detector import About, Finding
from weft.detect.devices.board import Round
from weft.detect.devices.rounds import RoundsDetector, chart, interface_entity
from weft.detect.texts import amount
from weft.model.events import EventGroup, Severity

#: A member carries so many times its fair share, and so much more than the busiest one usually does; or next to none.
_TIMES, _MORE, _NONE = 1.5, 0.25, 0.02
#: Aggregates whose members carry less on average are left alone, bit/s; readings that confirm, and that are learned.
_LEAST_BPS, _NEED, _PAST, _ENOUGH = 20e6, 3, 96, 8
_HOLD_S = 900.0


class LagDetector(RoundsDetector):
    """The load of the members of each aggregate, each way."""

    about = About(
        "lags",
        "Aggregates out of balance",
        EventGroup.LINK,
        "Members of a link aggregate that carry far more than their share, or nothing, unlike before.",
        {"lag_imbalance": "A member of an aggregate carries far more than its share, or nothing at all."},
    )
    metrics = ("in_octets", "out_octets")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._aggregates: Callable[[], Mapping[tuple[str, str], str]] = context.facts.get("aggregates", dict)
        self._past: dict[tuple[str, str, str], deque[float]] = {}

    def look(self, new: Round) -> list[Finding]:
        """Shares of the members of which a round has all."""
        known = self._aggregates()
        groups: dict[tuple[str, str, str], dict[str, float]] = {}
        if known:
            for number, octets in zip(new.at.tolist(), new.values.tolist(), strict=True):
                series = self.board.series[number]
                aggregate = known.get((series.device, series.component))
                if aggregate:
                    key = series.device, aggregate, series.metric
                    groups.setdefault(key, {})[series.component] = 8 * octets
        return [one for key, loads in groups.items() if len(loads) >= 2 for one in self._judge(key, loads, new.at_s)]

    def _judge(self, key: tuple[str, str, str], loads: dict[str, float], at_s: float) -> list[Finding]:
        mean = float(np.mean(list(loads.values())))
        most, least = max(loads, key=lambda name: loads[name]), min(loads, key=lambda name: loads[name])
        times = loads[most] / mean if mean > 0 else 1.0
        past = self._past.setdefault(key, deque(maxlen=_PAST))
        usual = float(np.median(past)) if past else 1.0
        idle = loads[least] < _NONE * mean
        fair = self.setting("times", _TIMES) if not idle else 1.0
        uneven = len(past) >= _ENOUGH and mean >= _LEAST_BPS and times > max(fair, usual + _MORE)
        if not uneven:
            past.append(times)
            since_s = self.streaks.miss(key)
        else:
            since_s = self.streaks.hit(key, at_s, _NEED)
        if since_s is None:
            return []
        return [self._finding(key, loads, least if idle else most, at_s, since_s, usual, ends=not uneven)]

    def _finding(
        self, key: tuple[str, str, str], loads: dict[str, float], member: str, at_s: float, since_s: float,
        usual: float, *, ends: bool,
    ) -> Finding:  # fmt: skip
        device, aggregate, metric = key
        way, mean = metric.partition("_")[0], float(np.mean(list(loads.values())))
        told = ", ".join(f"{name} {amount(loads[name], 'bit/s')}" for name in sorted(loads)[:8])
        text = (
            f"{member} carries {amount(loads[member], 'bit/s')} {way}, {loads[member] / max(mean, 1.0):.1f} times its "
            f"fair share of {amount(mean, 'bit/s')}; the busiest member usually has {usual:.1f} times. Members: {told}."
        )
        title = f"{device} {aggregate}: {member} out of balance"
        if ends:
            text = "The members share the load again."
        return Finding(
            "lag_imbalance", interface_entity(device, aggregate), at_s, title[:200], text, Severity.MINOR, _HOLD_S,
            started_s=since_s, ends=ends, seen=loads[member], expected=mean, unit="bit/s",
            labels={"way": way},
            others=[interface_entity(device, name) for name in sorted(loads)[:20]], confidence=0.9,
            evidence=tuple(chart(device, [metric], name) for name in sorted(loads)[:8]),
        )  # fmt: skip
