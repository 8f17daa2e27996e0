"""The server as an agent sees it: registering, asking for tests, sending results."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import platform
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import structlog
from pydantic import ValidationError

from weft import __version__
from weft.collect.agent.buffer import Rows
from weft.collect.agent.config import AgentConfig
from weft.collect.agent.plan import Assignment
from weft.errors import ConfigError, Failed, InvalidInput, NotAllowed, Unavailable

log = structlog.get_logger(__name__)

KEY_FILE = "key.json"
_TIMEOUT_S = 30.0
_MOST_ANSWER = 32 << 20


class Server:
    """Talks to one Weft. The key that it gives is kept, readable by us alone."""

    def __init__(self, config: AgentConfig, directory: Path) -> None:
        if not config.server:
            raise ConfigError("is not set", where="agent.server", fix="Give the URL of your Weft: --server URL.")
        self._config, self._file = config, directory / KEY_FILE
        self._key = ""
        self._etag = ""
        self._client = httpx2.AsyncClient(
            base_url=f"{config.server}/api/v1/agents", timeout=_TIMEOUT_S, verify=_trust(config), trust_env=True,
            headers={"user-agent": f"weft-agent/{__version__}"},
        )  # fmt: skip

    async def close(self) -> None:
        """Release the connection."""
        await self._client.aclose()

    def read_key(self) -> bool:
        """Whether there is a key of this server and name from before."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            if (kept.get("server"), kept.get("name")) == (self._config.server, self._config.called):
                self._key = str(kept.get("key", ""))
        return bool(self._key)

    async def register(self, capabilities: Sequence[str], port: int) -> None:
        """Get a key. Raises ``NotAllowed``, ``Unavailable`` or ``Failed``."""
        if self._config.token is None:
            raise NotAllowed("the server does not know this agent, and there is no token to register with",
                             where="agent.token", fix="Set it to the server's synthetics.token.")  # fmt: skip
        body: dict[str, Any] = {
            "token": self._config.token.reveal(), "name": self._config.called, "version": __version__,
            "platform": f"{platform.system()} {platform.release()} {platform.machine()}"[:200],
            "addresses": await asyncio.to_thread(own_addresses, self._config), "capabilities": list(capabilities),
        }  # fmt: skip
        if port:
            body["port"] = port
        answer, _ = await self._asked("POST", "/register", json=body)
        key = answer.get("key")
        if not isinstance(key, str) or not 0 < len(key) <= 1000:
            raise Failed("answered without a key", where=self._config.server)
        self._key, self._etag = key, ""
        self._keep()
        log.info("agent_registered", server=self._config.server, agent=self._config.called)

    def _keep(self) -> None:
        text = json.dumps({"server": self._config.server, "name": self._config.called, "key": self._key})
        half = self._file.with_suffix(".part")
        half.unlink(missing_ok=True)
        with os.fdopen(os.open(half, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        half.rename(self._file)

    async def tests(self) -> Assignment | None:
        """What to do; none = as before. Raises ``NotAllowed`` where the key is not taken."""
        headers = {"if-none-match": self._etag} if self._etag else {}
        answer, etag = await self._asked("GET", "/self/tests", headers=headers)
        if not answer:
            return None
        try:
            told = Assignment.model_validate(answer)
        except ValidationError as error:
            raise Failed(f"told of tests in a way that is not understood: {error.errors()[0]['msg']}",
                         where=self._config.server) from None  # fmt: skip
        self._etag = etag
        return told

    async def results(self, rows: Rows, buffered: int, dropped: int) -> dict[str, int]:
        """Send rows; how many were refused, by reason. Raises as ``_asked`` does."""
        report = {"sent_ns": time.time_ns(), **rows, "buffered": buffered, "dropped": dropped}
        body = gzip.compress(json.dumps(report, separators=(",", ":")).encode(), 5)
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        answer, _ = await self._asked("POST", "/self/results", content=body, headers=headers)
        refused = answer.get("refused")
        if not isinstance(refused, dict):
            return {}
        return {str(why)[:100]: count for why, count in refused.items() if isinstance(count, int)}

    async def _asked(self, method: str, path: str, **more: Any) -> tuple[dict[str, Any], str]:
        """The decoded answer and its ETag; empty = not modified.

        Raises ``NotAllowed`` (our key or token is not taken), ``InvalidInput`` (this will never be taken),
        ``Unavailable`` (try again later).
        """
        where = self._config.server
        headers = more.pop("headers", {})
        if self._key and path != "/register":
            headers = {**headers, "authorization": f"Bearer {self._key}"}
        try:
            async with self._client.stream(method, path, headers=headers, **more) as answer:
                text = b""
                async for part in answer.aiter_bytes():
                    text += part
                    if len(text) > _MOST_ANSWER:
                        raise Unavailable("answers with more than is taken", where=where)
        except httpx2.HTTPError as error:
            raise Unavailable(f"no answer: {str(error) or type(error).__name__}", where=where) from None
        except (OSError, httpx2.InvalidURL) as error:
            raise Unavailable(f"no answer: {error}", where=where) from None
        if answer.status_code == 304:
            return {}, ""
        if answer.is_success:
            return _object(text, where), str(answer.headers.get("etag", ""))
        raise _refusal(answer.status_code, text, where)


def _object(text: bytes, where: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise Unavailable("answers with something that is not JSON", where=where) from None
    if not isinstance(said, dict):
        raise Unavailable("answers with something that is not Weft's", where=where)
    return said


def _refusal(status: int, text: bytes, where: str) -> Exception:
    said = f"answered {status}"
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
        said += f": {str(json.loads(text)['error']['message'])[:300]}"
    if status in (401, 403):
        return NotAllowed(said, where=where)
    if status in (400, 413, 415, 422):
        return InvalidInput(said, where=where)
    return Unavailable(said, where=where)


def _trust(config: AgentConfig) -> ssl.SSLContext | bool:
    if not config.server.startswith("https"):
        return True
    if config.ca is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=str(config.ca))
    except (OSError, ssl.SSLError) as error:
        said = getattr(error, "strerror", None) or "no certificates"
        raise ConfigError(f"cannot be read: {said}", where=f"agent.ca {config.ca}") from None


def own_addresses(config: AgentConfig) -> list[str]:
    """Those of the settings; else the ones that this machine would talk to the server from, one of each family."""
    if config.addresses:
        return [str(one) for one in config.addresses]
    found = []
    host, port = urlsplit(config.server).hostname or "", urlsplit(config.server).port or 443
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError, UnicodeError):
            targets = socket.getaddrinfo(host, port, family, socket.SOCK_DGRAM)
            with socket.socket(family, socket.SOCK_DGRAM) as one:
                one.connect(targets[0][4])  # sends nothing: the system says which address it would use
                found.append(str(one.getsockname()[0]))
    return [one for one in found if "%" not in one]
