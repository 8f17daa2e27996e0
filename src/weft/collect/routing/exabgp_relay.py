"""What ExaBGP runs to hand its messages on: standard input to a Unix socket. Says nothing back: nothing is announced.

Run as a script by the bare interpreter: it must import nothing of Weft.
"""

from __future__ import annotations

import os
import socket
import sys


def main(path: str) -> None:
    """Copy until either side ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        while data := os.read(sys.stdin.fileno(), 1 << 16):
            connection.sendall(data)


if __name__ == "__main__":
    main(sys.argv[1])
