"""Errors as the API answers them: one JSON shape, ``{"error": {"code", "message", "where", "fix"}}``."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from weft.errors import InvalidInput, LimitExceeded, NotAllowed, Unavailable, WeftError

log = structlog.get_logger(__name__)


class ErrorDetail(BaseModel):
    """What went wrong and what to do about it."""

    code: str
    message: str
    where: str | None = None
    fix: str | None = None


class ErrorBody(BaseModel):
    """Body of every answer that is not a success."""

    error: ErrorDetail


class NotLoggedIn(WeftError):
    """The request carries no valid session or token."""

    code = "not_logged_in"


class NotFound(InvalidInput):
    """What the request names does not exist."""

    code = "not_found"


class TooManyAttempts(WeftError):
    """Too many failed logins; ``retry_after_s`` says when to try again."""

    code = "too_many_attempts"

    def __init__(self, what: str, *, retry_after_s: int) -> None:
        super().__init__(what, fix=f"Try again in {retry_after_s} s.")
        self.retry_after_s = retry_after_s


#: First match wins: a subclass stands before its base.
STATUS: tuple[tuple[type[WeftError], int], ...] = (
    (NotLoggedIn, 401),
    (NotFound, 404),
    (TooManyAttempts, 429),
    (NotAllowed, 403),
    (InvalidInput, 400),
    (LimitExceeded, 504),
    (Unavailable, 503),
)
CODES = {400: "invalid_input", 401: "not_logged_in", 403: "not_allowed", 404: "not_found", 405: "invalid_input",
         413: "too_large", 429: "too_many_attempts", 503: "unavailable"}  # fmt: skip

#: For the OpenAPI document: the answers that any protected operation can give.
RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The request cannot be answered as it stands; the message says why."},
    401: {"model": ErrorBody, "description": "No valid session or API token."},
    403: {"model": ErrorBody, "description": "The person or token lacks the right, or the CSRF header is missing."},
    503: {"model": ErrorBody, "description": "The store is away; retry."},
    504: {"model": ErrorBody, "description": "A limit of time or memory was hit; ask for less."},
}


def answer(
    status: int, code: str, message: str, *, where: str | None = None, fix: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:  # fmt: skip
    """An error answer."""
    body = ErrorBody(error=ErrorDetail(code=code, message=message, where=where, fix=fix))
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)


def status_of(error: WeftError) -> int:
    """HTTP status of an error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def _weft_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WeftError)
    headers = {"retry-after": str(error.retry_after_s)} if isinstance(error, TooManyAttempts) else None
    return answer(status_of(error), error.code, error.what, where=error.where, fix=error.fix, headers=headers)


def _validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
    return answer(400, "invalid_input", first["msg"].removeprefix("Value error, "), where=where)


def _http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return answer(error.status_code, CODES.get(error.status_code, "error"), str(error.detail),
                  headers=dict(error.headers) if error.headers else None)  # fmt: skip


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return answer(500, "failed", "Something went wrong on the server; its log says what.")


def install(app: FastAPI) -> None:
    """Make every failure answer in the one shape."""
    app.add_exception_handler(WeftError, _weft_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)
