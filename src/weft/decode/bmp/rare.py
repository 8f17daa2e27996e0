"""Messages other than Route Monitoring: a few per session, read one by one (RFC 7854 §4.3–4.10, 8671, 9069)."""

from __future__ import annotations

from weft.decode.bgp.codes import HEADER
from weft.decode.bgp.open import agreed, decode_open, notification_text
from weft.decode.bmp.messages import BmpMessage, Initiation, Mirroring, PeerDown, PeerUp, Statistics, Termination
from weft.decode.bmp.peers import LOC_RIB, PeerHeader
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS

STATISTICS, PEER_DOWN, PEER_UP, INITIATION, TERMINATION, MIRRORING = 1, 2, 3, 4, 5, 6
KINDS = {1: "statistics", 2: "peer_down", 3: "peer_up", 4: "initiation", 5: "termination", 6: "mirroring"}
_V4_MAPPED = b"\0" * 10 + b"\xff\xff"
_TERMINATIONS = {0: "administratively closed", 1: "unspecified", 2: "out of resources", 3: "redundant connection",
                 4: "permanently administratively closed"}  # fmt: skip
_MESSAGES = {1: "OPEN", 2: "UPDATE", 3: "NOTIFICATION", 4: "KEEPALIVE", 5: "ROUTE-REFRESH"}
_TEXT = 4_096  # octets of a text that are kept
_TLVS = 4_096

Tlvs = list[tuple[int, bytes]]


def read_rare(kind: int, header: PeerHeader | None, body: bytes) -> BmpMessage | None:
    """A message of that type, ``body`` behind its headers; none for an unknown type. Raises ``InvalidInput``."""
    if header is None:
        tlvs = _tlvs(body)
        if kind == INITIATION:
            said = {code: _text(value) for code, value in reversed(tlvs)}
            strings = [_text(value) for code, value in tlvs if code == 0]
            return Initiation(said.get(2, ""), said.get(1, ""), strings)
        reasons = [int.from_bytes(value, "big") for code, value in tlvs if code == 1]
        words = ", ".join(_TERMINATIONS.get(one, f"reason {one}") for one in reasons)
        return Termination(words, [_text(value) for code, value in tlvs if code == 0])
    if kind == PEER_UP:
        return _peer_up(header, body)
    if kind == PEER_DOWN:
        return _peer_down(header, body)
    if kind == STATISTICS:
        return _statistics(header, body)
    if kind == MIRRORING:
        return _mirroring(header, body)
    return None


def _tlvs(body: bytes) -> Tlvs:
    found: Tlvs = []
    at = 0
    while at < len(body) and len(found) < _TLVS:
        if at + 4 > len(body):
            raise InvalidInput("a TLV is cut off")
        length = int.from_bytes(body[at + 2 : at + 4], "big")
        if at + 4 + length > len(body):
            raise InvalidInput("a TLV runs past its message")
        found.append((int.from_bytes(body[at : at + 2], "big"), body[at + 4 : at + 4 + length]))
        at += 4 + length
    return found


def _text(value: bytes) -> str:
    text = value[:_TEXT].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def _peer_up(header: PeerHeader, body: bytes) -> PeerUp:
    if len(body) < 20 + 2 * HEADER:
        raise InvalidInput("a Peer Up without its OPEN messages")
    local = body[:16]
    if not any(local[:12]):
        local = _V4_MAPPED + local[12:] if any(local[12:]) else NO_ADDRESS
    sent = _message(body[20:])
    received = _message(body[20 + len(sent) :])
    up = PeerUp(*header.about, local, int.from_bytes(body[16:18], "big"), int.from_bytes(body[18:20], "big"),
                sent_open=sent, received_open=received)  # fmt: skip
    up.as4, up.add_path = agreement(up, is_out=header.is_out)
    tlvs = _tlvs(body[20 + len(sent) + len(received) :])
    up.strings = [_text(value) for code, value in tlvs if code == 0]
    up.table = next((_text(value) for code, value in tlvs if code == 3), "")
    return up


def agreement(up: PeerUp, *, is_out: bool) -> tuple[bool, frozenset[tuple[int, int]]]:
    """What the two OPEN messages agree on for one direction. Those of a Loc-RIB are the router's word alone."""
    sent, received = decode_open(up.sent_open), decode_open(up.received_open)
    if up.peer.kind == LOC_RIB:
        return True, frozenset(sent.add_path()) & frozenset(received.add_path())
    return agreed(sent, received) if is_out else agreed(received, sent)


def _message(octets: bytes) -> bytes:
    """The BGP message at the front."""
    length = int.from_bytes(octets[16:18], "big")
    if len(octets) < HEADER or not HEADER <= length <= len(octets):
        raise InvalidInput("a BGP message runs past the BMP message")
    return octets[:length]


def _peer_down(header: PeerHeader, body: bytes) -> PeerDown:
    code = body[0] if body else 0
    rest = body[1:]
    if code in (1, 3):
        sender = "router" if code == 1 else "peer"
        try:
            text = f"{sender} sent NOTIFICATION {notification_text(_message(rest)[HEADER:])}"
        except InvalidInput:  # some send the code and subcode alone
            text = f"{sender} sent NOTIFICATION {notification_text(rest)}" if rest else f"{sender} sent NOTIFICATION"
    elif code == 2:
        text = f"router closed the session: FSM event {int.from_bytes(rest[:2], 'big')}"
    elif code == 6:
        tables = [_text(value) for kind, value in _tlvs(rest) if kind == 3]
        text = f"table {tables[0]} went away" if tables else "local system closed, TLV data follows"
    else:
        text = {4: "peer closed the session", 5: "peer is no longer monitored"}.get(code, f"reason {code}")
    return PeerDown(*header.about, text, code)


def _statistics(header: PeerHeader, body: bytes) -> Statistics:
    found = Statistics(*header.about)
    if len(body) < 4:
        raise InvalidInput("a Statistics Report without its count")
    for kind, value in _tlvs(body[4:]):
        if len(value) in (4, 8):
            found.values[kind] = int.from_bytes(value, "big")
        elif len(value) == 11:
            found.per_family[kind, value[0] << 8 | value[1], value[2]] = int.from_bytes(value[3:], "big")
    return found


def _mirroring(header: PeerHeader, body: bytes) -> Mirroring:
    found = Mirroring(*header.about)
    for kind, value in _tlvs(body):
        if kind == 0:
            found.message = value
            found.what = found.what or _MESSAGES.get(value[18] if len(value) > 18 else 0, "unknown message")
        elif kind == 1:
            code = int.from_bytes(value, "big")
            found.what = {0: "errored PDU", 1: "messages lost"}.get(code, f"information {code}")
    return found
