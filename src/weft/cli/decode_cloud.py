"""``weft decode`` of cloud flow logs: rows as they are read, before the inventory is asked."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson
import pyarrow as pa

from weft.decode.flow.records import time_text
from weft.errors import InvalidInput
from weft.model.addresses import address_text
from weft.model.cloud import CLOUD_FLOWS
from weft.model.tables import Column, Kind

_NOT_SHOWN = frozenset({"time_received", "src_net", "dst_net", "file", "counted", "destination"})
_SHOWN = (
    ("time", 30), ("provider", 8), ("verdict", 7), ("direction", 9), ("protocol", 5), ("source", 28),
    ("destination", 28), ("bytes", 10), ("packets", 8),
)  # fmt: skip
_HEAD = 1 << 16


def is_flow_log(path: Path) -> bool:
    """Whether a file begins like a flow log of a cloud. Raises ``InvalidInput`` where it cannot be read."""
    from weft.decode.cloud import provider_in
    from weft.decode.cloud.aws import FIELDS

    try:
        with open(path, "rb") as file:
            head = file.read(4)
            if head == b"PAR1":
                return True
            file.seek(0)
            text = _unpacked(file, head).read(_HEAD)
    except (OSError, pa.ArrowException):
        return False
    line = text.split(b"\n", 1)[0].split()
    if line and FIELDS.issuperset(name.decode("utf-8", "replace") for name in line[:3]):
        return True
    return text.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and bool(provider_in(text))


def _unpacked(file: Any, head: bytes) -> Any:
    from weft.decode.cloud import codec_of

    codec: Any = codec_of(head)
    return pa.CompressedInputStream(file, codec) if codec else file


def decode_flow_logs(files: tuple[Path, ...], *, as_json: bool, limit: int | None) -> None:
    """Print the rows of flow logs; a summary on standard error."""
    out, left = sys.stdout.buffer, sys.maxsize if limit is None else limit
    records, errors, formats = 0, Counter[str](), Counter[str]()
    if not as_json:
        out.write((" ".join(name.ljust(width) for name, width in _SHOWN).rstrip() + "\n").encode())
    for path in files:
        for batch in _batches(path, errors, formats):
            part = batch.slice(0, left)
            for row in rows_of(part):
                out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) if as_json else _line(row))
            records += part.num_rows
            left -= part.num_rows
            if left <= 0:
                break
    out.flush()
    summary = {"files": len(files), "records": records, "formats": dict(formats), "errors": dict(errors)}
    if as_json:
        click.echo(orjson.dumps(summary).decode(), err=True)
        return
    for name, value in summary.items():
        text = ", ".join(f"{k} {n}" for k, n in value.items()) or "none" if isinstance(value, dict) else value
        click.echo(f"{name:>10}: {text}", err=True)


def _batches(path: Path, errors: Counter[str], formats: Counter[str]) -> Iterator[pa.RecordBatch]:
    from weft.decode.cloud import PIECE, CloudDecoder, Options

    decoder = CloudDecoder(Options(), time.time_ns())
    try:
        with open(path, "rb") as file:
            head = file.read(4)
            file.seek(0)
            if head == b"PAR1":
                yield from decoder.parquet(file)
            else:
                stream = _unpacked(file, head)
                while piece := bytes(stream.read(PIECE)):
                    yield from decoder.feed(piece)
                yield from decoder.finish()
    except InvalidInput as error:
        raise InvalidInput(error.what, where=str(path), fix=error.fix) from None
    except (OSError, pa.ArrowException) as error:
        raise InvalidInput(f"cannot be read: {str(error)[:200]}", where=str(path)) from None
    finally:
        errors.update(decoder.errors)
        formats[decoder.kind or "none"] += 1


def rows_of(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Rows with names for numbers and texts for addresses; what a record does not have is left out."""
    for row in batch.to_pylist():
        shown: dict[str, Any] = {}
        for column in CLOUD_FLOWS.columns:
            if column.name not in _NOT_SHOWN and (value := _value(column, row[column.name])) not in (None, ""):
                shown[column.name] = value
        yield shown


def _value(column: Column, value: Any) -> Any:
    if column.kind is Kind.ADDRESS:
        return address_text(value)
    if column.kind is Kind.TIMESTAMP:
        return time_text(value.value)
    if column.kind is Kind.ENUM:
        return column.values.get(value, "unknown")
    if column.name in ("bytes", "packets") or value:
        return value
    return None


def _line(row: dict[str, Any]) -> bytes:
    cells = {**row, "source": _end(row, "src"), "destination": _end(row, "dst")}
    return (" ".join(str(cells.get(name, "-")).ljust(width) for name, width in _SHOWN).rstrip() + "\n").encode()


def _end(row: dict[str, Any], side: str) -> str:
    address, port = row.get(f"{side}_addr", ""), row.get(f"{side}_port")
    if not address or port is None:
        return address or "-"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
