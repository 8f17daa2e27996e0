"""Is it running? The one question that anybody may ask."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request

from weft import __version__
from weft.api.models.base import Answer
from weft.api.ports import deps_of

router = APIRouter(tags=["health"])


class Health(Answer):
    """Weft answers."""

    status: Literal["ok", "starting"]
    version: str
    demo: bool
    """Whether what is shown is demo data."""


@router.get("/health", operation_id="getHealth", summary="Is Weft running?")
async def health(request: Request) -> Health:
    """Answers 200 as soon as the API does; ``starting`` until collection runs too."""
    deps = deps_of(request)
    return Health(status="ok" if deps.ready() else "starting", version=__version__, demo=deps.demo)
