"""``weft decode``: captures to normalised records, for people and for checks."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import orjson
import pyarrow as pa

from weft.cli.decode_cloud import decode_flow_logs, is_flow_log
from weft.cli.decode_routing import routing_line, routing_of
from weft.decode.capture import CaptureFile
from weft.decode.flow.decoded import Decoded
from weft.decode.flow.decoder import FlowDecoder
from weft.decode.flow.records import json_lines, records, time_text
from weft.model.addresses import address_text
from weft.model.exporters import StreamStatus
from weft.model.flows import FLOW_TYPES
from weft.model.metrics import METRIC_TYPES

#: Heading, width and content of the columns of the readable table.
_TABLE: tuple[tuple[str, int, Callable[[dict[str, Any]], object]], ...] = (
    ("time", 30, lambda r: r["time_end"] or r["time_received"]),
    ("exporter", 15, lambda r: r["exporter"]),
    ("type", 10, lambda r: r["flow_type"]),
    ("proto", 5, lambda r: r["protocol"]),
    ("source", 28, lambda r: _endpoint(r["src_addr"], r["src_port"])),
    ("destination", 28, lambda r: _endpoint(r["dst_addr"], r["dst_port"])),
    ("bytes", 10, lambda r: r["bytes"]),
    ("packets", 8, lambda r: r["packets"]),
    ("1/rate", 6, lambda r: r["sampling_rate"]),
    ("in", 6, lambda r: r["in_if"]),
    ("out", 6, lambda r: r["out_if"]),
)
_NUMBERS = {"proto", "bytes", "packets", "1/rate", "in", "out"}


@dataclass
class Summary:
    """What decoding some files gave."""

    files: int = 0
    packets: int = 0
    datagrams: int = 0
    records: int = 0
    counters: int = 0
    routing: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def document(self, streams: list[StreamStatus]) -> dict[str, Any]:
        """The summary as one object: totals, losses by what was counted, errors by reason, and each stream."""
        losses: Counter[str] = Counter()
        errors = Counter(self.errors)
        for stream in streams:
            if stream.lost:
                losses[stream.lost_unit] += stream.lost
            errors.update(stream.errors)
        return {
            "files": self.files,
            "packets": self.packets,
            "datagrams": self.datagrams,
            "records": self.records,
            "counters": self.counters,
            **({"routing": self.routing} if self.routing else {}),
            "templates": sum(stream.templates for stream in streams),
            "losses": dict(losses),
            "held": sum(stream.held for stream in streams),
            "errors": dict(errors),
            "streams": [_stream(stream) for stream in streams],
        }


def _stream(stream: StreamStatus) -> dict[str, Any]:
    """The part of a stream's status that is worth a line."""
    return {
        "exporter": stream.exporter,
        "source": stream.source,
        "flow_type": FLOW_TYPES.get(stream.flow_type, "unknown"),
        "observation_domain": stream.observation_domain,
        "datagrams": stream.datagrams,
        "records": stream.records,
        "templates": stream.templates,
        "sampling_rate": stream.sampling_rate or None,
        "unsampled_records": stream.unsampled_records,
        "lost": stream.lost,
        "lost_unit": stream.lost_unit,
        "agent_drops": stream.agent_drops,
        "restarts": stream.restarts,
        "held": stream.held,
        "unknown_fields": stream.unknown_fields,
        "errors": stream.errors,
    }


@click.command("decode")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object per record; the summary as one on standard error."
)
@click.option("--port", "ports", multiple=True, type=click.IntRange(1, 65535), help="Only datagrams sent to this port.")
@click.option("--limit", type=click.IntRange(min=0), help="Stop after this many records.")
@click.option("--counters", is_flag=True, help="Print the counters of sFlow counter samples instead of flow records.")
def decode_command(
    files: tuple[Path, ...], as_json: bool, ports: tuple[int, ...], limit: int | None, counters: bool
) -> None:
    """Decode captures to normalised records.

    FILES are pcap, pcapng, plain NetFlow, IPFIX or sFlow messages, or IPFIX files, also with .gz; their order is the
    order in which the datagrams arrived, so that a template in one file serves the data in the next. BGP is decoded
    from MRT files (also with .gz, .bz2, .zst), from BMP streams, and from captures of BMP or BGP sessions. Flow logs of
    clouds (AWS, Azure, GCP, OCI; text, JSON, Parquet; also with .gz) are decoded by themselves. Exit codes:
    0 done, 2 a file cannot be read.
    """
    if files and all(map(is_flow_log, files)):
        decode_flow_logs(files, as_json=as_json, limit=limit)
        return
    decoder, summary = FlowDecoder(), Summary()
    out = sys.stdout.buffer
    try:
        needs_heading = not as_json and not counters
        for decoded in _decoded(files, ports, as_json, limit, decoder, summary):
            batch = _rest(decoded, counters, summary, limit)
            if batch.num_rows:
                if needs_heading:
                    out.write(_heading())
                    needs_heading = False
                out.write(_lines(batch, counters, as_json))
            if limit is not None and (summary.counters if counters else summary.records) >= limit:
                break
        out.flush()
    finally:
        _report(summary.document(decoder.streams()), as_json)


