"""Reads public NetFlow and IPFIX captures with Weft and with tshark, as records of the same shape."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

import flow_wire
from frames import ethernet, ipv4, udp

from weft.decode.capture import CaptureFile
from weft.decode.datagrams import DatagramBatch
from weft.decode.flow.records import records

Record = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = 10**6
_NEVER = "Jan  1, 1970 00:00:00.000000000 UTC"


def decode(*paths: Path, ports: Iterable[int] = (), singly: bool = False) -> list[Record]:
    """Every record of some files, read one after the other by one decoder, times in ns.

    With ``singly`` every datagram is a batch of its own: nothing that options data say reaches back in time.
    """
    decoder = flow_wire.new_decoder(max_streams=256)
    found: list[Record] = []
    for path in paths:
        for batch in CaptureFile(path, ports):
            for part in _single(batch) if singly else [batch]:
                found += records(decoder.decode(part).flows)
    for record in found:
        for name in ("time_received", "time_start", "time_end"):
            record[name] = iso_ns(record[name])
    return found


def _single(batch: DatagramBatch) -> Iterator[DatagramBatch]:
    for i in range(len(batch)):
        one = slice(i, i + 1)
        yield DatagramBatch(
            batch.data,
            batch.start[one],
            batch.length[one],
            batch.source[one],
            batch.source_port[one],
            batch.received_ns[one],
        )


@cache
def iso_ns(text: str | None) -> int | None:
    """ISO 8601 in UTC to ns since 1970."""
    if text is None:
        return None
    whole, _, part = text.removesuffix("Z").partition(".")
    seconds = (datetime.fromisoformat(whole).replace(tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)
    return seconds * 10**9 + int(part.ljust(9, "0") or 0)


def as_pcap(messages: Iterable[tuple[bytes, str]], port: int) -> bytes:
    """A capture of datagrams, each from the exporter given with it."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for message, source in messages:
        frame = ethernet(ipv4(udp(message, port, port), 17, src=source))
        out += struct.pack("<4I", 1, 0, len(frame), len(frame)) + frame
    return out


# -- tshark ------------------------------------------------------------------------------------------------------------


def _address(text: str) -> str:
    """As Weft writes it: an IPv4-mapped address is an IPv4 address."""
    return str(ip_address(text).ipv4_mapped or text) if ":" in text else text


def _number(text: str) -> int:
    return int(text, 0)


@cache
def _tshark_time(text: str) -> int:
    """``Feb 28, 2023 09:46:01.088000000 UTC`` to ns."""
    whole, _, part = text.removesuffix(" UTC").partition(".")
    at = datetime.strptime(whole, "%b %d, %Y %H:%M:%S").replace(tzinfo=UTC)
    return (at - _EPOCH) // timedelta(seconds=1) * 10**9 + int(part)


def _colons(text: str) -> int:
    return int(text.replace(":", ""), 16)


def _side(text: str) -> str | None:
    return {"0": "ingress", "1": "egress"}.get(text, None if text == "255" else text)


class Reading(NamedTuple):
    """Names that feed one column, best first; with ``if_zero`` a later one is read where those before are zero."""

    names: tuple[str, ...]
    convert: Callable[[str], Any] = _number
    if_zero: bool = True


