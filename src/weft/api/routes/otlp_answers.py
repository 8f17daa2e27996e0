"""What OTLP/HTTP answers, in protobuf or JSON as the request was: an export response, or a google.rpc.Status."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Response

#: google.rpc.Code by HTTP status.
_CODES = {400: 3, 408: 4, 429: 8, 503: 14}


def success(refused: int, message: str, rejected: str, *, is_json: bool) -> Response:
    """An export response; with ``refused`` items a partial success. ``rejected`` is their field in JSON."""
    if is_json:
        partial: dict[str, Any] = {"partialSuccess": {rejected: str(refused), "errorMessage": message}}
        return _answer(json.dumps(partial if refused else {}).encode(), 200, is_json, {})
    body = _field(1, _number(1, refused) + _field(2, message.encode())) if refused else b""
    return _answer(body, 200, is_json, {})


def failure(message: str, status: int, *, is_json: bool, headers: dict[str, str]) -> Response:
    """What went wrong."""
    code = _CODES.get(status, 2)
    if is_json:
        body = json.dumps({"code": code, "message": message}).encode()
    else:
        body = _number(1, code) + _field(2, message.encode())
    return _answer(body, status, is_json, headers)


def _answer(body: bytes, status: int, is_json: bool, headers: dict[str, str]) -> Response:
    kind = "application/json" if is_json else "application/x-protobuf"
    return Response(body, status, media_type=kind, headers=headers)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _field(field: int, payload: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(payload)) + payload
