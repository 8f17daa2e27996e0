"""What reference tables say of things beyond what Weft itself has a use for: owner, tier, contract, own columns.

A table of sites, customers, VLANs … is nothing else; in a table of AS names, exporters, interfaces or applications it
is every column that is not one of Weft's own. Rows keep the time in which they hold.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from weft.enrich.readers import Sheet, read_sheet
from weft.enrich.report import Report
from weft.enrich.tables import Cells, check_any_good, check_width, required, to_address
from weft.enrich.values import Period, parse_asn, parse_index
from weft.errors import InvalidInput
from weft.model.dictionaries import EXPORTERS, INTERFACES

_T = TypeVar("_T")
#: The key of a row: an AS number, an address, (address, ifIndex), a text.
Key = Any
_VALIDITY = {"valid_from", "valid_to"}
_RESERVED = {"listed", "updated", "id"}
_MOST_COLUMNS = 50
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Stated:
    """One row: what it is about, when it holds, and its cells that are not empty; ``-`` says that there is none."""

    key: Key
    period: Period
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind of table names its key, how that is read, and the columns that Weft has another use for."""

    columns: tuple[str, ...]
    key: Callable[[Cells], Key]
    own: frozenset[str] = field(default_factory=frozenset)


def _text(column: str, *own: str) -> _Kind:
    return _Kind((column,), lambda c: required(c, column), frozenset(own))


def _vlan(cells: Cells) -> int:
    text = required(cells, "vlan")
    if text.isascii() and text.isdigit() and int(text) < 4096:
        return int(text)
    raise InvalidInput(f"'{text}' is not a VLAN", fix="Write a number from 0 to 4095")


KINDS: Mapping[str, _Kind] = {
    "asn": _Kind(("asn",), lambda c: parse_asn(required(c, "asn")), frozenset({"name"})),
    "exporter": _Kind(
        ("address",), lambda c: to_address(required(c, "address")), frozenset(a.name for a in EXPORTERS.attributes)
    ),
    "interface": _Kind(
        ("exporter", "if_index"),
        lambda c: (to_address(required(c, "exporter")), parse_index(required(c, "if_index"))),
        frozenset({"speed", *(a.name for a in INTERFACES.attributes)}),
    ),
    "app": _text("name", "category", "protocol", "ports"),
    "vlan": _Kind(("vlan",), _vlan),
    **{kind: _text(kind) for kind in ("site", "service", "customer", "provider", "job")},
}


def own_columns(sheet: Sheet, kind: str, report: Report | None = None) -> list[str]:
    """Columns that become attributes; those that cannot are complained about."""
    used = {*KINDS[kind].columns, *KINDS[kind].own, *_VALIDITY, ""}
    found: list[str] = []
    for name in dict.fromkeys(sheet.header):
        if name in used:
            continue
        if not _NAME.fullmatch(name) or name in _RESERVED:
            problem = f"column '{name}': a name is a lower-case letter, then up to 39 letters, digits or underscores"
            if name in _RESERVED:
                problem = f"column '{name}': this name is taken, choose another"
        elif len(found) >= _MOST_COLUMNS:
            problem = f"column '{name}': more than {_MOST_COLUMNS} columns"
        else:
            found.append(name)
            continue
        if report is not None:
            report.note(f"{sheet.path}:1", InvalidInput(problem, fix="The column is passed over"))
    return found


def load_stated(path: Path, kind: str) -> tuple[list[Stated], Report]:
    """Every good row of a table of ``kind``, whenever it holds, in the order of the file."""
    table, report, now_s = KINDS[kind], Report(), time.time()
    sheet = read_sheet(path, table.columns)
    columns = own_columns(sheet, kind, report)
    rows: list[Stated] = []
    for line, row in sheet.rows:
        report.rows += 1
        cells = Cells(sheet, row)
        try:
            check_width(sheet, row)
            key, period = table.key(cells), cells.period()
            values = {name: text for name in columns if (text := cells[name])}
        except InvalidInput as error:
            report.bad(f"{path}:{line}: column '{cells.last}'", error)
            continue
        for name in values:
            report.filled[name] = report.filled.get(name, 0) + 1
        report.resting += not period.since <= now_s < period.until
        report.until_s = min(report.until_s, period.next_change(now_s))
        rows.append(Stated(key, period, values))
    check_any_good(path, report)
    return rows, report


def beside(
    kind: str, load: Callable[[Path], tuple[_T, Report]]
) -> Callable[[Path], tuple[tuple[_T, list[Stated]], Report]]:
    """A loader of what ``load`` reads and, beside it, of what the other columns of the same file say."""

    def both(path: Path) -> tuple[tuple[_T, list[Stated]], Report]:
        data, report = load(path)
        sheet = read_sheet(path, ())
        if not own_columns(sheet, kind, report):
            return (data, []), report
        stated, _ = load_stated(path, kind)  # bad rows are counted by the first reading
        return (data, stated), report

    return both


def has_own(path: Path, kind: str) -> bool:
    """Whether a file has columns beyond those of Weft. Raises ``InvalidInput``."""
    return bool(own_columns(read_sheet(path, ()), kind))
