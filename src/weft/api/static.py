"""Serves the built web UI: assets for ever, the page itself never cached, compressed copies where the browser can.

The build writes ``NAME.br`` and ``NAME.gz`` beside each text asset, so serving costs no compression.
"""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import Receive, Scope, Send

DIST = Path(__file__).resolve().parent.parent / "web" / "dist"
IMMUTABLE = "public, max-age=31536000, immutable"
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
#: Pages whose last part is a name of the user's, which may hold dots (fra-core1.example.net, ge-0/0/1.0).
NAMED_PAGES = ("/devices/",)
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Weft</title>
<h1>The web UI is not built</h1>
<p>The API works; the pages are missing from this installation. In a clone, run <code>./dev setup</code>;
otherwise reinstall Weft.</p></html>"""

mimetypes.add_type("text/javascript", ".js")  # some machines map it to text/plain, which browsers refuse to run


class WebUi:
    """ASGI app for everything outside the API: a file where there is one, else the page (its router reads the URL)."""

    def __init__(self, dist: Path = DIST) -> None:
        self._dist = dist

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = self.respond(scope["path"], scope["method"], Headers(scope=scope))
        await response(scope, receive, send)

    def respond(self, path: str, method: str, headers: Headers) -> Response:
        """The answer to a request for ``path``."""
        if method not in {"GET", "HEAD"}:
            raise HTTPException(405)
        if path.startswith("/api/"):
            raise HTTPException(404, "There is no such operation; GET /api/v1/openapi.json lists them.")
        file = self._file(path)
        named = "." in path.rsplit("/", 1)[-1] and not path.startswith(NAMED_PAGES)
        if file is None and (path.startswith("/assets/") or named):
            raise HTTPException(404, "There is no such file.")
        if file is None:
            file = self._dist / "index.html"
            if not file.is_file():
                return HTMLResponse(NOT_BUILT, status_code=503)
        cache = IMMUTABLE if path.startswith("/assets/") else "no-cache"
        return self._send(file, headers, cache)

    def _file(self, path: str) -> Path | None:
        """The built file that a path names, if it lies within the built UI."""
        name = path.lstrip("/")
        if not name or "\0" in name or any(part.startswith(".") for part in name.split("/")):
            return None
        file = Path(os.path.normpath(self._dist / name))
        return file if file.is_relative_to(self._dist) and file.is_file() else None

    @staticmethod
    def _send(file: Path, headers: Headers, cache: str) -> Response:
        media = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        sent = {"cache-control": cache, "vary": "accept-encoding"}
        accepted = {part.partition(";")[0].strip() for part in headers.get("accept-encoding", "").split(",")}
        for encoding, suffix in ENCODINGS:
            packed = file.with_name(file.name + suffix)
            if encoding in accepted and packed.is_file():
                return FileResponse(packed, media_type=media, headers={**sent, "content-encoding": encoding})
        return FileResponse(file, media_type=media, headers=sent)


def install(app: FastAPI, dist: Path = DIST) -> None:
    """Serve the web UI for every path that no route has taken. Call after all routes."""
    app.mount("/", WebUi(dist), name="web")
