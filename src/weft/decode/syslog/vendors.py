"""Texts that carry their own header or stand where one is expected: key=value, CSV, CEF, and single vendors' habits."""

from __future__ import annotations

import re

from weft.decode.syslog.names import Header, clean_host, clean_program, identify
from weft.decode.syslog.times import ZONES, Stamp, StampReader

#: Palo Alto: ``1,receive time,serial,TYPE,subtype,…``.
_CSV = re.compile(r"\d*,(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)[^,]*,(\w*),([A-Z][A-Z\-]+),([\w\-]*),", re.ASCII)
_EVENT_FORMAT = re.compile(r"(CEF|LEEF): ?[\d.]+\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|?")
_RECEIPT = re.compile(r"\brt=(?:(\d{10})(\d{3})?\b|([A-Z][a-z]{2} +\d{1,2} (?:\d{4} )?\d\d:\d\d:\d\d))", re.ASCII)
#: Two ``name=value`` after each other at the begin.
_PAIRS = re.compile(r"[A-Za-z_]\w*=(?:\"[^\"]*\"|\S*)[ ,]\s*[A-Za-z_][\w.]*=", re.ASCII)
_TIMED = re.compile(r"\btime=\"(\d{4}-\d\d-\d\d[T ][^\"(]*)", re.ASCII)

_LEVEL = re.compile(r" +(?:emerg|alert|crit|err|error|warn|warning|notice|info|debug) +(?=[\w().\-/]+(?:\[[^\]]*\])?:)")
_PROGRAM = re.compile(r" +([A-Za-z/_.\-#][^\s:\[\],=<>\"'{}|;%]*)(?:\[([^\]\n]{0,64})\])?: ?")
#: rsyslog's traditional formats of a message that came as RFC 5424 have no colon.
_PROGRAM_BARE = re.compile(r" +([A-Za-z/_][\w./\-]*)\[(\d{1,10})\] +", re.ASCII)
_PROCESS_ONLY = re.compile(r" *\[([^\]\s]{1,64})\]: ?")
_EXTRA_ADDRESS = re.compile(r" +\d{1,3}(?:\.\d{1,3}){3}(?= +[A-Za-z][\w\-]*\[[^\]]*\]:)", re.ASCII)
_SPACED_COLON = re.compile(r" +([A-Za-z0-9][\w.\-]*) : ")
_DASHED = re.compile(r" +([A-Za-z][\w.\-]*) - ")
_FIVE_FIELDS = re.compile(r" +(\S+) (\d+) (\S+) (?=CEF:)", re.ASCII)
_NUMBERED = re.compile(r" +(\d{5}) ([a-zA-Z][\w\-]*): *", re.ASCII)
_SHELF = re.compile(r" +(fpc\d+|pfe|spu\d*)(?: +fpc\d+)? +(?:([a-z]\w*): )?", re.ASCII)
_SHELF_TAG = re.compile(r"([A-Za-z][\w]*):", re.ASCII)
_UNDERSCORED = re.compile(r" +([A-Z][A-Za-z0-9]*_[A-Za-z0-9_]+)(?= )", re.ASCII)
_CAPITALS = re.compile(r" +([A-Z]{2,8})(?= +[A-Z0-9a-f:.\"]+)", re.ASCII)
_LEVEL_WORDS = frozenset(
    ["EMERG", "ALERT", "CRIT", "CRITICAL", "ERR", "ERROR", "WARN", "WARNING", "NOTICE", "INFO", "DEBUG"]
)
_BRACKETED = re.compile(r" +\[\d[^\]]*?: ([A-Za-z][\w\-]+): [A-Z]+: ?\] *", re.ASCII)
_STACK = re.compile(r" *\([A-Za-z]\w*\)(?= +%)", re.ASCII)
#: RouterOS: ``system,info,account``.
_TOPICS = re.compile(
    r" *((?:[a-z][a-z0-9\-]*,)+(?:info|warning|error|critical|debug)(?:,!?[a-z0-9\-]+)*)(?=[ :])", re.ASCII
)
#: ``host port02 2018-Nov-12 10:47:29.515 LOGIN: root``.
_CONSOLE = re.compile(r"([A-Za-z0-9_][\w.\-]*) +([\w\-]+) +(?=\d{4}-[A-Z][a-z]{2}-)", re.ASCII)
_CONSOLE_TAG = re.compile(r" +([A-Z]+): *", re.ASCII)
_NETSCREEN = re.compile(r"([A-Za-z0-9_][\w.\-]*): +(?=NetScreen )", re.ASCII)
_PLAIN = re.compile(r"([A-Za-z/_][\w.\-/#()]*)(?:\[([^\]\n]{0,64})\])?: +", re.ASCII)
_PLAIN_PROCESS = re.compile(r"([A-Za-z/_][\w.\-/#()]*)\[([^\]\n]{0,64})\]:? *", re.ASCII)
_PACKET_ENGINE = re.compile(r"(?:default )?([A-Z][A-Z0-9]+) ([A-Z][A-Z0-9_]+) \d", re.ASCII)


