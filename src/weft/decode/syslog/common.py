"""The headers that nearly all messages have, each read by one regular expression.

Whatever these take, the readers of ``header`` would read the same; they are only slower.
"""

from __future__ import annotations

import re

from weft.decode.syslog.names import Header, clean_host, clean_program, identify
from weft.decode.syslog.structured import data_at
from weft.decode.syslog.times import ZONES, Stamp, StampReader, minutes_east, nanos

_BSD = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_OFFSET = r"Z|[+-]\d\d:\d\d"
#: ``<30>Mar  1 18:46:11 host program[123]: `` and the same with an RFC 3339 stamp.
_RFC3164 = re.compile(
    rf"(<\d{{1,3}}>)(?:({_BSD})|({_ISO}))(?:\.(\d{{1,9}}))?({_OFFSET})? ++([^\s:\[\],=<>%()\"'{{}}|]++) ++"
    r"([A-Za-z/_.\-#][^\s:\[\],=<>\"'{}|;%]*+)(?:\[([^\]\n]{0,64})\])?: ?"
)
_RFC5424 = re.compile(
    rf"(<\d{{1,3}}>)1 ({_ISO})(?:\.(\d{{1,9}}))?({_OFFSET}) (\S++) (\S++) (\S++) (\S++) (?:-(?: |$)|(?=\[))"
)
#: ``<189>123: host: *Mar  1 18:46:11.123 UTC: %LINK-3-UPDOWN: ``, and IOS-XR with node and process.
_CISCO = re.compile(
    r"(<\d{1,3}>)(?:\d{1,12}: )?(?:([A-Za-z0-9_][\w.\-]*)(?:: | (?=\w+(?:/\w+)+:)))?(?:\w+(?:/\w+)+:)?"
    rf"([*.]?)({_BSD})(?:\.(\d{{1,9}}))?(?: ([A-Z]{{3,5}}))? ?: (?:([A-Za-z_][\w.\-]*)\[(\w*)\]: )?"
    r"%([A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*?)-([0-7])-([A-Za-z0-9_]+) ?: ",
    re.ASCII,
)
#: ``<164>Mar  1 18:46:11 host : %ASA-4-106023: ``.
_MNEMONIC = re.compile(
    rf"(<\d{{1,3}}>)(?:({_BSD})|({_ISO}))(?:\.(\d{{1,9}}))?({_OFFSET})? ([A-Za-z0-9_][\w.\-]*) ?:? "
    r"%([A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*?)-([0-7])-([A-Za-z0-9_]+): ",
    re.ASCII,
)
_OTHER_PROGRAMS = frozenset({"CEF", "LEEF", "Severity"})
PRIORITIES: dict[str, tuple[int, int]] = {
    form.format(number): (number >> 3, number & 7) for number in range(192) for form in ("<{}>", "<{:02}>", "<{:03}>")
}


def rfc3164(text: str, header: Header, stamps: StampReader, now_s: int) -> bool:
    """Read it if it is one; nothing is changed otherwise."""
    found = _RFC3164.match(text)
    if found is None:
        return False
    priority, bsd, iso, fraction, offset, host, program, process = found.groups()
    known = PRIORITIES.get(priority)
    if known is None or host in ZONES or host.isdigit() or program in _OTHER_PROGRAMS or (offset is not None and bsd):
        return False
    seconds = stamps.seconds(bsd or iso, now_s)
    if seconds is None:
        return False
    header.facility, header.severity = known
    digits = len(fraction) if fraction is not None else 0
    header.stamp = Stamp(seconds, nanos(fraction), digits, minutes_east(offset) if offset is not None else None)
    header.host, header.program = clean_host(host), clean_program(program)
    if process and process != "-":
        header.process_id = process
    header.dialect = "rfc3164"
    identify(text, found.end(), header)
    return True


def rfc5424(text: str, header: Header, stamps: StampReader, now_s: int) -> bool:
    """Read it if it is one with all its names; nothing is changed otherwise."""
    found = _RFC5424.match(text)
    if found is None:
        return False
    priority, iso, fraction, offset, host, program, process, message_id = found.groups()
    known = PRIORITIES.get(priority)
    if known is None or program == "-" or program[-1] == ":":
        return False
    seconds = stamps.seconds(iso, now_s)
    if seconds is None:
        return False
    header.facility, header.severity = known
    header.stamp = Stamp(seconds, nanos(fraction), len(fraction) if fraction is not None else 0, minutes_east(offset))
    header.host, header.program = clean_host(host) if host != "-" else "", program
    header.process_id = process if process != "-" else ""
    header.dialect = "rfc5424"
    at = found.end()
    if text[at : at + 1] == "[":
        header.data, at = data_at(text, at)
    if text[at : at + 1] == "\ufeff":
        at += 1
    header.at = at
    if message_id != "-":
        header.message_id = message_id
    else:
        identify(text, at, header)
    return True


def cisco(text: str, header: Header, stamps: StampReader, now_s: int) -> bool:
    """Read it if it is one; nothing is changed otherwise."""
    found = _CISCO.match(text)
    if found is None:
        return False
    priority, host, mark, bsd, fraction, zone, program, process, facility, severity, mnemonic = found.groups()
    known = PRIORITIES.get(priority)
    if known is None or (zone is not None and zone not in ZONES):
        return False
    seconds = stamps.seconds(bsd, now_s)
    if seconds is None:
        return False
    header.facility, header.severity = known
    header.stamp = Stamp(seconds, nanos(fraction), len(fraction) if fraction is not None else 0, zone)
    header.mark = mark
    header.host = clean_host(host) if host is not None else ""
    header.program = facility if program is None else program
    header.process_id = process or ""
    header.message_id = f"{facility}-{severity}-{mnemonic}"
    header.at = found.end()
    header.dialect = "cisco"
    return True


def mnemonic(text: str, header: Header, stamps: StampReader, now_s: int) -> bool:
    """Read it if it is one; nothing is changed otherwise."""
    found = _MNEMONIC.match(text)
    if found is None:
        return False
    priority, bsd, iso, fraction, offset, host, facility, severity, name = found.groups()
    known = PRIORITIES.get(priority)
    if known is None or host in ZONES or host.isdigit() or (offset is not None and bsd):
        return False
    seconds = stamps.seconds(bsd or iso, now_s)
    if seconds is None:
        return False
    header.facility, header.severity = known
    digits = len(fraction) if fraction is not None else 0
    header.stamp = Stamp(seconds, nanos(fraction), digits, minutes_east(offset) if offset is not None else None)
    header.host, header.program = clean_host(host), facility
    header.message_id = f"{facility}-{severity}-{name}"
    header.at = found.end()
    header.dialect = "rfc3164"
    return True
