"""Certificates that run out: a fact, told once and again when it gets worse."""

from __future__ import annotations

from dataclasses import dataclass

from weft.detect.detector import Finding
from weft.model.events import Entity, Severity

_MOST = 20_000
_TELL_S = 6 * 3600.0
_HOLD_S = 3 * 86_400.0
DAYS = 14.0


@dataclass(slots=True)
class _Seen:
    told_s: float = 0.0
    seen_s: float = 0.0
    severity: Severity | None = None


class Certificates:
    """What tests saw of certificates, by test and target."""

    def __init__(self, days: float = DAYS) -> None:
        self._days = days
        self._seen: dict[tuple[str, str], _Seen] = {}

    def take(self, test: str, target: str, days: float, at_s: float) -> Finding | None:
        """Days left, as an agent saw."""
        key = test, target
        seen = self._seen.get(key)
        entity = Entity(kind="service", id=test)
        labels = {"target": target}
        if days > self._days:
            if seen is None:
                return None
            del self._seen[key]
            text = f"The certificate of {target} is valid for {days:.0f} days again."
            return Finding(
                "certificate_expiring", entity, at_s, "Renewed", text, Severity.INFO, ends=True, labels=labels
            )
        if seen is None:
            if len(self._seen) >= _MOST:
                return None
            seen = self._seen[key] = _Seen()
        seen.seen_s = at_s
        severity = Severity.CRITICAL if days <= 1 else Severity.MAJOR if days <= 3 else Severity.MINOR
        if severity is seen.severity and at_s - seen.told_s < _TELL_S:
            return None
        seen.told_s, seen.severity = at_s, severity
        return Finding(
            "certificate_expiring", entity, at_s, f"The certificate of {target} expires in {days:.1f} days",
            f"{target} shows a certificate that expires in {days:.1f} days; below {self._days:g} days it is told.",
            severity, hold_s=_HOLD_S, seen=days, expected=self._days, lower=self._days, unit="d", labels=labels,
        )  # fmt: skip

    def sweep(self, now_s: float) -> None:
        """Let go of what nobody sees any more; its event ends by itself."""
        self._seen = {key: one for key, one in self._seen.items() if abs(now_s - one.seen_s) <= _HOLD_S}