def _routing(path: Path, ports: tuple[int, ...], as_json: bool, limit: int | None, summary: Summary) -> bool:
    """Print what a file says of routing; whether that is all that it can hold."""
    found = routing_of(path, ports, summary.errors)
    if found is None:
        return False
    for record in found.records:
        if limit is not None and summary.routing >= limit:
            break
        summary.routing += 1
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) if as_json else routing_line(record).encode()
        sys.stdout.buffer.write(line)
    summary.files += not found.is_capture
    return not found.is_capture


def _decoded(
    files: tuple[Path, ...],
    ports: tuple[int, ...],
    as_json: bool,
    limit: int | None,
    decoder: FlowDecoder,
    summary: Summary,
) -> Iterator[Decoded]:
    """What the decoder makes of every batch of every file; what a file says of routing is printed on the way."""
    for path in files:
        if _routing(path, ports, as_json, limit, summary):
            continue
        capture = CaptureFile(path, ports)
        try:
            for batch in capture:
                yield decoder.decode(batch)
            summary.files += 1
        finally:
            summary.packets += capture.tally.packets
            summary.datagrams += capture.tally.datagrams
            summary.errors.update(capture.tally.errors)


def _rest(decoded: Decoded, counters: bool, summary: Summary, limit: int | None) -> pa.RecordBatch:
    """The rows to print, counted."""
    batch = decoded.metrics if counters else decoded.flows
    if limit is not None:
        batch = batch.slice(0, limit - (summary.counters if counters else summary.records))
    summary.records += decoded.flows.num_rows if counters else batch.num_rows
    summary.counters += batch.num_rows if counters else decoded.metrics.num_rows
    return batch


def _lines(batch: pa.RecordBatch, counters: bool, as_json: bool) -> bytes:
    if counters:
        return b"".join(_counter_line(row, as_json) for row in batch.to_pylist())
    if as_json:
        return json_lines(batch)
    return "".join(_row(record) for record in records(batch)).encode()


def _counter_line(row: dict[str, Any], as_json: bool) -> bytes:
    received = row["time_received"].value if row["time_received"] else 0
    record = {
        "time_received": time_text(received) if received else None,
        "exporter": address_text(row["exporter"], "::"),
        "metric": row["metric"],
        "metric_type": METRIC_TYPES[row["metric_type"]],
        "if_index": row["if_index"],
        "labels": row["labels"],
        "value": row["value"],
    }
    if as_json:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    part = record["labels"] or record["if_index"]
    return f"{record['exporter']}  {record['metric']}[{part}] = {record['value']:.15g}\n".encode()


def _endpoint(address: str | None, port: int | None) -> str:
    if address is None:
        return "-"
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _heading() -> bytes:
    return (
        " ".join(name.rjust(width) if name in _NUMBERS else name.ljust(width) for name, width, _ in _TABLE) + "\n"
    ).encode()


def _row(record: dict[str, Any]) -> str:
    cells = []
    for name, width, content in _TABLE:
        value = content(record)
        text = "-" if value is None else str(value)
        cells.append(text.rjust(width) if name in _NUMBERS else text.ljust(width))
    return " ".join(cells).rstrip() + "\n"


def _report(document: dict[str, Any], as_json: bool) -> None:
    """The summary on standard error."""
    if as_json:
        click.echo(orjson.dumps(document).decode(), err=True)
        return
    losses = ", ".join(f"{count} {unit}" for unit, count in document["losses"].items()) or "none"
    errors = ", ".join(f"{reason} {count}" for reason, count in sorted(document["errors"].items())) or "none"
    for label, value in (
        ("records", document["records"]),
        ("counters", document["counters"]),
        ("routing", document.get("routing", 0)),
        ("datagrams", f"{document['datagrams']} in {document['files']} files"),
        ("templates", document["templates"]),
        ("held", f"{document['held']} sets waiting for a template"),
        ("losses", losses),
        ("errors", errors),
    ):
        click.echo(f"{label:>10}: {value}", err=True)
