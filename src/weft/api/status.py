"""The state of things as people see it: exporters, pipeline, and the one verdict of Home."""

from __future__ import annotations

from weft.api.models.overview import OverviewView
from weft.api.models.sources import ExportersView


class StatusBoard:
    """Turns counters into views."""

    def exporters(self) -> ExportersView:
        """Exporters and pipeline."""
        raise LookupError

    def overview(self) -> OverviewView:
        """The verdict."""
        raise LookupError
