"""What is built is held to the same table of cases as the model."""

import asyncio
from random import Random
from typing import Any

import pytest

from schemas.ids import ListId, PostId, UserId
from services.readers.author import AuthorPosts
from services.readers.catch_up import CatchUpReader
from services.readers.conversants import ConversantsReader
from services.readers.home import Explanation
from services.readers.home import Home as HomeTimeline
from services.readers.item import Item, ThreadItem
from services.readers.list import ListPosts
from services.readers.mentions import MentionsReader
from services.readers.paging import PageRequest
from services.readers.post import read_post
from services.readers.quotes import QuotesOfPosts
from services.readers.reader import Judgement, Reader
from services.readers.search import SearchPosts, search_criteria
from services.readers.signal import Signal
from services.readers.tag import TagFilter, TagPosts
from services.readers.unanswered import Unanswered
from services.visibility.rules import RULES
from tests.cases import CASES
from tests.cases.told import (
    NOW,
    Around,
    Case,
    CaughtUp,
    Entry,
    Explained,
    Found,
    Home,
    Listed,
    Mentioned,
    Ordered,
    Page,
    Post,
    Quoted,
    Quotes,
    Tagged,
    Talks,
    Thread,
    Waiting,
)
from tests.properties.world import World

ALL = PageRequest(limit=100)


def told(case: Case) -> Any:
    return pytest.param(case, id=f"{case.rule}: {case.claim}")


def ids(items: list[Item]) -> list[int]:
    return [item.post_id for item in items]


def entry(items: list[Item], post: int) -> Any:
    """What a case says of an item in home."""
    for item in items:
        if item.post_id == post and item.reason is not None:
            by = [] if item.repost is None else list(item.repost.by)
            return by, item.reason.kind, item.reason.by, item.warn
    return None


def row(item: ThreadItem) -> tuple[int, int, str | None, int]:
    return item.post_id, item.depth, item.placeholder, item.hidden


async def answer(world: World, case: Case) -> Any:  # noqa: PLR0911 - one for each question
    """The readers' answer in the case's words."""
    match case.ask:
        case Home(viewer):
            return ids((await world.home.page(UserId(viewer), ALL)).items)
        case Entry(viewer, post):
            return entry((await world.home.page(UserId(viewer), ALL)).items, post)
        case Explained(viewer, post):
            why = await world.home.explain(UserId(viewer), PostId(post))
            return why and (why.shown, why.rule)
        case Thread(viewer, post):
            rows = await world.threads.read(PostId(post), viewer and UserId(viewer))
            return rows and [row(each) for each in rows]
        case Post(viewer, post):
            item = await read_post(world.reader, PostId(post), viewer and UserId(viewer))
            return item and item.text
        case Page(viewer, author, replies):
            reader = viewer and UserId(viewer)
            page = AuthorPosts(world.reader).page(UserId(author), reader, ALL, replies)
            return ids((await page).items)
        case _:
            return await listing(world, case)


async def listing(world: World, case: Case) -> Any:
    """Of lists, tags, search and quotes."""
    match case.ask:
        case Listed(viewer, list_id):
            lists = ListPosts(world.reader, world.retention)
            found = await lists.page(ListId(list_id), UserId(viewer), ALL)
            return found and ids(found.items)
        case Tagged(viewer, any_of, all_of, none_of):
            tags = TagFilter.of(any_of, all_of, none_of)
            tagged = TagPosts(world.reader).page(tags, viewer and UserId(viewer), ALL)
            return ids((await tagged).items)
        case Found(viewer, text, by):
            what = search_criteria(text, **dict(by))
            search = SearchPosts(world.reader).page(what, viewer and UserId(viewer), ALL)
            return ids((await search).items)
        case Quotes(viewer, post):
            quotes = QuotesOfPosts(world.reader)
            listed = await quotes.page(PostId(post), viewer and UserId(viewer), ALL)
            return listed and ids(listed.items)
        case Quoted(viewer, post, in_home):
            return await quoted(world, viewer, PostId(post), in_home=in_home)
        case _:
            return await talk(world, case)


