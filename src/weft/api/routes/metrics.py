"""Weft's own counters, for Prometheus."""

from __future__ import annotations

import ipaddress

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool

from weft.api.auth.identity import Role
from weft.api.auth.requests import client_of, identify
from weft.api.errors import NotLoggedIn
from weft.api.ports import deps_of

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """All counters. Open to this machine (unless configured otherwise), else with an API token."""
    deps = deps_of(request)
    if not (deps.config.loopback_metrics and _local(request)):
        who = await run_in_threadpool(identify, request)
        if who is None or not who.role.allows(Role.VIEWER):
            raise NotLoggedIn(
                "metrics are for this machine", fix="Send Authorization: Bearer weft_… with an API token."
            )
    text = await run_in_threadpool(generate_latest, deps.registry)
    return Response(text, headers={"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"})


def _local(request: Request) -> bool:
    """Whether the client is on this machine itself, not behind a proxy that runs here."""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(client_of(request)).is_loopback
    except ValueError:
        return False
