"""Variable parts of a message to ``<*>``, and a number for what is left: compiled loops over the bytes of a batch.

A part is a run of octets between white space and brackets, quotes, commas, semicolons, equals signs and bars;
punctuation at its ends stays. A part that holds a digit is variable, but for the few words that are names with a digit
(``IPv4``, ``802.1Q``): numbers, addresses, hexadecimal, MAC addresses, interfaces, identifiers all are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.decode.kernels import inlined, kernel

WILDCARD = "<*>"
_U8 = NDArray[np.uint8]
_I64 = NDArray[np.int64]

_SEPARATOR, _EDGE, _DIGIT, _OTHER = 0, 1, 2, 3


def _classes() -> _U8:
    table = np.full(256, _OTHER, np.uint8)
    table[:33] = _SEPARATOR
    for character in b"()[]{}<>\"'`,;=|":
        table[character] = _SEPARATOR
    for character in b".:!?-#*&~+":
        table[character] = _EDGE
    table[0x30:0x3A] = _DIGIT
    return table


_CLASSES = _classes()
#: Words that stay although they hold a digit, each behind its length; told case-sensitively.
_NAMES = np.frombuffer(
    b"".join(
        bytes([len(word)]) + word
        for word in (
            b"IPv4 IPv6 ipv4 ipv6 IP6 L2 L3 l2 l3 802.1Q 802.1X MD5 SHA1 HTTP2 OSPFv2 OSPFv3 SSHv2 ssh2 2Way 2-Way"
            b" L2VPN L3VPN MP3"
        ).split()
    )
    + b"\0",
    np.uint8,
)


@inlined
def _is_name(data: _U8, at: int, end: int, names: _U8) -> bool:
    length, entry = end - at, 0
    while names[entry] != 0:
        if names[entry] == length:
            same = True
            for i in range(length):
                if names[entry + 1 + i] != data[at + i]:
                    same = False
                    break
            if same:
                return True
        entry += int(names[entry]) + 1
    return False


@inlined
def _next(data: _U8, at: int, end: int, classes: _U8) -> int:
    """End of the part that begins at ``at``."""
    while at < end and classes[data[at]] != 0:
        at += 1
    return at


@kernel
def hashes(data: _U8, start: _I64, end: _I64, classes: _U8, names: _U8, out: NDArray[np.uint64]) -> None:
    """Hash of every message's masked text (FNV-1a, 64 bits)."""
    prime = np.uint64(0x100000001B3)
    for row in range(len(start)):
        h = np.uint64(0xCBF29CE484222325)
        at, last = start[row], end[row]
        is_blank = True
        while at < last:
            c = data[at]
            if classes[c] == 0:
                blank = c <= 32
                if not blank or not is_blank:
                    h = (h ^ np.uint64(32 if blank else c)) * prime
                is_blank = blank
                at += 1
                continue
            is_blank = False
            stop = _next(data, at, last, classes)
            a, b = at, stop
            while a < b and classes[data[a]] == 1:
                h = (h ^ np.uint64(data[a])) * prime
                a += 1
            while b > a and classes[data[b - 1]] == 1:
                b -= 1
            variable = False
            for i in range(a, b):
                if classes[data[i]] == 2:
                    variable = True
                    break
            if variable and not _is_name(data, a, b, names):
                h = (h ^ np.uint64(0)) * prime
            else:
                for i in range(a, b):
                    h = (h ^ np.uint64(data[i])) * prime
            for i in range(b, stop):
                h = (h ^ np.uint64(data[i])) * prime
            at = stop
        out[row] = h


@kernel
def _mask(data: _U8, classes: _U8, names: _U8, out: _U8) -> int:
    """Write the masked text of one message; returns its length. ``out`` holds three octets for each."""
    n, at, last = 0, 0, len(data)
    is_blank = True
    while at < last:
        c = data[at]
        if classes[c] == 0:
            blank = c <= 32
            if not blank or not is_blank:
                out[n] = 32 if blank else c
                n += 1
            is_blank = blank
            at += 1
            continue
        is_blank = False
        stop = _next(data, at, last, classes)
        a, b = at, stop
        while a < b and classes[data[a]] == 1:
            a += 1
        while b > a and classes[data[b - 1]] == 1:
            b -= 1
        variable = False
        for i in range(a, b):
            if classes[data[i]] == 2:
                variable = True
                break
        for i in range(at, a):
            out[n] = data[i]
            n += 1
        if variable and not _is_name(data, a, b, names):
            out[n], out[n + 1], out[n + 2] = 60, 42, 62
            n += 3
        else:
            for i in range(a, b):
                out[n] = data[i]
                n += 1
        for i in range(b, stop):
            out[n] = data[i]
            n += 1
        at = stop
    while n > 0 and out[n - 1] == 32:
        n -= 1
    return n


def masked(text: bytes) -> str:
    """One message with its variable parts as ``<*>`` and its white space as single blanks."""
    data = np.frombuffer(text, np.uint8)
    out = np.empty(3 * len(data) + 3, np.uint8)
    length = _mask(data, _CLASSES, _NAMES, out)
    return out[:length].tobytes().decode("utf-8", "replace")


def masked_hashes(data: _U8, start: _I64, end: _I64) -> NDArray[np.uint64]:
    """A number for what is left of each message of a batch: equal where the masked texts are."""
    out = np.empty(len(start), np.uint64)
    hashes(data, start, end, _CLASSES, _NAMES, out)
    return out
