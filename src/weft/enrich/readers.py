"""Reads CSV and YAML files into rows of text, each with its line, so that every complaint can say where.

Values stay text: a country ``NO`` is Norway and an interface ``0123`` keeps its zero.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from weft.errors import InvalidInput

#: Headings in common use and what they mean here.
ALIASES = {
    "network": "prefix",
    "cidr": "prefix",
    "subnet": "prefix",
    "as": "asn",
    "as_number": "asn",
    "as_name": "name",
    "ifindex": "if_index",
    "ifname": "name",
    "ifalias": "description",
    "ifspeed": "speed",
    "speed_bps": "speed",
    "port": "ports",
    "proto": "protocol",
    "valid_since": "valid_from",
    "valid_until": "valid_to",
}
_MAX_FILE = 2 << 30


@dataclass(slots=True)
class Sheet:
    """A table as text: ``header`` and rows of at least that many cells, each with its line."""

    path: Path
    header: list[str]
    rows: Iterable[tuple[int, list[str]]]

    def column(self, name: str) -> int | None:
        """Index of a column, None if the file has none of that name."""
        return self.header.index(name) if name in self.header else None


def heading(text: str) -> str:
    """A column's canonical name: lower case, underscores, common synonyms resolved."""
    name = text.strip().lower().replace(" ", "_").replace("-", "_")
    return ALIASES.get(name, name)


def read_sheet(path: Path, required: Iterable[str]) -> Sheet:
    """Open a reference table. Rows are read lazily, so an unreadable rest of the file may raise later.

    Raises:
        InvalidInput: the file is missing, unreadable, of an unknown kind, or lacks a required column.
    """
    where = str(path)
    try:
        if path.stat().st_size > _MAX_FILE:
            raise InvalidInput("larger than 2 GiB", where=where, fix="Split it into several tables")
        suffix = path.suffix.lower()
        if suffix in {".csv", ".tsv", ".txt"}:
            sheet = _read_csv(path, "\t" if suffix == ".tsv" else None)
        elif suffix in {".yaml", ".yml"}:
            sheet = _read_yaml(path)
        else:
            raise InvalidInput(
                f"'{path.suffix}' is not a kind of table Weft reads", where=where, fix="Use .csv, .tsv, .yaml or .yml"
            )
    except OSError as error:
        raise InvalidInput(
            f"cannot be read: {error.strerror or error}", where=where, fix="Check the path and its permissions"
        ) from error
    for name in required:
        if name not in sheet.header:
            have = ", ".join(sheet.header) or "nothing"
            raise InvalidInput(
                f"has no column '{name}', only {have}", where=f"{where}:1", fix="Name it in the first line"
            )
    return sheet


def _read_csv(path: Path, delimiter: str | None) -> Sheet:
    lines = _csv_lines(path, delimiter)
    _, first = next(lines, (0, []))
    if not first:
        raise InvalidInput("is empty", where=str(path), fix="The first line names the columns")
    header = [heading(cell) for cell in first]
    return Sheet(path, header, _padded(lines, len(header)))


def _csv_lines(path: Path, delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV file with their line numbers; blank lines and lines that start with ``#`` are passed over."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            if delimiter is None:
                first = next((line for line in file if line.strip() and not line.startswith("#")), "")
                delimiter = max(",;\t", key=first.count)
                file.seek(0)
            reader = csv.reader(file, delimiter=delimiter)
            for row in reader:
                if row and row[0][:1] != "#" and (row[0] or any(row)):
                    yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise InvalidInput(f"is not UTF-8 text ({error.reason})", where=str(path), fix="Save it as UTF-8") from error
    except csv.Error as error:
        raise InvalidInput(f"is not CSV: {error}", where=str(path), fix="Check quotes and line ends") from error


def _padded(lines: Iterator[tuple[int, list[str]]], width: int) -> Iterator[tuple[int, list[str]]]:
    """Rows filled to the header's width, and cut to it where only empty cells are beyond (spreadsheets do both)."""
    for line, row in lines:
        if len(row) < width:
            row.extend([""] * (width - len(row)))
        elif len(row) > width and not any(row[width:]):
            del row[width:]
        yield line, row


def _read_yaml(path: Path) -> Sheet:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with path.open("rb") as file:
            root = yaml.compose(file, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "unreadable"
        raise InvalidInput(f"is not YAML: {problem}", where=where, fix="Check indentation and quotes") from error
    if isinstance(root, yaml.MappingNode) and len(root.value) == 1:
        root = root.value[0][1]  # a title over the list, such as ``prefixes:``
    if not isinstance(root, yaml.SequenceNode):
        raise InvalidInput("is not a list of rows", where=f"{path}:1", fix="Write '- prefix: 192.0.2.0/24' and so on")
    records: list[tuple[int, dict[str, str]]] = []
    header: dict[str, None] = {}
    for node in root.value:
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            raise InvalidInput("a row is not a mapping", where=f"{path}:{line}", fix="Write '- column: value'")
        record = {heading(str(key.value)): _text(value) for key, value in node.value}
        header.update(dict.fromkeys(record))
        records.append((line, record))
    names = list(header)
    return Sheet(path, names, [(line, [record.get(name, "") for name in names]) for line, record in records])


def _text(node: yaml.Node) -> str:
    """A scalar as it is written; a list as its parts with spaces between; null as empty."""
    if isinstance(node, yaml.SequenceNode):
        return " ".join(_text(part) for part in node.value)
    if not isinstance(node, yaml.ScalarNode) or node.tag == "tag:yaml.org,2002:null":
        return ""
    return str(node.value)
