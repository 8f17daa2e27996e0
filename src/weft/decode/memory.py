"""Unchecked reads and writes by address, for the steps of a kernel that run once per packet.

Handing arrays to a function makes numba count references, which costs more than parsing a header; an address is a
number. Whoever calls these has checked the bounds and keeps the array alive: a kernel's own arguments are. Numbers on
the wire are in network order; *words* are as they lie in memory (``FlowColumns`` keeps addresses so).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from weft.decode.kernels import inlined


def _reader(bits: int, swap: bool) -> Callable[[int], int]:
    """A compiled load of an unaligned unsigned number, widened to ``int64``."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(bits)
        value = builder.load(builder.inttoptr(arguments[0], integer.as_pointer()), align=1)
        if swap:
            value = builder.bswap(value)
        return value if bits == 64 else builder.zext(value, ir.IntType(64))

    def load(_typing: Any, at: Any) -> Any:  # noqa: ARG001
        return types.int64(types.int64), generate

    return cast("Callable[[int], int]", intrinsic(load))


def _writer(bits: int) -> Callable[[int, int], None]:
    """A compiled store of the low bits of a number in the machine's order."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(bits)
        value = arguments[1] if bits == 64 else builder.trunc(arguments[1], integer)
        builder.store(value, builder.inttoptr(arguments[0], integer.as_pointer()), align=1)
        return context.get_dummy_value()

    def store(_typing: Any, at: Any, value: Any) -> Any:  # noqa: ARG001
        return types.void(types.int64, types.int64), generate

    return cast("Callable[[int, int], None]", intrinsic(store))


get8 = _reader(8, swap=False)
get16 = _reader(16, swap=True)
get32 = _reader(32, swap=True)
get64 = _reader(64, swap=True)  # as int64: the top bit is the sign
get32_little = _reader(32, swap=False)
get_word = _reader(64, swap=False)

put8 = _writer(8)
put16 = _writer(16)
put32 = _writer(32)
put_word = _writer(64)


@inlined
def get24(at: int) -> int:
    """Unsigned 24-bit number."""
    return get16(at) << 8 | get8(at + 2)


@inlined
def get48(at: int) -> int:
    """Unsigned 48-bit number: a MAC address."""
    return get16(at) << 32 | get32(at + 2)


@inlined
def get_ipv4_word(at: int) -> int:
    """Second word of the IPv4-mapped form of the four bytes at ``at``; the first word is zero."""
    return get32_little(at) << 32 | 0xFFFF0000


@inlined
def address_of(array: NDArray[Any]) -> int:
    """Where an array's first item lies."""
    return int(np.int64(array.ctypes.data))
