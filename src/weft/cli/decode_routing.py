"""What ``weft decode`` prints of BGP: MRT files, BMP streams, and captures of either BMP or BGP sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import asdict, fields
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from weft.decode.bgp import Paths, Routes
from weft.decode.bgp.open import Open, agreed, decode_open
from weft.decode.bgp.to_json import message_json
from weft.decode.bgp.words import ip_text
from weft.decode.bmp import BmpMessage, BmpStream, Initiation, Mirroring, Monitoring, PeerKey, PeerUp
from weft.decode.capture.tcp import Segment, TcpFile
from weft.decode.flow.records import time_text
from weft.decode.mrt import MrtBlock, MrtReader, file_chunks, is_mrt
from weft.errors import InvalidInput
from weft.model.addresses import address_text
from weft.model.routes import BGP_ORIGINS, FAMILIES, RIBS

Record = dict[str, Any]
_MARKER = b"\xff" * 16
_HEADER = 19
_BGP_PORT = 179
_STATES = {1: "idle", 2: "connect", 3: "active", 4: "open_sent", 5: "open_confirm", 6: "established"}
_KINDS = {"PeerUp": "peer_up", "PeerDown": "peer_down"}


class Routing(NamedTuple):
    """What a file says of routing, and whether it may hold flow telemetry as well."""

    records: Iterator[Record]
    is_capture: bool


def routing_of(path: Path, ports: tuple[int, ...], errors: Counter[str]) -> Routing | None:
    """What a file says of routing; none where it holds something else. ``errors``: reason → messages.

    ``ports``: only connections to or from one of them. Raises ``InvalidInput`` where the file cannot be read.
    """
    chunks = file_chunks(path)
    first = next(chunks, b"")
    if is_mrt(first[:12]):
        return Routing(_mrt(chain([first], chunks), errors), False)
    if first[:1] == b"\x03" and len(first) >= 6 and first[5] <= 6 and first[1:3] == b"\0\0":
        return Routing(_bmp_file(chain([first], chunks), errors), False)
    if not any(_speaks(one) for one in _segments(TcpFile(path), ports)):
        return None
    return Routing(_captured(path, ports, errors), True)


def _segments(capture: TcpFile, ports: tuple[int, ...]) -> Iterator[Segment]:
    for one in capture:
        if not ports or one.source_port in ports or one.destination_port in ports:
            yield one


def _speaks(one: Segment) -> str:
    """``bmp`` or ``bgp`` where octets begin as one of the two does."""
    if one.octets[:16] == _MARKER and _BGP_PORT in (one.source_port, one.destination_port):
        return "bgp"
    head = one.octets[:6]
    is_bmp = len(head) == 6 and head[0] == 3 and 6 <= int.from_bytes(head[1:5], "big") <= 1 << 20 and head[5] <= 6
    return "bmp" if is_bmp else ""


def _mrt(chunks: Iterator[bytes], errors: Counter[str]) -> Iterator[Record]:
    reader = MrtReader(Paths())
    try:
        for block in reader.blocks(chunks):
            yield from _changes(block)
            head = {"source": "mrt", "exporter": address_text(block.collector) or None, "rib": RIBS[1]}
            texts = [address_text(peer.tobytes()) for peer in block.peer]
            peers = list(zip(texts, block.peer_as.tolist(), strict=True))
            yield from _routes(block.routes, reader.paths, block.time_ns, head, peers)
            _forget(reader.paths)
    finally:
        errors.update(reader.errors)


def _changes(block: MrtBlock) -> Iterator[Record]:
    for one in block.changes:
        yield {
            "time": time_text(one.time_ns), "source": "mrt", "exporter": address_text(block.collector) or None,
            "event": "state_change", "peer": address_text(one.peer), "peer_as": one.peer_as,
            "old_state": _STATES.get(one.old_state, str(one.old_state)),
            "new_state": _STATES.get(one.new_state, str(one.new_state)),
        }  # fmt: skip


def _forget(paths: Paths) -> None:
    """Printed is done with: the paths of a file or capture are not kept."""
    if len(paths) > 200_000:
        paths.drop(np.arange(paths.places, dtype=np.int32))


def _routes(
    routes: Routes, paths: Paths, times: NDArray[np.int64], head: Record, peers: list[tuple[str, int]]
) -> Iterator[Record]:
    """A record per route, with the names of the ``routes`` table."""
    for row in range(len(routes)):
        family = FAMILIES[int(routes.family[row])]
        length, path = int(routes.prefix_length[row]), int(routes.path[row])
        prefix = routes.prefix[row].tobytes()
        has_prefix = any(prefix) or routes.nlri is None or not routes.nlri[row]
        record: Record = {
            "time": time_text(int(times[row])), **head, "event": "withdraw" if routes.withdrawn[row] else "announce",
            "peer": peers[row][0] or None, "peer_as": peers[row][1], "family": family,
            "prefix": f"{_address(prefix, family)}/{length}" if has_prefix else None,
        }  # fmt: skip
        for name, words in (("rd", routes.rd), ("nlri", routes.nlri), ("labels", routes.labels)):
            if words is not None and words[row]:
                record[name] = words[row]
        if routes.path_id[row]:
            record["path_id"] = int(routes.path_id[row])
        if path >= 0:
            record.update(_path(paths, path))
        yield record


def _address(prefix: bytes, family: str) -> str:
    return address_text(prefix) or ("::" if "6" in family else "0.0.0.0")  # noqa: S104 - a route, not a socket


def _path(paths: Paths, at: int) -> Record:
    origin = BGP_ORIGINS[int(paths.bgp_origin[at])]
    found: Record = {
        "as_path": paths.as_path[at], "origin_as": int(paths.origin_as[at]), "neighbor_as": int(paths.neighbor_as[at]),
        "next_hop": address_text(paths.next_hop[at].tobytes()) or None, "bgp_origin": origin,
        "local_pref": int(paths.local_pref[at]) or None, "med": int(paths.med[at]) or None,
        "communities": paths.communities[at], "attributes": paths.attributes[at],
    }  # fmt: skip
    return {name: value for name, value in found.items() if value not in (None, "")}


def _bmp_file(chunks: Iterator[bytes], errors: Counter[str]) -> Iterator[Record]:
    paths = Paths()
    stream = BmpStream(paths)
    try:
        for chunk in chunks:
            yield from _bmp(stream, paths, chunk, 0, "", errors)
    except InvalidInput as error:
        errors[error.what] += 1
    if stream.close():
        errors["truncated"] += 1


def _bmp(
    stream: BmpStream, paths: Paths, octets: bytes, time_ns: int, exporter: str, errors: Counter[str]
) -> Iterator[Record]:
    """Records of what some octets of a BMP stream complete."""
    messages = stream.feed(octets, time_ns)
    errors.update(stream.errors)
    stream.errors.clear()
    for one in messages:
        if isinstance(one, Monitoring):
            errors.update(one.routes.errors)
            head: Record = {"source": "bmp", "exporter": exporter or None, "rib": RIBS[one.rib]}
            if one.peer.vrf:
                head["vrf"] = one.peer.vrf
            peer = address_text(one.peer.address), one.peer_as
            yield from _routes(one.routes, paths, one.row_time_ns, head, [peer] * len(one.routes))
            for family in one.routes.end_of_rib:
                yield {"time": time_text(one.time_ns), **head, "event": "end_of_rib", "peer": peer[0] or None,
                       "peer_as": peer[1], "family": FAMILIES[family]}  # fmt: skip
        else:
            yield _message(one, time_ns, exporter)
    _forget(paths)


def _message(one: BmpMessage, time_ns: int, exporter: str) -> Record:
    """A message other than Route Monitoring."""
    name = type(one).__name__
    record: Record = {"time": time_text(getattr(one, "time_ns", time_ns)), "source": "bmp"}
    record["exporter"] = exporter or None
    record["event"] = _KINDS.get(name, name.lower())
    if isinstance(one, Initiation):
        return {**record, **asdict(one)}
    for each in fields(one):
        value = getattr(one, each.name)
        if isinstance(value, PeerKey):
            record.update({"peer": address_text(value.address) or None, "vrf": value.vrf} if value else {})
        elif each.name == "rib":
            record["rib"] = RIBS[value]
        elif each.name == "bgp_id":
            record["bgp_id"] = ip_text(value.to_bytes(4, "big"))
        elif each.name == "local_address":
            record["local_address"] = address_text(value) or None
        elif each.name == "per_family":
            record["per_family"] = {"/".join(map(str, key)): count for key, count in value.items()}
        elif each.name == "values":
            record["values"] = {str(key): count for key, count in value.items()}
        elif isinstance(value, frozenset):
            record[each.name] = sorted(value)
        elif isinstance(value, str | int | list) and each.name != "time_ns":
            record[each.name] = value
    if isinstance(one, PeerUp):
        record["sent"] = message_json(one.sent_open).get("open")
        record["received"] = message_json(one.received_open).get("open")
    elif isinstance(one, Mirroring) and one.message:
        record["message"] = message_json(one.message)
    return record


class _Session:
    """A BGP session in a capture: what its two ends offered."""

    def __init__(self) -> None:
        self.offers: dict[tuple[bytes, int], Open] = {}

    def agreed(self, sender: tuple[bytes, int], receiver: tuple[bytes, int]) -> tuple[bool, frozenset[tuple[int, int]]]:
        """Of what one end sends; four octets and no identifiers where the OPEN messages were not captured."""
        one, two = self.offers.get(sender), self.offers.get(receiver)
        return agreed(one, two) if one and two else (True, frozenset())


def _captured(path: Path, ports: tuple[int, ...], errors: Counter[str]) -> Iterator[Record]:
    """Everything BMP and BGP in a capture, in its order."""
    capture, paths = TcpFile(path), Paths()
    streams: dict[tuple[bytes, int, bytes, int], BmpStream] = {}
    rests: dict[tuple[bytes, int, bytes, int], bytes] = {}
    sessions: dict[frozenset[tuple[bytes, int]], _Session] = {}
    for one in _segments(capture, ports):
        key = one[:4]
        if one.is_new:
            streams.pop(key, None)
            rests.pop(key, None)
            kind = _speaks(one)
            if kind == "bmp":
                streams[key] = BmpStream(paths)
            elif kind == "bgp":
                rests[key] = b""
        if key in streams:
            try:
                yield from _bmp(streams[key], paths, one.octets, one.time_ns, address_text(one.source), errors)
            except InvalidInput as error:
                errors[error.what] += 1
                del streams[key]
        elif key in rests:
            ends = frozenset({(one.source, one.source_port), (one.destination, one.destination_port)})
            session = sessions.setdefault(ends, _Session())
            rests[key] = yield from _bgp(rests[key] + one.octets, one, session, errors)
    errors.update(capture.errors)


def _bgp(octets: bytes, one: Segment, session: _Session, errors: Counter[str]) -> Generator[Record, None, bytes]:
    """A record per BGP message; what is left over is returned."""
    sender, receiver = (one.source, one.source_port), (one.destination, one.destination_port)
    while len(octets) >= _HEADER:
        length = int.from_bytes(octets[16:18], "big")
        if octets[:16] != _MARKER or length < _HEADER:
            errors["framing_lost"] += 1
            return b""
        if len(octets) < length:
            break
        message, octets = octets[:length], octets[length:]
        as4, add_path = session.agreed(sender, receiver)
        found = message_json(message, as4=as4, add_path=add_path)
        if "error" in found:
            errors[found["error"]] += 1
        elif found["type"] == "open":
            session.offers[sender] = decode_open(message)
        yield {"time": time_text(one.time_ns), "source": "bgp", "from": address_text(one.source),
               "to": address_text(one.destination), **found}  # fmt: skip
    return octets


#: Heading and width of the readable table.
_TABLE = (("time", 30), ("exporter", 15), ("event", 13), ("peer", 22), ("prefix", 26), ("next_hop", 22), ("as_path", 0))


def routing_line(record: Record) -> str:
    """A record for people."""
    if record["source"] == "bgp":
        ends = f"{record['from']} > {record['to']}"
        return f"{record['time']:<30} {ends}  {record['type']} {_brief(record)}".rstrip() + "\n"
    cells = []
    for name, width in _TABLE:
        value = record.get(name)
        if name == "prefix" and not value:
            value = record.get("nlri") or record.get("reason") or record.get("sys_name") or record.get("new_state")
        cells.append(f"{value if value is not None else '-':<{width}}")
    return " ".join(cells).rstrip() + "\n"


def _brief(record: Record) -> str:
    if record["type"] == "update" and "update" in record:
        update = record["update"]
        counts = [
            f"+{len(routes)} {family}"
            for family, hops in update.get("announce", {}).items()
            for routes in hops.values()
        ]
        counts += [f"-{len(routes)} {family}" for family, routes in update.get("withdraw", {}).items()]
        return ", ".join(counts) or ("end of RIB" if "eor" in update else "")
    if record["type"] == "notification":
        return str(record["notification"]["text"])
    return str(record.get("error", ""))
