"""Pages of devices and interfaces of the demo."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.browser.conftest import Server
from tests.browser.pages import drawn, needs_axe, page_of, parameters, violations

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WAIT_MS = 40_000

PAGES = {
    "/devices": "devices",
    "/devices/fra-border1?since=now-1h": "Busiest interfaces",
    "/devices/fra-border1/interfaces": "Leads to",
    "/devices/fra-border1/neighbours": "BGP sessions",
    "/devices/fra-border1/logs": "Log messages",
    "/devices/fra-border1/changes": "Changes",
    "/devices/fra-border1/inventory": "Value in force",
    "/devices/fra-border1/interfaces/et-0%2F0%2F0?since=now-1h": "Flows against counters",
}


PALETTE = (
    ("frankf", "Sites", "**/topology?*site=fra"),
    ("lon-fw1", "Devices", "**/devices/lon-fw1"),
    ("fra-border1 et-0/0/1", "Interfaces", "**/interfaces/et-0*"),
)


@needs_axe
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize(("path", "text"), PAGES.items(), ids=PAGES)
def test_accessible(browser: Any, server: Server, path: str, text: str, scheme: str) -> None:
    with page_of(browser, server, scheme=scheme) as page:
        page.goto(path)
        page.get_by_text(text).first.wait_for(timeout=WAIT_MS)
        page.wait_for_timeout(800)
        assert violations(page) == []


@pytest.mark.parametrize("width", [1024, 1440])
@pytest.mark.parametrize("path", PAGES)
def test_fits_the_window(browser: Any, server: Server, path: str, width: int) -> None:
    with page_of(browser, server, width=width) as page:
        page.goto(path)
        page.get_by_text(PAGES[path]).first.wait_for(timeout=WAIT_MS)
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_from_the_list_to_a_device_to_an_interface(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/devices?since=now-1h")
        page.get_by_label("Find a device").fill("fra border")
        page.get_by_text(re.compile(r"^2 of \d+ devices$")).wait_for(timeout=WAIT_MS)
        assert parameters(page)["q"] == "fra border"
        page.get_by_role("link", name="fra-border1", exact=True).click()
        drawn(page)
        page.get_by_role("navigation", name="Parts of the device").get_by_role("link", name="Interfaces").click()
        page.get_by_role("link", name="et-0/0/0", exact=True).click()
        page.wait_for_url("**/interfaces/et-0*")
        page.get_by_role("heading", name="Traffic").wait_for()
        page.reload()
        page.get_by_role("heading", name="fra-border1 et-0/0/0").wait_for()
        page.get_by_text("Applications").wait_for()
        page.get_by_role("link", name="Its flows").click()
        page.get_by_role("row").filter(has_text="quic").or_(
            page.get_by_role("row").filter(has_text="https")
        ).first.wait_for()


def test_every_number_shows_its_query(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/devices/fra-border1/interfaces/et-0%2F0%2F0?since=now-1h")
        drawn(page)
        page.get_by_role("button", name="Query of Traffic").click()
        page.get_by_role("menuitem", name="Show query").click()
        drawer = page.get_by_role("dialog", name="Where these numbers come from")
        drawer.get_by_text("in_octets").first.wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Query of Traffic").click()
        page.get_by_role("menuitem", name="Open in the explorer").click()
        page.wait_for_url("**/explore?*dataset=metrics*")


def test_neighbours_and_inventory(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/devices/fra-border1/neighbours")
        links = page.get_by_role("table", name="Links")
        links.get_by_role("link", name="ams-border1").wait_for(timeout=WAIT_MS)
        links.get_by_role("link", name="ams-border1").click()
        page.get_by_role("heading", name="ams-border1").wait_for()
        page.get_by_role("link", name="Inventory").click()
        page.get_by_role("table", name="Attributes").get_by_role("cell", name="border", exact=True).wait_for()
        page.get_by_role("heading", name="History").wait_for()


def test_the_palette_finds_devices_interfaces_and_sites(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/devices")
        page.get_by_role("heading", name="Devices", exact=True).wait_for()
        for text, kind, where in PALETTE:
            page.keyboard.press("Control+k")
            page.get_by_role("combobox", name="Command").fill(text)
            page.get_by_role("listbox", name="Commands").get_by_role("option").filter(has_text=kind).first.click()
            page.wait_for_url(where)


def test_a_device_that_is_not_there_says_so(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.on("console", lambda _: None)
        answer = page.context.request.get("/api/v1/devices/nobody.example.net")
        assert answer.status == 404
        assert (
            page.context.request.get("/devices/fra-core1.example.net").headers["content-type"].startswith("text/html")
        )
