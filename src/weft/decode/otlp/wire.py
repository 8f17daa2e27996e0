"""Export requests as messages, from protobuf or JSON, and the values in them as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from weft.errors import InvalidInput

#: Longest value of an attribute that is kept, characters.
MOST_CHARACTERS = 4096
#: Attributes of one resource or point; more are refused.
MOST_ATTRIBUTES = 128
_MOST_DEPTH = 32
_ODD = re.compile(r"[^a-zA-Z0-9_:]")
_IDS = (b'"traceId"', b'"spanId"', b'"trace_id"', b'"span_id"')


@dataclass(slots=True)
class Exported:
    """What a request held: rows, how many points or records, and what became of the others, by reason.

    ``skipped`` was understood and is not kept; ``refused`` is wrong or has no place: the sender must hear of it.
    """

    rows: pa.RecordBatch
    items: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)


def parse(kind: type[Any], body: bytes, *, is_json: bool) -> Any:
    """The message of class ``kind`` in ``body``. Raises ``InvalidInput``."""
    from google.protobuf import json_format
    from google.protobuf.message import DecodeError

    try:
        if not is_json:
            return kind.FromString(body)
        values = orjson.loads(body)
        if not isinstance(values, dict):
            raise TypeError("not an object")
        if any(word in body for word in _IDS):  # written in hex there, which protobuf's JSON takes for base64
            _drop_ids(values, 0)
        return json_format.ParseDict(values, kind(), ignore_unknown_fields=True, max_recursion_depth=64)
    except (DecodeError, json_format.Error, ValueError, TypeError, AttributeError, RecursionError):
        what = "JSON" if is_json else "protobuf"
        raise InvalidInput(f"is not an export request in {what}", where="body", fix="See docs/otlp.md.") from None


def _drop_ids(value: Any, depth: int) -> None:
    if depth > 64:
        raise InvalidInput("is nested too deeply", where="body")
    if isinstance(value, dict):
        for name in ("traceId", "spanId", "trace_id", "span_id"):
            value.pop(name, None)
        for one in value.values():
            _drop_ids(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _drop_ids(one, depth + 1)


def plain(value: Any, depth: int = 0) -> Any:
    """An ``AnyValue`` as JSON can hold it."""
    kind = value.WhichOneof("value")
    if kind is None or depth > _MOST_DEPTH:
        return None
    if kind == "array_value":
        return [plain(one, depth + 1) for one in value.array_value.values]
    if kind == "kvlist_value":
        return {one.key: plain(one.value, depth + 1) for one in value.kvlist_value.values}
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind)


def text(value: Any) -> str:
    """An ``AnyValue`` as text, cut where it is long."""
    one = plain(value)
    if one is None:
        return ""
    if isinstance(one, bool):
        return "true" if one else "false"
    if not isinstance(one, str):
        one = json.dumps(one, ensure_ascii=False) if isinstance(one, list | dict) else str(one)
    return str(one[:MOST_CHARACTERS])


def texts(attributes: Iterable[Any]) -> dict[str, str]:
    """Attributes by name, as text."""
    return {one.key: text(one.value) for one in attributes}


def snake(name: str) -> str:
    """A dotted OpenTelemetry name as Prometheus and Weft write it."""
    clean = _ODD.sub("_", name)
    return f"_{clean}" if clean[:1].isdigit() else clean


def count(counts: dict[str, int], reason: str, how_many: int = 1) -> None:
    """Add to a count by reason."""
    counts[reason] = counts.get(reason, 0) + how_many
