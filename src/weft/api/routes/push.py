"""Telemetry and changes in: Prometheus remote write, OTLP/HTTP, changes. Reads and decodes beside the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Body, Depends, Request, Response
from pydantic import Field
from starlette.requests import HTTPConnection

from weft.api.auth.identity import Identity
from weft.api.auth.requests import Pusher, client_of
from weft.api.errors import RESPONSES, ErrorBody, answer
from weft.api.models.push import ChangesTakenView, NewChange
from weft.api.ports import deps_of
from weft.api.routes import otlp_answers
from weft.collect.push import Pushes, Sender, TooFast, Written
from weft.errors import InvalidInput, Unavailable, WeftError

_BODY_S = 60.0  # a sender that takes longer for its body is given up
_RETRY_S = 5
_V1, _V2 = "prometheus.WriteRequest", "io.prometheus.write.v2.Request"
_WRITTEN = "x-prometheus-remote-write-{}-written"
#: Paths that may be sent large bodies, as the application must know.
LARGE = ("/api/v1/write", "/api/v1/business", "/v1/metrics", "/v1/logs")
TRY_LATER: dict[int | str, dict[str, Any]] = {
    413: {"model": ErrorBody, "description": "The body is larger than `push.max_body_bytes`."},
    415: {"model": ErrorBody, "description": "Not a content type or encoding that is understood."},
    429: {"model": ErrorBody, "description": "More values than the sender may send; Retry-After says when to go on."},
}

router = APIRouter(tags=["push"], responses=RESPONSES | TRY_LATER)
#: Where OpenTelemetry's exporters send by default: not below the API's own prefix.
otlp_router = APIRouter(prefix="/v1", tags=["push"], responses=RESPONSES | TRY_LATER)


def _body_of(*kinds: str) -> dict[str, Any]:
    """The request body in the OpenAPI document, where it is not JSON of a declared shape."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}


def _pushes_of(connection: HTTPConnection) -> Pushes:
    pushes = deps_of(connection).pushes
    if pushes is None:
        raise Unavailable("this process does not collect", fix="Push to the one that does (weft up, weft collect).")
    return pushes


ThePushes = Annotated[Pushes, Depends(_pushes_of)]


def sender_of(who: Identity, request: Request) -> Sender:
    """Who pushes."""
    return Sender(who.token_name or who.username, client_of(request))


async def _work(
    request: Request, pushes: Pushes, work: Callable[[bytes], Written], fail: Callable[[WeftError, int], Response]
) -> Written | Response:
    """Receive the body and do the work in a thread of the few that pushing has; errors become answers of ``fail``."""
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdigit() else pushes.config.max_body_bytes
    try:
        with pushes.room(size):
            with anyio.fail_after(_BODY_S):
                body = await request.body()
            return await anyio.to_thread.run_sync(work, body, limiter=request.app.state.push_limiter)
    except TooFast as error:
        return fail(error, 429)
    except Unavailable as error:
        return fail(error, 503)
    except InvalidInput as error:
        return fail(error, 400)
    except TimeoutError:
        return fail(Unavailable("the body took too long to arrive", where="body"), 408)


def _retry(error: WeftError, status: int) -> dict[str, str]:
    if isinstance(error, TooFast):
        return {"retry-after": str(error.retry_after_s)}
    return {"retry-after": str(_RETRY_S)} if status == 503 else {}


def plain_failure(error: WeftError, status: int) -> Response:
    """The answer to what cannot be taken."""
    return answer(status, error.code, error.what, where=error.where, fix=error.fix, headers=_retry(error, status))