#: Column → what tshark calls the fields that carry it, without ``cflow.``
TSHARK: dict[str, Reading] = {
    "src_addr": Reading(("srcaddr", "srcaddrv6", "srcprefix"), _address),
    "dst_addr": Reading(("dstaddr", "dstaddrv6", "dstprefix"), _address),
    "next_hop": Reading(("nexthop", "bgpnexthop", "nexthopv6", "bgpnexthopv6"), _address),
    "src_port": Reading(("srcport", "udp_srcport", "tcp_srcport")),
    "dst_port": Reading(("dstport", "udp_dstport", "tcp_dstport")),
    "protocol": Reading(("protocol",)),
    "bytes": Reading(("octets", "octets64", "permanent_octets", "initiator_octets"), if_zero=False),
    "packets": Reading(("packets", "packets64", "permanent_packets", "initiator_packets"), if_zero=False),
    "in_if": Reading(("inputint", "ingress_physical_interface")),
    "out_if": Reading(("outputint", "egress_physical_interface")),
    "tcp_flags": Reading(("tcpflags",)),
    "src_as": Reading(("srcas",)),
    "dst_as": Reading(("dstas",)),
    "direction": Reading(("direction",), _side),
    "tos": Reading(("tos",), if_zero=False),
    "src_mask": Reading(("srcmask", "srcmaskv6")),
    "dst_mask": Reading(("dstmask", "dstmaskv6")),
    "src_vlan": Reading(("vlanid", "dot1q_vlan_id")),
    "dst_vlan": Reading(("post_vlanid", "post_dot1q_vlan_id")),
    "inner_vlan": Reading(("dot1q_customer_vlan_id",)),
    "src_mac": Reading(("srcmac", "post_srcmac"), str),
    "dst_mac": Reading(("in_dstmac", "dstmac", "post_dstmac"), str),
    "ttl": Reading(("ttl_min", "ip_ttl"), if_zero=False),
    "ipv6_flow_label": Reading(("ipv6flowlabel",)),
    "mpls_label": Reading(("mpls_label",)),
    "in_vrf": Reading(("ingress_vrfid",)),
    "out_vrf": Reading(("egress_vrfid",)),
    "forwarding_status": Reading(("forwarding_status_byte",)),
    "flow_end_reason": Reading(("flow_end_reason",)),
}


class Message(NamedTuple):
    """The header of a message: its exporter and domain, export time (ns), uptime (ms) and, in v5, sampling rate."""

    exporter: str
    domain: str
    exported: int
    uptime: int
    version: str
    rate: int | None


def tshark(capture: Path, port: int) -> list[Record]:
    """Every flow record of a capture as tshark reads it, in the columns of Weft that it tells."""
    arguments = [
        "-n",
        "-T",
        "json",
        "--no-duplicate-keys",
        "-J",
        "ip ipv6 cflow",
        "-d",
        f"udp.port=={port},cflow",
        "-Y",
        "cflow",
    ]
    done = subprocess.run(["tshark", *arguments, "-r", capture], capture_output=True, check=True)
    messages = [_message(packet["_source"]["layers"]) for packet in json.loads(done.stdout)]
    options = {(m.exporter, m.domain, number) for m, sets in messages for number in _option_templates(sets)}
    boot: dict[tuple[str, str], int] = {}
    rates: dict[tuple[str, str, str], int] = {}
    found: list[Record] = []
    for message, sets in messages:
        for number, name, fields in _flows(sets):
            stream = (message.exporter, message.domain)
            if (*stream, number) in options:
                if init := fields.get("sys_init_time"):
                    boot[stream] = _tshark_time(init)
                if rate := _rate(fields):
                    rates[*stream, _sampler(fields)] = rate
            elif name:
                rate = _rate(fields) or rates.get((*stream, _sampler(fields)), message.rate)
                record = _columns(fields) | _times(fields, message, boot.get(stream)) | {"sampling_rate": rate}
                found.append(record | ({"exporter": message.exporter} if message.exporter else {}))
    return found


def _sampler(fields: Record) -> str:
    return str(fields.get("selector_id") or fields.get("sampler_id", ""))


def _rate(fields: Record) -> int | None:
    """One in how many packets, by what a record or options data say of it."""
    if "sampling_population" in fields and "sampling_size" in fields:
        return int(fields["sampling_population"]) // int(fields["sampling_size"])
    if "sampling_packet_interval" in fields and "sampling_packet_space" in fields:
        interval = int(fields["sampling_packet_interval"])
        return (interval + int(fields["sampling_packet_space"])) // interval
    return int(fields.get("sampler_random_interval") or fields.get("sampling_interval") or 0) or None


def _message(layers: Record) -> tuple[Message, Record]:
    sets = layers.get("cflow", {})
    exporter = layers.get("ip", {}).get("ip.src") or layers.get("ipv6", {}).get("ipv6.src", "")
    if "cflow.exporttime" in sets.get("cflow.timestamp_tree", {}):
        exported = int(sets["cflow.timestamp_tree"]["cflow.exporttime"]) * 10**9
    else:
        exported = _tshark_time(sets["cflow.timestamp"]) if "cflow.timestamp" in sets else 0
    uptime = sets.get("cflow.sysuptime", "0").replace(".", "")[:-6]
    domain = sets.get("cflow.od_id") or sets.get("cflow.source_id", "")
    version, rate = sets.get("cflow.version", ""), sets.get("cflow.samplerate")
    return Message(exporter, domain, exported, int(uptime or 0), version, None if rate is None else int(rate)), sets


