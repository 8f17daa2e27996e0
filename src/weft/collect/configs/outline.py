"""Which section of a configuration a line is in, whatever the device's way of writing it.

Most indent what belongs to a heading (IOS, EOS, NX-OS, Junos, VRP, FortiOS, JSON); RouterOS writes paths
(``/ip address``) above what is in them; ``set`` commands (Junos, VyOS) carry their section in front.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SET = re.compile(r"^(?:set|delete|deactivate)\s+(\S+(?:\s+[^\s']\S*){0,2})")
_MASKED = re.compile(r"<secret [0-9a-f]{8}>")
_PATH = re.compile(r"^/[a-z]")
_FILLERS = frozenset(
    {"!", "#", "}", "exit", "end", "next", "{", "};", "},", "quit", "return", "[", "]", "],", "", "exit all"}
)
_MOST_CHARACTERS = 80


class Outline:
    """The headings of a text, found in one pass."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._parent = [-1] * len(lines)
        self._opens = bytearray(len(lines))
        has_paths = any(_PATH.match(line) for line in lines)
        above: list[tuple[int, int]] = []  # (depth, line) of the headings that are open
        for i, line in enumerate(lines):
            if line.strip() in _FILLERS:
                continue
            depth = len(line) - len(line.lstrip())
            if has_paths and not _PATH.match(line):
                depth += 1
            while above and above[-1][0] >= depth:
                above.pop()
            if above:
                self._parent[i] = above[-1][1]
                self._opens[above[-1][1]] = 1
            above.append((depth, i))

    def section(self, at: int) -> str:
        """The headings of a line, outermost first, at most two; a line that is of none names itself."""
        line = self._lines[at]
        if line.strip() in _FILLERS:
            return ""
        found = _SET.match(line)
        if found and self._parent[at] < 0:
            return found[1][:_MOST_CHARACTERS]
        chain = [at] if self._opens[at] or self._parent[at] < 0 else []
        parent = self._parent[at]
        while parent >= 0:
            chain.append(parent)
            parent = self._parent[parent]
        names = [_title(self._lines[one]) for one in reversed(chain)]
        return " / ".join([name for name in names if name][:2])


def _title(line: str) -> str:
    text = _MASKED.sub("<secret>", line).strip().rstrip("{;, ").strip().rstrip(":").strip().strip('"')
    return text[:_MOST_CHARACTERS]
