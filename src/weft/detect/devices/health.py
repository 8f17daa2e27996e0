"""Devices that are busy, full, hot or have started afresh, against what each of them usually is."""

from __future__ import annotations

import numpy as np

from weft.detect.detector import About, Finding
from weft.detect.devices.board import Round, Series
from weft.detect.devices.columns import F64, I64
from weft.detect.devices.rounds import ENOUGH, RoundsDetector, chart, device_entity, recent
from weft.detect.texts import lasting
from weft.model.events import EventGroup, Severity

_CPU, _HEAT, _UPTIME = "cpu_percent", "temperature_celsius", "uptime_s"
_MEMORY, _TOTAL, _SHARE = "memory_used_bytes", "memory_total_bytes", "memory_percent"
#: A value is unusual so many robust deviations, and at least so many points, above its middle; the second number is
#: the least that is taken for a deviation.
_CPU_STEP, _CPU_NOISE = 12.0, 1.5
_MEMORY_STEP, _MEMORY_NOISE = 12.0, 1.0
_HEAT_STEP, _HEAT_NOISE = 9.0, 0.7
_SIGMAS = 6.0
_FULL, _BUSY = 95.0, 85.0
_HOLD_S = 900.0


class HealthDetector(RoundsDetector):
    """Processor, memory and temperature of devices, and restarts."""

    about = About(
        "device_health",
        "Busy, full, hot and restarted devices",
        EventGroup.DEVICE,
        "Processor, memory and temperature against what the same device usually shows, and restarts.",
        {
            "cpu_high": "A processor has far more to do than usual, or next to nothing left.",
            "memory_high": "Far more memory is in use than usual, or next to nothing left.",
            "temperature_high": "A sensor is far hotter than usual, though the processor is not busier.",
            "device_restart": "A device started afresh.",
        },
    )
    metrics = (_CPU, _TOTAL, _MEMORY, _SHARE, _HEAT, _UPTIME)

    def look(self, new: Round) -> list[Finding]:
        """Compares each value with the history of its series."""
        found: list[Finding] = []
        for metric, (at, values) in self.by_metric(new).items():
            if metric == _UPTIME:
                found += self._restarts(new.at_s, at, values)
            elif metric == _TOTAL:
                continue
            elif metric == _CPU:
                found += self._high(new.at_s, at, values, "cpu_high", _CPU_STEP, _CPU_NOISE)
            elif metric == _HEAT:
                found += self._high(new.at_s, at, values, "temperature_high", _HEAT_STEP, _HEAT_NOISE)
            else:
                shares = values if metric == _SHARE else self._shares(at, values)
                found += self._high(new.at_s, at, shares, "memory_high", _MEMORY_STEP, _MEMORY_NOISE)
        return found

    def _shares(self, at: I64, values: F64) -> F64:
        """Memory in use in percent of what there is."""
        series = [self.board.series[number] for number in at]
        totals = np.array([self.board.value(Series(s.device, s.component, _TOTAL, s.labels)) for s in series])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(totals > 0, 100 * values / totals, np.nan)

    def _high(self, at_s: float, at: I64, values: F64, kind: str, step: float, noise: float) -> list[Finding]:
        good = np.isfinite(values)
        at, values = at[good], values[good]
        level = self.board.level(at)
        scale = np.maximum(level.scale, noise)
        limit = level.middle + np.maximum(_SIGMAS * scale, self.setting(f"{kind}_step", step))
        known = level.count >= ENOUGH
        high = known & (values > limit)
        full = (values >= _FULL) & (kind != "temperature_high") & ~(known & (level.middle > _BUSY))
        found = []
        for place in np.flatnonzero(high | full):
            series = self.board.series[at[place]]
            if kind == "temperature_high" and self._is_busy(series.device):
                continue
            since_s = self.streaks.hit((kind, int(at[place])), at_s, 1 if high[place] else 2)
            if since_s is not None:
                middle = float(level.middle[place]) if known[place] else float("nan")
                told = (float(values[place]), middle, float(limit[place]), float(scale[place]))
                found.append(self._finding(kind, int(at[place]), at_s, since_s, *told))
        for place in np.flatnonzero(~(high | full)):
            since = self.streaks.miss((kind, int(at[place])))
            if since is not None:
                told = (float(values[place]), float(level.middle[place]), float(limit[place]), float(scale[place]))
                found.append(self._finding(kind, int(at[place]), at_s, since, *told, ends=True))
        self.board.learn(at, values, high)
        return found

    def _is_busy(self, device: str) -> bool:
        """Whether the processor explains the heat."""
        number = self.board.number(Series(device, "", _CPU, ""))
        others = [number] if number >= 0 else [
            number for number, one in enumerate(self.board.series) if one.device == device and one.metric == _CPU
        ]  # fmt: skip
        return any(self.streaks.is_open(("cpu_high", one)) for one in others)

    def _finding(
        self, kind: str, number: int, at_s: float, since_s: float, seen: float, middle: float, limit: float,
        scale: float, *, ends: bool = False,
    ) -> Finding:  # fmt: skip
        series = self.board.series[number]
        unit, what = {"cpu_high": ("%", "processor"), "memory_high": ("%", "memory")}.get(kind, ("°C", "temperature"))
        part = f" {series.component}" if series.component else ""
        text = f"{what.capitalize()}{part} at {seen:.0f} {unit}"
        if np.isfinite(middle):
            text += f"; usually {middle:.0f} {unit}, and up to {limit:.0f} {unit} would be no surprise"
        text = f"{what.capitalize()}{part} is at {seen:.0f} {unit} again." if ends else text + "."
        is_bad = kind != "temperature_high" and seen >= _BUSY
        return Finding(
            kind, device_entity(series.device), at_s, f"{series.device}: {what}{part} {seen:.0f} {unit}", text,
            Severity.MAJOR if is_bad else Severity.MINOR, _HOLD_S, started_s=since_s, ends=ends, seen=seen,
            expected=middle if np.isfinite(middle) else None, upper=limit if np.isfinite(limit) else None, unit=unit,
            score=min(30.0, (seen - middle) / scale) if np.isfinite(middle) else 0.0, confidence=0.9,
            labels={"part": series.component} if series.component else {},
            evidence=(chart(series.device, [series.metric], series.component),
                      recent(self.board.history(number), "What it was before", unit)),
        )  # fmt: skip

    def _restarts(self, at_s: float, at: I64, values: F64) -> list[Finding]:
        found = []
        for number, uptime_s in zip(at, values, strict=True):
            before = self.board.history(int(number))
            if len(before) and uptime_s < before[-1] - 30 and uptime_s < 86_400:
                device = self.board.series[number].device
                text = (
                    f"It has been up for {lasting(float(uptime_s))}; at the reading before for "
                    f"{lasting(float(before[-1]))}."
                )
                found.append(Finding(
                    "device_restart", device_entity(device), at_s, f"{device} started afresh", text, Severity.MAJOR,
                    600.0, started_s=at_s - float(uptime_s), seen=float(uptime_s), unit="s",
                    evidence=(chart(device, [_UPTIME]),),
                ))  # fmt: skip
        self.board.learn(at, values)
        return found
