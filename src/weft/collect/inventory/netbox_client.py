"""Asks one NetBox for its objects: page by page, all or what changed since. Blocks; for a thread of its own.

NetBox's answers are not trusted: sizes are bounded, links in them are not followed, redirects neither: the token goes
nowhere but to the configured host.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from typing import Any

import httpx2
import orjson

from weft.collect.inventory.config import NetBoxConfig
from weft.errors import ConfigError, Failed, LimitExceeded, NotAllowed, Unavailable

#: Kind of object → path below ``/api``, in the order in which they are read: interfaces after what connects them.
ENDPOINTS: Mapping[str, str] = {
    "sites": "dcim/sites", "devices": "dcim/devices", "cables": "dcim/cables",
    "ip_addresses": "ipam/ip-addresses", "prefixes": "ipam/prefixes", "services": "ipam/services",
    "providers": "circuits/providers", "circuits": "circuits/circuits",
    "circuit_terminations": "circuits/circuit-terminations", "tenants": "tenancy/tenants",
    "interfaces": "dcim/interfaces",
}  # fmt: skip
_MOST_BYTES = 64 * 1024 * 1024
_AWAY = frozenset({408, 425, 429, 500, 502, 503, 504})

Objects = dict[int, dict[str, Any]]


class NetBoxClient:
    """A session with one instance."""

    def __init__(self, config: NetBoxConfig) -> None:
        self._config = config
        self._client: httpx2.Client | None = None
        self.requests = 0
        self.retry_after_s = 0.0  # what NetBox asked for with its last refusal

    def close(self) -> None:
        """End the session."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def everything(self, kind: str) -> Objects:
        """All objects of a kind by id. Raises as ``_page``, and ``LimitExceeded`` where there are too many."""
        found: Objects = {}
        offset = 0
        while True:
            page = self._page(kind, {"limit": self._config.page_size, "offset": offset, "ordering": "id"})
            count, results = _count(page), _results(page)
            if count > self._config.max_objects:
                raise LimitExceeded(
                    f"has {count} {kind}, more than {self._config.max_objects}", where=self._config.name,
                    fix="Narrow them with `filters`, or raise max_objects.",
                )  # fmt: skip
            found.update(_by_id(results))
            offset += len(results)  # NetBox may allow fewer on a page than were asked for
            if not results or offset >= count:
                return found

    def changed(self, kind: str, since: str) -> Objects:
        """Objects of a kind that changed since a time that NetBox itself stamped."""
        found: Objects = {}
        offset = 0
        while True:
            asked = {"limit": self._config.page_size, "offset": offset, "ordering": "id", "last_updated__gte": since}
            page = self._page(kind, asked)
            results = _results(page)
            found.update(_by_id(results))
            offset += len(results)
            if not results or offset >= min(_count(page), self._config.max_objects):
                return found

    def count(self, kind: str) -> int:
        """How many objects of a kind there are."""
        return _count(self._page(kind, {"limit": 1}))

    def _page(self, kind: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """One page. Raises ``NotAllowed``, ``Unavailable`` or ``Failed``, whose messages never hold the token."""
        config = self._config
        parameters = {**config.filters.get(kind, {}), **asked}  # type: ignore[call-overload]
        if kind == "devices":
            parameters["exclude"] = "config_context"
        url = f"{config.url}/api/{ENDPOINTS[kind]}/"
        self.requests += 1
        try:
            with self._session().stream("GET", url, params=parameters, headers=self._headers()) as answer:
                self._check(answer, kind)
                body = self._body(answer.iter_bytes(), kind)
        except httpx2.TransportError as error:
            raise Unavailable(f"no answer: {type(error).__name__}: {error}", where=config.url) from None
        except httpx2.HTTPError as error:
            raise Failed(f"no usable answer: {type(error).__name__}", where=config.url) from None
        try:
            page = orjson.loads(body)
        except orjson.JSONDecodeError:
            page = None
        if not isinstance(page, dict) or not isinstance(page.get("results"), list):
            raise Failed(f"what it answers for {kind} is not NetBox's", where=config.url, fix="Check the URL.")
        return page

    def _session(self) -> httpx2.Client:
        if self._client is None:
            verify: ssl.SSLContext | bool = self._config.verify_tls
            if self._config.ca_file is not None:
                try:
                    verify = ssl.create_default_context(cafile=str(self._config.ca_file))
                except (OSError, ssl.SSLError) as error:
                    raise ConfigError(
                        f"cannot be used: {error}", where=f"inventory.netbox {self._config.name}: ca_file",
                        fix="Name a readable file of certificates in PEM.",
                    ) from None  # fmt: skip
            self._client = httpx2.Client(
                timeout=self._config.timeout_seconds, verify=verify, follow_redirects=False, http2=False
            )
        return self._client

    def _headers(self) -> dict[str, str]:
        token = self._config.token.reveal()
        scheme = "Bearer" if token.startswith("nbt_") else "Token"
        return {"Authorization": f"{scheme} {token}", "Accept": "application/json"}

    def _check(self, answer: httpx2.Response, kind: str) -> None:
        status, where = answer.status_code, self._config.url
        self.retry_after_s = 0.0
        if status == 200:
            return
        if status in {401, 403}:
            raise NotAllowed(
                f"refuses the token for {kind} ({status})", where=where,
                fix=f"Give it the right to view {kind}, or leave them out (leave_out).",
            )  # fmt: skip
        if status in _AWAY:
            after = answer.headers.get("retry-after", "")
            self.retry_after_s = min(3600.0, float(after)) if after.isdecimal() else 0.0
            raise Unavailable(f"answered {status}", where=where)
        if 300 <= status < 400:
            raise Failed(f"answered {status}, a redirect", where=where, fix="Write the URL that it leads to.")
        raise Failed(f"answered {status} for {kind}", where=where, fix="Check the URL and the filters.")

    @staticmethod
    def _body(chunks: Iterable[bytes], kind: str) -> bytes:
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > _MOST_BYTES:
                raise LimitExceeded(f"a page of {kind} is larger than {_MOST_BYTES >> 20} MiB", fix="Lower page_size.")
        return bytes(body)


def _count(page: Mapping[str, Any]) -> int:
    count = page.get("count")
    return count if isinstance(count, int) else 0


def _results(page: Mapping[str, Any]) -> list[Any]:
    results: list[Any] = page["results"]
    return results


def _by_id(results: Iterable[Any]) -> Objects:
    return {one["id"]: one for one in results if isinstance(one, dict) and isinstance(one.get("id"), int)}


def newest(objects: Objects) -> str:
    """The latest time at which one of the objects was changed, as NetBox writes it; empty where none says."""
    return max(
        (one["last_updated"] for one in objects.values() if isinstance(one.get("last_updated"), str)), default=""
    )
