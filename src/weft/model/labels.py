"""Labels of a series as one text: sorted by name, values escaped as in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterable

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def labels_text(labels: Iterable[tuple[str, str]]) -> str:
    """``(name, value)`` pairs as the ``labels`` column of the metrics table holds them; an empty value is none."""
    return ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in sorted(labels) if value)
