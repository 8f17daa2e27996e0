"""Saved views: who may see and change which."""

from __future__ import annotations

from typing import Any

from weft.api.auth.identity import Identity
from weft.api.models.questions import NewView, ViewSaved


class SavedViews:
    """Saved views as one person sees them."""

    def __init__(self, state: Any) -> None:
        self._state = state

    def visible(self, who: Identity) -> list[ViewSaved]:
        """One's own and the shared ones."""
        return []

    def add(self, who: Identity, new: NewView) -> ViewSaved:
        """Save."""
        raise LookupError

    def change(self, who: Identity, view_id: int, new: NewView) -> ViewSaved:
        """Replace."""
        raise LookupError

    def remove(self, who: Identity, view_id: int) -> None:
        """Delete."""
