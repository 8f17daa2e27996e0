"""What is known of the health of one source of telemetry: a polled device, a subscription, a sender, a directory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: ``ok``; ``degraded``: works, with errors or gaps; ``silent``: nothing came for longer than expected; ``failing``:
#: every attempt fails; ``starting``: no attempt has ended yet; ``off``: configured and switched off.
State = Literal["starting", "ok", "degraded", "silent", "failing", "off"]


@dataclass(slots=True)
class SourceStatus:
    """One row of the Sources page. Counts since the start of the process; times are UTC nanoseconds, 0 = never."""

    kind: str  # snmp, gnmi, syslog, trap, prometheus, otlp, configs, changes, inventory …
    name: str  # what people call it: the device, the sender, the directory
    target: str = ""  # where: address:port, URL without credentials, path
    exporter: str = ""  # textual address of the device that its rows are tied to; empty = not of one device
    state: State = "starting"
    expected_s: float = 0.0  # how often something should come; 0 = whenever
    first_seen_ns: int = 0
    last_seen_ns: int = 0  # last time something good came
    received: int = 0  # messages, polls, requests, files
    rows: int = 0  # rows made of them
    per_s: float = 0.0  # rows per second over the last minute
    lag_s: float = 0.0  # from the stamp of the newest value to its arrival; polls: how long the poll takes
    clock_skew_s: float | None = None  # device's clock minus ours, median of the last; None = not known
    coverage: float | None = None  # share of what was expected in the last hour that came, 0–1; None = not known
    gaps: int = 0  # times that something expected did not come
    duplicates: int = 0
    late: int = 0  # values older than one that came before
    errors: dict[str, int] = field(default_factory=dict)  # by reason
    last_error: str = ""  # never holds credentials
    last_error_ns: int = 0
    detail: dict[str, str | int | float] = field(default_factory=dict)  # what only this kind has, for its own page
