"""Secrets in settings: given as a value, or better as the name of a file or of an environment variable.

    community: {file: /run/secrets/snmp}      community: {env: SNMP_COMMUNITY}      community: public

They never show in logs, errors, dumps or the API: only ``reveal`` gives them away.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, model_validator

from weft.errors import ConfigError


class SecretSource(BaseModel):
    """Where a secret is: exactly one of the three."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    value: SecretStr | None = None
    """The secret itself. Prefer one of the others: settings files get copied."""
    file: Path | None = None
    """File that holds it; white space at its end is dropped. Read anew at each use, so it can be rotated."""
    env: str | None = None
    """Environment variable that holds it."""

    @model_validator(mode="after")
    def _one(self) -> SecretSource:
        if sum(part is not None for part in (self.value, self.file, self.env)) != 1:
            raise ValueError("a secret is a text, {file: PATH} or {env: NAME}")
        return self

    def reveal(self) -> str:
        """The secret now. Raises ``ConfigError`` that names the place, never the secret."""
        if self.value is not None:
            return self.value.get_secret_value()
        if self.env is not None:
            if self.env not in os.environ:
                raise ConfigError("is not set", where=f"environment variable {self.env}", fix="Set it, or use a file.")
            return os.environ[self.env]
        assert self.file is not None
        try:
            return self.file.read_text(encoding="utf-8").rstrip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            fix = "Make it readable for Weft's user."
            raise ConfigError(f"cannot be read: {reason}", where=str(self.file), fix=fix) from None


def _from_text(given: Any) -> Any:
    return {"value": given} if isinstance(given, str | SecretStr) else given


#: The type of a setting that is a secret.
Secret = Annotated[SecretSource, BeforeValidator(_from_text)]
