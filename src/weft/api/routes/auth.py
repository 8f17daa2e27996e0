"""Logging in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from weft import __version__
from weft.api.auth.accounts import Accounts
from weft.api.auth.identity import Identity
from weft.api.auth.requests import Viewer, accounts_of, clear_cookie, client_of, set_cookie
from weft.api.errors import RESPONSES, ErrorBody
from weft.api.models.accounts import Login, Me, PasswordChange
from weft.api.models.questions import Done
from weft.api.ports import Deps, deps_of
from weft.api.security import same_origin
from weft.errors import NotAllowed

router = APIRouter(prefix="/auth", tags=["auth"], responses=RESPONSES)
TheAccounts = Annotated[Accounts, Depends(accounts_of)]


def _me(identity: Identity, request: Request) -> Me:
    return Me(
        username=identity.username, role=identity.role, via=identity.via, csrf=identity.csrf,
        demo=deps_of(request).demo, version=__version__,
    )  # fmt: skip


@router.post(
    "/login", operation_id="login", summary="Log in",
    responses={429: {"model": ErrorBody, "description": "Too many failed logins; Retry-After says when."}},
)  # fmt: skip
def login(body: Login, request: Request, response: Response, accounts: TheAccounts) -> Me:
    """Starts a session: sets the cookie ``weft_session`` and answers the CSRF value that goes with it."""
    if not same_origin(request.headers):
        raise NotAllowed("logins are taken from Weft's own pages only", where="Origin")
    cookie, identity = accounts.login(body.username, body.password, client_of(request))
    set_cookie(request, response, cookie, int(deps_of(request).config.session_max_days * 86400))
    return _me(identity, request)


@router.post("/logout", operation_id="logout", summary="Log out")
def logout(who: Viewer, request: Request, response: Response, accounts: TheAccounts) -> Done:
    """Ends the session."""
    accounts.logout(who)
    clear_cookie(request, response)
    return Done()


@router.get("/me", operation_id="getMe", summary="Who am I?")
def me(who: Viewer, request: Request) -> Me:
    """The person behind the session or token, and the CSRF value to send with changes."""
    return _me(who, request)


@router.post("/password", operation_id="changePassword", summary="Change one's own password")
def change_password(body: PasswordChange, who: Viewer, request: Request, accounts: TheAccounts, deps: Deps) -> Done:
    """Ends all other sessions of the person. Needs a session: a token cannot change the password."""
    if who.via == "token":
        raise NotAllowed("a token cannot change a password", fix="Log in.")
    accounts.change_password(who, body.current, body.new, client_of(request), deps.data_dir)
    return Done()
