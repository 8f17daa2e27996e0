"""How a hot loop is compiled, and the few reads that every wire format needs.

``@kernel`` is numba's ``njit`` without the interpreter lock and with its machine code cached on disk. numba alone would
reuse that code as long as the file that defines the function is unchanged, although column positions and called
functions of other files are baked into it; here the cache is keyed by the content of every file that it imports.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

_F = TypeVar("_F", bound=Callable[..., Any])
_ROOT = Path(__file__).parents[2]
_IMPORT = re.compile(r"^\s*(?:from|import) (weft(?:\.\w+)*)", re.MULTILINE)


@cache
def _read(module: str) -> tuple[bytes, frozenset[str]]:
    """Source of a module and the modules of Weft that it imports; nothing for one that is not a file of ours."""
    base = _ROOT.joinpath(*module.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if not path.is_file():
        return b"", frozenset()
    source = path.read_bytes()
    return source, frozenset(_IMPORT.findall(source.decode()))


@cache
def source_stamp(module: str) -> str:
    """Digest of a module and of everything of Weft that it imports, directly or not."""
    seen: set[str] = set()
    todo = {module}
    while todo:
        seen |= todo
        todo = {name for one in todo for name in _read(one)[1]} - seen
    digest = hashlib.sha256(numba.__version__.encode())
    for name in sorted(seen):
        digest.update(name.encode() + b"\0" + _read(name)[0])
    return digest.hexdigest()


def kernel(function: _F) -> _F:
    """Compile ``function`` without the interpreter lock; cached until any source it may rest on changes."""
    return _compiled(function, forceinline=False)


def inlined(function: _F) -> _F:
    """The same for a step of a kernel, which becomes part of its callers."""
    return _compiled(function, forceinline=True)


def _compiled(function: _F, forceinline: bool) -> _F:
    compiled = numba.njit(nogil=True, cache=True, forceinline=forceinline)(function)
    cache_file = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if cache_file is not None:
        cache_file._source_stamp = source_stamp(function.__module__)
    return cast("_F", compiled)


# Offsets are made unsigned before they index: numba then omits the test for counting from the end, and the compiler
# sees neighbouring bytes as one load. They are never negative.


@inlined
def be8(data: NDArray[np.uint8], at: int) -> int:
    """One byte, as a number wide enough to compute with."""
    return int(np.int64(data[np.uint64(at)]))


@inlined
def be16(data: NDArray[np.uint8], at: int) -> int:
    """Unsigned 16-bit number in network order."""
    return be8(data, at) << 8 | be8(data, at + 1)


@inlined
def be32(data: NDArray[np.uint8], at: int) -> int:
    """Unsigned 32-bit number in network order."""
    return be8(data, at) << 24 | be8(data, at + 1) << 16 | be8(data, at + 2) << 8 | be8(data, at + 3)


@inlined
def le32(data: NDArray[np.uint8], at: int) -> int:
    """Unsigned 32-bit number, lowest byte first, as ``uint64``."""
    return int(
        np.uint64(data[np.uint64(at)])
        | np.uint64(data[np.uint64(at + 1)]) << np.uint64(8)
        | np.uint64(data[np.uint64(at + 2)]) << np.uint64(16)
        | np.uint64(data[np.uint64(at + 3)]) << np.uint64(24)
    )


@inlined
def u32(data: NDArray[np.uint8], at: int, is_little: bool) -> int:
    """Unsigned 32-bit number in the byte order that a file declares."""
    return int(np.int64(le32(data, at))) if is_little else be32(data, at)
