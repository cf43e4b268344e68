"""What the explorer does in a browser when things are cut off, hostile, long or missing."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Request, expect

from schemas import relations
from streams.process.serving import Address
from tests.api.issuer import SECRET, token
from tests.api.village import ALICE, BOB, CAROL, NOW, Village
from tests.explorer.browser import AXE, DESK, PHONE, opened, serving

MARKUP = (
    "<img src=x onerror='window.hit=1'><script>window.hit=1</script>"
    "<a href='javascript:window.hit=1'>x</a> &amp; <b>bold</b> http://elsewhere.example/a.png"
)


class Relay:
    """Passes connections on to an address, until they are cut off."""

    def __init__(self, to: Address) -> None:
        self._to = to
        self._open: set[asyncio.StreamWriter] = set()
        self._whole = True

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1", 0)

    def cut(self) -> None:
        """Reset every connection, and accept none until `mend`."""
        self._whole = False
        for each in list(self._open):
            each.transport.abort()

    def mend(self) -> None:
        self._whole = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        finally:
            self._open -= {writer, far_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # the other end was cut
        writer.close()


def streams(into: list[str | None]) -> Callable[[Request], None]:
    """Return a listener that keeps where each request for a stream asks to resume."""

    def note(request: Request) -> None:
        if request.url.partition("?")[0].endswith("/home/stream"):
            into.append(request.headers.get("last-event-id"))

    return note


async def test_a_stream_that_is_cut_resumes(browser: Browser, village: Village) -> None:
    """It says so, goes on behind the last event, and shows what came meanwhile once.

    What stood there is not drawn anew: an explanation that was open stays open.
    """
    await village.follows(ALICE, BOB)
    await village.post(BOB, 2, text="before the cut")
    asked: list[str | None] = []
    async with serving(village) as behind:
        relay = Relay(behind)
        async with await relay.serve() as server:
            base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with opened(browser, base) as visit:
                page = visit.page
                page.on("request", streams(asked))
                await visit.go("home?as=1")
                await page.get_by_text("Why?").click()
                await expect(page.get_by_text("In this home")).to_be_visible()
                relay.cut()
                await expect(page.get_by_text("Cut off; connecting again")).to_be_visible()
                await village.post(BOB, 1, text="during the cut")
                relay.mend()
                await expect(page.get_by_text("Live", exact=True)).to_be_visible()
                await expect(page.get_by_text("during the cut", exact=True)).to_be_visible()
                await expect(page.get_by_role("article")).to_have_count(2)
                await expect(page.get_by_text("In this home")).to_be_visible()
            relay.cut()
    assert asked[0] is None
    assert len(asked) > 1
    assert None not in asked[1:]


async def test_a_home_changes_while_one_looks(browser: Browser, village: Village) -> None:
    """New posts on top, edits in place, and what is deleted goes."""
    await village.follows(ALICE, BOB)
    first = await village.post(BOB, 3, text="first")
    async with serving(village) as api, opened(browser, str(api)) as visit:
        await visit.go("home?as=1")
        lines = visit.page.locator("ol:not(.past) article")
        await expect(lines).to_have_count(1)
        second = await village.post(BOB, 2, text="second")
        await expect(lines.first).to_contain_text("second")
        await expect(visit.page.locator("#said")).to_have_text("New: user 2: second")
        await village.edit(BOB, first, text="first, corrected")
        await expect(lines.last).to_contain_text("first, corrected")
        await village.delete(BOB, second)
        await expect(lines).to_have_count(1)


async def test_older_posts_are_asked_for(browser: Browser, village: Village) -> None:
    """Behind the live ones, page by page to the end; one that is pushed out keeps its place."""
    await village.follows(ALICE, BOB)
    for minutes in range(70, 0, -1):
        await village.post(BOB, minutes, text=f"post {minutes}")
    async with serving(village) as api, opened(browser, str(api)) as visit:
        page = visit.page
        await visit.go("home?as=1")
        for _ in range(2):
            await page.get_by_role("button", name="Older").click()
            await expect(page.get_by_text("Loading")).to_have_count(0)
        await expect(page.get_by_role("article")).to_have_count(70)
        await village.post(BOB, 0.5, text="post 0")
        await expect(page.get_by_text("post 0", exact=True)).to_be_visible()
        texts = await page.locator("article .text").all_inner_texts()
    assert texts == [f"post {minutes}" for minutes in range(71)]


async def test_text_is_never_markup(browser: Browser, village: Village) -> None:
    """In posts, quotes, threads, search, tags and mutes; the policy would stop it, too."""
    await village.follows(ALICE, BOB)
    mute = {"version": NOW * 1_000, "owner_id": ALICE, "keyword_id": 1}
    phrase = "<b>bold</b>"
    post = await village.post(BOB, 3, text=MARKUP, tags=["<i>"])
    await village.post(BOB, 2, text="see", quote_of=post)
    await village.reply(CAROL, post, 1, text=MARKUP)
    places = ["home?as=1", "home?as=1&view=signal", f"thread/{post}?as=1", "search?q=bold",
              "author/2?as=1", "tag/%3Cimg%20src%3Dx%3E", "catch-up?as=1", "%3Cimg%20src%3Dx%3E",
              "why?as=1&post=%3Cimg%20src%3Dx%3E", "people?as=1&kind=keyword_mutes"]  # fmt: skip
    async with serving(village) as api, opened(browser, str(api)) as visit:
        await visit.go(places[0])
        await expect(visit.page.get_by_text(MARKUP, exact=True).first).to_be_visible()
        await village.says(
            relations.KeywordMuteCreated(
                **mute, phrase=phrase, whole_word=False, contexts=[], action="warn"
            )
        )
        for each in places:
            await visit.go(each)
            await visit.page.locator(
                "#content :is(article, .nothing, .failure, li)"
            ).first.wait_for()
            assert await visit.page.locator("#content :is(img, script, b, i, iframe)").count() == 0
            assert await visit.page.evaluate("window.hit") is None
            links = await visit.page.locator("a").evaluate_all("all => all.map(a => a.href)")
            assert [to for to in links if not to.startswith(f"{api}/explore#")] == []


async def test_a_cut_in_a_thread_opens(browser: Browser, village: Village) -> None:
    """All replies are found by clicks, below the post that they answer, none of them twice."""
    await village.follows(ALICE, BOB)
    root = await village.post(BOB, 300, text="root")
    for number in range(45):
        await village.reply(CAROL, root, 200 - number, text=f"answer {number}", root_id=root)
    deep = root
    for number in range(20):
        deep = await village.reply(BOB, deep, 100 - number, text=f"deep {number}", root_id=root)
    async with serving(village) as api, opened(browser, str(api)) as visit:
        page = visit.page
        await visit.go(f"thread/{root}?as=1")
        await page.locator(".current").wait_for()
        buttons = page.get_by_role("button", name="more repl", exact=False)
        for _ in range(60):
            if not await buttons.count():
                break
            before = await buttons.first.element_handle()
            assert before is not None
            await before.click()
            await before.wait_for_element_state("hidden")
            await expect(page.get_by_text("Loading")).to_have_count(0)
        texts = await page.locator("article .text").all_inner_texts()
        last = page.locator("li", has=page.get_by_text("deep 18", exact=True)).last
        await expect(last).to_contain_text("deep 19")
    wanted = [f"answer {each}" for each in range(45)] + [f"deep {each}" for each in range(20)]
    assert sorted(texts) == sorted(["root", *wanted])


async def test_what_goes_wrong_is_told(browser: Browser, village: Village) -> None:
    """A post that is not there, a parameter that is wrong, an API that is gone: then try again."""
    async with serving(village) as api, opened(browser, str(api)) as visit:
        page = visit.page
        await visit.go("thread/9?as=1")
        await expect(page.get_by_role("alert")).to_contain_text("hidden from this viewer")
        await visit.go("search?author=nobody")
        await expect(page.get_by_role("alert")).to_contain_text("author: not a decimal id")
        await visit.go("gossip")
        await expect(page.get_by_text("No such view")).to_be_visible()
        await visit.go("mentions")
        await expect(page.get_by_text("Who reads?")).to_be_visible()
        await page.route("**/mentions*", lambda route: route.abort())
        await visit.go("mentions?as=1")
        await expect(page.get_by_role("alert")).to_contain_text("No API answers.")
        await page.unroute("**/mentions*")
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_text("Nobody has spoken to this user.")).to_be_visible()


async def test_a_token_opens_what_wants_one(browser: Browser, village: Village) -> None:
    """It is asked for, sent with every request, and kept nowhere."""
    await village.follows(ALICE, BOB)
    await village.post(BOB, 1, text="for those with a token")
    async with (
        serving(village, auth_secret=SECRET) as api,
        opened(browser, str(api)) as visit,
    ):
        page = visit.page
        await visit.go("home?as=1")
        await expect(page.get_by_role("alert")).to_contain_text("wants a token")
        await page.get_by_text("Token", exact=True).click()
        await page.get_by_label("Bearer token").fill(token(ALICE))
        await page.get_by_role("button", name="Use it").click()
        await expect(page.get_by_text("for those with a token")).to_be_visible()
        kept = "[localStorage.length, sessionStorage.length, document.cookie]"
        assert await page.evaluate(kept) == [0, 0, ""]


async def test_it_is_used_by_keys(browser: Browser, village: Village) -> None:
    """The first key leads past the header; a link takes the focus to what it opened."""
    await village.follows(ALICE, BOB)
    await village.post(BOB, 1, text="hello")
    async with serving(village) as api, opened(browser, str(api)) as visit:
        page = visit.page
        await visit.go("home?as=1")
        await page.get_by_role("article").wait_for()
        await page.keyboard.press("Tab")
        await expect(page.get_by_text("Skip to the content")).to_be_focused()
        await page.get_by_role("link", name="Thread").focus()
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        await page.keyboard.press("Shift+Tab")
        assert await page.evaluate(outline) == "solid"
        await page.get_by_role("link", name="Thread").press("Enter")
        await expect(page.locator(".current")).to_be_visible()
        await expect(page.locator("main")).to_be_focused()
        await expect(page).to_have_title("Thread · Mingle explorer")


@pytest.mark.parametrize(("scheme", "viewport"), [("light", PHONE), ("dark", DESK)])
async def test_axe_finds_nothing(
    browser: Browser, village: Village, scheme: str, viewport: Any
) -> None:
    """No violation in any view, light or dark; on a phone nothing reaches beyond the edge."""
    if not AXE.exists():
        pytest.skip("no axe-core: `make tools` lays it into .tools (needs npm and its registry)")
    await village.follows(ALICE, BOB)
    root = await village.post(BOB, 5, text="root")
    gone = await village.reply(CAROL, root, 4, text="gone")
    await village.reply(ALICE, gone, 3, text="below")
    await village.delete(CAROL, gone)
    await village.post(
        BOB, 2, text="a quote", quote_of=root, mentions=[ALICE], visibility="followers"
    )
    await village.lists(ALICE, 7, BOB)
    places = ["", "home?as=1", "home?as=1&view=signal", f"thread/{root}?as=1", "catch-up?as=1",
              "mentions?as=1", "unanswered?as=1", "people?as=1", "people?as=1&kind=lists", "search",
              "search?q=root", "author/2?as=1", "list/7?as=1", "tag/none", "thread/9", "gossip",
              f"why?as=1&post={root}"]  # fmt: skip
    source = AXE.read_text()
    async with (
        serving(village) as api,
        opened(
            browser, str(api), viewport=viewport, color_scheme=scheme, reduced_motion="reduce"
        ) as visit,
    ):
        for each in places:
            await visit.go(each)
            await expect(visit.page.get_by_text("Loading")).to_have_count(0)
            await expect(visit.page.get_by_text("Asking")).to_have_count(0)
            await visit.page.evaluate(source)
            found = await visit.page.evaluate("axe.run()")
            assert found["passes"], each
            assert [
                (each, one["id"], node["target"], node["failureSummary"])
                for one in found["violations"]
                for node in one["nodes"]
            ] == []
            wide = "document.documentElement.scrollWidth - innerWidth"
            assert await visit.page.evaluate(wide) <= 0, each
