"""Write requests made by hand: a small encoder of remote write 1.0 and 2.0, independent of the decoder."""

import struct

import pyarrow as pa


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number, payload):
    """A length-delimited field."""
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def number(field_number, value):
    return varint(field_number << 3) + varint(value)


def double(field_number, value):
    if isinstance(value, bytes):
        return varint(field_number << 3 | 1) + value
    return varint(field_number << 3 | 1) + struct.pack("<d", value)


def sample(value, time_ms, start_ms=0):
    return double(1, value) + number(2, time_ms) + (number(3, start_ms) if start_ms else b"")


def histogram(count, total, time_ms):
    how_many = double(2, count) if isinstance(count, float) else number(1, count)
    spans = field(11, number(1, 2) + number(2, 1))
    return how_many + double(3, total) + number(4, 6) + spans + field(12, varint(8)) + number(15, time_ms)


def series_one(labels, samples=(), histograms=(), exemplars=0):
    out = b"".join(field(1, field(1, name) + field(2, value)) for name, value in labels)
    out += b"".join(field(2, sample(*one)) for one in samples)
    out += field(3, double(2, 1.0)) * exemplars
    return out + b"".join(field(4, histogram(*one)) for one in histograms)


def request_one(series, metadata=()):
    """1.0; ``metadata`` is (type, family) pairs."""
    out = b"".join(field(1, one) for one in series)
    return out + b"".join(field(3, number(1, kind) + field(2, family) + field(4, "help")) for kind, family in metadata)


class RequestTwo:
    """2.0; collects symbols as series are added."""

    def __init__(self):
        self.symbols = {"": 0}
        self.series = []

    def ref(self, text):
        return self.symbols.setdefault(text, len(self.symbols))

    def add(self, labels, samples=(), histograms=(), kind=0, created_ms=0, exemplars=0, packed=True):
        refs = [self.ref(text) for pair in labels for text in pair]
        out = field(1, b"".join(map(varint, refs))) if packed else b"".join(number(1, ref) for ref in refs)
        out += b"".join(field(2, sample(*one)) for one in samples)
        out += b"".join(field(3, histogram(*one)) for one in histograms)
        out += field(4, double(2, 1.0)) * exemplars
        if kind:
            out += field(5, number(1, kind) + number(3, 0))
        if created_ms:
            out += number(6, created_ms)
        self.series.append(out)
        return self

    def bytes(self, symbols_last=False):
        symbols = b"".join(field(4, text) for text in self.symbols)
        series = b"".join(field(5, one) for one in self.series)
        return series + symbols if symbols_last else symbols + series


def snappy(data):
    return bytes(pa.Codec("snappy").compress(data))
