"""Asks a server with Prometheus' query API for ranges of business series.

Answers are not trusted: sizes are bounded, redirects are not followed: the credentials go nowhere but to that server.
"""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import orjson

from weft.collect.business.config import BusinessPrometheus, PrometheusQuery
from weft.collect.business.marks import Marks
from weft.collect.business.source import Problem, Taker
from weft.collect.business.values import Value, check_time, label_text, value_of
from weft.errors import InvalidInput

_MOST_BYTES = 64 << 20
_MOST_SERIES = 10_000
#: Prometheus answers at most 11 000 points of a series at once.
_MOST_STEPS = 5000


class PrometheusServer:
    """One server. Not for several threads at once."""

    def __init__(self, config: BusinessPrometheus) -> None:
        self.config = config
        self._client: httpx2.Client | None = None

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def query_range(self, query: str, start_s: float, end_s: float, step_s: float) -> list[Any]:
        """The series of a range query. Raises ``Problem`` or ``ConfigError``."""
        asked = {"query": query, "start": f"{start_s:.3f}", "end": f"{end_s:.3f}", "step": f"{step_s:g}"}
        url = f"{self.config.url}/api/v1/query_range"
        try:
            with self._session().stream("POST", url, data=asked, headers=self._headers()) as answer:
                status, body = answer.status_code, bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise Problem("too_large", f"answers more than {_MOST_BYTES >> 20} MiB")
        except httpx2.TimeoutException:
            raise Problem("timeout", f"no answer within {self.config.timeout_s:g} s") from None
        except httpx2.TransportError as error:
            raise Problem("unreachable", f"no answer: {type(error).__name__}: {error}") from None
        except httpx2.HTTPError as error:
            raise Problem("malformed", f"no usable answer: {type(error).__name__}") from None
        return _series(status, body)

    def _session(self) -> httpx2.Client:
        if self._client is None:
            verify: ssl.SSLContext | bool = self.config.verify_tls
            if self.config.ca_file is not None:
                try:
                    verify = ssl.create_default_context(cafile=str(self.config.ca_file))
                except (OSError, ssl.SSLError) as error:
                    raise Problem("tls", f"ca_file cannot be used: {error}") from None
            self._client = httpx2.Client(timeout=self.config.timeout_s, verify=verify, follow_redirects=False)
        return self._client

    def _headers(self) -> dict[str, str]:
        config, headers = self.config, {"accept": "application/json", **self.config.headers}
        if config.token is not None:
            headers["authorization"] = f"Bearer {config.token.reveal()}"
        elif config.user:
            password = config.password.reveal() if config.password is not None else ""
            basic = httpx2.BasicAuth(config.user, password)
            request = next(basic.sync_auth_flow(httpx2.Request("GET", config.url)))
            headers["authorization"] = request.headers["authorization"]
        return headers


def _series(status: int, body: bytearray) -> list[Any]:
    if status in (401, 403):
        raise Problem("refused", f"does not let us in (HTTP {status})")
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict) or answer.get("status") not in ("success", "error"):
        raise Problem("malformed" if status == 200 else "unreachable", f"HTTP {status}, not Prometheus' answer")
    if answer["status"] == "error":
        raise Problem("query", str(answer.get("error", "the query failed"))[:300])
    data = answer.get("data")
    found = data.get("result") if isinstance(data, dict) and data.get("resultType") == "matrix" else None
    if not isinstance(found, list):
        raise Problem("malformed", "its answer holds no series")
    if len(found) > _MOST_SERIES:
        raise Problem("too_many", f"the query has {len(found)} series, more than {_MOST_SERIES}: sum some away")
    return found


class RangeQuery:
    """One expression, asked from where it was asked last. A ``Reads``."""

    def __init__(self, server: PrometheusServer, config: PrometheusQuery, marks: Marks) -> None:
        self._server, self._config, self._marks = server, config, marks
        self.every_s = config.step_s
        self._key = f"prometheus {server.config.name} {config.series} {config.query}"

    def read(self, taker: Taker) -> None:
        """Ask for every step that has passed."""
        step = self._config.step_s
        end = math.floor(time.time() / step) * step
        kept = self._marks.get(self._key)
        start = kept + step if isinstance(kept, int | float) else end - math.floor(self._config.history_s / step) * step
        start = max(start, end - math.floor(730 * 86_400 / step) * step)
        while start <= end:
            until = min(end, start + (_MOST_STEPS - 1) * step)
            found = self._server.query_range(self._config.query, start, until, step)
            taker.take([value for one in found for value in self._values(one, taker)])
            self._marks.put(self._key, until)
            start = until + step

    def _values(self, one: Any, taker: Taker) -> Iterator[Value]:
        config = self._config
        try:
            labels = label_text(self._labels(one["metric"]))
            points = [(int(float(at) * 1000) * 1_000_000, float(value)) for at, value in one["values"]]
            first = value_of(config.series, 0, 0.0, None, config.unit)
            for at_ns, _ in points:
                check_time(at_ns)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            taker.book.error("malformed", f"{config.series}: a series that cannot be read")
            return
        except InvalidInput as error:
            taker.book.error("bad_row", f"{config.series}: {error.message}")
            return
        for at_ns, value in points:
            if math.isfinite(value):  # not a number: there was none
                yield first._replace(labels=labels, time_ns=at_ns, value=value)

    def _labels(self, metric: Mapping[str, Any]) -> dict[str, str]:
        keep = self._config.labels
        return {
            name: str(text)[:200]
            for name, text in metric.items()
            if name != "__name__" and (keep is None or name in keep)
        }
