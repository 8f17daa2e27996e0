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

from weft.collect.configs.platforms import MaskRule, Platform

#: Secrets at least this long are looked for in all of the text.
_SPREAD_FROM = 8
_MOST_SPREAD = 2000
_DIGITS = 8
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
        words = sorted((one for one in found if len(one) >= _SPREAD_FROM and not _MASKED.fullmatch(one)), key=len)
        for i in range(0, min(len(words), _MOST_SPREAD), 200):
            some = "|".join(re.escape(one) for one in reversed(words[i : i + 200]))
            text = re.sub(some, lambda match: self._word(match[0], volatile), text)
        return text

    def _word(self, secret: str, volatile: bool) -> str:
        if _MASKED.fullmatch(secret):
            return secret
        if volatile:
            return "<secret>"
        return f"<secret {hmac.new(self._key, secret.encode(), hashlib.sha256).hexdigest()[:_DIGITS]}>"


def _spans(text: str, rules: Iterable[MaskRule]) -> list[Span]:
    """Where secrets are; what an earlier rule covers is left alone by later ones."""
    taken: list[Span] = []
    covered = bytearray(len(text))
    for rule in rules:
        for start, end in _matches(text, rule):
            if not any(covered[start:end]):
                taken.append((start, end))
                covered[start:end] = b"\1" * (end - start)
    return taken


def _matches(text: str, rule: MaskRule) -> Iterator[Span]:
    for begin, stop in _sections(text, rule):
        for match in rule.pattern.finditer(text, begin, stop):
            for group in range(1, rule.pattern.groups + 1):
                if match.start(group) >= 0 and match.end(group) > match.start(group):
                    yield match.span(group)


def _sections(text: str, rule: MaskRule) -> Iterator[Span]:
    if rule.start is None or rule.end is None:
        yield 0, len(text)
        return
    for match in rule.start.finditer(text):
        end = rule.end.search(text, match.end())
        yield match.end(), end.start() if end else len(text)


def masking_key(file: Path) -> bytes:
    """The key of this installation, made when there is none; only its owner can read it."""
    with contextlib.suppress(FileNotFoundError):
        return bytes.fromhex(file.read_text(encoding="ascii").strip())
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = secrets.token_bytes(32)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as made:
        made.write(key.hex() + "\n")
    return key
