"""Reachability of every address family, one NLRI at a time: what a route is, for its row and for people."""

from weft.decode.bgp.nlri.base import Nlri
from weft.decode.bgp.nlri.read import is_read, read_nlri

__all__ = ["Nlri", "is_read", "read_nlri"]
