"""Bodies of requests that come with gzip."""

from __future__ import annotations

import zlib

from weft.errors import InvalidInput


def gunzip(body: bytes, most: int) -> bytes:
    """A body without gzip, at most ``most`` bytes. Raises ``InvalidInput``."""
    inflate = zlib.decompressobj(wbits=31)
    try:
        plain = inflate.decompress(body, most + 1)
    except zlib.error:
        raise InvalidInput("is not gzip", where="body") from None
    if len(plain) > most:
        raise InvalidInput(f"holds more than {most} bytes when decompressed", where="body", fix="Send less at a time.")
    if not inflate.eof:
        raise InvalidInput("is cut off", where="body")
    return plain