def is_body(text: str, at: int) -> bool:
    """Whether the text itself begins here, rather than a name of the header."""
    first = text[at : at + 1]
    if first.isdigit() or first == ",":
        return _CSV.match(text, at) is not None
    if first == "C" or first == "L":
        return _EVENT_FORMAT.match(text, at) is not None
    return False


def body(text: str, at: int, header: Header, stamps: StampReader, now_s: int) -> None:
    """The text begins at ``at``; take what it tells of its own header."""
    while text[at : at + 1] == " ":
        at += 1
    first = text[at : at + 1]
    if (first.isdigit() or first == ",") and _csv(text, at, header, stamps, now_s):
        return
    if (first == "C" or first == "L") and event_format(text, at, header, stamps, now_s):
        return
    if first.isalpha() and pairs(text, at, header, stamps, now_s):
        return
    identify(text, at, header)


def after_host(text: str, at: int, header: Header, stamps: StampReader, now_s: int) -> None:
    """What stands between a host and the text where it is not simply ``program[pid]:``."""
    stack = _STACK.match(text, at)
    at = stack.end() if stack else at
    level = _LEVEL.match(text, at)
    at = level.end() - 1 if level else at
    address = _EXTRA_ADDRESS.match(text, at)
    at = address.end() if address else at
    found = _PROGRAM.match(text, at)
    if found is not None and found[1] != "Severity" and not text.startswith(("CEF:", "LEEF:"), found.start(1)):
        header.program = clean_program(found[1])
        header.process_id = found[2] if found[2] and found[2] != "-" else ""
        identify(text, found.end(), header)
        return
    bare = _PROGRAM_BARE.match(text, at)
    if bare is not None:
        header.program, header.process_id = clean_program(bare[1]), bare[2]
        identify(text, bare.end(), header)
        return
    only = _PROCESS_ONLY.match(text, at)
    if only is not None:
        header.process_id = only[1]
        header.at = only.end()
        return
    if not _habits(text, at, header):
        colon = re.match(r" *: ", text[at : at + 8])
        body(text, at + (colon.end() if colon else 0), header, stamps, now_s)


def _habits(text: str, at: int, header: Header) -> bool:
    """Single vendors' ways to name a program."""
    for pattern in (_FIVE_FIELDS, _NUMBERED, _SHELF):
        found = pattern.match(text, at)
        if found is None:
            continue
        if pattern is _FIVE_FIELDS:
            header.program, header.process_id, header.message_id = found.groups()
        elif pattern is _NUMBERED:
            header.message_id, header.program = found.groups()
        else:
            header.program, header.process_id = found[2] or found[1], ""
            tag = _SHELF_TAG.match(text, found.end())
            header.message_id = tag[1] if tag else ""
        header.at = found.end()
        return True
    for pattern in (_BRACKETED, _SPACED_COLON, _DASHED, _UNDERSCORED, _CAPITALS, _TOPICS):
        found = pattern.match(text, at)
        if found is None or found[1] in _LEVEL_WORDS:
            continue
        header.program = found[1]
        end = found.end()
        while text[end : end + 1] in (" ", ":"):
            end += 1
        header.at = end
        engine = _PACKET_ENGINE.match(text, end)
        header.message_id = f"{engine[1]}-{engine[2]}" if engine else header.message_id
        return True
    return False


