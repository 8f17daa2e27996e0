"""MRT files (RFC 6396, 8050): table dumps and updates of route collectors to columns of routes."""

from weft.decode.mrt.blocks import MrtBlock, SessionChange
from weft.decode.mrt.files import file_chunks, is_mrt
from weft.decode.mrt.reader import MrtReader

__all__ = ["MrtBlock", "MrtReader", "SessionChange", "file_chunks", "is_mrt"]
