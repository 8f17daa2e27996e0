"""What changed between two versions, and in which sections."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from weft.collect.configs.outline import Outline

CONTEXT = 3
#: Lines that are compared one by one; larger differences are told as a whole.
_MOST_LINES = 4000
_MOST_DETAIL = 200_000
_MOST_SECTIONS = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """Unified diff, lines that came and went, the sections they are in."""

    text: str
    added: int
    removed: int
    sections: tuple[str, ...]

    @property
    def component(self) -> str:
        """The sections in a few words."""
        more = len(self.sections) - _MOST_SECTIONS
        return ", ".join(self.sections[:_MOST_SECTIONS]) + (f" (+{more})" if more > 0 else "")


def compare(old: str, new: str, *, old_name: str = "before", new_name: str = "after") -> Difference:
    """The difference of two masked texts."""
    a, b = old.splitlines(), new.splitlines()
    before, after = Outline(a), Outline(b)
    added, removed, sections = 0, 0, dict[str, None]()
    for tag, a0, a1, b0, b1 in _changes(a, b):
        if tag != "equal":
            removed += a1 - a0
            added += b1 - b0
            sections |= dict.fromkeys(after.section(i) for i in range(b0, b1))
            sections |= dict.fromkeys(before.section(i) for i in range(a0, a1))
    return Difference(_unified(a, b, old_name, new_name), added, removed, tuple(name for name in sections if name))


def _changes(a: Sequence[str], b: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """Opcodes as of difflib; what is equal at both ends is not compared at length."""
    head = 0
    while head < min(len(a), len(b)) and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < min(len(a), len(b)) - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    end_a, end_b = len(a) - tail, len(b) - tail
    if max(end_a, end_b) - head > _MOST_LINES:
        middle: list[tuple[str, int, int, int, int]] = [("replace", head, end_a, head, end_b)]
    else:
        matcher = difflib.SequenceMatcher(None, a[head:end_a], b[head:end_b], autojunk=False)
        middle = [(tag, a0 + head, a1 + head, b0 + head, b1 + head) for tag, a0, a1, b0, b1 in matcher.get_opcodes()]
    out = [("equal", 0, head, 0, head), *middle, ("equal", end_a, len(a), end_b, len(b))]
    return [one for one in out if one[1] < one[2] or one[3] < one[4]]


def _unified(a: Sequence[str], b: Sequence[str], old_name: str, new_name: str) -> str:
    """A unified diff with three lines of context, cut where it is long."""
    lines, changes = [f"--- {old_name}", f"+++ {new_name}"], _changes(a, b)
    for group in _grouped(changes):
        first, last = group[0], group[-1]
        lines.append(f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@")
        for tag, a0, a1, b0, b1 in group:
            if tag == "equal":
                lines += [f" {line}" for line in a[a0:a1]]
                continue
            lines += [f"-{line}" for line in a[a0:a1]]
            lines += [f"+{line}" for line in b[b0:b1]]
    text = "\n".join(lines) + "\n" if len(lines) > 2 else ""
    return text if len(text) <= _MOST_DETAIL else text[:_MOST_DETAIL] + "\n… (cut)\n"


def _grouped(changes: list[tuple[str, int, int, int, int]]) -> list[list[tuple[str, int, int, int, int]]]:
    """Changes with their context, apart where what lies between is longer than two contexts."""
    groups: list[list[tuple[str, int, int, int, int]]] = []
    now: list[tuple[str, int, int, int, int]] = []
    for number, (tag, a0, a1, b0, b1) in enumerate(changes):
        if tag != "equal":
            now.append((tag, a0, a1, b0, b1))
            continue
        is_first, is_last = number == 0, number == len(changes) - 1
        if not is_first and not is_last and a1 - a0 <= 2 * CONTEXT:
            now.append((tag, a0, a1, b0, b1))
            continue
        if not is_first:
            now.append((tag, a0, min(a1, a0 + CONTEXT), b0, min(b1, b0 + CONTEXT)))
            groups.append(now)
            now = []
        if not is_last:
            now = [(tag, max(a0, a1 - CONTEXT), a1, max(b0, b1 - CONTEXT), b1)]
    if any(one[0] != "equal" for one in now):
        groups.append(now)
    return [group for group in groups if any(one[0] != "equal" for one in group)]


def _range(start: int, end: int) -> str:
    length = end - start
    return f"{start if length == 0 else start + 1},{length}"
