"""Every error that Weft raises on purpose, in one small tree.

    WeftError
    ├── InvalidInput        the caller can fix it: a filter, a query, a setting, a file   (never retried)
    │   └── ConfigError     a setting: the message names the path in weft.yaml and the fix
    ├── Unavailable         something we need is away: the store, a peer                  (retry later)
    │   └── StoreUnavailable
    ├── LimitExceeded       a bound was hit: query time, memory, size                     (ask for less)
    ├── NotAllowed          the person or token lacks the right
    └── Failed              it went wrong and retrying will not help

``where`` says what the error is about (a path, a column, a file and line); ``fix`` says what to do about it. Both are
part of the message so that a log line, an API answer and a terminal say the same thing.
"""

from __future__ import annotations


class WeftError(Exception):
    """Base of all errors raised on purpose."""

    code = "error"

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """One line: where: what (fix)."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.fix}" if self.fix else text


class InvalidInput(WeftError):
    """The caller can fix it: a filter, a query, a setting, a file."""

    code = "invalid_input"


class ConfigError(InvalidInput):
    """A setting is wrong; the message names its path in ``weft.yaml``."""

    code = "config"


class Unavailable(WeftError):
    """Something we need is away; retrying later may work."""

    code = "unavailable"


class StoreUnavailable(Unavailable):
    """The telemetry or state store cannot be reached or is owned by another process."""

    code = "store_unavailable"


class LimitExceeded(WeftError):
    """A bound was hit (query time, memory, size); ask for less."""

    code = "limit_exceeded"


class NotAllowed(WeftError):
    """The person or token lacks the right."""

    code = "not_allowed"


class Failed(WeftError):
    """It went wrong and retrying will not help."""

    code = "failed"
