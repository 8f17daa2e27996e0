"""Back-tests: which events detectors would have raised over a stretch of history, told per day and with examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from weft.detect import registry
from weft.detect.config import DetectConfig
from weft.detect.context import Context, DetectorConfig, Names
from weft.detect.detector import About, Detector, SeriesDetector
from weft.detect.replay import Frames, Replay, Replayed, Span
from weft.detect.runfolder import Rows
from weft.detect.tracker import Tracker
from weft.errors import InvalidInput
from weft.model.addresses import address_text
from weft.model.events import Event

#: Events that a report tells in full of each kind.
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class History:
    """What can be replayed: rows, matrices, and what things were called."""

    rows: Rows
    names: Names
    frames: Frames | None = None
    networks: Callable[[], Sequence[IPv4Network | IPv6Network]] = tuple
    facts: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


class Nameless:
    """``Names`` that knows nothing: addresses stay addresses."""

    def device(self, address: bytes) -> str:
        """The address."""
        return address_text(bytes(address))

    def interface(self, address: bytes, if_index: int) -> str:  # noqa: ARG002
        """By its number."""
        return f"if{int(if_index)}"

    def site(self, device: str) -> str:  # noqa: ARG002
        """None."""
        return ""

    def site_of_address(self, address: bytes) -> str:  # noqa: ARG002
        """None."""
        return ""


def abouts() -> Iterator[tuple[str, About]]:
    """What each detector says of itself. Raises ``InvalidInput`` where one cannot be made."""
    for name in registry.names():
        yield name, registry.make(name, Context(Nameless())).about


def made(names: Iterable[str], history: History, config: DetectConfig) -> dict[str, Detector]:
    """Detectors of these names with empty states. Raises ``InvalidInput`` for a name that there is not."""
    found = {}
    for name in names:
        own = config.detectors.get(name, DetectorConfig())
        rate = config.false_alarms if own.false_alarms is None else own.false_alarms
        found[name] = registry.make(name, Context(history.names, own, rate, history.networks, history.facts))
    return found


def backtest(
    names: Sequence[str], history: History, span: Span, config: DetectConfig | None = None, *, step_s: float = 1.0,
    progress: Callable[[float], None] = lambda _reached_s: None,
) -> Replayed:  # fmt: skip
    """Replay history through these detectors. Raises ``InvalidInput`` where that cannot be."""
    config = config or DetectConfig()
    if not span.learn_from_s <= span.since_s < span.until_s:
        raise InvalidInput("the time range is empty", where="since")
    if not step_s >= 0.1:
        raise InvalidInput("is too short", where="step", fix="Use at least 0.1 s.")
    detectors = made(names, history, config)
    if history.frames is None and (blind := [n for n, one in detectors.items() if isinstance(one, SeriesDetector)]):
        raise InvalidInput(f"{', '.join(blind)} watch series, and there are none", where="detector")
    tracker = Tracker(most_open=config.most_open, late_s=config.late_minutes * 60, reopen_s=config.reopen_minutes * 60)
    filters = {name: one.filter for name, one in config.detectors.items()}
    replay = Replay(detectors, history.rows, history.frames, tracker=tracker, filters=filters, step_s=step_s)
    return replay.run(span, progress)


def report(done: Replayed, *, examples: int = EXAMPLES, whole: bool = False) -> dict[str, Any]:
    """As JSON: how many events of each kind, on which days, some in full (``whole``: all of them)."""
    days = (done.span.until_s - done.span.since_s) / 86_400
    kinds: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in done.events:
        kinds[event.detector, event.kind].append(event)
    document: dict[str, Any] = {
        "since": iso(done.span.since_s), "until": iso(done.span.until_s), "learned_from": iso(done.span.learn_from_s),
        "days": round(days, 3), "events": len(done.events), "events_per_day": round(len(done.events) / days, 2),
        "severities": dict(Counter(event.severity.value for event in done.events)),
        "kinds": [_kind(*key, some, days, examples) for key, some in sorted(kinds.items())],
        "rows": dict(done.rows), "series": done.series, "failed": done.failed,
        "cpu_s": {name: round(value, 2) for name, value in done.cpu_s.items()},
    }  # fmt: skip
    if whole:
        document["list"] = [event.model_dump(mode="json") for event in done.events]
    return document


def _kind(detector: str, kind: str, events: Sequence[Event], days: float, examples: int) -> dict[str, Any]:
    worst = sorted(events, key=lambda event: (-event.severity.rank, -event.score, event.detected_s))[:examples]
    return {
        "detector": detector, "kind": kind, "events": len(events), "per_day": round(len(events) / days, 2),
        "entities": len({event.entity.text for event in events}),
        "days": dict(sorted(Counter(iso(event.detected_s)[:10] for event in events).items())),
        "examples": [
            {"entity": event.entity.text, "severity": event.severity.value, "title": event.title, "text": event.text,
             "started": iso(event.started_s), "detected": iso(event.detected_s),
             "ended": None if event.ended_s is None else iso(event.ended_s)}
            for event in worst
        ],
    }  # fmt: skip


def iso(at_s: float) -> str:
    """UTC, to the second."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