def _option_templates(sets: Record) -> Iterator[str]:
    for name, body in sets.items():
        if "(Options Template" in name:
            for templates in body.values():
                for template in templates if isinstance(templates, list) else [templates]:
                    if isinstance(template, dict) and "cflow.template_id" in template:
                        yield template["cflow.template_id"]


def _flows(sets: Record) -> Iterator[tuple[str, str, Record]]:
    """Number of the set, name and fields of every record of a message."""
    for set_name, body in sets.items():
        if set_name.startswith("pdu "):
            yield "", set_name, dict(_flat(body))
        elif isinstance(body, dict) and "cflow.flowset_id" in body:
            for name, flow in body.items():
                if name.startswith("Flow "):
                    for one in flow if isinstance(flow, list) else [flow]:
                        yield body["cflow.flowset_id"], name, dict(_flat(one))


def _flat(fields: Record) -> Iterator[tuple[str, Any]]:
    """Fields of a record; of one that is there twice the first, which is the outermost (RFC 7011 §8)."""
    seen = set()
    for name, value in fields.items():
        if name == "Forwarding Status":
            yield "forwarding_status_byte", _forwarding(value)
        elif isinstance(value, dict):
            for inner, found in _flat(value):
                if inner not in seen:
                    seen.add(inner)
                    yield inner, found
        else:
            name = name.removeprefix("cflow.")
            first = value[0] if isinstance(value, list) else value
            if isinstance(first, dict):
                yield from _flat(first)
            elif name not in seen:
                seen.add(name)
                yield name, first


def _forwarding(fields: Record) -> str:
    """The byte that tshark shows as status and reason."""
    code = next((int(v) for k, v in fields.items() if k.endswith("_code")), 0)
    return str(int(fields["cflow.forwarding_status"]) << 6 | code)


def _is_zero(value: Any) -> bool:
    return value in (0, "0.0.0.0", "::", "00:00:00:00:00:00")


def _columns(fields: Record) -> Record:
    """The columns of a record, None where it has none of a column's fields."""
    return {column: read(fields, reading) for column, reading in TSHARK.items()}


def read(fields: Record, reading: Reading) -> Any:
    """One column of a record."""
    chosen: Any = None
    for name in reading.names:
        if name in fields:
            value = reading.convert(fields[name])
            if chosen is None or (_is_zero(chosen) and reading.if_zero and not _is_zero(value)):
                chosen = value
    return chosen


def _times(fields: Record, message: Message, boot: int | None) -> Record:
    if "sys_init_time" in fields:
        boot = _tshark_time(fields["sys_init_time"])
    elif message.version in ("5", "9"):
        boot = message.exported - message.uptime * _MS
    out: Record = {}
    for column, side in (("time_start", "start"), ("time_end", "end")):
        absolute = _tshark_time(fields.get(f"abstime{side}") or _NEVER)
        if absolute == 0 and f"abstime{side}" in fields:  # how tshark shows an uptime of 0
            out[column] = boot
        elif f"time{side}" in fields and boot is not None:
            out[column] = boot + int(fields[f"time{side}"].replace(".", ""))
        elif "observation_time_milliseconds" in fields:
            out[column] = absolute or _tshark_time(fields["observation_time_milliseconds"])
        else:
            out[column] = absolute or None
    return out


# -- comparison --------------------------------------------------------------------------------------------------------


def differences(ours: list[Record], theirs: list[Record]) -> list[str]:
    """What Weft reads differently from another decoder, of the columns that the other one tells.

    Times may differ by the rounding of a binary fraction (RFC 7011 §6.1.9: the low 11 bits of µs mean nothing).
    """
    return [
        f"record {i}: {column} is {mine[column]!r}, not {value!r}"
        for i, (mine, other) in enumerate(zip(ours, theirs, strict=True))
        for column, value in other.items()
        if mine[column] != value and not (column.startswith("time_") and _is_close(mine[column], value))
    ]


def _is_close(mine: int | None, other: int | None) -> bool:
    return mine is not None and other is not None and abs(mine - other) < 1000
