"""However a home is paged, it is the same walk; what comes and goes meanwhile does not bend it."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import cycle
from random import Random

import pytest
from hypothesis import strategies as st

from schemas.events import FollowCreated, PostCreated, PostDeleted, ReplyCreated
from schemas.ids import DAY_MS, PostId, UserId, post_id, post_time
from services.api.cursors import Cursors
from services.api.pages import Pager
from services.api.queries import PageQuery
from services.posts.post import Post
from services.readers import reader as reading
from services.readers.paging import Page, PageRequest
from tests.histories import NOW, PEOPLE, READER, RETENTION_DAYS, Fact, chances, histories, log
from tests.model import Model
from tests.properties.conftest import Prove
from tests.properties.world import World, batches

ALICE = 1
STRANGER = 1
limits = st.integers(1, 20)
kinds = st.lists(st.sampled_from(("shown", "reply", "reply", "deleted")), max_size=60)


class Reading:
    """Someone who reads a home timeline a page at a time; `meanwhile`, things happen."""

    def __init__(
        self, world: World, viewer: int, limit: int, meanwhile: Callable[[], Awaitable[None]]
    ) -> None:
        self._world = world
        self._viewer = UserId(viewer)
        self._limit = limit
        self._meanwhile = meanwhile
        self._pager = Pager(Cursors(["a key"]), f"home:{viewer}")
        self._prev: str | None = None
        self.last: list[int] = []

    async def older(self) -> list[int]:
        """All there is, from the newest on."""
        given, token = await self._page()
        while token is not None:
            ids, token = await self._page(before=token)
            given += ids
        return given

    async def newer(self) -> list[int]:
        """What follows above the last page, page by page."""
        given: list[int] = []
        while (asked := self._prev) is not None:
            ids, _ = await self._page(after=asked)
            given = ids + given
            if not ids and self._prev == asked:
                break
        return given

    async def _page(self, **tokens: str) -> tuple[list[int], str | None]:
        """The ids of a page, and the token to older ones."""
        await self._meanwhile()
        listing = await self._pager.page(
            PageQuery(limit=self._limit, **tokens), self._read, hydrate=False
        )
        ids = [int(str(each)) for each in listing.items]
        assert len(ids) <= self._limit
        self._prev = listing.prev or self._prev
        self.last = ids or self.last
        return ids, listing.next

    async def _read(self, request: PageRequest) -> Page:
        return await self._world.home.page(self._viewer, request)


async def nothing() -> None:
    """What mostly happens between two pages."""


def home(facts: Sequence[Fact], viewer: int, days: int = 0) -> list[int]:
    model = Model(log(facts), NOW, days * DAY_MS)
    return [item["post_id"] for item in model.home(viewer)]


def posts_of_alice(kinds: Sequence[str]) -> list[Fact]:
    """A post for each kind: shown, a reply to a stranger, or deleted; and one who follows her."""
    facts: list[Fact] = [FollowCreated(version=0, follower_id=READER, followee_id=ALICE)]
    for minute, kind in enumerate(kinds):
        post = post_id(NOW - (100 - minute) * 60_000, 0)
        version = post_time(post) * 1_000
        if kind == "reply":
            facts.append(
                ReplyCreated(version=version, post_id=post, author_id=ALICE, parent_id=STRANGER)
            )
        else:
            facts.append(PostCreated(version=version, post_id=post, author_id=ALICE))
        if kind == "deleted":
            facts.append(PostDeleted(version=version, post_id=post, author_id=ALICE))
    return facts


@pytest.mark.parametrize("refills", [1, reading.MAX_REFILLS])
def test_every_page_size_gives_the_same_walk(
    prove: Prove, refills: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Down with `next` and up again with `prev`, past hidden entries, within the bound or not."""
    monkeypatch.setattr(reading, "MAX_REFILLS", refills)

    async def holds(kinds: list[str], limit: int, chance: Random) -> None:
        facts = posts_of_alice(kinds)
        reader = Reading(await World(days=0).deliver(facts, chance), READER, limit, nothing)
        whole = home(facts, READER)
        assert await reader.older() == whole
        above = [each for each in whole if each > max(reader.last)] if whole else []
        assert await reader.newer() == above

    prove(holds, 60, kinds, limits, chances)


def test_the_newest_page_is_right_whatever_it_was_before(prove: Prove) -> None:
    """Asked for by one reader again and again, at any size, while more of it is hidden or less."""

    async def holds(kinds: list[str], sizes: list[int], chance: Random) -> None:
        facts = posts_of_alice(kinds)
        world = World(days=0)
        given: list[Fact] = []
        for batch, limit in zip(batches(facts, chance), cycle(sizes)):
            await world.deliver(batch, chance)
            given += batch
            whole = home(given, READER)
            for _ in range(2):
                page = await world.home.page(UserId(READER), PageRequest(limit))
                assert [each.post_id for each in page.items] == whole[:limit]
                assert (page.older is not None) == (len(whole) > limit)

    prove(holds, 60, kinds, st.lists(limits, min_size=1), chances)


async def test_a_reader_who_comes_again_has_fewer_posts_loaded() -> None:
    """As many as filled the page before, and some to spare."""
    loaded: list[int] = []
    world = await World(days=0).deliver(posts_of_alice(["shown"] * 60), Random(0))
    load = world.reader.stores.posts.load

    async def noted(posts: Collection[PostId]) -> dict[PostId, Post]:
        loaded.append(len(posts))
        return await load(posts)

    world.reader.stores.posts.load = noted  # type: ignore[method-assign]
    for _ in range(2):
        await world.home.page(UserId(READER), PageRequest(20))
    assert loaded == [41, 23]


def test_what_was_there_throughout_is_given_once(prove: Prove) -> None:
    """Whatever else is posted, edited, deleted, followed or unfollowed between the pages."""

    async def holds(
        first: list[Fact], then: list[Fact], viewer: int, limit: int, chance: Random
    ) -> None:
        world = await World().deliver(first, chance)
        facts, late = list(first), batches(then, chance)
        seen: list[set[int]] = []

        async def meanwhile() -> None:
            if late:
                facts.extend(late[0])
                await world.deliver(late.pop(0), chance)
            seen.append(set(home(facts, viewer, RETENTION_DAYS)))

        reader = Reading(world, viewer, limit, meanwhile)
        given = await reader.older()
        assert given == sorted(set(given), reverse=True)
        assert set.intersection(*seen) <= set(given)
        newest = max(reader.last, default=0)
        again = await reader.newer()
        throughout = {each for each in set.intersection(*seen) if each > newest}
        assert len(again) == len(set(again))
        assert throughout <= set(again)

    viewers = st.sampled_from((*PEOPLE, READER))
    prove(holds, 60, histories(), histories(), viewers, st.integers(1, 3), chances)
