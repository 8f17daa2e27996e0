"""Flow logs of AWS: VPC (versions 2 to 10, default and custom formats) and Transit Gateway, as text and as Parquet.

The fields of a text file are named by its first line; a file without one is in the default format of version 2, or in
the one that the settings name. Lines exported from CloudWatch Logs begin with a time stamp of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.decode.cloud.cells import ADDRESSES, NUMBERS, Cells, Word, choose, constant
from weft.decode.cloud.rows import (
    ACCEPT,
    AWS,
    EGRESS,
    INGRESS,
    NODATA,
    REJECT,
    SKIPDATA,
    STATE_OK,
    UNKNOWN,
    Found,
    equal,
    present,
)
from weft.decode.cloud.scan import ADDRESS, NUMBER, SECONDS, SKIP, WORD, parse_addresses
from weft.errors import InvalidInput

DEFAULT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
_NUMBERS = {
    "srcport": "src_port", "dstport": "dst_port", "protocol": "protocol", "packets": "packets", "bytes": "bytes",
    "tcp-flags": "tcp_flags", "traffic-path": "path", "packets-lost-no-route": "lost_1",
    "packets-lost-blackhole": "lost_2", "packets-lost-mtu-exceeded": "lost_3", "packets-lost-ttl-expired": "lost_4",
}  # fmt: skip
_TIMES = {"start": "start", "end": "end"}
_ADDRESSES = {"srcaddr": "src", "dstaddr": "dst", "pkt-srcaddr": "packet_src", "pkt-dstaddr": "packet_dst"}
_WORDS = (
    "account-id", "interface-id", "action", "log-status", "vpc-id", "subnet-id", "instance-id", "region", "az-id",
    "pkt-src-aws-service", "pkt-dst-aws-service", "flow-direction", "reject-reason", "resource-id", "tgw-id",
    "tgw-attachment-id", "tgw-src-vpc-account-id", "tgw-src-vpc-id", "tgw-dst-vpc-id", "tgw-src-subnet-id",
    "tgw-dst-subnet-id", "tgw-src-eni", "tgw-src-az-id", "tgw-pair-attachment-id",
)  # fmt: skip
#: Fields that AWS has and rows do not keep.
_PASSED_OVER = frozenset({
    "version", "type", "sublocation-type", "sublocation-id", "ecs-cluster-arn", "ecs-cluster-name",
    "ecs-container-instance-arn", "ecs-container-instance-id", "ecs-container-id", "ecs-second-container-id",
    "ecs-service-name", "ecs-task-definition-arn", "ecs-task-arn", "ecs-task-id", "resource-type", "encryption-status",
    "tgw-dst-vpc-account-id", "tgw-dst-eni", "tgw-dst-az-id",
})  # fmt: skip
FIELDS = frozenset({*_NUMBERS, *_TIMES, *_ADDRESSES, *_WORDS, *_PASSED_OVER})
#: The gateway that traffic-path stands for, on the way out.
_PATHS = {
    2: "internet gateway", 3: "virtual private gateway", 4: "VPC peering", 5: "VPC peering, other region",
    6: "local gateway", 7: "VPC endpoint", 8: "internet gateway",
}  # fmt: skip
_DIRECTIONS = {"ingress": INGRESS, "egress": EGRESS}
_VERDICTS = {"ACCEPT": ACCEPT, "REJECT": REJECT}
_STATES = {"NODATA": NODATA, "SKIPDATA": SKIPDATA}
_STAMPED = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z ")
_MOST_FIELDS = 100

WORDS = _WORDS


def fields_of(line: bytes, configured: str = "") -> tuple[list[str], bool]:
    """The fields of a file by its first line, and whether that line is a heading. Raises ``InvalidInput``."""
    stamped = bool(_STAMPED.match(line))
    names = [name.strip("${}") for name in line.decode("utf-8", "replace").split()]
    if names and FIELDS.issuperset(names[:3]) and len(names) <= _MOST_FIELDS:
        return names, True
    names = [name.strip("${}") for name in configured.split()] or DEFAULT.split()
    if unknown := [name for name in names if name not in FIELDS]:
        raise InvalidInput(f"AWS has no field {unknown[0]!r} in flow logs", fix="Name the fields as AWS does.")
    if len(line.split()) - stamped < len(names):
        raise InvalidInput(
            f"its first line has fewer than {len(names)} fields", fix="Set `fields` as the log has them."
        )
    return (["", *names] if stamped else names), False


def program_of(names: Sequence[str]) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """What each field is read as, and into which column."""
    kinds, columns = np.zeros(len(names), np.int8), np.zeros(len(names), np.int32)
    for i, name in enumerate(names):
        if name in _NUMBERS:
            kinds[i], columns[i] = NUMBER, NUMBERS.index(_NUMBERS[name])
        elif name in _TIMES:
            kinds[i], columns[i] = SECONDS, NUMBERS.index(_TIMES[name])
        elif name in _ADDRESSES:
            kinds[i], columns[i] = ADDRESS, ADDRESSES.index(_ADDRESSES[name])
        elif name in WORDS:
            kinds[i], columns[i] = WORD, WORDS.index(name)
        else:
            kinds[i] = SKIP
    return kinds, columns


def found_in(cells: Cells, rows: int) -> Found:
    """Rows of what a kernel read."""
    words = {name: cells.word(name, rows) for name in WORDS}
    numbers = {name: cells.number(name, rows) for name in NUMBERS}
    return _found(rows, words, numbers, {name: cells.address(name, rows) for name in ADDRESSES})


def _found(
    rows: int,
    words: Mapping[str, Word],
    numbers: Mapping[str, NDArray[Any]],
    addresses: Mapping[str, NDArray[np.uint8]],
) -> Found:
    direction = words["flow-direction"].map(_DIRECTIONS)
    status = words["log-status"]
    found = Found(rows, AWS)
    found.numbers = {
        **{name: numbers[name] for name in ("src_port", "dst_port", "protocol", "tcp_flags", "bytes", "packets")},
        "start": numbers["start"], "end": numbers["end"], "direction": direction,
        "verdict": words["action"].map(_VERDICTS), "log_state": status.map(_STATES, STATE_OK),
        "packets_lost": numbers["lost_1"] + numbers["lost_2"] + numbers["lost_3"] + numbers["lost_4"],
    }  # fmt: skip
    transit = ~(words["tgw-id"].codes == 0)
    # A transit gateway asks nobody whether traffic may pass.
    verdict = found.numbers["verdict"]
    found.numbers["verdict"] = np.where(transit & (verdict == UNKNOWN), ACCEPT, verdict)
    found.words = _words(rows, words, direction, numbers["path"])
    _add_addresses(found, addresses)
    return found


def _words(rows: int, words: Mapping[str, Word], direction: NDArray[np.uint8], path: NDArray[Any]) -> dict[str, Word]:
    paths = np.clip(path, 0, 9).astype(np.int32)
    gateway = Word(np.where(direction == INGRESS, 0, paths).astype(np.int32), [_PATHS.get(i, "") for i in range(10)])
    of_dst, of_src = words["pkt-dst-aws-service"], words["pkt-src-aws-service"]
    service = choose(direction == INGRESS, of_src, choose(direction == EGRESS, of_dst, of_dst.filled(of_src)))
    return {
        "account": words["account-id"].filled(words["tgw-src-vpc-account-id"]),
        "region": words["region"],
        "zone": words["az-id"].filled(words["tgw-src-az-id"]),
        "vpc": words["vpc-id"].filled(words["tgw-src-vpc-id"]),
        "subnet": words["subnet-id"].filled(words["tgw-src-subnet-id"]),
        "interface_id": words["interface-id"].filled(words["tgw-attachment-id"]).filled(words["tgw-src-eni"]),
        "instance": words["instance-id"],
        "gateway": words["tgw-id"].filled(words["resource-id"] if words["interface-id"].empty else constant("", rows))
        .filled(gateway),
        "peer_vpc": words["tgw-dst-vpc-id"],
        "peer_subnet": words["tgw-dst-subnet-id"],
        "service": service,
        "rule": words["reject-reason"],
    }  # fmt: skip


def _add_addresses(found: Found, addresses: Mapping[str, NDArray[np.uint8]]) -> None:
    """The packet's own addresses, and those of the interface where they differ."""
    for side in ("src", "dst"):
        seen, packet = addresses[side], addresses[f"packet_{side}"]
        has = present(packet)
        found.addresses[f"{side}_addr"] = np.where(has[:, None], packet, seen)
        differs = has & present(seen) & ~equal(packet, seen)
        if differs.any():
            found.addresses[f"interface_{side}_addr"] = np.where(differs[:, None], seen, 0).astype(np.uint8)


