"""Prints the path of the Chromium that Playwright has installed; exit status 1 where there is none."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Look where Playwright puts its browsers."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return 1
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    if not path.exists():
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