@router.post(
    "/write", operation_id="prometheusWrite", summary="Prometheus remote write", status_code=204,
    openapi_extra=_body_of("application/x-protobuf"), response_class=Response,
)  # fmt: skip
async def write(request: Request, who: Pusher, pushes: ThePushes) -> Response:
    """Takes remote write 1.0 and 2.0, snappy-compressed.

    What is wrong with some series is answered 400 (never retried) after the others were kept; 429 and 503 ask to try
    again.
    """
    version = _version(request.headers.get("content-type", ""))
    if version == 0 or request.headers.get("content-encoding", "").strip().lower() != "snappy":
        fix = f"Send application/x-protobuf of {_V1} or {_V2} with Content-Encoding: snappy."
        return answer(415, "invalid_input", "this is not remote write", where="Content-Type", fix=fix)
    sender = sender_of(who, request)
    done = await _work(request, pushes, lambda body: pushes.remote_write(sender, body, version=version), plain_failure)
    if isinstance(done, Response):
        return done
    headers = {
        _WRITTEN.format("samples"): str(done.items), _WRITTEN.format("histograms"): str(done.histograms),
        _WRITTEN.format("exemplars"): "0",
    } if version == 2 else {}  # fmt: skip
    if done.refused:
        return answer(
            400, "invalid_input", done.complaint, where="body", fix="See docs/prometheus.md.", headers=headers
        )
    return Response(status_code=204, headers=headers)


def _version(content_type: str) -> int:
    """Which remote write a content type names; 0 = none."""
    kind, *parameters = (part.strip() for part in content_type.split(";"))
    if kind.lower() != "application/x-protobuf":
        return 0
    proto = next((one[6:].strip('"') for one in parameters if one.lower().startswith("proto=")), _V1)
    return {_V1: 1, _V2: 2}.get(proto, 0)


@otlp_router.post(
    "/metrics", operation_id="otlpMetrics", summary="OTLP metrics", response_class=Response,
    openapi_extra=_body_of("application/x-protobuf", "application/json"),
)  # fmt: skip
async def otlp_metrics(request: Request, who: Pusher, pushes: ThePushes) -> Response:
    """Takes an OTLP metrics export, protobuf or JSON, gzip or plain; points refused are answered as partial success."""
    return await _otlp(request, who, pushes, pushes.otlp_metrics, "rejectedDataPoints")


@otlp_router.post(
    "/logs", operation_id="otlpLogs", summary="OTLP logs", response_class=Response,
    openapi_extra=_body_of("application/x-protobuf", "application/json"),
)  # fmt: skip
async def otlp_logs(request: Request, who: Pusher, pushes: ThePushes) -> Response:
    """Takes an OTLP logs export, protobuf or JSON, gzip or plain; records refused are answered as partial success."""
    return await _otlp(request, who, pushes, pushes.otlp_logs, "rejectedLogRecords")


async def _otlp(
    request: Request, who: Identity, pushes: Pushes, take: Callable[..., Written], rejected: str
) -> Response:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "").strip().lower()
    is_json = kind == "application/json"
    if (not is_json and kind != "application/x-protobuf") or encoding not in ("", "identity", "gzip"):
        fix = "Send application/x-protobuf or application/json, plain or with Content-Encoding: gzip."
        return answer(415, "invalid_input", "this is not OTLP/HTTP", where="Content-Type", fix=fix)
    sender = sender_of(who, request)

    def work(body: bytes) -> Written:
        return take(sender, body, is_json=is_json, gzipped=encoding == "gzip")

    def fail(error: WeftError, status: int) -> Response:
        return otlp_answers.failure(error.message, status, is_json=is_json, headers=_retry(error, status))

    done = await _work(request, pushes, work, fail)
    if isinstance(done, Response):
        return done
    return otlp_answers.success(sum(done.refused.values()), done.complaint, rejected, is_json=is_json)


@router.post(
    "/changes", operation_id="pushChanges", summary="Report changes", response_model=ChangesTakenView,
    responses={413: TRY_LATER[413]},
)  # fmt: skip
def changes(
    body: Annotated[NewChange | Annotated[list[NewChange], Field(max_length=1000)], Body()],
    request: Request, who: Pusher, pushes: ThePushes,
) -> ChangesTakenView | Response:  # fmt: skip
    """Takes one change or a list. A change that was told before (the same `change_id`) is not taken again."""
    reports = [one.report() for one in (body if isinstance(body, list) else [body])]
    try:
        taken = pushes.changes(sender_of(who, request), reports)
    except TooFast as error:
        return plain_failure(error, 429)
    except Unavailable as error:
        return plain_failure(error, 503)
    return ChangesTakenView(accepted=taken.accepted, duplicates=taken.duplicates, change_ids=list(taken.change_ids))
