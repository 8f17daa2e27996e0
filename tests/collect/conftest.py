import pytest

from weft.decode.flow.decoder import FlowDecoder

from .fakes import batch_of
from .wire import v5, v9


@pytest.fixture(scope="session")
def compiled() -> None:
    """Machine code of the decoders exists, so that what is timed below is not a compiler."""
    decoder = FlowDecoder()
    sflow = bytes.fromhex("00000005 00000001 7f000001 00000000 00000001 00000001 00000000")
    decoder.decode(batch_of([v5([1, 2]), v9([3, 4], template=True, sequence=0), sflow], at_ns=1))
