"""Platforms as data (``platforms.yaml``): how a configuration is fetched, cleaned and masked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from weft.errors import ConfigError, InvalidInput
from weft.rulefile import Text, checked, read_file

_TYPES = (
    r"(?:(?:\d{1,2}|encrypted|clear|cleartext|plain|plaintext|plaintext-password|encrypted-password|irreversible-cipher"
    r"|cipher|simple|hash|hashed|sha1|sha256|sha512|scrypt|md5|ascii-text|ascii|hexadecimal|hex|ENC|local|remote|is"
    r"|sha512-password|hash-password|password|text)[ \t]+)*"
)
#: Every pattern of ``platforms.yaml`` but those of ``first`` and of sections needs one of these on its line.
HINTS = (
    "pass", "secret", "key", "psk", "communit", "snmp", "cipher", "enc ", "auth", "isis", "standby", "vrrp", "glbp",
    "tacacs", "radius", "isakmp", "ikev2", "://", "priv", "token", "md5", "trap-group", "wpa", "$",
)  # fmt: skip
#: Words that stand before a secret and are none.
KINDS = frozenset(re.findall(r"[a-z][\w-]+", _TYPES))
_WORD = r"""(?:"((?:[^"\\\n]|\\.)+)"|'([^'\n]+)'|(\S*[^\s;,]))"""
_REST = r"""(?:"((?:[^"\\\n]|\\.)+)"|'([^'\n]+)'|(\S(?:[^\n]*[^\s;])?))"""
_BLANK = re.compile(r" ([*+?])?")
_TOKENS = {"<type>": _TYPES, "<secret>": _WORD, "<rest>": _REST, "<word>": r"\S+"}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SectionMask(_Model):
    """A pattern that holds within a section."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")
    mask: str


class _Platform(_Model):
    aliases: tuple[str, ...] = ()
    mode: Literal["shell", "exec"] = "shell"
    prepare: tuple[str, ...] = ()
    config: str
    enable: bool = False
    complete: str = ""
    looks: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    author: str = ""
    name: str = ""
    errors: tuple[str, ...] = ()
    volatile: bool = False
    mask: tuple[str | SectionMask, ...] = ()


class _File(_Model):
    first: tuple[str | SectionMask, ...] = ()
    common: tuple[str | SectionMask, ...] = ()
    platforms: dict[str, _Platform] = Field(default_factory=dict)


@dataclass(frozen=True)
class MaskRule:
    """A pattern whose groups are secrets; ``start`` and ``end`` bound the section that it holds in.

    ``anywhere``: it must be tried everywhere; others only on lines that hold one of ``HINTS``.
    """

    pattern: re.Pattern[str]
    anywhere: bool = True
    start: re.Pattern[str] | None = None
    end: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Platform:
    """An operating system, compiled."""

    name: str
    given: _Platform
    masks: tuple[MaskRule, ...]
    """What is secret: the platform's own patterns, the common ones, and those of all others: files get mixed up."""

    @cached_property
    def ignore(self) -> re.Pattern[str] | None:
        """Lines that say nothing of the configuration."""
        return _any(self.given.ignore)

    @cached_property
    def errors(self) -> re.Pattern[str] | None:
        """Lines that mean that a command was not taken."""
        return _any(self.given.errors)

    @cached_property
    def looks(self) -> tuple[re.Pattern[str], ...]:
        """What its files look like."""
        return tuple(re.compile(one, re.MULTILINE) for one in self.given.looks)

    def complete(self, text: str) -> bool:
        """Whether the text is a whole configuration, as far as the platform shows it."""
        return not self.given.complete or bool(re.search(self.given.complete, text, re.MULTILINE))

    def author_of(self, text: str) -> str:
        """Who changed it last, where the text says so."""
        return _group(self.given.author, text, "author")

    def name_of(self, text: str) -> str:
        """The device's own name, where the text says so."""
        return _group(self.given.name, text, "name")


class Platforms:
    """All platforms, by name and alias."""

    def __init__(self, extra: Iterable[Path] = ()) -> None:
        text = resources.files(__package__).joinpath("platforms.yaml").read_text(encoding="utf-8")
        own = _parse(("platforms.yaml", text))
        files = [own, *(_parse(read_file(path)) for path in extra)]
        first = tuple(_rule(one) for file in reversed(files) for one in file.first)
        common = tuple(_rule(one, anywhere=file is not own) for file in reversed(files) for one in file.common)
        given_here = {name for file in files[1:] for name in file.platforms}
        given = {name: one for file in files for name, one in file.platforms.items()}
        own_masks = {
            name: tuple(_rule(one, anywhere=name in given_here) for one in platform.mask)
            for name, platform in given.items()
        }
        self._all = {
            name: Platform(
                name, one, first + own_masks[name] + common + sum((own_masks[o] for o in given if o != name), ())
            )
            for name, one in given.items()
        }
        self._aliases = {alias: name for name, one in self._all.items() for alias in one.given.aliases}

    def __iter__(self) -> Any:
        return iter(self._all.values())

    def get(self, name: str) -> Platform:
        """The platform of that name or alias. Raises ``InvalidInput``."""
        wanted = name.strip().lower().replace(" ", "_")
        found = self._all.get(wanted) or self._all.get(self._aliases.get(wanted, ""))
        if found is None:
            known = ", ".join(sorted(self._all))
            raise InvalidInput(f"there is no platform {name!r}", where="configs", fix=f"Known: {known}.")
        return found

    def guess(self, text: str) -> Platform:
        """The platform that a text looks like; ``generic`` where it looks like none."""
        head = text[:20_000]
        score = {name: sum(bool(one.search(head)) for one in platform.looks) for name, platform in self._all.items()}
        best = max(score, key=lambda name: score[name])
        return self._all[best] if score[best] else self._all["generic"]


def _rule(given: str | SectionMask, *, anywhere: bool = True) -> MaskRule:
    if isinstance(given, SectionMask):
        start, end = (re.compile(one, re.MULTILINE) for one in (given.start, given.end))
        return MaskRule(_mask(given.mask), True, start, end)
    return MaskRule(_mask(given), anywhere)


def _mask(text: str) -> re.Pattern[str]:
    """A mask pattern as a regular expression: blanks for white space, tokens for what they stand for."""
    parts = re.split(r"(\[[^\]]*\]|<\w+>)", text)
    spaced = [part if part[:1] == "[" else _TOKENS.get(part) or _BLANK.sub(_white_space, part) for part in parts]
    pattern = "".join(spaced)
    front = r"(?<![A-Za-z0-9<])" if text[0].isalnum() or text.startswith("(?:") else ""
    return re.compile(front + pattern, re.MULTILINE | re.IGNORECASE)


def _white_space(blank: re.Match[str]) -> str:
    """One or more, or as many as the quantifier after the blank says."""
    return rf"[ \t]{blank[1] or '+'}"


def _any(patterns: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(f"(?:{one})" for one in patterns)
    return re.compile(joined, re.MULTILINE) if joined else None


def _group(pattern: str, text: str, group: str) -> str:
    found = re.search(pattern, text, re.MULTILINE) if pattern else None
    return found[group][:200] if found else ""


def _parse(text: Text) -> _File:
    file = checked(_File, text, fix="See docs/configs.md.")
    try:
        for one in (
            *file.first,
            *file.common,
            *(mask for platform in file.platforms.values() for mask in platform.mask),
        ):
            _rule(one)
    except re.error as error:
        raise ConfigError(f"holds a pattern that is none: {error}", where=text[0]) from None
    return file
