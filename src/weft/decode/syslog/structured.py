"""STRUCTURED-DATA of RFC 5424 §6.3."""

from __future__ import annotations

import re

_VALUE = r'[^"\\]*+(?:\\.[^"\\]*+)*+'
_ELEMENT = re.compile(rf'\[([^\s\]="]++)((?: +[^\s=\]"]++="{_VALUE}")*+) *\]', re.DOTALL)
_PARAMETER = re.compile(rf' +([^\s=\]"]++)="({_VALUE})"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\\]])')
_MOST_PARAMETERS = 256

Data = dict[str, dict[str, str]]


def data_at(text: str, at: int) -> tuple[Data | None, int]:
    """The elements at ``at`` and where the message begins. What is no structured data belongs to the message."""
    data: Data = {}
    left = _MOST_PARAMETERS
    while text[at : at + 1] == "[":
        element = _ELEMENT.match(text, at)
        if element is None:
            break
        parameters = data.setdefault(element[1], {})
        if element[2]:
            for name, value in _PARAMETER.findall(element[2]):
                if left > 0:
                    parameters[name] = _ESCAPED.sub(r"\1", value) if "\\" in value else value
                    left -= 1
        at = element.end()
    if not data:
        return None, at
    return data, at + 1 if text[at : at + 1] == " " else at


def clock_mark(data: Data) -> str:
    """What ``timeQuality`` (RFC 5424 §7.1) says of the clock: ``synchronised``, ``*`` (not), or nothing."""
    quality = data.get("timeQuality")
    if not quality:
        return ""
    synced = quality.get("isSynced")
    return "synchronised" if synced == "1" else "*" if synced == "0" else ""
