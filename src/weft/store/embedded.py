"""ClickHouse inside this process, through ``chdb``.

One process owns a data directory; within it one writer handle and a small pool of reader handles work in parallel (the
engine releases the GIL). Never fork a process that has it open: a query in the child hangs. Spawn instead.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import structlog

from weft.errors import Failed, LimitExceeded, StoreUnavailable, WeftError
from weft.store.config import StoreConfig
from weft.store.engine import Chunks, Settings, error_from, settings_clause
from weft.store.telemetry import QueryResult

log = structlog.get_logger(__name__)

_CONFIG = """<clickhouse>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>{cache}</mark_cache_size>
  <primary_index_cache_size>{cache}</primary_index_cache_size>
  <index_mark_cache_size>{small}</index_mark_cache_size>
  <query_condition_cache_size>{small}</query_condition_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_pool_size>{merges}</background_pool_size>
  <background_schedule_pool_size>2</background_schedule_pool_size>
  <background_common_pool_size>1</background_common_pool_size>
</clickhouse>
"""


#: How long a query that was told to stop may take to do so before its handle is left behind, seconds.
_CLOSING = 5.0

#: The engine's client copies what it is given; pieces of this size reuse the same memory, bytes.
_PIECE = 1 << 20


class EmbeddedEngine:
    """The embedded engine on a data directory. An ``Engine``."""

    def __init__(self, path: Path, config: StoreConfig) -> None:
        self._path, self._config = path, config
        self._lock_file: IO[str] | None = None
        self._process = 0
        self._connect: Callable[[], Any]
        self._writer: Any = None
        self._control: Any = None
        self._cancelling = threading.Lock()
        self._writing = threading.RLock()
        self._readers: queue.LifoQueue[Any] = queue.LifoQueue()

    def start(self) -> None:
        """Take the directory and open the handles."""
        if self._writer is not None:
            return
        self._path.mkdir(parents=True, exist_ok=True)
        self._lock_file = _own(self._path)
        try:
            self._open()
        except BaseException:
            self.stop()
            raise

    def _open(self) -> None:
        import chdb  # half a second and 200 MB that only a process with an embedded store pays

        settings = self._path / "engine.xml"
        cache = self._config.cache_mb << 20
        settings.write_text(
            _CONFIG.format(
                memory=self._config.memory_mb << 20, cache=cache, small=cache // 4, merges=self._config.merge_threads
            )
        )
        self._connect = functools.partial(chdb.connect, f"{self._path}/engine?config-file={settings}")
        self._process = os.getpid()
        try:
            self._writer, self._control = self._connect(), self._connect()
            self._run(self._control, f"CREATE DATABASE IF NOT EXISTS {self._config.database} ENGINE = Atomic", "Null")
            self._run(self._writer, f"USE {self._config.database}", "Null")
            for _ in range(self._config.readers):
                self._readers.put(self._new_reader())
        except RuntimeError as error:
            raise StoreUnavailable(str(error).split("\n")[0], where=str(self._path)) from error

    def _new_reader(self) -> Any:
        handle = self._connect()
        handle.query(f"USE {self._config.database}", "Null")
        # The rows never leave the process: compressing them would be for nothing.
        handle.query("SET output_format_arrow_compression_method = 'none'", "Null")
        return handle

    def stop(self) -> None:
        """Stop running queries, close the handles and give the directory back."""
        with self._writing:
            writer, self._writer = self._writer, None
            if self._control is not None:
                with contextlib.suppress(WeftError):
                    self._run(self._control, "KILL QUERY WHERE query LIKE '/* %' ASYNC", "Null")
                for _ in range(self._config.readers if writer is not None else 0):
                    with contextlib.suppress(queue.Empty):
                        self._readers.get(timeout=_CLOSING).close()
                self._control.close()
                self._control = None
            if writer is not None:
                writer.close()
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def execute(self, sql: str) -> None:
        """Run a statement that returns nothing."""
        with self._writing:
            self._run(self._opened(), sql, "Null")

    def insert(self, table: str, columns: Sequence[str], chunks: Chunks, settings: Settings) -> None:
        """Append one Native block."""
        statement = f"INSERT INTO {table} ({', '.join(columns)}) {settings_clause(settings)}"
        with self._writing:
            try:
                stream = self._opened().send_insert(statement, "Native")
                try:
                    for chunk in chunks:
                        for start in range(0, len(chunk), _PIECE):
                            stream.append(chunk[start : start + _PIECE])
                    stream.finish()
                except BaseException:
                    stream.cancel()
                    raise
            except RuntimeError as error:
                raise error_from(str(error)) from error

    def select(
        self, sql: str, parameters: Mapping[str, Any], settings: Settings, query_id: str | None = None
    ) -> QueryResult:
        """Run a SELECT on a free reader handle, waiting for one if all are busy."""
        text = f"/* {query_id or uuid.uuid4().hex} */ {sql.rstrip().rstrip(';')}\n{settings_clause(settings)}"
        wait = float(settings.get("max_execution_time", self._config.query_seconds))
        with self._reader(wait) as handle:
            start = time.perf_counter()
            result = self._run(handle, text, "ArrowStream", parameters)
            data = result.bytes()
            table = pa.ipc.open_stream(data).read_all() if data else pa.table({})
            elapsed = (time.perf_counter() - start) * 1000
            return QueryResult(table, result.storage_rows_read(), result.storage_bytes_read(), elapsed)

    def cancel(self, query_id: str) -> None:
        """Stop the query that carries the id as a comment."""
        pattern = f"/* {query_id} */%".replace("'", "")
        self._opened()
        with self._cancelling:
            self._run(self._control, f"KILL QUERY WHERE query LIKE '{pattern}' ASYNC", "Null")

    def _opened(self) -> Any:
        if self._writer is None:
            raise StoreUnavailable("the store is not open", where=str(self._path))
        if os.getpid() != self._process:
            raise Failed("a forked process cannot use the store", where=str(self._path), fix="Spawn it instead.")
        return self._writer

    @contextlib.contextmanager
    def _reader(self, wait: float) -> Iterator[Any]:
        self._opened()
        try:
            handle = self._readers.get(timeout=wait)
        except queue.Empty:
            raise LimitExceeded(
                "too many queries at the same time", where="store", fix="Try again in a moment."
            ) from None
        try:
            yield handle
        except BaseException:
            # A failed query leaves the beginning of its answer in the handle; the next one would read it.
            with contextlib.suppress(RuntimeError):
                fresh = self._new_reader()
                handle.close()
                handle = fresh
            raise
        finally:
            self._readers.put(handle)

    def _run(self, handle: Any, sql: str, form: str, parameters: Mapping[str, Any] = {}) -> Any:
        try:
            return handle.query(sql, form, params={k: _escaped(v) for k, v in parameters.items()} or None)
        except RuntimeError as error:
            raise error_from(str(error)) from error
        except Exception as error:
            raise Failed(str(error).split("\n")[0], where="store") from error


def _own(path: Path) -> IO[str]:
    """Lock the directory for this process, or say who has it."""
    file = (path / "owner").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise StoreUnavailable(
            f"data directory {path} is in use by process {owner}",
            fix="Stop that process, or choose another directory with WEFT_DATA_DIR.",
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _escaped(value: Any) -> Any:
    """A parameter as the engine reads one: text in the escaped form of its TSV format."""
    if not isinstance(value, str):
        return value
    return value.translate({0: "\\0", 8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 92: "\\\\"})
