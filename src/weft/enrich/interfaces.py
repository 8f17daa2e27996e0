"""What is known of exporters and interfaces: tables first, the inventory, facts learned from the wire, then rules.

Rows come out as the ``exporters`` and ``interfaces`` dictionaries hold them. They are versioned: the first thing ever
said of an interface holds for all time before it, a change holds from the moment it was seen: history keeps its names.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weft.enrich.config import InterfaceRule
from weft.enrich.tables import Address, ExporterRow, InterfaceKey, InterfaceRow, to_address
from weft.errors import InvalidInput
from weft.model.exporters import InterfaceFact
from weft.model.inventory import KnownDevice

#: Interfaces learned from the wire that are remembered for reclassification when tables or rules change.
MOST_FACTS = 200_000
_MOST_TEXT = 512

Row = dict[str, Any]
_EXPORTER = ("site", "role", "demo")  # what tables say of an exporter beside its name
_INTERFACE = ("name", "description", "speed_bps", "boundary", "provider", "connectivity")
_FROM_INVENTORY = ("circuit", "peer")


class Rules:
    """Compiled classification rules; the first that sets an attribute wins."""

    def __init__(self, rules: Sequence[InterfaceRule]) -> None:
        self._rules = [
            (rule, _pattern(rule.exporter), _pattern(rule.name), _pattern(rule.description)) for rule in rules
        ]

    def apply(self, row: Row, exporter_names: Sequence[str]) -> None:
        """Fill what is still empty of ``boundary``, ``provider`` and ``connectivity``."""
        name, description = row["name"][:_MOST_TEXT], row["description"][:_MOST_TEXT]
        for rule, exporter, in_name, in_description in self._rules:
            if row["boundary"] and row["provider"] and row["connectivity"]:
                return
            if exporter and not any(exporter.search(text) for text in exporter_names):
                continue
            match = in_name.search(name) if in_name else None
            if in_name and not match:
                continue
            if in_description:
                match = in_description.search(description)
                if not match:
                    continue
            row["boundary"] = row["boundary"] or rule.boundary
            row["provider"] = row["provider"] or _expand(rule.provider, match)
            row["connectivity"] = row["connectivity"] or _expand(rule.connectivity, match).lower()


def _pattern(text: str) -> re.Pattern[str] | None:
    return re.compile(text, re.IGNORECASE) if text else None


def _expand(template: str, match: re.Match[str] | None) -> str:
    """``template`` with the groups of ``match`` put in."""
    if "\\" not in template:
        return template
    try:
        return match.expand(template).strip() if match else ""
    except (re.error, IndexError):  # a group that the pattern does not have
        return ""


@dataclass(frozen=True)
class DeviceTables:
    """The exporter and interface tables and the rules, as of one reading."""

    exporters: Mapping[Address, ExporterRow]
    interfaces: Mapping[InterfaceKey, InterfaceRow]
    rules: Rules

    def exporter_row(self, address: Address, inventory: KnownDevice | None = None) -> Row:
        """What is known of an exporter; without a name it is called by its address."""
        row: Row = {"exporter": address, "name": str(address), "site": "", "role": "", "demo": ""}
        row |= {"vendor": "", "model": "", "os": ""}
        if inventory is not None:
            row |= {name: getattr(inventory, name) for name in (*_EXPORTER, "vendor", "model", "os")}
            row["name"] = inventory.name or row["name"]
        known = self.exporters.get(address)
        if known is not None:
            row["name"] = known.name or row["name"]
            row |= {name: getattr(known, name) or row[name] for name in _EXPORTER}
        return row

    def interface_row(self, key: InterfaceKey, fact: InterfaceFact | None, inventory: KnownDevice | None = None) -> Row:
        """What is known of an interface."""
        address, index = key
        row: Row = {"exporter": address, "if_index": index, "name": "", "description": "", "speed_bps": 0}
        row |= {"boundary": "", "provider": "", "connectivity": "", "circuit": "", "peer": ""}
        if fact is not None:
            row |= {"name": fact.name, "description": fact.description, "speed_bps": fact.speed_bps}
        port = inventory.interfaces.get(index) if inventory is not None else None
        if port is not None:
            row |= {name: getattr(port, name) or row[name] for name in (*_INTERFACE, *_FROM_INVENTORY)}
        known = self.interfaces.get(key)
        if known is not None:
            row |= {name: getattr(known, name) or row[name] for name in _INTERFACE}
        self.rules.apply(row, (str(address), self.exporter_row(address, inventory)["name"]))
        return row


class Devices:
    """Joins tables, inventory and learned facts into dictionary rows and knows which of them changed."""

    def __init__(self) -> None:
        self._tables = DeviceTables({}, {}, Rules([]))
        self._facts: dict[InterfaceKey, InterfaceFact] = {}
        self._seen: set[Address] = set()
        self._indices: dict[Address, set[int]] = {}  # of the facts
        self._inventory: dict[Address, KnownDevice] = {}
        self._known: Mapping[str, KnownDevice] = {}  # the same by text, as it came
        self._untold: set[Address] = set()
        self._tables_untold = True
        self._interfaces: dict[InterfaceKey, Row] = {}  # as handed out last, or as the store has them
        self._exporters: dict[Address, Row] = {}
        self._touched: set[InterfaceKey | Address] = set()
        self._lock = threading.Lock()

    def remember(self, dictionary: str, row: Mapping[str, Any]) -> None:
        """Tell what the store holds already; of several versions the newest comes last."""
        try:
            address = to_address(str(row["exporter"]))
        except (KeyError, InvalidInput):
            return
        content = {column: value for column, value in row.items() if column not in {"exporter", "valid_from"}}
        with self._lock:
            if dictionary == "exporters":
                self._exporters[address] = content
            else:
                self._interfaces[address, int(row.get("if_index", 0))] = content

    def use(self, tables: DeviceTables) -> None:
        """Swap the tables; everything known is looked at again."""
        with self._lock:
            self._tables, self._tables_untold = tables, True
            self._touched |= {*tables.exporters, *self._seen, *tables.interfaces, *self._facts}
            for address, device in self._inventory.items():
                self._touch(address, device)

    def use_inventory(self, known: Mapping[str, KnownDevice]) -> None:
        """Swap what the inventory knows of the device at each address; only what changed is looked at again."""
        with self._lock:
            before, self._known = self._known, known
            for text in before.keys() - known.keys():
                address = to_address(text)
                self._touch(address, self._inventory.pop(address, None))
            for text, device in known.items():
                last = before.get(text)
                if last is device:
                    continue
                address = to_address(text)
                self._touch(address, last)
                self._inventory[address] = device
                self._touch(address, device)

    def _touch(self, address: Address, device: KnownDevice | None) -> None:
        """Look again at an address of a device; its interfaces only where telemetry is kept under that address."""
        self._touched.add(address)
        if device is not None and (address in self._seen or str(address) == device.address):
            self._touched |= {(address, index) for index in device.interfaces}

    def learn(self, facts: Iterable[InterfaceFact]) -> None:
        """Take facts from the wire; one whose exporter is not an address is passed over."""
        with self._lock:
            for fact in facts:
                try:
                    key = (to_address(fact.exporter), fact.if_index)
                except InvalidInput:
                    continue
                if key in self._facts or len(self._facts) < MOST_FACTS:
                    self._facts[key] = fact
                    self._touched.add(key)
                    self._indices.setdefault(key[0], set()).add(key[1])
                    self._untold.add(key[0])

    def saw(self, exporters: Iterable[str]) -> None:
        """Take note of exporters that send, so that each has a row."""
        with self._lock:
            for text in exporters:
                try:
                    address = to_address(text)
                except InvalidInput:
                    continue
                self._untold.add(address)
                if address not in self._seen:
                    self._seen.add(address)
                    self._touch(address, self._inventory.get(address))

    def classify(self, fact: InterfaceFact) -> Row:
        """The dictionary row that ``fact`` leads to, without taking note of it.

        Raises:
            InvalidInput: the fact's exporter is not an address.
        """
        address = to_address(fact.exporter)
        return self._tables.interface_row((address, fact.if_index), fact, self._inventory.get(address))

    def tables_to_tell(self) -> DeviceTables | None:
        """The tables, where the inventory was not told of them since they were swapped."""
        with self._lock:
            untold, self._tables_untold = self._tables_untold, False
            return self._tables if untold else None

    def exporters_to_tell(self) -> dict[Address, list[InterfaceFact]]:
        """Exporters that sent, or told of their interfaces, since the last call, with all that they told."""
        with self._lock:
            untold, self._untold = self._untold, set()
            return {one: [self._facts[one, i] for i in sorted(self._indices.get(one, ()))] for one in untold}

    def changes(self, now_s: int) -> dict[str, list[Row]]:
        """Rows that differ from what was handed out or remembered last, with the second from which they hold.

        Not for several threads at once.
        """
        rows: dict[str, list[Row]] = {"exporters": [], "interfaces": []}
        with self._lock:
            touched, self._touched, tables = self._touched, set(), self._tables
        for key in touched:  # outside the lock: rules may take a while, and `learn` is called by the decode thread
            if isinstance(key, tuple):
                fact = self._facts.get(key)
                since = fact.learned_ns // 1_000_000_000 if fact and fact.learned_ns else now_s
                row = tables.interface_row(key, fact, self._inventory.get(key[0]))
                last, name = self._interfaces.get(key), "interfaces"
                self._interfaces[key] = row
            else:
                since, name = now_s, "exporters"
                row, last = tables.exporter_row(key, self._inventory.get(key)), self._exporters.get(key)
                self._exporters[key] = row
            if last is None or any(last.get(column) != row[column] for column in row if column != "exporter"):
                rows[name].append(row | {"valid_from": 0 if last is None else since})
        return rows
