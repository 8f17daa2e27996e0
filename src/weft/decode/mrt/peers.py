"""The peers that a table dump's entries refer to (PEER_INDEX_TABLE, RFC 6396 §4.3.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp.nlri.base import Octets, address_of
from weft.errors import InvalidInput
from weft.model.addresses import NO_ADDRESS

_V6, _AS4 = 1, 2


class Peers:
    """Address and AS of each peer, by its number."""

    def __init__(self) -> None:
        self.collector = NO_ADDRESS
        self.view = ""
        self.address: NDArray[np.uint8] = np.zeros((0, 16), np.uint8)
        self.asn: NDArray[np.uint32] = np.zeros(0, np.uint32)

    def __len__(self) -> int:
        return len(self.asn)

    @classmethod
    def read(cls, body: bytes) -> Peers:
        """The record's content. Raises ``InvalidInput`` with the reason."""
        found, octets = cls(), Octets(body)
        addresses, numbers = [], []
        try:
            found.collector = address_of(octets.take(4))
            found.view = octets.take(octets.number(2)).decode("utf-8", "replace")
            for _ in range(octets.number(2)):
                kind = octets.number(1)
                octets.take(4)
                addresses.append(address_of(octets.take(16 if kind & _V6 else 4)))
                numbers.append(octets.number(4 if kind & _AS4 else 2))
        except InvalidInput:
            raise InvalidInput("peer_index") from None
        found.address = np.frombuffer(b"".join(addresses), np.uint8).reshape(-1, 16)
        found.asn = np.array(numbers, np.uint32)
        return found
