"""What holds for all tests: their order, and which of them one process runs."""

from __future__ import annotations

import pytest

#: These come last: they take longest, and Playwright leaves an event loop running in the thread that used it.
_LAST = ("routers", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first; the tests of a file stay in one process, for they share what was costly to start.

    All tests of the browser do: one demo to look at is as much as two processors carry.
    """

    def rank(item: pytest.Item) -> int:
        folder = item.path.parent.name
        return _LAST.index(folder) + 1 if folder in _LAST else 0

    items.sort(key=rank)
    for item in items:
        one = item.path.parent if item.path.parent.name == "browser" else item.path
        item.add_marker(pytest.mark.xdist_group(str(one)))
