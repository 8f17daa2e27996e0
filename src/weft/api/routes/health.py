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

    status: Literal["ok"]
    version: str
    demo: bool
    """Whether what is shown is demo data."""


@router.get("/health", operation_id="getHealth", summary="Is Weft running?")
async def health(request: Request) -> Health:
    """Answers 200 once everything runs: the API starts last."""
    return Health(status="ok", version=__version__, demo=deps_of(request).demo)
