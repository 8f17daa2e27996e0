"""What Weft says about itself: structured events on standard error, readable on a terminal, JSON lines otherwise.

Secrets never pass: values under keys that name one are masked, whatever library logged them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

from weft.component import Config

MASK = "***"
SECRET_KEYS = ("password", "secret", "token", "cookie", "authorization", "csrf", "api_key")
#: Without local variables, for the same reason as on the terminal.
_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
)
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
#: Libraries that are chatty at their INFO level about what our own events say better.
_QUIET = (
    "uvicorn", "uvicorn.error", "asyncio", "alembic", "sqlalchemy", "clickhouse_connect", "numba",
    "httpx2", "httpcore2",
)  # fmt: skip


class LogConfig(Config):
    """What Weft says about itself, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important level that is shown."""
    format: Literal["auto", "text", "json"] = "auto"
    """``auto``: readable on a terminal, JSON lines otherwise."""


def mask_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values whose key names a secret."""
    for key in event:
        if any(word in key.lower() for word in SECRET_KEYS) and isinstance(event[key], str):
            event[key] = MASK
    return event


def configure_logging(level: str = "info", format: Literal["auto", "text", "json"] = "auto") -> None:  # noqa: A002
    """Set up logging for the process; the standard library's loggers go the same way."""
    readable = sys.stderr.isatty() if format == "auto" else format == "text"
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if readable else "iso", utc=not readable),
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if readable:
        # Plain tracebacks: the pretty ones print local variables, and one of those may be a password.
        last.append(
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        )
    else:
        last += [_TRACEBACKS, structlog.processors.JSONRenderer(default=str)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, _LEVELS[level]))
