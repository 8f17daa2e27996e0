"""Patterns of rules: a message's text with its variable parts in braces, compiled to a regular expression.

``Interface {interface}, changed state to {state:up|down}``: ``{name}`` is a word without blanks, ``{name:kind}`` one of
``KINDS``, ``{name:a|b}`` one of the given words (``{name:=a}`` that one), ``{:a|b}`` the same without a name. A blank
stands for any white space. A pattern begins where the text begins, or anywhere after ``...``; what follows its end
does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from weft.errors import InvalidInput

KINDS = {
    "": r"\S+",
    "int": r"[0-9]{1,18}",
    "port": r"(?:[+:#][0-9]+)?",
    "ip": r"[0-9A-Fa-f:.]*[0-9A-Fa-f:]",
    "mac": r"[0-9A-Fa-f]{2,4}(?:[:.\-][0-9A-Fa-f]{2,4})+",
    "id": r"[\w.\-]*\w",
    "interface": r"[A-Za-z](?:[\w./:\-]*\w)?(?: [0-9](?:[0-9/.:]*[0-9])?)?",
    "quoted": r"[^'\"]*",
    "words": r".+?",
    "rest": r".*\S",
    "number": r"-?[0-9]{1,18}(?:\.[0-9]{1,9})?",
}
_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)?(?::([^{}]*))?\}")
_LITERAL = re.compile(r"[^\s{}]{2,}(?: [^\s{}]+)*")


def compile_text(text: str, kinds: Mapping[str, str] = MappingProxyType({})) -> tuple[re.Pattern[str], bool, str]:
    """The expression, whether it may begin anywhere, and a text that every match holds (may be empty).

    ``kinds``: more kinds, name → regular expression. Raises ``InvalidInput``.
    """
    anywhere = text.startswith("...")
    body = text.removeprefix("...").strip() if anywhere else text.strip()
    if not body:
        raise InvalidInput("`text` is empty")
    parts, at, names = [], 0, set()
    for place in _PLACE.finditer(body):
        parts.append(_literal(body[at : place.start()]))
        name, kind = place[1] or "", place[2] or ""
        if name in names:
            raise InvalidInput(f"`{{{name}}}` stands twice in `text`")
        names |= {name} if name else set()
        parts.append(_place(name, kind, kinds))
        at = place.end()
    parts.append(_literal(body[at:]))
    try:
        return re.compile("".join(parts), re.DOTALL), anywhere, _longest(body)
    except re.error as error:
        raise InvalidInput(f"`text` has a kind that is no regular expression: {error}") from error


def compile_expression(expression: str) -> tuple[re.Pattern[str], bool, str]:
    """A rule's own regular expression, searched for anywhere; ``^`` at its begin is the begin of the text.

    Raises ``InvalidInput``.
    """
    is_anchored = expression.startswith("^")
    try:
        return re.compile(expression[is_anchored:], re.DOTALL), not is_anchored, ""
    except re.error as error:
        raise InvalidInput(f"`regex` is none: {error}") from error


def _place(name: str, kind: str, kinds: Mapping[str, str]) -> str:
    if "|" in kind or kind.startswith("="):
        inner = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in kind.removeprefix("=").split("|"))
    elif (inner := kinds.get(kind) or KINDS.get(kind, "")) == "":
        known = ", ".join(sorted({*KINDS, *kinds} - {""}))
        raise InvalidInput(f"`{{{name}:{kind}}}`: there is no such kind; known: {known}")
    return f"(?P<{name}>{inner})" if name else f"(?:{inner})"


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        raise InvalidInput(
            f"`text` has a brace that belongs to nothing, near {text.strip()!r}; use `regex` for such text"
        )
    return re.sub(r"\s+", lambda _: r"\s+", re.escape(text).replace(r"\ ", " ")) if text else ""


def _longest(body: str) -> str:
    """The longest run of words without white space variants: one word, as blanks may be more than one."""
    words = [word for part in _PLACE.split(body)[::3] for word in part.split()]
    return max(words, key=len, default="")
