"""What is known of exporters beyond their counters: names, sites, interfaces (from dictionaries), clock offsets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from weft.api.models.sources import InterfaceView
from weft.api.sources import ExporterNames, Knowledge
from weft.errors import WeftError
from weft.model.views import ViewResult
from weft.query.model import Query

#: Newest records looked at to tell how far exporters' clocks are off.
SKEW_RECORDS = 1000
#: An exporter's records end before they arrive by its timeouts and queues: only more than this is "behind".
USUAL_DELAY_S = 600.0
MOST_INTERFACES = 500

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def learn(known: Callable[[], Rows], ask: Callable[[Query], ViewResult]) -> Knowledge:
    """Read it all anew.

    Raises ``StoreUnavailable``. Clock offsets are left out where they cannot be asked for.
    """
    names = exporter_names(known())
    try:
        return Knowledge(
            names, clock_offsets(ask(Query(view="records", by=["exporter"], since="now-2m", limit=SKEW_RECORDS)))
        )
    except WeftError:
        return Knowledge(names)


def exporter_names(rows: Rows) -> dict[str, ExporterNames]:
    """Names by exporter address; of several versions the newest, which comes last."""
    interfaces: dict[str, dict[int, InterfaceView]] = defaultdict(dict)
    for row in rows.get("interfaces", ()):
        index = int(row["if_index"])
        interfaces[row["exporter"]][index] = InterfaceView(
            if_index=index, name=row.get("name", ""), description=row.get("description", ""),
            speed_bps=int(row.get("speed_bps") or 0), boundary=row.get("boundary", ""),
            provider=row.get("provider", ""), connectivity=row.get("connectivity", ""),
        )  # fmt: skip
    names: dict[str, ExporterNames] = {}
    devices = {row["exporter"]: row for row in rows.get("exporters", ())}
    for address in {*devices, *interfaces}:
        device: Mapping[str, Any] = devices.get(address, {})
        ports = sorted(interfaces.get(address, {}).values(), key=lambda port: port.if_index)
        names[address] = ExporterNames(
            name=device.get("name", ""), site=device.get("site", ""), role=device.get("role", ""),
            demo=bool(device.get("demo")), interfaces=tuple(ports[:MOST_INTERFACES]),
        )  # fmt: skip
    return names


def clock_offsets(records: ViewResult) -> dict[str, float]:
    """Seconds that each exporter's clock is ahead (behind: negative), judged by its records' ends and their arrival.

    The latest end of a flow should lie at most its timeouts before the arrival and never after it.
    """
    at = {column.name: index for index, column in enumerate(records.columns)}
    if not {"exporter", "time_end", "time_received"} <= at.keys():
        return {}
    latest: dict[str, float] = {}
    for row in records.rows:
        end, received = seconds(row[at["time_end"]]), seconds(row[at["time_received"]])
        if end is not None and received is not None:
            exporter = str(row[at["exporter"]])
            latest[exporter] = max(latest.get(exporter, float("-inf")), end - received)
    return {exporter: offset for exporter, offset in latest.items() if offset > 0 or offset < -USUAL_DELAY_S}


def seconds(value: Any) -> float | None:
    """A time of a result (UTC seconds or ISO 8601) as UTC seconds."""
    from datetime import UTC, datetime

    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None
