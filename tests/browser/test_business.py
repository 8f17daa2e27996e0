"""Reference tables on their page and in questions; business series in the explorer and among the sources."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.conftest import Server
from tests.browser.pages import drawn, page_of


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (1024, "light")])
def test_what_tables_say_and_the_dimensions_they_make(browser: Any, server: Server, width: int, scheme: str) -> None:
    with page_of(browser, server, width=width, scheme=scheme) as page:
        page.goto("/settings/reference")
        page.get_by_label("Kind").first.click()
        page.get_by_role("option", name="Customer (5)").click()
        rows = page.get_by_role("table", name="What tables say of customers").locator("tbody tr")
        page.get_by_text("C-1044").wait_for()
        assert rows.count() == 5
        assert page.get_by_text("ended").count() == 1  # Globex was silver until this morning
        page.get_by_label("Find in rows").fill("umbr")
        rows.filter(has_text="Globex").first.wait_for(state="detached")
        assert rows.count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_role("link", name="src_customer_tier", exact=True).first.click()
        drawn(page)
        assert "by=src_customer_tier" in page.url


def test_business_series_are_drawn_and_their_sources_shown(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/explore?dataset=business&since=now-6h")
        drawn(page)
        page.get_by_text("orders_per_minute").first.wait_for()
        page.goto(
            "/explore?dataset=business&since=now-6h&by=label_site_owner&chart=table&filter=series+%3D+orders_per_minute"
        )
        page.get_by_text("Americas IT").first.wait_for()
        page.goto("/sources?kind=business")
        for name in ("shop", "helpdesk", "acme-identity"):
            page.get_by_text(name).first.wait_for()
