"""What follows the stamp of an RFC 3164 header, or of what vendors make of one: host, program, process."""

from __future__ import annotations

import re

from weft.decode.syslog import vendors
from weft.decode.syslog.names import Header, clean_host, clean_program, identify
from weft.decode.syslog.times import ZONES, StampReader, zone_at

_NAME = r"[A-Za-z/_.\-#][^\s:\[\],=<>\"'{}|;%]*+"
#: `` host program[123]: ``: nearly all of them.
_HOST_PROGRAM = re.compile(rf" ++([^\s:\[\],=<>%()\"'{{}}|]++) ++({_NAME})(?:\[([^\]\n]{{0,64}})\])?: ?")
_TOKEN = re.compile(r" +(\S+)")
_PROGRAM = re.compile(rf" *({_NAME}|)(?:\[([^\]\n]{{0,64}})\])?: ?")
_PROGRAM_PROCESS = re.compile(rf"({_NAME}|)\[([^\]\n]{{0,64}})\]:? ?")
_COLON = re.compile(r" *: ?")
_FACILITY_LEVEL = re.compile(
    r"(?:kern|user|mail|daemon|auth|authpriv|syslog|lpr|news|uucp|cron|ftp|local[0-7])\."
    r"(?:emerg|alert|crit|err|error|warn|warning|notice|info|debug)\Z"
)
_CAMEL = re.compile(r"[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*|-[A-Za-z0-9]+)*\Z", re.ASCII)
_ADDRESS = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\Z", re.ASCII)
_HOST_THEN_STAMP = re.compile(r" *([A-Za-z0-9][\w.\-]*) +(?=\d\d/\d\d/\d{4}:)", re.ASCII)
_SECOND_HEADER = re.compile(r" +(?=[A-Z][a-z]{2} +\d{1,2} \d\d:|\d{4}-\d\d-\d\dT)", re.ASCII)
_MOST_DEPTH = 3


def tail(text: str, at: int, header: Header, stamps: StampReader, now_s: int, depth: int = 0) -> None:
    """Read on from the end of the stamp."""
    header.dialect = header.dialect if header.dialect != "none" else "rfc3164"
    found = _HOST_PROGRAM.match(text, at)
    if found is not None:
        host, program, process = found.groups()
        if host not in ZONES and program != "Severity":
            header.host = clean_host(host)
            header.program = clean_program(program)
            if process and process != "-":
                header.process_id = process
            if program == "CEF" or program == "LEEF":
                vendors.event_format(text, found.start(2), header, stamps, now_s)
            else:
                identify(text, found.end(), header)
            return
    _odd(text, at, header, stamps, now_s, depth)


def _odd(text: str, at: int, header: Header, stamps: StampReader, now_s: int, depth: int) -> None:
    """Headers without a host, without a program, or with more between them."""
    zone, after_zone = zone_at(text, at)
    if zone is not None and header.stamp is not None:
        header.stamp.zone = zone if header.stamp.zone is None else header.stamp.zone
        at = after_zone
    colon = _COLON.match(text, at)
    if colon is not None:
        _program(text, colon.end(), header, stamps, now_s)
        return
    token = _TOKEN.match(text, at)
    if token is None:
        header.at = len(text)
        return
    word = token[1]
    if _FACILITY_LEVEL.match(word):
        tail(text, token.end(), header, stamps, now_s, depth)
    elif word[0] == "%" or vendors.is_body(text, token.start(1)):
        vendors.body(text, token.start(1), header, stamps, now_s)
    elif (pair := _PROGRAM_PROCESS.match(text, token.start(1))) is not None:
        header.program = clean_program(pair[1])
        header.process_id = pair[2] if pair[2] != "-" else ""
        identify(text, pair.end(), header)
    elif "," in word and "=" in word:
        header.host = clean_host(word.partition(",")[0] or "-")
        header.at = token.start(1) + word.index(",") + 1
    elif word[-1] == ":":
        _name_colon(text, word[:-1], token.end(), header)
    elif "=" in word:
        vendors.body(text, token.start(1), header, stamps, now_s)
    else:
        header.host = clean_host(word)
        _after_host(text, token.end(), header, stamps, now_s, depth)


def _program(text: str, at: int, header: Header, stamps: StampReader, now_s: int) -> None:
    """After the colon that ends a header without a host: perhaps a process, then the text."""
    found = _PROGRAM.match(text, at)
    if found is not None and found[2] is not None and found[1]:
        header.program, header.process_id = clean_program(found[1]), found[2]
        at = found.end()
    vendors.body(text, at, header, stamps, now_s)


def _name_colon(text: str, name: str, at: int, header: Header) -> None:
    """``name: text`` without anything else: a program, unless it can only be a host."""
    rest = text[at : at + 2].lstrip()
    is_tagged = rest[:1] == "%"
    if name and (_ADDRESS.match(name) or rest[:1] == "<" or (is_tagged and not _CAMEL.match(name))):
        header.host = clean_host(name)
    else:
        header.program = clean_program(name)
        after = _HOST_THEN_STAMP.match(text, at)
        if after is not None:
            header.host = clean_host(after[1])
            at = after.end()
    identify(text, at, header)


def _after_host(text: str, at: int, header: Header, stamps: StampReader, now_s: int, depth: int) -> None:
    second = _SECOND_HEADER.match(text, at)
    if second is not None and depth < _MOST_DEPTH:
        read = stamps.any(text, second.end(), now_s)
        if read is not None and text[read[1] : read[1] + 1] == " ":
            inner = Header()
            inner.facility, inner.severity, inner.stamp = header.facility, header.severity, read[0]
            tail(text, read[1], inner, stamps, now_s, depth + 1)
            if inner.host and inner.program:  # a relay put a header of its own in front
                for name in ("stamp", "host", "program", "process_id", "message_id", "at"):
                    setattr(header, name, getattr(inner, name))
                return
    vendors.after_host(text, at, header, stamps, now_s)
