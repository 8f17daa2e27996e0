"""A ClickHouse server over HTTP, through ``clickhouse-connect``. An ``Engine``; the same SQL as the embedded one."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from clickhouse_connect import get_client
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from weft.errors import ConfigError, StoreUnavailable, WeftError
from weft.store.config import StoreConfig
from weft.store.engine import Chunks, Settings, error_from, literal
from weft.store.telemetry import QueryResult

#: How much longer than its time limit a query may take to come back before the connection is given up, seconds.
_GRACE = 15


class ServerEngine:
    """A ClickHouse server named by ``store.url``."""

    def __init__(self, config: StoreConfig) -> None:
        assert config.url is not None
        self._config = config
        self._where = urlsplit(config.url).hostname or ""
        self._client: Client | None = None

    def start(self) -> None:
        """Reach the server and make the database if it is missing."""
        if self._client is not None:
            return
        config, url = self._config, urlsplit(self._config.url or "")
        if url.hostname is None:
            raise ConfigError("names no host", where="store.url", fix="For example http://clickhouse:8123.")
        secure = url.scheme == "https"
        try:
            client = get_client(
                interface=url.scheme, host=url.hostname, port=url.port or (8443 if secure else 8123),
                username=config.user, password=config.password.get_secret_value(), database="default",
                connect_timeout=max(1, int(config.connect_seconds)),
                send_receive_timeout=int(config.query_seconds) + _GRACE,
                autogenerate_session_id=False, query_retries=0, compress=False, client_name="weft",
            )  # fmt: skip
        except (ClickHouseError, HTTPError, OSError) as error:
            raise self._error(error) from error
        cluster = f" ON CLUSTER '{config.cluster}'" if config.cluster else ""
        self._client = client
        try:
            self.execute(f"CREATE DATABASE IF NOT EXISTS {config.database}{cluster}")
        except BaseException:
            self.stop()
            raise
        client.database = config.database

    def stop(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def execute(self, sql: str) -> None:
        """Run a statement that returns nothing."""
        try:
            self._opened().command(sql)
        except (ClickHouseError, HTTPError, OSError) as error:
            raise self._error(error) from error

    def insert(self, table: str, columns: Sequence[str], chunks: Chunks, settings: Settings) -> None:
        """Append one Native block."""
        try:
            self._opened().raw_insert(
                table, columns, b"".join(chunks), settings=dict(settings), fmt="Native", compression=None
            )
        except (ClickHouseError, HTTPError, OSError) as error:
            raise self._error(error) from error

    def select(
        self, sql: str, parameters: Mapping[str, Any], settings: Settings, query_id: str | None = None
    ) -> QueryResult:
        """Run a SELECT."""
        start = time.perf_counter()
        # Without waiting for the end, an error could arrive in the middle of the rows.
        asked = {"wait_end_of_query": 1, "output_format_arrow_compression_method": "lz4_frame", **settings}
        asked["query_id"] = query_id or uuid.uuid4().hex
        try:
            response: Any = self._opened().raw_stream(
                sql.rstrip().rstrip(";"), dict(parameters) or None, settings=asked, fmt="ArrowStream"
            )
            try:
                data = response.read()
                summary = json.loads(response.headers.get("X-ClickHouse-Summary") or "{}")
            finally:
                response.close()
        except (ClickHouseError, HTTPError, OSError) as error:
            raise self._error(error) from error
        table = pa.ipc.open_stream(data).read_all() if data else pa.table({})
        elapsed = (time.perf_counter() - start) * 1000
        return QueryResult(table, int(summary.get("read_rows", 0)), int(summary.get("read_bytes", 0)), elapsed)

    def cancel(self, query_id: str) -> None:
        """Stop a running query."""
        self.execute(f"KILL QUERY WHERE query_id = {literal(query_id)} ASYNC")

    def _opened(self) -> Client:
        if self._client is None:
            raise StoreUnavailable("the store is not open", where=self._where)
        return self._client

    def _error(self, error: Exception) -> WeftError:
        """ClickHouse said no, or nobody answered."""
        text = str(error)
        if "Code: " in text:
            return error_from(text)
        return StoreUnavailable(
            f"no answer: {text.splitlines()[0][:300] if text else type(error).__name__}", where=self._where
        )
