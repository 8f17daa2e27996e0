"""States of detectors as octets: numbers and arrays of declared kinds, read back with suspicion."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weft.errors import InvalidInput

#: Larger states are not read.
MOST_OCTETS = 1 << 28


def packed_state(version: str, numbers: Mapping[str, float], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Numbers and arrays as octets; ``version`` says what wrote them."""
    told = json.dumps({"version": version, "numbers": dict(numbers)}).encode()
    file = io.BytesIO()
    plain = {name: np.frombuffer(array.tobytes(), np.uint8) for name, array in arrays.items()}
    np.savez_compressed(file, told=np.frombuffer(told, np.uint8), **plain)  # type: ignore[arg-type]
    return file.getvalue()


def unpacked_state(
    version: str, state: bytes, kinds: Mapping[str, np.dtype[Any]]
) -> tuple[dict[str, float], dict[str, NDArray[Any]]]:  # fmt: skip
    """What ``packed_state`` wrote, arrays by name of these kinds. Raises ``InvalidInput`` where it did not."""
    try:
        with zipfile.ZipFile(io.BytesIO(state)) as members:
            if sum(one.file_size for one in members.infolist()) > MOST_OCTETS:
                raise ValueError("it is too large")
        with np.load(io.BytesIO(state), allow_pickle=False) as file:
            told = json.loads(file["told"].tobytes())
            if told["version"] != version:
                raise ValueError(f"it is {told['version']!r}, not {version!r}")
            arrays = {name: np.frombuffer(file[name].tobytes(), kind).copy() for name, kind in kinds.items()}
            numbers = {name: float(value) for name, value in told["numbers"].items()}
    except (ValueError, KeyError, AttributeError, TypeError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidInput(f"cannot be read: {error}", where="state") from error
    return numbers, arrays
