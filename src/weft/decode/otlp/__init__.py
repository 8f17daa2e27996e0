"""OpenTelemetry's OTLP/HTTP to rows: metrics to the ``metrics`` table, log records to the ``logs`` table.

Comes in: the body of an export request, protobuf or JSON. Goes out: a RecordBatch, what was left out and what is wrong,
by reason. Must never do I/O or look at the clock. OpenTelemetry's messages are loaded when first used.
"""

from weft.decode.otlp.logs import decode_logs
from weft.decode.otlp.metrics import OtlpDecoder
from weft.decode.otlp.wire import Exported

__all__ = ["Exported", "OtlpDecoder", "decode_logs"]
