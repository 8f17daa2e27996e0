"""One router's BMP stream: octets as they arrive to messages."""

from __future__ import annotations

from collections import Counter

from weft.decode.bgp.paths import Paths
from weft.decode.bmp.messages import BmpMessage


class BmpStream:
    """State of one TCP connection: what is not yet a whole message, and what each peer's session agreed on."""

    def __init__(self, paths: Paths, *, max_message: int = 1 << 20) -> None:
        """``paths`` is shared by all streams of a process; a message longer than ``max_message`` is framing lost."""
        self.errors: Counter[str] = Counter()  # reason → messages; the caller takes and clears them
        raise NotImplementedError

    def feed(self, data: bytes, now_ns: int) -> list[BmpMessage]:
        """Messages that are whole by now, in order.

        Raises ``InvalidInput`` where the framing is lost (version, length): the caller closes the connection.
        """
        raise NotImplementedError

    def close(self) -> int:
        """The connection ended: octets of a message that was cut off (0 = clean)."""
        raise NotImplementedError
