"""What a header tells besides its time: host, program, process, message id."""

from __future__ import annotations

import re
from typing import Any

from weft.decode.syslog.times import Stamp

UNKNOWN_FACILITY = 255
NOTICE = 5

_PREFIXED = frozenset({"slot", "node"})
_PREFIX = re.compile(r"(?:slot\d+/|(?:re|node)[01](?:[.\-](?=[\w.])))(?=.)", re.ASCII)
#: ``%LINK-3-UPDOWN:``, ``%SYSMGR-STANDBY-3-SHUTDOWN_START:``, ``%UC_AUDITLOG-5-AdministrativeEvent:``.
_CISCO = re.compile(
    r"%([A-Za-z0-9_]+(?:-[A-Za-z0-9_.]+)*?)-+([0-7])-([A-Za-z0-9_\-]+)(?: ?:(?= |$))?(?::)? *", re.ASCII
)
#: ``%%01IFNET/4/IF_STATE(l)[4997]:``.
_HUAWEI = re.compile(r"%%(?:\d\d)?([A-Za-z0-9_\-]+)/(\d)/([\w\-]+)(?:\((\w+)\))?(?:\[(\d+)\])?: *", re.ASCII)
_TAG = re.compile(r"%([A-Z][A-Z0-9_\-]+): *", re.ASCII)
_JUNOS = re.compile(r"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+): *", re.ASCII)
_FUNCTION = re.compile(r"([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?:\(\))?(?::\d+)?: +", re.ASCII)
_FRR = re.compile(r"\[([A-Z0-9]{5}-[A-Z0-9]{5})\](?:\[EC \d+\])? *(?:%([A-Z_]+): *)?", re.ASCII)
_VIPTELA = re.compile(r"Viptela-(.+)-\w+\Z")


class Header:
    """A header as read. ``at``: where the text begins. ``mark``: what the device says of its clock."""

    __slots__ = (
        "at", "data", "dialect", "facility", "host", "mark", "message_id", "process_id", "program", "severity", "stamp",
    )  # fmt: skip

    def __init__(self) -> None:
        self.facility = UNKNOWN_FACILITY
        self.severity = NOTICE
        self.stamp: Stamp | None = None
        self.mark = ""  # `*` or `.` (not synchronised), `synchronised`, `uptime`
        self.host = ""
        self.program = ""
        self.process_id = ""
        self.message_id = ""
        self.data: dict[str, Any] | None = None  # RFC 5424 structured data: id → name → value
        self.at = 0
        self.dialect = "none"


def clean_host(host: str) -> str:
    """Without the blade or routing engine that some put in front: ``re0.core1``, ``slot1/lb1``."""
    if host[:2] == "re" or host[:4] in _PREFIXED:
        found = _PREFIX.match(host)
        if found is not None:
            return host[found.end() :]
    return host


def clean_program(program: str) -> str:
    """Without the path: ``/usr/sbin/cron`` and ``/kernel`` are ``cron`` and ``kernel``."""
    return program.rpartition("/")[2] or program if program[:1] == "/" else program


def identify(text: str, at: int, header: Header) -> None:
    """Take the message id (and a program, where none is known) from the begin of the text; sets ``header.at``."""
    while text[at : at + 1] == " ":
        at += 1
    first = text[at : at + 1]
    header.at = at
    if first == "%":
        _percent(text, at, header)
    elif first == "[":
        found = _FRR.match(text, at)
        if found is not None and not header.message_id:
            header.message_id = found[2] or found[1]
    elif header.message_id:
        return
    elif first.isupper():
        found = _JUNOS.match(text, at)
        if found is not None:
            header.message_id, header.at = found[1], found.end()
    elif first.islower():
        found = _FUNCTION.match(text, at)
        if found is not None:
            header.message_id = found[1]


def _percent(text: str, at: int, header: Header) -> None:
    found = _CISCO.match(text, at)
    if found is not None:
        facility, severity, mnemonic = found.groups()
        header.message_id = f"{facility}-{severity}-{mnemonic}"
        header.at = found.end()
        if header.facility == UNKNOWN_FACILITY:
            header.severity = int(severity)
        if not header.host and facility[:8] == "Viptela-":
            host = _VIPTELA.match(facility)
            header.host = host[1] if host else ""
        header.program = header.program or facility
        return
    found = _HUAWEI.match(text, at)
    if found is not None:
        module, severity, brief, _, number = found.groups()
        header.message_id = f"{module}/{severity}/{brief}"
        header.program = header.program or module
        header.process_id = header.process_id or number or ""
        header.at = found.end()
        return
    found = _TAG.match(text, at)
    if found is not None:
        header.message_id = found[1]
