"""What a run of a test gave, and how it is judged."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from weft.model.synthetics import Limits

OK, DEGRADED, FAILED, ERROR = "ok", "degraded", "failed", "error"
_MOST_ERROR = 400


@dataclass(slots=True)
class Outcome:
    """One run: ``fields`` are columns of ``probes``; ``hops`` are rows of ``hops``, without what all of them share."""

    state: str = OK
    error: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    hops: list[dict[str, Any]] = field(default_factory=list)


def failed(reason: str, **fields: Any) -> Outcome:
    """The target did not answer, or wrongly."""
    return Outcome(FAILED, reason[:_MOST_ERROR], fields)


def not_done(reason: str, **fields: Any) -> Outcome:
    """The agent could not carry the test out."""
    return Outcome(ERROR, reason[:_MOST_ERROR], fields)


def round_trips(sent: int, rtts_ms: Sequence[float | None]) -> dict[str, Any]:
    """Columns of round trips in the order of sending, milliseconds; none = lost.

    Jitter is the mean difference between one that came and the next that came (RFC 3550 §6.4.1, unsmoothed).
    """
    came = [one for one in rtts_ms if one is not None]
    fields: dict[str, Any] = {"sent": sent, "received": len(came)}
    if came:
        fields |= {"rtt_min_ms": min(came), "rtt_ms": sum(came) / len(came), "rtt_max_ms": max(came)}
    if len(came) > 1:
        steps = [abs(b - a) for a, b in itertools.pairwise(came)]
        fields["jitter_ms"] = sum(steps) / len(steps)
    return fields


def judge(outcome: Outcome, limits: Limits) -> Outcome:
    """``degraded`` where it went well but beyond a limit; the reason names each limit that was."""
    if outcome.state != OK:
        return outcome
    said = outcome.fields
    beyond = []
    sent = said.get("sent", 0)
    loss = 100.0 * (sent - said.get("received", 0)) / sent if sent else 0.0
    for value, limit, name, unit in (
        (loss, limits.loss_percent, "loss", " %"),
        (said.get("rtt_ms", 0.0), limits.rtt_ms, "round trip", " ms"),
        (said.get("jitter_ms", 0.0), limits.jitter_ms, "jitter", " ms"),
    ):
        if limit and value > limit:
            beyond.append(f"{name} {value:.4g}{unit}, limit {limit:g}{unit}")
    days = said.get("certificate_days")
    if days is not None and limits.certificate_days and days < limits.certificate_days:
        beyond.append(f"certificate expires in {days:.1f} days, limit {limits.certificate_days:g}")
    rate = said.get("throughput_bps")
    if rate is not None and limits.throughput_bps and rate < limits.throughput_bps:
        beyond.append(f"throughput {rate:.4g} bit/s, limit {limits.throughput_bps:g}")
    if beyond:
        outcome.state, outcome.error = DEGRADED, "; ".join(beyond)[:_MOST_ERROR]
    return outcome
