"""Business series in: values by HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from pydantic import Field

from weft.api.auth.requests import Pusher
from weft.api.errors import RESPONSES
from weft.api.models.business import NewValue, ValuesTakenView
from weft.api.routes.push import TRY_LATER, ThePushes, plain_failure, sender_of
from weft.collect.push import TooFast
from weft.errors import Unavailable

router = APIRouter(tags=["push"], responses=RESPONSES | TRY_LATER)


@router.post(
    "/business", operation_id="pushBusiness", summary="Values of business series", response_model=ValuesTakenView,
)  # fmt: skip
def business(
    body: Annotated[NewValue | Annotated[list[NewValue], Field(max_length=10_000)], Body()],
    request: Request, who: Pusher, pushes: ThePushes,
) -> ValuesTakenView | Response:  # fmt: skip
    """Takes one value or a list, all of them or none.

    A value that was told before is not taken again; another value for the same series, labels and time replaces it.
    """
    now = datetime.now(UTC)
    values = [one.taken(now) for one in (body if isinstance(body, list) else [body])]
    try:
        taken = pushes.business(sender_of(who, request), values)
    except TooFast as error:
        return plain_failure(error, 429)
    except Unavailable as error:
        return plain_failure(error, 503)
    return ValuesTakenView(accepted=taken.accepted, duplicates=taken.duplicates)
