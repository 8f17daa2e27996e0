"""What is right for a vendor's message template, told from the template alone.

A template is a message with ``{{ host }}``, ``{{ bsd }}`` … where a device writes its own. Rendered with known values,
host and stamp of the header are known; the program is the word that a header has before ``[pid]:`` or ``:``, the
APP-NAME of RFC 5424, or the facility of ``%FACILITY-SEVERITY-MNEMONIC``. Where a template leaves open what the program
is (a sentence after the host, CSV, key=value), it is not judged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

PLACE = re.compile(r"\{\{ ?(\w+) ?\}\}")
TIMES = {
    "bsd", "iso", "iso_header", "epoch", "ucm_time", "aruba_time", "time", "timestamp", "bsdyear", "avi_time", "hptime",
    "delldt", "date",
}  # fmt: skip
#: What may stand between the begin of a message and its host without the host being part of the text.
BEFORE_HOST = re.compile(
    r"(?:[\s\d:.*,]|Z(?=\s)|[A-Z]{3,4}(?=\s)|slot\d/|user\.info|wrong_host|fortigate|fortiweb|(?:date|time|devname|fw)="
    r"|id=firewall|sn=\w+|\"|UTC|svm_service:|\(Stack\))*"
)
WORD_BEFORE_HOST = re.compile(r"(?:testvp-|tzfny-|tzfchi-)\Z")


@dataclass
class Rendered:
    """A message and what its header says; None = the template does not tell."""

    text: str
    host: str | None
    seconds: float | None
    program: str | None


def values(host: str, when: datetime, marked: bool) -> dict[str, str]:
    """Values of the places, as devices write them. ``marked``: with the version of RFC 5424."""
    ms = f"{when.microsecond // 1000:03}"
    clock = when.strftime("%H:%M:%S")
    return {
        "mark": "<134>1" if marked else "<134>", "host": host, "hostname": host, "orig_host": host,
        "bsd": when.strftime("%b %d %H:%M:%S"), "bsdyear": when.strftime("%b %d %H:%M:%S %Y"),
        "iso": when.replace(tzinfo=None).isoformat(timespec="milliseconds"),
        "iso_header": when.replace(tzinfo=None).isoformat(timespec="milliseconds"),
        "timestamp": when.isoformat(), "date": when.strftime("%Y-%m-%d"), "epoch": f"{int(when.timestamp())}.{ms}",
        "epochlong": str(int(when.timestamp() * 1000)), "millisec": ms, "microsec": f"{when.microsecond:06}",
        "year": str(when.year), "tzname": "UTC", "tzoffset": "+00:00", "seq": "4211", "pid": "31337",
        "node_id": "0/RP0/CPU0", "log_type": "TR", "program": "ConfigAgent", "unique_substring": "q",
        "aruba_time": when.strftime("%Y-%m-%d %H:%M:%S,") + ms, "avi_time": f"{clock},{ms}", "rsatime": f"{clock},{ms}",
        "ucm_time": when.strftime("%b %d %Y %I:%M:%S %p.") + ms, "wsatime": f"{int(when.timestamp())}.{ms}",
        "hptime": when.strftime("%Y-%m-%dT%H:%M:%S"), "delldt": when.strftime("%Y-%m-%d %H:%M:%S"),
        "recv_time": when.strftime("%Y/%m/%d %H:%M:%S"), "high_res_time": when.isoformat(timespec="milliseconds"),
        "overwritten_host_name": "other",
    }  # fmt: skip


def render(vendor: str, template: str, host: str, when: datetime, marked: bool) -> Rendered:
    """The message with its places filled in."""
    when = when.astimezone(UTC)
    fill = values(host, when, marked)
    if vendor == "palo_alto":
        fill["time"] = when.strftime("%Y/%m/%d %H:%M:%S")
    elif vendor == "citrix_netscaler":
        fill["time"] = when.strftime("%d/%m/%Y:%H:%M:%S")
    else:
        fill["time"] = when.strftime("%H:%M:%S")
    text = PLACE.sub(lambda place: fill[place[1]], template.rstrip("\n"))
    first_line = template.partition("\n")[0]
    return Rendered(
        text.partition("\n")[0] if first_line.count("mark") == 1 else text,
        _host(first_line, host), _seconds(first_line, when), _program(first_line, fill),
    )  # fmt: skip


#: ``mark iso host app procid msgid`` and structured data or a dash, with a blank before the stamp.
_FIVE_NAMES = re.compile(
    r"\{\{ ?mark ?\}\} +\{\{ ?iso(?:_header)? ?\}\}Z? +(?:\{\{ ?\w+ ?\}\}|\S+) +(\S+) +"
    r"(?:\{\{ ?pid ?\}\}|\S+) +\S+ +[-\[]"
)


def needs_version(template: str) -> bool:
    """Whether the message has the layout of RFC 5424 and does not give the version itself."""
    layout = _FIVE_NAMES.match(template)
    return layout is not None and not layout[1].endswith(":")


def _host(template: str, host: str) -> str | None:
    for place in PLACE.finditer(template):
        if place[1] not in ("host", "hostname", "orig_host"):
            continue
        before = PLACE.sub("", template[: place.start()])
        joined = WORD_BEFORE_HOST.search(before)
        if joined:
            before = before[: joined.start()]
        if BEFORE_HOST.fullmatch(before):
            after = re.match(r"[\w.\-]*", template[place.end() :])
            return (joined[0] if joined else "") + host + after[0]
        return None
    return None


#: Places and marks before the stamp of a header.
_STAMP = re.compile(
    r"\{\{ ?mark ?\}\}[\s\d:.*]*"
    r"(?:\{\{ ?(?:host|hostname|seq|node_id|year) ?\}\}|wrong_host|[\s\d:.*\-]|\*?\w+: )*"
    r"\{\{ ?(\w+) ?\}\}"
)
_KEYED = re.compile(r"date=\{\{ date \}\} time=\{\{ time \}\}|time=\"\{\{ (?:delldt|hptime) \}\}")


def _seconds(template: str, when: datetime) -> float | None:
    """The stamp of the header: the last one before the host or the text."""
    whole = float(int(when.timestamp()))
    thousandths = when.microsecond // 1000 / 1000
    if template.startswith("{{ mark }}: 2020 "):
        is_day = when.month != 2 or when.day != 29
        return float(int(when.replace(year=2020).timestamp())) if is_day else None
    if _KEYED.search(template):
        return whole
    head = _STAMP.match(template)
    if not head or head[1] not in TIMES:
        return None
    following = template[template.index("}}", head.start(1)) + 2 :]
    if head[1] == "epoch" and following.startswith("123"):
        return whole + thousandths + 0.000123
    if head[1] in ("iso", "iso_header", "epoch", "aruba_time", "ucm_time", "date"):
        return whole + thousandths
    if head[1] == "timestamp" or following.startswith(".{{ microsec }}"):
        return when.timestamp()
    return whole + thousandths if following.startswith(".{{ millisec }}") else whole


_APP_NAME = re.compile(r"<134>1? ?1? ?\d{4}-\d\d-\d\d[T ]\S+ +\S+ +(\S+) +\S+ +\S+ +(?:-|\[)")
_MNEMONIC = re.compile(
    r"(?:(\w[\w\-]*)\[\w*\]: *|^(?:[^%]*: )?\*?([A-Za-z]\w+): (?:[A-Z][a-z]{2} [ \d]\d [\d:.]+: )?)?"
    r"%([A-Z0-9][\w\-]*?)-[0-7]-\w+"
)
_NAMED = re.compile(r"(?:\x00|\dZ|host) (\w+): $")
_TAG = re.compile(
    r"(?:^<134>|\d\d:\d\d:\d\d(?:\.\d+)?Z? +(?:slot1/)?)\x00? *(?:(?<=\x00 )|(?<=\d )|(?<=>)|(?<=\x00  ))"
    r"(?:(?:info|err|warning|notice) )?([A-Za-z/_.\-][^\s:\[\]=\x00]*)(?:\[[^\]]*\])?:(?= |$)"
)


def _program(template: str, fill: dict[str, str]) -> str | None:
    hosts = ("host", "hostname", "orig_host")
    text = PLACE.sub(lambda place: "\x00" if place[1] in hosts else fill.get(place[1], ""), template)
    fields = _APP_NAME.match(text)
    if fields and not fields[1].endswith(":"):
        return None if fields[1] in ("-", "\x00") else fields[1]
    mnemonic = _MNEMONIC.search(text)
    if mnemonic and mnemonic.start() < 110 and "Viptela" not in text:
        process = mnemonic[1] or (mnemonic[2] if mnemonic[2] != "UTC" else None)
        named = _NAMED.search(text[: text.index("%" + mnemonic[3])])
        return process or (named[1] if named else mnemonic[3])
    tag = _TAG.search(text)
    return tag[1].rpartition("/")[2] if tag and tag[1] != "Severity" else None
