"""Flow logs for tests, and an intake that knows named batches as the real one does."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from tests.collect.intake.fakes import FakeIntake

from weft.collect.intake.book import SourceBook
from weft.errors import Unavailable
from weft.model.tables import Table

V5 = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
    " vpc-id flow-direction"
)
NOW_S = 1_795_000_000


def line(src: str, dst: str, octets: int, eni: str = "eni-1", direction: str = "egress", vpc: str = "vpc-1") -> str:
    """A line of an AWS log."""
    return f"5 123456789010 {eni} {src} {dst} 5000 443 6 9 {octets} {NOW_S - 60} {NOW_S} ACCEPT OK {vpc} {direction}"


def aws(*lines: str) -> bytes:
    """A file."""
    return ("\n".join([V5, *lines]) + "\n").encode()


def many(count: int, first: int = 0) -> bytes:
    """A file with so many different lines."""
    return aws(*(line("10.0.0.1", f"198.51.100.{n % 200}", 1 + n) for n in range(first, first + count)))


def azure_record(*tuples: str) -> dict[str, Any]:
    """A record of a virtual network's flow log."""
    network = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"
    return {
        "time": "2026-01-01T00:00:00Z", "macAddress": "0022", "category": "FlowLogFlowEvent",
        "targetResourceID": network,
        "flowRecords": {"flows": [{"flowGroups": [{"rule": "r", "flowTuples": list(tuples)}]}]},
    }  # fmt: skip


def azure(*records: dict[str, Any]) -> bytes:
    """A file, as Azure writes it."""
    return json.dumps({"records": list(records)}).encode()


class OnceIntake(FakeIntake):
    """Stores a named batch once. After ``dies_after`` batches it breaks off, the last one being ``stored`` or not."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: set[str] = set()
        self.dies_after = -1
        self.stored = True
        self.again = 0

    def put_once(
        self, table: Table, rows: pa.RecordBatch, token: str, book: SourceBook | None = None, *, messages: int = 0
    ) -> None:
        rows.validate(full=True)
        assert rows.schema == table.schema
        dies = self.dies_after == 0
        self.dies_after -= 1
        if not dies or self.stored:
            if token in self.tokens:
                self.again += 1
            else:
                self.tokens.add(token)
                self.batches.append((table, rows))
        if dies:
            raise Unavailable("killed", where="test")
        if book is not None:
            book.came(rows.num_rows, messages=messages)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Every row stored."""
        return [row for _, batch in self.batches for row in batch.to_pylist()]

    @property
    def sums(self) -> tuple[int, int]:
        """How many rows, and their bytes together."""
        return len(self.rows), sum(row["bytes"] for row in self.rows)
