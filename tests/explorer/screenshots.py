"""Makes the pictures of the explorer in docs/explorer: `make screenshots`."""

import asyncio
import sys
from typing import Any, Final

from playwright.async_api import Browser, expect

from streams.embedded.story import Story
from tests.explorer.browser import (
    MISSING,
    PHONE,
    ROOT,
    find_browser,
    opened,
    running_browser,
)
from tests.explorer.told import telling

FOLDER: Final = ROOT / "docs" / "explorer"
MAX_BYTES: Final = 150_000
VIEWPORT: Final[Any] = {"width": 860, "height": 640}


def places(village: Story) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return what is pictured: a view, and how it is looked at."""
    reader = village.reader
    return {
        "signal": (f"home?as={reader}&view=signal", {"viewport": VIEWPORT}),
        "thread": (
            f"thread/{village.root}?as={reader}",
            {"viewport": {**VIEWPORT, "height": 920}, "color_scheme": "dark"},
        ),
        "why-not": (f"why?as={reader}&post={village.hidden}", {"viewport": PHONE}),
    }


async def _picture(browser: Browser, api: str, name: str, place: str, look: Any) -> None:
    async with opened(browser, api, **look) as visit:
        await visit.go(place)
        await expect(visit.page.locator(":is(article, .verdict)").first).to_be_visible()
        picture = await visit.page.screenshot(animations="disabled")
    if len(picture) > MAX_BYTES:
        sys.exit(f"{name}: {len(picture)} bytes, over {MAX_BYTES}")
    (FOLDER / f"{name}.png").write_bytes(picture)


async def _main() -> None:
    program = find_browser()
    if program is None:
        sys.exit(MISSING)
    FOLDER.mkdir(exist_ok=True)
    async with running_browser(program) as browser, telling() as (api, teller, village):
        for scene in village.scenes:
            await teller.play(scene, village.reader)
        for name, (place, look) in places(village).items():
            await _picture(browser, api, name, place, look)


if __name__ == "__main__":
    asyncio.run(_main())
