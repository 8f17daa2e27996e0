"""Writes the reference pages made from the code: docs/configuration.md, docs/cli.md, the names in docs/metrics.md.

``--check`` says whether they are up to date. Text between the two marker comments is replaced; the rest is written by
people.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from weft.cli import VERBS, weft
from weft.config import Settings, plain
from weft.configfile import submodel
from weft.model.events import EventGroup, Severity
from weft.model.metric_names import NAMES
from weft.secret import SecretSource

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN, END = "<!-- generated: ./dev docs -->", "<!-- end of generated text -->"


def configuration() -> str:
    """One table per section, in the order of the settings."""
    return "\n".join(_section(Settings, "", "Top level", "")).strip() + "\n"


def _section(model: type[BaseModel], path: str, title: str, meaning: str) -> Iterator[str]:
    depth = "##" if path.count(".") <= 1 else "###"
    yield f"{depth} {title}\n"
    if meaning:
        yield f"{meaning}\n"
    yield "| setting | type | default | meaning |\n|---|---|---|---|"
    nested: list[tuple[type[BaseModel], str, str, str]] = []
    for name, field in model.model_fields.items():
        inner = submodel(field.annotation)
        if inner is SecretSource:  # people write a text, or where it is
            meaning = _cell(field.description or "")
            yield f"| `{path}{name}` | text, {{file: PATH}} or {{env: NAME}} (secret) | – | {meaning} |"
            continue
        text = _cell(field.description or "")
        if inner is not None:
            item = _ITEMS[_container(field.annotation)]
            below = f"{path}{name}{item}."
            nested.append((inner, below, f"`{below.rstrip('.')}`", text))
            if inner is field.annotation:
                continue
        shown = _ENTRIES[_container(field.annotation)] if inner is not None else _type(field.annotation)
        yield f"| `{path}{name}` | {shown} | {_default(field)} | {text} |"
    yield ""
    for inner, below, heading, text in nested:
        yield from _section(inner, below, heading, text)


#: How an entry of a section is written after its name, and what the section is called in a table.
_ITEMS = {"map": ".<name>", "list": "[]", "": ""}
_ENTRIES = {"map": "entries by name, below", "list": "list of entries, below", "": "entry, below"}


def _container(annotation: Any) -> str:
    text = str(annotation)
    return "map" if "dict[" in text else "list" if "list[" in text or "tuple[" in text else ""


def _type(annotation: Any) -> str:
    """The type as people write it in YAML."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    if text.startswith("typing.Literal") or "Literal[" in text:
        text = re.sub(r"typing\.Literal\[([^\]]*)\]", lambda m: " or ".join(m[1].replace("'", "").split(", ")), text)
    text = re.sub(r"typing\.Annotated\[([^,\]]+)[^\]]*(?:\([^)]*\))?[^\]]*\]", r"\1", text)
    text = re.sub(r"(?:[a-z_]+\.)+([A-Z])", r"\1", text)
    for kind in (Severity, EventGroup):
        text = re.sub(rf"\b{kind.__name__}\b", " or ".join(kind), text)
    for name, shown in (
        ("SecretStr", "text (secret)"), ("Path", "path"), ("str", "text"), ("int", "integer"), ("float", "number"),
        ("bool", "true or false"), ("None", "none"), ("IPvAnyAddress", "address"), ("IPv4Network", "IPv4 prefix"),
        ("IPv6Network", "IPv6 prefix"),
    ):  # fmt: skip
        text = re.sub(rf"\b{name}\b", shown, text)
    text = re.sub(r"\b(list|tuple)\[(.*?)(, \.\.\.)?\]$", r"list of \2", text)
    text = re.sub(r"\bdict\[(.*?), (.*?)\]", r"map of \1 to \2", text)
    return text.replace(" | ", " or ").replace("|", "\\|")


def _default(field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ("", [], (), {}):
        return "–"
    value = value.value if isinstance(value, Enum) else value
    text = yaml.safe_dump(plain(value, field.alias or ""), default_flow_style=True, width=10_000, sort_keys=False)
    return f"`{text.replace('...', '').strip()}`"


def _cell(text: str) -> str:
    return " ".join(text.replace("``", "`").split()).replace("|", "\\|")


def commands() -> str:
    """The help of every command, as ``--help`` prints it."""
    context = click.Context(weft, info_name="weft", terminal_width=100, max_content_width=100)
    return "\n".join(_command(weft, context, "weft")).strip() + "\n"


def _command(command: click.Command, context: click.Context, name: str) -> Iterator[str]:
    yield f"## {name}\n\n```\n{command.get_help(context).strip()}\n```\n"
    if not isinstance(command, click.Group):
        return
    names = VERBS if command is weft else command.list_commands(context)
    for verb in names:
        below = command.get_command(context, verb)
        if below is not None:
            inner = click.Context(below, info_name=verb, parent=context, terminal_width=100, max_content_width=100)
            yield from _command(below, inner, f"{name} {verb}")


def vocabulary() -> str:
    """The names of metrics, by what they are of."""
    out = []
    for component in dict.fromkeys(m.component for m in NAMES):
        out.append(f"### Of {_A_OR_AN.get(component[:1], 'a')} {component}\n" if component else "### Of the device\n")
        out.append("| metric | type | unit | rate in | labels | meaning |\n|---|---|---|---|---|---|")
        for m in NAMES:
            if m.component == component:
                labels = ", ".join(f"`{label}`" for label in m.labels) or "–"
                states = "; ".join(f"{number} {state}" for number, state in (m.states or {}).items())
                meaning = m.meaning + (f" {states[:1].upper()}{states[1:]}." if states else "")
                out.append(f"| `{m.name}` | {m.type} | {m.unit or '–'} | {m.rate_unit or '–'} | {labels} | {meaning} |")
        out.append("")
    return "\n".join(out)


_A_OR_AN = {"i": "an"}


def page(name: str, text: str) -> str:
    """The page with its generated part replaced; the words around it are kept."""
    path = DOCS / name
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{text}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Write, or with ``--check`` compare."""
    stale = []
    for name, text in (
        ("configuration.md", configuration()),
        ("cli.md", commands()),
        ("metrics.md", vocabulary()),
    ):
        made = page(name, text)
        if made != (DOCS / name).read_text(encoding="utf-8"):
            stale.append(name)
            if arguments != ["--check"]:
                (DOCS / name).write_text(made, encoding="utf-8")
    if arguments == ["--check"] and stale:
        print(f"out of date: {', '.join(stale)}: run ./dev docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
