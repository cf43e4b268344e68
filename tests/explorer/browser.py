"""The browser that the tests of the explorer drive, and what they open in it."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from prometheus_client import CollectorRegistry

from services.metrics.metrics import Metrics
from streams.process.room import Room
from streams.process.serving import Address, serve_app
from tests.api.village import Village, api_on

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".tools" / "chromium"
AXE = ROOT / ".tools" / "axe" / "axe.min.js"
WAIT_MS = 30_000
"""For what a page shall show: more than it needs on a machine that is busy with other tests."""
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PHONE: Any = {"width": 375, "height": 720}
DESK: Any = {"width": 1100, "height": 760}
MISSING = (
    "no browser: `make tools` lays Debian's Chromium into .tools (needs apt-get and a mirror), "
    "or install the package chromium, or name a program in MINGLE_TEST_BROWSER"
)

expect.set_options(timeout=WAIT_MS)


def find_browser() -> Path | None:
    """Return the program: the one that is named, the one in .tools, or the system's."""
    if named := os.environ.get("MINGLE_TEST_BROWSER"):
        return Path(named)
    if (FOLDER / "complete").exists():
        return FOLDER / "usr" / "lib" / "chromium" / NAMES[0]
    return next((Path(found) for each in NAMES if (found := shutil.which(each))), None)


@asynccontextmanager
async def running_browser(program: Path) -> AsyncIterator[Browser]:
    """Run the browser with the libraries that were laid beside it."""
    libraries = [
        *FOLDER.glob("usr/lib/*-linux-gnu"),
        *FOLDER.glob("usr/lib/*-linux-gnu/pulseaudio"),
    ]
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries))}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, env=environment)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(browser: Browser, base: str, **options: Any) -> AsyncIterator["Visit"]:
    """Open a page of its own; AssertionError at the end for errors, and for other hosts."""
    context = await browser.new_context(**{"locale": "en-GB", "timezone_id": "UTC"} | options)
    context.set_default_timeout(WAIT_MS)
    visit = Visit(base, context, await context.new_page())
    try:
        yield visit
        visit.check()
    finally:
        await context.close()


class Visit:
    """A page of the explorer, with what it asked for and what went wrong."""

    def __init__(self, base: str, context: BrowserContext, page: Page) -> None:
        self.base = base
        self.page = page
        self.asked: list[str] = []
        self.errors: list[str] = []
        context.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self._note(line.type, line.text))

    async def go(self, place: str) -> None:
        """Open a view, such as `home?as=1`, from nothing."""
        await self.page.goto("about:blank")
        await self.page.goto(f"{self.base}/explore#/{place}")

    def check(self) -> None:
        """Raise AssertionError where scripts failed, or another host was asked for anything."""
        assert self.errors == []
        assert [url for url in self.asked if not url.startswith((f"{self.base}/", "about:"))] == []

    def _note(self, kind: str, text: str) -> None:
        """Keep errors, but those of answers: that an answer is no success is told on the page."""
        if kind == "error" and not text.startswith("Failed to load resource"):
            self.errors.append(text)


@asynccontextmanager
async def serving(village: Village, port: int = 0, **settings: Any) -> AsyncIterator[Address]:
    """Serve a village's API on the loopback, so that its streams look for news at once."""
    given = {"stream_probe_seconds": 0.05, "stream_look_seconds": 0.2} | settings
    room = Room(Metrics(CollectorRegistry()))
    async with serve_app(api_on(village.stores, **given), "127.0.0.1", port, room) as address:
        yield address
