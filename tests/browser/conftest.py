"""A real ``weft demo`` with two hours of history, and Chromium to look at it with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 150  # kernels may have to be compiled first
ARGUMENTS = [
    "--no-sandbox", "--headless", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass(frozen=True)
class Server:
    url: str
    password: str


def find_chromium() -> str | None:
    """What ``./dev`` found, else what is on the path."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if running := os.environ.get("WEFT_TEST_URL"):  # a demo that is up already, while working on the pages
        yield Server(running, os.environ["WEFT_TEST_PASSWORD"])
        return
    if not (ROOT / "src/weft/web/dist/index.html").exists():
        pytest.skip("the web UI is not built (./dev setup builds it)")
    home = tmp_path_factory.mktemp("weft")
    data = home / "data"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1", "WEFT_DATA_DIR": str(data), "WEFT_PORT": "0",
        "WEFT_COLLECT__LISTENERS": '[{"port": 0}, {"port": 0}, {"port": 0}]', "WEFT_DEMO__BACKFILL_HOURS": "2",
    }  # fmt: skip
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "weft", "demo"],
            cwd=home,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        try:
            yield Server(_address(process, home / "log"), (data / "initial-admin-password").read_text().split()[-1])
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    """Waits for the line that says where it is ready."""
    lines: list[str] = []
    assert process.stdout is not None
    reader = threading.Thread(
        target=lambda out: lines.extend(iter(out.readline, "")), args=(process.stdout,), daemon=True
    )
    reader.start()
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        for line in tuple(lines):
            if line.startswith("Weft is ready: "):
                return line.removeprefix("Weft is ready: ").strip()
        time.sleep(0.1)
    pytest.fail(f"weft demo did not become ready:\n{''.join(lines)}\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine (./dev test installs one where it can; or set CHROMIUM)")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()
