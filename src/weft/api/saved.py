"""Saved views: who may see and change which."""

from __future__ import annotations

from weft.api.auth.identity import Identity, Role
from weft.api.errors import NotFound
from weft.api.models.questions import NewView, ViewSaved
from weft.errors import NotAllowed
from weft.store.state import SavedView, StateStore


class SavedViews:
    """Saved views as one person sees them: their own, and those that others share."""

    def __init__(self, state: StateStore) -> None:
        self._state = state

    def visible(self, who: Identity) -> list[ViewSaved]:
        """One's own and the shared ones, by name."""
        names = {user.id: user.username for user in self._state.users()}
        return [_shown(view, who, names.get(view.user_id, "")) for view in self._state.views(who.user_id)]

    def add(self, who: Identity, new: NewView) -> ViewSaved:
        """Save a page state under a name."""
        _may_share(who, new.shared)
        view = self._state.add_view(who.user_id, new.name, new.state, new.shared)
        self._state.audit(who.actor, "view.add", new.name, {"shared": new.shared})
        return _shown(view, who, who.username)

    def change(self, who: Identity, view_id: int, new: NewView) -> ViewSaved:
        """Replace name, state and whether it is shared."""
        before = self._changeable(who, view_id)
        _may_share(who, new.shared and not before.shared)
        view = self._state.change_view(view_id, new.name, new.state, new.shared) or before
        self._state.audit(who.actor, "view.change", new.name)
        owner = self._state.user_by_id(view.user_id)
        return _shown(view, who, owner.username if owner else "")

    def remove(self, who: Identity, view_id: int) -> None:
        """Delete it."""
        view = self._changeable(who, view_id)
        self._state.delete_view(view_id)
        self._state.audit(who.actor, "view.remove", view.name)

    def _changeable(self, who: Identity, view_id: int) -> SavedView:
        view = self._state.view(view_id)
        if view is None or not (view.shared or view.user_id == who.user_id):
            raise NotFound("there is no such view")  # somebody's private view is not even admitted to exist
        if view.user_id != who.user_id and not who.role.allows(Role.OPERATOR):
            raise NotAllowed("this view is somebody else's", fix="Save a copy, or ask an operator.")
        return view


def _may_share(who: Identity, shared: bool) -> None:
    if shared and not who.role.allows(Role.OPERATOR):
        raise NotAllowed("sharing with everyone needs the role operator", where="shared")


def _shown(view: SavedView, who: Identity, owner: str) -> ViewSaved:
    return ViewSaved(
        id=view.id, name=view.name, owner=owner, mine=view.user_id == who.user_id, shared=view.shared,
        state=dict(view.state), created=view.created, updated=view.updated,
    )  # fmt: skip
