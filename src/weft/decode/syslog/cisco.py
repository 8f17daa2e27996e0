"""Headers of Cisco's systems, and of those that write like them.

``[seq: ][host: ][node:][seq: ][*|.]stamp [zone]: [process[pid]: ]%FACILITY-SEVERITY-MNEMONIC: text`` with any part
missing: IOS, IOS-XE, IOS-XR, NX-OS, ASA, UCS, wireless controllers, Unified Communications.
"""

from __future__ import annotations

import re

from weft.decode.syslog import vendors
from weft.decode.syslog.names import Header, clean_host, identify
from weft.decode.syslog.tail import tail
from weft.decode.syslog.times import UPTIME, StampReader, zone_at

_LEAD = re.compile(
    r"(?:(\d{1,12}): +)?"  # sequence number
    r"(?:(?!\d+:\d\d:\d\d)([A-Za-z0-9_][\w.\-]*|[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F:.]*)"  # host
    r"(?:: +| (?=[A-Z0-9]+(?:/[A-Z0-9]+)+:)))?"
    r"(?:([A-Za-z0-9]+(?:/[A-Za-z0-9]+)+):)?"  # node of IOS-XR
    r"(?:(\d{1,12}): +)?"  # sequence number of the other kind
    r"(?:\*?([A-Za-z][\w\-]*): +(?=[*.A-Z]))?"  # task
    r"([*.]?):? *",  # what the clock is worth
    re.ASCII,
)
_END = re.compile(r"(?: [A-Z]{2,6})? ?:(?: +|(?=%)|$)")  # a zone that nobody knows says nothing
_PROCESS = re.compile(r"([A-Za-z_][\w.\-/]*)\[(\w*)\]: *", re.ASCII)


def lead(text: str, at: int, header: Header, stamps: StampReader, now_s: int) -> bool:
    """Read a header of this family at ``at``; False = it is of none."""
    found = _LEAD.match(text, at)
    assert found is not None  # every part may be missing
    end = found.end()
    uptime = UPTIME.match(text, end) if text[end : end + 1].isdigit() else None
    if uptime is not None:
        header.mark = "uptime"
        end = uptime.end()
    elif text[end : end + 1] != "%":
        read = stamps.any(text, end, now_s)
        if read is None:
            return False
        header.stamp, end = read
        header.mark = found[6]
        zone, end = zone_at(text, end)
        if zone is not None and header.stamp.zone is None:
            header.stamp.zone = zone
    elif end == at:
        header.dialect = "cisco"
        identify(text, end, header)
        return True
    header.dialect = "cisco"
    header.host = clean_host(found[2]) if found[2] else ""
    header.program = found[5] or ""
    _after_stamp(text, end, header, stamps, now_s)
    return True


def _after_stamp(text: str, at: int, header: Header, stamps: StampReader, now_s: int) -> None:
    colon = _END.match(text, at)
    if colon is None:
        if header.host or text[at : at + 1] != " ":
            vendors.body(text, at, header, stamps, now_s)
        else:
            tail(text, at, header, stamps, now_s)
        return
    at = colon.end()
    process = _PROCESS.match(text, at)
    if process is not None:
        header.program, header.process_id = process.groups()
        at = process.end()
    identify(text, at, header)
