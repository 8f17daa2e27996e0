"""Every page: accessible in both themes, reachable by keyboard, light to load, alive."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.conftest import Server
from tests.browser.pages import drawn, needs_axe, page_of, violations

from weft.twin import organisation as org

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = {
    "/": "Traffic by application",
    "/explore?since=now-1h": "Current",
    "/explore?since=now-1h&chart=sankey&by=src_as,dst_as": "Share",
    "/explore?since=now-15m&chart=records": "Source address",
    "/explore?since=now-1h&dataset=metrics": "Samples by metric",
    "/explore?since=now-1h&dataset=logs": "Live tail",
    "/explore?since=now-1h&dataset=changes": "Live tail",
    "/sources": "Need attention",
    "/sources?kind=flow": "Pipeline",
    "/sources?kind=otlp": "no sender yet",
    "/sources?tab=quality&since=now-1h": "Sources that make answers incomplete",
    "/settings/profile": "Change password",
    "/settings/tokens": "Make a token",
    "/settings/users": "Add a person",
    "/settings/reference": "What is known of an address",
    "/settings/about": "Apache 2.0",
}
TRANSFER_LIMIT = 500_000


@needs_axe
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize(("path", "text"), PAGES.items(), ids=PAGES)
def test_accessible(browser: Any, server: Server, path: str, text: str, scheme: str) -> None:
    with page_of(browser, server, scheme=scheme) as page:
        page.goto(path)
        page.get_by_text(text).first.wait_for()
        page.wait_for_timeout(300)
        assert violations(page) == []


@needs_axe
@pytest.mark.parametrize("opener", ["Show query", "Export", "Views", "Last hour", "Add a dimension", "Measure", "Top"])
def test_what_opens_is_accessible_too(browser: Any, server: Server, opener: str) -> None:
    with page_of(browser, server) as page:
        page.goto("/explore?since=now-1h")
        drawn(page)
        page.get_by_role("button", name=opener).first.click()
        page.wait_for_timeout(400)
        assert violations(page) == []


@pytest.mark.parametrize("width", [768, 1024, 1440])
@pytest.mark.parametrize("path", ["/", "/explore?since=now-1h", "/sources", "/settings/tokens"])
def test_fits_the_window(browser: Any, server: Server, path: str, width: int) -> None:
    with page_of(browser, server, width=width) as page:
        page.goto(path)
        page.wait_for_load_state("networkidle") if path.startswith("/settings") else page.wait_for_timeout(1200)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", ["/", "/explore?since=now-1h", "/explore?since=now-1h&dataset=logs"])
def test_light_to_load(browser: Any, server: Server, path: str) -> None:
    with page_of(browser, server) as page:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        sizes: list[float] = []
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        page.goto(path)
        drawn(page)
        page.wait_for_timeout(800)
        assert sum(sizes) <= TRANSFER_LIMIT


def test_home_says_whether_all_is_well(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/")
        page.get_by_role("region", name="Verdict").get_by_role("heading").first.wait_for()
        page.get_by_text("Demo data").first.wait_for()
        page.get_by_role("link", name="https").first.click()
        page.wait_for_url("**/explore?*")
        assert "app" in page.url


def test_exporters_are_live_and_lead_into_the_explorer(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/sources?kind=flow")
        page.get_by_text(f"{len(org.EXPORTERS)} exporters").wait_for(timeout=30_000)
        page.get_by_role("status").filter(has_text="Live").wait_for()
        page.get_by_role("link", name="fra-border1").click()
        page.get_by_role("heading", name="Loss ledger").wait_for()
        page.reload()
        page.get_by_role("link", name="Explore its traffic").click()
        page.get_by_role("row").filter(has_text="https").wait_for()


def test_keyboard(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/")
        page.get_by_role("heading", name="Home").wait_for()
        page.keyboard.press("g")
        page.keyboard.press("e")
        page.wait_for_url("**/explore")
        drawn(page)
        page.keyboard.press("[")
        page.wait_for_url("**since=*")
        page.keyboard.press("?")
        page.get_by_role("dialog", name="Keyboard").wait_for()
        page.keyboard.press("Escape")
        page.keyboard.press("Control+k")
        page.get_by_role("combobox", name="Command").wait_for()
        page.keyboard.type("light")
        page.keyboard.press("Enter")
        page.locator("html[data-mantine-color-scheme=light]").wait_for(state="attached")


def test_tokens(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/settings/tokens")
        page.get_by_label("What it is for").fill("a test")
        page.get_by_role("button", name="Make a token").click()
        secret = page.locator("code").filter(has_text="weft_").inner_text()
        with_token = page.context.browser.new_context(
            base_url=server.url, extra_http_headers={"Authorization": f"Bearer {secret}"}
        )
        assert with_token.request.get("/api/v1/auth/me").json()["via"] == "token"
        page.get_by_label("Revoke a test").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        page.get_by_text("is revoked").wait_for()
        assert with_token.request.get("/api/v1/auth/me").status == 401
        with_token.close()


def test_logging_out_ends_it(browser: Any, server: Server) -> None:
    with page_of(browser, server) as page:
        page.goto("/sources")
        page.get_by_role("link", name="Flow exporters").wait_for()
        page.get_by_role("button", name="Account of admin").click()
        page.get_by_role("menuitem", name="Log out").click()
        page.get_by_role("button", name="Log in").wait_for()
        assert page.context.request.get("/api/v1/auth/me").status == 401
