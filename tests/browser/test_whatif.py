"""What if, which way, and what goes wrong: the network model and the demo's scenario in Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.conftest import Server
from tests.browser.pages import needs_axe, page_of, parameters, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WAIT_MS = 60_000  # the first answer reads the flows of the minutes before
CUT = "/topology?ask=what-if"


def picture(page: Any, path: str) -> Any:
    page.goto(path)
    page.locator("svg[data-ready]").wait_for(timeout=WAIT_MS)
    return page.get_by_role("complementary", name="What if")


def test_a_line_that_is_clicked_fails_and_stands_again(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        panel = picture(page, CUT)
        panel.get_by_text("Click a line in the picture").wait_for()
        line = page.get_by_role("button", name="Amsterdam – London")
        line.focus()
        page.keyboard.press("Enter")
        panel.get_by_text("Highest utilisation").wait_for(timeout=WAIT_MS)
        assert "fail_link" in parameters(page)["if"]
        page.get_by_role("button", name="Amsterdam – London", exact=False).and_(
            page.locator("[data-oper=down]")
        ).wait_for(timeout=WAIT_MS)
        table = page.get_by_role("region", name="Links that change")
        table.get_by_text("ams-border1 – lon-border1").first.wait_for()
        assert table.get_by_text("→ down").count() == 2
        page.get_by_text("Traffic (", exact=False).click()
        page.get_by_role("region", name="Traffic that moves").get_by_text("another way").first.wait_for()
        panel.get_by_role("button", name="Take all back").click()
        panel.get_by_text("Click a line in the picture").wait_for()
        assert "if" not in parameters(page)


def test_more_traffic_is_composed_in_the_form(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        panel = picture(page, CUT)
        panel.get_by_label("Add a change").select_option("scale_demand", timeout=WAIT_MS)
        panel.get_by_label("Times").fill("5")
        panel.get_by_role("button", name="Add", exact=True).click()
        panel.get_by_role("list", name="Changes").get_by_text("Traffic × 5").wait_for()
        panel.get_by_text("than fits").or_(panel.get_by_text("over 80")).first.wait_for(timeout=WAIT_MS)


def test_a_path_there_and_back(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/topology?ask=path&level=device")
        panel = page.get_by_role("complementary", name="Path")
        panel.get_by_label("From").fill("chi-core1")
        panel.get_by_label("To", exact=True).fill("ams-core1")
        page.keyboard.press("Escape")
        panel.get_by_role("button", name="Find the path").click()
        panel.get_by_role("heading", name="Back").wait_for(timeout=WAIT_MS)
        hops = panel.get_by_role("listitem").all_inner_texts()
        assert any("chi-border1" in one for one in hops)
        assert any("ams-border1" in one for one in hops)
        assert parameters(page)["to"] == "ams-core1"
        page.locator("svg[data-ready] [data-selected]").first.wait_for()


def test_a_place_that_is_not_there_is_told(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/topology?ask=path&from=atlantis&to=ams")
        panel = page.get_by_role("complementary", name="Path")
        panel.get_by_text("atlantis").first.wait_for(timeout=WAIT_MS)


def test_a_fault_is_triggered_and_ended_in_the_scenario(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/")
        page.get_by_role("button", name="Scenario").click()
        board = page.get_by_role("dialog", name="Scenario")
        board.get_by_label("What goes wrong").click()
        page.get_by_role("option", name="Exporter silent").click()
        board.get_by_label("How long").click()
        page.get_by_role("option", name="2 minutes").click()
        board.get_by_role("button", name="Let it happen").click()
        entry = (
            board.get_by_role("listitem")
            .filter(has_text="triggered")
            .filter(has=page.get_by_role("button", name="End it"))
        )
        entry.first.wait_for()
        assert entry.first.get_by_text("Right answer").count() == 0
        board.get_by_role("switch", name="Show the truth").check(force=True)
        entry.first.get_by_text("Right answer").wait_for()
        entry.first.get_by_role("button", name="End it").click()
        board.get_by_role("listitem").filter(has_text="triggered").filter(has_text="over").first.wait_for()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_accessible(browser: Any, server: Server, scheme: str) -> None:
    needs_axe()
    with page_of(browser, server, scheme=scheme) as page:
        panel = picture(page, CUT)
        panel.get_by_role("button", name="Add", exact=True).wait_for(timeout=WAIT_MS)
        assert violations(page) == []
        page.get_by_role("button", name="Scenario").click()
        page.get_by_role("dialog", name="Scenario").get_by_role("button", name="Let it happen").wait_for()
        assert violations(page) == []