def found_in_table(table: pa.RecordBatch) -> tuple[Found, int]:
    """Rows of a Parquet file's, whose columns have underscores; and how many addresses could not be read.

    Raises ``InvalidInput`` where it has none of the columns of a flow log.
    """
    rows = table.num_rows
    at = {name.replace("_", "-"): i for i, name in enumerate(table.schema.names)}
    if not {"srcaddr", "pkt-srcaddr", "interface-id", "tgw-id"} & at.keys():
        raise InvalidInput("none of its columns is one of a flow log", fix="See docs/cloud.md.")
    bad = 0
    words = {name: _word(table.column(at[name])) if name in at else constant("", rows) for name in WORDS}
    numbers: dict[str, NDArray[Any]] = {name: np.zeros(rows, np.int64) for name in NUMBERS}
    for names, scale in ((_NUMBERS, 1), (_TIMES, 1_000_000_000)):
        for name, target in names.items():
            if name in at:
                numbers[target] = _integers(table.column(at[name])) * scale
    addresses = {name: np.zeros((rows, 16), np.uint8) for name in ADDRESSES}
    for name, target in _ADDRESSES.items():
        if name in at:
            addresses[target], missed = _address_column(table.column(at[name]))
            bad += missed
    return _found(rows, words, numbers, addresses), bad


def _integers(column: Any) -> NDArray[np.int64]:
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        column = pa.nulls(len(column), pa.int64())
    largest = 8_000_000_000 * 1_000_000_000
    values = np.asarray(column.fill_null(0).to_numpy(zero_copy_only=False)).astype(np.int64)
    return np.clip(values, 0, largest)


def _dictionary(column: Any) -> tuple[NDArray[np.int64], list[str]]:
    encoded = column if pa.types.is_dictionary(column.type) else column.cast(pa.string()).dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, [text or "" for text in encoded.dictionary.cast(pa.string()).to_pylist()]


def _word(column: Any) -> Word:
    codes, texts = _dictionary(column)
    kept = ["", *("" if text == "-" else text[:512] for text in texts)]
    shown = np.array([0, *(i + 1 if text else 0 for i, text in enumerate(kept[1:]))], np.int32)
    return Word(shown[codes + 1], kept)


def _address_column(column: Any) -> tuple[NDArray[np.uint8], int]:
    codes, texts = _dictionary(column)
    raw = [text.encode() for text in texts]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in raw])]).astype(np.int64)
    table = np.zeros((len(texts) + 1, 16), np.uint8)
    data = np.frombuffer(b"".join(raw) or b"\0", np.uint8)
    bad = parse_addresses(data, offsets, table[1:])
    return table[codes + 1], int(bad)
