"""A list's timeline: its members' posts and reposts, pulled when its owner reads it."""

from schemas.ids import ListId, UserId
from services.posts.post import Post
from services.readers.audiences import posts_of_authors
from services.readers.paging import Page, PageRequest, cut_page
from services.readers.reader import Reader
from services.readers.repost_windows import repost_finder
from services.retention import Retention
from services.visibility.predicate import Verdict, judge_in_list
from services.visibility.view import View

MAX_MEMBERS = 5_000
"""Members that a page is made of: five requests of a thousand each. A larger list is read as far
as its first ones in `relations.lists.member_order`; it is a case for a home timeline."""
MEMBERS_AT_ONCE = 1_000
MAX_REPOSTS = 20_000
"""Reposts that are considered for the windows of a page, shared by all members: the newest 400 of
each of fifty. Where a member made more since, an original may stand at a later repost of it."""


class ListPosts:
    """Reads the timelines of lists."""

    def __init__(self, reader: Reader, retention: Retention) -> None:
        self._reader = reader
        self._retention = retention

    async def page(self, list_id: ListId, viewer: UserId, request: PageRequest) -> Page | None:
        """Return a page of the viewer's own list; None for others. Raises StoreUnavailable."""
        owned = await self._reader.stores.relations.list_of(list_id)
        if owned is None or owned.owner_id != viewer:
            return None
        members = await self._load_members(list_id)
        floor = self._retention.floor(self._reader.clock())

        skeleton = await posts_of_authors(self._reader, members, viewer)

        def shows(post: Post, view: View) -> Verdict:
            if post.author_id not in members:  # another author's earlier claim has the id
                return Verdict(shown=False, rule=8, reason="not_the_owner")
            return judge_in_list(post, view, list_id, owned.rules)

        found = await self._reader.walk(
            skeleton,
            request.span(floor),
            request.limit,
            viewer=viewer,
            shows=shows,
            retention=self._retention,
            context="home",
            reposts=repost_finder(
                self._reader.stores.reposts, members, floor, MAX_REPOSTS // max(1, len(members))
            ),
        )
        return cut_page(request, found)

    async def _load_members(self, list_id: ListId) -> set[UserId]:
        members: set[UserId] = set()
        last = UserId(0)
        while len(members) < MAX_MEMBERS:
            some = await self._reader.stores.relations.members(
                list_id, after=last, limit=MEMBERS_AT_ONCE
            )
            members.update(some)
            if len(some) < MEMBERS_AT_ONCE:
                break
            last = some[-1]
        return members