async def talk(world: World, case: Case) -> Any:
    """Of who is spoken to, takes part and talks with whom."""
    match case.ask:
        case Mentioned(viewer):
            items = (await world.mentions.page(UserId(viewer), ALL)).items
            return [(item.post_id, item.why) for item in items]
        case Waiting(viewer):
            return ids((await world.unanswered.page(UserId(viewer), ALL)).items)
        case Talks(viewer):
            talks, _ = await world.inbox.page(UserId(viewer), None, 100)
            return [(each.root_id, each.new, list(each.participants)) for each in talks]
        case _:
            return await ranked(world, case)


async def ranked(world: World, case: Case) -> Any:
    """Of what is ordered by a score."""
    match case.ask:
        case Ordered(viewer):
            page = await Signal(world.home).page(UserId(viewer), 100)
            return [each.item.post_id for each in page.items]
        case CaughtUp(viewer):
            reader = CatchUpReader(world.home, world.reader, world.retention)
            news = await reader.read(UserId(viewer))
            talks = [
                (line.root_id, ids(line.posts), list(line.participants))
                for line in news.conversations
            ]
            return talks, [(fold.author_id, fold.posts) for fold in news.broadcasts]
        case Around(viewer):
            around = await ConversantsReader(world.reader, world.retention).read(UserId(viewer))
            return [(*each[:3], list(each.in_common)) for each in around]


async def quoted(world: World, viewer: int | None, post: PostId, *, in_home: bool) -> Any:
    """What a case says of what a post quotes."""
    if in_home:
        items = (await world.home.page(UserId(viewer or 0), ALL)).items
    else:
        asked = await read_post(world.reader, post, viewer and UserId(viewer))
        items = [] if asked is None else [asked]
    quote = next(each for each in items if each.post_id == post).quote
    if quote is None:
        return None
    if quote.item is None:
        return None, quote.placeholder, False
    return quote.item.text, quote.placeholder, quote.item.quote is not None


async def world_of(case: Case, chance: Random) -> World:
    """A world to which the case's facts were told, in an order of chance."""
    world = World(case.retention)
    world.now = NOW
    await world.deliver(case.log, chance)
    return world


@pytest.mark.parametrize("case", [told(case) for case in CASES])
def test_the_readers_give_what_the_case_says(case: Case) -> None:
    """Its facts told in three orders."""

    async def holds(seed: int) -> None:
        world = await world_of(case, Random(seed))
        assert await answer(world, case) == case.answer

    for seed in range(3):
        asyncio.run(holds(seed))


def test_the_cases_give_every_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that the rules list, and no other: none is listed that nobody is ever told."""
    given: set[tuple[int, str]] = set()
    explain = HomeTimeline.explain

    def judging(judge: Any) -> Any:
        async def judged(reader: Any, *asked: Any, **beside: Any) -> Judgement:
            judgement: Judgement = await judge(reader, *asked, **beside)
            given.update((each.rule, each.reason) for each in judgement.verdicts.values())
            return judgement

        return judged

    async def explaining(home: HomeTimeline, *asked: Any) -> Explanation | None:
        why = await explain(home, *asked)
        given.update([] if why is None else [(why.rule, why.reason)])
        return why

    async def ask_all() -> None:
        for case in CASES:
            world = await world_of(case, Random(0))
            await answer(world, case)
            if isinstance(case.ask, Mentioned | Waiting):  # one judges what the other shows
                await world.unanswered.page(UserId(case.ask.viewer), ALL)

    for reader in (Reader, MentionsReader, Unanswered):
        monkeypatch.setattr(reader, "judge", judging(reader.judge))
    monkeypatch.setattr(HomeTimeline, "explain", explaining)
    asyncio.run(ask_all())
    assert given == {(number, each) for number, rule in RULES.items() for each in rule.reasons}
