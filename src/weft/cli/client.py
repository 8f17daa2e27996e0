"""Commands that ask a running Weft: where it is, and how they get in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from weft.errors import Failed, InvalidInput, LimitExceeded, NotAllowed, Unavailable, WeftError

if TYPE_CHECKING:
    from weft.config import Settings

TIMEOUT_S = 60.0
_ERRORS: dict[int, type[WeftError]] = {
    400: InvalidInput, 401: NotAllowed, 403: NotAllowed, 404: InvalidInput, 503: Unavailable, 504: LimitExceeded
}  # fmt: skip


class ApiClient:
    """Asks the API of the Weft that the settings describe (or ``WEFT_URL``), as a token's owner.

    The token is ``WEFT_TOKEN``, else the one that a Weft running from this data directory keeps for its owner.
    """

    def __init__(self, settings: Settings, url: str | None = None) -> None:
        api = settings.api
        host = f"[{api.host}]" if ":" in api.host else {"0.0.0.0": "127.0.0.1"}.get(api.host, api.host)  # noqa: S104
        own = f"{'https' if api.tls else 'http'}://{host}:{api.port}"
        self.url = (url or os.environ.get("WEFT_URL") or own).rstrip("/")
        token = os.environ.get("WEFT_TOKEN") or local_token(settings.data_dir)
        self._headers = {"authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **parameters: str) -> Any:
        """The decoded answer. Raises what the API's error says, or ``Unavailable``."""
        return self._asked("GET", path, params=parameters)

    def post(self, path: str, body: Any) -> Any:
        """As ``get``, with a body."""
        return self._asked("POST", path, json=body)

    def put(self, path: str, body: Any) -> Any:
        """As ``post``, for what is to be replaced."""
        return self._asked("PUT", path, json=body)

    def delete(self, path: str, **parameters: str) -> Any:
        """As ``get``, for what is to be removed."""
        return self._asked("DELETE", path, params=parameters)

    def _asked(self, method: str, path: str, **more: Any) -> Any:
        try:
            with httpx2.Client(base_url=f"{self.url}/api/v1", headers=self._headers, timeout=TIMEOUT_S) as client:
                answer = client.request(method, path, **more)
        except httpx2.TransportError as error:
            raise Unavailable(
                f"no Weft answers: {error}", where=self.url, fix="Start it (weft up), or name another with WEFT_URL."
            ) from error
        if answer.is_success:
            return answer.json()
        try:
            error_body = answer.json()["error"]
        except (ValueError, KeyError, TypeError):
            raise Failed(f"answered {answer.status_code}, which is not Weft's way", where=self.url) from None
        fix = error_body.get("fix")
        if answer.status_code == 401:
            fix = "Set WEFT_TOKEN to an API token: Settings in the web UI, or weft user token."
        raise _ERRORS.get(answer.status_code, Failed)(error_body["message"], where=error_body.get("where"), fix=fix)


def local_token(data_dir: Path) -> str | None:
    """The read-only token that a Weft running from this directory keeps for the directory's owner."""
    from weft.api.auth.accounts import TOKEN_FILE

    try:
        return (data_dir / TOKEN_FILE).read_text(encoding="utf-8").strip()
    except OSError:
        return None
