"""What devices say in their logs that somebody should know: hardware that fails, logins that fail, refusals that surge.

Counts are compared with the device's own hours before, so that a device that refuses much all day is no event.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass, field

import pyarrow as pa

from weft.detect.context import Context
from weft.detect.detector import About, Finding, RowsDetector
from weft.detect.devices.columns import Devices, having
from weft.detect.devices.rounds import device_entity, interface_entity, of_device, quoted
from weft.detect.texts import lasting
from weft.model.events import Entity, EventGroup, Evidence, Severity

#: Log event → kind of event, severity, and the log event that ends it, if any.
_HARDWARE: dict[str, tuple[str, Severity]] = {
    "FAN_ALARM": ("hardware_alarm", Severity.MAJOR),
    "POWER_ALARM": ("hardware_alarm", Severity.MAJOR),
    "TEMPERATURE_ALARM": ("hardware_alarm", Severity.MAJOR),
    "MODULE_FAILED": ("hardware_alarm", Severity.MAJOR),
    "MEMORY_ALARM": ("hardware_alarm", Severity.MAJOR),
    "MAJOR_ALARM_SET": ("hardware_alarm", Severity.MAJOR),
    "PROCESS_CRASH": ("process_crash", Severity.MAJOR),
    "REBOOT": ("device_restart", Severity.MAJOR),
    "HA_FAILOVER": ("failover", Severity.MAJOR),
    "DUPLEX_MISMATCH": ("duplex_mismatch", Severity.MINOR),
    "MTU_MISMATCH": ("mtu_mismatch", Severity.MINOR),
    "INTERFACE_ERR_DISABLED": ("port_disabled", Severity.MAJOR),
}
_KNOWN = frozenset({*_HARDWARE, "LOGIN_FAILED", "ACL_DENY"})
_OVER = ("cleared", "recovered", "restored", "leaves", "is ok", "back to normal")
#: Failed logins within a span that are no mistyped password: of one source, and of all.
_SPAN_S, _LOGINS, _LOGINS_ALL = 600.0, 10, 20
#: Refusals within five minutes: at least so many, and so many times the busiest five minutes of the hours before.
_BIN_S, _DENIES, _TIMES, _BINS = 300.0, 60, 4.0, 72
_HOLD_S = 900.0
_MOST_DEVICES, _MOST_SOURCES = 20_000, 2_000
_SOURCES = ("source_address", "source", "address")


@dataclass(slots=True)
class _Logins:
    recent: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=4096))
    told_s: float = 0.0


@dataclass(slots=True)
class _Refusals:
    bin: float = 0.0
    count: int = 0
    past: deque[int] = field(default_factory=lambda: deque(maxlen=_BINS))
    sources: Counter[str] = field(default_factory=Counter)
    told_s: float = 0.0


class WordsDetector(RowsDetector):
    """Hardware, logins and refusals by the logs."""

    about = About(
        "device_logs",
        "What devices complain of",
        EventGroup.DEVICE,
        "Alarms of hardware, crashes, failed logins in numbers, and refused connections far above what is usual.",
        {
            "hardware_alarm": "A device reports a fan, power supply, module or sensor in trouble, or memory run out.",
            "process_crash": "A process of a device crashed.",
            "device_restart": "A device says that it started afresh.",
            "failover": "A cluster of devices changed over.",
            "duplex_mismatch": "The two ends of a line do not agree on duplex.",
            "mtu_mismatch": "The two ends of a line do not agree on the MTU.",
            "port_disabled": "A device switched a port off because of errors.",
            "login_failures": "Many failed logins at a device.",
            "acl_denies": "A device refuses far more connections than usual.",
        },
    )
    tables = ("logs",)

    def __init__(self, context: Context) -> None:
        self._devices = Devices(context.names)
        settings = context.config.settings
        self._most_logins = int(settings.get("logins", _LOGINS))
        self._most_denies = int(settings.get("denies", _DENIES))
        self._logins: dict[str, _Logins] = {}
        self._refusals: dict[str, _Refusals] = {}

    def take(self, table: str, rows: pa.RecordBatch) -> list[Finding]:
        """Messages that a rule knows."""
        del table
        known = having(rows, "event", _KNOWN)
        if known is None:
            return []
        found: list[Finding] = []
        for at_s, device, one in self._devices.told(known, "event", "component", "fields", "message"):
            match one["event"]:
                case "LOGIN_FAILED":
                    found += self._login(device, at_s, _source(one["fields"]) or one["component"])
                case "ACL_DENY":
                    found += self._denied(device, at_s, one["fields"])
                case event:
                    found.append(self._hardware(device, at_s, event, one["component"], one["message"]))
        return found

    def tick(self, now_s: float) -> list[Finding]:
        """Forgets who has been quiet for hours."""
        if len(self._logins) >= _MOST_DEVICES or len(self._refusals) >= _MOST_DEVICES:
            quiet = [name for name, one in self._logins.items()
                     if not one.recent or now_s - one.recent[-1][0] > _SPAN_S]  # fmt: skip
            for name in quiet:
                del self._logins[name]
            for name in [name for name, one in self._refusals.items() if now_s - one.bin > _BINS * _BIN_S]:
                del self._refusals[name]
        return []

    def _hardware(self, device: str, at_s: float, event: str, component: str, message: str) -> Finding:
        kind, severity = _HARDWARE[event]
        is_port = kind in ("duplex_mismatch", "mtu_mismatch", "port_disabled") and component
        entity = interface_entity(device, component) if is_port else device_entity(device)
        labels = {"part": component[:100]} if component and not is_port else {}
        what = event.replace("_", " ").lower()
        return Finding(
            kind, entity, at_s, f"{device}: {what}", f"It says: {message[:600]}", severity,
            3600.0 if kind == "hardware_alarm" else _HOLD_S,
            ends=kind == "hardware_alarm" and any(word in message.lower() for word in _OVER),
            labels={**labels, "what": what} if kind == "hardware_alarm" else {}, evidence=(_logs(device, event),),
        )  # fmt: skip

    # --- logins ------------------------------------------------------------------------------------------------------

    def _login(self, device: str, at_s: float, source: str) -> list[Finding]:
        kept = self._logins.get(device)
        if kept is None:
            if len(self._logins) >= _MOST_DEVICES:
                return []
            kept = self._logins[device] = _Logins()
        kept.recent.append((at_s, source[:60]))
        while kept.recent and kept.recent[0][0] < at_s - _SPAN_S:
            kept.recent.popleft()
        of_one = Counter(source for _, source in kept.recent)
        worst, count = of_one.most_common(1)[0]
        enough = count >= self._most_logins or len(kept.recent) >= max(_LOGINS_ALL, 2 * self._most_logins)
        if not enough or at_s - kept.told_s < 30:
            return []
        kept.told_s = at_s
        span_s = at_s - kept.recent[0][0]
        text = f"{len(kept.recent)} failed logins in {lasting(span_s)}, {count} of them from {worst or 'one source'}"
        text += f", {len(of_one)} sources in all" if len(of_one) > 1 else ""
        others = (Entity(kind="host", id=worst),) if worst else ()
        return [Finding(
            "login_failures", device_entity(device), at_s, f"Failed logins at {device}",
            text + "; a mistyped password is two or three.", Severity.MAJOR, _HOLD_S, started_s=kept.recent[0][0],
            seen=float(len(kept.recent)), expected=0.0, unit="logins", others=others,
            evidence=(_logs(device, "LOGIN_FAILED"), _top(of_one, "Who")),
        )]  # fmt: skip

    # --- refusals ----------------------------------------------------------------------------------------------------

    def _denied(self, device: str, at_s: float, fields: str) -> list[Finding]:
        kept = self._refusals.get(device)
        if kept is None:
            if len(self._refusals) >= _MOST_DEVICES:
                return []
            kept = self._refusals[device] = _Refusals(bin=at_s)
        if at_s - kept.bin >= _BIN_S:
            quiet = min(int((at_s - kept.bin) / _BIN_S) - 1, _BINS)
            if not kept.told_s or kept.bin - kept.told_s > _BIN_S:  # what was told of is not the rule
                kept.past.append(kept.count)
            kept.past.extend([0] * quiet)
            kept.bin, kept.count = at_s, 0
            kept.sources.clear()
        kept.count += 1
        if len(kept.sources) < _MOST_SOURCES and kept.count <= 20_000:
            kept.sources[_source(fields)] += 1
        busiest = max(kept.past, default=0)
        if kept.count < max(self._most_denies, _TIMES * busiest) or at_s - kept.told_s < 30:
            return []
        kept.told_s = at_s
        worst, count = kept.sources.most_common(1)[0]
        others = (Entity(kind="host", id=worst),) if worst and 2 * count >= kept.count else ()
        text = (
            f"{kept.count} connections refused in {lasting(max(at_s - kept.bin, 1.0))}; in the busiest five minutes of "
            f"the last hours {busiest}. {len(kept.sources)} sources, most of it ({count}) from {worst or 'unknown'}."
        )
        return [Finding(
            "acl_denies", device_entity(device), at_s, f"{device} refuses far more than usual", text, Severity.MINOR,
            _HOLD_S, started_s=kept.bin, seen=float(kept.count), expected=float(busiest), unit="connections",
            others=others, confidence=0.8,
            evidence=(_logs(device, "ACL_DENY"), _top(kept.sources, "Who is refused")),
        )]  # fmt: skip


def _source(fields: str) -> str:
    """The address that a rule read from a message; empty where there is none."""
    try:
        told = json.loads(fields) if fields else {}
    except ValueError:
        return ""
    if not isinstance(told, dict):
        return ""
    return next((str(told[name])[:60] for name in _SOURCES if name in told), "")


def _top(counts: Counter[str], title: str) -> Evidence:
    rows: list[list[str | float | int | None]] = [[name, count] for name, count in counts.most_common(10)]
    return Evidence(kind="rows", title=title, columns=["source", "times"], rows=rows)


def _logs(device: str, event: str) -> Evidence:
    chosen = f"{of_device(device)} and event = {quoted(event)}"
    return Evidence(kind="query", title=f"Logs of {device}", query={
        "dataset": "logs", "view": "records", "filter": chosen})  # fmt: skip
