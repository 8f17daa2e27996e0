"""What a running part of Weft looks like, and how parts are started and stopped.

A component is a typed *configuration*, its *dependencies* passed in, an inert constructor, and ``start``/``stop``.
Components are started in order and stopped in reverse; a failure while starting stops those already started.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import structlog
from pydantic import BaseModel, ConfigDict

log = structlog.get_logger(__name__)


class Config(BaseModel):
    """Base of every component's configuration: unknown keys are rejected, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Component(Protocol):
    """A part of the process with a life of its own."""

    def start(self) -> None:
        """Acquire sockets, files and threads. Must leave nothing behind when it raises."""

    def stop(self) -> None:
        """Release everything, flushing what can be flushed. Must not raise, may be called twice."""


class Running:
    """Starts components in order and stops them in reverse."""

    def __init__(self, components: Sequence[Component]) -> None:
        self._components = tuple(components)
        self._started: list[Component] = []

    def start(self) -> None:
        """Start all, or stop those already started and raise."""
        for component in self._components:
            try:
                component.start()
            except BaseException:
                self.stop()
                raise
            self._started.append(component)

    def stop(self) -> None:
        """Stop all that were started, last first; one that fails does not keep the others from stopping."""
        while self._started:
            component = self._started.pop()
            try:
                component.stop()
            except Exception:
                log.exception("component_stop_failed", component=type(component).__name__)