def untimed(text: str, at: int, header: Header, stamps: StampReader, now_s: int) -> None:
    """A message whose header has no stamp where one belongs, or no header at all."""
    console = _CONSOLE.match(text, at)
    if console is not None:
        read = stamps.iso(text, console.end(), now_s)
        tag = _CONSOLE_TAG.match(text, read[1]) if read else None
        if read is not None and tag is not None:
            header.stamp, header.host, header.program = read[0], clean_host(console[1]), console[2]
            header.message_id, header.at, header.dialect = tag[1], tag.end(), "console"
            return
    if (screen := _NETSCREEN.match(text, at)) is not None:
        header.host, header.program = clean_host(screen[1]), "NetScreen"
        header.at = screen.end()
    elif (topics := _TOPICS.match(text, at)) is not None:
        header.program, header.at, header.dialect = topics[1], topics.end(), "topics"
        while text[header.at : header.at + 1] in (" ", ":"):
            header.at += 1
    elif is_body(text, at) or _PAIRS.match(text, at):
        body(text, at, header, stamps, now_s)
    else:
        plain = _PLAIN_PROCESS.match(text, at) or _PLAIN.match(text, at)
        if plain is not None:
            header.program, header.process_id = clean_program(plain[1]), plain[2] or ""
            at = plain.end()
        identify(text, at, header)
        _timed(text, header, stamps, now_s)


def _timed(text: str, header: Header, stamps: StampReader, now_s: int) -> None:
    """A stamp within the text, for those that have no other."""
    found = _TIMED.search(text, header.at) if "time=" in text else None
    if found is not None and header.stamp is None:
        read = stamps.iso(text, found.start(1), now_s)
        header.stamp = read[0] if read else None


def _csv(text: str, at: int, header: Header, stamps: StampReader, now_s: int) -> bool:
    found = _CSV.match(text, at)
    if found is None:
        return False
    if header.stamp is None:
        read = stamps.iso(text, found.start(1), now_s)
        header.stamp = read[0] if read else None
    header.program = header.program or found[3]
    header.message_id = header.message_id or (found[4] if found[4] != "0" else "")
    header.at, header.dialect = at, "csv"
    return True


def event_format(text: str, at: int, header: Header, stamps: StampReader, now_s: int) -> bool:
    """CEF and LEEF: the text stays whole; id and stamp are taken from it."""
    found = _EVENT_FORMAT.match(text, at)
    if found is None:
        return False
    header.program = header.program or found[1]
    header.message_id = header.message_id or found[5].strip()
    header.at = at
    if header.stamp is None:
        receipt = _RECEIPT.search(text, found.end())
        if receipt is not None and receipt[1]:
            header.stamp = Stamp(int(receipt[1]), int(receipt[2] or 0) * 1_000_000, 3 if receipt[2] else 0, 0)
        elif receipt is not None:
            read = stamps.bsd(text, receipt.start(3), now_s)
            header.stamp = read[0] if read else None
    return True


def pairs(text: str, at: int, header: Header, stamps: StampReader, now_s: int) -> bool:
    """``date=… time=… devname=…``: Fortinet, Sophos, SonicWall and others."""
    if not _PAIRS.match(text, at):
        return False
    header.at, header.dialect = at, "pairs"
    host = _value(text, at, "devname") or _value(text, at, "device_name") or _value(text, at, "fw")
    if host:
        header.host = clean_host(host)
    header.program = (
        _value(text, at, "type") or _value(text, at, "log_type") or header.program or _value(text, at, "id")
    )
    kind = _value(text, at, "subtype") or _value(text, at, "log_id") or _value(text, at, "m")
    header.message_id = kind or header.message_id
    day, clock = _value(text, at, "date"), _value(text, at, "time")
    written = f"{day} {clock}" if day and clock else clock
    read = stamps.any(written, 0, now_s) if written else None
    if read is not None:
        header.stamp, end = read
        zone = _value(text, at, "tz") or _value(text, at, "timezone") or written[end:].strip()
        if header.stamp.zone is None and zone:
            header.stamp.zone = _zone(zone)
    return True


def _value(text: str, at: int, name: str) -> str:
    """The value of a name among ``name=value`` from ``at`` on, without quotes; empty = there is none."""
    if text.startswith(name + "=", at):
        begin = at + len(name) + 1
    else:
        begin = text.find(f" {name}=", at) + len(name) + 2
        if begin == len(name) + 1:
            return ""
    if text[begin : begin + 1] == '"':
        end = text.find('"', begin + 1)
        return text[begin + 1 : end if end > 0 else None]
    end = text.find(" ", begin)
    return text[begin : end if end >= 0 else None].rstrip(",")


_GIVEN_OFFSET = re.compile(r"(?:.*?GMT)?([+-])(\d{1,2}):?(\d\d)", re.ASCII)


def _zone(text: str) -> int | str | None:
    found = _GIVEN_OFFSET.match(text)
    if found is not None:
        minutes = int(found[2]) * 60 + int(found[3])
        return -minutes if found[1] == "-" else minutes
    return text if text in ZONES else None
