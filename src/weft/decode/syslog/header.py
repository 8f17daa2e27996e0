"""The header of a log message: RFC 5424, RFC 3164, and the many ways vendors write one.

The first octets decide which reader is tried, so a message costs a few regular expressions, whatever the vendor. Text
that no reader knows is a message without a header: nothing here rejects or raises.
"""

from __future__ import annotations

import re

from weft.decode.syslog import cisco, common, vendors
from weft.decode.syslog.common import PRIORITIES
from weft.decode.syslog.names import Header, clean_host, identify
from weft.decode.syslog.structured import data_at
from weft.decode.syslog.tail import tail
from weft.decode.syslog.times import EPOCH, MONTHS, Stamp, StampReader, nanos, zone_at

#: What begins with a digit: a sequence number, the version of RFC 5424, or a stamp.
_NUMBER = re.compile(
    r"(?P<sequence>\d+: )|(?P<version>\d{1,3})(?: +(?=-(?: |$)|\d{4}-|\d{9,10}\.|[A-Z][a-z]{2} )|$)|(?P<iso>\d{4}-\d)"
    r"|(?P<epoch>\d{9,10}\.)|(?P<other>\d\d)",
    re.ASCII,
)
#: HOSTNAME APP-NAME PROCID MSGID and the begin of STRUCTURED-DATA (RFC 5424 §6).
_FIELDS = re.compile(r" ++(\S++) ++(\S++) ++(\S++) ++(\S++) ++(?:-(?: |$)|(?=\[))")
_MERAKI = re.compile(r"(\S+) +([A-Za-z_\-]+)(?= |$)")
_BOM = "\ufeff"


class HeaderReader:
    """Reads headers. Keeps nothing but the seconds that stamps mean; may be shared by all senders of one thread."""

    def __init__(self) -> None:
        self._stamps = StampReader()

    def read(self, text: str, now_s: int) -> Header:
        """The header of ``text``, which arrived at ``now_s`` (UTC seconds; decides a missing year)."""
        header = Header()
        stamps = self._stamps
        begin = text.find(">", 1, 5) + 1
        first = text[begin : begin + 2]
        if first == "1 ":
            is_read = common.rfc5424(text, header, stamps, now_s)
        elif first == "da" and text[begin : begin + 5] == "date=" and text[:begin] in PRIORITIES:
            header.facility, header.severity = PRIORITIES[text[:begin]]
            is_read = vendors.pairs(text, begin, header, stamps, now_s)
        else:
            is_read = (
                common.rfc3164(text, header, stamps, now_s)
                or common.cisco(text, header, stamps, now_s)
                or common.mnemonic(text, header, stamps, now_s)
            )
        return header if is_read else self._uncommon(text, header, now_s)

    def _uncommon(self, text: str, header: Header, now_s: int) -> Header:
        at = 0
        if text[:1] == "<":
            end = text.find(">", 1, 6) + 1
            priority = PRIORITIES.get(text[:end])
            if priority is not None:
                header.facility, header.severity = priority
                at = end
                header.dialect = "rfc3164"
        while text[at : at + 1] == " ":
            at += 1
        first = text[at : at + 1]
        if first.isdigit() and self._digits(text, at, header, now_s):
            return header
        if text[at : at + 3] in MONTHS:
            read = self._stamps.bsd(text, at, now_s)
            if read is not None:
                header.stamp, at = read
                tail(text, at, header, self._stamps, now_s)
                return header
        if not cisco.lead(text, at, header, self._stamps, now_s):
            vendors.untimed(text, at, header, self._stamps, now_s)
        return header

    def _digits(self, text: str, at: int, header: Header, now_s: int) -> bool:
        """What begins with a digit: a version and RFC 5424, or a stamp; False = neither."""
        number = _NUMBER.match(text, at)
        kind = number.lastgroup if number is not None else None
        if number is None or kind == "sequence":
            return False
        if kind == "version":
            if number.end() == len(text):
                header.dialect, header.at = "rfc5424", len(text)
                return True
            at = number.end()
            if text[at] == "-":
                return self._rfc5424(text, at + 1, header, now_s)
        if kind == "iso" or kind == "version":
            read = self._stamps.iso(text, at, now_s)
            if read is not None:
                header.stamp, end = read
                if not self._rfc5424(text, end, header, now_s, strict=kind == "version"):
                    if header.stamp.zone is None:
                        end = self._zone(text, end, header.stamp)
                    tail(text, end, header, self._stamps, now_s)
                return True
        if (kind == "epoch" or kind == "version") and (epoch := EPOCH.match(text, at)) is not None:
            header.stamp = Stamp(int(epoch[1]), nanos(epoch[2]), len(epoch[2]), 0)
            self._meraki(text, epoch.end(), header, now_s)
            return True
        read = self._stamps.any(text, at, now_s)
        if read is None:
            return False
        header.stamp, end = read
        end = self._zone(text, end, header.stamp)
        tail(text, end, header, self._stamps, now_s)
        return True

    @staticmethod
    def _zone(text: str, at: int, stamp: Stamp) -> int:
        zone, end = zone_at(text, at)
        if zone is not None and stamp.zone is None:
            stamp.zone = zone
        return end

    def _rfc5424(self, text: str, at: int, header: Header, now_s: int, strict: bool = True) -> bool:
        """Fields after the stamp; without ``strict`` (no version was given) they must not look like RFC 3164."""
        fields = _FIELDS.match(text, at)
        if fields is None:
            return False
        host, program, process, message_id = fields.groups()
        if program[-1] == ":" or (not strict and ("[" in program or "," in host or "=" in host)):
            return False
        header.dialect = "rfc5424"
        header.host = clean_host(host) if host != "-" else ""
        header.program = program if program != "-" else ""
        header.process_id = process if process != "-" else ""
        header.message_id = message_id if message_id != "-" else ""
        end = fields.end()
        if text[end : end + 1] == "[":
            header.data, end = data_at(text, end)
        if text[end : end + 1] == _BOM:
            end += 1
        header.at = end
        if not header.program:
            vendors.body(text, end, header, self._stamps, now_s)
        elif not header.message_id:
            identify(text, end, header)
        return True

    def _meraki(self, text: str, at: int, header: Header, now_s: int) -> None:
        """``1700000000.123456789 host events type=…``."""
        found = _MERAKI.match(text, at)
        if found is None:
            tail(text, at - 1, header, self._stamps, now_s)
            return
        header.host, header.program = clean_host(found[1]), found[2]
        header.at = min(found.end() + 1, len(text))
        header.dialect = "epoch"
