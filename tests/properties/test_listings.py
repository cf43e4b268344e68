"""Lists, tag timelines and search show what the model says, whatever is asked and in any order."""

from random import Random
from typing import Any

from hypothesis import strategies as st

from schemas.ids import DAY_MS, ListId, PostId, UserId
from services.readers.list import ListPosts
from services.readers.paging import Page, PageRequest
from services.readers.quotes import QuotesOfPosts
from services.readers.search import SearchPosts, search_criteria
from services.readers.tag import TagFilter, TagPosts
from tests.histories import NOW, PEOPLE, POSTS, READER, RETENTION_DAYS, Fact, chances, log
from tests.model import Model
from tests.properties.conftest import Prove
from tests.properties.world import World
from tests.relation_histories import LISTS, TAGS, TEXTS, whole_histories
from tests.shown import shown

ALL = PageRequest(limit=100)
viewers = st.sampled_from((*PEOPLE, READER, None))
SOME_TAGS = (*TAGS, "c", "rye")
filters = st.fixed_dictionaries(
    {},
    optional={
        "author": st.sampled_from(PEOPLE),
        "tag": st.sampled_from(TAGS),
        "since": st.sampled_from(POSTS),
        "until": st.sampled_from(POSTS),
        "conversation": st.sampled_from(POSTS),
    },
)
questions = st.tuples(st.sampled_from(("", "", *TEXTS)), filters)


def items(page: Page) -> list[dict[str, Any]]:
    return [shown(item) for item in page.items]


def model(facts: list[Fact]) -> Model:
    return Model(log(facts), NOW, RETENTION_DAYS * DAY_MS)


def test_lists_show_what_their_members_wrote(prove: Prove) -> None:
    """To their owners, whatever the reply rule; to others they do not exist."""

    async def holds(facts: list[Fact], chance: Random) -> None:
        world, expected = await World().deliver(facts, chance), model(facts)
        lists = ListPosts(world.reader, world.retention)
        for viewer in (*PEOPLE, READER):
            for each in LISTS:
                page = await lists.page(ListId(each), UserId(viewer), ALL)
                found = None if page is None else items(page)
                assert found == expected.list_timeline(viewer, each), (viewer, each)

    prove(holds, 60, whole_histories(), chances)


def test_tag_timelines_show_public_posts(prove: Prove) -> None:
    """With any, all and none of some tags."""

    async def holds(facts: list[Fact], chance: Random, viewer: int | None) -> None:
        world, expected = await World().deliver(facts, chance), model(facts)
        for _ in range(6):
            each = [chance.sample(SOME_TAGS, chance.randint(least, 2)) for least in (1, 0, 0)]
            reader = None if viewer is None else UserId(viewer)
            page = await TagPosts(world.reader).page(TagFilter.of(*each), reader, ALL)
            assert items(page) == expected.tag_timeline(viewer, *each), each

    prove(holds, 60, whole_histories(), chances, viewers)


def test_home_counts_what_is_newer_than_the_mark(prove: Prove) -> None:
    """Whatever the page's size, and it opens around the mark, half of the page newer."""

    async def holds(facts: list[Fact], chance: Random, limit: int) -> None:
        world, expected = await World().deliver(facts, chance), model(facts)
        for viewer in (*PEOPLE, READER):
            places = [item["post_id"] for item in expected.home(viewer)]
            mark = expected.read.get((viewer, "home"))
            page = await world.home.marked_page(UserId(viewer), PageRequest(limit))
            newer = [each for each in places if mark is not None and each > mark]
            assert [item.post_id for item in page.items] == places[:limit]
            assert (page.mark, page.unread) == (mark, None if mark is None else len(newer))
            around = await world.home.page_around_mark(UserId(viewer), limit)
            half = newer[len(newer) - min(limit // 2, len(newer)) :]
            rest = places[len(newer) :][: limit - len(half)]
            assert [item.post_id for item in around.items] == [*half, *rest]
            assert (around.mark, around.unread) == (page.mark, page.unread)

    prove(holds, 60, whole_histories(), chances, st.integers(1, 5))


def test_quotes_of_a_post_are_listed(prove: Prove) -> None:
    """As far as the viewer may read them, and the post itself."""

    async def holds(facts: list[Fact], chance: Random, viewer: int | None) -> None:
        world, expected = await World().deliver(facts, chance), model(facts)
        reader = None if viewer is None else UserId(viewer)
        for post in POSTS:
            page = await QuotesOfPosts(world.reader).page(PostId(post), reader, ALL)
            found = None if page is None else items(page)
            assert found == expected.quotes(viewer, post), post

    prove(holds, 60, whole_histories(), chances, viewers)


def test_search_finds_public_posts(prove: Prove) -> None:
    """By any of what may be asked, alone and together."""

    async def holds(
        facts: list[Fact],
        chance: Random,
        asked: list[tuple[str, dict[str, Any]]],
        viewer: int | None,
    ) -> None:
        world, expected = await World().deliver(facts, chance), model(facts)
        for text, by in asked:
            reader = None if viewer is None else UserId(viewer)
            page = await SearchPosts(world.reader).page(search_criteria(text, **by), reader, ALL)
            assert items(page) == expected.search(viewer, text, **by), (text, by)

    prove(
        holds,
        100,
        whole_histories(),
        chances,
        st.lists(questions, min_size=6, max_size=8),
        viewers,
    )


def test_search_is_paged_as_it_is_whole(prove: Prove) -> None:
    """From either end, by any size of page."""

    async def holds(
        facts: list[Fact], chance: Random, asked: tuple[str, dict[str, Any]], limit: int
    ) -> None:
        world, (text, by) = await World().deliver(facts, chance), asked
        whole = [item["post_id"] for item in model(facts).search(None, text, **by)]
        search, what = SearchPosts(world.reader), search_criteria(text, **by)
        found: list[int] = []
        place: PostId | None = None
        while not found or place is not None:
            page = await search.page(what, None, PageRequest(limit, before=place))
            found += [item.post_id for item in page.items]
            place = page.older
            if place is None:
                break
        assert found == whole
        newer: list[int] = []
        after = PostId(1)
        while page.items or after == 1:
            page = await search.page(what, None, PageRequest(limit, after=after))
            newer = [*(item.post_id for item in page.items), *newer]
            after = page.newer or after
            if not page.items:
                break
        assert newer == whole

    prove(holds, 60, whole_histories(), chances, questions, st.integers(1, 3))
