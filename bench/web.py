"""What the pages cost in a browser: bytes and seconds of a cold load, CPU of a live update.

    python -m bench.web URL PASSWORD [--runs N]

URL is a running ``weft demo`` and PASSWORD its admin's. Needs Chromium (``CHROMIUM``, or on the path). *Ready*
means that charts are drawn and tables have rows; CPU is that of the page's main thread. Medians of the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import time
from typing import Any

from playwright.sync_api import sync_playwright

ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking"]
#: What must be there for a page to be ready.
PAGES = {
    "home": ("/", "[role=img][data-ready] canvas", "ol a[href*=explore]"),
    "explorer": ("/explore", "[role=img][data-ready] canvas", "tbody tr:nth-child(3)"),
    "sankey": ("/explore?chart=sankey&by=src_as,dst_as", "[role=img][data-ready] canvas", "tbody tr:nth-child(3)"),
    "sources": ("/sources", "tbody tr:nth-child(3)", "ol li"),
}
LIVE = ("home", "sources")
LIVE_S = 12.0


def report(case: str, value: float, unit: str) -> None:
    """One line of JSON."""
    print(json.dumps({"bench": "web", "case": case, "value": round(value, 3), "unit": unit,
                      "peer": None, "peer_value": None, "ratio": None}))  # fmt: skip


def cpu_s(session: Any) -> float:
    """Seconds that the page's main thread has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


def load(browser: Any, url: str, password: str, name: str, live: bool) -> tuple[float, float, float | None]:
    """Seconds until ready, bytes transferred, and CPU milliseconds per live update where asked."""
    path, *needed = PAGES[name]
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=url)
    login = {"username": "admin", "password": password}
    answer = context.request.post("/api/v1/auth/login", data=login, headers={"Origin": url})
    if not answer.ok:
        raise SystemExit(f"cannot log in: {answer.text()}")
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    sizes: list[float] = []
    updates: list[object] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    session.on("Network.webSocketFrameReceived", lambda event: updates.append(event))  # noqa: PLW0108  # it sets attributes
    started = time.perf_counter()
    page.goto(path, wait_until="commit")
    for selector in needed:
        page.locator(selector).first.wait_for()
    ready = time.perf_counter() - started
    page.wait_for_timeout(1500)
    size, per_update = sum(sizes), None
    if live:
        updates.clear()
        before = cpu_s(session)
        page.wait_for_timeout(LIVE_S * 1000)
        per_update = (cpu_s(session) - before) * 1000 / max(1, len(updates))
    context.close()
    return ready, size, per_update


def main() -> None:
    """Measure every page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("password")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for name in PAGES:
            url = options.url.rstrip("/")
            runs = [load(browser, url, options.password, name, name in LIVE) for _ in range(options.runs)]
            report(f"{name}: ready, cold", statistics.median(run[0] for run in runs), "s")
            report(f"{name}: transferred, cold", max(run[1] for run in runs) / 1000, "kB")
            live = [run[2] for run in runs if run[2] is not None]
            if live:
                report(f"{name}: browser CPU per live update", statistics.median(live), "ms")
        browser.close()


if __name__ == "__main__":
    main()
