"""DNS queries that log lines tell of: who asked for which name, of which type, and whether there was one.

Read are the lines of BIND, Infoblox and Unbound, dnsmasq and Pi-hole, CoreDNS and FortiOS, and JSON as Zeek and
Suricata write it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

#: Longest name (RFC 1035 section 2.3.4), dots and escapes included.
MOST_NAME = 255


class Query(NamedTuple):
    """One query. ``failed``: the answer was that there is no such name (NXDOMAIN)."""

    at_s: float
    client: str
    name: str
    kind: str
    failed: bool


_ADDRESS = r"[0-9a-fA-F.:]{3,45}"
_NAME = r"[^\s\"'(),;]{1,255}"
# Zeek: {"id.orig_h":"10.0.0.7", … "query":"www.example.com", … "qtype_name":"A" …}
_ZEEK = (
    rf'"id\.orig_h": ?"(?P<client>{_ADDRESS})".{{0,600}}?"query": ?"(?P<name>{_NAME})"'
    r'(?:.{0,200}?"qtype_name": ?"(?P<kind>\w+)")?'
)
# Suricata: {"src_ip":"10.0.0.7", … "dns":{"type":"query", … "rrname":"www.example.com","rrtype":"A"}}
_SURICATA = (
    rf'"src_ip": ?"(?P<client>{_ADDRESS})".{{0,600}}?"type": ?"query".{{0,200}}?"rrname": ?"(?P<name>{_NAME})"'
    r'(?:.{0,80}?"rrtype": ?"(?P<kind>\w+)")?'
)
_FORMS = (
    # FortiOS: srcip=10.0.0.7 … qname="www.example.com" qtype="A"
    rf'\bsrcip="?(?P<client>{_ADDRESS})"?\b.{{0,400}}?\bqname="?(?P<name>{_NAME})"?(?:.{{0,80}}?\bqtype="?(?P<kind>\w+))?',
    # BIND, Infoblox: client @0x7f 10.0.0.7#5353 (www.example.com): query: www.example.com IN A + (…)
    rf"client (?:@0x[0-9a-f]+ )?(?P<client>{_ADDRESS})#\d+.{{0,300}}?query: (?P<name>{_NAME}) IN (?P<kind>\w+)",
    # dnsmasq, Pi-hole: query[A] www.example.com from 10.0.0.7
    rf"query\[(?P<kind>\w+)\] (?P<name>{_NAME}) from (?P<client>{_ADDRESS})",
    # Unbound: info: 10.0.0.7 www.example.com. A IN
    rf"\binfo: (?P<client>{_ADDRESS})(?:@\d+)? (?P<name>{_NAME}) (?P<kind>\w+) IN\b",
    # CoreDNS: [INFO] 10.0.0.7:5353 - 12 "A IN www.example.com. udp 40 false 512" NXDOMAIN …
    rf'(?P<client>{_ADDRESS}):\d+ - \d+ "(?P<kind>\w+) IN (?P<name>{_NAME}) ',
    _ZEEK,
    _SURICATA,
)
_PATTERNS = tuple(re.compile(form) for form in _FORMS)
#: What every such line holds: the cheap test, for whole columns.
_HINT = r'qname=|: query: |query\[| IN(\s|$|")|"query": ?"|"rrname"|" IN |\bIN [^ ]+\. '
_FAILED = re.compile(r"\bNXDOMAIN\b|\bNX[Dd]omain\b")
MOST_READ = 200_000  # lines of one batch that are looked at


_last: tuple[pa.RecordBatch | None, list[Query]] = (None, [])


def queries(rows: pa.RecordBatch) -> list[Query]:
    """The DNS queries in rows of ``logs``; detectors given the same batch one after another share the work."""
    global _last
    batch, found = _last
    if batch is not rows:
        found = _queries(rows)
        _last = (rows, found)
    return found


def _queries(rows: pa.RecordBatch) -> list[Query]:
    """Most logs hold none, which costs little."""
    message = rows.column(rows.schema.get_field_index("message"))
    which = pc.indices_nonzero(pc.match_substring_regex(message, _HINT))
    if not len(which):
        return []
    few = which.slice(0, MOST_READ)
    at = rows.column(rows.schema.get_field_index("time")).take(few).cast(pa.int64()).to_numpy() / 1e9
    found = []
    for time_s, text in zip(at, message.take(few).to_pylist(), strict=True):
        one = read_query(float(time_s), text or "")
        if one is not None:
            found.append(one)
    return found


def read_query(at_s: float, text: str) -> Query | None:
    """The query that a line tells of; None where it tells of none."""
    text = text[:4000]
    for pattern in _PATTERNS:
        told = pattern.search(text)
        if told is not None:
            name = told["name"].rstrip(".").lower()
            if not name or len(name) > MOST_NAME or "." not in name:
                return None
            return Query(at_s, told["client"], name, (told["kind"] or "")[:16], _FAILED.search(text) is not None)
    return None
