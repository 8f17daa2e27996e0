"""What every HTTP answer and request goes through: host check, security headers. Plain ASGI, no per-request tasks."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from weft.api.errors import answer

#: Scripts only from our own files. Styles may also stand in attributes: the component and chart libraries position
#: menus and tooltips with them, and a style attribute cannot run code. ``data:`` images are the charts' exports.
CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
))  # fmt: skip
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
#: What only a document heeds. Scripts, styles and fonts are never one: without these a page of seventy files is 40 kB
#: lighter. (A worker's script would be: there is none.)
DOCUMENT_HEADERS = frozenset(
    {"content-security-policy", "x-frame-options", "cross-origin-opener-policy", "permissions-policy"}
)
SUBRESOURCES = ("text/javascript", "text/css", "font/")
HSTS = "max-age=31536000"


class SecurityHeaders:
    """Adds the headers that every answer carries; answers of the API are never kept by caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers when the answer starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        api = scope["path"].startswith("/api/")
        secure = scope.get("scheme") == "https"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                part = headers.get("content-type", "").startswith(SUBRESOURCES) and not api
                for name, value in HEADERS.items():
                    if not (part and name in DOCUMENT_HEADERS):
                        headers.setdefault(name, value)
                if secure:
                    headers["strict-transport-security"] = HSTS
                if api:
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class HostCheck:
    """Refuses requests whose Host is a name that is not ours: a foreign page cannot reach us by rebinding its DNS.

    Literal addresses are let through (they cannot be rebound), as are localhost and this machine's own names.
    """

    def __init__(self, app: ASGIApp, allowed: Iterable[str] = ()) -> None:
        machine = socket.gethostname().lower()
        self._app = app
        self._allowed = {name.lower().rstrip(".") for name in allowed} | {
            "localhost",
            machine,
            machine.partition(".")[0],
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through or refuse it."""
        if scope["type"] not in {"http", "websocket"} or self.allows(Headers(scope=scope).get("host", "")):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403, "reason": "host not allowed"})
            return
        refusal = answer(
            400, "invalid_input", "this server is not known by that name", where="Host",
            fix="Open it by its address, or add the name to api.allowed_hosts in weft.yaml.",
        )  # fmt: skip
        await refusal(scope, receive, send)

    def allows(self, host: str) -> bool:
        """Whether a Host header names this server."""
        name = hostname(host)
        if name is None:
            return False
        if "*" in self._allowed or name in self._allowed or name.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class BodyLimit:
    """Refuses request bodies larger than ``limit`` bytes, announced or not, before they are in memory.

    ``larger`` gives paths that telemetry is pushed to a limit of their own.
    """

    def __init__(self, app: ASGIApp, limit: int, larger: Mapping[str, int] | None = None) -> None:
        self._app, self._limit, self._larger = app, limit, larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what is received; say no to what announces too much at once."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._larger.get(scope["path"], self._limit)
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or int(announced) > limit:
            refusal = answer(413, "too_large", f"a request may have at most {limit} bytes", where="body")
            await refusal(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, f"a request may have at most {limit} bytes")
            return message

        await self._app(scope, counted, send)


def hostname(host: str) -> str | None:
    """The name or address in a Host header or origin authority, without its port; None if it is malformed."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return None
    return name.rstrip(".") if name else None


def same_origin(headers: Headers) -> bool:
    """Whether a request that carries an Origin was made by a page of this very server (browsers cannot lie in it)."""
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:
        return False
