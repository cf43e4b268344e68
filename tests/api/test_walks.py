"""Paging while others write misses and repeats nothing (rule 13)."""

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import PostId, UserId, post_id
from services.api.cursors import Cursors
from services.api.page_position import LATE_MS
from services.api.pages import Pager
from services.api.queries import PageQuery
from services.readers.item import Item
from services.readers.paging import Page, PageRequest, WalkResult, cut_page
from tests.api.village import ALICE, MINUTE, NOW

MINUTES = st.integers(0, 40)
"""Minutes ago: well over the time in which late entries are returned, and on its edge."""


WRITES = st.lists(st.tuples(MINUTES, st.booleans()))
"""Posts by their minute, to add or remove."""


class Writing:
    """A listing whose posts are added and removed while it is read."""

    def __init__(self, minutes: Sequence[int]) -> None:
        self.posts: set[PostId] = set()
        self.gone: set[PostId] = set()
        self.pager = Pager(Cursors(["a key"]), "home/1")
        for each in minutes:
            self.add(each)

    def add(self, minutes_ago: int, goes: bool = False) -> None:
        post = post_id(NOW - minutes_ago * MINUTE, 0)
        if goes:
            self.posts.discard(post)
            self.gone.add(post)
        else:
            self.posts.add(post)

    async def read(self, request: PageRequest) -> Page:
        span = request.span()
        inside = sorted(each for each in self.posts if span.above < each < span.below)
        order = inside[::-1] if span.newest_first else inside
        return cut_page(
            request, WalkResult([item(each) for each in order[: request.limit + 1]], None)
        )

    def page(self, **asked: Any) -> tuple[list[PostId], str | None, str | None]:
        """Read a page; return its ids and the cursors to either side."""
        listing = asyncio.run(self.pager.page(PageQuery(**asked), self.read, hydrate=False))
        return [PostId(int(str(each))) for each in listing.items], listing.next, listing.prev


def item(post: PostId) -> Item:
    return Item(post, UserId(ALICE), NOW, "", None, "public", None, post, None, edited=False)


@given(st.lists(MINUTES), st.lists(WRITES), st.integers(1, 5))
def test_walking_older_gives_what_was_there_throughout_once(
    before: list[int], during: list[list[tuple[int, bool]]], limit: int
) -> None:
    """It holds whatever is written between the pages."""
    listing = Writing(before)
    at_first = sorted(listing.posts, reverse=True)
    given_ids, cursor, _ = listing.page(limit=limit)
    writes = iter(during)
    while cursor is not None:
        for each in next(writes, ()):
            listing.add(*each)
        more, cursor, _ = listing.page(limit=limit, before=cursor)
        given_ids += more
    assert given_ids == sorted(set(given_ids), reverse=True)
    throughout = [each for each in at_first if each not in listing.gone]
    assert [each for each in given_ids if each in throughout] == throughout


@given(st.lists(MINUTES, min_size=1), st.lists(WRITES), st.integers(1, 5))
def test_polling_gives_late_entries_too_once(
    before: list[int], during: list[list[tuple[int, bool]]], limit: int
) -> None:
    """Late entries above the oldest one seen and at most LATE_MS below the newest appear once."""
    listing = Writing(before)
    given_ids, _, cursor = listing.page(limit=limit)
    oldest = given_ids[-1]
    for batch in [*during, []]:
        newest = max(given_ids)
        for each in batch:
            listing.add(*each)
        reach = max(oldest, newest - (LATE_MS << 22))
        owed = {each for each in listing.posts if each > reach} - set(given_ids)
        polled: list[PostId] = []
        more = [newest]
        while more:
            more, _, cursor = listing.page(limit=limit, after=cursor)
            polled += more
            assert len(polled) <= len(listing.posts), "the walk does not end"
        assert len(polled) == len(set(polled))
        assert not set(polled) & set(given_ids)
        assert owed <= set(polled)
        given_ids += polled


@given(st.lists(MINUTES, min_size=2, unique=True), st.integers(1, 5))
def test_a_gap_is_closed_page_by_page(minutes: list[int], limit: int) -> None:
    """Only entries that are new since the last poll are returned, each once."""
    listing = Writing(minutes[:1])
    seen, _, cursor = listing.page()
    for each in minutes[1:]:
        listing.add(each)
    newer = sorted((each for each in listing.posts if each > seen[0]), reverse=True)
    given_ids: list[PostId] = []
    before: str | None = None
    open_ = True
    while open_:
        asked = PageQuery(limit=limit, newer_than=cursor, before=before)
        listed = asyncio.run(listing.pager.page(asked, listing.read, hydrate=False))
        given_ids += [PostId(int(str(each))) for each in listed.items]
        assert len(given_ids) <= len(newer), "the walk does not end"
        open_ = listed.gap is not None
        if listed.gap is not None:
            places = (int(listed.gap.newest), int(listed.gap.oldest))
            assert places == (given_ids[-1], seen[0])
            before = listed.gap.cursor
    assert given_ids == newer
