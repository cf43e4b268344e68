"""A thread as it is read: flat, with depths, in pages (rules 19 to 24).

Find → load → arrange → present: `siblings` finds replies in their order, `thread_posts` loads them,
`known_thread` decides about each, `thread_order` arranges them, `item` presents them.
"""

from typing import NamedTuple

from msgspec.structs import replace

from schemas.ids import PostId, UserId
from services.readers.item import Item, ThreadItem, present_item
from services.readers.reader import Reader
from services.readers.siblings import Candidate, DirectReplies, Siblings
from services.readers.thread_order import ThreadOrder
from services.readers.thread_posts import BranchLoader, OpenedThread, open_thread
from services.readers.thread_shape import (
    MAX_DIRECT_REPLIES,
    ThreadBounds,
    ThreadPlace,
    ThreadShape,
)
from services.visibility.predicate import judge_on_page
from services.visibility.view import View

DEFAULT_SHAPE = ThreadShape()
DEFAULT_BOUNDS = ThreadBounds()


class ThreadPage(NamedTuple):
    """A page of a thread, and the place behind which the next one begins, if there may be one."""

    items: list[ThreadItem]
    next: ThreadPlace | None = None


class LoadedPage(NamedTuple):
    """The direct replies that were passed, in order, and whether there may be more behind them."""

    passed: list[Candidate]
    order: ThreadOrder
    behind: ThreadPlace | None


class Threads:
    """Reads threads."""

    def __init__(self, reader: Reader, bounds: ThreadBounds = DEFAULT_BOUNDS) -> None:
        self._reader = reader
        self._bounds = bounds

    async def page(
        self,
        post: PostId,
        viewer: UserId | None,
        shape: ThreadShape = DEFAULT_SHAPE,
        behind: ThreadPlace | None = None,
    ) -> ThreadPage | None:
        """Return a page of the thread of a post: direct replies with what is below them.

        The first page has ancestors from the root and the post before them. A repost leads to the
        thread of its original. None where there is no such post for this viewer: it is unknown,
        they may not see it, or it is deleted with no living reply below. Raises StoreUnavailable.
        """
        opened = await open_thread(self._reader, post, viewer, self._bounds)
        if opened is None or not _may_be_read(opened):
            return None
        loaded = await self._load(opened, shape, behind)
        asked, order = opened.thread.asked.post_id, loaded.order
        if behind is None and asked not in order.placed and loaded.behind is None:
            return None
        rows = [] if behind else [*order.above(opened.line), order.asked()]
        if not shape.depth:
            return ThreadPage(await self._present(rows, opened))
        given, more, _ = order.replies(asked, shape.limit)
        rows += [row for reply in given for row in order.branch(reply)]
        places = {each.post_id: each.place for each in loaded.passed}
        following = places[given[-1]] if more else loaded.behind
        return ThreadPage(await self._present(rows, opened), following)

    async def read(
        self, post: PostId, viewer: UserId | None, shape: ThreadShape = DEFAULT_SHAPE
    ) -> list[ThreadItem] | None:
        """Return all pages of a thread, the largest ones, as one. Raises StoreUnavailable."""
        shape = shape._replace(limit=MAX_DIRECT_REPLIES)
        page = await self.page(post, viewer, shape)
        if page is None:
            return None
        items = page.items
        while page is not None and page.next is not None:
            page = await self.page(post, viewer, shape, page.next)
            items += () if page is None else page.items
        return items

    async def _load(
        self, opened: OpenedThread, shape: ThreadShape, behind: ThreadPlace | None
    ) -> LoadedPage:
        """Load direct replies until there are enough that are shown, and what is below them."""
        conversations, thread, bounds = (
            self._reader.stores.conversations,
            opened.thread,
            self._bounds,
        )
        direct = DirectReplies(
            conversations, thread, shape, bounds, orphans=opened.orphans, behind=behind
        )
        siblings = Siblings(conversations, thread, shape, bounds)
        loader = BranchLoader(opened, siblings, shape, bounds)
        asked, ahead = thread.asked.post_id, 1 if behind else bounds.counted
        passed: list[Candidate] = []
        wanted, place = shape.limit + ahead, behind
        for _ in range(bounds.refills):
            some = await direct.take(wanted)
            fitting = some[: loader.left]
            await loader.load(each.post_id for each in fitting)
            standing = [
                each for each in fitting if each.post_id not in opened.line and direct.stands(each)
            ]
            replies = [each.post_id for each in standing]
            order = ThreadOrder(thread, loader.below, shape, bounds)
            most = shape.limit - len(order.replies(asked, shape.limit).given)
            kept = await loader.load_branches(replies, most, 0 if passed else 1)
            passed += standing[:kept]
            loader.below[asked] = [each.post_id for each in passed]
            order = ThreadOrder(thread, loader.below, shape, bounds)
            found = order.replies(asked, shape.limit)
            if kept < len(replies) or len(fitting) < len(some):
                place = (standing[:kept] or passed or fitting)[-1].place
                break
            place = None if direct.ended else some[-1].place
            if place is None or len(found.given) + found.more >= shape.limit + ahead:
                break
            wanted *= 2
        return LoadedPage(passed, order, place)

    async def _present(self, rows: list[ThreadItem], opened: OpenedThread) -> list[ThreadItem]:
        shown = [row.post_id for row in rows if row.placeholder is None]
        view = await self._reader.with_quotes(opened.thread.view, shown)
        return [
            row if row.placeholder is not None else replace(row, item=self._item(row.post_id, view))
            for row in rows
        ]

    def _item(self, post: PostId, view: View) -> Item:
        return present_item(view.known[post], view, self._reader.epoch, context="threads")


def _may_be_read(opened: OpenedThread) -> bool:
    """Whether the viewer has such a thread, as far as the post and what is above it say."""
    thread = opened.thread
    if thread.placeholder(thread.asked.post_id) in ("missing", "blocked"):
        return False
    if not thread.refused.isdisjoint(opened.line):
        return False
    return opened.repost is None or judge_on_page(opened.repost, thread.view).shown
