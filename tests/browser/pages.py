"""Opening pages as somebody who is logged in, and what several tests look for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.browser.conftest import ROOT, Server

AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (npm ci in frontend/)")
SETTLE_MS = 20_000

#: Refused by design before the login, or by a test: everything else on the console is a defect.
_EXPECTED = ("401 (Unauthorized)", "400 (Bad Request)", "429 (Too Many Requests)")


@contextmanager
def page_of(
    browser: Any, server: Server, *, width: int = 1440, height: int = 900, scheme: str = "dark", user: bool = True
) -> Iterator[Any]:
    """A page in a fresh profile; fails if the page logs an error."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        base_url=server.url,
        timezone_id="Europe/Paris",
        accept_downloads=True,
    )
    context.set_default_timeout(SETTLE_MS)
    problems: list[str] = []
    if user:
        answer = context.request.post(
            "/api/v1/auth/login",
            data={"username": "admin", "password": server.password},
            headers={"Origin": server.url},
        )
        assert answer.ok, answer.text()
    page = context.new_page()
    page.on(
        "console",
        lambda m: problems.append(m.text) if m.type == "error" and not any(e in m.text for e in _EXPECTED) else None,
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    try:
        yield page
        assert problems == []
    finally:
        context.close()


def drawn(page: Any) -> Any:
    """The first chart, once it is drawn."""
    chart = page.locator("[role=img][data-ready]").first
    chart.wait_for()
    chart.locator("canvas").first.wait_for()
    return chart


def parameters(page: Any) -> dict[str, str]:
    """The state in the page's URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def answered(page: Any, act: Callable[[], None], path: str = "/api/v1/query") -> dict[str, Any]:
    """What the server answers to the question that ``act`` makes the page ask; not to one that was asked before."""
    with page.expect_request(lambda request: request.url.endswith(path) and request.method == "POST") as info:
        act()
    response = info.value.response()
    answer: dict[str, Any] = response.json()
    assert response.ok, answer
    return answer


def violations(page: Any) -> list[str]:
    """Serious and critical findings of axe, one line each."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{v['id']}: {node['target']} {node.get('failureSummary', '')}"
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"]
    ]
