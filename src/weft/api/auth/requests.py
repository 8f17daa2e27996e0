"""From a request to an identity: the session cookie or the bearer token, the CSRF header, the role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from starlette.requests import HTTPConnection

from weft.api.auth.identity import Identity, Role
from weft.api.auth.secrets import same
from weft.api.errors import NotLoggedIn
from weft.api.security import same_origin
from weft.errors import NotAllowed

if TYPE_CHECKING:
    from weft.api.auth.accounts import Accounts

COOKIE = "weft_session"
CSRF_HEADER = "x-weft-csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def accounts_of(connection: HTTPConnection) -> Accounts:
    """The accounts of the application that a request reached."""
    accounts: Accounts = connection.app.state.accounts
    return accounts


def client_of(connection: HTTPConnection) -> str:
    """The client's address (a trusted proxy's word for it is already taken)."""
    return connection.client.host if connection.client else "local"


def identify(connection: HTTPConnection) -> Identity | None:
    """Whom a request acts for; None if it is anonymous. A token wins over a cookie: it was put there on purpose."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return accounts_of(connection).of_token(token.strip())
    cookie = connection.cookies.get(COOKIE)
    return accounts_of(connection).of_session(cookie) if cookie else None


def check_csrf(request: Request, identity: Identity) -> None:
    """Refuse a change that a foreign page could have made the browser send along with the cookie."""
    if identity.via == "token" or request.method in SAFE_METHODS:
        return
    sent = request.headers.get(CSRF_HEADER, "")
    if not same(sent, identity.csrf) or not same_origin(request.headers):
        raise NotAllowed(
            "the request does not prove that it comes from Weft's own pages", where="X-Weft-CSRF",
            fix="Send the `csrf` value of GET /api/v1/auth/me in this header, or use an API token.",
        )  # fmt: skip


def current(request: Request) -> Identity:
    """The person or token behind a request, who may at least look. Raises ``NotLoggedIn`` or ``NotAllowed``."""
    return _at_least(known(request), Role.VIEWER)


def sender(request: Request) -> Identity:
    """The token (or person) behind a request, who may push."""
    return _at_least(known(request), Role.SENDER)


def known(request: Request) -> Identity:
    """Whoever is behind a request, whatever they may do. Raises ``NotLoggedIn`` or ``NotAllowed``."""
    identity = identify(request)
    if identity is None:
        raise NotLoggedIn(
            "log in, or send an API token", fix="POST /api/v1/auth/login, or Authorization: Bearer weft_…"
        )
    check_csrf(request, identity)
    return identity


def operator(identity: Annotated[Identity, Depends(current)]) -> Identity:
    """At least an operator."""
    return _at_least(identity, Role.OPERATOR)


def admin(identity: Annotated[Identity, Depends(current)]) -> Identity:
    """An admin."""
    return _at_least(identity, Role.ADMIN)


def _at_least(identity: Identity, needed: Role) -> Identity:
    if not identity.role.allows(needed):
        raise NotAllowed(f"this needs the role {needed.value}, you are {identity.role.value}", fix="Ask an admin.")
    return identity


#: What a route declares to know who is asking, and to need at least that role.
Pusher = Annotated[Identity, Depends(sender)]
Viewer = Annotated[Identity, Depends(current)]
Operator = Annotated[Identity, Depends(operator)]
Admin = Annotated[Identity, Depends(admin)]


def set_cookie(request: Request, response: Response, cookie: str, max_age_s: int) -> None:
    """Give the browser its session: unreadable to scripts, not sent along by other sites, TLS only where used."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=max_age_s,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def clear_cookie(request: Request, response: Response) -> None:
    """Take the session away from the browser."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=request.url.scheme == "https")
