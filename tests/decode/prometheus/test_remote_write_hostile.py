"""Nothing that can be sent makes the walkers read beyond the body, crash or hang."""

import ctypes
import mmap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.decode.prometheus_wire import RequestTwo, request_one, series_one, snappy

from weft.decode.prometheus import RemoteWriteDecoder
from weft.decode.prometheus import found as f
from weft.decode.prometheus.unfold import unfold
from weft.decode.prometheus.walk_one import walk_one
from weft.decode.prometheus.walk_two import walk_two
from weft.errors import InvalidInput

NOW = 1_790_000_000_000
LABELS = [("__name__", "node_network_receive_bytes_total"), ("device", "eth0"), ("instance", "10.0.0.1:9100")]
ONE = request_one(
    [series_one([*LABELS, ("n", str(i))], [(float(i), NOW), (2.0, NOW + 1)], [(3, 1.5, NOW)], exemplars=1)
     for i in range(4)], [(1, "node_network_receive_bytes_total"), (3, "rpc")],
)  # fmt: skip
_two = RequestTwo()
for _i in range(4):
    _two.add([*LABELS, ("n", str(_i))], [(float(_i), NOW)], [(3, 1.5, NOW)], kind=1, created_ms=NOW - 5, exemplars=1)
TWO = _two.bytes()
REQUESTS = {1: ONE, 2: TWO}


@pytest.fixture(scope="module")
def fenced():
    """Copies bytes to the end of a page that is followed by one nobody may read: an overrun is a crash."""
    pages = mmap.mmap(-1, 4 * mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    libc = ctypes.CDLL(None, use_errno=True)
    fence = ctypes.c_void_p(address + 3 * mmap.PAGESIZE)
    assert libc.mprotect(fence, ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
    view = np.frombuffer(pages, np.uint8)

    def put(data):
        start = 3 * mmap.PAGESIZE - len(data)
        view[start : 3 * mmap.PAGESIZE] = np.frombuffer(data, np.uint8)
        return view[start : 3 * mmap.PAGESIZE]

    yield put
    libc.mprotect(fence, ctypes.c_size_t(mmap.PAGESIZE), 3)


def walk(data, version):
    found = f.room_for(len(data))
    seed = np.uint64(7)
    if version == 1:
        status = walk_one(data, seed, found)
    else:
        most = len(data) // 2 + 1
        status = walk_two(data, seed, found, np.empty((most, 2), np.int64), np.empty(most, np.uint64))
    if status == f.OK:
        status = unfold(found)
    n = found.counts[f.N_LABELS]
    assert (found.label[:n] >= 0).all()
    assert (found.label[:n] <= len(data)).all()
    assert (found.series[: found.counts[f.N_SAMPLES]] < found.counts[f.N_SERIES]).all()
    return status


@pytest.mark.parametrize("version", [1, 2])
def test_every_truncation_is_walked_within_its_bounds(fenced, version):
    whole = REQUESTS[version]
    statuses = [walk(fenced(whole[:length]), version) for length in range(len(whole) + 1)]
    assert statuses[-1] == f.OK
    assert statuses.count(f.MALFORMED) > len(whole) // 2


@pytest.mark.parametrize("version", [1, 2])
def test_mutated_requests_are_walked_within_their_bounds(fenced, version):
    rng = np.random.default_rng(11)
    whole = np.frombuffer(REQUESTS[version], np.uint8)
    for _ in range(4000):
        data = whole.copy()
        at = rng.integers(0, len(data), rng.integers(1, 6))
        data[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x12, 0x2A], len(at))
        cut = rng.integers(0, len(data) + 1) if rng.random() < 0.3 else len(data)
        walk(fenced(data[:cut].tobytes()), version)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([1, 2]))
def test_arbitrary_bytes_are_decoded_or_refused(data, version):
    _decode(data, version)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from([1, 2]))
def test_spliced_requests_are_decoded_or_refused(data, version):
    whole = REQUESTS[version]
    at = data.draw(st.integers(0, len(whole)))
    until = data.draw(st.integers(at, len(whole)))
    _decode(whole[:at] + data.draw(st.binary(max_size=40)) + whole[until:], version)


DECODER = RemoteWriteDecoder(most_series=5000)


def _decode(data, version):
    try:
        decoded = DECODER.decode(snappy(data), NOW * 1_000_000, version=version)
    except InvalidInput:
        return
    decoded.rows.validate(full=True)
    assert np.isfinite(decoded.rows.column("value").to_numpy()).all()
    DECODER.taken(decoded)


def test_lengths_beyond_the_body_and_endless_varints():
    for data in (b"\x0a\x7f", b"\x0a" + b"\xff" * 9 + b"\x01", b"\x0a" + b"\x80" * 30, b"\xff" * 40, b"\x0b", b"\x0d12",
                 b"\x0a\x04\x12\xff\xff\xff", b"\x0a\x03\x12\x7f\x09"):  # fmt: skip
        for version in (1, 2):
            body = data if version == 1 else data.replace(b"\x0a", b"\x2a", 1)
            with pytest.raises(InvalidInput, match="malformed"):
                DECODER.decode(snappy(body), NOW, version=version)
