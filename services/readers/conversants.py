"""Conversants: whom a viewer talks with, and whom they might follow (rule 30).

Nothing is stored for it. The viewer's own posts and what speaks to them say whom they talk with,
what these wrote says whom else they talk with.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np

from schemas.ids import MAX_ID, PostId, UserId, first_post_id, post_time
from services.posts.ancestry import load_above
from services.posts.post import Post
from services.ranking.conversants import REACH_MS, decay
from services.ranking.window import Floats
from services.readers.acquaintances import (
    Circle,
    Conversant,
    draw_circle,
    is_seen,
    may_be_seen,
    name_partners,
    name_strangers,
    strangers_of,
)
from services.readers.audiences import posts_of_each
from services.readers.reader import Reader
from services.retention import Retention
from services.span import Span
from services.visibility.view import View

MAX_NEAR: Final = 500
"""The viewer's own posts, and as many that may speak to them, that are looked at: the newest. They
and what is above them are most of what is loaded."""
MAX_PARTNERS: Final = 25
"""People whom the viewer talks with who are named, and whose posts are looked at."""
MAX_OF_PARTNER: Final = 40
"""Posts of each of these, the newest: all of them as many as the posts near the viewer."""
MAX_STRANGERS: Final = 200
"""People to follow whose activity is looked at: one store request."""
MAX_SUGGESTED: Final = 25
MAX_COUNTED: Final = 50
"""Posts of each of these that count as activity, by their ids alone."""


class ConversantsReader:
    """Reads conversants, 50 at most."""

    def __init__(self, reader: Reader, retention: Retention) -> None:
        self._reader = reader
        self._retention = retention

    async def read(self, viewer: UserId) -> list[Conversant]:
        """Return whom the viewer talks with, then whom to follow. Raises StoreUnavailable.

        Twelve store requests where no root has a reply gate.
        """
        moment, epoch = self._reader.clock(), self._reader.epoch
        since = first_post_id(moment - REACH_MS, epoch) - 1
        span = Span(max(self._retention.floor(moment), since), MAX_ID)
        known: dict[PostId, Post] = {}
        near = await self._load_near(viewer, span, known)
        view = await self._view_of_people(viewer, known)
        likely = draw_circle(viewer, near, view, epoch, may_be_seen).partners[:MAX_PARTNERS]
        theirs = await self._find_posts_of(likely, view, viewer, span)
        await load_above(self._reader.stores.posts, known, theirs)
        posts = near + theirs
        asked = {*posts, *(known[each].parent_id for each in posts if each in known)}
        view = await self._reader.view_loaded(
            viewer, known, [each for each in asked if each is not None]
        )
        circle = draw_circle(viewer, posts, view, epoch, is_seen)
        suggested = await self._suggest(circle, view, viewer, span, moment)
        return [*name_partners(circle, MAX_PARTNERS), *suggested]

    async def _load_near(
        self, viewer: UserId, span: Span, known: dict[PostId, Post]
    ) -> list[PostId]:
        """Load what the viewer wrote and what may speak to them."""
        stores = self._reader.stores
        own, spoken = await asyncio.gather(
            stores.author_timelines.author_pages([viewer], span, MAX_NEAR),
            stores.mentions.page(viewer, span, MAX_NEAR),
        )
        near = [*own.get(viewer, ()), *spoken]
        await load_above(stores.posts, known, near)
        return near

    async def _view_of_people(self, viewer: UserId, known: dict[PostId, Post]) -> View:
        """Return what says whom to look at; who is suspended, and gates, are asked for later."""
        people = {post.author_id for post in known.values()}
        people.update(UserId(each) for post in known.values() for each in post.mentions)
        relations = await self._reader.stores.relations.about(viewer, people)
        return View(viewer, known, relations, now=self._reader.clock() * 1_000)

    async def _find_posts_of(
        self, partners: Sequence[UserId], view: View, viewer: UserId, span: Span
    ) -> list[PostId]:
        followed = [each for each in partners if view.follows(each)]
        pages = await posts_of_each(
            self._reader, partners, followed, viewer, span, limit=MAX_OF_PARTNER
        )
        return [post for page in pages.values() for post in page]

    async def _suggest(
        self, circle: Circle, view: View, viewer: UserId, span: Span, moment: int
    ) -> list[Conversant]:
        people = strangers_of(circle, view, MAX_STRANGERS)
        activity = await self._activity(people, viewer, span, moment)
        return name_strangers(circle, people, activity)[:MAX_SUGGESTED]

    async def _activity(
        self, people: Collection[UserId], viewer: UserId, span: Span, moment: int
    ) -> Floats:
        """Return how much each of them writes that is open to the viewer."""
        pages = await posts_of_each(self._reader, people, (), viewer, span, limit=MAX_COUNTED)
        epoch = self._reader.epoch
        times = [[post_time(post, epoch) for post in pages.get(each, ())] for each in people]
        return np.array([decay(np.array(some, np.int64), moment).sum() for some in times])
