"""What things were called in a ``weft twin run``: its inventory file, taken in as a running Weft takes it in."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

from weft.collect.inventory.yamlfile import load_file
from weft.model.inventory import Fact, ObjectKind
from weft.store.inventory import Snapshot
from weft.store.inventory.ledger import Ledger
from weft.store.inventory.merge import merge
from weft.store.state.facts import FactChanges

_MOST_FACTS = 1_000_000


class RunInventory:
    """The inventory of a run. It never changes; what the folder does not tell stays unknown."""

    version = 1

    def __init__(self, reference: Path) -> None:
        ledger = Ledger(_MOST_FACTS, _MOST_FACTS)
        path = reference / "inventory.yaml"
        said = load_file(path).facts if path.exists() else ()
        ledger.take("file", "run", said, complete=True, now_s=0.0, changes=FactChanges())
        ledger.take("tables", "run", list(_prefixes(reference / "prefixes.csv")), complete=True, now_s=0.0,
                    changes=FactChanges())  # fmt: skip
        self._snapshot = Snapshot(merge(ledger.statements()), 0.0)

    def snapshot(self) -> Snapshot:
        """The only one."""
        return self._snapshot


def _prefixes(path: Path) -> Iterator[Fact]:
    """Prefixes of sites and customers: those are ours. What is elsewhere has an AS or a cloud."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            said = {name: row[name] for name in ("site", "service", "customer") if row.get(name)}
            if row.get("site") or row.get("customer"):
                yield Fact(ObjectKind.PREFIX, (str(ip_network(row["prefix"])),), said)
