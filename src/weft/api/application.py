"""The ASGI application: middleware, routes, live updates, the web UI."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import anyio
import structlog
from fastapi import APIRouter, Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from weft import __version__
from weft.api import errors, static
from weft.api.auth.accounts import Accounts
from weft.api.auth.requests import Viewer, current, sender
from weft.api.devices_pages import device_pages
from weft.api.history import STEP_S
from weft.api.live import LiveHub
from weft.api.ports import ApiDependencies
from weft.api.routes import (
    agents,
    auth,
    business,
    configs,
    devices,
    enrich,
    events,
    health,
    inventory,
    live,
    metrics,
    network,
    push,
    quality,
    query,
    routing,
    sources,
    synthetics,
    tokens,
    topology,
    twin,
    users,
    views,
)
from weft.api.security import BodyLimit, HostCheck, SecurityHeaders
from weft.api.status import StatusBoard

log = structlog.get_logger(__name__)

PREFIX = "/api/v1"
DESCRIPTION = """Everything that Weft's own pages and commands do goes through this API.

Log in with a session (`POST /api/v1/auth/login`) or send an API token (`Authorization: Bearer weft_…`). Errors are
always `{"error": {"code", "message", "where", "fix"}}`. Live updates: WebSocket `/api/v1/live`, see docs/api.md."""
#: Routes that anybody may call; everything else under the prefix needs a session or a token, whatever it declares.
OPEN = (health.router,)
PROTECTED = (query.router, sources.router, views.router, tokens.router, users.router, enrich.router, topology.router,
             configs.router, devices.router, inventory.router, network.router, quality.router, routing.router,
             agents.router, synthetics.router, events.router, twin.router)  # fmt: skip
#: Compressing answers costs more than it saves below this (bytes), and above this level.
GZIP_FROM, GZIP_LEVEL = 1000, 6
#: Reports of synthetics agents that are read at a time.
_REPORTS_AT_ONCE = 2


def create_app(deps: ApiDependencies) -> FastAPI:
    """The application on its dependencies. Its lifespan runs the live updates; it owns no other component."""
    app = FastAPI(
        title="Weft", version=__version__, description=DESCRIPTION,
        docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(HostCheck, allowed=deps.config.allowed_hosts),
            Middleware(BodyLimit, limit=deps.config.max_body_bytes, larger=_larger(deps)),
            Middleware(GZipMiddleware, minimum_size=GZIP_FROM, compresslevel=GZIP_LEVEL),
        ],
    )  # fmt: skip
    board = StatusBoard(
        deps.collector, deps.questions, intake=deps.intake, known=deps.known, spool_capacity=deps.spool_capacity,
        demo=deps.demo, started=deps.started,
    )  # fmt: skip
    app.state.deps = deps
    app.state.accounts = Accounts(deps.config, deps.state)
    app.state.board = board
    app.state.devices, app.state.topology = device_pages(
        deps.networks, deps.store, deps.questions, board.sources, board.exporters
    )
    app.state.live = LiveHub(
        {name: _in_thread(view) for name, view in (("overview", board.overview), ("exporters", board.exporters))},
        deps.registry, limit=deps.config.live_clients,
    )  # fmt: skip
    app.state.agent_limiter = anyio.CapacityLimiter(_REPORTS_AT_ONCE)
    app.state.push_limiter = anyio.CapacityLimiter(deps.pushes.config.concurrency if deps.pushes else 1)
    errors.install(app)
    for router in OPEN:
        app.include_router(router, prefix=PREFIX)
    app.include_router(auth.router, prefix=PREFIX)
    for router in PROTECTED:
        app.include_router(router, prefix=PREFIX, dependencies=[Depends(current)])
    app.include_router(agents.agent_router, prefix=PREFIX)
    app.include_router(push.router, prefix=PREFIX, dependencies=[Depends(sender)])
    app.include_router(business.router, prefix=PREFIX, dependencies=[Depends(sender)])
    app.include_router(push.otlp_router, dependencies=[Depends(sender)])
    app.include_router(_document(app), prefix=PREFIX)
    app.include_router(live.router, prefix=PREFIX)
    app.include_router(metrics.router)
    static.install(app)
    return app


def _larger(deps: ApiDependencies) -> dict[str, int]:
    """Paths that telemetry is pushed to, with the largest body that they take."""
    larger = dict.fromkeys(push.LARGE, deps.pushes.config.max_body_bytes) if deps.pushes else {}
    return larger | ({agents.RESULTS: deps.synthetics.config.max_body_bytes} if deps.synthetics else {})


def _document(app: FastAPI) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/openapi.json")
    def openapi(_: Viewer) -> dict[str, Any]:
        """The OpenAPI document of this very version."""
        return app.openapi()

    return router


def _in_thread(view: Any) -> Any:
    async def compute() -> Any:
        return await run_in_threadpool(view)

    return compute


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(app.state.live.run()), asyncio.create_task(_sample(app.state.board))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _sample(board: StatusBoard) -> None:
    """Keep the status board's memory of the last minutes."""
    while True:
        try:
            await run_in_threadpool(board.sample)
        except Exception:
            log.exception("status_sample_failed")
        await asyncio.sleep(STEP_S)
