"""Loads the reference tables that people write: prefixes, AS names, exporters, interfaces, applications, rules.

A row that cannot be used is counted, described (file, line, column, what to write) and skipped. A file that cannot be
read, lacks its key column or has only bad rows raises ``InvalidInput``, so that the caller can keep what it had.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import ValidationError

from weft.enrich.applications import ApplicationRule, parse_ports, parse_protocols
from weft.enrich.config import InterfaceRule, column_problem
from weft.enrich.prefixes import CLEARED, PrefixRows, PrefixTable, no_rows, parse_address, parse_prefix
from weft.enrich.readers import Sheet, read_sheet
from weft.enrich.report import Report
from weft.enrich.values import (
    Period,
    clean_text,
    one_of,
    parse_asn,
    parse_index,
    parse_period,
    parse_speed,
)
from weft.errors import InvalidInput

_T = TypeVar("_T")
Address = IPv4Address | IPv6Address
InterfaceKey = tuple[Address, int]

BOUNDARIES = ("external", "internal")


def load_prefixes(path: Path, priority: int) -> tuple[PrefixTable, Report]:
    """Read a prefix table; columns beyond ``prefix`` are attributes. A cell ``-`` says that there is none here.

    Of two rows for one prefix the later one wins where both fill a column.
    """
    sheet = read_sheet(path, ("prefix",))
    report = Report()
    at, columns = _attribute_columns(sheet, report)
    key = sheet.header.index("prefix")
    interned: list[dict[str, int]] = [{} for _ in columns]
    met: list[dict[str, int]] = [{"": 0} for _ in columns]  # cell as written → code
    width, now_s = len(sheet.header), time.time()
    dated = sheet.column("valid_from") is not None or sheet.column("valid_to") is not None
    families = {4: _Rows(), 6: _Rows()}
    parse, problems = parse_prefix, report.bad
    for line, row in sheet.rows:
        report.rows += 1
        column = "prefix"
        try:
            if len(row) > width:
                check_width(sheet, row)
            family, high, low, length = parse(row[key])
            codes: list[int] = []
            for k, column, known in zip(at, columns, met, strict=True):
                code = known.get(row[k])
                if code is None:
                    code = known[row[k]] = _code(row[k], column, interned[len(codes)])
                codes.append(code)
            if dated:
                column = "valid_to"
                period = Cells(sheet, row).period()
                families[family].hold(period)
                report.resting += not period.since <= now_s < period.until
        except InvalidInput as error:
            problems(f"{path}:{line}: column '{column}'", error)
            continue
        families[family].add(high, low, length, codes)
    check_any_good(path, report)
    v4, v6 = (families[family].done(len(columns)) for family in (4, 6))
    for k, name in enumerate(columns):
        report.filled[name] = int(np.count_nonzero(v4.codes[:, k]) + np.count_nonzero(v6.codes[:, k]))
    return PrefixTable(tuple(columns), tuple(map(tuple, interned)), v4, v6, priority), report


def _attribute_columns(sheet: Sheet, report: Report) -> tuple[list[int], list[str]]:
    """Positions and names of the columns that become attributes."""
    at, columns = [], []
    for k, name in enumerate(sheet.header):
        if name in {"valid_from", "valid_to"}:
            continue
        problem = None if name in {"prefix", "asn", ""} else column_problem(name)
        if problem:
            report.note(f"{sheet.path}:1", InvalidInput(problem, fix="The column is passed over"))
        elif name and name != "prefix" and name not in columns:
            at.append(k)
            columns.append(name)
    return at, columns


def _code(cell: str, column: str, known: dict[str, int]) -> int:
    """The code of a cell: 0 = empty, ``CLEARED`` for ``-``."""
    if not cell:
        return 0
    text = clean_text(cell)
    if text == "-":
        return CLEARED
    if column == "asn":
        return parse_asn(text) if text else 0
    if column == "country":
        text = text.upper()
    return known.setdefault(text, len(known) + 1) if text else 0


class _Rows:
    """Prefixes of one family as they are read, in compact arrays: a routing table has a million."""

    __slots__ = ("codes", "high", "length", "low", "since", "until")

    def __init__(self) -> None:
        self.high, self.low, self.length, self.codes = array("Q"), array("Q"), array("B"), array("I")
        self.since, self.until = array("I"), array("I")

    def add(self, high: int, low: int, length: int, codes: list[int]) -> None:
        """Append one."""
        self.high.append(high)
        self.low.append(low)
        self.length.append(length)
        self.codes.extend(codes)

    def hold(self, period: Period) -> None:
        """When the next one holds."""
        self.since.append(period.since)
        self.until.append(period.until)

    def done(self, width: int) -> PrefixRows:
        """All of them as columns."""
        if not self.high:
            return no_rows(width)
        codes = np.frombuffer(self.codes, np.uint32) if width else np.zeros(0, np.uint32)
        return PrefixRows(
            np.frombuffer(self.high, np.uint64),
            np.frombuffer(self.low, np.uint64),
            np.frombuffer(self.length, np.uint8),
            codes.reshape(len(self.high), width),
            np.frombuffer(self.since, np.uint32) if self.since else None,
            np.frombuffer(self.until, np.uint32) if self.until else None,
        )


def check_width(sheet: Sheet, row: list[str]) -> None:
    """Raises ``InvalidInput`` where a row has more cells than the first line."""
    if len(row) > len(sheet.header):
        raise InvalidInput(
            f"the row has {len(row)} cells, the first line {len(sheet.header)}",
            fix="Put quotes around a cell with commas",
        )


def check_any_good(path: Path, report: Report) -> None:
    """Raises ``InvalidInput`` where no row could be used."""
    if report.rows and report.skipped == report.rows:
        raise InvalidInput(
            f"none of its {report.rows} rows can be used; the first: {report.problems[0]}", where=str(path)
        )


class Cells:
    """One row by column name; remembers which column was read last, for the complaint."""

    __slots__ = ("_row", "_sheet", "last")

    def __init__(self, sheet: Sheet, row: list[str]) -> None:
        self._sheet, self._row, self.last = sheet, row, sheet.header[0]

    def __getitem__(self, name: str) -> str:
        at = self._sheet.column(name)
        if at is None:
            return ""
        self.last = name
        return clean_text(self._row[at])

    def period(self) -> Period:
        """When the row holds. Raises ``InvalidInput``."""
        return parse_period(self["valid_from"], self["valid_to"])


def _parsed(path: Path, needed: tuple[str, ...], parse: Callable[[Cells], _T]) -> tuple[list[_T], Report]:
    """Every good row of a file that holds now, through ``parse``."""
    sheet, report, now_s = read_sheet(path, needed), Report(), time.time()
    found = []
    for line, row in sheet.rows:
        report.rows += 1
        cells = Cells(sheet, row)
        try:
            check_width(sheet, row)
            one, period = parse(cells), cells.period()
        except InvalidInput as error:
            report.bad(f"{path}:{line}: column '{cells.last}'", error)
            continue
        for name, cell in zip(sheet.header, row, strict=False):
            if cell:
                report.filled[name] = report.filled.get(name, 0) + 1
        report.until_s = min(report.until_s, period.next_change(now_s))
        if period.since <= now_s < period.until:
            found.append(one)
        else:
            report.resting += 1
    check_any_good(path, report)
    return found, report


def required(cells: Cells, name: str) -> str:
    """A cell that must not be empty. Raises ``InvalidInput``."""
    text = cells[name]
    if not text:
        raise InvalidInput("is empty", fix="Fill it or remove the row")
    return text


def load_asns(path: Path, *, named: bool = True) -> tuple[dict[int, str], Report]:
    """AS number → name; where they need not be ``named``, those that are."""
    needed = ("asn", "name") if named else ("asn",)
    rows, report = _parsed(
        path, needed, lambda c: (parse_asn(required(c, "asn")), required(c, "name") if named else c["name"])
    )
    return {number: name for number, name in rows if name}, report


def to_address(text: str) -> Address:
    """An address object; an IPv4-mapped one becomes IPv4.

    Raises:
        InvalidInput: it is not an address.
    """
    family, high, low, _ = parse_address(text)
    return IPv4Address(high >> 32) if family == 4 else IPv6Address(high << 64 | low)


@dataclass(frozen=True, slots=True)
class ExporterRow:
    """What a table says about an exporter."""

    address: Address
    name: str
    site: str
    role: str
    demo: str


@dataclass(frozen=True, slots=True)
class InterfaceRow:
    """What a table says about an interface; empty and 0 = nothing."""

    exporter: Address
    if_index: int
    name: str
    description: str
    speed_bps: int
    boundary: str
    provider: str
    connectivity: str


def load_exporters(path: Path) -> tuple[dict[Address, ExporterRow], Report]:
    """Exporters by address."""
    rows, report = _parsed(
        path,
        ("address",),
        lambda c: ExporterRow(to_address(required(c, "address")), c["name"], c["site"], c["role"], c["demo"]),
    )
    return {row.address: row for row in rows}, report


def load_interfaces(path: Path) -> tuple[dict[InterfaceKey, InterfaceRow], Report]:
    """Interfaces by exporter and ifIndex."""
    rows, report = _parsed(path, ("exporter", "if_index"), _interface)
    return {(row.exporter, row.if_index): row for row in rows}, report


def _interface(cells: Cells) -> InterfaceRow:
    return InterfaceRow(
        exporter=to_address(required(cells, "exporter")),
        if_index=parse_index(required(cells, "if_index")),
        name=cells["name"],
        description=cells["description"],
        speed_bps=parse_speed(cells["speed"]),
        boundary=one_of(cells["boundary"], BOUNDARIES),
        provider=cells["provider"],
        connectivity=cells["connectivity"].lower(),
    )


def load_applications(path: Path, *, ports: bool = True) -> tuple[list[ApplicationRule], Report]:
    """Application rules in the order of the file; none where it has no ``ports`` and need not have them."""
    if not ports and not {"protocol", "ports"} & set(read_sheet(path, ("name",)).header):
        return [], _parsed(path, ("name",), lambda c: required(c, "name"))[1]
    return _parsed(path, ("name", "protocol", "ports"), _application)


def _application(cells: Cells) -> ApplicationRule:
    name, category = required(cells, "name"), cells["category"]
    protocols, ports = parse_protocols(cells["protocol"]), parse_ports(cells["ports"])
    return ApplicationRule(name, category, protocols, ports)


def load_interface_rules(path: Path) -> tuple[list[InterfaceRule], Report]:
    """Rules that classify interfaces, in the order of the file."""
    return _parsed(path, (), _rule)


def _rule(cells: Cells) -> InterfaceRule:
    fields = {name: cells[name] for name in InterfaceRule.model_fields}
    try:
        return InterfaceRule.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        cells[str(first["loc"][0])]  # the column to complain about
        raise InvalidInput(str(first["msg"]), fix="Correct it or remove the row") from None
