"""Searching text: words in any order, and regular expressions.

``link down`` finds what has both words, whatever their case and order. A term with signs in it (``ge-0/0/1``,
``10.0.0.1``) is found as it is written; ``inter*`` finds words that begin so. Words are runs of ASCII letters, digits
and anything beyond ASCII, as the store's full-text index takes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_TERMS = 20
MAX_PATTERN = 500
_WORD = re.compile(r"[0-9A-Za-z\x80-\U0010ffff]+")
#: What the store's regular expressions (RE2) lack.
_FOREIGN = re.compile(r"\(\?(?:=|!|<=|<!|>|\(|P=|P>|R|\d)|\\[1-9]|[*+?}]\+")


def terms(text: str) -> list[str]:
    """The terms of a search, each once."""
    return list(dict.fromkeys(text.split()))


def words_of(text: str) -> list[str]:
    """Whole words that a match must have, which the full-text index knows."""
    return [word for term in terms(text) if not term.endswith("*") for word in _WORD.findall(term)]


def exact_patterns(text: str) -> Iterator[str]:
    """Regular expressions for the terms that whole words cannot stand for: those with signs, and beginnings."""
    for term in terms(text):
        begins = term.endswith("*")
        body = term.rstrip("*") if begins else term
        if not begins and _WORD.fullmatch(body):
            continue
        start = r"(?:^|[^0-9A-Za-z])" if _WORD.match(body) else ""
        end = r"(?:$|[^0-9A-Za-z])" if not begins and _WORD.match(body[-1:]) else ""
        yield f"(?i){start}{_escaped(body)}{end}"


def _escaped(text: str) -> str:
    """``text`` as a regular expression that both RE2 and Python read."""
    return "".join(c if c.isalnum() or ord(c) > 127 else f"\\x{ord(c):02x}" for c in text)


def words_problem(text: str) -> str | None:
    """Why ``text`` cannot be searched for, if it cannot."""
    found = terms(text)
    if len(found) > MAX_TERMS:
        return f"more than {MAX_TERMS} words"
    if not all(_WORD.search(term) for term in found) or not found:
        return "no word to search for" if not found else "a term without a letter or digit"
    return None


def pattern_problem(text: str) -> str | None:
    """Why ``text`` cannot be a regular expression of the store, as far as can be told without asking it."""
    if len(text) > MAX_PATTERN:
        return f"a regular expression of more than {MAX_PATTERN} characters"
    if _FOREIGN.search(text):
        return "the store's regular expressions (RE2) have no look-around, references or possessive repeats"
    return None
