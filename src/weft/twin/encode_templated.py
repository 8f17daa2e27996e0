"""NetFlow v9 (RFC 3954) and IPFIX (RFC 7011) exporters: templates, sampler options, interface names, data."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from weft.twin.encode import Datagrams, _pack, _runs, _uptime, _v4, _v6, concat, from_payloads
from weft.twin.records import FlowRecords

V4_TEMPLATE, V6_TEMPLATE, SAMPLER_TEMPLATE, INTERFACE_TEMPLATE = 256, 257, 258, 259
_NAME_OCTETS = 32

#: (information element, octets, name, numpy type) after the two addresses, RFC 7012 numbers.
_COMMON = (
    (7, 2, "src_port", ">u2"), (11, 2, "dst_port", ">u2"), (4, 1, "protocol", "u1"), (6, 1, "tcp_flags", "u1"),
    (5, 1, "tos", "u1"), (61, 1, "direction", "u1"), (10, 4, "in_if", ">u4"), (14, 4, "out_if", ">u4"),
    (1, 8, "octets", ">u8"), (2, 8, "packets", ">u8"), (16, 4, "src_as", ">u4"), (17, 4, "dst_as", ">u4"),
)  # fmt: skip
_V9_TIMES = ((22, 4, "first", ">u4"), (21, 4, "last", ">u4"), (48, 1, "sampler", "u1"))
_IPFIX_TIMES = ((152, 8, "first", ">u8"), (153, 8, "last", ">u8"), (302, 4, "sampler", ">u4"))


def _fields(version: int, v6: bool) -> tuple[tuple[int, int, str, str], ...]:
    addresses = ((27, 16, "src", "V16"), (28, 16, "dst", "V16")) if v6 else ((8, 4, "src", "V4"), (12, 4, "dst", "V4"))
    return (*addresses, *_COMMON, *(_V9_TIMES if version == 9 else _IPFIX_TIMES))


def _dtype(version: int, v6: bool) -> np.dtype[np.void]:
    return np.dtype([(name, kind) for _, _, name, kind in _fields(version, v6)])


class Templated:
    """A v9 or IPFIX exporter with one sampler and a table of interface names."""

    def __init__(
        self,
        version: int,
        boot_ms: int,
        domain: int,
        sampling_rate: int | None,
        interfaces: Mapping[int, tuple[str, str]],
    ) -> None:
        """``sampling_rate`` None: the exporter never tells. ``interfaces``: ifIndex → (name, description)."""
        assert version in (9, 10)
        self._version, self.boot_ms, self._domain, self._rate = version, boot_ms, domain, sampling_rate
        self._interfaces = interfaces
        self._sequence = 0

    def encode(self, records: FlowRecords) -> Datagrams:
        """IPv4 and IPv6 records in datagrams of up to 24 and 16."""
        v4 = records.is_v4
        return concat([self._data(records.take(v4), False, 24), self._data(records.take(~v4), True, 16)])

    def _data(self, records: FlowRecords, v6: bool, per_datagram: int) -> Datagrams:
        ordered, counts, sent = _runs(records, per_datagram)
        body = np.zeros(len(ordered), _dtype(self._version, v6))
        address = _v6 if v6 else _v4
        body["src"], body["dst"] = address(ordered.src), address(ordered.dst)
        for _, _, name, _ in _COMMON:
            if name != "direction":
                body[name] = getattr(ordered, name)
        body["sampler"] = 1
        if self._version == 9:
            body["first"] = _uptime(ordered.start_ms, self.boot_ms)
            body["last"] = _uptime(ordered.end_ms, self.boot_ms)
        else:
            body["first"], body["last"] = ordered.start_ms, ordered.end_ms
        octets = counts * body.dtype.itemsize
        header = self._headers(counts, sent, octets, V6_TEMPLATE if v6 else V4_TEMPLATE)
        return _pack(body, header, per_datagram, sent)

    def _headers(
        self, counts: NDArray[np.int64], sent: NDArray[np.int64], octets: NDArray[np.int64], set_id: int
    ) -> NDArray[np.void]:
        if self._version == 9:
            header = np.zeros(len(counts), np.dtype(
                [("version", ">u2"), ("count", ">u2"), ("uptime", ">u4"), ("secs", ">u4"), ("sequence", ">u4"),
                 ("domain", ">u4"), ("set_id", ">u2"), ("set_length", ">u2")]))  # fmt: skip
            header["count"], header["uptime"] = counts, _uptime(sent, self.boot_ms)
            steps = np.ones(len(counts), np.int64)  # v9 counts export packets
        else:
            header = np.zeros(len(counts), np.dtype(
                [("version", ">u2"), ("length", ">u2"), ("secs", ">u4"), ("sequence", ">u4"), ("domain", ">u4"),
                 ("set_id", ">u2"), ("set_length", ">u2")]))  # fmt: skip
            header["length"] = 20 + octets
            steps = counts  # IPFIX counts data records
        header["version"], header["secs"], header["domain"] = self._version, sent // 1000, self._domain
        header["sequence"] = (self._sequence + np.cumsum(steps) - steps) & 0xFFFFFFFF
        header["set_id"], header["set_length"] = set_id, 4 + octets
        self._sequence += int(steps.sum())
        return header

    def announce(self, now_ms: int) -> Datagrams:
        """Templates, then the sampler and the interface names as options data."""
        names = [
            struct.pack(">I", index) + name.encode()[:_NAME_OCTETS].ljust(_NAME_OCTETS, b"\0")
            + text.encode()[:_NAME_OCTETS].ljust(_NAME_OCTETS, b"\0")
            for index, (name, text) in self._interfaces.items()
        ]  # fmt: skip
        data = [(INTERFACE_TEMPLATE, b"".join(names), len(names))] if names else []
        if self._rate is not None:
            sampler = struct.pack(">BBI", 1, 2, self._rate) if self._version == 9 else struct.pack(
                ">III", 1, 1, max(self._rate - 1, 0))  # fmt: skip
            data.append((SAMPLER_TEMPLATE, sampler, 1))
        messages = [self._message(self._template_sets(), 0, 4, now_ms)]
        messages += [self._message(_set(set_id, body), n, n, now_ms) for set_id, body, n in data]
        return from_payloads(messages, now_ms)

    def _template_sets(self) -> bytes:
        out = b""
        template_set, options_set = (0, 1) if self._version == 9 else (2, 3)
        for template_id, v6 in ((V4_TEMPLATE, False), (V6_TEMPLATE, True)):
            fields = _fields(self._version, v6)
            spec = b"".join(struct.pack(">HH", element, octets) for element, octets, _, _ in fields)
            out += _set(template_set, struct.pack(">HH", template_id, len(fields)) + spec)
        named = struct.pack(">HHHH", 82, _NAME_OCTETS, 83, _NAME_OCTETS)
        if self._version == 9:  # scopes System (1), of no octets, and Interface (2); lengths in octets
            sampler = struct.pack(">HHHHHHHHHHH", SAMPLER_TEMPLATE, 4, 12, 1, 0, 48, 1, 49, 1, 50, 4)
            interface = struct.pack(">HHHHH", INTERFACE_TEMPLATE, 4, 8, 2, 4) + named
        else:  # scope selectorId (302) and ingressInterface (10); 1 in (305 + 306)
            sampler = struct.pack(">HHHHHHHHH", SAMPLER_TEMPLATE, 3, 1, 302, 4, 305, 4, 306, 4)
            interface = struct.pack(">HHHHH", INTERFACE_TEMPLATE, 3, 1, 10, 4) + named
        return out + _set(options_set, sampler) + _set(options_set, interface)

    def _message(self, sets: bytes, data_records: int, records: int, now_ms: int) -> bytes:
        if self._version == 9:
            uptime = (now_ms - self.boot_ms) & 0xFFFFFFFF
            head = struct.pack(">HHIIII", 9, records, uptime, now_ms // 1000, self._sequence & 0xFFFFFFFF, self._domain)
            self._sequence += 1
        else:
            head = struct.pack(">HHIII", 10, 16 + len(sets), now_ms // 1000, self._sequence & 0xFFFFFFFF, self._domain)
            self._sequence += data_records
        return head + sets


def _set(set_id: int, body: bytes) -> bytes:
    padding = -len(body) % 4
    return struct.pack(">HH", set_id, 4 + len(body) + padding) + body + b"\0" * padding
