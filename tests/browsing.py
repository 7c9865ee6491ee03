"""A headless browser for the tests of pages."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

# No service of the browser may reach for the network; root needs no sandbox of its own.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@cache
def chromium() -> Path:
    """Debian's Chromium, installed if that can be; without it the test is skipped, and fails where CI=true."""
    if shutil.which("chromium") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run("apt-get update -qq && apt-get install -y -qq chromium", shell=True, check=False)
    found = shutil.which("chromium")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("chromium is missing")
    if found is None:
        pytest.skip("chromium is missing and could not be installed")
    return Path(found)


# Where to keep pictures of what a person sees, for the README and for whoever wants to look.
PICTURES = os.environ.get("KVITOK_PICTURES")


async def picture(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a picture of *page*, if pictures are wanted: the *whole* of it or what the window shows."""
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/{name}.png", full_page=whole)


@asynccontextmanager
async def a_page(*, width: int = 1280, height: int = 860) -> AsyncIterator[Page]:
    """A page of a new browser; a mistake in one of its scripts fails the test."""
    mistakes: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        page = await browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        yield page
        await browser.close()
    assert mistakes == []
