"""The Cloud page of the demo: traffic, leaving traffic by price class, what was rejected, the inventory."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.conftest import Server
from tests.browser.pages import drawn, needs_axe, page_of, violations

pytestmark = pytest.mark.browser
PARTS = ("/cloud", "/cloud/egress", "/cloud/rejected", "/cloud/inventory")


def test_traffic_by_network_then_by_region(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/cloud?since=now-2h")
        drawn(page)
        table = page.get_by_role("region", name="Networks")
        table.get_by_role("row").filter(has_text="vpc-0acme0prod0use1").wait_for()
        page.get_by_role("radiogroup", name="By").get_by_text("Regions").click()
        page.get_by_role("region", name="Regions").get_by_role("row").filter(has_text="us-east-1").wait_for()
        assert "by=region" in page.url


def test_one_provider_is_chosen_and_kept_in_the_address(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/cloud?since=now-2h&provider=azure")
        table = page.get_by_role("region", name="Networks")
        table.get_by_role("row").filter(has_text="vnet").wait_for()
        assert table.get_by_role("row").filter(has_text="vpc-0acme0prod0use1").count() == 0


def test_what_leaves_is_named_by_its_price_class(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/cloud/egress?since=now-2h")
        table = page.get_by_role("region", name="Where it goes")
        table.get_by_role("row").filter(has_text="Internet").wait_for()
        page.get_by_role("list", name="Leaving traffic by destination, newest values").get_by_text(
            "Internet"
        ).wait_for()
        page.get_by_role("region", name="Instances").get_by_role("row").nth(1).wait_for()


def test_rejected_traffic_by_source(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/cloud/rejected?since=now-2h")
        page.get_by_role("region", name="Ports").get_by_role("row").nth(1).wait_for()
        page.get_by_role("radiogroup", name="By").get_by_text("Sources").click()
        page.get_by_role("region", name="Sources").get_by_role("row").nth(1).wait_for()


def test_the_inventory_opens_an_object(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/cloud/inventory")
        page.get_by_role("region", name="Networks").get_by_text("vpc-0acme0prod0use1").click()
        page.get_by_role("dialog").get_by_text("us-east-1").first.wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("textbox", name="Search").fill("nothing has this name")
        page.get_by_text("Nothing matches").wait_for()


@needs_axe
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("path", PARTS)
def test_accessible(browser: Any, server: Server, path: str, scheme: str) -> None:
    with page_of(browser, server, width=1024, scheme=scheme) as page:
        page.goto(path)
        page.get_by_role("table").first.wait_for()
        assert violations(page) == []
