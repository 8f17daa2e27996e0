"""OPEN and NOTIFICATION: what two speakers agreed on, and why they parted (RFC 4271, 5492, 6793, 7911, 9072)."""

from __future__ import annotations

from dataclasses import dataclass, field

from weft.decode.bgp.codes import AS_TRANS, HEADER, OPEN
from weft.errors import InvalidInput

_AS4, _MULTIPROTOCOL, _ADD_PATH = 65, 1, 69
_ERRORS = {1: "message header error", 2: "OPEN error", 3: "UPDATE error", 4: "hold timer expired", 5: "FSM error",
           6: "cease", 7: "ROUTE-REFRESH error"}  # fmt: skip
_CEASE = {1: "maximum number of prefixes reached", 2: "administrative shutdown", 3: "peer de-configured",
          4: "administrative reset", 5: "connection rejected", 6: "other configuration change",
          7: "connection collision resolution", 8: "out of resources", 9: "hard reset", 10: "BFD down"}  # fmt: skip
_OPEN_ERRORS = {1: "unsupported version", 2: "bad peer AS", 3: "bad BGP identifier",
                4: "unsupported optional parameter", 6: "unacceptable hold time", 7: "unsupported capability",
                11: "role mismatch"}  # fmt: skip


@dataclass(slots=True)
class Open:
    """What one speaker offers."""

    version: int
    asn: int  # four octets where the capability says so
    hold_time: int  # s
    bgp_id: int
    capabilities: list[tuple[int, bytes]] = field(default_factory=list)  # in the order sent

    @property
    def as4(self) -> bool:
        """It sends AS numbers of four octets to those that do too."""
        return any(code == _AS4 and len(value) == 4 for code, value in self.capabilities)

    @property
    def families(self) -> list[tuple[int, int]]:
        """(AFI, SAFI) pairs of the multiprotocol capability; IPv4 unicast alone without it (RFC 4760 §8)."""
        pairs = [
            (value[0] << 8 | value[1], value[3])
            for code, value in self.capabilities
            if code == _MULTIPROTOCOL and len(value) == 4
        ]
        return pairs or [(1, 1)]

    def add_path(self) -> dict[tuple[int, int], int]:
        """(AFI, SAFI) → 1 can receive, 2 can send, 3 both."""
        return {
            (value[at] << 8 | value[at + 1], value[at + 2]): value[at + 3]
            for code, value in self.capabilities
            if code == _ADD_PATH and len(value) % 4 == 0
            for at in range(0, len(value), 4)
        }


def decode_open(message: bytes) -> Open:
    """A whole OPEN message, header and all. Raises ``InvalidInput``."""
    body = message[HEADER:]
    if len(body) < 10 or message[18] != OPEN:
        raise InvalidInput("not an OPEN message")
    found = Open(body[0], int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"),
                 int.from_bytes(body[5:9], "big"), _capabilities(body[9:]))  # fmt: skip
    for code, value in found.capabilities:
        if code == _AS4 and len(value) == 4 and found.asn == AS_TRANS:
            found.asn = int.from_bytes(value, "big")
    return found


def _capabilities(parameters: bytes) -> list[tuple[int, bytes]]:
    """Capabilities of the optional parameters, which may be extended (RFC 9072)."""
    wide = len(parameters) >= 4 and parameters[0] == 255 and parameters[1] == 255
    at = 4 if wide else 1
    size = 2 if wide else 1
    end = at + (int.from_bytes(parameters[2:4], "big") if wide else parameters[0])
    if end > len(parameters):
        raise InvalidInput("optional parameters run past the OPEN message")
    found: list[tuple[int, bytes]] = []
    while at + 1 + size <= end:
        kind = parameters[at]
        length = int.from_bytes(parameters[at + 1 : at + 1 + size], "big")
        at += 1 + size
        if at + length > end:
            raise InvalidInput("an optional parameter runs past the OPEN message")
        if kind == 2:
            found.extend(_codes(parameters[at : at + length]))
        at += length
    return found


def _codes(value: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at + 2 <= len(value):
        length = value[at + 1]
        if at + 2 + length > len(value):
            raise InvalidInput("a capability runs past its parameter")
        found.append((value[at], value[at + 2 : at + 2 + length]))
        at += 2 + length
    return found


def agreed(sender: Open, receiver: Open) -> tuple[bool, frozenset[tuple[int, int]]]:
    """AS numbers of four octets, and the families with path identifiers, of what ``sender`` sends to ``receiver``."""
    can_receive = receiver.add_path()
    ids = frozenset(
        pair for pair, mode in sender.add_path().items() if mode in (2, 3) and can_receive.get(pair) in (1, 3)
    )
    return sender.as4 and receiver.as4, ids


def notification_text(body: bytes, *, is_inner: bool = False) -> str:
    """A NOTIFICATION (without header) in words, with the text of a shutdown (RFC 9003)."""
    if len(body) < 2:
        return "NOTIFICATION without a code"
    code, subcode, data = body[0], body[1], body[2:]
    names = {2: _OPEN_ERRORS, 6: _CEASE}.get(code, {})
    text = _ERRORS.get(code, f"error {code}")
    if subcode:
        text += f": {names.get(subcode, f'subcode {subcode}')}"
    if code == 6 and subcode == 9 and len(data) >= 2 and not is_inner:
        return f"{text} ({notification_text(data, is_inner=True)})"  # RFC 8538 §3.1
    if code == 6 and subcode in (2, 4) and data and 0 < data[0] <= len(data) - 1:
        said = data[1 : 1 + data[0]].decode("utf-8", "replace")
        text += f" ({''.join(letter if letter.isprintable() else ' ' for letter in said)})"
    return text
