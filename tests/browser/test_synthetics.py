"""The Synthetics pages of the demo: the list, a test, a matrix, a path, and a test defined, changed and removed."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.conftest import Server
from tests.browser.pages import needs_axe, page_of, parameters, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WAIT_MS = 60_000  # a demo that has just begun is still testing for the first time
PATHS = (
    "/synthetics", "/synthetics/agents", "/synthetics/test?name=Zoom", "/synthetics/test?name=Sites&tab=mesh",
    "/synthetics/test?name=Paths+between+sites&tab=path", "/synthetics/test?name=Sites&tab=definition",
)  # fmt: skip


def row(page: Any, name: str) -> Any:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


@needs_axe
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("path", PATHS)
def test_accessible(browser: Any, server: Server, path: str, scheme: str) -> None:
    with page_of(browser, server, scheme=scheme) as page:
        page.goto(path)
        page.get_by_role("table").or_(page.get_by_text("What it does")).first.wait_for(timeout=WAIT_MS)
        page.wait_for_timeout(800)
        assert violations(page) == []


def test_from_the_list_to_a_test(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/synthetics?since=now-1h")
        shop = row(page, "Acme shop")
        shop.get_by_text("6 degraded").wait_for(timeout=WAIT_MS)
        page.get_by_label("Find a test").fill("dns")
        page.get_by_text("1 of 11 tests").wait_for()
        assert parameters(page)["q"] == "dns"
        page.get_by_label("Find a test").fill("")
        shop.click()
        page.get_by_role("heading", name="Acme shop").wait_for()
        assert parameters(page) == {"name": "Acme shop", "since": "now-1h"}
        page.get_by_text("certificate expires in").first.wait_for()
        page.get_by_role("heading", name="Where the time goes").wait_for()
        page.get_by_role("img", name="Latency; newest").wait_for(timeout=WAIT_MS)


def test_a_matrix_and_one_of_its_pairs(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/synthetics/test?name=Sites&tab=mesh&since=now-1h")
        cell = page.get_by_role("button", name="chi-agent1 to fra-agent1")
        cell.wait_for(timeout=WAIT_MS)
        assert page.locator("tbody button").count() == 30
        cell.click()
        page.get_by_role("heading", name="chi-agent1 → fra-agent1").wait_for()
        page.get_by_text("95th percentile").wait_for()
        page.get_by_role("radiogroup", name="What cells show").get_by_text("Loss").click()
        page.get_by_role("button", name="chi-agent1 to fra-agent1: OK, Loss").or_(
            page.get_by_role("button", name="chi-agent1 to fra-agent1: Degraded, Loss")
        ).wait_for()


def test_a_path_with_its_branches(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto(
            "/synthetics/test?name=Paths+between+sites&tab=path&since=now-1h&agent=chi-agent1&target=10.40.128.10"
        )
        graph = page.get_by_role("region", name="Path, hop by hop")
        graph.wait_for(timeout=WAIT_MS)
        for hop in ("chi-border1", "nyc-border1", "lon-border1", "ams-border1"):
            graph.get_by_role("button", name=hop).wait_for()
        graph.get_by_role("button", name="lon-border1").focus()
        page.keyboard.press("Enter")
        assert graph.locator("g[data-dimmed]").count() >= 1
        page.get_by_role("region", name="Hops of the path").get_by_role("link", name="lon-border1").wait_for()
        page.get_by_label("From", exact=True).select_option("ams-agent1")
        page.get_by_role("group", name="from ams-agent1").wait_for()
        assert parameters(page)["agent"] == "ams-agent1"


def test_a_test_is_defined_changed_and_removed(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/synthetics")
        page.get_by_role("button", name="New test").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name", exact=True).fill("a/b.example")
        dialog.get_by_label("What it does").select_option("tcp")
        dialog.get_by_label("Targets, one a line").fill("ada@www.example.com")
        dialog.get_by_role("button", name="Define test").click()
        dialog.get_by_role("alert").get_by_text("not a URL").wait_for()
        dialog.get_by_label("Targets, one a line").fill("www.example.com")
        dialog.get_by_label("Every").fill("5")
        dialog.get_by_role("button", name="Define test").click()
        page.get_by_role("heading", name="a/b.example").wait_for()
        page.reload()
        page.get_by_role("heading", name="a/b.example").wait_for()
        page.get_by_text("6 of 6").wait_for(timeout=WAIT_MS)
        page.get_by_role("button", name="Change").click()
        dialog.get_by_label("Probes a run").fill("3")
        dialog.get_by_role("button", name="Save").click()
        page.get_by_role("link", name="Definition").click()
        page.locator("dt", has_text="Probes a run").locator("+ dd").get_by_text("3", exact=True).wait_for()
        page.get_by_role("button", name="Remove the test").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        page.get_by_text("11 tests", exact=True).wait_for(timeout=WAIT_MS)


def test_agents_are_listed_and_are_sources(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/synthetics/agents")
        page.get_by_role("row").filter(has_text="sin-agent1").get_by_text("Heard").wait_for(timeout=WAIT_MS)
        page.get_by_role("link", name="As sources").click()
        page.get_by_text("sin-agent1").first.wait_for()
        assert parameters(page)["kind"] == "agent"
