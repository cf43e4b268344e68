"""The demo's story, by clicks: what it shows in a terminal is found in the browser, too."""

from playwright.async_api import Browser, Locator, Page, expect

from tests.explorer.browser import opened
from tests.explorer.told import telling

LOAF = "Would you keep a loaf for me?"
MARKET = "Market is on Saturday, not Friday."
KIND = "He was up all night, frank. Be kind."


def place(page: Page, name: str) -> Locator:
    """The link to a view."""
    return page.get_by_role("navigation", name="Views").get_by_role("link", name=name, exact=True)


async def test_the_story_is_seen_by_clicks(browser: Browser) -> None:
    """It arrives while alice looks on; then each view shows its part, and why.

    What is hidden from her home is in the thread, where a deleted post keeps its place.
    """
    async with telling() as (api, teller, village), opened(browser, api) as visit:
        page = visit.page
        await page.goto(f"{api}/explore")
        await page.get_by_label("Reading as user").fill("1")
        await page.get_by_role("button", name="Go").click()
        await expect(page.get_by_text("Nothing here yet")).to_be_visible()
        for scene in village.scenes:
            await teller.play(scene, village.reader)
        await teller.wait_for_end(village)
        lines = page.get_by_role("list", name="Home, newest first").get_by_role("article")
        await expect(lines).to_have_count(len(village.home))
        await expect(lines.first).to_contain_text(LOAF)
        await expect(lines.last).to_contain_text(MARKET)
        await expect(lines.last).to_contain_text("edited")
        await expect(page.get_by_text("HEAR YE")).to_have_count(0)

        await _signal(page)
        await _listings(page)
        await _thread(page)
        await _why_not(page, village.hidden)


async def _signal(page: Page) -> None:
    await page.get_by_role("link", name="By signal").click()
    first = page.get_by_role("list", name="Home by signal").get_by_role("article").first
    await expect(first).to_contain_text(LOAF)
    await expect(first).to_contain_text("it answers you")


async def _listings(page: Page) -> None:
    await place(page, "Unanswered").click()
    await expect(page.get_by_role("article")).to_have_count(1)
    await expect(page.get_by_role("article")).to_contain_text("answers the viewer")
    await place(page, "Catch up").click()
    await page.get_by_role("link", name="A day").click()
    await expect(page.get_by_role("article").first).to_contain_text(LOAF)
    await expect(page.get_by_text("1 post to nobody in particular")).to_be_visible()
    await place(page, "Search").click()
    await page.get_by_label("Words").fill("keeper midnight")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_role("article")).to_contain_text("Its lamp was lit at midnight.")


async def _thread(page: Page) -> None:
    await page.get_by_role("link", name="Thread").click()
    await page.get_by_role("link", name="a post").first.click()
    await expect(page.locator(".current")).to_contain_text("The ferry is late again.")
    branch = page.locator(".tree > li", has=page.get_by_text("This post was deleted.")).last
    await expect(branch.get_by_role("article")).to_contain_text(KIND)
    bell = page.locator(".tree > li", has=page.get_by_text("Then who rang the bell?")).last
    await expect(bell.locator(".tree")).to_contain_text("That was me. The rope slipped.")


async def _why_not(page: Page, hidden: int) -> None:
    await place(page, "Why not?").click()
    await page.get_by_label("Post", exact=True).fill(str(hidden))
    await page.get_by_role("button", name="Explain").click()
    await expect(page.get_by_text("Not in this home")).to_be_visible()
    await expect(page.get_by_text("rule 3")).to_be_visible()
    await place(page, "Home").click()
    shown = page.get_by_role("article").first
    await shown.get_by_text("Why?").click()
    await expect(shown.get_by_text("In this home")).to_be_visible()
    await expect(shown).to_contain_text("a reply as the reply rule of the follow edge says")
