"""The format of a mapping file: what a leaf of a device's tree becomes.

A file holds *groups*: a place in the tree (``at``), what of the device is meant there (``component``), and the leaves
below it. See docs/gnmi.md for the whole format with examples.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from weft.component import Config
from weft.rulefile import checked

#: How a number is turned into the metric's: as it is; from nanoseconds since 1970 to the seconds since then; from those
#: to seconds since the device started; from four bytes (ieeefloat32).
Convert = Literal["", "age", "since_boot", "float32"]
_WORDS = re.compile(r"(counter|gauge|text|fact)\s+(\S+)|nothing")


class LeafRule(Config):
    """What one leaf becomes.

    For short: ``counter in_octets``, ``gauge speed_bps``, ``text x``, ``fact mtu``; and ``nothing`` for a leaf that
    only repeats a key of its path, or says how another was made.
    """

    metric: str = ""
    """Name of the metric; empty = none."""
    type: Literal["counter", "gauge", "text"] = "gauge"
    """What the values are."""
    fact: str = ""
    """Attribute of the group's record that the value is; empty = none."""
    values: str | dict[str, float] = Field(default_factory=dict)
    """Numbers that stand for words, or the name of such a list in ``values`` of any file."""
    scale: float = 1.0
    """What numbers are multiplied with."""
    convert: Convert = ""
    """What else is done with them."""
    component: str | None = None
    """Instead of the group's."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels beside the group's."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        match = _WORDS.fullmatch(given.strip())
        if match is None:
            raise ValueError("say `counter NAME`, `gauge NAME`, `text NAME`, `fact NAME` or `nothing`")
        if match[1] is None:
            return {}
        return {"fact": match[2]} if match[1] == "fact" else {"metric": match[2], "type": match[1]}


class GroupRule(Config):
    """Leaves of one kind of thing: an interface, a queue, a BGP neighbour."""

    name: str
    """What the group is called in messages."""
    at: tuple[str, ...]
    """Where it is in the tree. ``*`` is any element, ``**`` any number of them, ``<port>`` a part of a name to be used
    below, ``<queue#>`` one of digits only; ``[name]`` is a key of a list."""
    component: str = ""
    """What of the device it is: a text with ``{key}``, ``{list.key}`` or ``{part}`` in it."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels, as texts of the same kind; an empty one is left out."""
    labels_from: dict[str, str] = Field(default_factory=dict)
    """Labels whose value is another leaf: label → attribute of the record."""
    record: str = ""
    """Kind of thing that facts are gathered of."""
    key: str = ""
    """What tells one of them from another; a text like ``component``."""
    leaves: dict[str, LeafRule]
    """Leaves below ``at``; a last ``*`` stands for those that are not named, ``{leaf}`` for their name."""

    @field_validator("at", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given


class RuleFile(Config):
    """One mapping file."""

    meaning: str
    """What it is for."""
    values: dict[str, dict[str, float]] = Field(default_factory=dict)
    """Lists of words and their numbers, for any file to use."""
    groups: tuple[GroupRule, ...]
    """In the order in which they are tried."""


def builtin_files() -> list[tuple[str, str]]:
    """(name, text) of the mapping files that come with Weft, in the order of their names."""
    folder = files("weft.decode.gnmi") / "mappings"
    found = [one for one in folder.iterdir() if one.name.endswith(".yaml")]
    return [(one.name, one.read_text(encoding="utf-8")) for one in sorted(found, key=lambda one: one.name)]


def parse_rules(name: str, text: str) -> RuleFile:
    """One mapping file. Raises ``ConfigError`` that names the file and the place."""
    return checked(RuleFile, (name, text), fix="See docs/gnmi.md.")
