"""An RTR cache that answers as a test tells it to."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable

#: Given a query PDU (whole), what to send back; None closes.
Answer = Callable[[bytes], bytes | None]


class RtrCache:
    """Listens on loopback; ``asked`` are the queries that came, ``say`` sends without being asked."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None) -> None:
        self.answer, self._context = answer, context
        self.asked: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def say(self, data: bytes) -> None:
        self._open[-1].sendall(data)

    def hang_up(self) -> None:
        for one in self._open:
            one.close() if isinstance(one, ssl.SSLSocket) else one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        self._server.close()
        for one in self._open:
            one.close()

    def _run(self) -> None:
        while True:
            try:
                one, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(one,), daemon=True).start()

    def _serve(self, one: socket.socket) -> None:
        try:
            if self._context is not None:
                one = self._context.wrap_socket(one, server_side=True)
            self._open.append(one)
            with one:
                while head := one.recv(8, socket.MSG_WAITALL if self._context is None else 0):
                    rest = int.from_bytes(head[4:8], "big") - 8
                    query = head + (one.recv(rest) if rest else b"")
                    self.asked.append(query)
                    answer = self.answer(query)
                    if answer is None:
                        return
                    one.sendall(answer)
        except OSError:
            return
