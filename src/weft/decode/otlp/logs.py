"""OTLP log records to rows of the logs table."""

from __future__ import annotations

import json
from typing import Any

from weft.decode.otlp.resource import origin_of
from weft.decode.otlp.wire import MOST_ATTRIBUTES, Exported, count, parse, plain, text
from weft.model.logs import CLOCKS, LOG_SOURCES, LOGS
from weft.model.rows import batch_of

_SOURCE = next(number for number, name in LOG_SOURCES.items() if name == "push")
_CLOCK = {name: number for number, name in CLOCKS.items()}
_FACILITY_UNKNOWN = 255
_INFO = 6
#: The severity numbers of OpenTelemetry come in fours: trace, debug, info, warn, error, fatal.
_SEVERITIES = (7, 7, 6, 4, 3, 2)
_MOST_RECORDS = 1 << 18
_MOST_MESSAGE, _MOST_FIELDS = 64 << 10, 16 << 10
_AHEAD_NS = 600 * 1_000_000_000


def decode_logs(body: bytes, now_ns: int, *, is_json: bool = False) -> Exported:
    """The rows of an ``ExportLogsServiceRequest``. Raises ``InvalidInput`` where it is none."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = parse(ExportLogsServiceRequest, body, is_json=is_json)
    exported, rows = Exported(batch_of(LOGS, 0)), []
    for resource in request.resource_logs:
        origin = origin_of(resource.resource)
        for scope in resource.scope_logs:
            for record in scope.log_records:
                exported.items += 1
                if exported.items > _MOST_RECORDS or len(record.attributes) > MOST_ATTRIBUTES:
                    many = exported.items > _MOST_RECORDS
                    count(exported.refused, "too_many_records" if many else "too_many_labels")
                    continue
                rows.append((origin.exporter, origin.host, origin.service, *_record(record, now_ns)))
    if rows:
        names = ("exporter", "host", "program", "time", "time_device", "clock", "severity", "message_id", "fields",
                 "message")  # fmt: skip
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        exported.rows = batch_of(
            LOGS, len(rows), time_received=now_ns, source=_SOURCE, facility=_FACILITY_UNKNOWN, **columns
        )
    return exported


def _record(record: Any, now_ns: int) -> tuple[int, int, int, int, str, str, str]:
    """Time, the sender's own stamp, what it is worth, severity, event name, attributes, text."""
    stamp = record.time_unix_nano or record.observed_time_unix_nano
    clock = "none" if not stamp else "wrong" if stamp > now_ns + _AHEAD_NS else "synchronised"
    time_ns = stamp if clock == "synchronised" else now_ns
    number = record.severity_number
    severity = _SEVERITIES[(number - 1) // 4] if 1 <= number <= 24 else _INFO
    attributes = {one.key: plain(one.value) for one in record.attributes}
    event = record.event_name or str(attributes.get("event.name", ""))
    fields = json.dumps(attributes, ensure_ascii=False, default=str) if attributes else ""
    if len(fields) > _MOST_FIELDS:
        fields = json.dumps({"cut": len(fields)})
    body = record.body
    message = body.string_value if body.WhichOneof("value") == "string_value" else text(body)
    device_ns = stamp if stamp <= 9_000_000_000_000_000_000 else 0
    return time_ns, device_ns, _CLOCK[clock], severity, event[:256], fields, message[:_MOST_MESSAGE]
