"""An sFlow v5 agent (sflow.org, version 5): packet samples with raw headers, interface counter samples."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from weft.twin.encode import Datagrams, _pack, _runs, _uptime, _v4, _v6, concat, from_payloads
from weft.twin.records import FlowRecords

_ETHERNET = [("dst_mac", "V6"), ("src_mac", "V6"), ("ether_type", ">u2")]
_IPV4 = [("version", "u1"), ("tos", "u1"), ("total", ">u2"), ("id", ">u4"), ("ttl", "u1"), ("protocol", "u1"),
         ("checksum", ">u2"), ("src", "V4"), ("dst", "V4")]  # fmt: skip
_IPV6 = [("version", ">u4"), ("payload", ">u2"), ("protocol", "u1"), ("ttl", "u1"), ("src", "V16"), ("dst", "V16")]
_L4 = [("src_port", ">u2"), ("dst_port", ">u2"), ("seq", ">u4"), ("ack", ">u4"), ("offset", "u1"), ("tcp_flags", "u1"),
       ("window", ">u2"), ("sum", ">u2"), ("urgent", ">u2"), ("xdr_pad", "V2")]  # fmt: skip
_SAMPLE = [("tag", ">u4"), ("length", ">u4"), ("sequence", ">u4"), ("source_id", ">u4"), ("rate", ">u4"),
           ("pool", ">u4"), ("drops", ">u4"), ("in_if", ">u4"), ("out_if", ">u4"), ("records", ">u4"),
           ("record_tag", ">u4"), ("record_length", ">u4"), ("header_protocol", ">u4"), ("frame_length", ">u4"),
           ("stripped", ">u4"), ("header_length", ">u4")]  # fmt: skip
_HEADER = np.dtype(
    [("version", ">u4"), ("family", ">u4"), ("agent", "V4"), ("sub_agent", ">u4"), ("sequence", ">u4"),
     ("uptime", ">u4"), ("samples", ">u4")]
)  # fmt: skip
#: UTC seconds → ifIndex → octets in and out.
Counters = Callable[[float], Mapping[int, tuple[int, int]]]
_SAMPLES_PER_DATAGRAM = 7
_ETHERNET_OCTETS = 14


class SflowAgent:
    """An sFlow agent: each record becomes one sampled packet of the record's mean size."""

    def __init__(
        self,
        agent: str,
        boot_ms: int,
        sampling_rate: int,
        speeds_bps: Mapping[int, int],
        counters: Counters | None = None,
        sub_agent: int = 0,
    ) -> None:
        """An agent that has sent nothing.

        ``speeds_bps``: ifIndex → speed, the interfaces whose counters are sent. Without ``counters`` these grow by what
        the samples stand for.
        """
        self._counters, self._sub_agent = counters, sub_agent
        self._agent = ipaddress.IPv4Address(agent).packed
        self.boot_ms, self._rate, self._speeds = boot_ms, sampling_rate, speeds_bps
        self._datagrams = self._samples = self._counter_samples = 0
        self._in = dict.fromkeys(speeds_bps, 0)
        self._out = dict.fromkeys(speeds_bps, 0)

    def encode(self, records: FlowRecords) -> Datagrams:
        """One sample per record."""
        for counters, column in ((self._in, records.in_if), (self._out, records.out_if)):
            for index in counters:
                counters[index] += int(records.octets[column == index].sum()) * self._rate
        v4 = records.is_v4
        return concat([self._packets(records.take(v4), False), self._packets(records.take(~v4), True)])

    def _packets(self, records: FlowRecords, v6: bool) -> Datagrams:
        ordered, counts, sent = _runs(records, _SAMPLES_PER_DATAGRAM)
        dtype = np.dtype([*_SAMPLE, *_ETHERNET, *(_IPV6 if v6 else _IPV4), *_L4])
        body = np.zeros(len(ordered), dtype)
        header_octets = _ETHERNET_OCTETS + (40 if v6 else 20) + 20
        frame = np.maximum(ordered.octets // np.maximum(ordered.packets, 1), header_octets + 4)
        body["tag"], body["length"] = 1, dtype.itemsize - 8
        body["sequence"] = (self._samples + np.arange(1, len(body) + 1)) & 0xFFFFFFFF
        body["source_id"], body["rate"] = ordered.in_if, self._rate
        body["pool"] = (body["sequence"].astype(np.int64) * self._rate) & 0xFFFFFFFF
        body["in_if"], body["out_if"], body["records"] = ordered.in_if, ordered.out_if, 1
        body["record_tag"], body["record_length"] = 1, 16 + header_octets + 2
        body["header_protocol"], body["frame_length"], body["stripped"] = 1, frame, 4
        body["header_length"] = header_octets
        body["dst_mac"], body["src_mac"] = np.void(b"\x02\0\0\0\0\x02"), np.void(b"\x02\0\0\0\0\x01")
        self._ip(body, ordered, frame - _ETHERNET_OCTETS - 4, v6)
        for name in ("src_port", "dst_port", "tcp_flags"):
            body[name] = getattr(ordered, name)
        udp = ordered.protocol == 17  # its length and checksum lie where TCP has its sequence number
        body["seq"] = np.where(udp, (frame - header_octets + 16).astype(np.uint32) << 16, 0)
        body["offset"] = np.where(udp, 0, 5 << 4)
        self._samples += len(body)
        return _pack(body, self._headers(counts, sent), _SAMPLES_PER_DATAGRAM, sent)

    @staticmethod
    def _ip(body: NDArray[np.void], records: FlowRecords, octets: NDArray[np.uint64], v6: bool) -> None:
        if v6:
            body["ether_type"], body["version"] = 0x86DD, (6 << 28) | (records.tos.astype(np.uint32) << 20)
            body["payload"], body["src"], body["dst"] = octets - 40, _v6(records.src), _v6(records.dst)
        else:
            body["ether_type"], body["version"], body["tos"] = 0x0800, 0x45, records.tos
            body["total"], body["src"], body["dst"] = octets, _v4(records.src), _v4(records.dst)
        body["ttl"], body["protocol"] = 62, records.protocol

    def _headers(self, counts: NDArray[np.int64], sent: NDArray[np.int64]) -> NDArray[np.void]:
        header = np.zeros(len(counts), _HEADER)
        header["version"], header["family"], header["agent"] = 5, 1, np.void(self._agent)
        header["sub_agent"] = self._sub_agent
        header["sequence"] = (self._datagrams + np.arange(1, len(counts) + 1)) & 0xFFFFFFFF
        header["uptime"], header["samples"] = _uptime(sent, self.boot_ms), counts
        self._datagrams += len(counts)
        return header

    def announce(self, now_ms: int) -> Datagrams:
        """Generic interface counters of every interface (sFlow format 1 of enterprise 0)."""
        samples = b""
        counted = self._counters(now_ms / 1000) if self._counters is not None else {}
        for index, speed in self._speeds.items():
            self._counter_samples += 1
            received, sent = counted.get(index, (self._in[index], self._out[index]))
            counters = struct.pack(
                ">IIQIIQ6IQ6I", index, 6, speed, 1, 3, received, (received // 800) & 0xFFFFFFFF, 0, 0, 0, 0, 0,
                sent, (sent // 800) & 0xFFFFFFFF, 0, 0, 0, 0, 0,
            )  # fmt: skip
            sample = struct.pack(">III", self._counter_samples & 0xFFFFFFFF, index, 1)
            sample += struct.pack(">II", 1, len(counters)) + counters
            samples += struct.pack(">II", 2, len(sample)) + sample
        self._datagrams += 1
        uptime = (now_ms - self.boot_ms) & 0xFFFFFFFF
        head = struct.pack(
            ">II4sIIII", 5, 1, self._agent, self._sub_agent, self._datagrams & 0xFFFFFFFF, uptime, len(self._speeds)
        )
        return from_payloads([head + samples], now_ms)
