"""Flow logs of Azure: virtual networks (version 4) and network security groups (versions 1 and 2).

A record is one minute of one interface; its flows are *tuples*, texts with commas. A tuple counts both directions of a
flow, so it makes two rows: as it went, and what came back.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from weft.decode.cloud.cells import ADDRESSES, NUMBERS, Cells, Word
from weft.decode.cloud.lines import parse_lines
from weft.decode.cloud.rows import ACCEPT, AZURE, EGRESS, INGRESS, REJECT, Found
from weft.decode.cloud.scan import ADDRESS, MILLIS, NUMBER, SECONDS, SKIP, WORD

WORDS = ("protocol", "direction", "decision", "state")
_MOST_TUPLES = 2_000_000  # of one record
_COMMA = 44


def _program(*cells: tuple[int, str]) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    tables = {NUMBER: NUMBERS, SECONDS: NUMBERS, MILLIS: NUMBERS, ADDRESS: ADDRESSES, WORD: WORDS}
    kinds = np.array([kind for kind, _ in cells], np.int8)
    return kinds, np.array([tables[kind].index(name) if kind in tables else 0 for kind, name in cells], np.int32)


_ENDS = ((ADDRESS, "src"), (ADDRESS, "dst"), (NUMBER, "src_port"), (NUMBER, "dst_port"), (WORD, "protocol"),
         (WORD, "direction"))  # fmt: skip
_SUMS = ((NUMBER, "packets"), (NUMBER, "bytes"), (NUMBER, "packets_back"), (NUMBER, "bytes_back"))
_VNET = _program((MILLIS, "end"), *_ENDS, (WORD, "state"), (SKIP, ""), *_SUMS)
_NSG = _program((SECONDS, "end"), *_ENDS, (WORD, "decision"), (WORD, "state"), *_SUMS)
_LEAST = 8
_PROTOCOLS = {"T": 6, "U": 17, **{str(number): number for number in range(256)}}
_DIRECTIONS = {"I": INGRESS, "O": EGRESS}


class AzureReader:
    """Reads records; not for several threads at once."""

    def __init__(self) -> None:
        self._cells, self._last = Cells(WORDS), 0
        self.errors: Counter[str] = Counter()

    def read(self, records: list[bytes | memoryview]) -> list[Found]:
        """Rows of some records, each the JSON of one."""
        groups: dict[bool, tuple[list[str], list[int], list[tuple[str, ...]]]] = {}
        for raw in records:
            try:
                record = orjson.loads(raw)
                for is_vnet, tuples, about in _groups(record):
                    texts, counts, abouts = groups.setdefault(is_vnet, ([], [], []))
                    texts.extend(tuples)
                    counts.append(len(tuples))
                    abouts.append(about)
            except (orjson.JSONDecodeError, AttributeError, TypeError, KeyError, ValueError):
                self.errors["bad_json"] += 1
        return [
            found for is_vnet, (texts, counts, abouts) in groups.items()
            for found in self._tuples(is_vnet, texts, np.repeat(np.arange(len(counts)), counts), abouts)
        ]  # fmt: skip

    def _tuples(
        self, is_vnet: bool, texts: list[str], group: NDArray[np.int64], abouts: list[tuple[str, ...]]
    ) -> list[Found]:
        data = "\n".join(texts).encode()
        buffer = np.frombuffer(data or b"\n", np.uint8)
        cells, found, at, line = self._cells, [], 0, 0
        kinds, columns = _VNET if is_vnet else _NSG
        while at < len(data):
            cells.begin(self._last)
            cells.bad[-1] = _LEAST
            at, rows, lines = parse_lines(
                buffer, at, len(data), _COMMA, kinds, columns, cells.counts, cells.table(buffer), cells.lines, cells.bad
            )
            self._last = rows
            if rows:
                cells.read_texts(data, buffer.ctypes.data)
                about = group[np.minimum(cells.lines[:rows] + line, len(group) - 1)]
                found.append(_found(cells, rows, about, abouts, is_vnet))
            line += lines
            self.errors.update(cells.take_errors())
        return found


def _groups(record: dict[str, Any]) -> list[tuple[bool, list[str], tuple[str, ...]]]:
    """Tuples by rule, with what they have in common: account, network, interface, rule."""
    mac = str(record.get("macAddress", ""))
    if "flowRecords" in record:
        resource = str(record.get("targetResourceID", record.get("targetResourceId", "")))
        return [
            (True, _texts(group["flowTuples"]), (*_resource(resource), mac, str(group.get("rule", ""))))
            for acl in record["flowRecords"]["flows"] for group in acl["flowGroups"]
        ]  # fmt: skip
    resource = str(record.get("resourceId", ""))
    return [
        (False, _texts(flow["flowTuples"]),
         (*_resource(resource), str(flow.get("mac", mac)), str(rule.get("rule", ""))))
        for rule in record["properties"]["flows"] for flow in rule["flows"]
    ]  # fmt: skip


def _texts(tuples: Any) -> list[str]:
    if not isinstance(tuples, list) or len(tuples) > _MOST_TUPLES:
        raise ValueError("no list of tuples")
    if any("\n" in one for one in tuples):
        raise ValueError("a tuple of several lines")
    return tuples


def _resource(path: str) -> tuple[str, str, str]:
    """Subscription, virtual network and subnet of a resource id, in lower case as Azure does not mind it."""
    parts = path.lower().split("/")
    found = {kind: parts[i + 1] for i, kind in enumerate(parts[:-1])
             if kind in {"subscriptions", "resourcegroups", "virtualnetworks", "subnets"}}  # fmt: skip
    network = found.get("virtualnetworks", "")
    name = f"{found.get('resourcegroups', '')}/{network}" if network else ""
    subnet = f"{network}/{found['subnets']}" if "subnets" in found else ""
    return found.get("subscriptions", ""), name, subnet


def _found(cells: Cells, rows: int, about: NDArray[np.int64], abouts: list[tuple[str, ...]], is_vnet: bool) -> Found:
    found = Found(rows, AZURE)
    direction = cells.word("direction", rows).map(_DIRECTIONS)
    verdicts = {"D": REJECT} if is_vnet else {"D": REJECT, "A": ACCEPT}
    verdict = cells.word("state" if is_vnet else "decision", rows).map(verdicts, ACCEPT if is_vnet else 0)
    found.numbers = {name: cells.number(name, rows)
                     for name in ("src_port", "dst_port", "bytes", "packets", "start", "end")}  # fmt: skip
    found.numbers["start"] = found.numbers["end"]
    found.numbers |= {
        "protocol": cells.word("protocol", rows).map(_PROTOCOLS), "direction": direction, "verdict": verdict,
    }  # fmt: skip
    for at, name in enumerate(("account", "vpc", "subnet", "interface_id", "rule")):
        texts: dict[str, int] = {"": 0}
        codes = np.array([texts.setdefault(one[at], len(texts)) for one in abouts], np.int32)
        found.words[name] = Word(codes[about], list(texts))
    found.addresses = {f"{side}_addr": cells.address(side, rows) for side in ("src", "dst")}
    return _both_ways(found, cells.number("bytes_back", rows), cells.number("packets_back", rows))


def _both_ways(found: Found, octets: NDArray[np.int64], packets: NDArray[np.int64]) -> Found:
    """The rows, and one for the other direction of each flow that something came back of."""
    back = np.flatnonzero((octets > 0) | (packets > 0))
    if not len(back):
        return found
    out = found.at(np.concatenate([np.arange(found.rows), back]))
    rest = slice(found.rows, out.rows)
    for one, other, columns in (("src_port", "dst_port", out.numbers), ("src_addr", "dst_addr", out.addresses)):
        columns[one][rest], columns[other][rest] = columns[other][rest].copy(), columns[one][rest].copy()
    out.numbers["bytes"][rest], out.numbers["packets"][rest] = octets[back], packets[back]
    direction = out.numbers["direction"][rest]
    out.numbers["direction"][rest] = np.where(direction == 0, 0, INGRESS + EGRESS - direction)
    return out
