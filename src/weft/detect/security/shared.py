"""A batch of flows as all detectors of covert traffic read it: what several of them need is worked out once.

They are given the same batch one after another; live a batch holds some hundred rows, so that it is the number of calls
that costs, not that of rows. Nothing is kept but the last batch.
"""

from __future__ import annotations

from functools import cached_property

import pyarrow as pa

from weft.detect.security.covert import Network, Talk, U64s, from_clients, pair_keys, talk
from weft.detect.security.popularity import network_keys, peer_keys, user_keys
from weft.detect.security.rows import OwnNetworks


class Shared:
    """Rows of ``flows`` by who talks to whom. Each part is made when it is asked for first, and kept."""

    def __init__(self, rows: pa.RecordBatch, own: OwnNetworks) -> None:
        self._rows, self._own = rows, own

    @cached_property
    def talk(self) -> Talk:
        """All rows but those to nobody."""
        return talk(self._rows, self._own)

    @cached_property
    def _sides(self) -> tuple[Talk, Talk]:
        return from_clients(self.talk)

    @property
    def out(self) -> Talk:
        """What hosts send to peers outside whose service they use."""
        return self._sides[0]

    @property
    def back(self) -> Talk:
        """What comes back of it, the host still as ``src``."""
        return self._sides[1]

    @cached_property
    def out_keys(self) -> U64s:
        """Keys of host, peer and port of what goes out."""
        return pair_keys(self.out)

    @cached_property
    def users(self) -> U64s:
        """Keys of the hosts of what goes out."""
        return user_keys(self.out.src)

    @cached_property
    def peers(self) -> U64s:
        """Keys of the peers of what goes out."""
        return peer_keys(self.out.dst)

    @cached_property
    def networks(self) -> U64s:
        """Keys of the networks of these peers."""
        return network_keys(self.out.dst, self.out.dst_as)


_last: tuple[pa.RecordBatch | None, tuple[Network, ...], Shared | None] = (None, (), None)


def shared(rows: pa.RecordBatch, own: OwnNetworks) -> Shared:
    """The batch, the same object for every detector that has the same networks of its own."""
    global _last
    batch, given, made = _last
    if batch is not rows or made is None or given != own.given:
        made = Shared(rows, own)
        _last = (rows, own.given, made)
    return made
