"""Numbers that several parts of BGP's decoding share, and the error that makes routes unfeasible."""

from __future__ import annotations

from weft.errors import InvalidInput

ORIGIN, AS_PATH, NEXT_HOP, MED, LOCAL_PREF, ATOMIC, AGGREGATOR, COMMUNITIES = 1, 2, 3, 4, 5, 6, 7, 8
ORIGINATOR, CLUSTER_LIST, MP_REACH, MP_UNREACH, EXTENDED, AS4_PATH, AS4_AGGREGATOR = 9, 10, 14, 15, 16, 17, 18
PMSI, TUNNEL_ENCAP, IPV6_EXTENDED, AIGP, BGP_LS, LARGE, BGPSEC, OTC, PREFIX_SID = 22, 23, 25, 26, 29, 32, 33, 35, 40
ATTR_SET = 128
AS_TRANS = 23456

#: Octets of a message's header (RFC 4271 §4.1), and the longest message (RFC 8654).
HEADER = 19
LONGEST = 65_535
OPEN, UPDATE, NOTIFICATION, KEEPALIVE, ROUTE_REFRESH = 1, 2, 3, 4, 5

#: Longest text of one column, in characters: what is longer is cut, with an ellipsis.
TEXT_LIMIT = 4_096


class Malformed(InvalidInput):
    """Path attributes that make their routes unfeasible (RFC 7606 treat-as-withdraw); ``what`` is the reason."""
