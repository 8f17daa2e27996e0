"""Writes the tables of docs/decode.md from the declarations; ``--check`` only says whether they differ."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from weft.decode.flow.reasons import REASON_NAMES
from weft.decode.flow.sflow_counters import NAMES
from weft.model.flows import WIRE_COLUMNS
from weft.model.tables import Column, Kind

PAGE = Path(__file__).parents[1] / "docs" / "decode.md"
_TYPES = {
    Kind.TIMESTAMP: "time, ISO 8601 UTC",
    Kind.ADDRESS: "address",
    Kind.MAC: "MAC address",
}


def _type(column: Column) -> str:
    if column.kind is Kind.ENUM:
        return "one of " + ", ".join(f"`{name}`" for name in column.values.values())
    return _TYPES.get(column.kind, "number")


def tables() -> dict[str, str]:
    """The generated parts of the page by the name of their marker."""
    rows = ["| field | type | unit | meaning |", "|---|---|---|---|"]
    for column in WIRE_COLUMNS:
        unit = "" if column.kind is Kind.TIMESTAMP else column.unit
        rows.append(f"| `{column.name}` | {_type(column)} | {unit} | {column.meaning} |")
    return {
        "fields": "\n".join(rows),
        "reasons": ", ".join(f"`{name}`" for name in REASON_NAMES),
        "counters": ", ".join(f"`{name}`" for name in sorted(NAMES)),
    }


def filled(page: str) -> str:
    """The page with its generated parts brought up to date."""
    for name, text in tables().items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        page = re.sub(f"{begin}.*?{end}", lambda _, b=begin, t=text, e=end: f"{b}\n{t}\n{e}", page, flags=re.DOTALL)  # type: ignore[misc]
    return page


def main() -> int:
    """0 when the page is (now) up to date."""
    page = PAGE.read_text()
    if "--check" in sys.argv:
        return int(filled(page) != page)
    PAGE.write_text(filled(page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
