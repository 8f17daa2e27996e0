"""Takes secrets out of configurations: each becomes ``<secret 1f3a09bc>``, a keyed digest that changes when it does.

The key never leaves this installation, so a digest cannot be tried against guesses; the same secret has the same digest
everywhere, so a changed one still shows as a change. A secret found in one place is masked wherever else it stands.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from weft.collect.configs.platforms import HINTS, KINDS, MaskRule, Platform

#: Secrets at least this long are looked for in all of the text.
_SPREAD_FROM = 8
#: So many are also looked for within words.
_MOST_WITHIN = 300
_TOKEN = re.compile(r"""[^\s"',;]+""")
_DIGITS = 8
_DIGIT = re.compile(r"\d")
_MASKED = re.compile(r"<secret(?: [0-9a-f]{8})?>")

Span = tuple[int, int]


class Masker:
    """Masks with the key of this installation."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def mask(self, text: str, platform: Platform) -> str:
        """The text without secrets; line ends are those of Unix."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        spans = _spans(text, platform.masks)
        masked = self._replace(text, spans, platform.given.volatile)
        return self._spread(masked, {text[start:end] for start, end in spans}, platform.given.volatile)

    def line(self, text: str, platform: Platform) -> str:
        """A single line, such as the title of a commit."""
        return self.mask(text, platform).replace("\n", " ")

    def _replace(self, text: str, spans: Iterable[Span], volatile: bool) -> str:
        parts, at = [], 0
        for start, end in sorted(spans):
            parts += [text[at:start], self._word(text[start:end], volatile)]
            at = end
        return "".join([*parts, text[at:]])

    def _spread(self, text: str, found: set[str], volatile: bool) -> str:
        """Mask what was found to be secret wherever else it stands."""
        # The rest of a line may be more than the secret: its first word, and any that looks made up.
        found |= {word for one in found for at, word in enumerate(one.split()) if at == 0 or _DIGIT.search(word)}
        words = {one for one in found if len(one) >= _SPREAD_FROM and one.lower() not in KINDS}
        if not words:
            return text
        # Longest first, and before single words are looked at: a secret may begin with another one.
        some = sorted(words, key=len, reverse=True)[:_MOST_WITHIN]
        text = re.sub("|".join(map(re.escape, some)), lambda match: self._word(match[0], volatile), text)
        if len(words) == len(some):
            return text
        return _TOKEN.sub(lambda match: self._word(match[0], volatile) if match[0] in words else match[0], text)

    def _word(self, secret: str, volatile: bool) -> str:
        if volatile:
            return "<secret>"
        return f"<secret {hmac.new(self._key, secret.encode(), hashlib.sha256).hexdigest()[:_DIGITS]}>"


def _spans(text: str, rules: Iterable[MaskRule]) -> list[Span]:
    """Where secrets are; what an earlier rule covers is left alone by later ones. What is masked already stays."""
    taken: list[Span] = []
    covered = bytearray(len(text))
    masked = bytearray(len(text))
    for match in _MASKED.finditer(text):
        masked[match.start() : match.end()] = b"\1" * len(match[0])
    places = list(_hinted(text))
    for rule in rules:
        for start, end in _matches(text, rule, places):
            if not any(covered[start:end]):
                taken += _bare(text, masked, start, end)
                stop = end
                while stop < len(text) and masked[stop] and masked[stop - 1]:
                    stop += 1
                covered[start:stop] = b"\1" * (stop - start)
    return taken


def _bare(text: str, masked: bytearray, start: int, end: int) -> Iterator[Span]:
    """The parts of a place that are not masked already, without white space around them."""
    while start < end:
        if masked[start] or text[start].isspace():
            start += 1
            continue
        stop = masked.find(1, start, end)
        stop = end if stop < 0 else stop
        yield start, start + len(text[start:stop].rstrip())
        start = stop


def _matches(text: str, rule: MaskRule, places: list[Span]) -> Iterator[Span]:
    for begin, stop in _sections(text, rule, places):
        for match in rule.pattern.finditer(text, begin, stop):
            for group in range(1, rule.pattern.groups + 1):
                if match.start(group) >= 0 and match.end(group) > match.start(group):
                    yield match.span(group)


def _sections(text: str, rule: MaskRule, places: list[Span]) -> Iterable[Span]:
    """Where a rule is to be tried."""
    if rule.start is None or rule.end is None:
        return [(0, len(text))] if rule.anywhere else places
    found = []
    for match in rule.start.finditer(text):
        end = rule.end.search(text, match.end())
        found.append((match.end(), end.start() if end else len(text)))
    return found


def _hinted(text: str) -> Iterator[Span]:
    """Runs of lines that hold a hint of a secret; most lines of a configuration hold none."""
    begin = at = 0
    inside = False
    for line in text.split("\n"):
        lower = line.lower()
        hinted = any(hint in lower for hint in HINTS)
        if hinted != inside:
            if inside:
                yield begin, at
            begin, inside = at, hinted
        at += len(line) + 1
    if inside:
        yield begin, len(text)


def masking_key(file: Path) -> bytes:
    """The key of this installation, made when there is none; only its owner can read it."""
    with contextlib.suppress(FileNotFoundError):
        return bytes.fromhex(file.read_text(encoding="ascii").strip())
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = secrets.token_bytes(32)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as made:
        made.write(key.hex() + "\n")
    return key
