"""A thread as it is read: flat, with depths (rules 19 to 22). Load → judge → arrange → present.

Each step is a module: `thread_posts`, `placeholders`, `thread_order`, `item`.
"""

import asyncio

from msgspec.structs import replace

from schemas.ids import PostId, UserId
from services.readers.item import ThreadItem, present_item
from services.readers.placeholders import ThreadPlaceholders, decide_placeholders
from services.readers.reader import Reader
from services.readers.thread_order import ThreadShape, arrange_thread
from services.readers.thread_posts import ThreadPosts, load_thread
from services.visibility.predicate import judge_on_page
from services.visibility.view import View

DEFAULT_SHAPE = ThreadShape()


class Threads:
    """Reads threads."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def read(
        self, post: PostId, viewer: UserId | None, shape: ThreadShape = DEFAULT_SHAPE
    ) -> list[ThreadItem] | None:
        """Return the thread of a post: ancestors from the root, the post, its descendants.

        A repost leads to the thread of its original. None where there is no such post for this
        viewer: it is unknown, they may not see it, or it is deleted with no living reply below.
        Raises StoreUnavailable.
        """
        thread = await load_thread(self._reader.stores, post, shape.depth)
        if thread is None:
            return None
        view, placeholders = await self._judge(thread, viewer)
        if thread.repost is not None and not judge_on_page(thread.repost, view).shown:
            return None
        places = arrange_thread(thread, view, placeholders, shape)
        view = await self._reader.with_quotes(
            view, [each.post_id for each in places if each.placeholder is None]
        )
        return [self._present(place, view) for place in places] or None

    async def _judge(
        self, thread: ThreadPosts, viewer: UserId | None
    ) -> tuple[View, ThreadPlaceholders]:
        view, blocked_pairs = await asyncio.gather(
            self._reader.view_loaded(viewer, thread.known, thread.known),
            self._reader.stores.relations.blocked_pairs(thread.author_pairs()),
        )
        return view, decide_placeholders(thread, view, blocked_pairs)

    def _present(self, place: ThreadItem, view: View) -> ThreadItem:
        if place.placeholder is not None:
            return place
        post = view.known[place.post_id]
        return replace(place, item=present_item(post, view, self._reader.epoch, context="threads"))
