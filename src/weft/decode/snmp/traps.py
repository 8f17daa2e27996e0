"""Notifications to rows of ``logs``: traps of v1, v2c and v3, and informs.

What a notification means is data (``traps:`` of a profile): its event, what it is about, OpenConfig paths. One that no
rule knows keeps its OIDs and variables in ``fields`` all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from weft.decode.snmp import ber, columns
from weft.decode.snmp.profile import TrapSpec
from weft.model.addresses import packed
from weft.model.logs import CLOCKS, LOG_SOURCES, LOGS
from weft.model.rows import batch_of

_TRAP = next(number for number, name in LOG_SOURCES.items() if name == "trap")
_UPTIME_CLOCK = next(number for number, name in CLOCKS.items() if name == "uptime")
_SYS_UPTIME = ber.oid("1.3.6.1.2.1.1.3.0")
_TRAP_OID = ber.oid("1.3.6.1.6.3.1.1.4.1.0")
_TRAP_ADDRESS = ber.oid("1.3.6.1.6.3.18.1.3.0")
_GENERIC = ber.oid("1.3.6.1.6.3.1.1.5")
_IF_INDEX = ber.oid("1.3.6.1.2.1.2.2.1.1")
_UNKNOWN_FACILITY = 255
_MOST_VARIABLES = 64
_MOST_PART = 24


@dataclass(frozen=True, slots=True)
class Notification:
    """A trap or inform as it came."""

    oid: bytes  # snmpTrapOID
    uptime_s: float  # of the agent when it was sent
    varbinds: ber.Varbinds  # without those two
    agent: str = ""  # address of the agent that a relay forwards it for; empty = the sender


def notification(pdu: ber.Pdu) -> Notification:
    """A PDU of a notification of any version (v1 mapped as RFC 3584 §3.1 says). Raises ``BerError``."""
    if pdu.trap is not None:
        trap = pdu.trap
        own = trap.enterprise + b"\0" + ber.pack_arcs((max(0, trap.specific),))
        name = own if trap.generic == 6 else _GENERIC + ber.pack_arcs((max(0, trap.generic) + 1,))
        agent = columns.address(trap.agent)
        return Notification(name, trap.uptime / 100, pdu.varbinds, "" if agent == "0.0.0.0" else agent)  # noqa: S104
    uptime, name, agent = 0.0, b"", ""
    rest = ber.Varbinds()
    for oid, tag, value in zip(pdu.varbinds.oids, pdu.varbinds.tags, pdu.varbinds.values, strict=True):
        if oid == _SYS_UPTIME and isinstance(value, int):
            uptime = value / 100
        elif oid == _TRAP_OID and isinstance(value, bytes):
            name = value
        elif oid == _TRAP_ADDRESS and isinstance(value, bytes):
            agent = columns.address(value)
        elif len(rest) < _MOST_VARIABLES:
            rest.add(oid, tag, value)
    if not name:
        raise ber.BerError("a notification without snmpTrapOID")
    return Notification(name, uptime, rest, agent)


@dataclass(slots=True)
class Row:
    """A notification read by its rule: what a row of ``logs`` holds of it."""

    event: str
    severity: int
    message_id: str
    component: str
    if_index: int
    fields: str
    message: str


def read(notice: Notification, rules: Mapping[bytes, TrapSpec]) -> Row:
    """What the notification means."""
    rule = rules.get(notice.oid)
    shown = ber.oid_text(notice.oid)
    variables = {
        ber.oid_text(oid): _plain(tag, value)
        for oid, tag, value in zip(notice.varbinds.oids, notice.varbinds.tags, notice.varbinds.values, strict=True)
    }
    raw = {"oid": shown, "uptime_s": notice.uptime_s, "varbinds": variables}
    if rule is None:
        words = ", ".join(f"{name} = {value}" for name, value in variables.items())
        return Row("", 5, shown, "", _if_index(notice), _json({"snmp": raw}), f"{shown} {words}".strip())
    names = _named(notice, rule)
    known = {name: rule.values.get(name, {}).get(value, value) for name, value in names.items()}
    event = next((others[known[name]] for name, others in rule.events.items() if known.get(name) in others), rule.event)
    component = _fill(rule.component, known)
    known["component"] = component
    paths = {_fill(path, known): _fill(value, known) for path, value in rule.fields.items()}
    fields: dict[str, Any] = {}
    for path, value in paths.items():
        if value:
            _put(fields, path, value)
    message = _fill(rule.message, known) or rule.name or shown
    index = names.get(rule.if_index or "", "")
    if_index = int(index) if index.isdigit() and int(index) <= 0xFFFFFFFF else _if_index(notice)
    return Row(event, rule.severity, rule.name or shown, component, if_index, _json({**fields, "snmp": raw}), message)


def _named(notice: Notification, rule: TrapSpec) -> dict[str, str]:
    """The rule's variables as text; ``index`` is what follows the column's OID of the one that it names."""
    found: dict[str, str] = {}
    for name, column in rule.varbinds.items():
        prefix = ber.oid(column)
        for oid, tag, value in zip(notice.varbinds.oids, notice.varbinds.tags, notice.varbinds.values, strict=True):
            if oid.startswith(prefix):
                found[name] = str(_plain(tag, value))
                if name == rule.index or (rule.index is None and "index" not in found):
                    found["index"] = _index_text(oid[len(prefix) :])
                break
    return found


def _index_text(octets: bytes) -> str:
    try:
        return ".".join(map(str, ber.unpack_arcs(octets)))
    except ber.BerError:
        return ""


def _if_index(notice: Notification) -> int:
    """Value of an ``ifIndex`` among the variables; 0 where there is none."""
    for oid, value in zip(notice.varbinds.oids, notice.varbinds.values, strict=True):
        if oid.startswith(_IF_INDEX) and isinstance(value, int) and 0 < value <= 0xFFFFFFFF:
            return value
    return 0


def _plain(tag: int, value: ber.Value) -> str | int | float:
    if isinstance(value, bytes):
        if tag == ber.OID:
            return ber.oid_text(value)
        if tag == ber.IP_ADDRESS:
            return columns.address(value)
        return columns.text(value)
    return "" if value is None else value


def _fill(template: str, words: Mapping[str, str]) -> str:
    """The template; of ``{a|b}`` the first that is not empty."""

    def chosen(match: re.Match[str]) -> str:
        return next((words[name] for name in match[1].split("|") if words.get(name)), "")

    return re.sub(r"\{([^{}]*)\}", chosen, template).strip()


def _put(fields: dict[str, Any], path: str, value: str) -> None:
    """Set a value by its OpenConfig path; parts are parted by ``/``, a part in brackets may hold one."""
    parts = [part.strip("[]") for part in re.findall(r"\[[^\[\]]*\]|[^/]+", path)][:_MOST_PART]
    for part in parts[:-1]:
        inner = fields.setdefault(part, {})
        if not isinstance(inner, dict):
            return
        fields = inner
    fields[parts[-1]] = int(value) if re.fullmatch(r"\d{1,15}", value) else value


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


@dataclass(frozen=True, slots=True)
class Received:
    """A notification with where and when it came."""

    row: Row
    exporter: bytes  # 16 bytes
    program: str  # trap or inform
    received_ns: int


def batch(found: Sequence[Received]) -> pa.RecordBatch:
    """Rows of ``logs``."""
    return batch_of(
        LOGS, len(found), time=[one.received_ns for one in found], time_received=[one.received_ns for one in found],
        clock=_UPTIME_CLOCK, exporter=[one.exporter for one in found], source=_TRAP, facility=_UNKNOWN_FACILITY,
        severity=[one.row.severity for one in found], program=[one.program for one in found],
        message_id=[one.row.message_id for one in found], event=[one.row.event for one in found],
        component=[one.row.component for one in found], if_index=[one.row.if_index for one in found],
        fields=[one.row.fields for one in found], message=[one.row.message for one in found],
    )  # fmt: skip


def exporter_of(sender: str, notice: Notification, relayed: bool) -> bytes:
    """Address that the row is tied to: the sender's, or the agent's where the sender is a relay."""
    try:
        return packed(notice.agent if relayed and notice.agent else sender)
    except ValueError:
        return packed(sender)
