"""Scenarios: how long an organisation is played, what goes wrong in it when, and what is done about it.

A scenario is a YAML file; those that come along are found by their name. The same scenario with the same seed always
makes the same timeline.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import BeforeValidator, Field, ValidationError

from weft.component import Config
from weft.errors import InvalidInput
from weft.twin.actions import TwinExecutor
from weft.twin.control import make_fault
from weft.twin.faults.catalogue import KINDS
from weft.twin.faults.model import Fault, FaultGroup, RightAction
from weft.twin.faults.schedule import SLOT_S, slots
from weft.twin.pace import MOST_PACE, PacedSchedule
from weft.twin.timeline import LONGEST_S, Timeline

MOST_BYTES = 1 << 20
MOST_HOURS = 24.0 * 92
_TIME = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+(?:\.\d+)?)s?)?")
_CLOCK = re.compile(r"(?:(\d+)d\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?")
Part = Literal["flows", "metrics", "logs", "routes", "probes", "business", "cloud", "cluster"]
PARTS: tuple[Part, ...] = ("flows", "metrics", "logs", "routes", "probes", "business", "cloud", "cluster")


def _seconds(value: Any) -> Any:
    """``90``, ``"1h30m"``, ``"02:15"`` and ``"3d 02:15"`` as seconds."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if clock := _CLOCK.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return float(days * 86_400 + hours * 3600 + minutes * 60 + seconds)
    spoken = _TIME.fullmatch(text)
    if spoken is None or not text:
        raise ValueError("is not a time: write seconds, 1h30m or 02:15")
    days, hours, minutes = (int(part or 0) for part in spoken.groups()[:3])
    return days * 86_400 + hours * 3600 + minutes * 60 + float(spoken.group(4) or 0)


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0, le=MOST_HOURS * 3600)]


class ScenarioFault(Config):
    """A fault that begins at a time."""

    kind: str = Field(max_length=60)
    """Its kind (``weft twin faults``)."""
    at: Seconds
    """When, after the beginning: seconds, ``1h30m`` or ``02:15``."""
    place: str = Field(default="", max_length=200)
    """Id of a place of the kind; left out: the dice decide."""
    duration: Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=LONGEST_S)] | None = None
    severity: float | None = Field(default=None, ge=0, le=1)


class ScenarioAction(Config):
    """Something that is done at a time."""

    kind: str = Field(max_length=60)
    at: Seconds
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict, max_length=12)


class Tour(Config):
    """Each kind of fault once, one after another."""

    every: Annotated[float, BeforeValidator(_seconds), Field(ge=60)] = 3600.0
    first: Seconds = 600.0
    duration: Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=LONGEST_S)] | None = None
    """How long each lasts; left out: as its kind says."""
    kinds: tuple[str, ...] = ()
    """Left out: every kind of the groups."""
    groups: tuple[FaultGroup, ...] = tuple(FaultGroup)


class Scenario(Config):
    """What is played."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=4000)
    seed: int = Field(default=7, ge=0, lt=1 << 31)
    since: datetime = datetime(2026, 3, 2, tzinfo=UTC)
    """When it begins; without a zone: UTC."""
    hours: float = Field(default=24.0, gt=0, le=MOST_HOURS)
    pace: float = Field(default=0.0, ge=0, le=MOST_PACE)
    """How often faults and decoys come by themselves, times the usual; 0 = never."""
    records_per_s: float = Field(default=5.0, gt=0, le=10_000)
    """Mean flow records per second of each exporter, as in ``demo.records_per_s``."""
    parts: tuple[Part, ...] = PARTS
    """Kinds of telemetry that are written."""
    faults: tuple[ScenarioFault, ...] = Field(default=(), max_length=10_000)
    actions: tuple[ScenarioAction, ...] = Field(default=(), max_length=10_000)
    tour: Tour | None = None

    @property
    def since_s(self) -> float:
        """When it begins, UTC seconds."""
        begin = self.since if self.since.tzinfo is not None else self.since.replace(tzinfo=UTC)
        return begin.timestamp()

    @property
    def until_s(self) -> float:
        """When it ends, UTC seconds."""
        return self.since_s + self.hours * 3600


def built_in() -> dict[str, Path]:
    """The scenarios that come along, by name."""
    folder = Path(str(resources.files("weft.twin") / "scenarios"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load(scenario: str) -> Scenario:
    """A scenario by its name, or from a file. Raises ``InvalidInput``."""
    path = built_in().get(scenario) or Path(scenario)
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        names = ", ".join(built_in())
        raise InvalidInput(
            f"cannot be read: {error.strerror or error}", where=scenario[:200], fix=f"A file, or one of: {names}."
        ) from None
    if len(content) > MOST_BYTES:
        raise InvalidInput(f"is longer than {MOST_BYTES >> 10} KiB", where=str(path))
    try:
        return Scenario.model_validate(yaml.safe_load(content))
    except yaml.YAMLError as error:
        raise InvalidInput(f"is not YAML: {str(error)[:200]}", where=str(path)) from None
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{at}: {first['msg']}" if at else first["msg"], where=str(path)) from None


@dataclass(frozen=True)
class Play:
    """A scenario with its timeline."""

    scenario: Scenario
    timeline: Timeline


def play(scenario: Scenario) -> Play:
    """The timeline of a scenario. Raises ``InvalidInput`` where it asks for what Acme does not have."""
    schedule = PacedSchedule(slots, SLOT_S, scenario.pace)
    timeline = Timeline(scenario.seed, schedule if scenario.pace else None, SLOT_S)
    begin = scenario.since_s
    events: list[tuple[float, int, Callable[[], object]]] = []
    for number, one in enumerate((*_tour(scenario), *scenario.faults)):
        fault = _fault(scenario, one, number)
        events.append((fault.start_s, 0, partial(timeline.trigger, fault)))
    executor = TwinExecutor(timeline, right_action)
    for asked in scenario.actions:
        at_s = begin + asked.at
        events.append((at_s, 1, partial(_execute, executor, asked.kind, asked.parameters, at_s)))
    for _, _, happen in sorted(events, key=lambda event: event[:2]):
        happen()
    return Play(scenario, timeline)


def right_action(fault: Fault) -> RightAction:
    """What a good operator would do about a fault."""
    return KINDS[fault.kind].truth(fault).action


def _execute(executor: TwinExecutor, kind: str, parameters: Mapping[str, Any], at_s: float) -> None:
    executor.execute(kind, parameters, at_s)


def _fault(scenario: Scenario, one: ScenarioFault, number: int) -> Fault:
    rng = np.random.default_rng([scenario.seed, 4242, number])
    return make_fault(
        KINDS, scenario.seed, scenario.since_s + one.at, rng, one.kind, one.place, one.duration, one.severity
    )


def _tour(scenario: Scenario) -> list[ScenarioFault]:
    tour = scenario.tour
    if tour is None:
        return []
    kinds = tour.kinds or [
        kind.name for kind in KINDS.values() if kind.group in tour.groups and kind.places(scenario.seed)
    ]
    return [
        ScenarioFault(kind=kind, at=tour.first + number * tour.every, duration=tour.duration)
        for number, kind in enumerate(kinds)
    ]
