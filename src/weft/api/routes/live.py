"""The one WebSocket of a browser tab. The protocol is in ``weft.api.live``."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

import anyio
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from weft.api.auth.identity import Role
from weft.api.auth.requests import identify
from weft.api.live import LiveHub, Subscriber
from weft.api.security import same_origin

router = APIRouter()

RECHECK_S = 60.0  # a session that ended, or a token that was revoked, loses its socket within this time
NOT_LOGGED_IN, FORBIDDEN_ORIGIN, BUSY, BAD_MESSAGE = 4401, 4403, 4429, 4400
MAX_MESSAGE = 4096  # characters


class Subscription(BaseModel):
    """What a client sends: the topics that it wants from now on."""

    model_config = ConfigDict(extra="forbid")

    subscribe: frozenset[str] = Field(max_length=32)


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Authenticate, then receive subscriptions and send updates until either side is done."""
    hub: LiveHub = socket.app.state.live
    if not same_origin(socket.headers):
        await socket.close(FORBIDDEN_ORIGIN, "foreign origin")
        return
    await socket.accept()
    if not await run_in_threadpool(_may_look, socket):
        await socket.close(NOT_LOGGED_IN, "log in first")
        return
    if hub.full:
        await socket.close(BUSY, "too many live connections")
        return
    with hub.connected() as subscriber:
        code = await _first_to_end(
            lambda: _receive(socket, hub, subscriber), lambda: _send(socket, subscriber), lambda: _recheck(socket)
        )
    if code is not None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await socket.close(code)


async def _first_to_end(*jobs: Callable[[], Awaitable[int | None]]) -> int | None:
    """Run jobs side by side until one ends; its close code, None where the client is gone."""
    code: int | None = None
    async with anyio.create_task_group() as group:

        async def run(job: Callable[[], Awaitable[int | None]]) -> None:
            nonlocal code
            code = await job()
            group.cancel_scope.cancel()

        for job in jobs:
            group.start_soon(run, job)
    return code


async def _receive(socket: WebSocket, hub: LiveHub, subscriber: Subscriber) -> int | None:
    """Take subscriptions; ends with a close code when the client sends what it should not, None when it is gone."""
    while True:
        try:
            text = await socket.receive_text()
            if len(text) > MAX_MESSAGE:
                return BAD_MESSAGE
            wanted = Subscription.model_validate_json(text).subscribe
        except (WebSocketDisconnect, RuntimeError):
            return None
        except (ValidationError, KeyError):
            return BAD_MESSAGE
        hub.subscribe(subscriber, wanted & hub.topics.keys())


async def _send(socket: WebSocket, subscriber: Subscriber) -> int | None:
    try:
        while True:
            await socket.send_text(await subscriber.next())
    except (WebSocketDisconnect, RuntimeError):
        return None


async def _recheck(socket: WebSocket) -> int:
    while True:
        await anyio.sleep(RECHECK_S)
        if not await run_in_threadpool(_may_look, socket):
            return NOT_LOGGED_IN


def _may_look(socket: WebSocket) -> bool:
    who = identify(socket)
    return who is not None and who.role.allows(Role.VIEWER)
