"""Erases what an erased account left in the stores, page by page.

The fact of the erasure is recorded before, and writers obey it (`services.handlers.erased`), so
what is read here misses nothing. Every page may be done again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias

from schemas.ids import MAX_ID, UserId, Version
from services.erasures.store import ErasureProgress, StepPlace
from services.relations.mutation import RelationMutation, Subject, SubjectKind
from services.search.store import PostClaim
from services.span import Span
from services.stores import Stores

ROWS_AT_ONCE = 500
"""Posts, edges or other subjects in a page: a few requests, so that other work in the process waits
for none long."""


class _Page(NamedTuple):
    """How many rows a page had, and where its step goes on; None where it is done."""

    rows: int
    next: StepPlace | None


_Step: TypeAlias = Callable[[UserId, StepPlace | None], Awaitable[_Page]]


class Advance(NamedTuple):
    """The result of a page of an erasure: its rows, and how it goes on; None where it is done."""

    rows: int
    progress: ErasureProgress | None


async def erase_all(stores: Stores) -> None:
    """Erase every account on the list. For stores that nobody else works on.

    Raises StoreUnavailable.
    """
    eraser = Eraser(stores)
    while pending := await stores.erasures.pending(ROWS_AT_ONCE):
        for each in pending:
            await eraser.erase(each.erasure.user_id)
            await stores.erasures.finish(each.erasure)


class Eraser:
    """Erases accounts: posts' words, then edges to them, what they state, and the rest.

    Ids that keep threads together stay: posts without words, timelines and links that point to
    posts. Every method raises StoreUnavailable.
    """

    def __init__(self, stores: Stores, rows_at_once: int = ROWS_AT_ONCE) -> None:
        self._stores = stores
        self._rows = rows_at_once
        self._steps: Sequence[_Step] = (
            self._erase_posts,
            self._erase_followers,
            self._erase_subjects,
            self._erase_rest,
        )

    async def advance(self, user: UserId, progress: ErasureProgress) -> Advance:
        """Erase one page, and return how to go on."""
        rows, place = await self._steps[progress.step](user, progress.place)
        if place is not None:
            return Advance(rows, ErasureProgress(progress.step, place))
        is_last = progress.step + 1 == len(self._steps)
        return Advance(rows, None if is_last else ErasureProgress(progress.step + 1))

    async def erase(self, user: UserId) -> None:
        """Erase an account, all pages in a row."""
        progress: ErasureProgress | None = ErasureProgress()
        while progress is not None:
            _, progress = await self.advance(user, progress)

    async def _erase_posts(self, user: UserId, place: StepPlace | None) -> _Page:
        below = int(place[0]) if place else MAX_ID
        span = Span(below=below)
        found = await self._stores.author_timelines.author_pages([user], span, self._rows)
        claims = [PostClaim(post, user) for post in found.get(user, [])]
        if not claims:
            return _Page(0, None)
        await asyncio.gather(
            self._stores.posts.blank(claims),
            self._stores.tags.forget(claims),
            self._stores.words.forget(claims),
        )
        return _Page(len(claims), (claims[-1].post_id,))

    async def _erase_followers(self, user: UserId, place: StepPlace | None) -> _Page:
        """Erase edges from their followers' side; the list itself goes at the end."""
        after = None if place is None else [int(each) for each in place]
        found = await self._stores.graph.edges_to(user, after, self._rows)
        edges = [Subject(follower, SubjectKind.FOLLOW, user) for follower in found.followers]
        await self._stores.relations.erase([_removal(edge) for edge in edges])
        return _Page(len(edges), None if found.next is None else tuple(found.next))

    async def _erase_subjects(self, user: UserId, place: StepPlace | None) -> _Page:
        found = await self._stores.relations.subjects(user, place, self._rows)
        followees = [
            (user, UserId(each.other_id))
            for each in found.subjects
            if each.kind is SubjectKind.FOLLOW
        ]
        await asyncio.gather(
            self._stores.graph.erase_edges(followees),
            self._stores.relations.erase([_removal(each) for each in found.subjects]),
        )
        return _Page(len(found.subjects), None if found.next is None else tuple(found.next))

    async def _erase_rest(self, user: UserId, _place: StepPlace | None) -> _Page:
        await asyncio.gather(
            self._stores.graph.erase_author(user),
            self._stores.relations.erase_owner(user),
            self._stores.activity.erase(user),
        )
        return _Page(0, None)


def _removal(subject: Subject) -> RelationMutation:
    return RelationMutation(subject, Version(0), removed=True)
